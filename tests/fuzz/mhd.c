#include "tests/fuzz/mhd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DAEMONS_MAX = 8, FIELDS_MAX = 24, WAITING_MAX = 512, PIECE_BYTES = 500 };

struct MHD_Response {
	char *type, *cookie;
	uint8_t *body;
	size_t size, users;
	MHD_ContentReaderCallback read; /* NULL: the body is whole */
	void *read_context;
	size_t room;
};

struct MHD_Connection {
	struct MHD_Daemon *daemon;
	struct MHD_Connection *next;
	char *head, *method, *path;
	struct {
		const char *name, *value;
	} fields[FIELDS_MAX];
	size_t field_count;
	char *cookie, *token;
	const uint8_t *body;
	size_t body_size;
	struct sockaddr_in peer;
	void *state;
	bool suspended, resumed;
	unsigned status;
	struct MHD_Response *response;
};

struct MHD_Daemon {
	MHD_AccessHandlerCallback access;
	void *access_context;
	MHD_RequestCompletedCallback completed;
	void *completed_context;
	struct MHD_Connection *waiting;
	size_t waiting_count;
};

static struct MHD_Daemon *daemons[DAEMONS_MAX];
static size_t daemon_count, turn;

static char *copy(const char *text)
{
	char *made = strdup(text);
	if (!made)
		abort();
	return made;
}

/* --- what the server calls --- */

static void take_options(struct MHD_Daemon *daemon, va_list options)
{
	for (;;) {
		switch (va_arg(options, enum MHD_OPTION)) {
		case MHD_OPTION_END:
			return;
		case MHD_OPTION_NOTIFY_COMPLETED:
			daemon->completed = va_arg(options, MHD_RequestCompletedCallback);
			daemon->completed_context = va_arg(options, void *);
			break;
		case MHD_OPTION_NOTIFY_CONNECTION: /* for clients' certificates, which nobody has here */
		case MHD_OPTION_EXTERNAL_LOGGER:
			(void)va_arg(options, void *);
			(void)va_arg(options, void *);
			break;
		case MHD_OPTION_HTTPS_MEM_KEY:
		case MHD_OPTION_HTTPS_MEM_CERT:
		case MHD_OPTION_HTTPS_PRIORITIES:
			(void)va_arg(options, const char *);
			break;
		case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
			(void)va_arg(options, size_t);
			break;
		case MHD_OPTION_LISTEN_SOCKET:
		case MHD_OPTION_CONNECTION_LIMIT:
		case MHD_OPTION_PER_IP_CONNECTION_LIMIT:
		case MHD_OPTION_CONNECTION_TIMEOUT:
		case MHD_OPTION_CLIENT_DISCIPLINE_LVL:
		case MHD_OPTION_SERVER_INSANITY:
			(void)va_arg(options, int);
			break;
		default:
			abort(); /* say above what comes with it */
		}
	}
}

struct MHD_Daemon *MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback accept_policy,
				    void *accept_context, MHD_AccessHandlerCallback access, void *access_context, ...)
{
	(void)flags, (void)port, (void)accept_policy, (void)accept_context;
	struct MHD_Daemon *daemon = calloc(1, sizeof *daemon);
	if (!daemon || daemon_count == DAEMONS_MAX)
		abort();
	daemon->access = access;
	daemon->access_context = access_context;
	va_list options;
	va_start(options, access_context);
	take_options(daemon, options);
	va_end(options);
	daemons[daemon_count++] = daemon;
	return daemon;
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon, enum MHD_DaemonInfoType type, ...)
{
	static union MHD_DaemonInfo info = {.epoll_fd = -1};
	return daemon && type == MHD_DAEMON_INFO_EPOLL_FD ? &info : NULL;
}

enum MHD_Result MHD_get_timeout(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *timeout)
{
	(void)daemon, (void)timeout;
	return MHD_NO;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
	if (kind == MHD_COOKIE_KIND)
		return strcmp(key, "sekisho") == 0 ? connection->cookie : NULL;
	for (size_t i = 0; kind == MHD_HEADER_KIND && i < connection->field_count; i++)
		if (strcasecmp(connection->fields[i].name, key) == 0)
			return connection->fields[i].value;
	return NULL;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
							enum MHD_ConnectionInfoType type, ...)
{
	static union MHD_ConnectionInfo info;
	if (type != MHD_CONNECTION_INFO_CLIENT_ADDRESS)
		return NULL;
	info.client_addr = (struct sockaddr *)&connection->peer;
	return &info;
}

struct MHD_Response *MHD_create_response_from_buffer_copy(size_t size, const void *buffer)
{
	struct MHD_Response *response = calloc(1, sizeof *response);
	if (!response || !(response->body = malloc(size + 1)))
		abort();
	if (size > 0)
		memcpy(response->body, buffer, size);
	response->body[size] = '\0';
	response->size = size;
	response->users = 1;
	return response;
}

/* Only the last piece is kept, and ends as a text does. */
struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block_size, MHD_ContentReaderCallback crc,
						       void *crc_cls, MHD_ContentReaderFreeCallback crfc)
{
	if (size != MHD_SIZE_UNKNOWN || block_size == 0 || !crc || crfc)
		abort();
	struct MHD_Response *response = calloc(1, sizeof *response);
	if (!response || !(response->body = calloc(1, block_size + 1)))
		abort();
	response->read = crc;
	response->read_context = crc_cls;
	response->room = block_size;
	response->users = 1;
	return response;
}

/* A header that would be two, or none, is the end. */
enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *header, const char *content)
{
	if (!*header || !*content || strpbrk(header, "\r\n\t :") || strpbrk(content, "\r\n"))
		abort();
	char **kept = strcasecmp(header, "Content-Type") == 0 ? &response->type
		      : strcasecmp(header, "Set-Cookie") == 0 ? &response->cookie
							      : NULL;
	if (kept && *kept)
		abort();
	if (kept)
		*kept = copy(content);
	return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *response)
{
	if (response->users == 0)
		abort();
	if (--response->users > 0)
		return;
	free(response->type);
	free(response->cookie);
	free(response->body);
	free(response);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
				   struct MHD_Response *response)
{
	if (connection->response || connection->suspended || status < 200 || status > 599)
		abort();
	connection->response = response;
	connection->status = status;
	response->users++;
	return MHD_YES;
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
	if (connection->suspended || (connection->response && !connection->response->read))
		abort();
	connection->suspended = true;
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
	if (!connection->suspended || connection->resumed)
		abort();
	connection->resumed = true;
}

/* --- the library's side --- */

static void connection_end(struct MHD_Connection *connection, enum MHD_RequestTerminationCode code)
{
	struct MHD_Daemon *daemon = connection->daemon;
	for (struct MHD_Connection **at = &daemon->waiting; *at; at = &(*at)->next)
		if (*at == connection) {
			*at = connection->next;
			daemon->waiting_count--;
			break;
		}
	struct MHD_Response *r = connection->response;
	if (r) {
		const struct mhd_answer answer = {connection->status, r->type, r->cookie, r->body, r->size};
		mhd_answered(&answer);
		MHD_destroy_response(r);
	}
	if (daemon->completed)
		daemon->completed(daemon->completed_context, connection, &connection->state, code);
	free(connection->cookie);
	free(connection->token);
	free(connection->head);
	free(connection);
}

static bool call(struct MHD_Connection *c, const char *data, size_t *size)
{
	return c->daemon->access(c->daemon->access_context, c, c->path, c->method, "HTTP/1.1", data, size, &c->state) ==
	       MHD_YES;
}

static bool play_body(struct MHD_Connection *c)
{
	for (size_t at = 0; at < c->body_size;) {
		size_t left = c->body_size - at < PIECE_BYTES ? c->body_size - at : PIECE_BYTES, all = left;
		char *piece = malloc(left);
		if (!piece)
			abort();
		memcpy(piece, c->body + at, left);
		bool goes_on = call(c, piece, &left);
		free(piece);
		if (!goes_on)
			return false;
		if (left == all)
			abort(); /* it would be given for ever */
		at += all - left;
	}
	return true;
}

/* What a stream has for now goes out. One that has nothing and has not ended must wait: it would be asked for ever. */
static void play_stream(struct MHD_Connection *c)
{
	struct MHD_Response *r = c->response;
	ssize_t got;
	c->suspended = c->resumed = false;
	while ((got = r->read(r->read_context, 0, (char *)r->body, r->room)) > 0) {
		if ((size_t)got > r->room || c->suspended)
			abort();
		r->size = (size_t)got;
		r->body[r->size] = '\0';
	}
	if (got == MHD_CONTENT_READER_END_OF_STREAM)
		connection_end(c, MHD_REQUEST_TERMINATED_COMPLETED_OK);
	else if (got != 0 || !c->suspended)
		abort();
}

/* One that does not answer must wait. */
static void play_end(struct MHD_Connection *c)
{
	size_t none = 0;
	c->suspended = c->resumed = false;
	if (!call(c, NULL, &none))
		connection_end(c, MHD_REQUEST_TERMINATED_WITH_ERROR);
	else if (c->response && c->response->read)
		play_stream(c);
	else if (c->response)
		connection_end(c, MHD_REQUEST_TERMINATED_COMPLETED_OK);
	else if (!c->suspended)
		abort();
}

enum MHD_Result MHD_run(struct MHD_Daemon *daemon)
{
	for (struct MHD_Connection *c = daemon->waiting, *next; c; c = next) {
		next = c->next;
		if (c->resumed && c->response)
			play_stream(c);
		else if (c->resumed)
			play_end(c);
	}
	return MHD_YES;
}

void MHD_stop_daemon(struct MHD_Daemon *daemon)
{
	while (daemon->waiting)
		connection_end(daemon->waiting, MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN);
	for (size_t i = 0; i < daemon_count; i++)
		if (daemons[i] == daemon)
			daemons[i] = daemons[--daemon_count];
	free(daemon);
}

/* --- the peer's side --- */

/* The library gives the cookie's value by its name. */
static void find_cookie(struct MHD_Connection *c)
{
	static const char name[] = "sekisho=";
	for (size_t i = 0; i < c->field_count; i++) {
		const char *at = strcasecmp(c->fields[i].name, "Cookie") ? NULL : strstr(c->fields[i].value, name);
		if (!at || c->cookie)
			continue;
		at += sizeof name - 1;
		c->cookie = c->token && *at == '@' ? copy(c->token) : strndup(at, strcspn(at, "; "));
		if (!c->cookie)
			abort();
	}
}

/* Lines of the head, cut in place. False: no request. */
static bool parse_head(struct MHD_Connection *c)
{
	char *rest = c->head, *line = strsep(&rest, "\n");
	c->path = strchr(line, ' ');
	if (!c->path || c->path == line || c->path[1] != '/')
		return false;
	*c->path++ = '\0';
	c->method = line;
	c->path[strcspn(c->path, "? ")] = '\0';
	while ((line = strsep(&rest, "\n")) && c->field_count < FIELDS_MAX) {
		char *value = strstr(line, ": ");
		if (!value || value == line)
			continue;
		*value = '\0';
		value += 2;
		c->fields[c->field_count].name = line;
		c->fields[c->field_count++].value = c->token && strcmp(value, "@") == 0 ? c->token : value;
	}
	find_cookie(c);
	return true;
}

void mhd_request(const uint8_t *text, size_t size, const char *token)
{
	struct MHD_Daemon *daemon = daemons[turn++ % daemon_count];
	struct MHD_Connection *c = calloc(1, sizeof *c);
	const uint8_t *end = memmem(text, size, "\n\n", 2);
	size_t head = end ? (size_t)(end - text) : size, none = 0;
	if (!c || !(c->head = strndup((const char *)text, head)))
		abort();
	c->token = token ? copy(token) : NULL;
	c->daemon = daemon;
	c->peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(4000)};
	c->peer.sin_addr.s_addr = htonl(0x0a4d0001 + (uint32_t)(turn % 4));
	c->body = end ? end + 2 : NULL;
	c->body_size = end ? size - head - 2 : 0;
	c->next = daemon->waiting;
	daemon->waiting = c;
	daemon->waiting_count++;
	if (!parse_head(c) || daemon->waiting_count > WAITING_MAX || !call(c, NULL, &none) || !play_body(c))
		connection_end(c, MHD_REQUEST_TERMINATED_WITH_ERROR);
	else
		play_end(c);
}

void mhd_hang_up(size_t nth)
{
	for (size_t i = 0; i < daemon_count; i++)
		for (struct MHD_Connection *c = daemons[i]->waiting; c; c = c->next)
			if (nth-- == 0) {
				connection_end(c, MHD_REQUEST_TERMINATED_CLIENT_ABORT);
				return;
			}
}

/* The store process: the fleet's table and its database, in the middle of the others. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "vpn/gateway/account.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/db.h"
#include "vpn/gateway/hub_desk.h"

enum {
	AUDIT_KEY_FD = GATEWAY_OWN_FD,
	WITNESS_FD = GATEWAY_OWN_FD + 1,
	PEM_MAX_BYTES = 4096,
	TICK_MS = 1000,
	WORK_PAUSE_MS = 5, /* between two turns of work: what came meanwhile is first */
	CONTROL_CLIENTS_MAX = 16,
	EVENTS_SHOWN = 200
};

static struct self self = {
    .name = "store",
    .holds =
	"the database: registry, states, operators' password hashes; the key that signs the audit log's checkpoints",
    .reads = "what the other processes and the control socket say, strictly framed",
    .speaks_to = "policy, peers, egress, api, web, lookup, the control socket",
    .promises =
	PROMISE_BASE | PROMISE_SEND | PROMISE_LISTEN | PROMISE_READ_FILE | PROMISE_WRITE_FILE | PROMISE_DATABASE,
    .open_files_max = 128,
};

struct client {
	int fd; /* -1: free */
	char account[OPERATOR_SIZE];
	struct channel channel;
};

struct member {
	int fd; /* -1: not there */
	struct loop_watch *watch;
	struct msg msg;
};

static struct hub hub;
static struct loop *loop;
static struct loop_timer *tick, *work;
static struct member channels[GATEWAY_ROLES];
static struct client clients[CONTROL_CLIENTS_MAX];

static void detach(enum gateway_role role)
{
	struct member *channel = &channels[role];
	if (channel->fd < 0)
		return;
	loop_unwatch(channel->watch);
	close(channel->fd);
	msg_free(&channel->msg);
	*channel = (struct member){.fd = -1};
}

static bool send_to(struct hub *h, enum gateway_role role, uint16_t type, uint32_t id, const struct writer *payload)
{
	(void)h;
	if (channels[role].fd < 0)
		return false;
	if (payload->failed) {
		log_error("a message of type %u did not fit and was not sent", type);
		return false;
	}
	int error = msg_send(channels[role].fd, type, id, payload->data, payload->size);
	if (error) {
		/* It is restarted by the parent and briefed anew. */
		log_warn("process %d does not take messages (%s)", role, strerror(-error));
		detach(role);
	}
	return !error;
}

/* --- results of any size --- */

static void send_result(int fd, uint32_t id, const char *text, size_t size)
{
	static uint8_t data[GW_RESULT_PART_BYTES + 16];
	size_t at = 0;
	do {
		size_t part = size - at < GW_RESULT_PART_BYTES ? size - at : GW_RESULT_PART_BYTES;
		struct writer w = writer_over(data, sizeof data);
		write_u8(&w, at + part == size);
		write_blob(&w, text + at, part);
		if (msg_send(fd, GW_RESULT, id, w.data, w.size))
			break;
		at += part;
	} while (at < size);
	wipe(data, sizeof data); /* new secrets may be in it */
}

static void report_sticks(const char *argument, FILE *out) { (void)argument, hub_report_sticks(&hub, out); }
static void report_events(const char *argument, FILE *out)
{
	(void)argument, hub_report_events(&hub, out, EVENTS_SHOWN);
}
static void report_metrics(const char *argument, FILE *out) { (void)argument, hub_report_metrics(&hub, out); }
static void report_stick(const char *argument, FILE *out) { hub_report_stick(&hub, out, argument); }
static void report_alarms(const char *argument, FILE *out) { (void)argument, hub_report_alarms(&hub, out); }
static void report_alarm(const char *argument, FILE *out) { hub_report_alarm(&hub, out, strtoll(argument, NULL, 10)); }
static void report_accounts(const char *argument, FILE *out) { (void)argument, hub_report_accounts(&hub, out); }
static void report_shifts(const char *argument, FILE *out) { (void)argument, hub_report_shifts(&hub, out); }
static void report_requests(const char *argument, FILE *out) { (void)argument, hub_report_requests(&hub, out); }

/* `view` is the audit log's word for it, NULL: not a view of customers. */
static const struct {
	enum right right;
	const char *view;
	void (*report)(const char *argument, FILE *out);
} queries[QUERIES] = {
    [QUERY_STICKS] = {RIGHT_WATCH, "sticks_viewed", report_sticks},
    [QUERY_EVENTS] = {RIGHT_WATCH, "events_viewed", report_events},
    [QUERY_METRICS] = {RIGHT_WATCH, NULL, report_metrics},
    [QUERY_STICK] = {RIGHT_WATCH, "stick_viewed", report_stick},
    [QUERY_ALARMS] = {RIGHT_WATCH, "alarms_viewed", report_alarms},
    [QUERY_ALARM] = {RIGHT_WATCH, NULL, report_alarm},
    [QUERY_ACCOUNTS] = {RIGHT_REVIEW, "accounts_viewed", report_accounts},
    [QUERY_REQUESTS] = {RIGHT_WATCH, NULL, report_requests},
    [QUERY_SHIFTS] = {RIGHT_WATCH, NULL, report_shifts},
};

static void send_status(uint32_t id, unsigned status)
{
	uint8_t data[2];
	struct writer w = writer_over(data, sizeof data);
	write_u16(&w, (uint16_t)status);
	if (status != 200)
		send_to(&hub, ROLE_WEB, GW_STATUS, id, &w);
}

/* Monitoring, with its token, reads the metrics and nothing else. */
static unsigned may_see(uint8_t what, const char *argument, const char *who, int64_t changed)
{
	if (!who[0])
		return what == QUERY_METRICS ? 200 : 403;
	unsigned status = hub_desk_sees(&hub, who, changed, queries[what].right);
	const char *stick = what == QUERY_STICK && name_is_id(argument) ? argument : "";
	if (status == 200 && queries[what].view && hub_viewed(&hub, who, queries[what].view, stick))
		status = 507;
	return status;
}

static void report(uint8_t what, const char *argument, unsigned status, FILE *out)
{
	if (status == 200)
		queries[what].report(argument, out);
	else
		fprintf(out, "{\"error\":\"%s\"}",
			status == 401   ? "log_in"
			: status == 507 ? "audit_log_full"
					: "not_your_role");
}

/* Consoles are told at most once a second that there is something new, and ask for it themselves. */
static void tell_changed(struct hub *h)
{
	static uint64_t told;
	uint8_t data[16];
	struct writer w = writer_over(data, sizeof data);
	if (told == h->revision)
		return;
	write_u64(&w, (uint64_t)h->started);
	write_u64(&w, h->revision);
	if (send_to(h, ROLE_WEB, GW_CHANGED, 0, &w))
		told = h->revision;
}

static void query(uint32_t id, struct reader *r)
{
	char *text = NULL, argument[STICK_ID_SIZE], who[OPERATOR_SIZE];
	size_t size = 0;
	uint8_t what = read_u8(r);
	read_str(r, argument, sizeof argument);
	read_str(r, who, sizeof who);
	int64_t changed = (int64_t)read_u64(r);
	FILE *out = reader_done(r) && what < QUERIES ? open_memstream(&text, &size) : NULL;
	if (!out)
		return;
	unsigned status = may_see(what, argument, who, changed);
	report(what, argument, status, out);
	if (fclose(out) == 0 && channels[ROLE_WEB].fd >= 0) {
		send_status(id, status);
		send_result(channels[ROLE_WEB].fd, id, text, size);
	}
	free(text);
}

/* What somebody does at the console: flat texts, so that nothing of theirs is parsed here. */
static void call(uint32_t id, struct reader *r)
{
	static char value[REQUEST_STICKS_SIZE];
	char *text = NULL, name[CODE_SIZE], who[OPERATOR_SIZE], member[CODE_SIZE];
	size_t size = 0;
	read_str(r, name, sizeof name);
	read_str(r, who, sizeof who);
	int64_t changed = (int64_t)read_u64(r);
	json_t *request = json_object();
	for (uint8_t left = read_u8(r); left > 0 && !r->failed; left--) {
		read_str(r, member, sizeof member);
		read_str(r, value, sizeof value);
		json_object_set_new(request, member, json_string(value));
	}
	struct desk_call desk = {.request = request, .who = who};
	desk.out = reader_done(r) && who[0] ? open_memstream(&text, &size) : NULL;
	if (desk.out && !hub_desk_call(&hub, name, &desk, changed))
		desk_refuse(&desk, 404, "unknown", "there is no such call");
	if (desk.out && fclose(desk.out) == 0 && channels[ROLE_WEB].fd >= 0) {
		send_status(id, desk.status);
		send_result(channels[ROLE_WEB].fd, id, text, size);
	}
	if (text)
		wipe(text, size); /* new secrets may be in it */
	free(text);
	json_decref(request);
}

static void login(uint32_t id, struct reader *r)
{
	char name[OPERATOR_SIZE], password[257], code[16], from[ENDPOINT_SIZE];
	uint8_t data[64];
	struct hub_who who = {0};
	read_str(r, name, sizeof name);
	read_str(r, password, sizeof password);
	read_str(r, code, sizeof code);
	read_str(r, from, sizeof from);
	bool good = reader_done(r) && hub_login(&hub, name, password, code, from, &who);
	wipe(password, sizeof password);
	wipe(code, sizeof code);
	struct writer w = writer_over(data, sizeof data);
	write_u8(&w, good);
	write_str(&w, who.role);
	write_u8(&w, who.second_factor);
	write_u64(&w, (uint64_t)who.changed);
	send_to(&hub, ROLE_WEB, GW_LOGIN_REPLY, id, &w);
}

static void event(struct reader *r)
{
	char kind[CODE_SIZE], who[OPERATOR_SIZE], detail[128];
	read_str(r, kind, sizeof kind);
	read_str(r, who, sizeof who);
	read_str(r, detail, sizeof detail);
	if (reader_done(r))
		hub_note(&hub, kind, "", who, detail);
}

static void count(struct reader *r)
{
	char code[CODE_SIZE];
	read_str(r, code, sizeof code);
	if (reader_done(r))
		hub_count(&hub, code);
}

/* --- dispatch: who may say what --- */

static void on_policy(uint32_t id, struct reader *r) { (void)id, hub_policy(&hub, r); }
static void on_plan(uint32_t id, struct reader *r) { (void)id, hub_plan(&hub, r); }
static void on_gateways(uint32_t id, struct reader *r) { (void)id, hub_gateways(&hub, r); }
static void on_refused(uint32_t id, struct reader *r) { (void)id, hub_document_refused(&hub, r); }
static void on_peer_status(uint32_t id, struct reader *r) { (void)id, hub_peer_status(&hub, r); }
static void on_session_done(uint32_t id, struct reader *r) { hub_session_done(&hub, id, r); }
static void on_tried(uint32_t id, struct reader *r) { (void)id, hub_tried(&hub, r); }
static void on_beacon(uint32_t id, struct reader *r) { hub_beacon(&hub, id, r); }
static void on_open(uint32_t id, struct reader *r) { hub_open_request(&hub, id, r); }
static void on_fetch(uint32_t id, struct reader *r) { hub_fetch(&hub, id, r); }
static void on_nonce(uint32_t id, struct reader *r) { hub_nonce(&hub, id, r); }
static void on_statement(uint32_t id, struct reader *r) { hub_statement(&hub, id, r); }
static void on_count(uint32_t id, struct reader *r) { (void)id, count(r); }
static void on_indicators(uint32_t id, struct reader *r)
{
	(void)id;
	uint64_t count = read_u64(r), made = read_u64(r);
	char refused[sizeof hub.indicators_refused];
	read_str(r, refused, sizeof refused);
	if (!reader_done(r))
		return;
	hub.indicators = count;
	hub.indicators_made = (int64_t)made;
	memcpy(hub.indicators_refused, refused, sizeof refused);
}
static void on_connections(uint32_t id, struct reader *r) { (void)id, hub_connections(&hub, r); }
static void on_lookup(uint32_t id, struct reader *r) { (void)id, hub_lookup(&hub, r); }
static void on_lookup_refused(uint32_t id, struct reader *r) { (void)id, hub_lookup_refused(&hub, r); }
static void on_event(uint32_t id, struct reader *r) { (void)id, event(r); }

static const struct {
	enum gateway_role from;
	uint16_t type;
	void (*take)(uint32_t id, struct reader *r);
} rows[] = {
    {ROLE_POLICY, GW_POLICY, on_policy},
    {ROLE_POLICY, GW_PLAN, on_plan},
    {ROLE_POLICY, GW_GATEWAYS, on_gateways},
    {ROLE_POLICY, GW_DOCUMENT_REFUSED, on_refused},
    {ROLE_PEERS, GW_PEER_STATUS, on_peer_status},
    {ROLE_EGRESS, GW_SESSION_DONE, on_session_done},
    {ROLE_EGRESS, GW_TRIED, on_tried},
    {ROLE_API, GW_BEACON, on_beacon},
    {ROLE_API, GW_OPEN, on_open},
    {ROLE_API, GW_FETCH, on_fetch},
    {ROLE_API, GW_NONCE, on_nonce},
    {ROLE_API, GW_STATEMENT, on_statement},
    {ROLE_API, GW_API_COUNT, on_count},
    {ROLE_API, GW_API_INDICATORS, on_indicators},
    {ROLE_WEB, GW_QUERY, query},
    {ROLE_WEB, GW_CALL, call},
    {ROLE_WEB, GW_LOGIN, login},
    {ROLE_WEB, GW_EVENT, on_event},
    {ROLE_LOOKUP, GW_CONNECTIONS, on_connections},
    {ROLE_LOOKUP, GW_LOOKUP, on_lookup},
    {ROLE_LOOKUP, GW_LOOKUP_REFUSED, on_lookup_refused},
};

static void dispatch(enum gateway_role from, const struct msg *m)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].from != from || rows[i].type != m->type)
			continue;
		struct reader r = reader_over(m->payload, m->size);
		rows[i].take(m->id, &r);
		return;
	}
	log_error("process %d sent a message of type %u, which is not its to send: it is cut off", from, m->type);
	detach(from);
}

/* Passwords and statements come this way. One that was cut off has none left. */
static void wipe_payload(struct msg *m)
{
	if (m->payload)
		wipe(m->payload, m->size);
}

static void on_channel(uint32_t events, void *context)
{
	(void)events;
	enum gateway_role role = (enum gateway_role)((struct member *)context - channels);
	for (int i = 0; i < 64 && channels[role].fd >= 0; i++) {
		int got = msg_receive(channels[role].fd, &channels[role].msg);
		if (got == -EAGAIN)
			return;
		if (got != 1) {
			detach(role);
			return;
		}
		dispatch(role, &channels[role].msg);
		wipe_payload(&channels[role].msg);
		if (channels[role].msg.size > MSG_PAYLOAD_MAX_BYTES)
			msg_free(&channels[role].msg); /* its megabytes are not held until it says more */
	}
}

/* --- the parent --- */

static void attach(enum gateway_role role, int fd)
{
	static void (*const briefs[GATEWAY_ROLES])(struct hub *hub) = {
	    [ROLE_POLICY] = hub_brief_policy, [ROLE_PEERS] = hub_brief_peers, [ROLE_EGRESS] = hub_brief_egress};
	detach(role);
	channels[role].fd = fd;
	channels[role].msg.most_bytes = role == ROLE_POLICY ? GW_LARGE_MAX_BYTES : 0;
	channels[role].watch = loop_watch(loop, fd, EPOLLIN, on_channel, &channels[role]);
	if (!channels[role].watch)
		fatal("cannot watch a channel: %s", strerror(errno));
	if (briefs[role])
		briefs[role](&hub);
}

static int take_role(struct msg *m, void *context)
{
	struct reader r = reader_over(m->payload, m->size);
	uint8_t role = read_u8(&r);
	(void)context;
	if (role == ROLE_STORE || role >= GATEWAY_ROLES)
		return -EBADMSG;
	if (m->type == GW_RESTART)
		hub.restarts[role]++;
	int fd = m->type == GW_ATTACH ? msg_take_fd(m, 0) : -1;
	if (fd >= 0)
		attach((enum gateway_role)role, fd);
	return 0;
}

static const struct channel_row parent_rows[] = {{GW_ATTACH, 1, 1, take_role}, {GW_RESTART, 1, 1, take_role}};

static struct channel parent = CHANNEL("the parent", parent_rows);

/* --- the control socket --- */

static int take_command(struct msg *m, void *context)
{
	const struct client *client = context;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	hub_control(&hub, client->account, (const char *)m->payload, m->size, out);
	int error = fclose(out) == 0 ? 0 : -ENOMEM;
	if (!error)
		send_result(client->fd, m->id, text, size);
	if (text)
		wipe(text, size); /* a new password may be in it */
	free(text);
	return error;
}

static const struct channel_row client_rows[] = {{GW_CONTROL, 0, CHANNEL_ANY_BYTES, take_command}};

static void on_client_ended(int error, void *context)
{
	(void)error;
	struct client *client = context;
	channel_unwatch(&client->channel);
	close(client->fd);
	client->fd = -1;
}

static void on_control(uint32_t events, void *context)
{
	(void)events, (void)context;
	int fd = accept4(GATEWAY_STORE_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (clients[i].fd >= 0)
			continue;
		clients[i] = (struct client){.fd = fd, .channel = CHANNEL("a control client", client_rows)};
		clients[i].channel.ended = on_client_ended;
		if (account_of_peer(fd, clients[i].account) ||
		    channel_watch(loop, fd, &clients[i].channel, &clients[i]))
			on_client_ended(0, &clients[i]);
		return;
	}
	close(fd);
}

static void on_work(void *context)
{
	(void)context;
	if (hub_work(&hub))
		loop_timer_set(work, WORK_PAUSE_MS);
}

static void on_tick(void *context)
{
	if (store_look(hub.store) == -ESTALE)
		fatal("the database is there again, and whether the last change was kept is not known: ending, to be "
		      "started again with what is in it");
	on_work(context);
	hub_tick(&hub);
	hub_lookup_tick(&hub);
	hub_login_tick(&hub);
	hub_alarms_tick(&hub, now_ms());
	tell_changed(&hub);
	audit_checkpoint(hub.audit, hub_now(), false);
	audit_review(hub.audit, AUDIT_REVIEW_NEXT);
	loop_timer_set(tick, TICK_MS);
}

static _Noreturn void refuse_database(int error)
{
	if (error == -EBUSY)
		fatal("another gateway of tenant %s is at work in this database, and each needs one of its own",
		      hub.config.tenant);
	if (db_place(hub.config.database) != DB_FILE)
		fatal("the database's server cannot be used (%s): what it said is in the line before",
		      strerror(-error));
	fatal("the database %s cannot be opened (%s): is its directory there, writable for this user, and the disk not "
	      "full?",
	      hub.config.database, strerror(-error));
}

/* Files for SQLite's; for a server one kind of socket, to its port alone, and no file but those of TLS. */
static void allow_database(void)
{
	static char directory[CONFIG_DATABASE_SIZE];
	enum db_place place = db_place(hub.config.database);
	if (place == DB_FILE) {
		memcpy(directory, hub.config.database, sizeof directory);
		*strrchr(directory, '/') = '\0';
		self.paths[0] = (struct self_path){directory, ACCESS_READ | ACCESS_WRITE};
		return;
	}
	self.promises &= ~(uint32_t)(PROMISE_WRITE_FILE | PROMISE_DATABASE);
	self.promises |= PROMISE_SYNC | (place == DB_LOCAL_SERVER ? PROMISE_LOCAL : PROMISE_SERVER);
	self.server_port = db_port(hub.config.database);
	for (size_t i = 0; i < SELF_PATHS_MAX && store_file(hub.store, i); i++)
		self.paths[i] = (struct self_path){store_file(hub.store, i), ACCESS_READ};
}

static void open_everything(void)
{
	child_begin("gatewayd store", WITNESS_FD, &hub.config);
	hub.send = send_to;
	hub.alone = true;
	for (size_t i = 0; i < GATEWAY_ROLES; i++)
		channels[i].fd = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		clients[i].fd = -1;
	accounts_read();
	char *audit_pem = child_read_fd(AUDIT_KEY_FD, PEM_MAX_BYTES);
	if (!audit_pem)
		fatal("the audit log's key %s cannot be read: %s", hub.config.audit_key, strerror(errno));
	int error = hub_open(&hub, audit_pem, WITNESS_FD);
	wipe(audit_pem, strlen(audit_pem));
	free(audit_pem);
	close(AUDIT_KEY_FD);
	if (error == -EKEYREJECTED)
		fatal("the audit log's key %s is no P-256 key in PEM format", hub.config.audit_key);
	if (error)
		refuse_database(error);
	allow_database();
	loop = loop_new();
	tick = loop ? loop_timer(loop, on_tick, NULL) : NULL;
	work = loop ? loop_timer(loop, on_work, NULL) : NULL;
	if (!tick || !work || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    !loop_watch(loop, GATEWAY_STORE_FD, EPOLLIN, on_control, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
}

int store_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(malloc, wipe_free); /* what secrets were in, it had */
	open_everything();
	if (sandbox_enter(&self))
		return 1;
	loop_timer_set(tick, TICK_MS);
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	hub_close(&hub);
	return parent.error ? 1 : 0;
}

#include <jansson.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/mhd.h"
#include "tests/fuzz/still.h"

/* the descriptors of this process are not the console's */
#define close(fd) ((void)(fd))
/* the process whole: its handlers and the store's answers are functions of its own */
#include "vpn/gateway/webproc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The console's process among browsers that lie. Nothing of a stick leaves it for one who is not logged in, nobody is
 * logged in whom the store did not know, and what came from another origin changes nothing. "@" in a request stands
 * for the cookie that the last log-in gave, or before it for a good token of /metrics.
 */

enum { ASKED_MAX = 16 };

static uint32_t asked[ASKED_MAX]; /* numbers of the requests that went to the store */
static size_t asked_count;
static bool store_spoke, has_session, token_shown;
static char cookie_given[LOGIN_TOKEN_SIZE];

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	struct reader r = reader_over(payload, size);
	char text[512];
	if (fd != GATEWAY_STORE_FD)
		abort();
	if (type == GW_QUERY) {
		if (!has_session && !token_shown)
			abort();
		read_u8(&r);
		read_str(&r, text, sizeof text);
		read_str(&r, text, OPERATOR_SIZE);
		read_u64(&r);
	} else if (type == GW_CALL) {
		if (!has_session)
			abort();
		read_str(&r, text, CODE_SIZE);
		read_str(&r, text, OPERATOR_SIZE);
		read_u64(&r);
		for (uint8_t left = read_u8(&r); left > 0 && !r.failed; left--) {
			static char value[CALL_MAX_BYTES + 1];
			read_str(&r, text, CODE_SIZE);
			read_str(&r, value, sizeof value);
		}
	} else if (type == GW_LOGIN) {
		read_str(&r, text, sizeof text);
		if (!name_is_id(text))
			abort();
		for (int i = 0; i < 3; i++)
			read_str(&r, text, sizeof text);
	} else if (type == GW_EVENT) {
		if (!has_session)
			abort();
		for (int i = 0; i < 3; i++)
			read_str(&r, text, sizeof text);
	} else {
		abort();
	}
	if (!reader_done(&r))
		abort();
	if (type != GW_EVENT)
		asked[asked_count++ % ASKED_MAX] = id;
	return 0;
}

int channel_watch(struct loop *on, int fd, struct channel *channel, void *context)
{
	(void)on, (void)fd, (void)channel, (void)context;
	return 0;
}
int sandbox_enter(const struct self *of) { return of ? 0 : -EINVAL; }
void child_begin(const char *name, int highest_fd, struct config *of) { (void)name, (void)highest_fd, (void)of; }
char *child_read_fd(int fd, size_t max_bytes)
{
	return max_bytes > 0 ? strdup(fd == TOKEN_FD ? "monitoring\n" : "a key") : NULL;
}
int pages_load(const char *directory, struct pages *of) { return directory && of ? -ENOENT : -EINVAL; }
const struct page *pages_find(const struct pages *of, const char *path)
{
	static struct page page = {.path = "/index.html", .type = "text/html; charset=utf-8", .data = (char *)"<p>"};
	page.size = 3;
	return of && (strcmp(path, "/") == 0 || strcmp(path, page.path) == 0) ? &page : NULL;
}

/* What the process says itself can be read by a browser, whatever it sent; a cookie is given by a log-in only. */
void mhd_answered(const struct mhd_answer *answer)
{
	static const char given[] = COOKIE "=";
	if (answer->cookie && strncmp(answer->cookie, given, sizeof given - 1) != 0)
		abort();
	bool is_new = answer->cookie && answer->cookie[sizeof given - 1] != ';';
	if (is_new && (!store_spoke || answer->status != 200))
		abort();
	if (is_new) {
		snprintf(cookie_given, sizeof cookie_given, "%s", answer->cookie + sizeof given - 1);
		has_session = true;
	}
	if (store_spoke || !answer->type || strcmp(answer->type, "application/json") != 0)
		return;
	json_t *json = json_loadb((const char *)answer->body, answer->size, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		abort();
	json_decref(json);
}

static void store_says(const uint8_t *data, size_t size)
{
	const struct channel_row *row = &answers[data[0] % (sizeof answers / sizeof answers[0])];
	struct msg m = {.type = row->type, .id = asked[data[1] % ASKED_MAX], .size = size - 2};
	m.payload = calloc(1, m.size + 1); /* as from msg_receive(): a NUL behind it */
	if (!m.payload)
		abort();
	memcpy(m.payload, data + 2, m.size);
	store_spoke = true;
	if (m.size >= row->least_bytes)
		(void)row->take(&m, NULL);
	still_pass(0); /* what was answered goes out */
	store_spoke = false;
	free(m.payload);
}

static void request(const uint8_t *data, size_t size)
{
	token_shown = memmem(data, size, "monitoring", 10);
	mhd_request(data, size, has_session ? cookie_given : NULL);
	token_shown = false;
}

/* Steps: a letter, a size in two bytes, so many bytes. q: a request (mhd.h); s: which answer of the store, to which
 * request, its payload; x: whose peer hangs up; t: so many tenths of a second pass. */
static void step(uint8_t what, const uint8_t *data, size_t size)
{
	if (what == 'q')
		request(data, size);
	else if (what == 's' && size >= 2)
		store_says(data, size);
	else if (what == 'x' && size >= 1)
		mhd_hang_up(data[0]);
	else if (what == 't' && size >= 1)
		still_pass(100 * data[0]);
}

static void begin(void)
{
	memset(asked, 0, sizeof asked);
	memset(&login, 0, sizeof login);
	asked_count = 0;
	has_session = false;
	config.web_count = 2; /* two listeners: a request is found at its own */
	if (streams_begin(&streams, loop))
		abort();
	serve();
}

static void end(void)
{
	loop_timer_free(streams.alive);
	memset(streams.ids, 0, sizeof streams.ids);
	for (size_t i = 0; i < config.web_count; i++) {
		http_free(servers[i]);
		servers[i] = NULL;
	}
	for (size_t i = 0; i < PENDING_MAX; i++)
		pending_free(&pendings[i]);
	free(metrics_token);
	metrics_token = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	while (size > 3) {
		size_t length = (size_t)data[1] | (size_t)data[2] << 8;
		if (length > size - 3)
			length = size - 3;
		step(data[0], data + 3, length);
		data += 3 + length;
		size -= 3 + length;
	}
	end();
	return 0;
}

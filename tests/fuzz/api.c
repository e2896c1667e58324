#include <jansson.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/mhd.h"
#include "tests/fuzz/still.h"

/* the descriptors of this process are not the API's */
#define close(fd) ((void)(fd))
/* the process whole: its handlers and the store's answers are functions of its own */
#include "vpn/gateway/apiproc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ASKED_MAX = 16 };

static uint32_t asked[ASKED_MAX]; /* numbers of the requests that went to the store */
static size_t asked_count;
static bool store_spoke;

/* Of what the store is handed as a blob; one that is larger than it may be is never seen. */
static size_t blob_size(struct reader *r, size_t most)
{
	size_t size;
	if (!read_blob(r, &size) || size > most)
		abort();
	return size;
}

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	struct reader r = reader_over(payload, size);
	struct beacon beacon;
	char text[64];
	if (fd != GATEWAY_STORE_FD)
		abort();
	if (type == GW_API_COUNT) {
		read_str(&r, text, sizeof text);
		if (!name_is_code(text))
			abort();
	} else {
		read_u32(&r);
		asked[asked_count++ % ASKED_MAX] = id;
	}
	if (type == GW_BEACON) {
		beacon_read(&r, &beacon);
	} else if (type == GW_OPEN) {
		read_str(&r, text, BANK_ID_SIZE);
		if (!name_is_bank(text) || read_u8(&r) > 1)
			abort();
	} else if (type == GW_FETCH) {
		if (read_u8(&r) > 1)
			abort();
		read_u64(&r);
	} else if (type == GW_STATEMENT) {
		if (blob_size(&r, STATEMENT_MAX_BYTES) == 0 || blob_size(&r, STATEMENT_SIGNATURE_BYTES) == 0)
			abort();
		blob_size(&r, STATEMENT_SIGNATURE_BYTES);
	} else if (type == GW_NONCE) {
		/* the address alone, which is read above */
	} else if (type != GW_API_COUNT) {
		abort();
	}
	if (!reader_done(&r))
		abort();
	return 0;
}

int channel_watch(struct loop *on, int fd, struct channel *channel, void *context)
{
	(void)on, (void)fd, (void)channel, (void)context;
	return 0;
}
/* The list of known bad hosts comes from the parent, who is not tried here: there is none. */
int msg_take_fd(struct msg *m, size_t nth) { return m && nth == 0 ? -1 : -EINVAL; }
int sandbox_enter(const struct self *of) { return of ? 0 : -EINVAL; }
void child_begin(const char *name, int highest_fd, struct config *of) { (void)name, (void)highest_fd, (void)of; }
char *child_read_fd(int fd, size_t max_bytes) { return fd >= 0 && max_bytes > 0 ? strdup("a key") : NULL; }

/* What a sender is told can be read by him, whatever he sent. The store's codes are taken as they are. */
void mhd_answered(const struct mhd_answer *answer)
{
	json_t *json = json_loadb((const char *)answer->body, answer->size, JSON_REJECT_DUPLICATES, NULL);
	if (!store_spoke && (!json || !answer->type || strcmp(answer->type, "application/json") != 0))
		abort();
	if (answer->cookie)
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

/* Steps: a letter, a size in two bytes, so many bytes. q: a request (mhd.h); s: which answer of the store, to which
 * request, its payload; x: whose peer hangs up; t: so many tenths of a second pass. */
static void step(uint8_t what, const uint8_t *data, size_t size)
{
	if (what == 'q')
		mhd_request(data, size, NULL);
	else if (what == 's' && size >= 2)
		store_says(data, size);
	else if (what == 'x' && size >= 1)
		mhd_hang_up(data[0]);
	else if (what == 't' && size >= 1)
		still_pass(100 * data[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(asked, 0, sizeof asked);
	asked_count = 0;
	serve();
	while (size > 3) {
		size_t length = (size_t)data[1] | (size_t)data[2] << 8;
		if (length > size - 3)
			length = size - 3;
		step(data[0], data + 3, length);
		data += 3 + length;
		size -= 3 + length;
	}
	for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
		http_document_free(held[i].document);
		held[i] = (struct held){0};
	}
	http_free(http);
	http = NULL;
	return 0;
}

/*
 * record - reads the device record for the launcher, or writes its mutable half once, and ends. Which of the two it
 * does is decided by the descriptor it is given: opened for reading it sends what is there; opened for both it waits
 * for what to store. It opens nothing itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/boot/record.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/children.h"
#include "launcher/messages.h"

enum { DEVICE_FD = CHILD_CHANNEL_FD + 1, STORE_WAIT_MS = 30000 };

static const struct self reader_self = {
    .name = "record",
    .holds = "the record's blocks, read-only, while it reads them",
    .reads = "the record",
    .speaks_to = "launcher",
    .promises = PROMISE_BASE | PROMISE_SEND,
    .open_files_max = 8,
    .memory_max_bytes = 128 << 20, /* the largest policy lies in it a few times */
    .locked = true,
};

static const struct self writer_self = {
    .name = "record",
    .holds = "the record's blocks, while it writes the mutable half",
    .reads = "the record",
    .speaks_to = "launcher",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_SYNC,
    .open_files_max = 8,
    .memory_max_bytes = 128 << 20, /* the largest policy lies in it a few times */
    .locked = true,
};

static int send_failure(enum record_error error)
{
	uint8_t payload[256];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, record_error_text(error));
	log_error("%s", record_error_text(error));
	return msg_send(CHILD_CHANNEL_FD, MSG_RECORD_FAILED, 0, payload, w.size) ? 1 : 0;
}

/* A copy that was never written is as it should be; one that is damaged is worth a line. */
static void report_copies(const struct record *record)
{
	for (int nth = 0; nth < RECORD_COPIES; nth++)
		if (record->copies[nth] != RECORD_OK && record->copies[nth] != RECORD_BLANK)
			log_warn("copy %d: %s", nth, record_error_text(record->copies[nth]));
}

static int send_token(const struct record *record)
{
	uint8_t payload[RECORD_TOKEN_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	if (!record->token)
		return 0;
	write_blob(&w, record->token, record->token_size);
	int error = w.failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, MSG_RECORD_TOKEN, 0, payload, w.size);
	wipe(payload, sizeof payload);
	if (error)
		log_error("the launcher does not take the token: %s", strerror(-error));
	return error ? 1 : 0;
}

static int send_content(const struct record *record)
{
	const size_t capacity = record->immutable_size + record->changing_size + 2 * sizeof(uint32_t);
	uint8_t *payload = malloc(capacity);
	if (!payload)
		return 1;
	struct writer w = writer_over(payload, capacity);
	write_blob(&w, record->immutable, record->immutable_size);
	write_blob(&w, record->changing, record->changing_size);
	int error = w.failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, MSG_RECORD_CONTENT, 0, payload, w.size);
	wipe(payload, capacity);
	free(payload);
	if (error)
		log_error("the launcher does not take the record: %s", strerror(-error));
	return error ? 1 : 0;
}

static int send_stored(uint64_t sequence)
{
	uint8_t payload[8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u64(&w, sequence);
	return msg_send(CHILD_CHANNEL_FD, MSG_RECORD_STORED, 0, payload, w.size) ? 1 : 0;
}

/* The record is read again at the moment of writing: which copy is the newest is decided by what lies there now. */
static enum record_error store_blob(const struct msg *message, uint64_t *sequence)
{
	struct reader r = reader_over(message->payload, message->size);
	size_t size;
	const uint8_t *json = read_blob(&r, &size);
	if (!json || !reader_done(&r))
		return RECORD_NOT_JSON;
	const bool token = message->type == MSG_RECORD_STORE_TOKEN;
	struct record record;
	enum record_error error = (token ? record_load_token : record_load)(DEVICE_FD, &record);
	if (!error)
		error = (token ? record_store_token : record_store)(DEVICE_FD, &record, (const char *)json, size);
	*sequence = token ? record.token_sequence : record.sequence;
	record_free(&record);
	return error;
}

static int write_record(void)
{
	struct msg message = {.most_bytes = RECORD_STORE_MAX_BYTES};
	uint64_t sequence = 0;
	int got = msg_wait(CHILD_CHANNEL_FD, &message, STORE_WAIT_MS);
	if (got != 1 || (message.type != MSG_RECORD_STORE && message.type != MSG_RECORD_STORE_TOKEN)) {
		log_error("nothing to store came");
		return 1;
	}
	enum record_error error = store_blob(&message, &sequence);
	msg_free(&message);
	return error ? send_failure(error) : send_stored(sequence);
}

static int read_record(void)
{
	struct record record;
	enum record_error error = record_load(DEVICE_FD, &record);
	if (error)
		return send_failure(error);
	report_copies(&record);
	int status = send_token(&record);
	if (!status)
		status = send_content(&record);
	record_free(&record);
	return status;
}

int record_main(void)
{
	close_above(DEVICE_FD);
	int flags = fcntl(DEVICE_FD, F_GETFL);
	if (flags < 0)
		fatal("no record was given: %s", strerror(errno));
	bool writable = (flags & O_ACCMODE) == O_RDWR;
	json_set_alloc_funcs(malloc, wipe_free); /* keys pass through its strings */
	/* jansson seeds its tables from a file at first use: now, while that can still be opened. */
	json_object_seed(0);
	if (sandbox_enter(writable ? &writer_self : &reader_self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0))
		return 1;
	return writable ? write_record() : read_record();
}

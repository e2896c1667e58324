#include "launcher/broker_relay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "launcher/broker_limits.h"

static int finish_pump(struct relay_pump *pump, struct tls_end *to)
{
	if (pump->done)
		return TLS_WAIT;
	enum tls_result result = tls_close(to);
	if (result != TLS_DONE)
		return result;
	shutdown(to->fd, SHUT_WR);
	pump->done = true;
	return TLS_WAIT;
}

static void drop_rest(struct relay_pump *pump)
{
	if (pump->rest)
		wipe(pump->rest, pump->size);
	free(pump->rest);
	pump->rest = NULL;
	pump->at = pump->size = 0;
}

/* What the end did not take now waits: it is written again from a place of its own, the same bytes. */
static bool keep_rest(struct relay_pump *pump, const uint8_t *data, size_t size)
{
	pump->rest = malloc(size);
	if (!pump->rest)
		return false;
	memcpy(pump->rest, data, size);
	pump->at = 0;
	pump->size = size;
	return true;
}

/* TLS_DONE when all is written. */
static int write_rest(struct relay_pump *pump, struct tls_end *to, uint64_t *moved)
{
	while (pump->at < pump->size) {
		int put = tls_write(to, pump->rest + pump->at, pump->size - pump->at);
		if (put < 0)
			return put;
		pump->at += (size_t)put;
		*moved += (uint64_t)put;
	}
	drop_rest(pump);
	return TLS_DONE;
}

static int write_record(struct relay_pump *pump, struct tls_end *to, const uint8_t *data, size_t size, uint64_t *moved)
{
	for (size_t at = 0; at < size;) {
		int put = tls_write(to, data + at, size - at);
		if (put == TLS_WAIT)
			return keep_rest(pump, data + at, size - at) ? TLS_WAIT : TLS_FAILED;
		if (put < 0)
			return put;
		at += (size_t)put;
		*moved += (uint64_t)put;
	}
	return TLS_DONE;
}

/* Move records until an end waits (TLS_WAIT), fails, or it is others' turn (TLS_DONE). `record` is room for one. */
static int run_pump(struct relay_pump *pump, struct tls_end *from, struct tls_end *to, uint8_t *record, uint64_t *moved)
{
	for (int round = 0; round < LIMIT_RECORDS_A_TURN; round++) {
		int result = write_rest(pump, to, moved);
		if (result < 0)
			return result;
		if (pump->closed)
			return finish_pump(pump, to);
		int got = tls_read(from, record, TLS_RECORD_MAX_BYTES);
		pump->closed = got == TLS_CLOSED;
		pump->cut = got == TLS_CUT;
		if (got < 0 && !pump->closed)
			return got;
		result = got > 0 ? write_record(pump, to, record, (size_t)got, moved) : TLS_DONE;
		if (result < 0)
			return result;
	}
	from->wants |= EPOLLIN;
	return TLS_DONE;
}

/* An end that has hung up is not watched any more: what the kernel still holds of it is taken now. */
static int drain(struct relay_pump *pump, struct tls_end *from, struct tls_end *to, uint8_t *record, uint64_t *moved)
{
	int result;
	do
		result = run_pump(pump, from, to, record, moved);
	while (result == TLS_DONE && from->hung_up);
	return result;
}

enum tls_result relay_run(struct relay *relay, struct tls_end *browser, struct tls_end *bank, uint8_t *record,
			  struct relay_moved *moved)
{
	browser->wants = bank->wants = 0;
	int up = drain(&relay->up, browser, bank, record, &moved->up);
	int down = drain(&relay->down, bank, browser, record, &moved->down);
	relay->asked |= moved->up > 0;
	relay->answered |= moved->down > 0;
	if (up < TLS_WAIT || down < TLS_WAIT)
		return TLS_CUT;
	return up == TLS_DONE || down == TLS_DONE ? TLS_DONE : TLS_WAIT;
}

bool relay_unanswered(const struct relay *relay) { return relay->asked && !relay->answered; }

void relay_free(struct relay *relay)
{
	drop_rest(&relay->up);
	drop_rest(&relay->down);
}

/*
 * channel - a message channel (msg.h) on an event loop. What may come on it is a table; anything else, or a handler
 * that refuses, is the end of the channel: a peer that says one thing it must not is not listened to any more.
 */
#ifndef FIRMWARE_LIB_CHANNEL_H
#define FIRMWARE_LIB_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"

#define CHANNEL_ANY_BYTES MSG_PAYLOAD_MAX_BYTES

struct channel_row {
	uint16_t type;
	/* Of the payload, both included. The largest of a table's is what its channel takes at all: of several frames
	 * (msg.h) only where a row has more than CHANNEL_ANY_BYTES. */
	uint32_t least_bytes, most_bytes;
	/* 0, or -errno: the message cannot be read, or has no place now. It may take descriptors and unwatch the
	 * channel; afterwards the payload is wiped and what descriptors are left are closed. */
	int (*take)(struct msg *m, void *context);
};

/* The owner fills the first three, or leaves `rows` out: such a peer says nothing but by closing. */
struct channel {
	const char *peer; /* for the log: "the launcher" */
	const struct channel_row *rows;
	size_t row_count;
	/* The peer closed (0), or was refused (-errno, logged); the channel is not watched any more. NULL: loop_stop().
	 */
	void (*ended)(int error, void *context);
	int error; /* what ended() was given: for main's exit status */

	/* channel's own */
	struct loop *loop;
	struct loop_watch *watch;
	struct loop_timer *late; /* NULL: no message has begun that is not whole yet */
	struct msg msg;
	void *context;
	int fd;
	bool taking;
};

#define CHANNEL(peer_name, table) {.peer = (peer_name), .rows = (table), .row_count = sizeof(table) / sizeof *(table)}

/* Between the first and the last frame of a message. */
#define CHANNEL_MESSAGE_MS 10000

/* Watch fd, which stays the caller's, as `channel` does. 0 or -errno. One message is taken per turn of the loop. One of
 * several frames that is not whole after CHANNEL_MESSAGE_MS ends the channel (-ETIMEDOUT): its megabytes are not held
 * for a peer that says them when it likes. */
int channel_watch(struct loop *loop, int fd, struct channel *channel, void *context);

/* Stop watching, and wipe and free what was read. Safe in a handler, and twice; `channel` must outlive the handler. */
void channel_unwatch(struct channel *channel);

#endif

/*
 * msg - framed messages between our own processes, over a Unix SOCK_SEQPACKET pair.
 *
 * The kernel keeps the frame borders, so there is no partial message and no reassembly. A frame is a header (type, id,
 * payload size; host byte order, both ends are one build) and a payload written and read with `struct writer` and
 * `struct reader` (buf.h). Descriptors travel with a frame (SCM_RIGHTS); what is not taken by the receiver is closed.
 */
#ifndef FIRMWARE_LIB_MSG_H
#define FIRMWARE_LIB_MSG_H

#include <stddef.h>
#include <stdint.h>

#define MSG_PAYLOAD_MAX_BYTES 131072
#define MSG_FDS_MAX           8

struct msg {
	uint16_t type;
	uint32_t id;      /* the sender's own number, e.g. of a session or a query; 0 where there is none */
	size_t size;      /* payload bytes */
	uint8_t *payload; /* inside `buffer`, valid until the next msg_receive() on this struct; has a NUL after it */
	int fds[MSG_FDS_MAX]; /* -1 where none; the receiver owns them: msg_take_fd() or msg_close_fds() */
	size_t fd_count;
	uint8_t *buffer;
};

/* A connected pair, close-on-exec and non-blocking at both ends. 0, or -errno. */
int msg_pair(int fds[2]);

/*
 * Send one frame. `payload` may be NULL if size is 0; fds are not closed. A full socket is waited for up to 5 s (the
 * peer is a process of ours: if it does not read for that long it is broken). 0, or -errno (-EMSGSIZE, -EPIPE,
 * -ETIMEDOUT).
 */
int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size);
int msg_send_fds(int fd, uint16_t type, uint32_t id, const void *payload, size_t size, const int *fds, size_t fd_count);

/*
 * Receive one frame into `m` (zeroed before its first use). 1: a frame. 0: the peer closed. -EAGAIN: nothing there
 * now. -EBADMSG: a frame that is not well-formed; treat the peer as broken. Fds of an earlier frame that were not
 * taken are closed first.
 */
int msg_receive(int fd, struct msg *m);

/* Wait up to timeout_ms for one frame (-1 for ever). As msg_receive, and -ETIMEDOUT. */
int msg_wait(int fd, struct msg *m, int timeout_ms);

/* The nth descriptor, now the caller's; -1 if there is none. */
int msg_take_fd(struct msg *m, size_t nth);
void msg_close_fds(struct msg *m);

/* Wipe and free what `m` holds, close its descriptors. */
void msg_free(struct msg *m);

#endif

/*
 * msg - framed messages between our own processes, over a Unix SOCK_SEQPACKET pair.
 *
 * The kernel keeps the frame borders. A frame is a header (type, part, id; host byte order, both ends are one build)
 * and a payload written and read with `struct writer` and `struct reader` (buf.h). Descriptors travel with a frame
 * (SCM_RIGHTS); what is not taken by the receiver is closed.
 *
 * A message is one frame, or, where its receiver says that it takes larger ones, several: the first one begins with the
 * size of the whole (u32), all but the last are full, all have one type and id, none carries a descriptor, and no other
 * frame comes between them. Anything else, a size over the receiver's limit first of all, is a broken peer, before a
 * byte of it is kept. So a policy of a whole country reaches the process that verifies it.
 *
 * Why not a sealed memfd: it would need system calls that the processes do without (memfd_create, ftruncate, mmap of
 * a file, seals), above all the agent, which reads what the gateway says. And its pages would be nobody's: no
 * process's memory limit counts them, so that a taken-over process could fill the machine with what it passes on. The
 * frames lie in the sockets' bounded buffers and in the receiver's own memory, and in no third place.
 *
 * Who sends several frames waits for who reads them. Two that send them to each other at the same moment would wait for
 * each other: large messages go one way at a time (the answer to a question, and no second question before it).
 */
#ifndef FIRMWARE_LIB_MSG_H
#define FIRMWARE_LIB_MSG_H

#include <stddef.h>
#include <stdint.h>

#define MSG_PAYLOAD_MAX_BYTES 131072               /* of one frame */
#define MSG_LARGE_MAX_BYTES   (UINT32_C(10) << 20) /* of all frames of a message, whoever receives it */
#define MSG_FDS_MAX           8

struct msg {
	uint16_t type;
	uint32_t id;      /* the sender's own number, e.g. of a session or a query; 0 where there is none */
	size_t size;      /* payload bytes */
	uint8_t *payload; /* inside `buffer`, valid until the next msg_receive() on this struct; has a NUL after it */
	int fds[MSG_FDS_MAX]; /* -1 where none; the receiver owns them: msg_take_fd() or msg_close_fds() */
	size_t fd_count;
	size_t most_bytes; /* the receiver's: of a message in several frames; 0: each comes in one */
	uint8_t *buffer;
	/* a message in several frames, as far as it has come */
	uint8_t *large;
	size_t large_size, large_have;
	uint16_t large_type;
	uint32_t large_id;
};

/* A connected pair, close-on-exec and non-blocking at both ends. 0, or -errno. */
int msg_pair(int fds[2]);

/*
 * Send a message: one frame, or several if it is larger and has no fds. `payload` may be NULL if size is 0; fds are not
 * closed. A full socket is waited for up to 5 s a message, whatever its frames (the peer is a process of ours: if it
 * takes longer it is broken, or holds its sender on purpose). 0, or -errno (-EMSGSIZE, -EPIPE, -ETIMEDOUT); after an
 * error in the middle of a message nothing more that is sent is understood.
 */
int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size);
int msg_send_fds(int fd, uint16_t type, uint32_t id, const void *payload, size_t size, const int *fds, size_t fd_count);

/*
 * Receive one message into `m` (zeroed before its first use, but for most_bytes). 1: a message. 0: the peer closed.
 * -EAGAIN: nothing whole is there now. -EBADMSG: a frame that is not well-formed or not the next of its message; treat
 * the peer as broken. Fds of an earlier frame that were not taken are closed first, a larger message is wiped and
 * freed.
 */
int msg_receive(int fd, struct msg *m);

/* Wait up to timeout_ms for one message (-1 for ever). As msg_receive, and -ETIMEDOUT. */
int msg_wait(int fd, struct msg *m, int timeout_ms);

/* The nth descriptor, now the caller's; -1 if there is none. */
int msg_take_fd(struct msg *m, size_t nth);
void msg_close_fds(struct msg *m);

/* Wipe and free what `m` holds, close its descriptors. most_bytes stays: it can be received into again. */
void msg_free(struct msg *m);

#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Messages of several frames as a broken peer may send them: the input is { u8 type, u8 part, u8 id, u32 size, u32
 * total } again and again; a first frame begins with the total, the rest of each is counted through. What is taken for
 * a message is what was announced, whole and in its order, and not larger than this receiver takes.
 */
enum { MOST_BYTES = 1 << 20, FRAMES_MAX = 24, HEADER_BYTES = 8 };

static uint8_t sent[FRAMES_MAX * MSG_PAYLOAD_MAX_BYTES];

static void check(const struct msg *m, size_t sent_size)
{
	bool large = m->size > MSG_PAYLOAD_MAX_BYTES;
	if (m->size > MOST_BYTES || m->payload[m->size] != '\0' || m->fd_count != 0)
		abort();
	if (m->size > sent_size || memcmp(m->payload, sent + (sent_size - m->size), m->size) != 0)
		abort();
	if (large && sent_size != m->size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[HEADER_BYTES + MSG_PAYLOAD_MAX_BYTES];
	struct msg m = {.most_bytes = MOST_BYTES};
	struct reader r = reader_over(data, size);
	size_t sent_size = 0;
	int ends[2];
	if (msg_pair(ends) < 0)
		abort();
	for (int i = 0; i < FRAMES_MAX; i++) {
		struct writer w = writer_over(frame, sizeof frame);
		write_u16(&w, read_u8(&r));
		uint8_t part = read_u8(&r);
		write_u16(&w, part);
		write_u32(&w, read_u8(&r));
		size_t length = read_u32(&r);
		uint32_t total = read_u32(&r);
		if (r.failed || length > MSG_PAYLOAD_MAX_BYTES)
			break;
		uint8_t *payload = frame + HEADER_BYTES;
		for (size_t at = 0; at < length; at++)
			payload[at] = (uint8_t)(i + at * 7);
		size_t head = part == 1 && length >= sizeof total ? sizeof total : 0;
		memcpy(payload, &total, head);
		if (part != 2)
			sent_size = 0;
		memcpy(sent + sent_size, payload + head, length - head);
		sent_size += length - head;
		if (send(ends[0], frame, HEADER_BYTES + length, MSG_DONTWAIT) < 0)
			break;
		int got = msg_receive(ends[1], &m);
		if (got == 1)
			check(&m, sent_size);
		else if (got != -EAGAIN)
			break;
	}
	msg_free(&m);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

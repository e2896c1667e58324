#include "tests/attack/air_answer.h"

#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FRAME_BYTES = 4096,
	HEAD_BYTES = 24,        /* of an 802.11 frame, to the end of its sequence number */
	RADIOTAP_BYTES = 8,     /* the shortest: no field */
	FIRST_WORD_US = 100000, /* the other side has to be ready for the handshake */
	WORD_US = 20000,
	AUTHENTICATION = 0xb0,
	ASSOCIATION_REQUEST = 0x00,
	ASSOCIATION_RESPONSE = 0x10,
	DATA = 0x08,
	FROM_ACCESS_POINT = 2,
};

size_t air_bytes(const char *hex, uint8_t *out, size_t room)
{
	size_t size = 0;
	for (; size < room && isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]); hex += 2) {
		const char digits[3] = {hex[0], hex[1], '\0'};
		out[size++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return size;
}

struct answerer {
	int monitor;
	uint8_t own[6], other[6];
};

static void say(const struct answerer *a, uint8_t type, uint8_t flags, const void *body, size_t size)
{
	uint8_t frame[FRAME_BYTES] = {0, 0, RADIOTAP_BYTES};
	uint8_t *head = frame + RADIOTAP_BYTES;
	if (size > sizeof frame - RADIOTAP_BYTES - HEAD_BYTES)
		return;
	head[0] = type;
	head[1] = flags;
	memcpy(head + 4, a->other, 6);
	memcpy(head + 10, a->own, 6);
	memcpy(head + 16, a->own, 6);
	memcpy(head + HEAD_BYTES, body, size);
	(void)!write(a->monitor, frame, RADIOTAP_BYTES + HEAD_BYTES + size);
}

static void say_bodies(const struct answerer *a, const char *bodies)
{
	static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0, 0, 0, 0x88, 0x8e};
	uint8_t body[FRAME_BYTES / 2];
	memcpy(body, snap, sizeof snap);
	usleep(FIRST_WORD_US);
	for (const char *at = bodies; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t size = air_bytes(at, body + sizeof snap, sizeof body - sizeof snap);
		say(a, DATA, FROM_ACCESS_POINT, body, sizeof snap + size);
		usleep(WORD_US);
	}
}

static void answer(struct answerer *a, const uint8_t *head, const char *bodies)
{
	/* open system, the second of two, success */
	static const uint8_t welcome[] = {0, 0, 2, 0, 0, 0};
	/* a network with keys; success; the first station; the rates of 802.11g */
	static const uint8_t come_in[] = {0x11, 0x04, 0,    0,    0x01, 0xc0, 1, 8,  0x82, 0x84, 0x8b,
					  0x96, 0x0c, 0x12, 0x18, 0x24, 50,   4, 48, 0x48, 0x60, 0x6c};
	memcpy(a->other, head + 10, sizeof a->other);
	if (head[0] == AUTHENTICATION)
		say(a, AUTHENTICATION, 0, welcome, sizeof welcome);
	if (head[0] != ASSOCIATION_REQUEST)
		return;
	say(a, ASSOCIATION_RESPONSE, 0, come_in, sizeof come_in);
	say_bodies(a, bodies);
}

void air_answer(int monitor, uint8_t number, const char *bodies)
{
	struct answerer a = {.monitor = monitor, .own = {0x02, 0, 0, 0, number, 0}};
	struct pollfd wait = {.fd = monitor, .events = POLLIN};
	uint8_t frame[FRAME_BYTES];
	for (;;) {
		(void)poll(&wait, 1, -1);
		ssize_t got = read(monitor, frame, sizeof frame);
		size_t skip = got > 4 ? (size_t)(frame[2] | frame[3] << 8) : 0;
		if (skip > 0 && (size_t)got >= skip + HEAD_BYTES && memcmp(frame + skip + 4, a.own, 6) == 0 &&
		    memcmp(frame + skip + 10, a.own, 6) != 0)
			answer(&a, frame + skip, bodies);
	}
}

/*
 * driven - a child of the launcher that says what the test wants said. It takes the place of one whose other side (a
 * cable, a gateway, a person) a machine without hardware does not have; to the launcher it is that process, started and
 * ended like it.
 *
 * The test speaks in signals, the only thing that reaches into every namespace: SIGRTMIN + n is word n.
 */
#ifndef TESTS_RIG_DRIVEN_H
#define TESTS_RIG_DRIVEN_H

#include "firmware/lib/buf.h"
#include "firmware/lib/msg.h"

struct driven {
	const char *name;
	void (*word)(int n);         /* the test says it */
	void (*hear)(struct msg *m); /* the launcher says it; NULL: nothing is listened to */
	void (*every)(void);         /* NULL, or what it does again and again */
	int every_ms;
};

/* Say to the launcher. */
void driven_say(uint16_t type, uint32_t id, const struct writer *w);

/* MSG_READY, and obey until the launcher is gone. The exit status. */
int driven_run(const struct driven *driven);

#endif

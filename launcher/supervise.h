/*
 * supervise - when a process that died is started again. Pure.
 *
 * The first death is answered at once, each further one within a minute of life doubles the wait up to 10 s. A minute
 * of life clears the account. Nothing gives up: what stays down keeps its step on the screen in trouble.
 */
#ifndef LAUNCHER_SUPERVISE_H
#define LAUNCHER_SUPERVISE_H

#include <stdint.h>

#define SUPERVISE_FIRST_WAIT_MS   200
#define SUPERVISE_LONGEST_WAIT_MS 10000
#define SUPERVISE_GOOD_LIFE_MS    60000

struct supervised {
	int64_t started_ms;
	unsigned deaths; /* without a good life between */
};

void supervise_started(struct supervised *s, int64_t now_ms);

/* It died at now_ms: how long to wait before it is started again, in ms. */
int64_t supervise_died(struct supervised *s, int64_t now_ms);

#endif

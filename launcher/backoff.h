/*
 * backoff - when something that failed is tried again: twice as long after each failure, and not at the same moment on
 * every stick of a fleet. Pure.
 *
 * The nth wait is drawn evenly from half to one and a half times BACKOFF_FIRST_MS * 2^(n - 1), at most
 * BACKOFF_LONGEST_MS. What it is drawn by is the caller's, something that differs from stick to stick and from start to
 * start: the same seed draws the same waits.
 */
#ifndef LAUNCHER_BACKOFF_H
#define LAUNCHER_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS   60000
#define BACKOFF_LONGEST_MS 3600000 /* before it is drawn */

/* After the nth failure in a row, n at least 1; in ms. */
int64_t backoff_ms(unsigned failures, const char *seed);

#endif

#include "launcher/supervise.h"

void supervise_started(struct supervised *s, int64_t now_ms) { s->started_ms = now_ms; }

int64_t supervise_died(struct supervised *s, int64_t now_ms)
{
	if (now_ms - s->started_ms >= SUPERVISE_GOOD_LIFE_MS)
		s->deaths = 0;
	unsigned earlier = s->deaths++;
	if (earlier == 0)
		return 0;
	int64_t wait = SUPERVISE_FIRST_WAIT_MS;
	for (unsigned i = 1; i < earlier && wait < SUPERVISE_LONGEST_WAIT_MS; i++)
		wait *= 2;
	return wait < SUPERVISE_LONGEST_WAIT_MS ? wait : SUPERVISE_LONGEST_WAIT_MS;
}

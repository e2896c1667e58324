/*
 * broker_report - which of the broker's events are worth a message: the same refusal is told once in two seconds (a
 * browser asks for A, AAAA and HTTPS at once, and tries again), and a page full of refused hosts is told in part.
 * Pure.
 */
#ifndef LAUNCHER_BROKER_REPORT_H
#define LAUNCHER_BROKER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/broker_host.h"
#include "launcher/messages.h"

#define REPORT_REPEAT_MS    2000
#define REPORT_BURST        20  /* events at once */
#define REPORT_REFILL_MS    250 /* and one more for each of these */
#define REPORT_REMEMBERED   32
#define REPORT_DETAIL_BYTES 48

struct reporter {
	struct {
		char host[HOST_MAX_BYTES + 1];
		char detail[REPORT_DETAIL_BYTES]; /* as much of it as tells two apart */
		enum refusal refusal;
		int64_t until_ms;
	} told[REPORT_REMEMBERED];
	size_t next;
	int64_t credit_ms, last_ms;
};

/* Zero-initialised before. True if this event is to be sent; `now` never goes back. */
bool report_due(struct reporter *reporter, const char *host, enum refusal refusal, const char *detail, int64_t now);

#endif

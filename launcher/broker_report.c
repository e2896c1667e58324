#include "launcher/broker_report.h"

#include <stdio.h>
#include <string.h>

static bool told(const struct reporter *reporter, const char *host, enum refusal refusal, const char *detail,
		 int64_t now)
{
	for (size_t i = 0; i < REPORT_REMEMBERED; i++)
		if (reporter->told[i].until_ms > now && reporter->told[i].refusal == refusal &&
		    strcmp(reporter->told[i].host, host) == 0 &&
		    strncmp(reporter->told[i].detail, detail, REPORT_DETAIL_BYTES - 1) == 0)
			return true;
	return false;
}

static bool spend(struct reporter *reporter, int64_t now)
{
	const int64_t full = (int64_t)REPORT_BURST * REPORT_REFILL_MS;
	int64_t credit = reporter->last_ms == 0 ? full : reporter->credit_ms + now - reporter->last_ms;
	reporter->last_ms = now;
	reporter->credit_ms = credit > full ? full : credit;
	if (reporter->credit_ms < REPORT_REFILL_MS)
		return false;
	reporter->credit_ms -= REPORT_REFILL_MS;
	return true;
}

bool report_due(struct reporter *reporter, const char *host, enum refusal refusal, const char *detail, int64_t now)
{
	if (told(reporter, host, refusal, detail, now) || !spend(reporter, now))
		return false;
	size_t at = reporter->next;
	reporter->next = (at + 1) % REPORT_REMEMBERED;
	reporter->told[at].refusal = refusal;
	reporter->told[at].until_ms = now + REPORT_REPEAT_MS;
	memcpy(reporter->told[at].host, host, strlen(host) + 1);
	snprintf(reporter->told[at].detail, sizeof reporter->told[at].detail, "%s", detail);
	return true;
}

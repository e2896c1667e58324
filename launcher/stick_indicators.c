/* Refused hosts that are known to be bad: asked for by way of the agent, counted for the desk, told to the customer. */
#include <errno.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"

/* Only names that this bank does not have: the others are its own, whatever is wrong with them. */
void stick_ask_host(struct stick *s, const char *host, enum refusal reason)
{
	uint8_t payload[WHITELIST_HOST_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	if (reason != REFUSAL_NOT_LISTED || host[0] == '\0' || !crew_runs(&s->crew, PROCESS_AGENT))
		return;
	write_str(&w, host);
	/* Nothing rests on the answer: one that cannot be asked for is not missed. */
	if (!w.failed && crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_HOST, 0, w.data, w.size))
		log_warn("the agent was not asked about a refused host");
}

int stick_hear_host(struct stick *s, struct msg *m)
{
	char host[WHITELIST_HOST_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, host, sizeof host);
	unsigned category = read_u8(&r);
	if (!reader_done(&r) || category == INDICATOR_NONE || category >= INDICATOR_CATEGORIES)
		return -EBADMSG;
	log_info("a refused host is known for %s", indicator_word((enum indicator_category)category));
	s->known_bad[category]++;
	tell_known_bad(s, host, (enum indicator_category)category);
	tell_agent_health(s);
	return 0;
}

/* policy_answer - a broker's question about its bank, and the answer as a message's payload (messages.h). */
#ifndef LAUNCHER_POLICY_ANSWER_H
#define LAUNCHER_POLICY_ANSWER_H

#include "launcher/messages.h"
#include "launcher/policy_mint.h"
#include "whitelist/whitelist.h"

#define ANSWER_MAX_BYTES 65536

struct answer {
	enum message type; /* MSG_ANSWER_NO, MSG_ANSWER_YES or MSG_ANSWER_NAME */
	size_t size;
	uint8_t payload[ANSWER_MAX_BYTES]; /* of MSG_ANSWER_YES it holds the leaf's key: wipe */
};

enum refusal refusal_of(enum whitelist_answer answer);

/*
 * Answer MSG_QUERY_HOST or MSG_QUERY_NAME for a session of `bank`. 0; or -EBADMSG: not a question, the broker is
 * broken; -EIO, -ENOMEM, -EMSGSIZE: no certificate could be made.
 */
int answer_query(const struct whitelist *whitelist, const char *bank, struct mint *mint, int64_t now, uint16_t type,
		 const void *payload, size_t size, struct answer *answer);

#endif

#include "launcher/policy_answer.h"

#include <errno.h>

#include "firmware/lib/buf.h"

enum { ANCHORS_MAX_BYTES = 32768 };

enum refusal refusal_of(enum whitelist_answer answer)
{
	switch (answer) {
	case WHITELIST_YES:
		return REFUSAL_NONE;
	case WHITELIST_NO_BANK:
		return REFUSAL_NO_SESSION;
	case WHITELIST_EXPIRED:
		return REFUSAL_EXPIRED_POLICY;
	case WHITELIST_IP_LITERAL:
		return REFUSAL_IP_LITERAL;
	case WHITELIST_OTHER_PORT:
		return REFUSAL_PORT;
	case WHITELIST_NOT_LISTED:
		break;
	}
	return REFUSAL_NOT_LISTED;
}

static void write_anchors(struct writer *w, const struct whitelist_host *host)
{
	static uint8_t anchors[ANCHORS_MAX_BYTES];
	struct writer all = writer_over(anchors, sizeof anchors);
	for (size_t i = 0; i < host->anchor_count; i++)
		write_blob(&all, host->anchors[i]->der, host->anchors[i]->der_size);
	w->failed |= all.failed;
	write_blob(w, anchors, all.size);
}

static int answer_yes(const struct whitelist *whitelist, const struct whitelist_host *host, const char *name,
		      struct mint *mint, int64_t now, struct answer *answer)
{
	struct mint_leaf leaf;
	size_t key_size;
	int error = mint_leaf(mint, name, now, &leaf);
	if (error)
		return error;
	const uint8_t *key = mint_leaf_key(mint, &key_size);
	struct writer w = writer_over(answer->payload, sizeof answer->payload);
	write_anchors(&w, host);
	write_u8(&w, (uint8_t)host->pin_count);
	for (size_t i = 0; i < host->pin_count; i++)
		write_blob(&w, host->pins[i], WHITELIST_PIN_BYTES);
	write_u8(&w, (uint8_t)whitelist->revoked_count);
	for (size_t i = 0; i < whitelist->revoked_count; i++)
		write_blob(&w, whitelist->revoked[i], WHITELIST_PIN_BYTES);
	write_blob(&w, leaf.der, leaf.der_size);
	write_blob(&w, key, key_size);
	answer->type = MSG_ANSWER_YES;
	answer->size = w.size;
	return w.failed ? -EMSGSIZE : 0;
}

static int answer_no(enum refusal refusal, struct answer *answer)
{
	answer->type = MSG_ANSWER_NO;
	answer->payload[0] = (uint8_t)refusal;
	answer->size = 1;
	return 0;
}

int answer_query(const struct whitelist *whitelist, const char *bank, struct mint *mint, int64_t now, uint16_t type,
		 const void *payload, size_t size, struct answer *answer)
{
	char name[WHITELIST_HOST_BYTES];
	struct reader r = reader_over(payload, size);
	read_str(&r, name, sizeof name);
	uint16_t port = type == MSG_QUERY_HOST ? read_u16(&r) : 0;
	if ((type != MSG_QUERY_HOST && type != MSG_QUERY_NAME) || !reader_done(&r))
		return -EBADMSG;
	/* Port 0 asks the whitelist for the name alone; a connection to it does not exist. */
	if (type == MSG_QUERY_HOST && port == 0)
		return answer_no(REFUSAL_PORT, answer);
	const struct whitelist_host *host;
	enum whitelist_answer found = whitelist_look_up(whitelist, bank, name, port, now, &host);
	if (found != WHITELIST_YES)
		return answer_no(refusal_of(found), answer);
	if (type == MSG_QUERY_HOST)
		return answer_yes(whitelist, host, name, mint, now, answer);
	answer->type = MSG_ANSWER_NAME;
	answer->size = 0;
	return 0;
}

#include "launcher/broker_cert.h"

#include <string.h>

/* Sets until when a good one stands. */
static bool known(const struct chain_memory *memory, const struct pin *digest, int64_t now, struct chain_check *check)
{
	for (size_t i = 0; i < memory->count; i++) {
		check->from = memory->good[i].from;
		check->until = memory->good[i].until;
		if (memcmp(memory->good[i].digest.sha256, digest->sha256, sizeof digest->sha256) == 0 &&
		    now >= check->from && now <= check->until)
			return true;
	}
	return false;
}

static void remember(struct chain_memory *memory, const struct pin *digest, const struct chain_answer *answer)
{
	size_t at = memory->next;
	memory->next = (at + 1) % CHAINS_KEPT;
	if (memory->count < CHAINS_KEPT)
		memory->count++;
	memory->good[at].digest = *digest;
	memory->good[at].from = answer->from;
	memory->good[at].until = answer->until;
}

void certificate_judge(const struct chain_question *question, struct chain_memory *memory, struct chain_check *check)
{
	struct pin digest;
	struct chain_answer answer;
	*check = (struct chain_check){.judged = true};
	bool named = memory && question->sent && chain_digest(question->sent, &digest) == 0;
	if (named && known(memory, &digest, question->now, check))
		return;
	chain_verify(question, &answer);
	check->refusal = refusal_of_chain(answer.fault);
	check->key_count = answer.count;
	check->from = answer.from;
	check->until = answer.until;
	memcpy(check->keys, answer.keys, sizeof check->keys);
	if (named && answer.fault == CHAIN_GOOD)
		remember(memory, &digest, &answer);
}

bool refusal_is_attack(enum refusal refusal)
{
	return refusal == REFUSAL_PIN || refusal == REFUSAL_REVOKED || refusal == REFUSAL_CHAIN;
}

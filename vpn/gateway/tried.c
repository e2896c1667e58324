#include "vpn/gateway/tried.h"

#include <string.h>

static const struct {
	const char *name;
	enum tried_meaning means;
} kinds[TRIED_COUNT] = {
    [TRIED_CLOSED] = {"closed", TRIED_MEANS_LET_OUT},
    [TRIED_ADDRESS] = {"address", TRIED_MEANS_HELD_UP},
    [TRIED_NAME] = {"name", TRIED_MEANS_LET_OUT},
    [TRIED_NO_NAME] = {"no_name", TRIED_MEANS_LET_OUT},
    [TRIED_SECOND_NAME] = {"second_name", TRIED_MEANS_LET_OUT},
    [TRIED_ECH] = {"ech", TRIED_MEANS_LET_OUT},
    [TRIED_NOT_TLS] = {"not_tls", TRIED_MEANS_LET_OUT},
    [TRIED_MALFORMED] = {"malformed", TRIED_MEANS_LET_OUT},
    [TRIED_INCOMPLETE] = {"incomplete", TRIED_MEANS_NOTHING},
    [TRIED_QUESTION] = {"question", TRIED_MEANS_ASKED},
};

const char *tried_name(enum tried kind) { return kind < TRIED_COUNT ? kinds[kind].name : ""; }

enum tried tried_from_name(const char *name)
{
	int kind = 0;
	while (kind < TRIED_COUNT && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return (enum tried)kind;
}

enum tried_meaning tried_means(enum tried kind) { return kind < TRIED_COUNT ? kinds[kind].means : TRIED_MEANS_NOTHING; }

uint32_t tried_new(struct keyed *last, struct in_addr stick, enum tried kind, uint64_t count)
{
	uint64_t key = keyed_of(stick, (uint32_t)kind);
	const struct keyed_row *row = keyed_find(last, key);
	uint64_t before = row ? (uint64_t)row->value : 0;
	uint64_t fresh = count >= before ? count - before : count;
	/* Without memory for it the same ones are told again, which is better than never. */
	(void)keyed_set(last, key, (int64_t)count);
	return fresh > UINT32_MAX ? UINT32_MAX : (uint32_t)fresh;
}

#include <ares.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/broker_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every question that is not dropped has an answer for each outcome, with its id and small enough for UDP. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names_query query;
	enum names_verdict verdict = names_read(data, size, &query);
	if (verdict == NAMES_DROP)
		return 0;
	if (verdict == NAMES_ASK && query.host[0] == '\0')
		abort();
	for (int outcome = NAMES_LISTED; outcome <= NAMES_FAILED; outcome++) {
		uint8_t out[NAMES_ANSWER_MAX_BYTES];
		size_t out_size = 0;
		if (names_answer(&query, (enum names_outcome)outcome, out, &out_size) != 0 || out_size > 512 ||
		    memcmp(out, data, 2) != 0 || !(out[2] & 0x80))
			abort();
	}
	return 0;
}

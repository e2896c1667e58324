#include <stdlib.h>
#include <string.h>

#include "launcher/agent_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A reply that cannot be read admits nobody and opens nothing, and what is shown of it is printable. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk_admission admission;
	char reason[TALK_REASON_MAX_BYTES];
	const char *wrong = NULL;
	bool ok = true;
	int error = talk_read_admission(data, size, &admission, &wrong);
	if ((error != 0) != (wrong != NULL) || (!error && admission.valid_s > TALK_VALID_MAX_S))
		abort();
	if (talk_read_session(data, size, &ok, reason, &wrong) != 0 && ok)
		abort();
	talk_read_error(data, size, reason);
	for (const char *c = reason; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
	return 0;
}

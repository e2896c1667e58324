#include "launcher/provision.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both halves, with a NUL byte between them. What is taken can be written again, and read again as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct provision provision, again;
	const uint8_t *border = size ? memchr(data, '\0', size) : NULL;
	size_t first = border ? (size_t)(border - data) : size;
	size_t second = border ? size - first - 1 : 0;
	const char *changing = border ? (const char *)border + 1 : "";
	if (provision_parse((const char *)data, first, changing, second, &provision))
		return 0;
	char *written = provision_changing(&provision);
	if (!written || provision_parse((const char *)data, first, written, strlen(written), &again))
		abort();
	if (again.time_floor != provision.time_floor || again.time_last != provision.time_last ||
	    again.kept_policy_version != provision.kept_policy_version || !again.kept_policy != !provision.kept_policy)
		abort();
	free(written);
	provision_free(&again);
	provision_free(&provision);
	return 0;
}

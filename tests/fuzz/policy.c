#include <stdlib.h>
#include <string.h>

#include "whitelist/gateways.h"
#include "whitelist/lint.h"
#include "whitelist/names.h"
#include "whitelist/whitelist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const struct lint_finding *finding, void *context)
{
	(void)context;
	if (!finding->code || !finding->text[0])
		abort();
}

/* What every reader of a parsed bank relies on. */
static void check_bank(const struct whitelist *w, const struct whitelist_bank *bank)
{
	char host[WHITELIST_HOST_BYTES];
	uint16_t port;
	const struct whitelist_host *found;
	if (!url_split(bank->start, host, &port) ||
	    whitelist_look_up(w, bank->id, host, port, w->issued, &found) != WHITELIST_YES)
		abort();
	for (size_t i = 0; i < bank->host_count; i++)
		if (bank->hosts[i].pin_count < 2 || bank->hosts[i].anchor_count < 1 || bank->hosts[i].port_count < 1)
			abort();
	if (whitelist_look_up(w, bank->id, host, port, w->expires, NULL) != WHITELIST_EXPIRED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct whitelist *whitelist;
	struct gateways *gateways;
	struct whitelist_fault fault;
	char sentence[WHITELIST_FAULT_BYTES];
	if (whitelist_parse(data, size, &whitelist, &fault) == 0) {
		for (size_t i = 0; i < whitelist->bank_count; i++)
			check_bank(whitelist, &whitelist->banks[i]);
		whitelist_lint(whitelist, whitelist->issued, ignore, NULL);
	} else if (!fault.error || !whitelist_fault_text(&fault, sentence)[0]) {
		abort();
	}
	if (gateways_parse(data, size, &gateways, &fault) == 0 && gateways->count == 0)
		abort();
	whitelist_free(whitelist);
	gateways_free(gateways);
	return 0;
}

#include <stdlib.h>
#include <string.h>

#include "launcher/kiosk/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An address as a hostile page writes it: it is a page of the bank only under a name that the bank has. */
static void judge(const struct bank *bank, const uint8_t *data, size_t size)
{
	char host[HOST_NAME_BYTES];
	char *url = strndup((const char *)data, size);
	if (!url)
		return;
	enum page_verdict verdict = bank_judge(bank, url, host);
	if (!memchr(host, '\0', sizeof host) ||
	    (verdict == PAGE_ALLOWED && (!host[0] || strncasecmp(url, "https:", 6) != 0)))
		abort();
	free(url);
}

/* Messages of the launcher, each with its type, a size of two bytes and its payload; type 0 is an address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model model = {0};
	size_t at = 0;
	while (size - at >= 3) {
		uint16_t type = data[at];
		size_t length = (size_t)data[at + 1] | (size_t)data[at + 2] << 8;
		at += 3;
		if (length > size - at)
			length = size - at;
		unsigned changes;
		uint8_t *payload = malloc(length + 1);
		if (!payload)
			break;
		memcpy(payload, data + at, length);
		payload[length] = '\0';
		struct msg m = {.type = type, .id = 1, .size = length, .payload = payload};
		if (type == 0 && model.banks.count > 0)
			judge(&model.banks.list[0], payload, length);
		else
			(void)model_apply(&model, &m, &changes);
		if (model.banks.count > 0 && model.session == SESSION_NONE)
			(void)model_choose(&model, &model.banks.list[model.banks.count - 1]);
		(void)model_screen(&model);
		(void)model_current_step(&model);
		free(payload);
		at += length;
	}
	model_free(&model);
	return 0;
}

#include <stdlib.h>
#include <string.h>

#include "launcher/agent_inquiry.h"
#include "whitelist/indicators.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(size_t line, const char *what, void *context) { (void)line, (void)what, (void)context; }

/* Whatever lines can be read, a file is made of them that can be looked up in, the same way at both ends. */
static void list(const char *text, size_t size)
{
	struct indicators indicators;
	struct indicator_list *list = indicator_list_new();
	uint8_t *made = NULL;
	const char *source;
	size_t wrong = 0, made_size;
	if (indicator_list_add(list, text, size, INDICATOR_MALWARE, "fuzz", ignore, NULL, &wrong) == 0 &&
	    indicator_list_build(list, 0, &made, &made_size) == 0) {
		if (indicators_read(made, made_size, &indicators) || !indicators_intact(&indicators))
			abort();
		indicators_find(&indicators, "www.bank.example", &source);
	}
	free(made);
	indicator_list_free(list);
}

/* No look-up in a file that was taken leaves it. */
static void file(const uint8_t *data, size_t size)
{
	struct indicators indicators;
	const char *source;
	if (indicators_read(data, size, &indicators))
		return;
	for (unsigned prefix = 0; prefix < INDICATOR_BUCKETS; prefix += 37) {
		size_t bucket_size, sum = 0;
		const uint8_t *bucket = indicators_bucket(&indicators, prefix, &bucket_size);
		for (size_t i = 0; i < bucket_size; i++)
			sum += bucket[i];
		if (sum > 0 && bucket < data)
			abort();
	}
	if (indicators_find(&indicators, "www.bank.example", &source) >= INDICATOR_CATEGORIES || strlen(source) > 31)
		abort();
}

/* An answer settles a question or is none, in at most as many turns as a site has labels. */
static void answer(const uint8_t *data, size_t size)
{
	static uint8_t entries[INQUIRY_ENTRIES_MAX_BYTES];
	struct indicator_question question;
	enum indicator_category category;
	const char *wrong;
	size_t entries_size = 0;
	int settled = 0;
	if (inquiry_read(data, size, entries, &entries_size, &wrong) == 0)
		data = entries, size = entries_size;
	if (indicator_ask(&question, "a.b.c.d.e.f.g.h.bank.example"))
		abort();
	for (int turn = 0; settled == 0; turn++) {
		if (turn > INDICATOR_DEPTH_MAX || indicator_prefix(&question) >= INDICATOR_BUCKETS)
			abort();
		settled = indicator_take(&question, data, size, &category);
	}
	if (category >= INDICATOR_CATEGORIES || (settled < 0 && category != INDICATOR_NONE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	list((const char *)data, size);
	file(data, size);
	answer(data, size);
	return 0;
}

/* Alone, for programs that show a category and look nothing up. */
#include <string.h>

#include "whitelist/indicators.h"

static const char *const words[INDICATOR_CATEGORIES] = {
    [INDICATOR_NONE] = "", [INDICATOR_PHISHING] = "phishing", [INDICATOR_MALWARE] = "malware"};

const char *indicator_word(enum indicator_category category)
{
	return category > INDICATOR_NONE && category < INDICATOR_CATEGORIES ? words[category] : "";
}

enum indicator_category indicator_category(const char *word)
{
	for (int i = INDICATOR_NONE + 1; i < INDICATOR_CATEGORIES; i++)
		if (strcmp(words[i], word) == 0)
			return (enum indicator_category)i;
	return INDICATOR_NONE;
}

#include "whitelist/advice.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "whitelist/date.h"
#include "whitelist/names.h"

enum { WORD_BYTES = 96 };

#define SAY(...) snprintf(advice, WHITELIST_ADVICE_BYTES, __VA_ARGS__)

static const char *text_of(const struct place *at)
{
	const char *text = json_string_value(at->json);
	return text ? text : "";
}

/* --- examples, by the member and the list or object it belongs to --- */

static const struct {
	const char *in, *name; /* `in` NULL: anywhere */
	const char *example;
} examples[] = {
    {NULL, "format", "1"},
    {NULL, "tenant", "\"example-group\""},
    {NULL, "version", "13, one more than the last that was signed"},
    {NULL, "issued", "\"2026-11-22T00:00:00Z\""},
    {NULL, "expires", "\"2027-11-22T00:00:00Z\""},
    {"control", "pin", "\"5/GBufijT2hbJv2PHmakzMU/3rwfOhfBTivV/giaFeY=\" (from `sekisho policy pin')"},
    {NULL, "pin", "true"},
    {NULL, "authorities", "{\"bank-root\": \"-----BEGIN CERTIFICATE-----\\n...\"}"},
    {"authorities", NULL, "the PEM text of a CA certificate, with \\n where its lines end"},
    {NULL, "banks", "[{\"id\": ...}]"},
    {NULL, "gateways", "[{\"id\": ...}]"},
    {NULL, "id", "\"example-bank\""},
    {"control", "name", "\"gw-east.gateway.sekisho\""},
    {"hosts", "name", "\"www.bank.example\""},
    {NULL, "name", "{\"ja\": \"...\", \"en\": \"...\"}"},
    {NULL, "ja", "\"...\", the name in Japanese"},
    {NULL, "en", "\"...\", the name in English"},
    {NULL, "start", "\"https://www.bank.example/\""},
    {NULL, "support", "\"0120-00-0001\""},
    {NULL, "hosts", "[{\"name\": ...}]"},
    {NULL, "role", "\"page\" or \"asset\""},
    {NULL, "ports", "[443]"},
    {"ports", NULL, "443"},
    {NULL, "port", "8444"},
    {NULL, "anchors", "[\"bank-root\"], an identifier from \"authorities\""},
    {"anchors", NULL, "\"bank-root\", an identifier from \"authorities\""},
    {NULL, "pins", "two pins: of the key in use and of one in reserve (`sekisho policy pin' prints them)"},
    {"pins", NULL, "\"HNXBJZvKm5i3ZLoOOBLPehwKB91m9l/0AnQyFKKFaYw=\" (from `sekisho policy pin')"},
    {"banks", NULL, "an object {\"id\": ..., \"name\": ..., \"start\": ..., \"support\": ..., \"hosts\": ...}"},
    {"hosts", NULL, "an object {\"name\": ..., \"role\": ..., \"ports\": ..., \"anchors\": ..., \"pins\": ...}"},
    {NULL, "addresses", "[\"203.0.113.11:51820\"]"},
    {"addresses", NULL, "\"203.0.113.11:51820\" or \"[2001:db8::11]:51820\""},
    {NULL, "key", "the output of `wg pubkey' in quotes"},
    {NULL, "inner", "\"10.77.0.1\""},
    {NULL, "control", "{\"port\": ..., \"name\": ..., \"certificate\": ..., \"pin\": ...}"},
    {NULL, "certificate", "the PEM text of a certificate, with \\n where its lines end"},
};

/* The named list or object around a place. */
static const char *surroundings(const struct place *at)
{
	for (at = at->up; at; at = at->up)
		if (at->name)
			return at->name;
	return "";
}

static const char *example_for(const struct place *at)
{
	const char *in = surroundings(at);
	bool nameless = !at->name || !strcmp(in, "authorities");
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		if (examples[i].in && strcmp(examples[i].in, in) != 0)
			continue;
		if (nameless ? !examples[i].name : examples[i].name && !strcmp(examples[i].name, at->name))
			return examples[i].example;
	}
	return NULL;
}

static void say_example(const struct place *at, char *advice)
{
	const char *example = example_for(at);
	if (example)
		SAY("write %s", example);
}

/* --- guesses from what is there --- */

/* How many letters differ, are missing or too many (Levenshtein), of short words. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_BYTES + 1], b_size = strlen(b);
	if (b_size > WORD_BYTES)
		return b_size;
	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b_size; j++) {
			size_t change = diagonal + (a[i] != b[j]), shorter = row[j] + 1, longer = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = change < shorter ? change : shorter;
			row[j + 1] = row[j + 1] < longer ? row[j + 1] : longer;
		}
	}
	return row[b_size];
}

static bool guess_member(const struct place *at, char *advice)
{
	size_t least = 3;
	const char *best = NULL;
	for (const char *const *name = at->known; name && *name; name++) {
		size_t far = distance(at->name, *name);
		if (far < least) {
			least = far;
			best = *name;
		}
	}
	if (best)
		SAY("write \"%s\"", best);
	else
		SAY("take it out");
	return true;
}

static void lower(const char *text, const char *allowed_more, char out[WORD_BYTES])
{
	size_t used = 0;
	for (; *text && used < WORD_BYTES - 1; text++) {
		char c = (char)tolower((unsigned char)*text);
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || strchr(allowed_more, c);
		if (good || c == '_')
			out[used++] = c == '_' && !strchr(allowed_more, '_') ? '-' : c;
	}
	out[used] = '\0';
}

static bool guess_host(const struct place *at, char *advice)
{
	char guess[WORD_BYTES];
	const char *text = text_of(at), *scheme = strstr(text, "://");
	lower(scheme ? scheme + 3 : text, ".*/", guess);
	guess[strcspn(guess, "/")] = '\0';
	while (guess[0] && guess[strlen(guess) - 1] == '.')
		guess[strlen(guess) - 1] = '\0';
	if (!name_is_host(guess) && !name_is_wildcard(guess))
		return false;
	SAY("write \"%s\"", guess);
	return true;
}

static bool guess_id(const struct place *at, char *advice)
{
	char guess[WORD_BYTES];
	bool name = strcmp(surroundings(at), "authorities") == 0 || !json_is_string(at->json);
	lower(name && at->name ? at->name : text_of(at), "", guess);
	if (!id_is_good(guess))
		return false;
	SAY("write \"%s\"", guess);
	return true;
}

/* A day alone, another separator, an offset left out: the same moment in the one form. */
static bool guess_date(const struct place *at, char *advice)
{
	char guess[DATE_BYTES] = "0000-00-00T00:00:00Z";
	int64_t seconds;
	const char *text = text_of(at);
	if (strlen(text) < 10 || strlen(text) > 20 || strpbrk(text, "+"))
		return false;
	memcpy(guess, text, 10);
	guess[4] = guess[7] = '-';
	if (strlen(text) >= 19)
		memcpy(guess + 11, text + 11, 8);
	if (date_parse(guess, &seconds))
		return false;
	SAY("write \"%s\"", guess);
	return true;
}

static bool guess_role(const struct place *at, char *advice)
{
	const char *text = text_of(at), *near = distance(text, "page") < 3 ? "page" : "asset";
	if (distance(text, near) >= 3)
		return false;
	SAY("write \"%s\"", near);
	return true;
}

static bool guess_start(const struct place *at, char *advice)
{
	char guess[WHITELIST_ADVICE_BYTES - 16], host[WHITELIST_HOST_BYTES];
	uint16_t port;
	const char *text = text_of(at), *scheme = strstr(text, "://"), *rest = scheme ? scheme + 3 : text;
	int size = snprintf(guess, sizeof guess, "https://%.*s%s", (int)strcspn(rest, "#"), rest,
			    strchr(rest, '/') ? "" : "/");
	if (size < 0 || (size_t)size >= sizeof guess || !url_split(guess, host, &port))
		return false;
	SAY("write \"%s\"", guess);
	return true;
}

/* A number in quotes, a word in quotes that should be none, one thing where a list belongs. */
static bool guess_kind(const struct place *at, char *advice)
{
	static const char *const lists[] = {"ports", "anchors", "pins", "addresses", NULL};
	const char *text = text_of(at);
	for (size_t i = 0; at->name && lists[i]; i++)
		if (!strcmp(at->name, lists[i]) && (json_is_string(at->json) || json_is_integer(at->json))) {
			SAY(json_is_string(at->json) ? "write [\"%.60s\"], in brackets" : "write [%.60s], in brackets",
			    json_is_string(at->json) ? text : "443");
			return true;
		}
	bool number = *text && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 16;
	if (!number && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return false;
	SAY("write %s, without quotes", text);
	return true;
}

static bool say_missing(const struct place *at, char *advice)
{
	const char *example = example_for(at);
	if (example)
		SAY("add \"%.40s\": %s", at->name ? at->name : "", example);
	return true;
}

static bool say_twice(const struct place *at, char *advice)
{
	(void)at;
	SAY("keep one of the two and take the other out");
	return true;
}

static bool say_fewer(const struct place *at, char *advice)
{
	(void)at;
	SAY("take some out; whitelist(5) says how many there may be");
	return true;
}

static bool (*const guesses[WHITELIST_ERROR_COUNT])(const struct place *at, char *advice) = {
    [WHITELIST_MISSING] = say_missing,   [WHITELIST_UNKNOWN_MEMBER] = guess_member, [WHITELIST_DUPLICATE] = say_twice,
    [WHITELIST_TOO_MANY] = say_fewer,    [WHITELIST_WRONG_KIND] = guess_kind,       [WHITELIST_BAD_HOST] = guess_host,
    [WHITELIST_BAD_ID] = guess_id,       [WHITELIST_BAD_DATE] = guess_date,         [WHITELIST_BAD_ROLE] = guess_role,
    [WHITELIST_BAD_START] = guess_start,
};

void advice_write(const struct place *at, enum whitelist_error error, char advice[WHITELIST_ADVICE_BYTES])
{
	advice[0] = '\0';
	if (!guesses[error] || !guesses[error](at, advice))
		say_example(at, advice);
}

/*
 * sekisho policy init, add, remove: a policy made and changed without an editor. What they write may be unfinished (no
 * bank yet, a bank without hosts yet), which is said; it has no other fault.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/cli/cli.h"
#include "image/cli/policy.h"
#include "whitelist/date.h"

enum { DAY = 86400, DAYS_DEFAULT = 365, DAYS_MOST = 3650, PEM_MAX_BYTES = 8192, WORDS_MAX = 8 };

/* --- options --- */

struct words {
	const char *list[WORDS_MAX];
	size_t count;
};

struct edit {
	const char *output, *tenant, *next, *days, *ja, *en, *start, *support, *role;
	struct words ports, anchors, pins;
	bool pin, force;
	int count;
	char **operands;
};

static const struct option longs[] = {
    {"output", required_argument, NULL, 'o'},
    {"tenant", required_argument, NULL, 'T'},
    {"next", required_argument, NULL, 'N'},
    {"days", required_argument, NULL, 'd'},
    {"ja", required_argument, NULL, 'J'},
    {"en", required_argument, NULL, 'E'},
    {"start", required_argument, NULL, 's'},
    {"support", required_argument, NULL, 'S'},
    {"role", required_argument, NULL, 'R'},
    {"port", required_argument, NULL, 'p'},
    {"anchor", required_argument, NULL, 'A'},
    {"pin", required_argument, NULL, 'P'},
    {"ask-pin", no_argument, NULL, 'i'},
    {"force", no_argument, NULL, 'f'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int add_word(struct words *words, const char *word)
{
	if (words->count == WORDS_MAX)
		return -1;
	words->list[words->count++] = word;
	return 0;
}

static int take_list(int letter, struct edit *e)
{
	return add_word(letter == 'p' ? &e->ports : letter == 'A' ? &e->anchors : &e->pins, optarg);
}

static int take(int letter, struct edit *e)
{
	const struct {
		int letter;
		const char **value;
	} texts[] = {{'o', &e->output}, {'T', &e->tenant}, {'N', &e->next},    {'d', &e->days}, {'J', &e->ja},
		     {'E', &e->en},     {'s', &e->start},  {'S', &e->support}, {'R', &e->role}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].letter == letter) {
			*texts[i].value = optarg;
			return 0;
		}
	e->pin |= letter == 'i';
	e->force |= letter == 'f';
	if (letter == 'j')
		refuse_in_json();
	return strchr("pAP", letter) ? take_list(letter, e) : 0;
}

/* As policy_options_read(). */
static int edit_read(int argc, char **argv, const char *letters, const char *usage, int least, int most, struct edit *e)
{
	*e = (struct edit){0};
	opterr = 0;
	optind = 1;
	for (int letter; (letter = getopt_long(argc, argv, "o:h", longs, NULL)) != -1;) {
		if (letter == 'h') {
			printf("usage: sekisho policy %s\n", usage);
			return CLI_GOOD;
		}
		if (!strchr(letters, letter) || take(letter, e)) {
			fprintf(stderr, "usage: sekisho policy %s\n", usage);
			return CLI_USAGE;
		}
	}
	e->count = argc - optind;
	e->operands = argv + optind;
	if (e->count >= least && e->count <= most)
		return -1;
	fprintf(stderr, "usage: sekisho policy %s\n", usage);
	return CLI_USAGE;
}

/* --- what is written --- */

static bool is_unfinished(const struct whitelist_fault *fault)
{
	size_t size = strlen(fault->path);
	bool hosts = size > 6 && !strcmp(fault->path + size - 6, ".hosts");
	return fault->error == WHITELIST_TOO_FEW && (hosts || !strcmp(fault->path, "banks"));
}

/* What is only unfinished is said; any other fault is one that this change would bring. */
static int judge(const char *path, const char *text)
{
	static struct whitelist_fault list[FAULTS_SHOWN];
	struct whitelist_faults faults = {.list = list, .capacity = FAULTS_SHOWN};
	size_t bad = 0;
	whitelist_check((const uint8_t *)text, strlen(text), &faults);
	for (size_t i = 0; i < faults.count && i < FAULTS_SHOWN; i++) {
		char sentence[WHITELIST_FAULT_BYTES];
		whitelist_fault_text(&list[i], sentence);
		bad += !is_unfinished(&list[i]);
		if (is_unfinished(&list[i]))
			fprintf(stderr, "sekisho: %s is not finished: %s is empty\n", path, list[i].path);
		else
			fprintf(stderr, "sekisho: %s%s%s\n", sentence, list[i].advice[0] ? "; " : "", list[i].advice);
	}
	return bad > 0 ? refuse("%s: not changed, because it would have %zu fault%s", path, bad, bad > 1 ? "s" : "")
		       : CLI_GOOD;
}

/* Releases `tree`. */
static int edit_write(json_t *tree, const char *path, const char *output)
{
	char *text = tree ? json_dumps(tree, JSON_INDENT(2)) : NULL;
	json_decref(tree);
	if (!text)
		return refuse("out of memory");
	int code = judge(path, text);
	size_t size = strlen(text);
	text[size] = '\n'; /* in the place of the NUL */
	if (!code)
		code = file_replace(output, text, size + 1);
	free(text);
	return code;
}

/* The bare policy in a file, the caller's; NULL: refused. `next`: an envelope will do, as it is only copied. */
static json_t *edit_open(const char *path, bool next)
{
	struct document document = {0};
	json_t *tree = NULL;
	json_error_t error;
	if (document_read(&document, path, NULL, NULL))
		return NULL;
	if (document.is_envelope && !next) {
		refuse(
		    "%s: is signed, and a signed policy is not changed; `sekisho policy init --next %s' makes the next "
		    "version of it",
		    path, path);
	} else {
		tree =
		    json_loadb((const char *)document.payload, document.payload_size, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(tree)) {
			refuse("%s:%d: is not one JSON object: %s", path, tree ? 1 : error.line,
			       tree ? "" : error.text);
			json_decref(tree);
			tree = NULL;
		}
	}
	document_close(&document);
	return tree;
}

/* --- init --- */

static void put_dates(json_t *tree, long days)
{
	char issued[DATE_BYTES], expires[DATE_BYTES];
	int64_t today = (int64_t)time(NULL) / DAY * DAY;
	date_format(today, issued);
	date_format(today + days * DAY, expires);
	json_object_set_new(tree, "issued", json_string(issued));
	json_object_set_new(tree, "expires", json_string(expires));
}

static json_t *init_first(const struct edit *e)
{
	return json_pack("{s:i, s:s, s:i, s:s, s:s, s:b, s:{}, s:[]}", "format", 1, "tenant", e->tenant, "version", 1,
			 "issued", "", "expires", "", "pin", e->pin, "authorities", "banks");
}

static json_t *init_next(const struct edit *e)
{
	json_t *tree = edit_open(e->next, true);
	const json_t *version = json_object_get(tree, "version");
	if (tree)
		json_object_set_new(tree, "version", json_integer(json_integer_value(version) + 1));
	return tree;
}

int policy_init(int argc, char **argv)
{
	static const char usage[] = "init (--tenant ID | --next OLD) [--days N] [--ask-pin] [--json] [-o FILE]";
	struct edit e;
	int code = edit_read(argc, argv, "TNdoij", usage, 0, 0, &e);
	if (code >= 0)
		return code;
	long days = e.days ? strtol(e.days, NULL, 10) : DAYS_DEFAULT;
	if (!e.tenant == !e.next || days < 1 || days > DAYS_MOST) {
		fprintf(stderr, "usage: sekisho policy %s\n", usage);
		return CLI_USAGE;
	}
	json_t *tree = e.next ? init_next(&e) : init_first(&e);
	if (!tree)
		return CLI_REFUSED;
	put_dates(tree, days);
	return edit_write(tree, e.output ? e.output : "the policy", e.output);
}

/* --- finding --- */

static json_t *find_named(const json_t *list, const char *member, const char *value, size_t *index)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);
		const char *text = json_string_value(json_object_get(item, member));
		if (text && !strcmp(text, value)) {
			if (index)
				*index = i;
			return item;
		}
	}
	return NULL;
}

static json_t *hosts_of(const json_t *tree, const char *bank)
{
	const json_t *found = find_named(json_object_get(tree, "banks"), "id", bank, NULL);
	json_t *hosts = json_object_get(found, "hosts");
	if (!json_is_array(hosts))
		refuse("there is no bank %s; `sekisho policy show' lists those that are", bank);
	return json_is_array(hosts) ? hosts : NULL;
}

static json_t *pins_of(const json_t *tree, const char *bank, const char *host)
{
	const json_t *hosts = hosts_of(tree, bank);
	if (!hosts)
		return NULL;
	json_t *pins = json_object_get(find_named(hosts, "name", host, NULL), "pins");
	if (!json_is_array(pins))
		refuse("%s has no host %s", bank, host);
	return json_is_array(pins) ? pins : NULL;
}

/* --- add and remove: what, how many words name it, and what is done. 0, or an exit code --- */

static int add_authority(json_t *tree, const struct edit *e, char **names)
{
	(void)e;
	json_t *authorities = json_object_get(tree, "authorities");
	size_t size;
	if (json_object_get(authorities, names[0]))
		return refuse("authority %s is there already; remove it first, or choose another name", names[0]);
	char *pem = file_read(names[1], PEM_MAX_BYTES, &size);
	if (!pem)
		return CLI_REFUSED;
	/* what openssl prints above the block is no part of it */
	const char *block = strstr(pem, "-----BEGIN CERTIFICATE-----");
	int failed = json_object_set_new(authorities, names[0], json_string(block ? block : pem));
	free(pem);
	return failed ? refuse("%s: not text", names[1]) : CLI_GOOD;
}

static int add_bank(json_t *tree, const struct edit *e, char **names)
{
	json_t *banks = json_object_get(tree, "banks");
	if (find_named(banks, "id", names[0], NULL))
		return refuse("bank %s is there already; remove it first, or choose another id", names[0]);
	if (!e->ja || !e->en || !e->start || !e->support) {
		fputs("sekisho: add bank needs --ja, --en, --start and --support\n", stderr);
		return CLI_USAGE;
	}
	int failed = json_array_append_new(banks, json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:[]}", "id", names[0],
							    "name", "ja", e->ja, "en", e->en, "start", e->start,
							    "support", e->support, "hosts"));
	return failed ? refuse("the file has no list of banks, or a word is not UTF-8") : CLI_GOOD;
}

static json_t *words_json(const struct words *words, bool numbers)
{
	json_t *list = json_array();
	for (size_t i = 0; i < words->count; i++) {
		char *end;
		long number = strtol(words->list[i], &end, 10);
		bool is_number = numbers && end != words->list[i] && *end == '\0';
		json_array_append_new(list, is_number ? json_integer(number) : json_string(words->list[i]));
	}
	return list;
}

static int add_host(json_t *tree, const struct edit *e, char **names)
{
	static const struct words https = {.list = {"443"}, .count = 1};
	json_t *hosts = hosts_of(tree, names[0]);
	if (!hosts)
		return CLI_REFUSED;
	if (find_named(hosts, "name", names[1], NULL))
		return refuse("%s is there already; remove it first, or `add pin'", names[1]);
	if (e->anchors.count == 0 || e->pins.count == 0) {
		fputs("sekisho: add host needs --anchor and --pin (`sekisho policy pin HOST' proposes both)\n", stderr);
		return CLI_USAGE;
	}
	json_t *host = json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", names[1], "role", e->role ? e->role : "page",
				 "ports", words_json(e->ports.count ? &e->ports : &https, true), "anchors",
				 words_json(&e->anchors, false), "pins", words_json(&e->pins, false));
	return json_array_append_new(hosts, host) ? refuse("a word is not UTF-8") : CLI_GOOD;
}

static int add_pin(json_t *tree, const struct edit *e, char **names)
{
	(void)e;
	json_t *pins = pins_of(tree, names[0], names[1]);
	return pins && !json_array_append_new(pins, json_string(names[2])) ? CLI_GOOD : CLI_REFUSED;
}

static int remove_authority(json_t *tree, const struct edit *e, char **names)
{
	(void)e;
	if (json_object_del(json_object_get(tree, "authorities"), names[0]))
		return refuse("there is no authority %s", names[0]);
	return CLI_GOOD;
}

static int remove_bank(json_t *tree, const struct edit *e, char **names)
{
	json_t *banks = json_object_get(tree, "banks");
	size_t index;
	if (!find_named(banks, "id", names[0], &index))
		return refuse("there is no bank %s", names[0]);
	if (json_array_size(banks) == 1 && !e->force)
		return refuse(
		    "%s is the last bank: without one the policy would lock everybody out; --force removes it "
		    "all the same, and another must be added before it can be signed",
		    names[0]);
	json_array_remove(banks, index);
	return CLI_GOOD;
}

static int remove_host(json_t *tree, const struct edit *e, char **names)
{
	json_t *hosts = hosts_of(tree, names[0]);
	size_t index;
	if (!hosts)
		return CLI_REFUSED;
	if (!find_named(hosts, "name", names[1], &index))
		return refuse("%s has no host %s", names[0], names[1]);
	if (json_array_size(hosts) == 1 && !e->force)
		return refuse(
		    "%s is the last host of %s: without one nobody reaches that bank; --force removes it all the "
		    "same, and another must be added before it can be signed",
		    names[1], names[0]);
	json_array_remove(hosts, index);
	return CLI_GOOD;
}

static int remove_pin(json_t *tree, const struct edit *e, char **names)
{
	(void)e;
	json_t *pins = pins_of(tree, names[0], names[1]);
	for (size_t i = 0; i < json_array_size(pins); i++) {
		const char *pin = json_string_value(json_array_get(pins, i));
		if (pin && !strcmp(pin, names[2])) {
			json_array_remove(pins, i);
			return CLI_GOOD;
		}
	}
	return pins ? refuse("%s has no pin %s", names[1], names[2]) : CLI_REFUSED;
}

static const struct {
	const char *what;
	int add_words, remove_words; /* behind FILE and WHAT */
	int (*add)(json_t *tree, const struct edit *e, char **names);
	int (*remove)(json_t *tree, const struct edit *e, char **names);
} things[] = {
    {"authority", 2, 1, add_authority, remove_authority},
    {"bank", 1, 1, add_bank, remove_bank},
    {"host", 2, 2, add_host, remove_host},
    {"pin", 3, 3, add_pin, remove_pin},
};

static int edit_run(const struct edit *e, bool add, const char *usage)
{
	const char *path = e->operands[0], *what = e->operands[1];
	for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
		if (strcmp(things[i].what, what) != 0 ||
		    e->count - 2 != (add ? things[i].add_words : things[i].remove_words))
			continue;
		json_t *tree = edit_open(path, false);
		int code = tree ? (add ? things[i].add : things[i].remove)(tree, e, e->operands + 2) : CLI_REFUSED;
		if (!code)
			return edit_write(tree, path, e->output ? e->output : path);
		json_decref(tree);
		return code;
	}
	fprintf(stderr, "usage: sekisho policy %s\n", usage);
	return CLI_USAGE;
}

int policy_add(int argc, char **argv)
{
	static const char usage[] =
	    "add [-o FILE] [--json] POLICY authority ID CERTIFICATE\n"
	    "       sekisho policy add [-o FILE] [--json] POLICY bank ID --ja NAME --en NAME --start URL --support "
	    "TELEPHONE\n"
	    "       sekisho policy add [-o FILE] [--json] POLICY host BANK NAME [--role page|asset] [--port N ...]\n"
	    "                          --anchor AUTHORITY ... --pin PIN --pin PIN ...\n"
	    "       sekisho policy add [-o FILE] [--json] POLICY pin BANK HOST PIN";
	struct edit e;
	int code = edit_read(argc, argv, "oJEsSRpAPj", usage, 3, 5, &e);
	return code >= 0 ? code : edit_run(&e, true, usage);
}

int policy_remove(int argc, char **argv)
{
	static const char usage[] = "remove [-o FILE] [--force] [--json] POLICY authority ID\n"
				    "       sekisho policy remove [-o FILE] [--force] [--json] POLICY bank ID\n"
				    "       sekisho policy remove [-o FILE] [--force] [--json] POLICY host BANK NAME\n"
				    "       sekisho policy remove [-o FILE] [--json] POLICY pin BANK HOST PIN";
	struct edit e;
	int code = edit_read(argc, argv, "ofj", usage, 3, 5, &e);
	return code >= 0 ? code : edit_run(&e, false, usage);
}

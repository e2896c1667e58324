/* sekisho gateway indicators: the file of known bad hosts, made from lists, and what is in it. It asks no gatewayd. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "image/cli/cli.h"
#include "vpn/gateway/config.h"
#include "whitelist/date.h"
#include "whitelist/indicators.h"

struct options {
	const char *file, *source;
	enum indicator_category category;
	bool skip_bad, json;
};

/* 0 with optind at the first word that is no option; else -1: --help was answered, or CLI_USAGE. */
static int parse(int argc, char **argv, const char *usage, struct options *o)
{
	static const struct option longs[] = {{"file", required_argument, NULL, 'f'},
					      {"category", required_argument, NULL, 'c'},
					      {"source", required_argument, NULL, 's'},
					      {"skip-bad", no_argument, NULL, 'k'},
					      {"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	*o = (struct options){.file = CONFIG_INDICATORS};
	bool good = true;
	optind = 0;
	for (int letter; good && (letter = getopt_long(argc, argv, "+f:jh", longs, NULL)) != -1;) {
		if (letter == 'f')
			o->file = optarg;
		else if (letter == 's')
			o->source = optarg;
		else if (letter == 'k')
			o->skip_bad = true;
		else if (letter == 'j')
			o->json = true;
		else if (letter == 'h') {
			printf("usage: %s\n", usage);
			return -1;
		} else if (letter == 'c') {
			o->category = indicator_category(optarg);
			good = o->category != INDICATOR_NONE;
			if (!good)
				refuse("%s: no such category; write phishing or malware", optarg);
		} else
			good = false;
	}
	if (!good)
		fprintf(stderr, "usage: %s\n", usage);
	return good ? 0 : CLI_USAGE;
}

static int print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return CLI_GOOD;
}

/* --- import --- */

struct fault_place {
	const char *path;
	json_t *faults; /* NULL: to standard error, as they come */
};

static void tell_fault(size_t line, const char *what, void *context)
{
	const struct fault_place *at = context;
	if (at->faults)
		json_array_append_new(
		    at->faults, json_pack("{s:s, s:I, s:s}", "file", at->path, "line", (json_int_t)line, "what", what));
	else
		fprintf(stderr, "sekisho: %s:%zu: %s\n", at->path, line, what);
}

/* What lines are from that name no source: the file's name without its folder and ending. */
static void source_of(const char *path, char source[INDICATOR_SOURCE_BYTES])
{
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	snprintf(source, INDICATOR_SOURCE_BYTES, "%s", strcmp(path, "-") == 0 ? "stdin" : base);
	char *dot = strrchr(source, '.');
	if (dot && dot != source)
		*dot = '\0';
}

static int add_file(struct indicator_list *list, const char *path, const struct options *o, json_t *faults,
		    size_t *wrong)
{
	char source[INDICATOR_SOURCE_BYTES];
	struct fault_place at = {.path = path, .faults = faults};
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || (S_ISDIR(status.st_mode) && (errno = EISDIR))) {
		refuse("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	if (status.st_size == 0) {
		close(fd);
		return S_ISREG(status.st_mode) ? 0 : (refuse("%s: is no file", path), -EIO);
	}
	void *text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (text == MAP_FAILED) {
		refuse("%s: %s", path, strerror(errno));
		return -EIO;
	}
	source_of(path, source);
	int error = indicator_list_add(list, text, (size_t)status.st_size, o->category, o->source ? o->source : source,
				       tell_fault, &at, wrong);
	munmap(text, (size_t)status.st_size);
	if (error)
		refuse("%s: %s", path, error == -E2BIG ? "more than 255 different sources" : strerror(-error));
	return error;
}

static int write_file(struct indicator_list *list, const struct options *o, uint64_t *count, size_t *size)
{
	uint8_t *data = NULL;
	struct indicators made;
	int error = indicator_list_build(list, time(NULL), &data, size);
	if (error)
		return refuse("%s", error == -E2BIG ? "more names below one site than a stick takes in one answer; "
						      "list the site itself instead"
						    : strerror(-error));
	int status = indicators_read(data, *size, &made) ? refuse("what was made cannot be read back: please report")
							 : file_replace(o->file, data, *size);
	*count = made.count;
	free(data);
	return status;
}

static int report(const struct options *o, int status, uint64_t count, size_t size, size_t wrong, json_t *faults)
{
	if (o->json)
		return print_json(json_pack("{s:b, s:s, s:I, s:I, s:I, s:O}", "ok", status == CLI_GOOD, "file", o->file,
					    "entries", (json_int_t)count, "bytes", (json_int_t)size, "wrong",
					    (json_int_t)wrong, "faults", faults)),
		       status;
	if (status == CLI_GOOD)
		printf("%s holds %" PRIu64 " entries, %zu bytes%s; `systemctl reload sekisho-gateway' puts it in "
		       "force\n",
		       o->file, count, size, wrong ? ", without the lines above" : "");
	return status;
}

static int import(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway indicators import [--category phishing|malware] [--source NAME] "
				    "[--skip-bad] [--json] [--file FILE] LIST...";
	struct options o;
	size_t wrong = 0, size = 0;
	uint64_t count = 0;
	int parsed = parse(argc, argv, usage, &o), status = CLI_GOOD;
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	if (optind == argc) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	struct indicator_list *list = indicator_list_new();
	json_t *faults = json_array();
	if (!list || !faults)
		return refuse("out of memory");
	for (int i = optind; i < argc; i++)
		if (add_file(list, argv[i], &o, o.json ? faults : NULL, &wrong))
			status = CLI_REFUSED; /* the others are still read: all that is wrong is said at once */
	if (wrong && !o.skip_bad)
		status = refuse("%zu wrong lines: nothing is taken, %s stays as it was; mend them, or leave them out "
				"with --skip-bad",
				wrong, o.file);
	if (status == CLI_GOOD && indicator_list_is_empty(list))
		status = refuse("the lists name no host at all: nothing is taken, %s stays as it was", o.file);
	if (status == CLI_GOOD)
		status = write_file(list, &o, &count, &size);
	status = report(&o, status, count, size, wrong, faults);
	json_decref(faults);
	indicator_list_free(list);
	return status;
}

/* --- reading --- */

static int open_file(const struct options *o, struct indicators *indicators)
{
	int fd = open(o->file, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : indicators_map(fd, indicators);
	if (fd >= 0)
		close(fd);
	if (error == -EBADMSG || error == -ENODATA)
		return refuse("%s: is no file of indicators; make one with `sekisho gateway indicators import'",
			      o->file);
	if (error)
		return refuse("%s: %s", o->file, strerror(-error));
	if (!indicators_intact(indicators)) {
		indicators_unmap(indicators);
		return refuse("%s: is damaged; import the lists again", o->file);
	}
	return CLI_GOOD;
}

struct tally {
	uint64_t categories[INDICATOR_CATEGORIES], crowded, sources[INDICATOR_SOURCES_MAX + 1];
};

static void tally_all(const struct indicators *indicators, struct tally *tally)
{
	for (uint64_t i = 0; i < indicators->count; i++) {
		const unsigned category = indicators->entries[i * INDICATOR_ENTRY_BYTES] & 15;
		if (category == INDICATOR_CROWDED)
			tally->crowded++;
		else if (category < INDICATOR_CATEGORIES) {
			tally->categories[category]++;
			tally->sources[indicators->entry_sources[i]]++;
		}
	}
}

static json_t *tally_json(const struct indicators *indicators, const struct tally *tally, const char *file)
{
	char made[DATE_BYTES];
	json_t *categories = json_object(), *sources = json_object();
	date_format(indicators->made, made);
	for (int i = INDICATOR_NONE + 1; i < INDICATOR_CATEGORIES; i++)
		json_object_set_new(categories, indicator_word((enum indicator_category)i),
				    json_integer((json_int_t)tally->categories[i]));
	for (size_t i = 0; i < indicators->source_count; i++)
		json_object_set_new(sources, (const char *)indicators->sources + i * INDICATOR_SOURCE_BYTES,
				    json_integer((json_int_t)tally->sources[i]));
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "file", file, "made", made, "bytes",
			 (json_int_t)indicators->size, "crowded_sites", (json_int_t)tally->crowded, "categories",
			 categories, "sources", sources);
}

static int show(int argc, char **argv)
{
	struct options o;
	struct indicators indicators;
	struct tally tally = {0};
	int parsed = parse(argc, argv, "sekisho gateway indicators show [--json] [--file FILE]", &o);
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	if (open_file(&o, &indicators))
		return CLI_REFUSED;
	tally_all(&indicators, &tally);
	json_t *json = tally_json(&indicators, &tally, o.file);
	indicators_unmap(&indicators);
	if (!json)
		return refuse("out of memory");
	if (o.json)
		return print_json(json);
	const char *const groups[] = {"categories", "sources"};
	printf("made %s, %lld bytes\n", json_string_value(json_object_get(json, "made")),
	       (long long)json_integer_value(json_object_get(json, "bytes")));
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		const char *name;
		json_t *number;
		json_object_foreach(json_object_get(json, groups[i]), name, number)
		{
			printf("%-10s %-31s %12lld\n", i == 0 ? "category" : "source", name,
			       (long long)json_integer_value(number));
		}
	}
	json_decref(json);
	return CLI_GOOD;
}

/* Exit status 0 where none is listed, as grep does not: a listed host is what an operator looks for and reads. */
static int look_up(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway indicators look-up [--json] [--file FILE] HOST...";
	struct options o;
	struct indicators indicators;
	int parsed = parse(argc, argv, usage, &o);
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	if (optind == argc) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	if (open_file(&o, &indicators))
		return CLI_REFUSED;
	json_t *found = json_array();
	for (int i = optind; i < argc; i++) {
		const char *source, *word = indicator_word(indicators_find(&indicators, argv[i], &source));
		json_array_append_new(
		    found, json_pack("{s:s, s:s, s:s}", "host", argv[i], "category", word, "source", source));
		if (!o.json)
			printf("%s: %s%s%s\n", argv[i], word[0] ? word : "not listed", word[0] ? ", from " : "",
			       source);
	}
	indicators_unmap(&indicators);
	if (o.json)
		return print_json(found);
	json_decref(found);
	return CLI_GOOD;
}

int cmd_gateway_indicators(int argc, char **argv)
{
	static const struct command table[] = {
	    {"import", import, "[--category WORD] [--source NAME] [--skip-bad] [--file FILE] LIST...",
	     "make the file of known bad hosts from lists; nothing is taken if a line is wrong"},
	    {"show", show, "[--json] [--file FILE]", "how many hosts of which category and source are in it"},
	    {"look-up", look_up, "[--json] [--file FILE] HOST...", "whether a host is in it"},
	    {0},
	};
	return command_run(table, "sekisho gateway indicators", argc, argv);
}

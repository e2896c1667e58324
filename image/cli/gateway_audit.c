/* sekisho gateway audit: check the log of what operators did and looked at, prove an entry, take it elsewhere. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/lib/base64.h"
#include "image/cli/cli.h"
#include "image/cli/gateway.h"
#include "vpn/gateway/checkpoint.h"
#include "vpn/gateway/config.h"

enum { FILE_MAX_BYTES = 1 << 30, KEY_MAX_BYTES = 4096 };

/* --- a log, from the gateway or from an export --- */

struct entry {
	uint64_t id;
	char *text, *leaf; /* leaf: the hash the database keeps beside it, "" in an export */
	struct merkle_hash hash;
};

struct log {
	struct entry *entries;
	size_t count, room;
	char **notes; /* the gateway's own checkpoints, as text */
	size_t note_count;
};

static void log_free(struct log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		free(log->entries[i].text);
		free(log->entries[i].leaf);
	}
	for (size_t i = 0; i < log->note_count; i++)
		free(log->notes[i]);
	free(log->entries);
	free(log->notes);
}

static int log_add_entry(struct log *log, const char *text, const char *leaf)
{
	if (log->count == log->room) {
		size_t room = log->room ? log->room * 2 : 1024;
		struct entry *grown = realloc(log->entries, room * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		log->entries = grown;
		log->room = room;
	}
	json_t *parsed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *id = json_object_get(parsed, "id");
	struct entry *entry = &log->entries[log->count];
	*entry = (struct entry){.id = json_is_integer(id) ? (uint64_t)json_integer_value(id) : UINT64_MAX,
				.text = strdup(text),
				.leaf = strdup(leaf)};
	json_decref(parsed);
	log->count++;
	return entry->text && entry->leaf ? merkle_leaf(text, strlen(text), &entry->hash) : -ENOMEM;
}

static int log_add_note(struct log *log, const char *text)
{
	char **grown = realloc(log->notes, (log->note_count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	log->notes = grown;
	log->notes[log->note_count] = strdup(text);
	return log->notes[log->note_count++] ? 0 : -ENOMEM;
}

static int log_from_gateway(const char *socket, struct log *log)
{
	json_t *answer, *one;
	size_t i, got = 1;
	int error = 0;
	/* The checkpoints first: asking for them makes one over all entries there are. */
	answer = gateway_ask(socket, json_pack("{s:s}", "command", "audit.checkpoints"));
	if (!answer)
		return CLI_REFUSED;
	json_array_foreach(json_object_get(answer, "checkpoints"), i, one)
	{
		if (!error)
			error = log_add_note(log, json_string_value(one));
	}
	json_decref(answer);
	for (uint64_t from = 0; got > 0 && !error;) {
		answer =
		    gateway_ask(socket, json_pack("{s:s, s:I}", "command", "audit.entries", "from", (json_int_t)from));
		if (!answer)
			return CLI_REFUSED;
		json_t *list = json_object_get(answer, "entries");
		got = json_array_size(list);
		json_array_foreach(list, i, one)
		{
			from = (uint64_t)json_integer_value(json_object_get(one, "id")) + 1;
			if (!error)
				error = log_add_entry(log, json_string_value(json_object_get(one, "entry")),
						      json_string_value(json_object_get(one, "leaf")));
		}
		json_decref(answer);
	}
	return error ? refuse("the log cannot be read: %s", strerror(-error)) : CLI_GOOD;
}

/* Lines of JSON, as `export` writes them. */
static int log_from_file(const char *path, struct log *log)
{
	size_t size, number = 0;
	char *text = file_read(path, FILE_MAX_BYTES, &size), *rest = text, *line;
	int error = 0;
	if (!text)
		return CLI_REFUSED;
	while (!error && (line = strsep(&rest, "\n"))) {
		number++;
		if (!*line)
			continue;
		json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *entry = json_string_value(json_object_get(row, "entry"));
		const char *note = json_string_value(json_object_get(row, "checkpoint"));
		error = entry ? log_add_entry(log, entry, "") : note ? log_add_note(log, note) : -EBADMSG;
		json_decref(row);
	}
	free(text);
	return error ? refuse("%s, line %zu: %s", path, number,
			      error == -EBADMSG ? "neither an entry nor a checkpoint of an exported audit log"
						: strerror(-error))
		     : CLI_GOOD;
}

static int log_read(const char *path, const char *socket, struct log *log)
{
	*log = (struct log){0};
	int code = path ? log_from_file(path, log) : log_from_gateway(socket, log);
	if (code)
		log_free(log);
	return code;
}

/* --- the key --- */

static int key_read(const char *path, const char *config_path, struct checkpoint_key **key)
{
	struct config config = {0};
	char why[512];
	size_t size;
	FILE *file = path ? NULL : fopen(config_path, "re");
	int error = file ? config_read_fd(fileno(file), &config, why, sizeof why) : 0;
	if (file)
		fclose(file);
	else if (!path)
		return refuse("%s: %s; name the audit log's public key with --key FILE", config_path, strerror(errno));
	if (error)
		return refuse("%s: %s", config_path, why);
	char *pem = file_read(path ? path : config.audit_public, KEY_MAX_BYTES, &size);
	config_free(&config);
	if (!pem)
		return CLI_REFUSED;
	error = checkpoint_key_public(pem, key);
	free(pem);
	return error ? refuse("%s is not the public key of an audit log (P-256, PEM)", path ? path : "the audit key")
		     : CLI_GOOD;
}

/* --- verify --- */

struct finding {
	char text[512];
	bool bad;
};

static const char *date(int64_t at, char out[32])
{
	struct tm parts;
	time_t time = (time_t)at;
	if (!localtime_r(&time, &parts) || !strftime(out, 32, "%Y-%m-%d %H:%M:%S", &parts))
		snprintf(out, 32, "?");
	return out;
}

#define FIND(finding, ...)                                                                                             \
	do {                                                                                                           \
		if (!(finding)->bad)                                                                                   \
			snprintf((finding)->text, sizeof(finding)->text, __VA_ARGS__);                                 \
		(finding)->bad = true;                                                                                 \
	} while (0)

static void check_entries(const struct log *log, struct finding *finding)
{
	for (size_t i = 0; i < log->count && !finding->bad; i++) {
		const struct entry *entry = &log->entries[i];
		char leaf[BASE64_ENCODED_SIZE(MERKLE_BYTES)];
		base64_encode(entry->hash.bytes, sizeof entry->hash.bytes, leaf);
		if (entry->leaf[0] && strcmp(entry->leaf, leaf) != 0)
			FIND(finding, "entry %zu was altered: %.300s", i, entry->text);
		else if (entry->id > i)
			FIND(finding, "entry %zu is missing; the next that is there is %.300s", i, entry->text);
		else if (entry->id != i)
			FIND(finding, "entry %zu is there twice or out of order: %.300s", i, entry->text);
	}
}

struct known { /* a checkpoint and where it is from */
	struct checkpoint checkpoint;
	bool witness;
};

static int by_size(const void *a, const void *b)
{
	uint64_t left = ((const struct known *)a)->checkpoint.size, right = ((const struct known *)b)->checkpoint.size;
	return left < right ? -1 : left > right;
}

static int open_note(const struct checkpoint_key *key, const char *note, bool witness, struct known *known,
		     struct finding *finding)
{
	known->witness = witness;
	int error = checkpoint_open(key, note, &known->checkpoint);
	if (error)
		FIND(finding, "a checkpoint %s is %s: %.200s", witness ? "in the witness file" : "of the gateway",
		     error == -EBADMSG ? "no checkpoint at all" : "not signed by this key, or was altered", note);
	return error;
}

/* A witness file holds checkpoints, each followed by an empty line; each holds one itself, before its signatures. */
static size_t next_note(const char *text)
{
	const char *signature = strstr(text, "\n\n");
	const char *end = signature ? strstr(signature + 2, "\n\n") : NULL;
	return end ? (size_t)(end + 1 - text) : strlen(text);
}

static struct known *open_notes(const struct checkpoint_key *key, const struct log *log, char *witness, size_t *count,
				struct finding *finding)
{
	size_t most = log->note_count;
	for (const char *at = witness; at && *at; at += next_note(at), at += *at == '\n')
		most++;
	struct known *list = calloc(most + 1, sizeof *list);
	if (!list)
		return NULL;
	*count = 0;
	for (size_t i = 0; i < log->note_count; i++)
		*count += open_note(key, log->notes[i], false, &list[*count], finding) == 0;
	for (char *at = witness, *next; at && *at; at = next) {
		size_t size = next_note(at);
		next = at + size;
		if (*next == '\n')
			*next++ = '\0';
		*count += open_note(key, at, true, &list[*count], finding) == 0;
	}
	qsort(list, *count, sizeof *list, by_size);
	for (size_t i = 1; i < *count; i++)
		if (strcmp(list[i].checkpoint.origin, list[0].checkpoint.origin) != 0)
			FIND(finding, "one checkpoint is of the log %s and another of %s", list[0].checkpoint.origin,
			     list[i].checkpoint.origin);
	return list;
}

static int check_roots(const struct log *log, const struct known *list, size_t count, struct finding *finding)
{
	struct merkle tree = {0};
	struct merkle_hash root;
	uint64_t held = 0;
	char at[32];
	for (size_t i = 0; i < count && !finding->bad; i++) {
		const struct checkpoint *checkpoint = &list[i].checkpoint;
		const char *whose = list[i].witness ? "the witness's" : "the gateway's";
		int error = 0;
		while (tree.size < checkpoint->size && tree.size < log->count && !error)
			error = merkle_add(&tree, &log->entries[tree.size].hash);
		if (!error)
			error = merkle_root(&tree, &root);
		if (error)
			return error;
		if (tree.size < checkpoint->size)
			FIND(finding,
			     "the log has %zu entries, and %s checkpoint of %s is over %" PRIu64
			     ": the last were taken out",
			     log->count, whose, date(checkpoint->time, at), checkpoint->size);
		else if (memcmp(&root, &checkpoint->root, sizeof root) != 0)
			FIND(finding,
			     "one of the entries %" PRIu64 " to %" PRIu64
			     " was altered, taken out or put in: %s checkpoint of %s does not agree with them",
			     held, checkpoint->size - 1, whose, date(checkpoint->time, at));
		held = checkpoint->size;
	}
	return 0;
}

/* `witness` is the file's text, NULL when none is known here. */
static int verify(const struct log *log, const struct checkpoint_key *key, char *witness, bool json)
{
	const bool has_witness = witness != NULL;
	struct finding finding = {0};
	size_t count = 0, witnessed = 0;
	check_entries(log, &finding);
	struct known *list = open_notes(key, log, witness, &count, &finding);
	if (!list || check_roots(log, list, count, &finding)) {
		free(list);
		return refuse("the log cannot be checked: out of memory");
	}
	for (size_t i = 0; i < count; i++)
		witnessed += list[i].witness;
	uint64_t covered = count > 0 ? list[count - 1].checkpoint.size : 0;
	free(list);
	if (json)
		printf("{\"ok\":%s,\"entries\":%zu,\"checkpoints\":%zu,\"witnessed\":%zu,\"covered\":%" PRIu64 "}\n",
		       finding.bad ? "false" : "true", log->count, count - witnessed, witnessed, covered);
	if (finding.bad)
		return refuse(
		    "the audit log does not hold: %s. Keep the database and the witness file as they are, and "
		    "compare with the last export",
		    finding.text);
	if (json)
		return CLI_GOOD;
	printf("the audit log holds: %zu entries, %" PRIu64 " of them under %zu signed checkpoints; ", log->count,
	       covered, count - witnessed);
	if (has_witness)
		printf("%zu in the witness file\n", witnessed);
	else
		puts("no witness file was looked at, so that one which was rolled back whole looks the same");
	return CLI_GOOD;
}

/* --- proofs --- */

static json_t *path_json(const struct merkle_path *path)
{
	json_t *list = json_array();
	char text[BASE64_ENCODED_SIZE(MERKLE_BYTES)];
	for (size_t i = 0; i < path->count; i++) {
		base64_encode(path->hashes[i].bytes, MERKLE_BYTES, text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static int path_read(const json_t *list, struct merkle_path *path)
{
	path->count = json_array_size(list);
	if (!json_is_array(list) || path->count > MERKLE_PATH_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < path->count; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		size_t size = 0;
		if (!text || base64_decode(text, strlen(text), path->hashes[i].bytes, MERKLE_BYTES, &size) ||
		    size != MERKLE_BYTES)
			return -EBADMSG;
	}
	return 0;
}

/* The newest of the gateway's checkpoints, or that of `size` entries. */
static const char *find_note(const struct log *log, const struct checkpoint_key *key, uint64_t size,
			     struct checkpoint *found)
{
	const char *note = NULL;
	struct checkpoint one;
	for (size_t i = 0; i < log->note_count; i++)
		if (checkpoint_open(key, log->notes[i], &one) == 0 && one.size <= log->count &&
		    (size == 0 ? one.size >= found->size : one.size == size)) {
			*found = one;
			note = log->notes[i];
		}
	return note;
}

static int prove(const struct log *log, const struct checkpoint_key *key, const char *id, uint64_t old_size)
{
	struct checkpoint now = {0}, old = {0};
	struct merkle_path path;
	char *end;
	uint64_t index = id ? strtoull(id, &end, 10) : 0;
	const char *note = find_note(log, key, 0, &now), *old_note = id ? NULL : find_note(log, key, old_size, &old);
	struct merkle_hash *leaves = calloc(log->count + 1, sizeof *leaves);
	json_t *proof = NULL;
	for (size_t i = 0; leaves && i < log->count; i++)
		leaves[i] = log->entries[i].hash;
	if (!leaves || !note)
		refuse(leaves ? "the log has no checkpoint that this key signed" : "out of memory");
	else if (id && (*end || end == id || merkle_inclusion(leaves, now.size, index, &path)))
		refuse("there is no entry %s: the log has the entries 0 to %" PRIu64, id, now.size - 1);
	else if (!id && (!old_note || merkle_consistency(leaves, old_size, now.size, &path)))
		refuse("the log has no checkpoint over %" PRIu64 " entries", old_size);
	else if (id)
		proof = json_pack("{s:s, s:I, s:s, s:o}", "entry", log->entries[index].text, "index", (json_int_t)index,
				  "checkpoint", note, "path", path_json(&path));
	else
		proof = json_pack("{s:s, s:s, s:o}", "old_checkpoint", old_note, "checkpoint", note, "path",
				  path_json(&path));
	if (proof) {
		json_dumpf(proof, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	free(leaves);
	int code = proof ? CLI_GOOD : CLI_REFUSED;
	json_decref(proof);
	return code;
}

/* `old` has a size of 0 in a proof of an entry. */
static bool proof_holds(const json_t *proof, const struct checkpoint_key *key, struct checkpoint *now,
			struct checkpoint *old)
{
	struct merkle_path path;
	struct merkle_hash leaf;
	const char *note = json_string_value(json_object_get(proof, "checkpoint"));
	const char *entry = json_string_value(json_object_get(proof, "entry"));
	const char *old_note = json_string_value(json_object_get(proof, "old_checkpoint"));
	const json_t *index = json_object_get(proof, "index");
	if (!note || checkpoint_open(key, note, now) || path_read(json_object_get(proof, "path"), &path))
		return false;
	if (entry && json_is_integer(index))
		return merkle_leaf(entry, strlen(entry), &leaf) == 0 &&
		       merkle_inclusion_holds(&leaf, (uint64_t)json_integer_value(index), now->size, &path, &now->root);
	return old_note && checkpoint_open(key, old_note, old) == 0 && strcmp(old->origin, now->origin) == 0 &&
	       merkle_consistency_holds(old->size, &old->root, now->size, &now->root, &path);
}

/* All of it, for who holds it on paper or got it from somebody else: that these are the same is his to see. */
static void print_checkpoint(const char *name, const struct checkpoint *checkpoint)
{
	char at[32], root[BASE64_ENCODED_SIZE(MERKLE_BYTES)];
	base64_encode(checkpoint->root.bytes, MERKLE_BYTES, root);
	printf("%s: %s, %" PRIu64 " entries, %s, root %s\n", name, checkpoint->origin, checkpoint->size,
	       date(checkpoint->time, at), root);
}

static int verify_proof(const char *file, const struct checkpoint_key *key)
{
	size_t size;
	char *text = file_read(file, FILE_MAX_BYTES, &size);
	if (!text)
		return CLI_REFUSED;
	json_t *proof = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	struct checkpoint now, old = {0};
	bool good = proof_holds(proof, key, &now, &old);
	if (good && old.origin[0]) {
		printf("%s: it holds: the log only grew\n", file);
		print_checkpoint("from", &old);
		print_checkpoint("to", &now);
	} else if (good) {
		printf("%s: it holds: the log has the entry %s\n", file,
		       json_string_value(json_object_get(proof, "entry")));
		print_checkpoint("under", &now);
	}
	json_decref(proof);
	free(text);
	return good
		   ? CLI_GOOD
		   : refuse(
			 "%s is no proof that holds under this key: the entry or the earlier checkpoint is not part of "
			 "the log",
			 file);
}

/* --- export --- */

static void put_row(FILE *out, const char *kind, const char *text)
{
	json_t *row = json_pack("{s:s}", kind, text);
	json_dumpf(row, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(row);
}

static int export(const struct log *log, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return refuse("out of memory");
	for (size_t i = 0; i < log->count; i++)
		put_row(out, "entry", log->entries[i].text);
	for (size_t i = 0; i < log->note_count; i++)
		put_row(out, "checkpoint", log->notes[i]);
	int code = fclose(out) == 0 ? file_replace(path, text, size) : refuse("out of memory");
	free(text);
	return code;
}

/* --- the commands --- */

struct options {
	const char *socket, *config, *key, *witness, *log, *proof, *old, *out;
	bool json;
	const char *argument;
};

static int parse(int argc, char **argv, const char *usage, struct options *o)
{
	static const struct option longs[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"config", required_argument, NULL, 'c'},
	    {"key", required_argument, NULL, 'k'},
	    {"witness", required_argument, NULL, 'w'},
	    {"log", required_argument, NULL, 'l'},
	    {"proof", required_argument, NULL, 'p'},
	    {"old", required_argument, NULL, 'o'},
	    {"out", required_argument, NULL, 'O'},
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	*o = (struct options){.socket = GATEWAY_SOCKET_PATH, .config = GATEWAY_CONFIG_PATH};
	const char **const texts[] = {['s'] = &o->socket, ['c'] = &o->config, ['k'] = &o->key, ['w'] = &o->witness,
				      ['l'] = &o->log,    ['p'] = &o->proof,  ['o'] = &o->old, ['O'] = &o->out};
	int letter;
	optind = 0;
	while ((letter = getopt_long(argc, argv, "+jh", longs, NULL)) != -1) {
		if (letter == 'j')
			o->json = true;
		else if (letter != 'h' && letter != '?' && texts[letter])
			*texts[letter] = optarg;
		else {
			fprintf(letter == 'h' ? stdout : stderr, "usage: %s\n", usage);
			return letter == 'h' ? -1 : CLI_USAGE;
		}
	}
	if (optind < argc)
		o->argument = argv[optind++];
	if (optind == argc)
		return 0;
	fprintf(stderr, "usage: %s\n", usage);
	return CLI_USAGE;
}

/*
 * The witness's text, the caller's: of the file that is named or, for the gateway's own log, of the one in its
 * configuration. *witness is NULL where there is neither. CLI_GOOD, or a sentence and CLI_REFUSED.
 */
static int witness_read(const struct options *o, char **witness)
{
	struct config config = {0};
	char why[512];
	size_t size;
	const char *path = o->witness;
	FILE *file = path || o->log ? NULL : fopen(o->config, "re");
	*witness = NULL;
	if (file && config_read_fd(fileno(file), &config, why, sizeof why) == 0)
		path = config.audit_witness;
	if (file)
		fclose(file);
	if (path)
		*witness = file_read(path, FILE_MAX_BYTES, &size);
	config_free(&config);
	return path && !*witness ? CLI_REFUSED : CLI_GOOD;
}

static int audit_verify(int argc, char **argv)
{
	struct options o;
	struct checkpoint_key *key = NULL;
	struct log log;
	int code = parse(
	    argc, argv,
	    "sekisho gateway audit verify [--key FILE] [--witness FILE] [--json] [--log EXPORT | --proof FILE]", &o);
	if (code)
		return code < 0 ? CLI_GOOD : code;
	if (o.argument)
		return refuse("`verify' takes options only: an exported log is named with --log");
	code = key_read(o.key, o.config, &key);
	if (!code && o.proof) {
		code = verify_proof(o.proof, key);
	} else if (!code) {
		char *witness;
		code = witness_read(&o, &witness);
		if (!code)
			code = log_read(o.log, o.socket, &log);
		if (!code) {
			code = verify(&log, key, witness, o.json);
			log_free(&log);
		}
		free(witness);
	}
	checkpoint_key_free(key);
	return code;
}

static int audit_prove(int argc, char **argv)
{
	static const char usage[] =
	    "sekisho gateway audit prove [--key FILE] [--log EXPORT] ENTRY-NUMBER | --old ENTRIES";
	struct options o;
	struct checkpoint_key *key = NULL;
	struct log log;
	int code = parse(argc, argv, usage, &o);
	if (code)
		return code < 0 ? CLI_GOOD : code;
	if (!o.argument == !o.old) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	code = key_read(o.key, o.config, &key);
	if (!code)
		code = log_read(o.log, o.socket, &log);
	if (!code) {
		code = prove(&log, key, o.argument, o.old ? strtoull(o.old, NULL, 10) : 0);
		log_free(&log);
	}
	checkpoint_key_free(key);
	return code;
}

static int audit_export(int argc, char **argv)
{
	struct options o;
	struct log log;
	int code = parse(argc, argv, "sekisho gateway audit export [--out FILE] [--socket PATH]", &o);
	if (code)
		return code < 0 ? CLI_GOOD : code;
	code = log_read(NULL, o.socket, &log);
	if (!code) {
		code = export(&log, o.out);
		log_free(&log);
	}
	return code;
}

int cmd_gateway_audit(int argc, char **argv)
{
	static const struct command table[] = {
	    {"verify", audit_verify, "[--key FILE] [--witness FILE] [--log EXPORT | --proof FILE]",
	     "was anything altered or taken out?"},
	    {"prove", audit_prove, "ENTRY-NUMBER | --old ENTRIES",
	     "a proof that an entry, or an earlier checkpoint, is part of the log"},
	    {"export", audit_export, "[--out FILE]", "the whole log with its checkpoints, to be kept elsewhere"},
	    {0},
	};
	return command_run(table, "sekisho gateway audit", argc, argv);
}

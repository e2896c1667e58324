/* sekisho gateway: what operators type on the gateway itself. It asks gatewayd by its control socket. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/cli/cli.h"
#include "image/cli/gateway.h"
#include "vpn/gateway/config.h"
#include "vpn/gateway/keys.h"

enum { ADDRESSES_MAX = 8, LETTER_MAX_BYTES = 4096 };

/* --- options --- */

struct options {
	const char *socket, *config, *id, *key, *name, *region, *addresses[ADDRESSES_MAX], *version, *root_hash;
	const char *identity, *reason, *letter;
	size_t address_count;
	bool json;
	const char *argument; /* the one word that is no option */
};

static int parse(int argc, char **argv, const char *usage, struct options *o)
{
	static const struct option longs[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"config", required_argument, NULL, 'c'},
	    {"id", required_argument, NULL, 'i'},
	    {"key", required_argument, NULL, 'k'},
	    {"name", required_argument, NULL, 'n'},
	    {"region", required_argument, NULL, 'r'},
	    {"address", required_argument, NULL, 'a'},
	    {"json", no_argument, NULL, 'j'},
	    {"version", required_argument, NULL, 'v'},
	    {"root-hash", required_argument, NULL, 'R'},
	    {"identity", required_argument, NULL, 'I'},
	    {"reason", required_argument, NULL, 'w'},
	    {"letter", required_argument, NULL, 'l'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	*o = (struct options){.socket = GATEWAY_SOCKET_PATH, .config = GATEWAY_CONFIG_PATH, .name = "", .region = ""};
	int letter;
	optind = 0;
	while ((letter = getopt_long(argc, argv, "+jh", longs, NULL)) != -1) {
		if (letter == 's')
			o->socket = optarg;
		else if (letter == 'c')
			o->config = optarg;
		else if (letter == 'i')
			o->id = optarg;
		else if (letter == 'k')
			o->key = optarg;
		else if (letter == 'n')
			o->name = optarg;
		else if (letter == 'r')
			o->region = optarg;
		else if (letter == 'a' && o->address_count < ADDRESSES_MAX)
			o->addresses[o->address_count++] = optarg;
		else if (letter == 'v')
			o->version = optarg;
		else if (letter == 'R')
			o->root_hash = optarg;
		else if (letter == 'I')
			o->identity = optarg;
		else if (letter == 'w')
			o->reason = optarg;
		else if (letter == 'l')
			o->letter = optarg;
		else if (letter == 'j')
			o->json = true;
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

/* --help has been answered when parse() gives -1. */
#define PARSE(usage)                                                                                                   \
	struct options o;                                                                                              \
	int parsed = parse(argc, argv, usage, &o);                                                                     \
	if (parsed)                                                                                                    \
	return parsed < 0 ? CLI_GOOD : parsed

static int missing(const char *usage)
{
	fprintf(stderr, "usage: %s\n", usage);
	return CLI_USAGE;
}

static int print_json(json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
	return CLI_GOOD;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text && *text ? text : "-";
}

/* --- stick --- */

static int stick_add(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway stick add --id ID --key PUBLIC-KEY --identity PUBLIC-KEY"
				    " [--name NAME] [--region REGION] [--address ADDRESS] [--json] [--socket PATH]";
	PARSE(usage);
	if (!o.id || !o.key || o.argument)
		return missing(usage);
	json_t *answer = gateway_ask(
	    o.socket, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "command", "stick.add", "id", o.id, "key",
				o.key, "identity", o.identity ? o.identity : "", "name", o.name, "region", o.region,
				"address", o.address_count ? o.addresses[0] : "", "who", gateway_who()));
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	printf("%s is registered with the inner address %s\n", text_of(answer, "id"), text_of(answer, "address"));
	json_decref(answer);
	return CLI_GOOD;
}

/* The public keys that `sekisho device pin' wrote beside a letter, as a request; NULL after saying why. */
static json_t *read_letter(const char *path)
{
	size_t size;
	char *text = file_read(path, LETTER_MAX_BYTES, &size);
	json_t *letter = text ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (text && !json_is_object(letter))
		refuse("%s: is not what `sekisho device pin --public' writes", path);
	free(text);
	if (json_is_object(letter))
		return letter;
	json_decref(letter);
	return NULL;
}

static int give_letter(const struct options *o)
{
	json_t *letter = read_letter(o->letter);
	if (!letter)
		return CLI_REFUSED;
	const char *duress = json_string_value(json_object_get(letter, "duress_key"));
	json_t *answer =
	    gateway_ask(o->socket, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "command", "stick.pin", "id", o->id,
					     "reason", o->reason, "who", gateway_who(), "pin_key",
					     text_of(letter, "pin_key"), "duress_key", duress ? duress : ""));
	json_decref(letter);
	if (!answer)
		return CLI_REFUSED;
	json_decref(answer);
	printf("%s: the PIN of this letter counts from now on, and no other\n", o->id);
	return CLI_GOOD;
}

static int stick_pin(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway stick pin --id ID --letter FILE --reason TEXT [--socket PATH]";
	PARSE(usage);
	return o.id && o.letter && o.reason && !o.argument ? give_letter(&o) : missing(usage);
}

static int change_stick(const char *command, const struct options *o, const char *done)
{
	json_t *answer = gateway_ask(o->socket, json_pack("{s:s, s:s, s:s, s:s}", "command", command, "id", o->argument,
							  "reason", o->reason, "who", gateway_who()));
	if (!answer)
		return CLI_REFUSED;
	json_decref(answer);
	printf("%s: %s\n", o->argument, done);
	return CLI_GOOD;
}

static int stick_unlock(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway stick unlock --reason TEXT [--socket PATH] ID";
	PARSE(usage);
	return o.argument && o.reason ? change_stick("stick.unlock", &o, "its PIN may be tried again") : missing(usage);
}

static int stick_release(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway stick release --reason TEXT [--socket PATH] ID";
	PARSE(usage);
	return o.argument && o.reason
		   ? change_stick("stick.release", &o, "its next admission counts, and every other copy is out")
		   : missing(usage);
}

static int stick_revoke(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway stick revoke ID [--json] [--socket PATH]";
	PARSE("sekisho gateway stick revoke [--json] [--socket PATH] ID");
	const char *id = o.argument ? o.argument : o.id;
	if (!id)
		return missing(usage);
	json_t *answer = gateway_ask(
	    o.socket, json_pack("{s:s, s:s, s:s}", "command", "stick.revoke", "id", id, "who", gateway_who()));
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	printf("%s is revoked: its tunnel is down and will not come up again\n", id);
	json_decref(answer);
	return CLI_GOOD;
}

static void print_time(const json_t *value)
{
	char text[32] = "-";
	time_t at = (time_t)json_integer_value(value);
	struct tm parts;
	if (at && localtime_r(&at, &parts))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
	printf("%-20s ", text);
}

static int stick_list(int argc, char **argv)
{
	PARSE("sekisho gateway stick list [--json] [--socket PATH]");
	json_t *answer = gateway_ask(o.socket, json_pack("{s:s, s:s}", "command", "stick.list", "who", gateway_who()));
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	size_t i;
	json_t *row;
	printf("%-16s %-8s %-13s %-20s %-20s %-15s %s\n", "STICK", "STATE", "CAUSE", "SINCE", "LAST BEACON", "ADDRESS",
	       "NAME");
	json_array_foreach(json_object_get(answer, "sticks"), i, row)
	{
		printf("%-16s %-8s %-13s ", text_of(row, "id"), text_of(row, "state"), text_of(row, "cause"));
		print_time(json_object_get(row, "since"));
		print_time(json_object_get(row, "last_beacon"));
		printf("%-15s %s\n", text_of(row, "address"), text_of(row, "name"));
	}
	json_decref(answer);
	return CLI_GOOD;
}

static int cmd_stick(int argc, char **argv)
{
	static const struct command table[] = {
	    {"add", stick_add,
	     "--id ID --key PUBLIC-KEY --identity PUBLIC-KEY [--name NAME] [--region REGION] [--address ADDRESS]",
	     "register a stick: from now on its tunnel comes up"},
	    {"list", stick_list, "[--json]", "all registered sticks and their states"},
	    {"revoke", stick_revoke, "ID", "cut a stick off, now and for good"},
	    {"pin", stick_pin, "--id ID --letter FILE --reason TEXT", "make the PIN of a letter the one that counts"},
	    {"unlock", stick_unlock, "--reason TEXT ID", "after too many wrong PINs: let it try again"},
	    {"release", stick_release, "--reason TEXT ID",
	     "one that was copied: believe the next that comes; or a call for help that was seen to"},
	    {0},
	};
	return command_run(table, "sekisho gateway stick", argc, argv);
}

/* --- image --- */

/* A word that is no whole number goes as it is, for gatewayd to refuse with its reason. */
static json_t *number_of(const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return errno || end == text || *end ? json_string(text) : json_integer(number);
}

static int print_images(json_t *answer, const struct options *o)
{
	if (!answer)
		return CLI_REFUSED;
	if (o->json)
		return print_json(answer);
	json_int_t floor = json_integer_value(json_object_get(answer, "floor"));
	json_int_t held_back = json_integer_value(json_object_get(answer, "held_back"));
	size_t i;
	json_t *image;
	json_array_foreach(json_object_get(answer, "images"), i, image)
	{
		printf("released: version %" JSON_INTEGER_FORMAT ", root hash %s\n",
		       json_integer_value(json_object_get(image, "version")), text_of(image, "root_hash"));
	}
	if (floor)
		printf("the oldest version that is admitted is %" JSON_INTEGER_FORMAT "\n", floor);
	else
		printf("no version is too old\n");
	if (held_back)
		printf("sticks in use that are refused for their image: %" JSON_INTEGER_FORMAT "\n", held_back);
	json_decref(answer);
	return CLI_GOOD;
}

static int image_floor(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway image floor [--json] [--socket PATH] VERSION";
	PARSE(usage);
	if (!o.argument)
		return missing(usage);
	return print_images(gateway_ask(o.socket, json_pack("{s:s, s:o, s:s}", "command", "image.floor", "version",
							    number_of(o.argument), "who", gateway_who())),
			    &o);
}

static int image_change(const char *command, const struct options *o)
{
	return print_images(
	    gateway_ask(o->socket, json_pack("{s:s, s:o, s:s, s:s}", "command", command, "version",
					     number_of(o->version), "root_hash", o->root_hash, "who", gateway_who())),
	    o);
}

static int image_add(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway image add --version N --root-hash HASH [--json] [--socket PATH]";
	PARSE(usage);
	return o.version && o.root_hash && !o.argument ? image_change("image.add", &o) : missing(usage);
}

static int image_remove(int argc, char **argv)
{
	static const char usage[] =
	    "sekisho gateway image remove --version N --root-hash HASH [--json] [--socket PATH]";
	PARSE(usage);
	return o.version && o.root_hash && !o.argument ? image_change("image.remove", &o) : missing(usage);
}

static int image_list(int argc, char **argv)
{
	PARSE("sekisho gateway image list [--json] [--socket PATH]");
	return print_images(gateway_ask(o.socket, json_pack("{s:s}", "command", "image.list")), &o);
}

static int cmd_image(int argc, char **argv)
{
	static const struct command table[] = {
	    {"floor", image_floor, "VERSION", "admit no image older than this one; 0: any"},
	    {"add", image_add, "--version N --root-hash HASH",
	     "register a released image: from the first on, no other is admitted"},
	    {"remove", image_remove, "--version N --root-hash HASH", "take a released image back"},
	    {"list", image_list, "[--json]", "the floor and the released images"},
	    {0},
	};
	return command_run(table, "sekisho gateway image", argc, argv);
}

/* --- the rest --- */

static int operator_password(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway operator password NAME";
	PARSE("sekisho gateway operator password [--json] [--socket PATH] NAME");
	if (!o.argument)
		return missing(usage);
	json_t *answer = gateway_ask(o.socket, json_pack("{s:s, s:s, s:s}", "command", "operator.password", "name",
							 o.argument, "who", gateway_who()));
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	printf("%s logs in at the console with the password %s (shown this once)\n", o.argument,
	       text_of(answer, "password"));
	json_decref(answer);
	return CLI_GOOD;
}

static int cmd_operator(int argc, char **argv)
{
	static const struct command table[] = {
	    {"password", operator_password, "NAME", "make an operator, or give one a new password"},
	    {0},
	};
	return command_run(table, "sekisho gateway operator", argc, argv);
}

static int cmd_events(int argc, char **argv)
{
	PARSE("sekisho gateway events [--json] [--socket PATH]");
	json_t *answer = gateway_ask(o.socket, json_pack("{s:s, s:s}", "command", "events", "who", gateway_who()));
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(answer, "events"), i, row)
	{
		print_time(json_object_get(row, "at"));
		printf("%-18s %-16s %-12s ", text_of(row, "kind"), text_of(row, "stick"), text_of(row, "who"));
		if (!strcmp(text_of(row, "kind"), "transition"))
			printf("%s -> %s: ", text_of(row, "from"), text_of(row, "to"));
		printf("%s\n", text_of(row, "detail"));
	}
	json_decref(answer);
	return CLI_GOOD;
}

static int cmd_init(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway init --address ADDRESS:PORT [--address ...] [--config FILE]";
	char why[512], *json = NULL;
	struct config config;
	PARSE(usage);
	if (o.address_count == 0 || o.argument)
		return missing(usage);
	FILE *file = fopen(o.config, "re");
	if (!file)
		return refuse("%s: %s", o.config, strerror(errno));
	int error = config_read_fd(fileno(file), &config, why, sizeof why);
	fclose(file);
	if (error)
		return refuse("%s: %s", o.config, why);
	error = keys_ensure(&config, why, sizeof why);
	if (!error)
		error = keys_entry(&config, o.addresses, o.address_count, &json, why, sizeof why);
	config_free(&config);
	if (error)
		return refuse("%s", why);
	puts(json);
	free(json);
	return CLI_GOOD;
}

int cmd_gateway(int argc, char **argv)
{
	static const struct command table[] = {
	    {"stick", cmd_stick, "add|list|revoke|pin|unlock|release ...", "the sticks this gateway lets in"},
	    {"policy", cmd_gateway_policy, "[--force] [--json] [--config FILE] FILE",
	     "judge a newer signed policy or list of gateways, put it in place and see it in force"},
	    {"image", cmd_image, "floor|add|remove|list ...", "which images are admitted"},
	    {"indicators", cmd_gateway_indicators, "import|show|look-up ...",
	     "the known bad hosts that sticks ask about"},
	    {"account", cmd_gateway_account, "add|list|role|password|second-factor|disable|enable|unlock ...",
	     "who may log in at the console, and as what"},
	    {"operator", cmd_operator, "password ...", "an operator's password, without a second factor"},
	    {"events", cmd_events, "[--json]", "what happened last, newest first"},
	    {"audit", cmd_gateway_audit, "verify|prove|export ...", "the log of what operators did and looked at"},
	    {"drain", cmd_gateway_drain, "[--reason TEXT [--minutes N]] [--json]",
	     "send the sticks to the other gateways, for maintenance; without a reason: who is still here"},
	    {"open", cmd_gateway_open, "--reason TEXT [--json]", "let sticks in again"},
	    {"init", cmd_init, "--address ADDRESS:PORT [--config FILE]",
	     "make this gateway's keys, and print its entry for the signed list of gateways"},
	    {0},
	};
	return command_run(table, "sekisho gateway", argc, argv);
}

/* sekisho gateway account: who may log in at the console, as what, with which second factor. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "image/cli/cli.h"
#include "image/cli/gateway.h"

struct options {
	const char *socket, *role, *name;
	bool json;
};

/* 0; -1: --help was answered; CLI_USAGE. */
static int parse(int argc, char **argv, const char *usage, struct options *o)
{
	static const struct option longs[] = {{"socket", required_argument, NULL, 's'},
					      {"role", required_argument, NULL, 'r'},
					      {"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	*o = (struct options){.socket = GATEWAY_SOCKET_PATH};
	bool good = true;
	optind = 0;
	for (int letter; good && (letter = getopt_long(argc, argv, "+jh", longs, NULL)) != -1;) {
		if (letter == 's')
			o->socket = optarg;
		else if (letter == 'r')
			o->role = optarg;
		else if (letter == 'j')
			o->json = true;
		else if (letter == 'h') {
			printf("usage: %s\n", usage);
			return -1;
		} else
			good = false;
	}
	if (good && optind < argc)
		o->name = argv[optind++];
	if (good && optind == argc)
		return 0;
	fprintf(stderr, "usage: %s\n", usage);
	return CLI_USAGE;
}

static json_t *ask(const struct options *o, const char *command)
{
	json_t *request = json_pack("{s:s, s:s}", "command", command, "who", gateway_who());
	if (o->name)
		json_object_set_new(request, "name", json_string(o->name));
	if (o->role)
		json_object_set_new(request, "role", json_string(o->role));
	return gateway_ask(o->socket, request);
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static int print_json(json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(answer);
	return CLI_GOOD;
}

/* What was made is told here once and kept nowhere as it is. */
static void print_secrets(const struct options *o, const json_t *answer)
{
	if (text_of(answer, "password")[0])
		printf("%s logs in at the console with the password %s (shown this once)\n", o->name,
		       text_of(answer, "password"));
	if (text_of(answer, "secret")[0])
		printf("its authenticator takes the secret %s (shown this once), or\n  %s\n", text_of(answer, "secret"),
		       text_of(answer, "uri"));
}

static int run(int argc, char **argv, const char *usage, const char *command, bool wants_role, const char *done)
{
	struct options o;
	int parsed = parse(argc, argv, usage, &o);
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	if (!o.name || (wants_role != (o.role != NULL))) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	json_t *answer = ask(&o, command);
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	print_secrets(&o, answer);
	if (done)
		printf("%s: %s\n", o.name, done);
	json_decref(answer);
	return CLI_GOOD;
}

#define USAGE(words) "sekisho gateway account " words " [--json] [--socket PATH] NAME"

static int account_add(int argc, char **argv)
{
	return run(argc, argv, USAGE("add --role operator|supervisor|bank_it|auditor"), "account.add", true, NULL);
}

static int account_role(int argc, char **argv)
{
	return run(argc, argv, USAGE("role --role operator|supervisor|bank_it|auditor"), "account.role", true,
		   "the role is changed, and its sessions have ended");
}

static int account_password(int argc, char **argv)
{
	return run(argc, argv, USAGE("password"), "account.password", false, NULL);
}

static int account_second_factor(int argc, char **argv)
{
	return run(argc, argv, USAGE("second-factor"), "account.second-factor", false, NULL);
}

static int account_disable(int argc, char **argv)
{
	return run(argc, argv, USAGE("disable"), "account.disable", false, "can no longer log in");
}

static int account_enable(int argc, char **argv)
{
	return run(argc, argv, USAGE("enable"), "account.enable", false, "can log in again");
}

static int account_unlock(int argc, char **argv)
{
	return run(argc, argv, USAGE("unlock"), "account.unlock", false, "may try again");
}

static int account_list(int argc, char **argv)
{
	struct options o;
	int parsed = parse(argc, argv, "sekisho gateway account list [--json] [--socket PATH]", &o);
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	json_t *answer = ask(&o, "account.list");
	if (!answer)
		return CLI_REFUSED;
	if (o.json)
		return print_json(answer);
	size_t i;
	json_t *row;
	printf("%-32s %-11s %-14s %s\n", "NAME", "ROLE", "SECOND FACTOR", "");
	json_array_foreach(json_object_get(answer, "accounts"), i, row)
	{
		printf("%-32s %-11s %-14s %s%s\n", text_of(row, "name"), text_of(row, "role"),
		       json_is_true(json_object_get(row, "second_factor")) ? "yes" : "no",
		       json_is_true(json_object_get(row, "disabled")) ? "disabled " : "",
		       json_integer_value(json_object_get(row, "locked")) ? "locked" : "");
	}
	json_decref(answer);
	return CLI_GOOD;
}

int cmd_gateway_account(int argc, char **argv)
{
	static const struct command table[] = {
	    {"add", account_add, "--role ROLE NAME", "make an account: its password and second factor are shown once"},
	    {"list", account_list, "[--json]", "all accounts and their roles"},
	    {"role", account_role, "--role ROLE NAME", "give it another role"},
	    {"password", account_password, "NAME", "give it a new password"},
	    {"second-factor", account_second_factor, "NAME", "give it a new second factor"},
	    {"disable", account_disable, "NAME", "it can no longer log in"},
	    {"enable", account_enable, "NAME", "it can again"},
	    {"unlock", account_unlock, "NAME", "after too many wrong log-ins: let it try again"},
	    {0},
	};
	return command_run(table, "sekisho gateway account", argc, argv);
}

/* sekisho gateway drain, open: empty this gateway for maintenance, and let sticks in again. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "image/cli/cli.h"
#include "image/cli/gateway.h"

struct options {
	const char *socket, *reason, *minutes;
	bool json;
};

/* 0; -1: --help was answered; CLI_USAGE. */
static int parse(int argc, char **argv, const char *usage, struct options *o)
{
	static const struct option longs[] = {
	    {"socket", required_argument, NULL, 's'},  {"reason", required_argument, NULL, 'w'},
	    {"minutes", required_argument, NULL, 'm'}, {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},          {0}};
	*o = (struct options){.socket = GATEWAY_SOCKET_PATH};
	bool good = true;
	optind = 0;
	for (int letter; good && (letter = getopt_long(argc, argv, "+jh", longs, NULL)) != -1;) {
		if (letter == 's')
			o->socket = optarg;
		else if (letter == 'w')
			o->reason = optarg;
		else if (letter == 'm')
			o->minutes = optarg;
		else if (letter == 'j')
			o->json = true;
		else if (letter == 'h') {
			printf("usage: %s\n", usage);
			return -1;
		} else
			good = false;
	}
	if (good && optind == argc)
		return 0;
	fprintf(stderr, "usage: %s\n", usage);
	return CLI_USAGE;
}

static json_t *ask(const struct options *o, const char *command)
{
	json_t *request = json_pack("{s:s, s:s}", "command", command, "who", gateway_who());
	if (o->reason)
		json_object_set_new(request, "reason", json_string(o->reason));
	if (o->minutes)
		json_object_set_new(request, "minutes", json_string(o->minutes));
	return gateway_ask(o->socket, request);
}

static int print_state(json_t *answer, bool json)
{
	char when[32] = "";
	struct tm parts;
	if (!answer)
		return CLI_REFUSED;
	time_t until = (time_t)json_integer_value(json_object_get(answer, "until"));
	if (json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (until == 0) {
		printf("this gateway lets sticks in\n");
	} else {
		if (localtime_r(&until, &parts))
			strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
		printf("this gateway is being emptied until %s: still here are %lld sticks, with %lld banks open\n",
		       when, json_integer_value(json_object_get(answer, "admitted")),
		       json_integer_value(json_object_get(answer, "banks_open")));
	}
	json_decref(answer);
	return CLI_GOOD;
}

int cmd_gateway_drain(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway drain [--reason TEXT [--minutes N]] [--json] [--socket PATH]";
	struct options o;
	int parsed = parse(argc, argv, usage, &o);
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	if (o.minutes && !o.reason) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	return print_state(ask(&o, o.reason ? "gateway.drain" : "gateway.state"), o.json);
}

int cmd_gateway_open(int argc, char **argv)
{
	static const char usage[] = "sekisho gateway open --reason TEXT [--json] [--socket PATH]";
	struct options o;
	int parsed = parse(argc, argv, usage, &o);
	if (parsed)
		return parsed < 0 ? CLI_GOOD : parsed;
	if (!o.reason || o.minutes) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	return print_state(ask(&o, "gateway.open"), o.json);
}

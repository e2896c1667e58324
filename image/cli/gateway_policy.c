/*
 * sekisho gateway policy: a newer policy, or list of gateways, judged as gatewayd and the sticks will judge it, put in
 * its place in one step, and waited for until it is in force.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/bundle.h"
#include "image/cli/cli.h"
#include "image/cli/gateway.h"
#include "image/cli/policy.h"
#include "vpn/gateway/config.h"

enum { FORCE_WAIT_S = 60, LOOK_MS = 200 };

static const char usage[] = "sekisho gateway policy [--force] [--json] [--config FILE] FILE";

struct options {
	const char *config, *file;
	bool force, json;
};

/* -1: go on. */
static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"force", no_argument, NULL, 'f'},
					      {"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	*o = (struct options){.config = GATEWAY_CONFIG_PATH};
	optind = 1;
	for (int letter; (letter = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		o->force |= letter == 'f';
		o->json |= letter == 'j';
		if (letter == 'c')
			o->config = optarg;
		if (letter == 'h' || letter == '?') {
			fprintf(letter == 'h' ? stdout : stderr, "usage: %s\n", usage);
			return letter == 'h' ? CLI_GOOD : CLI_USAGE;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: %s\n", usage);
		return CLI_USAGE;
	}
	o->file = argv[optind];
	if (o->json)
		refuse_in_json();
	return -1;
}

static int read_config(const char *path, struct config *config)
{
	char why[512];
	FILE *file = fopen(path, "re");
	if (!file)
		return refuse("%s: %s", path, strerror(errno));
	int error = config_read_fd(fileno(file), config, why, sizeof why);
	fclose(file);
	return error ? refuse("%s: %s", path, why) : CLI_GOOD;
}

/* --- is it good? --- */

/* The text as it lies in a file, judged by `roots`, which become those that its chain leads to. */
static int verify_file(const char *path, const char *type, struct envelope_roots *roots)
{
	size_t size, payload_size;
	uint8_t *payload = NULL;
	char *text = file_read(path, ENVELOPE_MAX_BYTES, &size);
	if (!text)
		return CLI_REFUSED;
	enum envelope_error error = bundle_verify(text, size, type, roots, &payload, &payload_size);
	free(payload);
	free(text);
	return error ? refuse("%s: %s", path, envelope_error_text(error)) : CLI_GOOD;
}

static int judge_policy(const struct whitelist *offered, const struct whitelist *current, const char *tenant,
			const char *path)
{
	if (strcmp(offered->tenant, tenant) != 0)
		return refuse("%s: it is of tenant %s and this gateway serves %s", path, offered->tenant, tenant);
	enum whitelist_verdict verdict = whitelist_accept(offered, current, 0, (int64_t)time(NULL));
	if (verdict != WHITELIST_NEWER)
		return refuse("%s: version %" PRIu64 ": %s", path, offered->version, whitelist_verdict_text(verdict));
	return CLI_GOOD;
}

static int judge_version(const struct document *offered, const struct document *current)
{
	if (current->gateways && offered->gateways->version <= current->gateways->version)
		return refuse("%s: version %" PRIu64 " is not newer than version %" PRIu64 ", which is in place",
			      offered->path, offered->gateways->version, current->gateways->version);
	return CLI_GOOD;
}

static void tell_finding(const struct lint_finding *finding, void *path)
{
	fprintf(stderr, "sekisho: %s: warning: %s: %s\n", (const char *)path, finding->where, finding->text);
}

/* What is in place says which roots and which version are in force; one that cannot be read is worth nothing. */
static void open_current(const char *path, const char *type, struct envelope_roots *roots, struct document *current)
{
	struct envelope_roots reached = *roots;
	if (access(path, F_OK) < 0 || verify_file(path, type, &reached) || document_open(current, path, type, NULL))
		return;
	*roots = reached;
}

static int judge(const struct options *o, const struct config *config, struct document *offered)
{
	struct envelope_roots roots;
	struct document policy = {0}, gateways = {0};
	int status = roots_open(config->roots, &roots);
	if (!status)
		status = document_read(offered, o->file, NULL, NULL);
	if (!status && strcmp(offered->type, ENVELOPE_TYPE_POLICY) != 0 &&
	    strcmp(offered->type, ENVELOPE_TYPE_GATEWAYS) != 0)
		status = refuse("%s: a gateway serves policies and lists of gateways", o->file);
	if (!status && !offered->is_envelope)
		status = refuse("%s: is not signed; sign it with `sekisho policy sign'", o->file);
	bool is_policy = !status && !strcmp(offered->type, ENVELOPE_TYPE_POLICY);
	if (!status) {
		open_current(config->policy, ENVELOPE_TYPE_POLICY, &roots, &policy);
		if (!is_policy)
			open_current(config->gateways, ENVELOPE_TYPE_GATEWAYS, &roots, &gateways);
		status = verify_file(o->file, offered->type, &roots);
	}
	if (!status)
		status = document_check(offered, NULL);
	document_close(offered);
	if (!status)
		status =
		    document_open(offered, o->file, is_policy ? ENVELOPE_TYPE_POLICY : ENVELOPE_TYPE_GATEWAYS, NULL);
	if (!status)
		status = is_policy ? judge_policy(offered->whitelist, policy.whitelist, config->tenant, o->file)
				   : judge_version(offered, &gateways);
	if (!status)
		status = document_locks_out(offered, (int64_t)time(NULL), o->force);
	if (!status && is_policy)
		whitelist_lint(offered->whitelist, (int64_t)time(NULL), tell_finding, (void *)(uintptr_t)o->file);
	document_close(&policy);
	document_close(&gateways);
	return status;
}

/* --- in force --- */

/* Who made the control socket is who reads the files: gatewayd's first process. -1: nobody is there. */
static pid_t gateway_process(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred who = {.pid = -1};
	socklen_t size = sizeof who;
	if (strlen(path) >= sizeof address.sun_path)
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		who.pid = -1;
	close(fd);
	return who.pid > 1 ? who.pid : -1;
}

/* CLI_GOOD when that version is in force; CLI_REFUSED, said, when it was refused or nothing is heard of it. */
static int await_force(const char *socket_path, bool is_policy, uint64_t version)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	char refused[600] = "";
	for (int i = 0; i < FORCE_WAIT_S * 1000 / LOOK_MS; i++) {
		json_t *answer = gateway_ask(socket_path, json_pack("{s:s}", "command", "documents"));
		if (!answer)
			return CLI_REFUSED;
		json_int_t stands =
		    json_integer_value(json_object_get(answer, is_policy ? "policy_version" : "gateways_version"));
		const char *error = json_string_value(json_object_get(answer, "document_error"));
		snprintf(refused, sizeof refused, "%s", error ? error : "");
		json_decref(answer);
		if (stands >= 0 && (uint64_t)stands == version)
			return CLI_GOOD;
		nanosleep(&pause, NULL);
	}
	return refuse("the gateway has not taken it within %d s%s%s", FORCE_WAIT_S, refused[0] ? ": " : "", refused);
}

static int put_in_force(const char *path, const char *socket_path, bool is_policy, uint64_t version)
{
	pid_t gateway = gateway_process(socket_path);
	if (gateway < 0) {
		fprintf(stderr, "sekisho: gatewayd does not run (nobody listens at %s): it takes %s when it starts\n",
			socket_path, path);
		return CLI_GOOD;
	}
	if (kill(gateway, SIGHUP) < 0)
		return refuse("gatewayd cannot be told to look (%s): as root, `systemctl reload sekisho-gateway'",
			      strerror(errno));
	return await_force(socket_path, is_policy, version);
}

int cmd_gateway_policy(int argc, char **argv)
{
	struct options o;
	struct config config;
	struct document offered = {0};
	int status = options_read(argc, argv, &o);
	if (status >= 0)
		return status;
	if (read_config(o.config, &config))
		return CLI_REFUSED;
	status = judge(&o, &config, &offered);
	bool is_policy = offered.whitelist != NULL;
	const char *path = is_policy ? config.policy : config.gateways;
	uint64_t version = status ? 0 : document_version(&offered);
	const char *text = offered.bundle ? offered.bundle : offered.text;
	if (!status)
		status = file_replace(path, text, strlen(text));
	if (!status)
		status = put_in_force(path, config.control_socket, is_policy, version);
	if (!status && o.json)
		print_json(json_pack("{s:b, s:s, s:s, s:I}", "ok", true, "type", is_policy ? "policy" : "gateways",
				     "file", path, "version", (json_int_t)version));
	else if (!status)
		printf(is_policy
			   ? "policy version %" PRIu64 " is in place: sticks that are on take it within a minute, the "
			     "others at their next start\n"
			   : "the list of gateways version %" PRIu64 " is in place: a stick that is on takes it within "
			     "a minute and goes by it from its next tunnel on; leave the old addresses and keys in "
			     "force until every stick has been on\n",
		       version);
	document_close(&offered);
	config_free(&config);
	return status;
}

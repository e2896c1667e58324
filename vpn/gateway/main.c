/* gatewayd: see gatewayd(8). One program; which of its processes it is, `--as NAME` says. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/proc.h"
#include "vpn/gateway/children.h"

#ifndef GATEWAY_CONFIG
#define GATEWAY_CONFIG "/etc/sekisho/gateway.conf"
#endif

static const struct {
	const char *name;
	int (*run)(void);
} children[] = {
    {"store", store_main}, {"policy", policy_main}, {"peers", peers_main},   {"egress", egress_main},
    {"api", api_main},     {"web", web_main},       {"lookup", lookup_main},
};

const char *child_argument, *parent_database;

void child_begin(const char *name, int highest_fd, struct config *config)
{
	char why[256];
	log_open(name);
	prctl(PR_SET_NAME, name); /* for ps: it is started by way of /proc/self/exe */
	close_above(highest_fd);
	if (config_read_fd(GATEWAY_CONFIG_FD, config, why, sizeof why))
		fatal("configuration: %s", why);
	close(GATEWAY_CONFIG_FD);
	/* Files that libraries read once, before they are out of reach: /dev/urandom, the time zone. */
	json_object_seed(0);
	tzset();
}

char *child_read_fd(int fd, size_t max_bytes)
{
	char *text = malloc(max_bytes + 1);
	if (!text)
		return NULL;
	/* From the start: one that came before and was started again has read it already. */
	ssize_t got = lseek(fd, 0, SEEK_SET) < 0 ? -1 : read(fd, text, max_bytes + 1);
	if (got < 0 || (size_t)got > max_bytes) {
		if (got >= 0)
			errno = EFBIG;
		free(text);
		return NULL;
	}
	text[got] = '\0';
	return text;
}

int config_or_fatal(const char *path, struct config *config)
{
	char why[512];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	if (config_read_fd(fd, config, why, sizeof why))
		fatal("%s: %s", path, why);
	return fd;
}

static int run_child(const char *name)
{
	for (size_t i = 0; i < sizeof children / sizeof children[0]; i++)
		if (strcmp(children[i].name, name) == 0)
			return children[i].run();
	fatal("there is no process %s", name);
}

static int usage(FILE *out, int code)
{
	fputs("usage: gatewayd [--config FILE] [--db FILE|postgresql://...]\n"
	      "       gatewayd --resolver [--config FILE]\n"
	      "       gatewayd --proxy [--config FILE]\n"
	      "       gatewayd --withdraw [--config FILE]\n"
	      "       gatewayd --backup|--restore FILE [--config FILE] [--db FILE|postgresql://...]\n\n"
	      "The gateway of the sticks: see gatewayd(8) and gateway.conf(5).\n",
	      out);
	return code;
}

int main(int argc, char **argv)
{
	const char *config = GATEWAY_CONFIG;
	int (*run)(const char *config_path) = parent_main;
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "--as") == 0) {
		child_argument = argv[3];
		return run_child(argv[2]);
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout, 0);
		if (strcmp(argv[i], "--resolver") == 0)
			run = resolver_main;
		else if (strcmp(argv[i], "--proxy") == 0)
			run = proxy_main;
		else if (strcmp(argv[i], "--withdraw") == 0)
			run = withdraw_main;
		else if (strcmp(argv[i], "--backup") == 0 && i + 1 < argc)
			run = backup_main, child_argument = argv[++i];
		else if (strcmp(argv[i], "--restore") == 0 && i + 1 < argc)
			run = restore_main, child_argument = argv[++i];
		else if (strcmp(argv[i], "--db") == 0 && i + 1 < argc)
			parent_database = argv[++i];
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			config = argv[++i];
		else
			return usage(stderr, 2);
	}
	return run(config);
}

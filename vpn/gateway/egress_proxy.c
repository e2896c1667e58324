#include "vpn/gateway/egress_proxy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/proxylink.h"

/* A command and its payload have to fit into one of haproxy's buffers (16384 bytes). */
enum { PAYLOAD_MAX_BYTES = 12000 };

int egress_proxy_connect(struct egress_proxy *proxy, const struct config *config)
{
	if (proxy->fd >= 0)
		return 0;
	int fd = proxylink_open(config->proxy_socket);
	if (fd < 0)
		return fd;
	proxy->fd = fd;
	proxy->ready = false;
	return 0;
}

void egress_proxy_close(struct egress_proxy *proxy)
{
	if (proxy->fd >= 0)
		close(proxy->fd);
	proxy->fd = -1;
}

static int ask(struct egress_proxy *proxy, const char *command)
{
	if (proxy->fd < 0)
		return -ENOTCONN;
	int error = proxylink_ask(proxy->fd, command, &proxy->answer);
	if (error) {
		log_warn("haproxy does not answer: %s", strerror(-error));
		egress_proxy_close(proxy);
	}
	return error;
}

/* A command whose only good answer is none: nothing but prompts. */
static int tell(struct egress_proxy *proxy, const char *command)
{
	int error = ask(proxy, command);
	const char *text = (const char *)proxy->answer.data;
	if (error || strspn(text, "+> \n") == proxy->answer.size)
		return error;
	log_error("haproxy refused a change: %.*s", (int)strcspn(text, "\n"), text);
	egress_proxy_close(proxy);
	return -EPROTO;
}

/* `lines` are put into a map, in as many commands as it takes. `version` is "" or "@N ". */
static int add_lines(struct egress_proxy *proxy, enum proxy_map map, const char *version, const char *lines)
{
	char command[PAYLOAD_MAX_BYTES + 128];
	int error = 0;
	while (*lines && !error) {
		size_t size = strlen(lines);
		if (size > PAYLOAD_MAX_BYTES)
			for (size = PAYLOAD_MAX_BYTES; lines[size - 1] != '\n';)
				size--;
		snprintf(command, sizeof command, "add map %s%s <<\n%.*s\n", version, proxy_maps[map], (int)size,
			 lines);
		error = tell(proxy, command);
		lines += size;
	}
	return error;
}

static char *entries(enum proxy_map map, const struct plan *plan, const struct plan_bank *bank, struct in_addr stick,
		     bool values)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	proxy_write_entries(out, map, plan, bank, stick, values);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int egress_proxy_open(struct egress_proxy *proxy, const struct plan *plan, const struct plan_bank *bank,
		      struct in_addr stick)
{
	int error = 0;
	for (int map = 0; map < PROXY_MAPS && !error; map++) {
		char *lines = entries((enum proxy_map)map, plan, bank, stick, true);
		error = lines ? add_lines(proxy, (enum proxy_map)map, "", lines) : -ENOMEM;
		free(lines);
	}
	return error;
}

static int delete_keys(struct egress_proxy *proxy, enum proxy_map map, const char *keys)
{
	int error = 0;
	for (const char *next; *keys && !error; keys = next) {
		char command[HOST_SIZE + 128];
		next = strchr(keys, '\n') + 1;
		snprintf(command, sizeof command, "del map %s %.*s", proxy_maps[map], (int)(next - keys), keys);
		/* one that is not there is as good as taken away */
		error = ask(proxy, command);
	}
	return error;
}

static int delete_bank(struct egress_proxy *proxy, const struct plan *plan, const struct plan_bank *bank,
		       struct in_addr stick)
{
	int error = 0;
	for (int map = 0; map < PROXY_MAPS && !error; map++) {
		char *keys = entries((enum proxy_map)map, plan, bank, stick, false);
		error = keys ? delete_keys(proxy, (enum proxy_map)map, keys) : -ENOMEM;
		free(keys);
	}
	return error;
}

int egress_proxy_shut(struct egress_proxy *proxy, const struct plan *plan, const struct plan_bank *bank,
		      struct in_addr stick, const struct keyed *sessions)
{
	int error = delete_bank(proxy, plan, bank, stick);
	/* Another bank that this stick has open may share a name: all of its are put in anew. */
	for (size_t i = keyed_from(sessions, keyed_of(stick, 0)); i < sessions->count && !error; i++) {
		const struct plan_bank *other = plan_bank_of(plan, keyed_part(sessions->rows[i].key));
		if (keyed_stick(sessions->rows[i].key).s_addr != stick.s_addr)
			break;
		if (other)
			error = delete_bank(proxy, plan, other, stick);
		if (other && !error)
			error = egress_proxy_open(proxy, plan, other, stick);
	}
	return error;
}

/* "New version created: N" */
static int new_version(struct egress_proxy *proxy, enum proxy_map map, char *version, size_t size)
{
	char command[128];
	snprintf(command, sizeof command, "prepare map %s\n", proxy_maps[map]);
	int error = ask(proxy, command);
	if (error)
		return error;
	const char *colon = strchr((const char *)proxy->answer.data, ':');
	unsigned long number = colon ? strtoul(colon + 1, NULL, 10) : 0;
	if (number == 0)
		return -EPROTO;
	snprintf(version, size, "@%lu ", number);
	return 0;
}

static int replace_map(struct egress_proxy *proxy, enum proxy_map map, const struct plan *plan,
		       const struct keyed *sessions)
{
	char version[32], command[128], *lines = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&lines, &size);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < sessions->count; i++) {
		const struct plan_bank *bank = plan_bank_of(plan, keyed_part(sessions->rows[i].key));
		if (bank)
			proxy_write_entries(out, map, plan, bank, keyed_stick(sessions->rows[i].key), true);
	}
	int error = fclose(out) == 0 ? new_version(proxy, map, version, sizeof version) : -ENOMEM;
	if (!error)
		error = add_lines(proxy, map, version, lines);
	free(lines);
	if (error)
		return error;
	snprintf(command, sizeof command, "commit map %s%s\n", version, proxy_maps[map]);
	return tell(proxy, command);
}

int egress_proxy_whole(struct egress_proxy *proxy, const struct plan *plan, const struct keyed *sessions)
{
	int error = 0;
	for (int map = 0; map < PROXY_MAPS && !error; map++)
		error = replace_map(proxy, (enum proxy_map)map, plan, sessions);
	if (!error && !proxy->ready)
		error = tell(proxy, "add map " PROXY_READY " ready yes\n");
	proxy->ready = !error;
	return error ? error : egress_proxy_sweep(proxy, plan, sessions, true);
}

struct sweep {
	FILE *out;
	const struct plan *plan;
	const struct keyed *sessions;
	struct proxy_live *live; /* in order; NULL: names are not looked at */
	size_t live_count;
};

static int compare_live(const void *a, const void *b)
{
	const struct proxy_live *left = a, *right = b;
	int order = memcmp(&left->stick, &right->stick, sizeof left->stick);
	return order ? order : (int)left->from - (int)right->from;
}

/* One that is not in the list began after it was made, and was judged by the maps as they are now. */
static bool names_what_is_gone(const struct sweep *sweep, const struct proxy_connection *connection,
			       const struct plan_bank *bank)
{
	const struct proxy_live key = {.stick = connection->stick, .from = connection->port};
	const struct proxy_live *live =
	    sweep->live ? bsearch(&key, sweep->live, sweep->live_count, sizeof key, compare_live) : NULL;
	return live && !plan_allows(sweep->plan, bank, live->name, live->port);
}

static void sweep_one(const struct proxy_connection *connection, void *context)
{
	const struct sweep *sweep = context;
	const struct plan_bank *bank = plan_bank(sweep->plan, connection->bank);
	if (!bank || !keyed_find(sweep->sessions, keyed_of(connection->stick, bank->mark)) ||
	    names_what_is_gone(sweep, connection, bank))
		fprintf(sweep->out, "shutdown session %s\n", connection->id);
}

/* `table` keeps the text that the list's names are in. */
static int list_live(struct egress_proxy *proxy, struct sweep *sweep, struct buf *table)
{
	int error = ask(proxy, "show table live\n");
	if (error)
		return error;
	*table = proxy->answer;
	proxy->answer = (struct buf){0};
	error = proxy_read_live((char *)table->data, &sweep->live, &sweep->live_count);
	if (!error)
		qsort(sweep->live, sweep->live_count, sizeof *sweep->live, compare_live);
	return error;
}

int egress_proxy_sweep(struct egress_proxy *proxy, const struct plan *plan, const struct keyed *sessions, bool names)
{
	char *commands = NULL;
	size_t size = 0;
	struct sweep sweep = {.plan = plan, .sessions = sessions};
	struct buf table = {0};
	int error = names ? list_live(proxy, &sweep, &table) : 0;
	if (!error)
		error = ask(proxy, "show sess\n");
	if (!error)
		sweep.out = open_memstream(&commands, &size);
	if (sweep.out)
		proxy_each_connection((char *)proxy->answer.data, sweep_one, &sweep);
	if (!error)
		error = sweep.out && fclose(sweep.out) == 0 ? 0 : -ENOMEM;
	free(sweep.live);
	buf_free(&table);
	for (const char *at = commands, *next; at && *at && !error; at = next) {
		char command[80];
		next = strchr(at, '\n') + 1;
		snprintf(command, sizeof command, "%.*s", (int)(next - at), at);
		error = ask(proxy, command); /* one that has just ended by itself is not found */
	}
	free(commands);
	return error;
}

int egress_proxy_tried(struct egress_proxy *proxy, proxy_tried_fn *fn, void *context)
{
	int error = ask(proxy, "show table tried\n");
	if (!error)
		proxy_each_tried((char *)proxy->answer.data, fn, context);
	return error;
}

#include "vpn/gateway/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vpn/gateway/connection.h"
#include "vpn/gateway/resolver.h"

/* "virt@": without a file */
const char *const proxy_maps[PROXY_MAPS] = {"virt@names", "virt@families"};

static void write_head(FILE *out, const struct config *config)
{
	bool told = config->lookup_count > 0;
	int beside = (int)(strrchr(config->proxy_hello, '/') - config->proxy_hello);
	fprintf(
	    out,
	    "# Written by gatewayd from gateway.conf. Changes here are lost.\n"
	    "global\n"
	    "  log stderr format raw daemon notice\n"
	    "  nbthread 1\n"
	    "  lua-load %s\n"
	    "%s%.*s%s"
	    "  stats socket %s mode 660 level admin\n"
	    "%s%s%s"
	    "  stats timeout 1d\n"
	    "  stats maxconn 4\n"
	    "defaults\n"
	    "  mode tcp\n"
	    "  timeout connect 10s\n"
	    /* A page that is looked at may say nothing for long; a stick or a bank that is gone is noticed by TCP. */
	    "  timeout client 1h\n"
	    "  timeout server 1h\n"
	    "  timeout client-fin 30s\n"
	    "  timeout server-fin 30s\n"
	    "  option clitcpka\n"
	    "  option srvtcpka\n"
	    "  clitcpka-idle 60s\n"
	    "  clitcpka-intvl 15s\n"
	    "  clitcpka-cnt 4\n"
	    "  srvtcpka-idle 60s\n"
	    "  srvtcpka-intvl 15s\n"
	    "  srvtcpka-cnt 4\n"
	    "  retries 1\n"
	    "backend tried\n"
	    "  stick-table type string len 48 size 100k expire 1d store gpc0\n"
	    "backend live\n"
	    "  stick-table type string len %d size 100k expire 1m store conn_cur\n"
	    "backend busy\n"
	    "  stick-table type ip size 100k expire 1h store conn_cur\n",
	    config->proxy_hello, told ? "  lua-load " : "", told ? beside : 0, config->proxy_hello,
	    told ? "/connections.lua\n" : "", config->proxy_socket, told ? "  stats socket " : "",
	    told ? config->proxy_connections : "", told ? " mode 660 level operator\n" : "", PROXY_LIVE_KEY_SIZE);
}

/* Connections to banks, as far back as this much memory goes; gatewayd reads it from its beginning whenever it comes.
 */
static void write_ring(FILE *out)
{
	fprintf(out,
		"ring connections\n"
		"  format raw\n"
		"  maxlen %d\n"
		"  size 8m\n",
		CONNECTION_LINE_MAX_BYTES);
}

/* The bytes are there because haproxy writes a line without them as soon as the connection is up, not at its end. */
#define TELL "  log ring@connections format raw local0 info\n"

/* The name asked for, and the wildcard that would cover it, on the port that was connected to before the packet filter
 * led the connection here. What is not "good" is counted by its word and closed. */
static void write_frontend(FILE *out, const struct config *config)
{
	char inner[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &config->inner, inner, sizeof inner);
	fprintf(
	    out,
	    "frontend sticks\n"
	    "  bind %s:%u\n"
	    "  tcp-request connection track-sc1 src table busy\n"
	    "  tcp-request connection reject if { sc1_conn_cur gt %d }\n"
	    "  tcp-request inspect-delay %ds\n"
	    "  tcp-request content reject if !{ str(ready),map(" PROXY_READY ") -m found }\n"
	    "  tcp-request content set-var(txn.why) str(not_tls) if !{ req.ssl_hello_type 1 }\n"
	    "  tcp-request content set-var(txn.why) str(incomplete) if !{ req.ssl_hello_type 1 } { req.len 0 }\n"
	    "  tcp-request content set-var(txn.why) str(incomplete) if !{ req.ssl_hello_type 1 } { req.payload(0,1) -m "
	    "bin 16 }\n"
	    "  tcp-request content set-var(txn.why) lua.hello if { req.ssl_hello_type 1 }\n"
	    "  tcp-request content set-var(txn.name) req.ssl_sni,lower\n"
	    "  tcp-request content set-var(txn.family) req.ssl_sni,lower,field(2,.,0)\n"
	    "  tcp-request content set-var(txn.port) dst_port\n"
	    "  tcp-request content set-var(txn.bank) src,concat(/*.,txn.family),concat(:,txn.port),map(%s)\n"
	    "  tcp-request content set-var(txn.bank) src,concat(/,txn.name),concat(:,txn.port),map(%s)\n"
	    "  tcp-request content set-var(txn.why) str(name) if { var(txn.why) -m str good } !{ var(txn.bank) -m "
	    "found }\n"
	    "  tcp-request content track-sc0 src,concat(/,txn.why) table tried if !{ var(txn.why) -m str good }\n"
	    "  tcp-request content sc-inc-gpc0(0) if !{ var(txn.why) -m str good }\n"
	    "  tcp-request content reject if !{ var(txn.why) -m str good }\n"
	    "  tcp-request content set-var(txn.from) src_port\n"
	    "  tcp-request content track-sc2 src,concat(:,txn.from),concat(/,txn.name),concat(:,txn.port) table live\n"
	    "  use_backend bank_%%[var(txn.bank)]\n%s",
	    inner, config->proxy_port, PROXY_CONNECTIONS_OF_ONE, PROXY_HELLO_S, proxy_maps[PROXY_FAMILIES],
	    proxy_maps[PROXY_NAMES],
	    config->lookup_count > 0 ? TELL "  log-format \"end %B %[date(0,ms)] %ci %bi:%bp %si:%sp %b\"\n" : "");
}

/* A server at 0.0.0.0:0 is the address and port that the stick connected to. */
static void write_bank(FILE *out, const struct config_egress *egress, bool told)
{
	char address[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &egress->address, address, sizeof address);
	fprintf(out, "backend bank_%s\n  source %s\n  server there 0.0.0.0:0\n%s", egress->bank, address,
		told ? TELL "  tcp-response content lua.opened\n" : "");
}

void proxy_write_config(FILE *out, const struct config *config)
{
	bool told = config->lookup_count > 0;
	write_head(out, config);
	if (told)
		write_ring(out);
	write_frontend(out, config);
	for (size_t i = 0; i < config->egress_count; i++)
		write_bank(out, &config->egress[i], told);
}

void proxy_config_path(const struct config *config, char path[CONFIG_PATH_SIZE + 16])
{
	size_t directory = (size_t)(strrchr(config->resolver_config, '/') - config->resolver_config);
	snprintf(path, CONFIG_PATH_SIZE + 16, "%.*s/haproxy.cfg", (int)directory, config->resolver_config);
}

/* Whether the file's content is `text`. */
static bool file_is(const char *path, const char *text, size_t size)
{
	char *content = malloc(size + 1);
	FILE *file = content ? fopen(path, "re") : NULL;
	bool same = file && fread(content, 1, size + 1, file) == size && memcmp(content, text, size) == 0;
	if (file)
		fclose(file);
	free(content);
	return same;
}

static int write_file(const char *path, const char *text, size_t size)
{
	unlink(path);
	FILE *file = fopen(path, "wxe");
	if (!file)
		return -errno;
	int error = fwrite(text, 1, size, file) == size ? 0 : -EIO;
	return fclose(file) == 0 ? error : -EIO;
}

int proxy_store_config(const struct config *config)
{
	char path[CONFIG_PATH_SIZE + 16], next[CONFIG_PATH_SIZE + 24], *text = NULL;
	size_t size = 0;
	proxy_config_path(config, path);
	snprintf(next, sizeof next, "%s.new", path);
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	proxy_write_config(out, config);
	int error = fclose(out) == 0 ? 0 : -ENOMEM;
	/* A new file ends haproxy, and with it every connection: not for the same one again. */
	if (!error && !file_is(path, text, size)) {
		error = write_file(next, text, size);
		if (!error && rename(next, path) < 0)
			error = -errno;
	}
	free(text);
	return error;
}

void proxy_write_entries(FILE *out, enum proxy_map map, const struct plan *plan, const struct plan_bank *bank,
			 struct in_addr stick, bool values)
{
	char address[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &stick, address, sizeof address);
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct plan_group *group = &plan->groups[plan->hosts[i].group];
		bool wildcard = plan->hosts[i].name[0] == '*';
		if (&plan->banks[group->bank] != bank || wildcard != (map == PROXY_FAMILIES))
			continue;
		for (size_t j = 0; j < group->port_count; j++)
			fprintf(out, "%s/%s:%u%s%s\n", address, plan->hosts[i].name, group->ports[j], values ? " " : "",
				values ? bank->id : "");
	}
}

/* The text after `name` in a line of NAME=VALUE words, up to a blank or one of `ends`, in `value`; false without it. */
static bool word_of(const char *line, const char *name, const char *ends, char *value, size_t size)
{
	const char *at = strstr(line, name);
	if (!at)
		return false;
	at += strlen(name);
	size_t length = strcspn(at, ends);
	if (length == 0 || length >= size)
		return false;
	memcpy(value, at, length);
	value[length] = '\0';
	return true;
}

/* A port in decimal up to one of `ends`; 0 is none. */
static uint16_t port_of(const char *text, const char *ends)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	return end > text && strchr(ends, *end) && port <= UINT16_MAX ? (uint16_t)port : 0;
}

void proxy_each_connection(char *answer, proxy_connection_fn *fn, void *context)
{
	for (char *next, *line = answer; line; line = next) {
		char source[INET_ADDRSTRLEN], bank[BANK_ID_SIZE], id[32];
		struct proxy_connection connection = {.bank = bank, .id = id};
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		const char *end = strchr(line, ':');
		if (strncmp(line, "0x", 2) != 0 || !end || (size_t)(end - line) >= sizeof id ||
		    !strstr(line, " fe=sticks ") || !word_of(line, " src=", ": ", source, sizeof source) ||
		    !word_of(line, " be=bank_", " ", bank, sizeof bank) ||
		    inet_pton(AF_INET, source, &connection.stick) != 1)
			continue;
		const char *port = strstr(line, " src=") + strlen(" src=") + strlen(source);
		connection.port = *port == ':' ? port_of(port + 1, " ") : 0;
		memcpy(id, line, (size_t)(end - line));
		id[end - line] = '\0';
		fn(&connection, context);
	}
}

/* ADDRESS:PORT/NAME:PORT, cut up. */
static bool read_live(char *key, struct proxy_live *live)
{
	char *from = strchr(key, ':'), *name = strchr(key, '/'), *to = strrchr(key, ':');
	if (!from || !name || from > name || to < name)
		return false;
	*from = *name = *to = '\0';
	*live = (struct proxy_live){.from = port_of(from + 1, ""), .name = name + 1, .port = port_of(to + 1, "")};
	return live->from && live->port && live->name[0] && strlen(live->name) < HOST_SIZE &&
	       inet_pton(AF_INET, key, &live->stick) == 1;
}

int proxy_read_live(char *answer, struct proxy_live **list, size_t *count)
{
	size_t lines = 1;
	for (const char *at = answer; (at = strchr(at, '\n')); at++)
		lines++;
	*count = 0;
	*list = calloc(lines, sizeof **list);
	if (!*list)
		return -ENOMEM;
	for (char *next, *line = answer; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		char *key = strstr(line, " key=");
		char *end = key ? strchr(key + 5, ' ') : NULL;
		const char *now = end ? strstr(end, " conn_cur=") : NULL;
		if (!now || strtoul(now + strlen(" conn_cur="), NULL, 10) == 0)
			continue;
		*end = '\0';
		*count += read_live(key + 5, &(*list)[*count]);
	}
	return 0;
}

void proxy_each_tried(char *answer, proxy_tried_fn *fn, void *context)
{
	for (char *next, *line = answer; line; line = next) {
		char source[INET_ADDRSTRLEN], kind[CODE_SIZE], count[24], prefix[INET_ADDRSTRLEN + 8];
		struct in_addr stick;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!word_of(line, " key=", "/ ", source, sizeof source) || inet_pton(AF_INET, source, &stick) != 1 ||
		    !word_of(line, " gpc0=", " ", count, sizeof count))
			continue;
		snprintf(prefix, sizeof prefix, " key=%s/", source);
		if (word_of(line, prefix, " ", kind, sizeof kind))
			fn(stick, kind, strtoull(count, NULL, 10), context);
	}
}

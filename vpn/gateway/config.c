#include "vpn/gateway/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/base64.h"

struct line {
	unsigned number;
	char *key, *value;
	char *why;
	size_t why_size;
};

static int wrong(const struct line *line, const char *what)
{
	snprintf(line->why, line->why_size, "line %u: %s = %s: %s", line->number, line->key, line->value, what);
	return -EINVAL;
}

typedef int set_fn(struct config *config, const struct line *line, size_t offset);

static int set_path(struct config *config, const struct line *line, size_t offset)
{
	size_t size = strlen(line->value);
	if (line->value[0] != '/' || size >= CONFIG_PATH_SIZE)
		return wrong(line, "wants an absolute path");
	memcpy((char *)config + offset, line->value, size + 1);
	return 0;
}

/* A path, or what db.h takes for a server. */
static int set_database(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	size_t size = strlen(line->value);
	bool server = strncmp(line->value, "postgresql://", strlen("postgresql://")) == 0;
	if (!server && line->value[0] != '/')
		return wrong(line, "wants an absolute path, or postgresql://USER@HOST/DATABASE");
	if (size >= (server ? sizeof config->database : CONFIG_PATH_SIZE))
		return wrong(line, "is too long");
	memcpy(config->database, line->value, size + 1);
	return 0;
}

static int set_id(struct config *config, const struct line *line, size_t offset)
{
	if (!name_is_id(line->value))
		return wrong(line, "wants 1 to 32 letters, digits, '.', '_' or '-'");
	memcpy((char *)config + offset, line->value, strlen(line->value) + 1);
	return 0;
}

static int parse_number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return errno || end == text || *end || text[0] == '-' || *value > max ? -EINVAL : 0;
}

static int set_port(struct config *config, const struct line *line, size_t offset)
{
	unsigned long port;
	if (parse_number(line->value, 65535, &port) || port == 0)
		return wrong(line, "wants a port, 1 to 65535");
	uint16_t value = (uint16_t)port;
	memcpy((char *)config + offset, &value, sizeof value);
	return 0;
}

static int set_admission(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	unsigned long seconds;
	if (parse_number(line->value, CONFIG_ADMISSION_MAX_S, &seconds) || seconds < 60)
		return wrong(line, "wants 60 to 3600 seconds");
	config->admission_s = (unsigned)seconds;
	return 0;
}

static int set_mtu(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	unsigned long mtu;
	if (parse_number(line->value, 9000, &mtu) || mtu < 1280)
		return wrong(line, "wants a number from 1280 to 9000");
	config->mtu = (unsigned)mtu;
	return 0;
}

static int set_interface(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	if (!name_is_id(line->value) || strlen(line->value) >= sizeof config->interface)
		return wrong(line, "wants an interface name of at most 15 characters");
	memcpy(config->interface, line->value, strlen(line->value) + 1);
	return 0;
}

static int set_wireguard(struct config *config, const struct line *line, size_t offset)
{
	if (strcmp(line->value, "kernel") != 0)
		return set_path(config, line, offset);
	memcpy(config->wireguard, "kernel", sizeof "kernel");
	return 0;
}

static int set_inner(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	char address[INET_ADDRSTRLEN];
	unsigned long prefix;
	size_t size = strcspn(line->value, "/");
	if (size >= sizeof address || line->value[size] != '/')
		return wrong(line, "wants ADDRESS/PREFIX, such as 10.77.0.1/16");
	memcpy(address, line->value, size);
	address[size] = '\0';
	if (inet_pton(AF_INET, address, &config->inner) != 1 || parse_number(line->value + size + 1, 30, &prefix) ||
	    prefix < 8)
		return wrong(line, "wants an IPv4 address and a prefix from 8 to 30, such as 10.77.0.1/16");
	config->inner_prefix = (unsigned)prefix;
	return 0;
}

static int parse_listen4(const char *host, uint16_t port, struct config_listen *listen)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&listen->address;
	*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	listen->size = sizeof *in;
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse_listen6(const char *host, uint16_t port, struct config_listen *listen)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&listen->address;
	*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	listen->size = sizeof *in6;
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
}

/* One more of `list`, which has room for `most`. */
static int add_listen(const struct line *line, struct config_listen *list, size_t *count, size_t most)
{
	char host[ENDPOINT_SIZE];
	const char *colon = strrchr(line->value, ':');
	unsigned long port;
	if (*count == most)
		return wrong(line,
			     most == 1 ? "there is one already" : "there are four of these already, which is the most");
	if (!colon || strlen(line->value) >= sizeof host || parse_number(colon + 1, 65535, &port) || port == 0)
		return wrong(line, "wants ADDRESS:PORT, such as 127.0.0.1:8443 or [::1]:8443");
	size_t size = (size_t)(colon - line->value);
	memcpy(host, line->value, size);
	host[size] = '\0';
	struct config_listen *listen = &list[*count];
	int error = -EINVAL;
	if (host[0] == '[' && size > 2 && host[size - 1] == ']') {
		host[size - 1] = '\0';
		error = parse_listen6(host + 1, (uint16_t)port, listen);
	} else {
		error = parse_listen4(host, (uint16_t)port, listen);
	}
	if (error)
		return wrong(line, "wants a literal address and a port, such as 127.0.0.1:8443 or [::1]:8443");
	memcpy(listen->text, line->value, strlen(line->value) + 1);
	++*count;
	return 0;
}

static int set_web_listen(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	return add_listen(line, config->web, &config->web_count, CONFIG_LISTEN_MAX);
}

static int set_lookup_listen(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	return add_listen(line, config->lookup, &config->lookup_count, 1);
}

static int set_lookup_client(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	struct config_client client;
	char pin[64], more;
	size_t size = 0;
	if (sscanf(line->value, "%32s %63s %c", client.bank, pin, &more) != 2 || !name_is_bank(client.bank) ||
	    base64_decode(pin, strlen(pin), client.pin, sizeof client.pin, &size) || size != sizeof client.pin)
		return wrong(line,
			     "wants BANK PIN: the base64 of the SHA-256 of the public key in the client's certificate");
	for (size_t i = 0; i < config->client_count; i++)
		if (memcmp(config->clients[i].pin, client.pin, sizeof client.pin) == 0)
			return wrong(line, "this key is a client's already");
	struct config_client *grown = realloc(config->clients, (config->client_count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	config->clients = grown;
	config->clients[config->client_count++] = client;
	return 0;
}

static int set_connection_days(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	unsigned long days;
	if (parse_number(line->value, 3650, &days) || days == 0)
		return wrong(line, "wants days, 1 to 3650");
	config->connection_days = (uint16_t)days;
	return 0;
}

static int set_upstream(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	char address[ENDPOINT_SIZE];
	uint8_t parsed[sizeof(struct in6_addr)];
	unsigned long port = 53;
	size_t size = strcspn(line->value, "#");
	if (config->upstream_count == CONFIG_UPSTREAM_MAX)
		return wrong(line, "there are four of these already, which is the most");
	if (strlen(line->value) >= sizeof address)
		return wrong(line, "is too long for ADDRESS#PORT");
	memcpy(address, line->value, size);
	address[size] = '\0';
	if ((inet_pton(AF_INET, address, parsed) != 1 && inet_pton(AF_INET6, address, parsed) != 1) ||
	    (line->value[size] == '#' && parse_number(line->value + size + 1, 65535, &port)) || port == 0)
		return wrong(line, "wants a resolver's literal ADDRESS, or ADDRESS#PORT");
	memcpy(config->upstreams[config->upstream_count++], line->value, strlen(line->value) + 1);
	return 0;
}

static int set_egress(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	struct config_egress egress = {0};
	char address[INET_ADDRSTRLEN];
	if (sscanf(line->value, "%32s %15s", egress.bank, address) != 2 || !name_is_bank(egress.bank) ||
	    inet_pton(AF_INET, address, &egress.address) != 1)
		return wrong(line, "wants BANK ADDRESS, such as sekisho-demo 203.0.113.101");
	if (config_egress_of(config, egress.bank))
		return wrong(line, "this bank has an address already");
	struct config_egress *grown = realloc(config->egress, (config->egress_count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	config->egress = grown;
	config->egress[config->egress_count++] = egress;
	return 0;
}

static int set_users(struct config *config, const struct line *line, size_t offset)
{
	(void)offset;
	unsigned long base;
	bool word = strcmp(line->value, "names") == 0 || strcmp(line->value, "self") == 0;
	if (!word && (parse_number(line->value, 0x7fffff00, &base) || base < 100))
		return wrong(line, "wants names, self, or the first of eight free uids");
	snprintf(config->users, sizeof config->users, "%s", line->value);
	return 0;
}

#define AT(member) offsetof(struct config, member)
static const struct {
	const char *key;
	set_fn *set;
	size_t offset;
} keys[] = {
    {"id", set_id, AT(id)},
    {"tenant", set_id, AT(tenant)},
    {"interface", set_interface, 0},
    {"wireguard", set_wireguard, AT(wireguard)},
    {"wireguard-key", set_path, AT(wireguard_key)},
    {"listen-port", set_port, AT(listen_port)},
    {"inner", set_inner, 0},
    {"mtu", set_mtu, 0},
    {"admission-time", set_admission, 0},
    {"control-port", set_port, AT(control_port)},
    {"control-certificate", set_path, AT(control_certificate)},
    {"control-key", set_path, AT(control_key)},
    {"control-socket", set_path, AT(control_socket)},
    {"web-listen", set_web_listen, 0},
    {"web-certificate", set_path, AT(web_certificate)},
    {"web-key", set_path, AT(web_key)},
    {"console", set_path, AT(console)},
    {"metrics-token", set_path, AT(metrics_token)},
    {"lookup-listen", set_lookup_listen, 0},
    {"lookup-certificate", set_path, AT(lookup_certificate)},
    {"lookup-key", set_path, AT(lookup_key)},
    {"lookup-client", set_lookup_client, 0},
    {"connection-days", set_connection_days, 0},
    {"roots", set_path, AT(roots)},
    {"policy", set_path, AT(policy)},
    {"gateways", set_path, AT(gateways)},
    {"indicators", set_path, AT(indicators)},
    {"database", set_database, 0},
    {"audit-key", set_path, AT(audit_key)},
    {"audit-public", set_path, AT(audit_public)},
    {"audit-witness", set_path, AT(audit_witness)},
    {"resolver-config", set_path, AT(resolver_config)},
    {"resolver-program", set_path, AT(resolver_program)},
    {"resolver-upstream", set_upstream, 0},
    {"proxy-port", set_port, AT(proxy_port)},
    {"proxy-socket", set_path, AT(proxy_socket)},
    {"proxy-connections", set_path, AT(proxy_connections)},
    {"proxy-hello", set_path, AT(proxy_hello)},
    {"proxy-program", set_path, AT(proxy_program)},
    {"egress", set_egress, 0},
    {"users", set_users, 0},
};

static int set_defaults(struct config *config)
{
	static const char defaults[] = "id = gw1\n"
				       "tenant = demo\n"
				       "interface = wg0\n"
				       "wireguard = kernel\n"
				       "wireguard-key = /etc/sekisho/keys/wireguard.key\n"
				       "listen-port = 51820\n"
				       "inner = 10.77.0.1/16\n"
				       "mtu = 1420\n"
				       "admission-time = 600\n"
				       "control-port = 8444\n"
				       "control-certificate = /etc/sekisho/keys/control.crt\n"
				       "control-key = /etc/sekisho/keys/control.key\n"
				       "control-socket = /run/sekisho/control.sock\n"
				       "web-certificate = /etc/sekisho/keys/web.crt\n"
				       "web-key = /etc/sekisho/keys/web.key\n"
				       "console = /usr/share/sekisho/console\n"
				       "metrics-token = /etc/sekisho/keys/metrics.token\n"
				       "lookup-certificate = /etc/sekisho/keys/lookup.crt\n"
				       "lookup-key = /etc/sekisho/keys/lookup.key\n"
				       "connection-days = 7\n"
				       "roots = /etc/sekisho/roots.json\n"
				       "policy = /etc/sekisho/policy.dsse.json\n"
				       "gateways = /etc/sekisho/gateways.dsse.json\n"
				       "indicators = " CONFIG_INDICATORS "\n"
				       "database = /var/lib/sekisho/store/gateway.db\n"
				       "audit-key = /etc/sekisho/keys/audit.key\n"
				       "audit-public = /etc/sekisho/keys/audit.pub\n"
				       "audit-witness = /var/lib/sekisho/witness/checkpoints\n"
				       "resolver-config = /run/sekisho/resolver/dnsmasq.conf\n"
				       "resolver-program = /usr/sbin/dnsmasq\n"
				       "proxy-port = 8445\n"
				       "proxy-socket = /run/sekisho-proxy/control.sock\n"
				       "proxy-connections = /run/sekisho-proxy/connections.sock\n"
				       "proxy-hello = /usr/share/sekisho/proxy/hello.lua\n"
				       "proxy-program = /usr/sbin/haproxy\n"
				       "users = names\n";
	char why[128];
	return config_parse(defaults, config, why, sizeof why);
}

static char *trim(char *text)
{
	text += strspn(text, " \t");
	size_t size = strlen(text);
	while (size > 0 && strchr(" \t\r", text[size - 1]))
		text[--size] = '\0';
	return text;
}

static int parse_line(struct config *config, struct line *line, char *text)
{
	text = trim(text);
	if (*text == '\0' || *text == '#')
		return 0;
	char *equals = strchr(text, '=');
	if (!equals) {
		snprintf(line->why, line->why_size, "line %u: wants KEY = VALUE", line->number);
		return -EINVAL;
	}
	*equals = '\0';
	line->key = trim(text);
	line->value = trim(equals + 1);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(line->key, keys[i].key) == 0)
			return keys[i].set(config, line, keys[i].offset);
	return wrong(line, "there is no such key; see gateway.conf(5)");
}

int config_parse(const char *text, struct config *config, char *why, size_t why_size)
{
	char *copy = strdup(text), *at = copy, *next;
	if (!copy)
		return -ENOMEM;
	int error = 0;
	struct line line = {.why = why, .why_size = why_size};
	for (; at && !error; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		line.number++;
		error = parse_line(config, &line, at);
	}
	free(copy);
	return error;
}

int config_read_fd(int fd, struct config *config, char *why, size_t why_size)
{
	*config = (struct config){0};
	char *text = malloc(CONFIG_MAX_BYTES);
	if (!text)
		return -ENOMEM;
	int error = 0;
	ssize_t got = pread(fd, text, CONFIG_MAX_BYTES, 0);
	if (got < 0)
		error = -errno;
	else if (got == CONFIG_MAX_BYTES || memchr(text, '\0', (size_t)got))
		error = -EINVAL;
	if (error) {
		snprintf(why, why_size, "cannot be read as text of less than %d bytes", CONFIG_MAX_BYTES);
		goto out;
	}
	text[got] = '\0';
	error = set_defaults(config);
	if (!error)
		error = config_parse(text, config, why, why_size);
	if (!error && config->web_count == 0) {
		char listen[] = "web-listen = 127.0.0.1:8443";
		error = config_parse(listen, config, why, why_size);
	}
	if (!error && config->upstream_count == 0) {
		snprintf(why, why_size,
			 "resolver-upstream is missing: name the resolver that may be asked for the banks' addresses");
		error = -EINVAL;
	}
out:
	free(text);
	if (error)
		config_free(config);
	return error;
}

void config_free(struct config *config)
{
	free(config->egress);
	free(config->clients);
	*config = (struct config){0};
}

const struct config_egress *config_egress_of(const struct config *config, const char *bank)
{
	for (size_t i = 0; i < config->egress_count; i++)
		if (strcmp(config->egress[i].bank, bank) == 0)
			return &config->egress[i];
	return NULL;
}

/*
 * config - /etc/sekisho/gateway.conf (see gateway.conf(5)): `key = value` lines, `#` starts a comment line.
 *
 * The file is the administrator's and trusted; mistakes in it are named with their line and never guessed around.
 */
#ifndef VPN_GATEWAY_CONFIG_H
#define VPN_GATEWAY_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vpn/gateway/names.h"

#define CONFIG_INDICATORS "/var/lib/sekisho/indicators" /* where the file of known bad hosts is if nothing is said */

enum {
	CONFIG_LISTEN_MAX = 4,
	CONFIG_UPSTREAM_MAX = 4,
	CONFIG_PATH_SIZE = 256,
	CONFIG_DATABASE_SIZE = 512,
	CONFIG_MAX_BYTES = 65536,
	CONFIG_ADMISSION_MAX_S = 3600
};

struct config_egress {
	char bank[BANK_ID_SIZE];
	struct in_addr address;
};

/* A bank's system that may ask: its client certificate by the SHA-256 of its public key (SubjectPublicKeyInfo). */
struct config_client {
	char bank[BANK_ID_SIZE];
	uint8_t pin[32];
};

struct config_listen {
	struct sockaddr_storage address;
	socklen_t size;
	char text[ENDPOINT_SIZE];
};

struct config {
	char id[STICK_ID_SIZE];
	char tenant[TENANT_SIZE];

	char interface[16];
	char wireguard[CONFIG_PATH_SIZE]; /* "kernel", or the path of a user-space WireGuard's socket */
	char wireguard_key[CONFIG_PATH_SIZE];
	uint16_t listen_port;
	struct in_addr inner;
	unsigned inner_prefix;
	unsigned mtu;
	unsigned admission_s; /* how long one statement admits */

	uint16_t control_port;
	char control_certificate[CONFIG_PATH_SIZE], control_key[CONFIG_PATH_SIZE];

	struct config_listen web[CONFIG_LISTEN_MAX];
	size_t web_count;
	char web_certificate[CONFIG_PATH_SIZE], web_key[CONFIG_PATH_SIZE];
	char console[CONFIG_PATH_SIZE];
	char metrics_token[CONFIG_PATH_SIZE];

	/* What banks' systems ask (connection.h): without a listener nobody does. */
	struct config_listen lookup[1];
	size_t lookup_count;
	char lookup_certificate[CONFIG_PATH_SIZE], lookup_key[CONFIG_PATH_SIZE];
	struct config_client *clients;
	size_t client_count;
	uint16_t connection_days; /* for how long the proxy's connections are kept */

	char roots[CONFIG_PATH_SIZE], policy[CONFIG_PATH_SIZE], gateways[CONFIG_PATH_SIZE];
	char indicators[CONFIG_PATH_SIZE];   /* indicators(5); may not be there */
	char database[CONFIG_DATABASE_SIZE]; /* db.h: a path, or a URL of a server */
	char audit_key[CONFIG_PATH_SIZE], audit_public[CONFIG_PATH_SIZE], audit_witness[CONFIG_PATH_SIZE];
	char control_socket[CONFIG_PATH_SIZE];

	char resolver_config[CONFIG_PATH_SIZE];
	char resolver_program[CONFIG_PATH_SIZE];
	char upstreams[CONFIG_UPSTREAM_MAX][ENDPOINT_SIZE]; /* as dnsmasq writes them: ADDRESS or ADDRESS#PORT */
	size_t upstream_count;

	uint16_t proxy_port;                      /* at the inner address; sticks' connections to banks are led there */
	char proxy_connections[CONFIG_PATH_SIZE]; /* the socket at which haproxy tells of connections, and nothing else
						   */
	char proxy_socket[CONFIG_PATH_SIZE], proxy_hello[CONFIG_PATH_SIZE], proxy_program[CONFIG_PATH_SIZE];

	struct config_egress *egress;
	size_t egress_count;

	/* "names": the package's users; a number: uids from it upwards, without names (rigs, containers); "self": all
	 * processes keep the one uid there is (a user namespace with a single uid; said in the log). */
	char users[16];
};

/* Parse `text`. 0, or -EINVAL/-ENOMEM with a sentence that names the line in `why`. Free with config_free(). */
int config_parse(const char *text, struct config *config, char *why, size_t why_size);
/* The same from a descriptor or path; the descriptor's offset is not used. */
int config_read_fd(int fd, struct config *config, char *why, size_t why_size);
void config_free(struct config *config);

/* The address this gateway gives the bank's traffic, or NULL. */
const struct config_egress *config_egress_of(const struct config *config, const char *bank);

#endif

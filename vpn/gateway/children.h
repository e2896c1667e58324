/*
 * children - gatewayd's processes. All are the same program, executed again as `gatewayd --as NAME`; each finds its
 * channel to the parent at descriptor 3, the configuration file at 4, its channel to the store at 5 (not the store
 * itself), and what else it may have after that.
 */
#ifndef VPN_GATEWAY_CHILDREN_H
#define VPN_GATEWAY_CHILDREN_H

#include "vpn/gateway/config.h"

enum {
	GATEWAY_CONFIG_FD = 4,
	GATEWAY_STORE_FD = 5, /* in the store: the control socket's listener */
	GATEWAY_OWN_FD = 6,   /* first of the process's own */
};

/* What the parent put after a process's name, NULL if nothing: for egress the uid that haproxy runs as. */
extern const char *child_argument;
extern const char *parent_database; /* --db; NULL: what the configuration says */

int store_main(void); /* 6: the audit log's key, 7: its witness file */
int policy_main(void);
int peers_main(void); /* 6: WireGuard's private key; 7: UAPI socket, if there is one */
int egress_main(void);
int api_main(void);    /* 6: listener, 7: TLS key, 8: certificate */
int web_main(void);    /* 6: TLS key, 7: certificate, 8: token of /metrics, 9...: listeners */
int lookup_main(void); /* 6: TLS key, 7: certificate, 8: listener */

/* The parent, and the small supervisors of dnsmasq and haproxy, which are started by themselves: `gatewayd --resolver`
 * and `gatewayd --proxy`. */
int parent_main(const char *config_path);
int resolver_main(const char *config_path);
int proxy_main(const char *config_path);
/* `gatewayd --withdraw`: takes away what a stopped gateway leaves in the kernel; run when the package is removed. */
int withdraw_main(const char *config_path);

/* `gatewayd --backup FILE` and `gatewayd --restore FILE`: FILE is child_argument. */
int backup_main(const char *config_path);
int restore_main(const char *config_path);

/* The configuration, and the file's descriptor, the caller's. Ends the process, saying why, if it is not in order. */
int config_or_fatal(const char *path, struct config *config);

/* What every child does first: log name, descriptors, configuration. Ends the process if it cannot. */
void child_begin(const char *name, int highest_fd, struct config *config);

/* A small file that the parent opened, as text with a NUL; the caller's. NULL with errno set. */
char *child_read_fd(int fd, size_t max_bytes);

#endif

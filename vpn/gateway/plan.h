/*
 * plan - what a policy means at the gateway: which names belong to which bank, on which ports. Nothing else of the
 * policy is needed here. Hosts of a bank that have the same ports share one nftables set ("group").
 */
#ifndef VPN_GATEWAY_PLAN_H
#define VPN_GATEWAY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/buf.h"
#include "vpn/gateway/names.h"

enum { PLAN_BANKS_MAX = 512, PLAN_GROUPS_MAX = 1024, PLAN_HOSTS_MAX = 32768, PLAN_PORTS_MAX = 8, PLAN_SET_SIZE = 64 };

struct plan_bank {
	char id[BANK_ID_SIZE];
	uint32_t mark; /* of its connections: made from the id, so that it survives a restart and another policy */
};

struct plan_group {
	size_t bank;
	char set[PLAN_SET_SIZE]; /* name of the nftables set of its addresses */
	uint16_t ports[PLAN_PORTS_MAX];
	size_t port_count;
};

struct plan_host {
	char name[HOST_SIZE]; /* may start with "*." */
	size_t group;
};

struct plan {
	uint64_t policy_version;
	struct plan_bank *banks;
	size_t bank_count;
	struct plan_group *groups;
	size_t group_count;
	struct plan_host *hosts;
	size_t host_count;
};

/* Add one host of one bank. 0, -EINVAL (a name or port that is none), -E2BIG, -EEXIST (two banks share a mark),
 * -ENOMEM.
 */
int plan_add(struct plan *plan, const char *bank, const char *host, const uint16_t *ports, size_t port_count);
void plan_free(struct plan *plan);

/* NULL if there is no such bank. */
const struct plan_bank *plan_bank_of(const struct plan *plan, uint32_t mark);
const struct plan_bank *plan_bank(const struct plan *plan, const char *id);

/* May this bank be asked for that name, itself or as the one label before a wildcard, on that port? */
bool plan_allows(const struct plan *plan, const struct plan_bank *bank, const char *name, uint16_t port);

/* Between our own processes; plan_size() bytes are room enough. plan_read() gives 0, or -EBADMSG / an error of
 * plan_add(). */
size_t plan_size(const struct plan *plan);
void plan_write(struct writer *w, const struct plan *plan);
int plan_read(struct reader *r, struct plan *plan);

#endif

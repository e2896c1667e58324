/*
 * egress - the gateway's nftables table `inet sekisho`, as text for libnftables (nft(8)).
 *
 * What a stick may do: ask the control API; when admitted, ask the resolver; and with a session open, reach the
 * addresses that the bank's names just resolved to, on the policy's ports. Such a connection is led to the proxy
 * (proxy.h), which looks at the name it is for and goes on from the bank's own address; what the proxy may reach is
 * held here again. Everything else is refused and counted by stick: another stick, the management side, the gateway
 * itself, the internet, a bank's name that leads to an address no bank can have. No packet is forwarded at all. The
 * kernel lets an admission run out by itself, so that a gateway process that died leaves no door open.
 */
#ifndef VPN_GATEWAY_EGRESS_H
#define VPN_GATEWAY_EGRESS_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/types.h>

#include "vpn/gateway/config.h"
#include "vpn/gateway/plan.h"

#define EGRESS_TABLE "inet sekisho"

/* Networks that no bank is in (RFC 6890, RFC 2544, multicast and reserved), as nft and dnsmasq write them; NULL after
 * the last. The sticks' own is one more. */
extern const char *const egress_nowhere[];

struct egress_admission {
	struct in_addr stick;
	unsigned seconds;
};

struct egress_session {
	struct in_addr stick;
	uint32_t mark; /* of the bank, from the plan */
};

struct egress_address {
	char set[PLAN_SET_SIZE]; /* those of a set that the plan has no more are passed over */
	struct in_addr address;
	unsigned seconds;
};

/* What the sets hold when the table is written anew. */
struct egress_content {
	const struct egress_admission *admissions;
	size_t admission_count;
	const struct egress_session *sessions;
	size_t session_count;
	const struct egress_address *addresses;
	size_t address_count;
};

/* The addresses of the banks' sets in libnftables' JSON of the table; the caller's array. 0 or -errno. */
int egress_read_addresses(const char *json, struct egress_address **addresses, size_t *count);
/* The counters by stick in such JSON, of the set `tried' (connections) or `asked' (questions), to `fn`. */
typedef void egress_counter_fn(struct in_addr stick, uint64_t count, void *context);
int egress_read_counters(const char *json, const char *set, egress_counter_fn *fn, void *context);

/* The whole table, replacing an older one in one transaction. Banks without an egress address get no rule. `proxy` is
 * the uid that haproxy runs as, (uid_t)-1 if it has none of its own. */
void egress_write_table(FILE *out, const struct config *config, const struct plan *plan,
			const struct egress_content *content, uid_t proxy);

/* Changes of its sets; several may go into one transaction. */
void egress_write_admit(FILE *out, struct in_addr stick, unsigned seconds);
void egress_write_expel(FILE *out, struct in_addr stick);
void egress_write_session(FILE *out, struct in_addr stick, uint32_t mark, bool open);

#endif

/*
 * egress - the gateway's nftables table `inet sekisho`, as text for libnftables (nft(8)).
 *
 * What a stick may do: ask the control API; when admitted, ask the resolver; and with a session open, reach the
 * addresses that the bank's names just resolved to, on the policy's ports, from the bank's own address. Everything
 * else is dropped: another stick, the management side, the gateway itself, the internet. The kernel lets an
 * admission run out by itself, so that a gateway process that died leaves no door open.
 */
#ifndef VPN_GATEWAY_EGRESS_H
#define VPN_GATEWAY_EGRESS_H

#include <netinet/in.h>
#include <stdio.h>

#include "vpn/gateway/config.h"
#include "vpn/gateway/plan.h"

#define EGRESS_TABLE "inet sekisho"

struct egress_admission {
	struct in_addr stick;
	unsigned seconds;
};

struct egress_session {
	struct in_addr stick;
	uint32_t mark; /* of the bank, from the plan */
};

/* What the sets hold when the table is written anew. */
struct egress_content {
	const struct egress_admission *admissions;
	size_t admission_count;
	const struct egress_session *sessions;
	size_t session_count;
};

/* The whole table, replacing an older one in one transaction. Banks without an egress address get no rule. */
void egress_write_table(FILE *out, const struct config *config, const struct plan *plan,
			const struct egress_content *content);

/* Changes of its sets; several may go into one transaction. */
void egress_write_admit(FILE *out, struct in_addr stick, unsigned seconds);
void egress_write_expel(FILE *out, struct in_addr stick);
void egress_write_session(FILE *out, struct in_addr stick, uint32_t mark, bool open);

#endif

/*
 * resolver - dnsmasq's configuration from a plan: only the policy's names are asked for, every answer goes into its
 * bank's nftables set before it is released, and nothing is remembered.
 */
#ifndef VPN_GATEWAY_RESOLVER_H
#define VPN_GATEWAY_RESOLVER_H

#include <stdio.h>

#include "vpn/gateway/config.h"
#include "vpn/gateway/plan.h"

/* Longest time a stick may keep an answer; far below the hour an address stays in its set. */
#define RESOLVER_TTL_MAX_S 60

void resolver_write(FILE *out, const struct config *config, const struct plan *plan);

/* Write the file beside `path` and rename it into place, so that dnsmasq never sees half of it. 0 or -errno. */
int resolver_store(const char *path, const struct config *config, const struct plan *plan);

#endif

/*
 * broker_resolve - the addresses of a bank's host, asked of the one resolver in the tunnel (c-ares).
 *
 * No hosts file, no search list, no other server: the same name gives the same answer whatever else is on the machine.
 * Answers are kept for their TTL by c-ares. Addresses that cannot be a bank's are left out (address_possible()).
 */
#ifndef LAUNCHER_BROKER_RESOLVE_H
#define LAUNCHER_BROKER_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "firmware/lib/loop.h"

#define RESOLVE_ADDRESSES_MAX 8

struct resolver;
struct lookup;

/* `count` addresses, port 0, valid during the call; 0 with `detail` for the desk if there is none. */
typedef void resolve_fn(const struct sockaddr_storage *addresses, size_t count, const char *detail, void *context);

/* Once, before the sandbox: c-ares reads the system's configuration when a channel is made. NULL on failure. */
struct resolver *resolver_new(struct loop *loop);
void resolver_free(struct resolver *resolver);

/* The only server, a literal address, port 53. What one before has answered is forgotten, also where it had the same
 * address: a gateway lets nobody through to an address that it did not give out itself. 0 or -EINVAL. */
int resolver_use(struct resolver *resolver, const char *address);

/* fn may be called before this returns. The lookup is fn's until called or cancelled; NULL if it was called already. */
struct lookup *resolver_look_up(struct resolver *resolver, const char *host, resolve_fn *fn, void *context);
void lookup_cancel(struct lookup *lookup); /* NULL is fine */

/* False for 0/8, 127/8, 169.254/16, 224/4, 240/4, ::, ::1, fe80::/10, ff00::/8 and IPv4 in IPv6. */
bool address_possible(const struct sockaddr *address);

#endif

#include "launcher/broker_resolve.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>

enum { TRY_MS = 2000, TRIES = 3, SOCKETS_MAX = 16 };

struct socket_watch {
	struct resolver *resolver;
	ares_socket_t fd;
	struct loop_watch *watch; /* NULL: free */
};

struct resolver {
	struct loop *loop;
	ares_channel_t *channel;
	struct loop_timer *timer;
	struct socket_watch sockets[SOCKETS_MAX];
};

struct lookup {
	struct resolver *resolver;
	resolve_fn *fn; /* NULL: cancelled */
	void *context;
	bool called, starting;
};

static void arm_timer(struct resolver *resolver)
{
	struct timeval left;
	const struct timeval *next = ares_timeout(resolver->channel, NULL, &left);
	loop_timer_set(resolver->timer, next ? (int64_t)next->tv_sec * 1000 + next->tv_usec / 1000 + 1 : -1);
}

static void on_timer(void *context)
{
	struct resolver *resolver = context;
	ares_process_fds(resolver->channel, NULL, 0, ARES_PROCESS_FLAG_NONE);
	arm_timer(resolver);
}

static void on_socket(uint32_t events, void *context)
{
	const struct socket_watch *socket = context;
	struct resolver *resolver = socket->resolver;
	ares_fd_events_t ready = {.fd = socket->fd};
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		ready.events |= ARES_FD_EVENT_READ;
	if (events & EPOLLOUT)
		ready.events |= ARES_FD_EVENT_WRITE;
	ares_process_fds(resolver->channel, &ready, 1, ARES_PROCESS_FLAG_NONE);
	arm_timer(resolver);
}

static struct socket_watch *find_socket(struct resolver *resolver, ares_socket_t fd)
{
	struct socket_watch *empty = NULL;
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct socket_watch *s = &resolver->sockets[i];
		if (s->watch && s->fd == fd)
			return s;
		if (!s->watch && !empty)
			empty = s;
	}
	return empty;
}

/* c-ares tells what it wants of each of its sockets, and with neither before it closes one. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = context;
	struct socket_watch *s = find_socket(resolver, fd);
	uint32_t events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);
	if (!s)
		return; /* more sockets than we have places for: that query times out */
	if (events == 0) {
		loop_unwatch(s->watch);
		s->watch = NULL;
	} else if (s->watch) {
		(void)loop_watch_events(s->watch, events);
	} else {
		*s = (struct socket_watch){.resolver = resolver, .fd = fd};
		s->watch = loop_watch(resolver->loop, fd, events, on_socket, s);
	}
}

struct resolver *resolver_new(struct loop *loop)
{
	static char lookups[] = "b", nowhere[] = "/nonexistent";
	struct resolver *resolver = calloc(1, sizeof *resolver);
	if (!resolver)
		return NULL;
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
	    .timeout = TRY_MS,
	    .tries = TRIES,
	    .lookups = lookups,
	    .resolvconf_path = nowhere,
	    .hosts_path = nowhere,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = resolver,
	};
	resolver->loop = loop;
	resolver->timer = loop_timer(loop, on_timer, resolver);
	if (!resolver->timer ||
	    ares_init_options(&resolver->channel, &options,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
				  ARES_OPT_RESOLVCONF | ARES_OPT_HOSTS_FILE | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
		loop_timer_free(resolver->timer);
		free(resolver);
		return NULL;
	}
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	ares_destroy(resolver->channel);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		loop_unwatch(resolver->sockets[i].watch);
	loop_timer_free(resolver->timer);
	free(resolver);
}

int resolver_use(struct resolver *resolver, const char *address)
{
	/* c-ares drops its answers when its list of servers changes, and only then */
	(void)ares_set_servers_csv(resolver->channel, "");
	return ares_set_servers_csv(resolver->channel, address) == ARES_SUCCESS ? 0 : -EINVAL;
}

static bool possible4(uint32_t address)
{
	uint32_t first = address >> 24;
	return first != 0 && first != 127 && first < 224 && address >> 16 != 0xa9fe;
}

static bool possible6(const struct in6_addr *address)
{
	return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_LOOPBACK(address) && !IN6_IS_ADDR_LINKLOCAL(address) &&
	       !IN6_IS_ADDR_MULTICAST(address) && !IN6_IS_ADDR_V4MAPPED(address) && !IN6_IS_ADDR_V4COMPAT(address);
}

bool address_possible(const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	switch (address->sa_family) {
	case AF_INET:
		memcpy(&in, address, sizeof in);
		return possible4(ntohl(in.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&in6, address, sizeof in6);
		return possible6(&in6.sin6_addr);
	default:
		return false;
	}
}

static size_t take_possible(const struct ares_addrinfo *info, struct sockaddr_storage *out, bool *impossible)
{
	size_t count = 0;
	for (const struct ares_addrinfo_node *node = info->nodes; node && count < RESOLVE_ADDRESSES_MAX;
	     node = node->ai_next) {
		if (!address_possible(node->ai_addr)) {
			*impossible = true;
			continue;
		}
		memcpy(&out[count++], node->ai_addr, node->ai_addrlen);
	}
	return count;
}

static void on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct lookup *lookup = context;
	struct sockaddr_storage addresses[RESOLVE_ADDRESSES_MAX] = {0};
	bool impossible = false;
	(void)timeouts;
	size_t count = info ? take_possible(info, addresses, &impossible) : 0;
	const char *detail = count > 0 ? "" : impossible ? "the resolver gave an address that is no bank's" : NULL;
	ares_freeaddrinfo(info);
	lookup->called = true;
	if (lookup->fn)
		lookup->fn(addresses, count, detail ? detail : ares_strerror(status), lookup->context);
	if (!lookup->starting)
		free(lookup);
}

struct lookup *resolver_look_up(struct resolver *resolver, const char *host, resolve_fn *fn, void *context)
{
	const struct ares_addrinfo_hints hints = {
	    .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct lookup *lookup = calloc(1, sizeof *lookup);
	if (!lookup) {
		fn(NULL, 0, "out of memory", context);
		return NULL;
	}
	*lookup = (struct lookup){.resolver = resolver, .fn = fn, .context = context, .starting = true};
	ares_getaddrinfo(resolver->channel, host, NULL, &hints, on_answer, lookup);
	arm_timer(resolver);
	lookup->starting = false;
	if (!lookup->called)
		return lookup;
	free(lookup);
	return NULL;
}

/* c-ares cannot drop one query: it runs out, and nobody is told. */
void lookup_cancel(struct lookup *lookup)
{
	if (lookup)
		lookup->fn = NULL;
}

#include "launcher/broker_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "launcher/broker_hello.h"
#include "launcher/broker_limits.h"
#include "launcher/broker_relay.h"
#include "launcher/broker_tls.h"

enum state {
	CONNECTION_HELLO,
	CONNECTION_ASKING,
	CONNECTION_RESOLVING,
	CONNECTION_CONNECTING,
	CONNECTION_BANK,
	CONNECTION_AHEAD,
	CONNECTION_BROWSER,
	CONNECTION_RELAY,
	CONNECTION_LAST_BYTES,
	CONNECTION_ENDED,
	CONNECTION_STATES
};

enum {
	DETAIL_MAX = 160,
	LAST_BYTES_LOOK_MS = 50,
	ALERT_DECODE_ERROR = 50,
	ALERT_ACCESS_DENIED = 49,
	ALERT_INTERNAL_ERROR = 80,
};

struct side {
	struct tls_end tls;
	struct loop_watch *watch;
	uint32_t watched;
};

struct connection {
	struct connections *all;
	struct connection *next;
	enum state state;
	uint16_t port;
	struct loop_timer *timer;
	struct side browser, bank;
	struct buf first; /* the browser's bytes so far */
	struct hello hello;
	struct bank_host *host;
	struct lookup *lookup;
	struct sockaddr_storage *addresses; /* until RELAY */
	size_t address_count, address_next;
	int connect_error;
	struct relay relay;
	bool again;            /* there was more to move when its turn ended */
	uint32_t left;         /* LAST_BYTES: what the browser had not taken */
	int64_t left_since_ms; /* and since when it is so much */
};

struct connections {
	struct loop *loop;
	struct policy *policy;
	struct resolver *resolver;
	connection_report_fn *report;
	connection_room_fn *room;
	void *context;
	struct connection *first;
	size_t count;
	size_t ahead;              /* of them without a browser */
	struct loop_timer *reaper; /* ended ones are freed on a turn of their own, when no call of theirs is running */
	struct loop_timer *turns;  /* those that go on when the others had their turn */
	struct connection_counts counts;
	uint8_t record[TLS_RECORD_MAX_BYTES]; /* on its way from one end to the other, within one call */
};

static void end(struct connection *c);
static void run_hello(struct connection *c);
static void run_connecting(struct connection *c);
static void run_bank(struct connection *c);
static void run_browser(struct connection *c);
static void run_relay(struct connection *c);
static void look_at_last_bytes(struct connection *c);
static void connect_next(struct connection *c);
static void start_browser(struct connection *c);

/* What a state does when a socket is ready (NULL: it waits for another process), how long it may last, and how it is
 * reported when it lasted longer. */
static const struct {
	void (*run)(struct connection *c);
	int64_t timeout_ms;
	enum broker_event kind;
	enum refusal refusal;
	const char *late;
} states[CONNECTION_STATES] = {
    [CONNECTION_HELLO] = {run_hello, LIMIT_HELLO_MS, BROKER_BAD_CLIENT, REFUSAL_BAD_HELLO,
			  "the ClientHello did not come"},
    [CONNECTION_ASKING] = {NULL, LIMIT_POLICY_MS, BROKER_REFUSED, REFUSAL_NO_SESSION, "policy did not answer"},
    [CONNECTION_RESOLVING] = {NULL, LIMIT_RESOLVE_MS, BROKER_BANK_TROUBLE, REFUSAL_NO_ADDRESS,
			      "the resolver did not answer"},
    [CONNECTION_CONNECTING] = {run_connecting, LIMIT_CONNECT_MS, BROKER_BANK_TROUBLE, REFUSAL_UNREACHABLE,
			       "no address of the host accepted a connection in time"},
    [CONNECTION_BANK] = {run_bank, LIMIT_BANK_MS, BROKER_BANK_TROUBLE, REFUSAL_TIMEOUT,
			 "the host did not answer the TLS handshake in time"},
    [CONNECTION_AHEAD] = {end, LIMIT_AHEAD_MS, BROKER_BANK_TROUBLE, REFUSAL_NONE, ""},
    [CONNECTION_BROWSER] = {run_browser, LIMIT_BROWSER_MS, BROKER_BAD_CLIENT, REFUSAL_TLS,
			    "the browser did not finish its TLS handshake"},
    [CONNECTION_RELAY] = {run_relay, LIMIT_IDLE_MS, BROKER_BANK_TROUBLE, REFUSAL_NONE, ""},
    [CONNECTION_LAST_BYTES] = {NULL, LAST_BYTES_LOOK_MS, BROKER_BANK_TROUBLE, REFUSAL_NONE, ""},
};

static void unwatch(struct side *side)
{
	loop_unwatch(side->watch);
	side->watch = NULL;
	side->watched = 0;
}

static void close_side(struct side *side)
{
	unwatch(side);
	if (side->tls.fd >= 0)
		close(side->tls.fd);
	side->tls.fd = -1;
}

/* Opened ahead, and no browser has come for it. */
static bool unasked(const struct connection *c) { return c->browser.tls.fd < 0; }

/* Idempotent; memory goes with the reaper. */
static void end(struct connection *c)
{
	if (c->state == CONNECTION_ENDED)
		return;
	if (unasked(c) && c->state != CONNECTION_HELLO)
		c->all->ahead--;
	c->state = CONNECTION_ENDED;
	close_side(&c->browser);
	close_side(&c->bank);
	policy_cancel(c->all->policy, c);
	lookup_cancel(c->lookup);
	c->lookup = NULL;
	loop_timer_set(c->timer, -1);
	loop_timer_set(c->all->reaper, 0);
}

/* So that the kernel sends a reset and drops what it still has to send. */
static void abort_side(const struct side *side)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	if (side->tls.fd >= 0)
		(void)setsockopt(side->tls.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void report(struct connection *c, enum broker_event kind, enum refusal refusal, const char *detail)
{
	c->all->counts.refused++;
	c->all->report(kind, c->hello.host, refusal, detail, &c->bank.tls.check, c->all->context);
}

static uint8_t alert_of(enum broker_event kind)
{
	switch (kind) {
	case BROKER_BAD_CLIENT:
		return ALERT_DECODE_ERROR;
	case BROKER_BANK_TROUBLE:
		return ALERT_INTERNAL_ERROR;
	default:
		return ALERT_ACCESS_DENIED;
	}
}

/* Before the browser's handshake has begun its alert goes in the clear; later mbedTLS has sent its own. */
static void refuse(struct connection *c, enum broker_event kind, enum refusal refusal, const char *detail)
{
	if (c->state == CONNECTION_ENDED)
		return;
	/* nobody waits for one opened ahead, and whoever asks for its host will see the same; but an attack is told of
	 */
	if (!unasked(c) || kind == BROKER_PIN_FAILURE || kind == BROKER_CERTIFICATE)
		report(c, kind, refusal, detail);
	if (!unasked(c) && c->state < CONNECTION_BROWSER)
		tls_send_plain_alert(c->browser.tls.fd, alert_of(kind));
	end(c);
}

static void enter(struct connection *c, enum state state)
{
	c->state = state;
	loop_timer_set(c->timer, states[state].timeout_ms);
}

static void on_timer(void *context)
{
	struct connection *c = context;
	if (c->state == CONNECTION_CONNECTING && c->address_next < c->address_count) {
		c->connect_error = ETIMEDOUT;
		connect_next(c);
		return;
	}
	if (c->state == CONNECTION_RELAY && relay_unanswered(&c->relay))
		report(c, BROKER_BANK_TROUBLE, REFUSAL_TIMEOUT, "the host took the request and did not answer");
	if (c->state == CONNECTION_LAST_BYTES)
		look_at_last_bytes(c);
	else if (c->state == CONNECTION_RELAY)
		end(c);
	else
		refuse(c, states[c->state].kind, states[c->state].refusal, states[c->state].late);
}

static void note_hang_up(const struct connection *c, struct side *side, uint32_t events)
{
	if (c->state != CONNECTION_RELAY || !(events & (EPOLLHUP | EPOLLERR)))
		return;
	/* both directions are over in the kernel: watching it would spin, reading still gives the rest */
	side->tls.hung_up = true;
	unwatch(side);
}

static void on_browser(uint32_t events, void *context)
{
	struct connection *c = context;
	c->browser.tls.drained = false;
	note_hang_up(c, &c->browser, events);
	/* between its ClientHello and our ServerHello only its going away is waited for */
	if (c->state > CONNECTION_HELLO && c->state < CONNECTION_BROWSER)
		end(c);
	else
		states[c->state].run(c);
}

static void on_bank(uint32_t events, void *context)
{
	struct connection *c = context;
	c->bank.tls.drained = false;
	note_hang_up(c, &c->bank, events);
	states[c->state].run(c);
}

/* 0 events: not watched at all, or a peer that hangs up would be told of without end. */
static void watch(struct connection *c, struct side *side, uint32_t events)
{
	if (side->tls.hung_up || side->tls.fd < 0 || events == side->watched)
		return;
	side->watched = events;
	if (events == 0) {
		unwatch(side);
	} else if (side->watch) {
		if (loop_watch_events(side->watch, events) < 0)
			end(c);
	} else {
		side->watch =
		    loop_watch(c->all->loop, side->tls.fd, events, side == &c->browser ? on_browser : on_bank, c);
		if (!side->watch)
			end(c);
	}
}

/* HELLO */

static void on_host(enum refusal refusal, struct bank_host *host, void *context);

static bool host_full(const struct connection *c)
{
	size_t count = 0;
	if (c->all->count <= LIMIT_CONNECTIONS_HOST)
		return false;
	for (const struct connection *other = c->all->first; other; other = other->next)
		count += other->state != CONNECTION_ENDED && strcmp(other->hello.host, c->hello.host) == 0;
	return count > LIMIT_CONNECTIONS_HOST;
}

static void ask(struct connection *c)
{
	if (host_full(c)) {
		refuse(c, BROKER_BANK_TROUBLE, REFUSAL_UNREACHABLE, "too many connections to the host at once");
		return;
	}
	enter(c, CONNECTION_ASKING);
	if (!unasked(c))
		watch(c, &c->browser, EPOLLRDHUP);
	policy_ask_host(c->all->policy, c->hello.host, c->port, on_host, c);
}

static void refuse_hello(struct connection *c, enum hello_result result)
{
	enum refusal refusal = result == HELLO_ADDRESS ? REFUSAL_IP_LITERAL : REFUSAL_BAD_HELLO;
	refuse(c, BROKER_BAD_CLIENT, refusal, hello_text(result));
}

static bool offers(const struct hello *hello, const char *protocol)
{
	for (size_t i = 0; i < hello->protocol_count; i++)
		if (strcmp(hello->protocols[i], protocol) == 0)
			return true;
	return false;
}

/* One to the same host that offered the bank nothing this browser does not speak; the readiest. */
static struct connection *find_ahead(const struct connection *c)
{
	struct connection *best = NULL;
	for (struct connection *a = c->all->first; a && c->all->ahead > 0; a = a->next) {
		bool fits = unasked(a) && a->state != CONNECTION_ENDED && a->port == c->port &&
			    strcmp(a->hello.host, c->hello.host) == 0;
		for (size_t i = 0; fits && i < a->hello.protocol_count; i++)
			fits = offers(&c->hello, a->hello.protocols[i]);
		if (fits && (!best || a->state > best->state))
			best = a;
	}
	return best;
}

/* The browser's end, with what it said so far, becomes the other's. */
static void hand_over(struct connection *c, struct connection *ahead)
{
	unwatch(&c->browser);
	ahead->browser.tls.fd = c->browser.tls.fd;
	c->browser.tls.fd = -1;
	ahead->first = c->first;
	c->first = (struct buf){0};
	c->all->ahead--;
	end(c);
	if (ahead->state == CONNECTION_AHEAD)
		start_browser(ahead);
	else
		watch(ahead, &ahead->browser, EPOLLRDHUP);
}

static void run_hello(struct connection *c)
{
	uint8_t data[4096];
	ssize_t got = recv(c->browser.tls.fd, data, sizeof data, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		/* browsers open connections ahead and drop them unused: no event */
		if (c->first.size > 0)
			refuse_hello(c, HELLO_MORE);
		end(c);
		return;
	}
	if (buf_append(&c->first, data, (size_t)got, HELLO_MAX_BYTES + sizeof data) < 0) {
		refuse_hello(c, HELLO_TOO_LARGE);
		return;
	}
	enum hello_result result = hello_parse(c->first.data, c->first.size, &c->hello);
	struct connection *ahead = result == HELLO_OK ? find_ahead(c) : NULL;
	if (ahead)
		hand_over(c, ahead);
	else if (result == HELLO_OK)
		ask(c);
	else if (result != HELLO_MORE)
		refuse_hello(c, result);
}

/* ASKING → RESOLVING */

static void on_addresses(const struct sockaddr_storage *addresses, size_t count, const char *detail, void *context);

static void on_host(enum refusal refusal, struct bank_host *host, void *context)
{
	struct connection *c = context;
	if (refusal != REFUSAL_NONE) {
		refuse(c, BROKER_REFUSED, refusal, refusal_text(refusal));
		return;
	}
	c->host = bank_host_keep(host);
	enter(c, CONNECTION_RESOLVING);
	struct lookup *lookup = resolver_look_up(c->all->resolver, c->hello.host, on_addresses, c);
	if (c->state == CONNECTION_RESOLVING)
		c->lookup = lookup;
}

/* RESOLVING → CONNECTING */

static void on_addresses(const struct sockaddr_storage *addresses, size_t count, const char *detail, void *context)
{
	struct connection *c = context;
	c->lookup = NULL;
	if (count == 0) {
		refuse(c, BROKER_BANK_TROUBLE, REFUSAL_NO_ADDRESS, detail);
		return;
	}
	c->addresses = malloc(count * sizeof *addresses);
	if (!c->addresses) {
		refuse(c, BROKER_BANK_TROUBLE, REFUSAL_NO_ADDRESS, "out of memory");
		return;
	}
	memcpy(c->addresses, addresses, count * sizeof *addresses);
	c->address_count = count;
	connect_next(c);
}

static int open_socket(const struct connection *c, struct sockaddr_storage *address)
{
	socklen_t size = sizeof(struct sockaddr_in);
	if (address->ss_family == AF_INET6) {
		((struct sockaddr_in6 *)address)->sin6_port = htons(c->port);
		size = sizeof(struct sockaddr_in6);
	} else {
		((struct sockaddr_in *)address)->sin_port = htons(c->port);
	}
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)address, size) == 0 || errno == EINPROGRESS)
		return fd;
	int error = -errno;
	close(fd);
	return error;
}

static void connect_next(struct connection *c)
{
	close_side(&c->bank);
	while (c->address_next < c->address_count) {
		int fd = open_socket(c, &c->addresses[c->address_next++]);
		if (fd < 0) {
			c->connect_error = -fd;
			continue;
		}
		c->bank.tls.fd = fd;
		enter(c, CONNECTION_CONNECTING);
		if (c->address_next < c->address_count)
			loop_timer_set(c->timer, LIMIT_ADDRESS_MS);
		watch(c, &c->bank, EPOLLOUT);
		return;
	}
	char detail[DETAIL_MAX];
	snprintf(detail, sizeof detail, "connecting to the host: %s", strerror(c->connect_error));
	refuse(c, BROKER_BANK_TROUBLE, REFUSAL_UNREACHABLE, detail);
}

/* CONNECTING → BANK */

static void start_bank(struct connection *c)
{
	int error = tls_open_bank(&c->bank.tls, c->bank.tls.fd, c->host, &c->hello);
	if (error) {
		refuse(c, BROKER_BANK_TROUBLE, REFUSAL_TLS, "TLS could not be set up");
		return;
	}
	enter(c, CONNECTION_BANK);
	run_bank(c);
}

static void run_connecting(struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof error;
	struct sockaddr_storage peer;
	socklen_t peer_size = sizeof peer;
	if (getsockopt(c->bank.tls.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error) {
		c->connect_error = error;
		connect_next(c);
	} else if (c->bank.tls.fd >= 0 && getpeername(c->bank.tls.fd, (struct sockaddr *)&peer, &peer_size) == 0) {
		start_bank(c);
	}
}

/* BANK → BROWSER */

static enum broker_event kind_of(enum refusal refusal)
{
	if (refusal == REFUSAL_PIN || refusal == REFUSAL_REVOKED)
		return BROKER_PIN_FAILURE;
	return refusal_chain(refusal) ? BROKER_CERTIFICATE : BROKER_BANK_TROUBLE;
}

/* To the same address, with a TLS of its own. */
static void connect_again(struct connection *c)
{
	close_side(&c->bank);
	tls_free(&c->bank.tls);
	tls_init(&c->bank.tls);
	c->address_next--;
	connect_next(c);
}

static void start_browser(struct connection *c)
{
	c->browser.tls.early = c->first;
	c->first = (struct buf){0};
	int error = tls_open_browser(&c->browser.tls, c->browser.tls.fd, c->host,
				     mbedtls_ssl_get_alpn_protocol(&c->bank.tls.ssl));
	if (error) {
		refuse(c, BROKER_BAD_CLIENT, REFUSAL_TLS, "TLS to the browser could not be set up");
		return;
	}
	watch(c, &c->bank, 0);
	enter(c, CONNECTION_BROWSER);
	run_browser(c);
}

/* What the bank says meanwhile stays in the kernel; only its going away is waited for. */
static void wait_for_browser(struct connection *c)
{
	enter(c, CONNECTION_AHEAD);
	watch(c, &c->bank, EPOLLRDHUP);
}

static void run_bank(struct connection *c)
{
	char detail[DETAIL_MAX];
	c->bank.tls.wants = 0;
	const enum tls_result result = tls_handshake(&c->bank.tls);
	if (result != TLS_WAIT && c->bank.tls.asked_in_vain)
		report(c, BROKER_ASKED_IN_VAIN, REFUSAL_NONE, "it asks for a certificate and is not named for one");
	switch (result) {
	case TLS_DONE:
		if (unasked(c))
			wait_for_browser(c);
		else
			start_browser(c);
		break;
	case TLS_WAIT:
		watch(c, &c->bank, c->bank.tls.wants);
		break;
	case TLS_CLOSED:
	case TLS_CUT:
		refuse(c, BROKER_BANK_TROUBLE, REFUSAL_TLS, "the host ended the connection in its TLS handshake");
		break;
	case TLS_FAILED:
		if (tls_try_without_pss(&c->bank.tls)) {
			connect_again(c);
			break;
		}
		enum refusal refusal = tls_bank_refusal(&c->bank.tls, detail, sizeof detail);
		refuse(c, kind_of(refusal), refusal, detail);
		break;
	}
}

/* BROWSER → RELAY */

static void start_relay(struct connection *c)
{
	free(c->addresses);
	c->addresses = NULL;
	enter(c, CONNECTION_RELAY);
	run_relay(c);
}

static void run_browser(struct connection *c)
{
	c->browser.tls.wants = 0;
	switch (tls_handshake(&c->browser.tls)) {
	case TLS_DONE:
		start_relay(c);
		break;
	case TLS_WAIT:
		watch(c, &c->browser, c->browser.tls.wants);
		break;
	case TLS_CLOSED:
	case TLS_CUT: /* it changed its mind, which browsers do */
		end(c);
		break;
	case TLS_FAILED: {
		char detail[DETAIL_MAX];
		(void)tls_bank_refusal(&c->browser.tls, detail, sizeof detail);
		refuse(c, BROKER_BAD_CLIENT, REFUSAL_TLS, detail);
		break;
	}
	}
}

/* RELAY */

/* Cut short by one end: the other must not take it for the whole. */
static void cut(struct connection *c)
{
	abort_side(&c->browser);
	abort_side(&c->bank);
	end(c);
}

/* What the kernel still holds for the browser, not acknowledged; 0 also when the browser is gone. */
static uint32_t untaken(const struct connection *c)
{
	uint32_t held[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof held;
	(void)getsockopt(c->browser.tls.fd, SOL_SOCKET, SO_MEMINFO, held, &size);
	return held[SK_MEMINFO_WMEM_QUEUED];
}

/* A reset overtakes what waits to be sent. */
static void look_at_last_bytes(struct connection *c)
{
	uint32_t left = untaken(c);
	int64_t now = now_ms();
	if (left != c->left)
		c->left_since_ms = now;
	c->left = left;
	if (left == 0 || now - c->left_since_ms >= LIMIT_LAST_BYTES_MS)
		cut(c);
	else
		loop_timer_set(c->timer, LAST_BYTES_LOOK_MS);
}

/* Many servers end so after a whole answer, which a slow browser has not read yet: it gets what came, and then sees
 * that the end was not a good one. */
static void cut_behind_last_bytes(struct connection *c)
{
	abort_side(&c->bank);
	close_side(&c->bank);
	unwatch(&c->browser);
	enter(c, CONNECTION_LAST_BYTES);
	c->left_since_ms = now_ms();
	look_at_last_bytes(c);
}

static void rest(struct connection *c, uint64_t moved)
{
	if (c->relay.up.done && c->relay.down.done)
		end(c);
	else if (c->relay.up.done || c->relay.down.done)
		loop_timer_set(c->timer, LIMIT_HALF_CLOSED_MS);
	else if (moved > 0)
		loop_timer_set(c->timer, relay_unanswered(&c->relay) ? LIMIT_ANSWER_MS : LIMIT_IDLE_MS);
	if (c->state == CONNECTION_ENDED)
		return;
	watch(c, &c->browser, c->browser.tls.wants);
	watch(c, &c->bank, c->bank.tls.wants);
	/* nobody will wake it: both ends have hung up and there is nothing left to wait for */
	if (c->browser.tls.hung_up && c->bank.tls.hung_up)
		end(c);
}

static void run_relay(struct connection *c)
{
	struct relay_moved moved = {0};
	enum tls_result result = relay_run(&c->relay, &c->browser.tls, &c->bank.tls, c->all->record, &moved);
	c->all->counts.bytes_up += moved.up;
	c->all->counts.bytes_down += moved.down;
	if (result != TLS_CUT)
		rest(c, moved.up + moved.down);
	else if (c->relay.down.cut && !c->browser.tls.hung_up)
		cut_behind_last_bytes(c);
	else
		cut(c);
	c->again = result == TLS_DONE && c->state == CONNECTION_RELAY;
	if (c->again)
		loop_timer_set(c->all->turns, 0);
}

/* No socket need tell of what is left: it may have been read ahead of its record, or be fewer bytes than the rest of
 * the last record, of which alone it was to tell. */
static void go_on(void *context)
{
	const struct connections *all = context;
	for (struct connection *c = all->first; c; c = c->next)
		if (c->again && c->state == CONNECTION_RELAY)
			run_relay(c);
}

/* the set */

static void free_connection(struct connection *c)
{
	loop_timer_free(c->timer);
	tls_free(&c->browser.tls);
	tls_free(&c->bank.tls);
	buf_free(&c->first);
	bank_host_drop(c->host);
	relay_free(&c->relay);
	free(c->addresses);
	free(c);
}

static void reap(void *context)
{
	struct connections *all = context;
	size_t before = all->count;
	for (struct connection **at = &all->first; *at;) {
		struct connection *c = *at;
		if (c->state != CONNECTION_ENDED) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		all->count--;
		free_connection(c);
	}
	if (all->count < before)
		all->room(all->context);
}

/* another policy stands */

static void close_now(struct connection *c)
{
	abort_side(&c->browser);
	abort_side(&c->bank);
	end(c);
}

static void on_host_again(enum refusal refusal, struct bank_host *host, void *context)
{
	struct connection *c = context;
	if (refusal != REFUSAL_NONE) {
		c->all->counts.refused++;
		c->all->report(BROKER_REFUSED, c->hello.host, refusal,
			       "a newer policy took it away: the connection is closed", NULL, c->all->context);
		close_now(c);
	} else if (!bank_host_still_grants(c->host, host)) {
		log_info("%s: a newer policy took a pin or an anchor away: the connection is made anew", c->hello.host);
		close_now(c);
	}
}

/* What was granted is asked for again; what is still being asked for is answered by the new one. */
static void on_policy_changed(void *context)
{
	struct connections *all = context;
	for (struct connection *c = all->first; c; c = c->next)
		if (c->host && c->state != CONNECTION_ENDED)
			policy_ask_host(all->policy, c->hello.host, c->port, on_host_again, c);
}

struct connections *connections_new(struct loop *loop, struct policy *policy, struct resolver *resolver,
				    connection_report_fn *report_fn, connection_room_fn *room, void *context)
{
	struct connections *all = calloc(1, sizeof *all);
	if (!all)
		return NULL;
	*all = (struct connections){.loop = loop,
				    .policy = policy,
				    .resolver = resolver,
				    .report = report_fn,
				    .room = room,
				    .context = context};
	all->reaper = loop_timer(loop, reap, all);
	all->turns = loop_timer(loop, go_on, all);
	if (!all->reaper || !all->turns) {
		loop_timer_free(all->reaper);
		free(all);
		return NULL;
	}
	policy_on_change(policy, on_policy_changed, all);
	return all;
}

static struct connection *new_connection(struct connections *all, uint16_t port)
{
	struct connection *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	*c = (struct connection){.all = all, .next = all->first, .port = port};
	tls_init(&c->browser.tls);
	tls_init(&c->bank.tls);
	c->timer = loop_timer(all->loop, on_timer, c);
	if (!c->timer) {
		free(c);
		return NULL;
	}
	all->first = c;
	all->count++;
	return c;
}

int connection_start(struct connections *all, int fd, uint16_t port)
{
	const int on = 1;
	struct connection *c = all->count < LIMIT_CONNECTIONS ? new_connection(all, port) : NULL;
	if (!c) {
		close(fd);
		return all->count < LIMIT_CONNECTIONS ? -ENOMEM : -EMFILE;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->browser.tls.fd = fd;
	all->counts.connections++;
	enter(c, CONNECTION_HELLO);
	watch(c, &c->browser, EPOLLIN);
	return all->count == LIMIT_CONNECTIONS ? CONNECTION_LAST_PLACE : 0;
}

static size_t count_ahead(const struct connections *all, const char *host)
{
	size_t count = 0;
	for (const struct connection *c = all->first; c && all->ahead > 0; c = c->next)
		count += unasked(c) && c->state != CONNECTION_ENDED && strcmp(c->hello.host, host) == 0;
	return count;
}

/* Offered to the bank is what WebKit offers and banks choose from. */
int connection_start_ahead(struct connections *all, const char *host, uint16_t port)
{
	static const char protocols[][HELLO_PROTOCOL_MAX + 1] = {"h2", "http/1.1"};
	/* the last place is the browser's: who accepts must see it taken */
	if (all->ahead >= LIMIT_AHEAD || all->count + 1 >= LIMIT_CONNECTIONS ||
	    count_ahead(all, host) >= LIMIT_AHEAD_HOST)
		return -EMFILE;
	struct connection *c = new_connection(all, port);
	if (!c)
		return -ENOMEM;
	all->ahead++;
	snprintf(c->hello.host, sizeof c->hello.host, "%s", host);
	memcpy(c->hello.protocols, protocols, sizeof protocols);
	c->hello.protocol_count = sizeof protocols / sizeof protocols[0];
	c->state = CONNECTION_ASKING; /* which nobody without a browser is ever out of */
	ask(c);
	return 0;
}

void connections_end_all(struct connections *all)
{
	for (struct connection *c = all->first; c; c = c->next) {
		abort_side(&c->browser);
		abort_side(&c->bank);
		end(c);
	}
	wipe(all->record, sizeof all->record);
}

const struct connection_counts *connections_counts(const struct connections *all) { return &all->counts; }

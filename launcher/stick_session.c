#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"
#include "whitelist/names.h"

enum {
	OPENING_MS = 15000,
	FREEZING_MS = 1000,
	FIXED_FDS = 3, /* policy channel, resolver UDP, resolver TCP */
	AHEAD_MAX = 4, /* hosts to connect to before the browser does */
};

static const char *inner_address(const struct stick *s)
{
	for (size_t i = 0; i < s->gateways->count; i++)
		if (strcmp(s->gateways->list[i].id, s->tunnel.gateway) == 0)
			return s->gateways->list[i].inner;
	return "";
}

static int send_start(struct stick *s, const struct whitelist_bank *bank, const int *fds)
{
	uint8_t payload[STICK_CA_MAX_BYTES + 512];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, bank->id);
	write_str(&w, inner_address(s));
	write_blob(&w, s->ca_der, s->ca_der_size);
	write_u8(&w, (uint8_t)bank->port_count);
	for (size_t i = 0; i < bank->port_count; i++)
		write_u16(&w, bank->ports[i]);
	if (w.failed)
		return -EMSGSIZE;
	return crew_send_fds(&s->crew, PROCESS_BROKER, MSG_BROKER_START, s->session.id, payload, w.size, fds,
			     FIXED_FDS + bank->port_count);
}

static int send_policy(struct stick *s, int channel)
{
	uint8_t payload[WHITELIST_ID_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, s->session.bank);
	return crew_send_fds(&s->crew, PROCESS_POLICY, MSG_POLICY_SESSION, s->session.id, payload, w.size, &channel, 1);
}

/* Each question has a number of its own: the answer to one that was given up must not be taken for another's. */
static int ask_gateway(struct stick *s, bool open)
{
	uint8_t payload[WHITELIST_ID_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, open);
	write_str(&w, s->session.bank);
	s->session.question = ++s->question_count;
	return crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_SESSION, s->session.question, payload, w.size);
}

/* Broker and policy get a channel of their own for this session; the listeners die with the broker. */
static int start_broker(struct stick *s, const struct whitelist_bank *bank)
{
	int channel[2] = {-1, -1}, fds[FIXED_FDS + WHITELIST_PORTS_MAX];
	_Static_assert(FIXED_FDS + WHITELIST_PORTS_MAX <= MSG_FDS_MAX, "a session's descriptors fit one message");
	int error = spawner_sockets(s->crew.spawner, bank->ports, bank->port_count, fds + 1);
	if (error == -EPROTO)
		fatal("no sockets for a bank: the spawner does not answer as it should");
	if (error)
		return error;
	error = msg_pair(channel);
	if (!error)
		error = crew_start(&s->crew, PROCESS_BROKER, NULL, 0);
	fds[0] = channel[0];
	if (!error)
		error = send_start(s, bank, fds);
	if (!error)
		error = send_policy(s, channel[1]);
	if (!error)
		error = stick_open_client(s, bank);
	for (size_t i = 1; i < FIXED_FDS + bank->port_count; i++)
		close(fds[i]);
	if (channel[0] >= 0) {
		close(channel[0]);
		close(channel[1]);
	}
	return error;
}

void session_fail(struct stick *s, const char *code)
{
	snprintf(s->session.failure, sizeof s->session.failure, "%s", code);
	stick_raise(s, EVENT_SESSION_FAILED);
}

void session_open(struct stick *s)
{
	session_end(s); /* one that was still being opened */
	const struct whitelist_bank *bank = whitelist_bank(s->policy, s->chosen);
	s->session.id = ++s->session_count;
	snprintf(s->session.bank, sizeof s->session.bank, "%s", s->chosen);
	snprintf(s->session.gateway, sizeof s->session.gateway, "%s", s->tunnel.gateway);
	if (!bank) {
		session_fail(s, "unknown_bank");
		return;
	}
	log_info("session %u with %s", s->session.id, s->session.bank);
	int error = ask_gateway(s, true);
	if (!error)
		error = start_broker(s, bank);
	if (error) {
		log_error("session %u cannot be started: %s", s->session.id, strerror(-error));
		session_fail(s, "internal");
		return;
	}
	loop_timer_set(s->opening, OPENING_MS);
}

/* The start page's host, then those that pages fetch from. Patterns name no host. */
static size_t write_ahead(struct writer *w, const struct whitelist_bank *bank)
{
	char host[WHITELIST_HOST_BYTES];
	uint16_t port;
	size_t count = 0;
	if (!url_split(bank->start, host, &port))
		return 0;
	write_str(w, host);
	write_u16(w, port);
	count++;
	for (size_t i = 0; i < bank->host_count && count < AHEAD_MAX; i++) {
		const struct whitelist_host *asset = &bank->hosts[i];
		if (asset->role != ROLE_ASSET || asset->name[0] == '*' || strcmp(asset->name, host) == 0)
			continue;
		write_str(w, asset->name);
		write_u16(w, asset->ports[0]);
		count++;
	}
	return count;
}

/* It saves the customer time and no more: a page that opens without it is as good. */
static void connect_ahead(struct stick *s)
{
	uint8_t payload[AHEAD_MAX * (WHITELIST_HOST_BYTES + 8) + 1];
	struct writer w = writer_over(payload, sizeof payload);
	const struct whitelist_bank *bank = whitelist_bank(s->policy, s->session.bank);
	if (!bank)
		return;
	write_u8(&w, 0);
	payload[0] = (uint8_t)write_ahead(&w, bank);
	if (!w.failed)
		(void)crew_send(&s->crew, PROCESS_BROKER, MSG_BROKER_AHEAD, s->session.id, payload, w.size);
}

/*
 * The session goes on, often at another gateway, which has let us in by a statement of its own and has opened the bank.
 * No connection lives through that: to the bank we come from another of the addresses that are reserved to it, so that
 * each was closed when the page was frozen, and the page makes new ones. What the bank keeps by its cookie goes on;
 * a bank that ties a log-in to an address asks for it again, which is its right and no error. The gateways that serve
 * one bank have addresses of that bank each, all of which it is told (gateway.conf(5), egress).
 */
static void move_broker(struct stick *s)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	if (strcmp(s->session.gateway, s->tunnel.gateway) != 0)
		log_info("session %u goes on at gateway %s", s->session.id, s->tunnel.gateway);
	snprintf(s->session.gateway, sizeof s->session.gateway, "%s", s->tunnel.gateway);
	write_str(&w, inner_address(s));
	if (w.failed || crew_send(&s->crew, PROCESS_BROKER, MSG_BROKER_RESOLVER, s->session.id, w.data, w.size) < 0)
		log_error("the session's broker cannot be told its resolver"); /* it resolves nothing */
}

void session_progress(struct stick *s)
{
	if (!s->session.broker_ready || !s->session.gateway_ready)
		return;
	loop_timer_set(s->opening, -1);
	if (!s->session.thawing) {
		connect_ahead(s);
		stick_raise(s, EVENT_SESSION_OPENED);
		return;
	}
	s->session.thawing = false;
	move_broker(s);
	session_freeze(s, false);
	tell_freeze(s, false);
}

/* The gateway closes the banks of a stick that it misses, so that this one's is asked for again before the page goes
 * on. */
void session_thaw(struct stick *s)
{
	s->session.gateway_ready = false;
	s->session.thawing = true;
	if (ask_gateway(s, true))
		session_fail(s, "internal");
	else
		loop_timer_set(s->opening, OPENING_MS);
}

void session_freeze(struct stick *s, bool frozen)
{
	uint8_t payload[1];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, frozen);
	if (frozen && s->session.thawing) {
		s->session.thawing = false;
		s->session.question = 0;
		loop_timer_set(s->opening, -1);
	}
	int error = crew_send(&s->crew, PROCESS_BROKER, MSG_BROKER_FREEZE, s->session.id, payload, w.size);
	if (error) {
		session_fail(s, "internal");
		return;
	}
	/* One that does not say in a second that nothing moves any more is made to stop. */
	loop_timer_set(s->freezing, frozen ? FREEZING_MS : -1);
}

void session_frozen(struct stick *s) { loop_timer_set(s->freezing, -1); }

void session_end(struct stick *s)
{
	if (s->session.id == 0)
		return;
	log_info("session %u ends", s->session.id);
	crew_stop(&s->crew, PROCESS_BROKER);
	stick_close_client(s);
	crew_stop(&s->crew, PROCESS_TOKEN);
	crew_send(&s->crew, PROCESS_POLICY, MSG_POLICY_END, s->session.id, NULL, 0);
	(void)ask_gateway(s, false);
	loop_timer_set(s->opening, -1);
	loop_timer_set(s->freezing, -1);
	s->session = (struct stick_session){0};
}

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/briefs.h"
#include "launcher/ground.h"
#include "launcher/pem.h"
#include "launcher/stick.h"
#include "launcher/stick_wifi.h"

/* Every handler reads its whole payload before it acts; what does not read to its end is a broken peer. */

static int hear_nothing(struct stick *s, struct msg *m)
{
	(void)s;
	return m->size == 0 ? 0 : -EBADMSG;
}

static int hear_policy_ready(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	stick_brief_policy(s);
	return 0;
}

/* --- link --- */

/* Without a cable, but with a radio, the customer is told about Wi-Fi. */
static const char *link_code(const struct stick *s)
{
	static const char *const codes[] = {[LINK_NO_DEVICE] = "no_device",
					    [LINK_NO_CARRIER] = "no_carrier",
					    [LINK_WAITING_ADDRESS] = "no_address",
					    [LINK_UP] = ""};
	if (s->link_state == LINK_NO_CARRIER && s->wifi.state != WIFI_ABSENT)
		return wifi_code(s);
	if (s->link_state == LINK_WAITING_ADDRESS && s->wifi.state == WIFI_JOINED)
		return "wifi_no_address";
	return codes[s->link_state];
}

/* Waiting for an address is the ordinary course, and trouble only with a word about it; so is being let in. */
void stick_tell_link(struct stick *s)
{
	if (s->machine.state != STATE_LINK || s->link_up)
		return;
	bool on_its_way = s->link_state == LINK_WAITING_ADDRESS ? !s->link_detail[0] : s->wifi.state == WIFI_JOINING;
	tell_step(s, STATE_LINK, on_its_way ? STEP_WAITING : STEP_TROUBLE, link_code(s), s->link_detail);
}

static int hear_link(struct stick *s, struct msg *m)
{
	char detail[STICK_DETAIL_BYTES], name[sizeof s->link_name];
	struct reader r = reader_over(m->payload, m->size);
	unsigned state = read_u8(&r);
	read_str(&r, name, sizeof name);
	read_str(&r, detail, sizeof detail);
	if (!reader_done(&r) || state > LINK_UP)
		return -EBADMSG;
	bool was_up = s->link_up;
	s->link_up = state == LINK_UP;
	s->link_state = (enum link_state)state;
	snprintf(s->link_detail, sizeof s->link_detail, "%s", detail);
	snprintf(s->link_name, sizeof s->link_name, "%s", s->link_up ? name : "");
	log_info("link %s: %s %s", name, s->link_up ? "up" : link_code(s), detail);
	if (s->link_up) {
		stick_raise(s, EVENT_LINK_UP);
		return 0;
	}
	stick_trouble(s, s->machine.state == STATE_SESSION ? "link_lost" : link_code(s));
	if (was_up)
		stick_raise(s, EVENT_LINK_LOST);
	stick_tell_link(s);
	return 0;
}

/* --- tunnel --- */

static void tunnel_down(struct stick *s)
{
	s->tunnel.up = false;
	drain_forget(s);
	if (strcmp(s->trouble, "gateway_left") != 0)
		stick_trouble(s, "tunnel_lost");
	tell_tunnel(s);
	stick_raise(s, EVENT_TUNNEL_LOST);
	stick_turn_to_gateways(s);
}

static int hear_tunnel(struct stick *s, struct msg *m)
{
	struct stick_tunnel t = {0};
	char reason[STICK_DETAIL_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	unsigned state = read_u8(&r);
	read_str(&r, t.gateway, sizeof t.gateway);
	read_str(&r, t.endpoint, sizeof t.endpoint);
	t.handshake_ms = read_u32(&r);
	t.rtt_ms = read_u32(&r);
	t.loss_permille = read_u32(&r);
	read_str(&r, reason, sizeof reason);
	if (!reader_done(&r) || state > TUNNEL_UP)
		return -EBADMSG;
	bool was_up = s->tunnel.up, other = strcmp(s->tunnel.endpoint, t.endpoint) != 0;
	bool first = s->tunnel.endpoint[0] == '\0';
	t.up = state == TUNNEL_UP;
	s->tunnel = t;
	if (t.up && was_up && !other)
		return 0; /* fresh figures */
	log_info("tunnel to %s at %s: %s%s%s", t.gateway, t.endpoint,
		 t.up                   ? "up"
		 : state == TUNNEL_DOWN ? "lost"
					: "trying",
		 reason[0] ? "; " : "", reason);
	if (t.up) {
		log_info("handshake %u ms", t.handshake_ms);
		s->clock_back_s = 0; /* the gateway took a handshake of this time */
		tell_tunnel(s);
		stick_raise(s, EVENT_TUNNEL_UP);
		return 0;
	}
	if (was_up)
		tunnel_down(s);
	if (s->machine.state == STATE_TUNNEL && state == TUNNEL_CONNECTING)
		tell_step(s, STATE_TUNNEL, reason[0] ? STEP_TROUBLE : STEP_WAITING,
			  reason[0]         ? (wifi_carries(s) ? "wifi_no_answer" : "no_answer")
			  : first || !other ? ""
					    : "trying_next",
			  t.endpoint);
	return 0;
}

/* --- policy --- */

static int take_authority(struct stick *s, const uint8_t *pem, size_t size)
{
	int error = pem_decode((const char *)pem, size, s->ca_der, sizeof s->ca_der, &s->ca_der_size);
	return error ? error : ground_authority(pem, size);
}

static int take_policy(struct stick *s, const uint8_t *payload, size_t size)
{
	struct whitelist_fault fault;
	struct whitelist *policy = NULL;
	int error = whitelist_parse(payload, size, &policy, &fault);
	if (error)
		return error;
	whitelist_free(s->policy);
	s->policy = policy;
	return 0;
}

static int take_gateways(struct stick *s, const uint8_t *payload, size_t size)
{
	struct whitelist_fault fault;
	struct gateways *gateways = NULL;
	int error = gateways_parse(payload, size, &gateways, &fault);
	if (error)
		return error;
	const struct gateways *ours = s->gateways_next ? s->gateways_next : s->gateways;
	struct gateways **place = s->gateways ? &s->gateways_next : &s->gateways;
	if (ours && gateways->version == ours->version) {
		gateways_free(gateways); /* it came along with a policy */
		return 0;
	}
	gateways_free(*place);
	*place = gateways;
	return 0;
}

/* A newer policy than the one this stick started with, or a list of gateways: its ports, its version, its banks. */
static void policy_changed(struct stick *s, bool newer)
{
	uint8_t payload[2 * BRIEF_PORTS_MAX + 8];
	struct writer w = writer_over(payload, sizeof payload);
	if (brief_ports(&w, s->policy) == 0)
		crew_send(&s->crew, PROCESS_TUNNEL, MSG_TUNNEL_PORTS, 0, payload, w.size);
	tell_agent_config(s);
	fetch_taken(s, newer ? FETCH_POLICY : FETCH_GATEWAYS);
}

/*
 * It came beside a session, or while one was frozen and had its PIN behind it. The broker has been told by the policy
 * process, and closes what is not allowed any more. A bank that is gone takes its session along; a PIN that is asked
 * for from now on is asked for before the next page.
 */
static void policy_refreshed(struct stick *s, bool pin_before)
{
	bool pin_now = s->policy->pin && !pin_before;
	tell_banks(s);
	if (s->session.id && !whitelist_bank(s->policy, s->session.bank))
		session_fail(s, "unknown_bank");
	else if (s->session.id && pin_now)
		session_fail(s, "not_ready");
	if (pin_now)
		stick_raise(s, EVENT_NEWER_POLICY);
}

static int hear_policy(struct stick *s, struct msg *m)
{
	size_t ca_size = 0, policy_size = 0, gateways_size = 0;
	char note[STICK_DETAIL_BYTES * 2];
	struct reader r = reader_over(m->payload, m->size);
	uint64_t version = read_u64(&r);
	(void)read_u64(&r); /* expires and pin: in the payload */
	(void)read_u8(&r);
	const uint8_t *ca = read_blob(&r, &ca_size);
	const uint8_t *policy = read_blob(&r, &policy_size);
	const uint8_t *gateways = read_blob(&r, &gateways_size);
	read_str(&r, note, sizeof note);
	if (!reader_done(&r))
		return -EBADMSG;
	bool pin_before = s->policy && s->policy->pin;
	uint64_t version_before = s->policy ? s->policy->version : 0;
	int error = take_authority(s, ca, ca_size);
	if (!error)
		error = take_policy(s, policy, policy_size);
	if (!error)
		error = take_gateways(s, gateways, gateways_size);
	if (error)
		return error;
	log_info("policy %llu stands%s%s", (unsigned long long)version, note[0] ? "; " : "", note);
	fetch_forget(s);
	if (s->machine.state == STATE_START) {
		stick_raise(s, EVENT_PROVISIONED);
		return 0;
	}
	policy_changed(s, s->policy->version > version_before);
	if (s->machine.state == STATE_UPDATE)
		stick_raise(s, EVENT_UPDATED);
	else if (s->machine.state >= STATE_ADMITTED && s->machine.state <= STATE_SESSION)
		policy_refreshed(s, pin_before);
	return 0;
}

static int hear_policy_refused(struct stick *s, struct msg *m)
{
	char code[STICK_CODE_BYTES], sentence[STICK_DETAIL_BYTES * 2];
	struct reader r = reader_over(m->payload, m->size);
	bool offered = read_u8(&r) != 0;
	read_str(&r, code, sizeof code);
	read_str(&r, sentence, sizeof sentence);
	if (!reader_done(&r))
		return -EBADMSG;
	log_error("policy: %s (%s)", sentence, code);
	if (!offered) {
		tell_step(s, STATE_START, STEP_FAILED, "policy_none", sentence);
		stick_raise(s, EVENT_UNUSABLE);
		return 0;
	}
	fetch_refused(s);
	return 0;
}

/* --- broker --- */

static int hear_broker_ready(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	/* Its start lies in its channel already, and its listeners take connections before it accepts them. */
	if (s->session.id == 0)
		return 0;
	s->session.broker_ready = true;
	session_progress(s);
	return 0;
}

/* At most a path's keys, each of a hash's size. -EBADMSG where they are not. */
static int read_attack(struct reader *r, struct stick_attack *attack)
{
	attack->key_count = read_u8(r);
	if (attack->key_count > STICK_KEYS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < attack->key_count; i++) {
		size_t size;
		const uint8_t *key = read_blob(r, &size);
		if (!key || size != WHITELIST_PIN_BYTES)
			return -EBADMSG;
		memcpy(attack->keys[i], key, WHITELIST_PIN_BYTES);
	}
	return reader_done(r) ? 0 : -EBADMSG;
}

static void note_attack(struct stick *s, struct stick_attack *attack, const char *host, enum refusal reason)
{
	bool news = s->attack.count == 0 || strcmp(s->attack.host, host) != 0;
	attack->count = s->attack.count + 1;
	attack->reason = reason;
	memcpy(attack->host, host, strlen(host) + 1);
	s->attack = *attack;
	log_warn("%s: possibly an attack: %s", host, refusal_text(reason));
	if (!news)
		return; /* the next beacon says it */
	tell_agent_health(s);
	crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_BEACON_NOW, 0, NULL, 0);
}

static int hear_broker_event(struct stick *s, struct msg *m)
{
	char host[WHITELIST_HOST_BYTES], detail[STICK_DETAIL_BYTES * 2];
	struct reader r = reader_over(m->payload, m->size);
	unsigned kind = read_u8(&r);
	read_str(&r, host, sizeof host);
	unsigned reason = read_u8(&r);
	read_str(&r, detail, sizeof detail);
	struct stick_attack attack;
	if (read_attack(&r, &attack) || reason >= REFUSAL_COUNT || kind >= BROKER_EVENT_COUNT)
		return -EBADMSG;
	if (kind == BROKER_ASKED_IN_VAIN) {
		log_warn("%s asks for the customer's certificate, and the policy does not name it", host);
		stick_notice(s, "certificate_unnamed");
		return 0;
	}
	s->refused[reason]++;
	if (attack.key_count > 0)
		note_attack(s, &attack, host, (enum refusal)reason);
	tell_refused(s, host, (enum refusal)reason);
	stick_ask_host(s, host, (enum refusal)reason);
	return 0;
}

static int hear_broker_frozen(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	session_frozen(s);
	return 0;
}

static int hear_broker_counts(struct stick *s, struct msg *m)
{
	(void)s;
	return m->size == 4 * sizeof(uint64_t) ? 0 : -EBADMSG;
}

/* --- agent --- */

static int hear_agent_ready(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	stick_goodbye_said(s);
	drain_goodbye_said(s);
	return 0;
}

/* Nothing is wrong with the stick or its owner's standing: the next statement may be taken. */
bool admission_is_passing(enum admission_reason reason)
{
	return reason == REASON_NO_STATEMENT || reason == REASON_NONCE || reason == REASON_TRY_AGAIN ||
	       reason == REASON_PIN_WANTED || reason == REASON_PIN_WRONG;
}

/* What the kiosk says of it (kiosk/strings.c); of refusals the gateway's own reason where it is for the customer. */
static const char *admission_code(enum admission admission, enum admission_reason reason)
{
	static const char *const codes[] = {[ADMISSION_REFUSED] = "refused",
					    [ADMISSION_ADMITTED] = "",
					    [ADMISSION_REVOKED] = "revoked",
					    [ADMISSION_UNKNOWN] = "unknown"};
	bool known = admission == ADMISSION_REFUSED && reason != REASON_NONE && reason < REASON_COUNT;
	return known ? admission_reason_code(reason) : codes[admission];
}

static void take_admission(struct stick *s, uint32_t valid_s)
{
	const struct stick_answer answer = s->answer;
	if (answer.admission == ADMISSION_ADMITTED) {
		loop_timer_set(s->lease, (int64_t)valid_s * 1000);
		stick_raise(s, EVENT_ADMISSION_GRANTED);
		return;
	}
	loop_timer_set(s->lease, -1);
	bool passing = answer.admission != ADMISSION_REVOKED && admission_is_passing(answer.reason);
	stick_trouble(s, s->machine.state == STATE_SESSION && passing ? "admission_lost" : answer.code);
	stick_raise(s, answer.admission == ADMISSION_REVOKED ? EVENT_REVOKED : EVENT_ADMISSION_LOST);
	if (answer.reason == REASON_PIN_LOCKED)
		admission_locked(s);
	pin_hear_beacon(s, answer.reason);
	if (s->machine.state != STATE_ADMITTED)
		return;
	if (answer.admission == ADMISSION_REFUSED && answer.reason != REASON_NONCE &&
	    answer.reason != REASON_TRY_AGAIN && passing)
		admission_next(s, answer.reason);
	else if (!passing)
		tell_not_admitted(s);
}

/* A renewal that was not taken for the moment takes nothing away: what stands runs out by itself if no other is. */
static bool is_in_passing(const struct stick *s, unsigned admission, enum admission_reason reason)
{
	return admission == ADMISSION_REFUSED && (reason == REASON_NONCE || reason == REASON_TRY_AGAIN) &&
	       s->machine.state >= STATE_READY;
}

/* Once it could not be had it is asked for beside what the customer does: the list of banks is not taken away for it
 * again and again. */
static void announced(struct stick *s)
{
	bool at_ease = s->machine.state == STATE_READY || s->machine.state == STATE_SESSION;
	if (fetch_is_due(s, FETCH_POLICY) && (s->fetch[FETCH_POLICY].failures == 0 || !at_ease))
		stick_raise(s, EVENT_NEWER_POLICY);
	else if (at_ease && !fetch_begin(s, FETCH_POLICY))
		(void)fetch_begin(s, FETCH_GATEWAYS);
}

static int hear_admission(struct stick *s, struct msg *m)
{
	char reason[STICK_DETAIL_BYTES];
	size_t token_size = 0;
	struct reader r = reader_over(m->payload, m->size);
	unsigned admission = read_u8(&r);
	read_str(&r, reason, sizeof reason);
	uint64_t gateway_time = read_u64(&r);
	uint32_t valid_s = read_u32(&r);
	uint64_t newest_policy = read_u64(&r);
	uint64_t newest_gateways = read_u64(&r);
	uint32_t lease_s = read_u32(&r);
	bool to_statement = read_u8(&r) != 0;
	const uint8_t *token = read_blob(&r, &token_size);
	uint8_t tries_left = read_u8(&r);
	if (!reader_done(&r) || admission > ADMISSION_UNKNOWN)
		return -EBADMSG;
	enum admission_reason why = admission_reason_from(reason);
	if (to_statement)
		admission_answered(s, token, token_size, lease_s, tries_left);
	wipe(m->payload, m->size);
	if (!s->answer.fresh || to_statement)
		log_info("the gateway answers%s: %s%s%s", to_statement ? " our statement" : "",
			 admission == ADMISSION_ADMITTED ? "admitted" : "not admitted", reason[0] ? "; " : "", reason);
	if (!stick_confirm_time(s, gateway_time) || (to_statement && is_in_passing(s, admission, why)))
		return 0;
	s->answer = (struct stick_answer){
	    .fresh = true,
	    .admission = (enum admission)admission,
	    .reason = why,
	    .code = admission_code((enum admission)admission, why),
	};
	s->fetch[FETCH_POLICY].newest = newest_policy;
	s->fetch[FETCH_GATEWAYS].newest = newest_gateways;
	if (s->time_confirmed)
		stick_raise(s, EVENT_TIME_CONFIRMED);
	take_admission(s, valid_s);
	if (admission == ADMISSION_ADMITTED && !to_statement)
		admission_renew(s, lease_s);
	announced(s);
	return 0;
}

static int hear_session_reply(struct stick *s, struct msg *m)
{
	char reason[STICK_DETAIL_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	bool ok = read_u8(&r) != 0;
	read_str(&r, reason, sizeof reason);
	if (!reader_done(&r))
		return -EBADMSG;
	if (m->id == 0 || m->id != s->session.question)
		return 0;
	s->session.question = 0;
	if (!ok) {
		log_warn("the gateway does not open %s: %s", s->session.bank, reason);
		session_fail(s, "gateway_refused");
		return 0;
	}
	s->session.gateway_ready = true;
	session_progress(s);
	return 0;
}

static int hear_agent_error(struct stick *s, struct msg *m)
{
	char sentence[STICK_DETAIL_BYTES * 2];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, sentence, sizeof sentence);
	if (!reader_done(&r))
		return -EBADMSG;
	log_warn("agent: %s", sentence);
	if (s->machine.state == STATE_TIME)
		tell_step(s, STATE_TIME, STEP_TROUBLE, "no_reply", sentence);
	return 0;
}

/* --- kiosk --- */

static int hear_kiosk_ready(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	s->screen_ready = true;
	tell_everything(s);
	return 0;
}

static int hear_open(struct stick *s, struct msg *m)
{
	char bank[WHITELIST_ID_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, bank, sizeof bank);
	if (!reader_done(&r))
		return -EBADMSG;
	snprintf(s->chosen, sizeof s->chosen, "%s", bank);
	stick_raise(s, EVENT_BANK_CHOSEN);
	return 0;
}

static int hear_close(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	stick_raise(s, EVENT_BANK_CLOSED);
	return 0;
}

static int hear_turned_away(struct stick *s, struct msg *m)
{
	char host[WHITELIST_HOST_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, host, sizeof host);
	unsigned reason = read_u8(&r);
	if (!reader_done(&r) || reason == REFUSAL_NONE || reason >= REFUSAL_COUNT)
		return -EBADMSG;
	s->refused[reason]++;
	stick_ask_host(s, host, (enum refusal)reason);
	return 0;
}

static int hear_power_off(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	stick_raise(s, EVENT_POWER_OFF);
	return 0;
}

/* --- the guard of USB devices, through init --- */

static int hear_usb_question(struct stick *s, struct msg *m)
{
	struct stick_usb usb = {0};
	struct reader r = reader_over(m->payload, m->size);
	usb.what = read_u8(&r);
	usb.on_new = read_u8(&r);
	usb.typed = read_u8(&r);
	usb.wrong = read_u8(&r);
	read_str(&r, usb.code, sizeof usb.code);
	if (!reader_done(&r) || usb.what >= USB_WHAT_COUNT)
		return -EBADMSG;
	s->usb = usb;
	tell_usb_question(s);
	return 0;
}

static int hear_usb_refused(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	uint8_t what = read_u8(&r);
	if (!reader_done(&r) || what >= USB_WHAT_COUNT)
		return -EBADMSG;
	s->usb_refused[what]++;
	tell_usb_refused(s, what);
	tell_agent_health(s);
	return 0;
}

int stick_hear_guard(struct msg *m, void *context)
{
	struct stick *s = context;
	return m->type == MSG_USB_QUESTION  ? hear_usb_question(s, m)
	       : m->type == MSG_USB_REFUSED ? hear_usb_refused(s, m)
					    : -EBADMSG;
}

static const struct {
	enum stick_process from;
	uint16_t type;
	int (*hear)(struct stick *s, struct msg *m);
} inbox[] = {
    {PROCESS_RECORD, MSG_READY, record_hear_ready},
    {PROCESS_RECORD, MSG_RECORD_TOKEN, record_hear_token},
    {PROCESS_RECORD, MSG_RECORD_CONTENT, record_hear_content},
    {PROCESS_RECORD, MSG_RECORD_FAILED, record_hear_failed},
    {PROCESS_RECORD, MSG_RECORD_STORED, record_hear_stored},
    {PROCESS_LINK, MSG_READY, hear_nothing},
    {PROCESS_LINK, MSG_LINK_STATE, hear_link},
    {PROCESS_LINK, MSG_LINK_WIFI, hear_wifi},
    {PROCESS_TUNNEL, MSG_READY, hear_nothing},
    {PROCESS_TUNNEL, MSG_TUNNEL_STATE, hear_tunnel},
    {PROCESS_KEYHOLDER, MSG_READY, hear_nothing},
    {PROCESS_KEYHOLDER, MSG_KEY_CLIENT_KNOWN, stick_hear_client},
    {PROCESS_KEYHOLDER, MSG_KEY_TOKEN_STATE, stick_hear_key_token},
    {PROCESS_TOKEN, MSG_READY, hear_nothing},
    {PROCESS_TOKEN, MSG_TOKEN_STATE, stick_hear_token},
    {PROCESS_KEYHOLDER, MSG_KEY_SIGNATURE, admission_hear_signature},
    {PROCESS_KEYHOLDER, MSG_KEY_PIN_DONE, pin_hear_done},
    {PROCESS_POLICY, MSG_READY, hear_policy_ready},
    {PROCESS_POLICY, MSG_POLICY_LOADED, hear_policy},
    {PROCESS_POLICY, MSG_POLICY_REFUSED, hear_policy_refused},
    {PROCESS_BROKER, MSG_READY, hear_broker_ready},
    {PROCESS_BROKER, MSG_BROKER_EVENT, hear_broker_event},
    {PROCESS_BROKER, MSG_BROKER_FROZEN, hear_broker_frozen},
    {PROCESS_BROKER, MSG_BROKER_COUNTS, hear_broker_counts},
    {PROCESS_AGENT, MSG_READY, hear_agent_ready},
    {PROCESS_AGENT, MSG_AGENT_ADMISSION, hear_admission},
    {PROCESS_AGENT, MSG_AGENT_DRAIN, drain_hear},
    {PROCESS_AGENT, MSG_AGENT_NONCE, admission_hear_nonce},
    {PROCESS_AGENT, MSG_AGENT_NOT_STATED, admission_hear_not_stated},
    {PROCESS_AGENT, MSG_AGENT_FETCHED, fetch_hear},
    {PROCESS_AGENT, MSG_AGENT_NOT_FETCHED, fetch_hear_not},
    {PROCESS_AGENT, MSG_AGENT_SESSION_REPLY, hear_session_reply},
    {PROCESS_AGENT, MSG_AGENT_ERROR, hear_agent_error},
    {PROCESS_AGENT, MSG_AGENT_KNOWN_BAD, stick_hear_host},
    {PROCESS_SCREEN, MSG_READY, hear_kiosk_ready},
    {PROCESS_SCREEN, MSG_KIOSK_PIN, pin_hear},
    {PROCESS_SCREEN, MSG_KIOSK_TOKEN_PIN, stick_hear_token_pin},
    {PROCESS_SCREEN, MSG_KIOSK_OPEN, hear_open},
    {PROCESS_SCREEN, MSG_KIOSK_CLOSE, hear_close},
    {PROCESS_SCREEN, MSG_KIOSK_TURNED_AWAY, hear_turned_away},
    {PROCESS_SCREEN, MSG_KIOSK_POWER_OFF, hear_power_off},
    {PROCESS_SCREEN, MSG_KIOSK_WIFI_LOOK, hear_wifi_look},
    {PROCESS_SCREEN, MSG_KIOSK_WIFI_JOIN, hear_wifi_join},
};

int stick_hear(struct stick *s, enum stick_process from, struct msg *m)
{
	for (size_t i = 0; i < sizeof inbox / sizeof inbox[0]; i++)
		if (inbox[i].from == from && inbox[i].type == m->type)
			return inbox[i].hear(s, m);
	return -EBADMSG;
}

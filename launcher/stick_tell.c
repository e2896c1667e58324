#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/proc.h"
#include "launcher/briefs.h"
#include "launcher/pem.h"
#include "launcher/stick.h"
#include "launcher/stick_wifi.h"

/* Large payloads are built here, one at a time; wiped where they hold a key. */
static uint8_t scratch[MSG_PAYLOAD_MAX_BYTES];

static void send_init(uint16_t type, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, type, 0, w->data, w->size);
	/* Without init there is nobody who could power off: our own end makes the kernel do it. */
	if (error)
		fatal("init does not take message %u: %s", type, strerror(-error));
}

void tell_init_clock(uint64_t unix_seconds)
{
	uint8_t payload[8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u64(&w, unix_seconds);
	send_init(MSG_INIT_SET_CLOCK, &w);
}

void tell_init_power_off(void)
{
	uint8_t payload[1];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 0);
	send_init(MSG_INIT_POWER_OFF, &w);
}

void tell_wall(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	if (s->gateways_told == s->gateways->version)
		return;
	if (brief_wall(&w, s->gateways) < 0)
		fatal("the list of gateways has more addresses than the wall takes");
	send_init(MSG_WALL_GATEWAYS, &w);
	s->gateways_told = s->gateways->version;
}

/* --- the kiosk: one that is not there yet is told everything when it comes --- */

static void send_kiosk(struct stick *s, enum message type, uint32_t id, const struct writer *w)
{
	if (!s->screen_ready)
		return;
	int error = w->failed ? -EMSGSIZE : crew_send(&s->crew, PROCESS_SCREEN, (uint16_t)type, id, w->data, w->size);
	if (error)
		log_warn("the kiosk was not told message %d: %s", type, strerror(-error));
}

void tell_kiosk(struct stick *s, enum message type)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	send_kiosk(s, type, 0, &w);
}

static void send_step(struct stick *s, enum stick_state state)
{
	const struct stick_step *step = &s->steps[state];
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, (uint8_t)state);
	write_u8(&w, (uint8_t)step->outcome);
	write_str(&w, step->code);
	write_str(&w, step->detail);
	send_kiosk(s, MSG_KIOSK_STEP, 0, &w);
}

void tell_step(struct stick *s, enum stick_state state, enum step_outcome outcome, const char *code, const char *detail)
{
	struct stick_step *step = &s->steps[state];
	step->begun = true;
	step->outcome = outcome;
	snprintf(step->code, sizeof step->code, "%s", code);
	snprintf(step->detail, sizeof step->detail, "%s", detail);
	send_step(s, state);
}

/* What no waiting mends is said to have failed. */
void tell_not_admitted(struct stick *s)
{
	bool image = s->answer.reason == REASON_IMAGE_OLD || s->answer.reason == REASON_IMAGE_UNKNOWN;
	bool known = s->answer.admission == ADMISSION_REFUSED && s->answer.reason != REASON_NONE &&
		     s->answer.reason < REASON_COUNT;
	tell_step(s, STATE_ADMITTED, known ? STEP_FAILED : STEP_TROUBLE, s->answer.code,
		  image ? s->about.version_text : "");
}

void tell_way(struct stick *s, enum stick_state from)
{
	enum stick_state to = s->machine.state;
	if (to == STATE_END || to == from)
		return;
	enum stick_state last = to < STATE_READY ? to : STATE_READY;
	for (enum stick_state i = from; i < last; i++)
		tell_step(s, i, STEP_DONE, "", "");
	if (to == STATE_READY || to == STATE_SESSION)
		tell_step(s, STATE_READY, STEP_DONE, "", "");
	else if (to < from) {
		tell_step(s, STATE_READY, STEP_WAITING, "", "");
		tell_step(s, to, s->trouble[0] ? STEP_TROUBLE : STEP_WAITING, s->trouble, "");
	} else {
		tell_step(s, to, STEP_WAITING, "", "");
	}
}

void tell_banks(struct stick *s)
{
	const size_t capacity = brief_banks_size(s->policy);
	uint8_t *payload = malloc(capacity);
	struct writer w = writer_over(payload, payload ? capacity : 0);
	int error = brief_banks(&w, s->policy, s->about.devel);
	if (error)
		log_error("the list of banks does not fit a message: %s", strerror(-error));
	else
		send_kiosk(s, MSG_KIOSK_BANKS, 0, &w);
	free(payload);
}

static void send_notice(struct stick *s, const char *code)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, code);
	send_kiosk(s, MSG_KIOSK_NOTICE, 0, &w);
}

/* Counted; true the first time. */
static bool count(struct stick *s, const char *code, bool card)
{
	size_t i = 0;
	while (i < STICK_NOTICES_MAX && s->notices[i].code[0] && strcmp(s->notices[i].code, code) != 0)
		i++;
	if (i == STICK_NOTICES_MAX || s->notices[i].count++ > 0)
		return false; /* the next beacon says it */
	s->notices[i].card = card;
	snprintf(s->notices[i].code, sizeof s->notices[i].code, "%s", code);
	tell_agent_health(s);
	crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_BEACON_NOW, 0, NULL, 0);
	return true;
}

void stick_count(struct stick *s, const char *code) { (void)count(s, code, false); }

void stick_notice(struct stick *s, const char *code)
{
	if (count(s, code, true))
		send_notice(s, code);
}

void stick_trouble(struct stick *s, const char *code) { snprintf(s->trouble, sizeof s->trouble, "%s", code); }

void tell_tunnel(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, s->tunnel.up);
	write_str(&w, s->tunnel.gateway);
	send_kiosk(s, MSG_KIOSK_TUNNEL, 0, &w);
}

void tell_pin_ask(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, (uint8_t)s->pin.ask);
	write_u8(&w, s->pin.wrong ? s->pin.tries_left : 255);
	write_u8(&w, s->pin.wrong);
	send_kiosk(s, MSG_KIOSK_PIN_ASK, 0, &w);
}

void tell_freeze(struct stick *s, bool frozen)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, frozen);
	write_str(&w, frozen ? s->trouble : "");
	send_kiosk(s, MSG_KIOSK_FREEZE, s->session.id, &w);
}

void tell_session(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	const struct whitelist_bank *bank = whitelist_bank(s->policy, s->session.bank);
	write_str(&w, s->session.bank);
	write_str(&w, bank ? stick_client_of(s, bank) : "");
	send_kiosk(s, MSG_KIOSK_SESSION, s->session.id, &w);
}

void tell_session_failed(struct stick *s, const char *bank, const char *code)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, bank);
	write_str(&w, code);
	write_str(&w, "");
	send_kiosk(s, MSG_KIOSK_SESSION_FAILED, 0, &w);
}

void tell_refused(struct stick *s, const char *host, enum refusal reason)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, host);
	write_u8(&w, (uint8_t)reason);
	send_kiosk(s, MSG_KIOSK_REFUSED, 0, &w);
}

void tell_known_bad(struct stick *s, const char *host, enum indicator_category category)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, host);
	write_u8(&w, (uint8_t)category);
	send_kiosk(s, MSG_KIOSK_KNOWN_BAD, 0, &w);
}

void tell_usb_question(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, s->usb.what);
	write_u8(&w, s->usb.on_new);
	write_u8(&w, s->usb.typed);
	write_u8(&w, s->usb.wrong);
	write_str(&w, s->usb.code);
	send_kiosk(s, MSG_KIOSK_USB_QUESTION, 0, &w);
}

void tell_usb_refused(struct stick *s, uint8_t what)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, what);
	send_kiosk(s, MSG_KIOSK_USB_REFUSED, 0, &w);
}

void tell_token(struct stick *s, enum token_state state, enum token_tries tries)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_u8(&w, (uint8_t)state);
	write_u8(&w, (uint8_t)tries);
	write_u32(&w, s->session.token_wrong);
	write_str(&w, s->session.token);
	send_kiosk(s, MSG_KIOSK_TOKEN, s->session.id, &w);
}

void tell_everything(struct stick *s)
{
	if (s->usb.code[0])
		tell_usb_question(s);
	if (s->policy)
		tell_banks(s);
	wifi_tell_kiosk(s);
	tell_tunnel(s);
	for (int i = 0; i < STATE_COUNT; i++)
		if (s->steps[i].begun)
			send_step(s, (enum stick_state)i);
	if (s->pin.ask != PIN_ASK_NOT)
		tell_pin_ask(s);
	for (size_t i = 0; i < STICK_NOTICES_MAX; i++)
		if (s->notices[i].card)
			send_notice(s, s->notices[i].code);
}

/* --- the agent --- */

static const struct gateway *current_gateway(const struct stick *s)
{
	for (size_t i = 0; i < s->gateways->count; i++)
		if (strcmp(s->gateways->list[i].id, s->tunnel.gateway) == 0)
			return &s->gateways->list[i];
	return NULL;
}

void tell_agent_config(struct stick *s)
{
	const struct gateway *gateway = current_gateway(s);
	if (!gateway || !crew_runs(&s->crew, PROCESS_AGENT))
		return; /* it is told when it starts */
	char *pem = pem_encode(gateway->control_der, gateway->control_der_size);
	if (!pem)
		fatal("out of memory");
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, s->provision.device);
	write_str(&w, s->about.boot_id);
	write_str(&w, gateway->inner);
	write_u16(&w, gateway->control_port);
	write_str(&w, gateway->control_name);
	write_str(&w, pem);
	write_blob(&w, gateway->control_pin, sizeof gateway->control_pin);
	write_str(&w, s->about.version_text);
	write_blob(&w, s->about.root_hash, sizeof s->about.root_hash);
	write_u64(&w, s->policy->version);
	write_u8(&w, s->time_confirmed);
	free(pem);
	int error = w.failed ? -EMSGSIZE : crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_CONFIG, 0, w.data, w.size);
	if (error)
		log_error("the agent was not told its gateway: %s", strerror(-error));
	else
		snprintf(s->agent_gateway, sizeof s->agent_gateway, "%s", s->tunnel.gateway);
}

static json_t *refused_counts(const struct stick *s)
{
	json_t *counts = json_object();
	if (s->crew.killed > 0)
		json_object_set_new(counts, "killed", json_integer((json_int_t)s->crew.killed));
	for (size_t i = 0; i < STICK_NOTICES_MAX && s->notices[i].code[0]; i++)
		json_object_set_new(counts, s->notices[i].code, json_integer((json_int_t)s->notices[i].count));
	for (int i = 0; i < USB_WHAT_COUNT; i++) {
		char code[STICK_CODE_BYTES];
		snprintf(code, sizeof code, "usb_%s", usb_word((enum usb_what)i));
		if (s->usb_refused[i] > 0)
			json_object_set_new(counts, code, json_integer((json_int_t)s->usb_refused[i]));
	}
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
		if (s->refused[i] > 0)
			json_object_set_new(counts, refusal_code((enum refusal)i),
					    json_integer((json_int_t)s->refused[i]));
	for (int i = INDICATOR_NONE + 1; i < INDICATOR_CATEGORIES; i++) {
		char code[STICK_CODE_BYTES];
		snprintf(code, sizeof code, "indicator_%s", indicator_word((enum indicator_category)i));
		if (s->known_bad[i] > 0)
			json_object_set_new(counts, code, json_integer((json_int_t)s->known_bad[i]));
	}
	return counts;
}

static json_t *attack_json(const struct stick_attack *attack)
{
	char text[BASE64_ENCODED_SIZE(WHITELIST_PIN_BYTES)];
	json_t *keys = json_array();
	for (size_t i = 0; i < attack->key_count; i++) {
		base64_encode(attack->keys[i], sizeof attack->keys[i], text);
		json_array_append_new(keys, json_string(text));
	}
	return json_pack("{s:I, s:s, s:s, s:o}", "count", (json_int_t)attack->count, "host", attack->host, "reason",
			 refusal_code(attack->reason), "keys", keys);
}

void tell_agent_health(struct stick *s)
{
	if (!crew_runs(&s->crew, PROCESS_AGENT))
		return;
	json_t *health = json_pack("{s:I, s:s, s:{s:s, s:I, s:I, s:I}, s:b, s:o}", "uptime_s",
				   (json_int_t)(now_ms() / 1000), "link", s->link_name, "tunnel", "gateway",
				   s->tunnel.gateway, "handshake_ms", (json_int_t)s->tunnel.handshake_ms, "rtt_ms",
				   (json_int_t)s->tunnel.rtt_ms, "loss_permille", (json_int_t)s->tunnel.loss_permille,
				   "session", s->machine.state == STATE_SESSION, "refused", refused_counts(s));
	if (health && s->attack.count > 0)
		json_object_set_new(health, "attack", attack_json(&s->attack));
	if (health && s->clock_back_s > 0)
		json_object_set_new(health, "clock_back_s", json_integer((json_int_t)s->clock_back_s));
	char *text = health ? json_dumps(health, JSON_COMPACT) : NULL;
	json_decref(health);
	if (!text)
		return;
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, text);
	free(text);
	int error = crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_HEALTH, 0, w.data, w.size);
	if (error)
		log_warn("the agent was not told of our health: %s", strerror(-error));
}

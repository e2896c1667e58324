#include "launcher/kiosk/model.h"

#include <errno.h>
#include <string.h>

#include "firmware/lib/buf.h"

/* Trying again does not take the explanation off the screen; only an end of the trouble, or another one, does. */
static bool only_tries_again(const struct step *shown, const struct step *step)
{
	return shown->begun && shown->outcome == STEP_TROUBLE && step->outcome == STEP_WAITING &&
	       (step->code[0] == '\0' || strcmp(step->code, "trying_next") == 0);
}

static bool has_link(const struct model *model)
{
	return model->steps[STATE_LINK].begun && model->steps[STATE_LINK].outcome == STEP_DONE;
}

static int apply_step(struct model *model, struct reader *r, unsigned *changes)
{
	const uint8_t state = read_u8(r);
	const uint8_t outcome = read_u8(r);
	const bool had_link = has_link(model);
	struct step step = {.begun = true, .outcome = outcome};
	read_str(r, step.code, sizeof step.code);
	read_str(r, step.detail, sizeof step.detail);
	if (!reader_done(r) || state >= STATE_COUNT || outcome > STEP_FAILED)
		return -EBADMSG;
	if (!only_tries_again(&model->steps[state], &step))
		model->steps[state] = step;
	/* What rests on a step that is not done has to be done again. */
	for (int later = state + 1; later < STATE_COUNT && outcome != STEP_DONE; later++)
		model->steps[later] = (struct step){0};
	for (int earlier = 0; earlier < state; earlier++)
		if (!model->steps[earlier].begun)
			model->steps[earlier] = (struct step){.begun = true, .outcome = STEP_DONE};
	if (!had_link && has_link(model))
		model->network_shown = false; /* what it was opened for is done */
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_banks(struct model *model, struct reader *r, unsigned *changes)
{
	size_t size = 0;
	const uint8_t *json = read_blob(r, &size);
	const bool devel = read_u8(r) != 0;
	if (!reader_done(r))
		return -EBADMSG;
	int error = banks_parse(&model->banks, json, size);
	if (error)
		return error;
	model->banks_known = true;
	model->devel = model->devel || devel;
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_session(struct model *model, const struct msg *m, struct reader *r, unsigned *changes)
{
	char id[DETAIL_BYTES], client[DETAIL_BYTES];
	read_str(r, id, sizeof id);
	read_str(r, client, sizeof client);
	if (!reader_done(r))
		return -EBADMSG;
	/* A session nobody waits for any more, because the customer went back meanwhile, is not shown. */
	if (model->session != SESSION_OPENING || strcmp(id, model->bank.id) != 0)
		return 0;
	model->session = SESSION_OPEN;
	model->session_id = m->id;
	memcpy(model->client, client, sizeof client);
	*changes |= CHANGE_SESSION_OPENED | CHANGE_DRAW;
	return 0;
}

static int apply_session_failed(struct model *model, struct reader *r, unsigned *changes)
{
	char id[DETAIL_BYTES], code[CODE_BYTES], detail[DETAIL_BYTES];
	read_str(r, id, sizeof id);
	read_str(r, code, sizeof code);
	read_str(r, detail, sizeof detail);
	if (!reader_done(r))
		return -EBADMSG;
	if (model->session == SESSION_NONE || strcmp(id, model->bank.id) != 0)
		return 0;
	if (model->session == SESSION_OPEN)
		*changes |= CHANGE_SESSION_ENDED;
	token_hide(&model->token);
	model->session = SESSION_REFUSED;
	model->frozen = false;
	memcpy(model->session_code, code, sizeof code);
	memcpy(model->session_detail, detail, sizeof detail);
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_refused(struct model *model, struct reader *r, unsigned *changes)
{
	char host[HOST_NAME_BYTES];
	read_str(r, host, sizeof host);
	const uint8_t reason = read_u8(r);
	if (!reader_done(r) || reason >= REFUSAL_COUNT)
		return -EBADMSG;
	memcpy(model->refused_host, host, sizeof host);
	model->refused_reason = reason;
	*changes |= CHANGE_REFUSED;
	return 0;
}

/* It may come when the page is long another: only the refusal of this very host is explained by it. */
static int apply_known_bad(struct model *model, struct reader *r, unsigned *changes)
{
	char host[HOST_NAME_BYTES];
	read_str(r, host, sizeof host);
	const uint8_t category = read_u8(r);
	if (!reader_done(r) || category == INDICATOR_NONE || category >= INDICATOR_CATEGORIES)
		return -EBADMSG;
	memcpy(model->bad_host, host, sizeof host);
	model->bad_category = category;
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_tunnel(struct model *model, struct reader *r, unsigned *changes)
{
	char gateway[DETAIL_BYTES];
	const bool up = read_u8(r) != 0;
	read_str(r, gateway, sizeof gateway);
	if (!reader_done(r))
		return -EBADMSG;
	model->tunnel_up = up;
	memcpy(model->gateway, gateway, sizeof gateway);
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_freeze(struct model *model, struct reader *r, unsigned *changes)
{
	char code[CODE_BYTES];
	const bool frozen = read_u8(r) != 0;
	read_str(r, code, sizeof code);
	if (!reader_done(r))
		return -EBADMSG;
	if (frozen != model->frozen)
		*changes |= frozen ? CHANGE_FROZEN : CHANGE_THAWED;
	model->frozen = frozen;
	memcpy(model->frozen_code, code, sizeof code);
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_usb_question(struct model *model, struct reader *r, unsigned *changes)
{
	char code[CODE_BYTES];
	const uint8_t what = read_u8(r);
	const bool on_new = read_u8(r) != 0;
	const uint8_t typed = read_u8(r);
	const uint8_t wrong = read_u8(r);
	read_str(r, code, sizeof code);
	if (!reader_done(r) || what >= USB_WHAT_COUNT || typed > strlen(code))
		return -EBADMSG;
	model->usb_what = what;
	model->usb_on_new = on_new;
	model->usb_typed = typed;
	model->usb_wrong = wrong;
	memcpy(model->usb_code, code, sizeof code);
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_usb_refused(struct model *model, struct reader *r, unsigned *changes)
{
	const uint8_t what = read_u8(r);
	if (!reader_done(r) || what >= USB_WHAT_COUNT)
		return -EBADMSG;
	model->usb_refused = true;
	model->usb_refused_what = what;
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_notice(struct model *model, struct reader *r, unsigned *changes)
{
	char code[CODE_BYTES];
	read_str(r, code, sizeof code);
	if (!reader_done(r))
		return -EBADMSG;
	memcpy(model->notice, code, sizeof code);
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_wifi(struct model *model, struct reader *r, unsigned *changes)
{
	struct wifi_report report;
	if (!wifi_report_read(r, &report) || !reader_done(r))
		return -EBADMSG;
	model->wifi = report;
	*changes |= CHANGE_DRAW;
	return 0;
}

static int apply_pin(struct model *model, struct reader *r, unsigned *changes)
{
	const uint8_t ask = read_u8(r);
	const uint8_t tries_left = read_u8(r);
	const bool wrong = read_u8(r) != 0;
	if (!reader_done(r) || ask > PIN_ASK_CHECKING)
		return -EBADMSG;
	pin_wipe(&model->pin);
	model->pin.ask = ask;
	model->pin.tries_left = tries_left;
	model->pin.wrong = wrong;
	*changes |= CHANGE_DRAW;
	return 0;
}

/* Of the session that is shown, and of no other. */
static int apply_token(struct model *model, const struct msg *m, struct reader *r, unsigned *changes)
{
	char label[sizeof model->token.label];
	const uint8_t state = read_u8(r), tries = read_u8(r);
	const uint32_t wrong = read_u32(r);
	read_str(r, label, sizeof label);
	if (!reader_done(r) || state >= TOKEN_STATES || tries >= TOKEN_TRIES_COUNT)
		return -EBADMSG;
	if (model->session != SESSION_OPEN || m->id != model->session_id)
		return 0;
	*changes |= CHANGE_DRAW;
	if (token_told(&model->token, state, tries, wrong, label))
		*changes |= CHANGE_TOKEN_OPEN;
	return 0;
}

static int apply_bare(struct model *model, const struct msg *m, unsigned *changes)
{
	if (m->size != 0)
		return -EBADMSG;
	if (model->session == SESSION_OPEN)
		*changes |= CHANGE_SESSION_ENDED;
	token_hide(&model->token);
	/* A refusal stays on the screen until it has been read. */
	if (model->session != SESSION_REFUSED)
		model_leave(model);
	if (m->type == MSG_KIOSK_POWER_OFF) {
		pin_wipe(&model->pin);
		model->going_down = true;
	}
	*changes |= CHANGE_DRAW;
	return 0;
}

int model_apply(struct model *model, const struct msg *m, unsigned *changes)
{
	struct reader r = reader_over(m->payload, m->size);
	*changes = 0;
	switch (m->type) {
	case MSG_KIOSK_STEP:
		return apply_step(model, &r, changes);
	case MSG_KIOSK_BANKS:
		return apply_banks(model, &r, changes);
	case MSG_KIOSK_SESSION:
		return apply_session(model, m, &r, changes);
	case MSG_KIOSK_SESSION_FAILED:
		return apply_session_failed(model, &r, changes);
	case MSG_KIOSK_REFUSED:
		return apply_refused(model, &r, changes);
	case MSG_KIOSK_KNOWN_BAD:
		return apply_known_bad(model, &r, changes);
	case MSG_KIOSK_TUNNEL:
		return apply_tunnel(model, &r, changes);
	case MSG_KIOSK_FREEZE:
		return apply_freeze(model, &r, changes);
	case MSG_KIOSK_USB_QUESTION:
		return apply_usb_question(model, &r, changes);
	case MSG_KIOSK_USB_REFUSED:
		return apply_usb_refused(model, &r, changes);
	case MSG_KIOSK_NOTICE:
		return apply_notice(model, &r, changes);
	case MSG_KIOSK_WIFI:
		return apply_wifi(model, &r, changes);
	case MSG_KIOSK_PIN_ASK:
		return apply_pin(model, &r, changes);
	case MSG_KIOSK_TOKEN:
		return apply_token(model, m, &r, changes);
	case MSG_KIOSK_SESSION_ENDED:
	case MSG_KIOSK_POWER_OFF:
		return apply_bare(model, m, changes);
	default:
		return -EBADMSG;
	}
}

int model_choose(struct model *model, const struct bank *bank)
{
	int error = bank_copy(&model->bank, bank);
	if (error)
		return error;
	model->session = SESSION_OPENING;
	token_hide(&model->token);
	model->frozen = false;
	model->refused_host[0] = model->bad_host[0] = '\0';
	return 0;
}

void model_leave(struct model *model)
{
	model->session = SESSION_NONE;
	model->frozen = false;
	token_hide(&model->token);
	model->refused_host[0] = model->bad_host[0] = '\0';
}

enum screen model_screen(const struct model *model)
{
	if (model->going_down)
		return SCREEN_GOODBYE;
	if (model->session != SESSION_NONE)
		return SCREEN_BANK;
	const struct step *ready = &model->steps[STATE_READY];
	if (ready->begun && ready->outcome == STEP_DONE && model->banks_known)
		return SCREEN_LIST;
	return model->network_shown && model_network_possible(model) ? SCREEN_NETWORK : SCREEN_START;
}

bool model_network_possible(const struct model *model)
{
	const struct step *link = &model->steps[STATE_LINK], *ready = &model->steps[STATE_READY];
	if (model->wifi.state == WIFI_ABSENT || !link->begun || (ready->begun && ready->outcome == STEP_DONE))
		return false;
	return link->outcome != STEP_DONE || model->wifi.state != WIFI_IDLE;
}

int model_current_step(const struct model *model)
{
	static const enum step_outcome gravest_first[] = {STEP_FAILED, STEP_TROUBLE, STEP_WAITING};
	for (size_t g = 0; g < sizeof gravest_first / sizeof *gravest_first; g++)
		for (int i = 0; i < STATE_COUNT; i++)
			if (model->steps[i].begun && model->steps[i].outcome == gravest_first[g])
				return i;
	return -1;
}

void model_free(struct model *model)
{
	banks_free(&model->banks);
	bank_free(&model->bank);
	*model = (struct model){0};
}

/*
 * model - what the kiosk knows, as the launcher told it, and which screen follows from that. No GTK here.
 *
 * The screens are drawn from the model alone; a message changes the model and says what changed.
 */
#ifndef LAUNCHER_KIOSK_MODEL_H
#define LAUNCHER_KIOSK_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/boot/usbjudge.h"
#include "firmware/lib/msg.h"
#include "launcher/kiosk/banks.h"
#include "launcher/kiosk/pin.h"
#include "launcher/kiosk/token.h"
#include "launcher/messages.h"
#include "launcher/wifi.h"
#include "whitelist/indicators.h"

enum { CODE_BYTES = 64, DETAIL_BYTES = 512 };

struct step {
	bool begun; /* false: its turn has not come yet */
	enum step_outcome outcome;
	char code[CODE_BYTES]; /* see strings.h */
	char detail[DETAIL_BYTES];
};

enum session_state { SESSION_NONE, SESSION_OPENING, SESSION_OPEN, SESSION_REFUSED };

struct model {
	enum language language;
	struct step steps[STATE_COUNT];
	struct banks banks;
	bool banks_known;
	bool devel;
	bool development_keys;    /* the image is not signed by its owner */
	char image[DETAIL_BYTES]; /* what to call this image, e.g. "1 (2026-11-22)" */

	struct wifi_report wifi;
	bool network_shown; /* the customer opened the list of networks, and did not close it */

	bool tunnel_up;
	char gateway[DETAIL_BYTES];

	enum session_state session;
	uint32_t session_id;
	struct bank bank;          /* of the session, also while it opens or after it was refused */
	char client[DETAIL_BYTES]; /* whose certificate the bank may be shown, "" none */
	char session_code[CODE_BYTES];
	char session_detail[DETAIL_BYTES];
	bool frozen;
	char frozen_code[CODE_BYTES];

	char refused_host[HOST_NAME_BYTES]; /* the last one the broker spoke of */
	enum refusal refused_reason;

	char bad_host[HOST_NAME_BYTES]; /* the last refused one that is known to be bad, "" none */
	enum indicator_category bad_category;

	/* a new input device that waits for its code, "" none; and the last USB device that was not let in */
	enum usb_what usb_what;
	bool usb_on_new;
	unsigned usb_typed, usb_wrong;
	char usb_code[CODE_BYTES];
	bool usb_refused;
	enum usb_what usb_refused_what;

	char notice[CODE_BYTES]; /* something that should be put right, until it was read; "" none */

	struct pin_entry pin;
	struct token_entry token; /* of the session's certificate */

	bool going_down;
};

enum screen { SCREEN_START, SCREEN_NETWORK, SCREEN_LIST, SCREEN_BANK, SCREEN_GOODBYE };

/* What model_apply() changed; only what needs more than drawing anew. */
enum change {
	CHANGE_DRAW = 1 << 0,
	CHANGE_SESSION_OPENED = 1 << 1, /* load the start page */
	CHANGE_SESSION_ENDED = 1 << 2,  /* wipe the page */
	CHANGE_FROZEN = 1 << 3,
	CHANGE_THAWED = 1 << 4,
	CHANGE_REFUSED = 1 << 5,
	CHANGE_TOKEN_OPEN = 1 << 6, /* fetch the page again, which had no certificate */
};

/* Read one message from the launcher. 0, or -EBADMSG: it is broken, end. `changes` gets enum change bits. */
int model_apply(struct model *model, const struct msg *m, unsigned *changes);

/* The customer chose a bank (then MSG_KIOSK_OPEN is to be sent), or left it. 0 or -ENOMEM. */
int model_choose(struct model *model, const struct bank *bank);
void model_leave(struct model *model);

enum screen model_screen(const struct model *model);

/* There is a radio, no cable, and no bank to be opened yet: the list of networks may be shown. Also where a network was
 * joined, because it may lead nowhere. */
bool model_network_possible(const struct model *model);

/* The step that the customer should read about: one that failed, else the first in trouble, else the one in progress.
 * -1: none. */
int model_current_step(const struct model *model);

void model_free(struct model *model);

#endif

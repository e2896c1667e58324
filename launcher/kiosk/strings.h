/*
 * strings - every sentence the customer can see, in Japanese and English, in one place.
 *
 * Codes are what other processes name a trouble by (MSG_KIOSK_STEP, MSG_KIOSK_SESSION_FAILED, MSG_KIOSK_FREEZE,
 * MSG_KIOSK_NOTICE); for ABOUT_USB usb_word(), for ABOUT_DANGER indicator_word(), for ABOUT_TOKEN token_code(). An
 * unknown code gets a general sentence, never an empty screen. Everything returned is static UTF-8.
 */
#ifndef LAUNCHER_KIOSK_STRINGS_H
#define LAUNCHER_KIOSK_STRINGS_H

#include <stddef.h>

#include "launcher/messages.h"

enum language { LANGUAGE_JA, LANGUAGE_EN, LANGUAGE_COUNT };

enum text {
	/* the house */
	TEXT_PRODUCT,
	TEXT_TAGLINE,
	TEXT_DEVEL,
	TEXT_DEVEL_EXPLAINED,
	TEXT_KEYS,
	TEXT_KEYS_EXPLAINED,
	TEXT_VERSION,
	TEXT_CALL,
	TEXT_OTHER_LANGUAGE,
	TEXT_POWER_OFF,
	TEXT_CANCEL,
	TEXT_OK,
	/* start screen */
	TEXT_PREPARING,
	TEXT_PREPARING_TROUBLE,
	TEXT_PREPARING_FAILED,
	TEXT_STATE_IDLE,
	TEXT_STATE_WAITING,
	TEXT_STATE_DONE,
	TEXT_STATE_TROUBLE,
	TEXT_STATE_FAILED,
	TEXT_SECONDS,
	TEXT_DETAIL,
	/* list of Wi-Fi networks */
	TEXT_WIFI_CHOOSE,
	TEXT_WIFI_HEADING,
	TEXT_WIFI_HINT,
	TEXT_WIFI_BACK,
	TEXT_WIFI_SEARCHING,
	TEXT_WIFI_JOINING,
	TEXT_WIFI_JOINED,
	TEXT_WIFI_OPEN,
	TEXT_WIFI_WPA2,
	TEXT_WIFI_WPA3,
	TEXT_WIFI_UNUSABLE,
	TEXT_WIFI_NETWORK,
	TEXT_WIFI_PASSWORD_TITLE,
	TEXT_WIFI_PASSWORD_EXPLAINED,
	TEXT_WIFI_PASSWORD_LENGTH,
	TEXT_WIFI_CAREFUL_TITLE,
	TEXT_WIFI_OPEN_EXPLAINED,
	TEXT_WIFI_UNUSABLE_EXPLAINED,
	TEXT_WIFI_JOIN,
	/* list of banks */
	TEXT_CHOOSE_BANK,
	TEXT_CHOOSE_HINT,
	TEXT_NO_BANKS,
	TEXT_NO_BANKS_HINT,
	/* trust bar */
	TEXT_SITE,
	TEXT_CERTIFICATE,
	TEXT_TUNNEL_UP,
	TEXT_TUNNEL_DOWN,
	TEXT_BACK,
	TEXT_RELOAD,
	TEXT_FINISH,
	/* bank page */
	TEXT_OPENING,
	TEXT_OPENING_HINT,
	TEXT_LOADING,
	TEXT_BACK_TO_LIST,
	TEXT_BACK_TO_PAGE,
	TEXT_TRY_AGAIN,
	TEXT_REFUSED_TITLE,
	TEXT_DANGER_TITLE,
	TEXT_REFUSED_HOST,
	TEXT_WHAT_TO_DO,
	TEXT_PART_LEFT_OUT,
	TEXT_PART_DANGEROUS,
	TEXT_PART_NOT_LOADED,
	TEXT_HIDE,
	TEXT_SAYS,
	TEXT_ASKS,
	TEXT_LEAVE_PAGE,
	TEXT_LEAVE,
	TEXT_STAY,
	TEXT_FINISH_QUESTION,
	TEXT_FINISH_EXPLAINED,
	TEXT_FROZEN_TITLE,
	TEXT_SESSION_FAILED_TITLE,
	TEXT_PAGE_FAILED_TITLE,
	/* USB devices plugged in later */
	TEXT_USB_KEYBOARD_TITLE,
	TEXT_USB_POINTER_TITLE,
	TEXT_USB_ON_TRUSTED,
	TEXT_USB_ON_NEW,
	TEXT_USB_CODE,
	TEXT_USB_TYPED,
	TEXT_USB_WRONG,
	TEXT_USB_IF_NOT_YOU,
	TEXT_USB_REFUSED_TITLE,
	TEXT_NOTICE_TITLE,
	/* the PIN */
	TEXT_PIN_TITLE,
	TEXT_PIN_EXPLAINED,
	TEXT_PIN_CHECKING,
	TEXT_PIN_TYPED,
	TEXT_PIN_WRONG,
	TEXT_PIN_LEFT,
	TEXT_PIN_DONE,
	TEXT_PIN_NOBODY_ASKS,
	/* a token that a certificate's key is in */
	TEXT_TOKEN_TITLE,
	TEXT_TOKEN_EXPLAINED,
	TEXT_TOKEN_NAME,
	TEXT_TOKEN_TYPED,
	TEXT_TOKEN_FEW,
	TEXT_TOKEN_LAST,
	TEXT_TOKEN_NOT_OTHERS,
	TEXT_TOKEN_WITHOUT,
	TEXT_TOKEN_TROUBLE_TITLE,
	/* power off */
	TEXT_POWER_OFF_QUESTION,
	TEXT_POWER_OFF_EXPLAINED,
	TEXT_GOING_DOWN,
	TEXT_GOING_DOWN_EXPLAINED,
	TEXT_COUNT
};

const char *text_of(enum text text, enum language language);

/* The name of a step on the start screen; "" for a state that is not shown there. */
const char *step_name(enum stick_state state, enum language language);

/* What happened, and what to do about it. */
struct advice {
	const char *what[LANGUAGE_COUNT];
	const char *todo[LANGUAGE_COUNT];
};

enum advice_about {
	ABOUT_STEP,
	ABOUT_SESSION,
	ABOUT_FREEZE,
	ABOUT_PAGE,
	ABOUT_USB,
	ABOUT_NOTICE,
	ABOUT_DANGER,
	ABOUT_TOKEN,
	ABOUT_COUNT
};

/* Never NULL: for an unknown code the general advice of that subject. refusal_code() names are known to ABOUT_SESSION.
 */
const struct advice *advice_for(enum advice_about about, const char *code);

/* NULL after the last; for the test that every code speaks both languages. */
const char *advice_code(size_t nth, enum advice_about *about);

/* Never NULL. */
const struct advice *advice_for_refusal(enum refusal refusal);

#endif

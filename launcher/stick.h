/*
 * stick - the launcher's own state: what it was told, what it told others, and the one state machine in the middle.
 *
 * Internal to the parent process (launcherproc.c and stick_*.c). Events go in by stick_raise() from wherever they are
 * noticed; actions come out in stick_actions.c and nowhere else.
 */
#ifndef LAUNCHER_STICK_H
#define LAUNCHER_STICK_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/boot/usbjudge.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/pkcs11uri.h"
#include "launcher/about.h"
#include "launcher/crew.h"
#include "launcher/messages.h"
#include "launcher/provision.h"
#include "launcher/states.h"
#include "launcher/wifi.h"
#include "vpn/admission/reasons.h"
#include "vpn/admission/statement.h"
#include "whitelist/gateways.h"
#include "whitelist/indicators.h"
#include "whitelist/whitelist.h"

enum {
	STICK_EVENTS_MAX = 32,
	STICK_CODE_BYTES = 64,
	STICK_DETAIL_BYTES = 256,
	STICK_CA_MAX_BYTES = 4096,
	STICK_NOTICES_MAX = 8,
};

/* A line of the start screen. */
struct stick_step {
	bool begun;
	enum step_outcome outcome;
	char code[STICK_CODE_BYTES];
	char detail[STICK_DETAIL_BYTES];
};

enum { STICK_KEYS_MAX = 8 }; /* the longest path of whitelist/chain.h */

/* Somebody may have been between us and a bank: what the desk is told. */
struct stick_attack {
	uint64_t count; /* since the start */
	char host[WHITELIST_HOST_BYTES];
	enum refusal reason;
	uint8_t keys[STICK_KEYS_MAX][WHITELIST_PIN_BYTES]; /* presented, SHA-256 of each SubjectPublicKeyInfo */
	size_t key_count;
};

struct stick_session {
	uint32_t id; /* 0: there is none */
	char bank[WHITELIST_ID_BYTES];
	char gateway[WHITELIST_ID_BYTES]; /* through which it goes */
	uint32_t question;                /* what the gateway was asked about it and has not answered, 0 nothing */
	bool broker_ready, gateway_ready;
	bool thawing;                       /* the page goes on when the gateway has opened the bank again */
	char failure[STICK_CODE_BYTES];     /* why it ends, for the kiosk */
	char token[PKCS11_LABEL_BYTES + 1]; /* the one that the certificate's key is in, "" none */
	bool token_asks;                    /* it wants its PIN, and was not given one since it said so */
	uint32_t token_wrong;               /* PINs that were wrong */
	bool token_given;                   /* it was, and has not said what it thinks of it */
};

/* What the gateway answered last; forgotten when a new answer is asked for. */
struct stick_answer {
	bool fresh;
	enum admission admission;
	enum admission_reason reason;
	const char *code; /* of the step, where it is no admission: what the customer is told */
};

/* A certificate that the key holder can use. */
struct stick_client {
	char bank[WHITELIST_ID_BYTES];
	char subject[STICK_DETAIL_BYTES];
};

/* What the guard asks for a new input device; code "": nothing. */
struct stick_usb {
	uint8_t what, on_new, typed, wrong;
	char code[16];
};

/* What the desk is told, and the customer on a card, and how often it happened since the start. */
struct stick_notice {
	char code[STICK_CODE_BYTES]; /* "": no more of them */
	bool card;
	uint64_t count;
};

/* The PIN as far as the launcher knows: never its digits. */
struct stick_pin {
	enum pin_ask ask;   /* what the screen was told last */
	bool unlocked;      /* the keyholder has a key from one; whether from the right one the gateway says */
	bool gateway_asks;  /* though our policy does not */
	bool proved;        /* the gateway took a statement with this key */
	bool unproved;      /* a statement is under way with a key of which the gateway has not said that it is right */
	bool wrong;         /* the last one was */
	uint8_t tries_left; /* as the gateway said last */
};

struct stick_tunnel {
	bool up;
	char gateway[WHITELIST_ID_BYTES];
	char endpoint[64];
	uint32_t handshake_ms, rtt_ms, loss_permille;
};

/* The gateway is being emptied. */
struct stick_drain {
	bool asked;   /* to go, and not gone yet: a bank is open */
	bool leaving; /* goodbye is being said */
	char left[WHITELIST_ID_BYTES];
	int64_t left_ms;
	struct loop_timer *timer;
};

/* As MSG_AGENT_FETCH has them. */
enum fetch { FETCH_POLICY, FETCH_GATEWAYS, FETCH_COUNT };

struct stick_fetch {
	uint64_t newest;      /* as the gateway announced last */
	uint64_t passed_over; /* a version that was refused */
	unsigned failures;    /* in a row */
	int64_t again_ms;     /* not before this (now_ms()) */
};

/* What a record process was started for; resting where there is none, or it has said how that ended. */
enum record_task { RECORD_RESTS, RECORD_READS, RECORD_WRITES, RECORD_WRITES_TOKEN, RECORD_LOOKS };

struct stick_record {
	enum record_task task;
	char *pending;      /* mutable half that waits for a record process to be started */
	char *text;         /* the one that a record process was started for, and is told when it listens */
	bool token_pending; /* as these two: the token is to be written to its own place */
	uint8_t token[STATEMENT_TOKEN_BYTES]; /* the newest that was to be written */
	char slot[PROVISION_TOKEN_BYTES];     /* what was read there, until the rest is; "" nothing */
	bool storing;                         /* what lies in the record is not certain: it is being written */
	bool doubted;                         /* a write failed: what lies there is to be read again */
	struct loop_timer *late;
};

struct stick {
	struct loop *loop;
	struct crew crew;
	struct machine machine;
	enum stick_event events[STICK_EVENTS_MAX];
	size_t event_count;
	bool draining;

	struct about about;
	struct provision provision;
	bool provisioned;
	struct whitelist *policy;       /* NULL until one is loaded */
	struct gateways *gateways;      /* the list in use */
	struct gateways *gateways_next; /* accepted beside a tunnel: in use from the next one on. NULL: none */
	uint64_t gateways_told;         /* version the wall knows, 0 none */
	uint8_t ca_der[STICK_CA_MAX_BYTES];
	size_t ca_der_size;
	struct stick_record record;
	char *offered; /* envelope that the policy process is looking at; kept if it says yes */

	bool screen_ready; /* the kiosk listens */
	struct loop_timer *screen_wait;
	int udev_fd, seat_fds[2];
	bool udev_listens, seat_listens;

	bool link_up;
	enum link_state link_state;
	char link_name[32];
	char link_detail[STICK_DETAIL_BYTES];
	struct wifi_report wifi;
	struct wifi_credential wifi_chosen; /* until it has worked, and is kept; ssid.size 0: none */
	char trouble[STICK_CODE_BYTES];     /* code of the last loss, for the step and the frozen page */
	struct stick_tunnel tunnel;
	struct stick_drain drain;
	char lost_gateway[WHITELIST_ID_BYTES];  /* tried last by the tunnel process that is being started, "" none */
	char agent_gateway[WHITELIST_ID_BYTES]; /* the one the agent is set up for, "" none */
	bool time_confirmed;
	bool clock_doubted;    /* the PC's own clock was far behind, or far from what the gateway says */
	uint64_t clock_back_s; /* by how much it was set back, until the gateway knows */
	struct stick_answer answer;

	/* a statement (stick_admit.c) */
	bool stating;       /* one is under way: from the question for a nonce to the answer */
	bool stating_waits; /* until the record is written */
	uint8_t statement[STATEMENT_MAX_BYTES];
	size_t statement_size;
	uint8_t token[STATEMENT_TOKEN_BYTES]; /* that certainly lies in the record */
	uint32_t lease_whole_s;               /* how long the last statement was to hold when it was made */
	struct loop_timer *stating_ends;
	struct stick_pin pin;

	struct stick_fetch fetch[FETCH_COUNT];
	struct stick_fetch
	    *asked; /* of these, under way: from the question to the agent to the policy process's word */
	struct loop_timer *lease, *fetching, *health, *goodbye;

	char chosen[WHITELIST_ID_BYTES]; /* the bank the customer pointed at last */
	struct stick_session session;
	uint32_t session_count, question_count;
	struct loop_timer *opening, *freezing;
	uint64_t refused[REFUSAL_COUNT];
	struct stick_attack attack;               /* the last one */
	uint64_t known_bad[INDICATOR_CATEGORIES]; /* of the refused hosts */
	uint64_t usb_refused[USB_WHAT_COUNT];
	struct stick_usb usb;
	struct stick_notice notices[STICK_NOTICES_MAX];
	struct stick_client clients[PROVISION_CLIENTS_MAX];
	size_t client_count;

	struct stick_step steps[STATE_COUNT];
};

/* --- the machine (launcherproc.c) --- */

void stick_raise(struct stick *s, enum stick_event event);

/* Start a process with all it needs to be told (stick_start.c). It is tried again later if that fails. */
void stick_start(struct stick *s, enum stick_process which);
/* What may be large is told to these when they listen. */
void stick_brief_policy(struct stick *s);
void stick_restart_screen(struct stick *s);
/* The tunnel is lost, or not there yet: by the newer list of gateways from now on, if one was accepted. */
void stick_turn_to_gateways(struct stick *s);
/* udevd and seatd now, the screen when both listen. 0 or -errno. */
int stick_open_screen(struct stick *s);

/* --- what to do (stick_actions.c) --- */

void stick_act(struct stick *s, enum stick_action action);
void stick_goodbye_said(struct stick *s);

/* --- what is heard (stick_inbox.c) --- */

int stick_hear(struct stick *s, enum stick_process from, struct msg *m);
/* The line of the start screen about the network, from what link said last. */
void stick_tell_link(struct stick *s);
/* What init relays from the guard of USB devices; `context` is the stick. */
int stick_hear_guard(struct msg *m, void *context);

/* --- the certificates that customers log in with (stick_clients.c) --- */

void stick_brief_clients(struct stick *s); /* to a key holder that has just begun */
int stick_hear_client(struct stick *s, struct msg *m);
/* Whose certificate a session of this bank may show, "" none. */
const char *stick_client_of(const struct stick *s, const struct whitelist_bank *bank);
/* Give the session's broker its way to the key holder, if there is a certificate. 0 or -errno. */
int stick_open_client(struct stick *s, const struct whitelist_bank *bank);
void stick_close_client(struct stick *s);

/* --- a token that a certificate's key is in (stick_token.c) --- */

/* The label in a key's name, as the record has it; "": the key is not in a token, or its name cannot be read. */
void stick_token_label(const char *key, char label[PKCS11_LABEL_BYTES + 1]);
/* Start its process if this session has one and the image can, and give the key holder its way there. 0 or -errno. */
int stick_start_token(struct stick *s);
int stick_hear_token(struct stick *s, struct msg *m);     /* from its process */
int stick_hear_key_token(struct stick *s, struct msg *m); /* from the key holder */
int stick_hear_token_pin(struct stick *s, struct msg *m);
void stick_token_died(struct stick *s);

/* --- refused hosts that are known to be bad (stick_indicators.c) --- */

void stick_ask_host(struct stick *s, const char *host, enum refusal reason);
int stick_hear_host(struct stick *s, struct msg *m);

/* --- the device record (stick_record.c) --- */

/* Write the mutable half, or the token. Both end in the token of `stick` being what lies there, whether that could be
 * done or not. */
void stick_store(struct stick *s);
void stick_store_token(struct stick *s);
int record_start(struct stick *s);
void record_not_started(struct stick *s, int error);
int record_hear_ready(struct stick *s, struct msg *m);
int record_hear_token(struct stick *s, struct msg *m);
int record_hear_content(struct stick *s, struct msg *m);
int record_hear_failed(struct stick *s, struct msg *m);
int record_hear_stored(struct stick *s, struct msg *m);
void record_died(struct stick *s);
void record_late(struct stick *s);

/* --- clock (stick_keep.c) --- */

/* Never below the image's date, the policy's, and what is kept of the times the gateway confirmed: what a gateway says
 * below it is not believed. */
uint64_t stick_time_floor(const struct stick *s);
/* Before the first handshake: to the floor, or to the last time that the gateway said. */
void stick_raise_clock(struct stick *s);
/*
 * The gateway's time: set the clock if it is off, remember, tell whoever checks dates. False: the clock was set back,
 * the gateway is told so and makes our peer anew; its next answer counts.
 */
bool stick_confirm_time(struct stick *s, uint64_t gateway_time);
/* --- a newer policy or list of gateways (stick_fetch.c) --- */

/* A newer one is announced, nobody asks for it yet, and it may be asked for now. */
bool fetch_is_due(const struct stick *s, enum fetch what);
/* True: the agent was asked for it, and in UPDATE an EVENT_UPDATED follows whatever becomes of it. */
bool fetch_begin(struct stick *s, enum fetch what);
/* What the one before was asked for and did not bring, within the time that is left for it. */
void fetch_agent_anew(struct stick *s);
void fetch_forget(struct stick *s); /* what is under way: the way up asks again */
void fetch_failed(struct stick *s, const char *why);
void fetch_refused(struct stick *s); /* by the policy process */
/* What was offered stands: keep it. */
void fetch_taken(struct stick *s, enum fetch what);
int fetch_hear(struct stick *s, struct msg *m);
int fetch_hear_not(struct stick *s, struct msg *m);

/* --- a gateway that is being emptied (stick_drain.c) --- */

int drain_hear(struct stick *s, struct msg *m);
void drain_look(struct stick *s);
void drain_late(struct stick *s);
void drain_goodbye_said(struct stick *s);
void drain_forget(struct stick *s);

/* --- admission (stick_admit.c) --- */

/* Begin a statement, unless one is under way or cannot be made now: the next beacon leads here again. */
void admission_ask(struct stick *s);
void admission_gave_up(struct stick *s);
int admission_hear_nonce(struct stick *s, struct msg *m);
int admission_hear_signature(struct stick *s, struct msg *m);
int admission_hear_not_stated(struct stick *s, struct msg *m);
/* The gateway has answered one: keep the token it hands out. */
void admission_answered(struct stick *s, const uint8_t *token, size_t token_size, uint32_t lease_s, uint8_t tries_left);
/* False: the customer has to call somebody, and waiting is of no use. */
bool admission_is_passing(enum admission_reason reason);
void admission_renew(struct stick *s, uint32_t lease_s);
void admission_next(struct stick *s, enum admission_reason reason);
void admission_locked(struct stick *s);

/* Answered by EVENT_UNLOCKED or EVENT_UNLOCK_REFUSED, when somebody has typed it if it is wanted. */
void pin_unlock(struct stick *s);
int pin_hear(struct stick *s, struct msg *m);
int pin_hear_done(struct stick *s, struct msg *m);
void pin_keyholder_died(struct stick *s);
void pin_state(struct stick *s);
void pin_hear_beacon(struct stick *s, enum admission_reason reason);

/* --- one bank at a time (stick_session.c) --- */

/* The customer's choice; an unknown bank is answered at once. */
void session_open(struct stick *s);
void session_progress(struct stick *s); /* broker or gateway said yes */
void session_fail(struct stick *s, const char *code);
void session_freeze(struct stick *s, bool frozen);
void session_thaw(struct stick *s);
void session_frozen(struct stick *s);
/* Nothing happens if there is none. Without a word to the kiosk. */
void session_end(struct stick *s);

/* --- what others are told (stick_tell.c) --- */

void stick_trouble(struct stick *s, const char *code); /* what the next loss is explained with */
/* Something that goes on but should be put right: on a card for the customer, once for each start and code, and in the
 * counts that the desk sees. */
void stick_notice(struct stick *s, const char *code);
void stick_count(struct stick *s, const char *code); /* for the desk alone */
void tell_step(struct stick *s, enum stick_state state, enum step_outcome outcome, const char *code,
	       const char *detail);
/* Why the gateway does not let us in, as it answered last. */
void tell_not_admitted(struct stick *s);
/* The start screen's lines when the machine goes from one state to another. */
void tell_way(struct stick *s, enum stick_state from);
void tell_everything(struct stick *s); /* to a kiosk that has just begun */
void tell_banks(struct stick *s);
void tell_tunnel(struct stick *s);
void tell_pin_ask(struct stick *s);
void tell_freeze(struct stick *s, bool frozen);
void tell_session(struct stick *s);
void tell_session_failed(struct stick *s, const char *bank, const char *code);
void tell_refused(struct stick *s, const char *host, enum refusal reason);
void tell_known_bad(struct stick *s, const char *host, enum indicator_category category);
void tell_usb_question(struct stick *s);
void tell_usb_refused(struct stick *s, uint8_t what);
void tell_token(struct stick *s, enum token_state state, enum token_tries tries);
void tell_kiosk(struct stick *s, enum message type);
void tell_init_clock(uint64_t unix_seconds);
void tell_init_power_off(void);
void tell_wall(struct stick *s);
void tell_agent_config(struct stick *s);
void tell_agent_health(struct stick *s);

#endif

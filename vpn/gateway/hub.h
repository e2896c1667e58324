/*
 * hub - what the store process knows and decides: the fleet, its database, the documents, who may do what. Kept apart
 * from storeproc.c, which owns the loop and the channels; messages leave through hub->send.
 */
#ifndef VPN_GATEWAY_HUB_H
#define VPN_GATEWAY_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "firmware/lib/buf.h"
#include "vpn/admission/reasons.h"
#include "vpn/gateway/audit.h"
#include "vpn/gateway/config.h"
#include "vpn/gateway/fleet.h"
#include "vpn/gateway/images.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/plan.h"
#include "vpn/gateway/store.h"
#include "whitelist/chain_fault.h"

/* How long an admission holds without a beacon; the stick beacons every 30 s. Its statement holds for admission-time of
 * gateway.conf(5), however many beacons come. */
#define HUB_VALID_S 90

#define HUB_REASON_MAX_BYTES 200 /* of what an operator gives as the reason of an act */

/* Why a beacon or another request of a stick was refused, and the beacons that were not. */
enum hub_count {
	COUNT_ADMITTED,
	COUNT_GOODBYE,
	COUNT_MALFORMED,
	COUNT_UNKNOWN,
	COUNT_REVOKED,
	COUNT_DEVICE_MISMATCH,
	COUNT_OLD_BEACON,
	COUNT_IMAGE_OLD,
	COUNT_IMAGE_UNKNOWN,
	COUNT_NO_STATEMENT,
	COUNT_HELD, /* copied, locked, without the keys it needs */
	COUNT_OTHER,
	COUNT_COUNT
};

/* Refusals that sticks report; what is not in hub_refusals counts as the last. */
enum { HUB_REFUSALS = 25 + CHAIN_FAULT_COUNT - 1 };
extern const char *const hub_refusals[HUB_REFUSALS];

struct hub_document {
	char *envelope; /* NULL: none */
	size_t size;
	uint64_t serial; /* another one for every other envelope, in the life of this process */
	uint64_t version;
	int64_t expires;   /* of the policy */
	bool pin;          /* the policy asks for one */
	char refused[640]; /* why the newest file was not taken, "" if it was */
};

/* Who looked at what last, so that a page that is kept open is one view. */
enum { HUB_VIEWS = 64 };
struct hub_view {
	int64_t at; /* 0: free */
	char who[OPERATOR_SIZE], what[CODE_SIZE], stick[STICK_ID_SIZE];
};

struct hub {
	struct config config;
	bool alone; /* be the tenant's only gateway in the database, or fail with -EBUSY */
	struct store *store;
	struct audit *audit;
	struct hub_alarms *alarms; /* hub_desk.h */
	struct hub_view views[HUB_VIEWS];
	struct fleet *fleet;
	struct plan plan;
	struct buf plan_wire; /* as it came */
	struct hub_document policy, gateways;
	struct images images;

	uint64_t beacons[COUNT_COUNT];
	uint64_t transitions[HEALTH_COUNT];
	uint64_t refusals[HUB_REFUSALS];
	uint64_t tried[TRIED_COUNT];
	uint64_t peers_renewed;
	unsigned peers_renewed_now; /* in this tick */
	uint64_t attacks;           /* that sticks reported as possible */
	uint64_t statements[REASON_COUNT];
	uint64_t logins_good, logins_bad;
	uint64_t restarts[GATEWAY_ROLES];
	uint64_t answers[ANSWER_VERDICTS], lookups_refused; /* of banks' questions */
	uint64_t proxy_us;                  /* whose connections are open (connection.h), 0 not known yet */
	int64_t forgotten;                  /* when old connections were last forgotten, unix seconds */
	int64_t drain_from, drain_until;    /* it is being emptied, by when; unix seconds, 0: it is not */
	uint64_t indicators;                /* entries in force */
	int64_t indicators_made;            /* unix seconds, 0 none */
	char indicators_refused[CODE_SIZE]; /* why a newer file was not taken, "" if it was */
	int64_t started;                    /* unix seconds */
	uint64_t revision;                  /* of what the desk sees: consoles are told when it has grown */
	bool has_work;                      /* hub_work() has something to do */
	int64_t work_id;                    /* the request it is at, and how far it is in its list */
	size_t work_at;

	uint64_t logins_rationed; /* not even looked at, since they were told of last */
	int64_t rationed_told;    /* unix seconds */
	char rationed_from[ENDPOINT_SIZE];
	int64_t login_tokens_ms; /* a bucket: log-in checks that may still be made, in milliseconds */
	int64_t login_filled_ms;

	/* Send to a process. False if it is not there just now; it gets all it needs when it comes back. */
	bool (*send)(struct hub *hub, enum gateway_role role, uint16_t type, uint32_t id, const struct writer *payload);
};

/* Open the database, read the fleet, make the first operator. `audit_pem` is the key that signs the audit log's
 * checkpoints, `witness` the file they are added to as well (-1: none). 0 or -errno. */
int hub_open(struct hub *hub, const char *audit_pem, int witness);
void hub_close(struct hub *hub);

int64_t hub_now(void); /* unix seconds */

/*
 * Changes and views (hub_audit.c). A change is made between hub_begin() and hub_end(), which takes the change's own
 * error, adds its event and, if somebody did it (`who`), its entry in the audit log, and commits, or undoes all of it.
 * hub_settle() commits, or undoes, what the caller put into the audit log itself.
 * hub_end_quietly() adds no event, for what the stick's state shows already. HUB_ITSELF is who decided where nobody
 * did. hub_note() is for what changed nothing else. What hub_viewed() cannot keep must not be shown. 0 or -errno.
 * hub_batch() and hub_batch_end() only put what is between them, which takes no transaction of its own, into one: a
 * commit waits for the disk, and a thousand of them hold up every beacon.
 */
#define HUB_ITSELF "gatewayd"
int hub_begin(struct hub *hub);
int hub_end(struct hub *hub, int error, const char *kind, const char *stick, const char *who, const char *detail);
int hub_settle(struct hub *hub, int error);
int hub_end_quietly(struct hub *hub, int error, const char *kind, const char *stick, const char *who,
		    const char *detail);
bool hub_batch(struct hub *hub);
void hub_batch_end(struct hub *hub, bool batch);
int hub_note(struct hub *hub, const char *kind, const char *stick, const char *who, const char *detail);
int hub_viewed(struct hub *hub, const char *who, const char *what, const char *stick);

/* Sticks (hub_sticks.c) */
void hub_beacon(struct hub *hub, uint32_t id, struct reader *r);
void hub_open_request(struct hub *hub, uint32_t id, struct reader *r);
void hub_fetch(struct hub *hub, uint32_t id, struct reader *r);
void hub_session_done(struct hub *hub, uint32_t id, struct reader *r);
void hub_tick(struct hub *hub);
void hub_count(struct hub *hub, const char *code);
/* A process that was just started gets what it has to know. */
void hub_brief_egress(struct hub *hub);
/* Registry changes, by the control socket. 0, or -errno with a sentence in `why`. */
int hub_stick_add(struct hub *hub, struct store_stick *row, const char *who, char *why, size_t why_size);
int hub_stick_revoke(struct hub *hub, const char *id, const char *who, char *why, size_t why_size);
/* The same in two steps, for many: into the caller's transaction, and once that is committed what follows from it. */
int hub_revoke_keep(struct hub *hub, const struct stick *stick, const char *who);
void hub_revoked(struct hub *hub, struct stick *stick);

/* Take the admission from those who have one and would get none now; their next beacon says why. */
void hub_hold_back(struct hub *hub);

/* Emptied for maintenance (hub_drain.c): in how many seconds this stick is to be gone, 0: it may stay. */
int hub_drain_load(struct hub *hub);
uint32_t hub_drain_s(const struct hub *hub, const struct stick *stick);

/* Peers (hub_peers.c): set or take one away; what WireGuard says of one; all of them, for a peers process that was just
 * started; and those made anew for their clock's sake: on the stick's word, and while it has no session. */
void hub_peer_set(struct hub *hub, const struct stick *stick, bool remove);
void hub_peer_status(struct hub *hub, struct reader *r);
void hub_brief_peers(struct hub *hub);
void hub_peer_clock(struct hub *hub, struct stick *stick, uint64_t back_s);
void hub_peer_tick(struct hub *hub, struct stick *stick, int64_t now);

/* What was refused of what sticks let out (hub_tried.c). */
void hub_tried(struct hub *hub, struct reader *r);
/* The last difference between this stick's enforcer and ours, as long as it is news: "let_out", "held_up",
 * "asked" or "". */
const char *hub_difference(const struct stick *stick);
/* Let in until the lease or the next beacon's time is over; refuse, and put out who is in (hub_sticks.c). */
void hub_admit(struct hub *hub, struct stick *stick);
void hub_refuse(struct hub *hub, struct stick *stick, enum admission_reason reason);

/* Admission (hub_admission.c) */
int hub_admissions_load(struct hub *hub);
void hub_nonce(struct hub *hub, uint32_t id, struct reader *r);
void hub_statement(struct hub *hub, uint32_t id, struct reader *r);
/* What a beacon of that boot is answered, images apart; and for how long the last statement still holds. */
enum admission_reason hub_standing(const struct hub *hub, const struct stick *stick, const char *boot);
uint32_t hub_lease_s(const struct stick *stick);
void hub_lease_end(struct hub *hub, struct stick *stick);
/* WireGuard has said where the stick is: the place of an admission just made, and an alarm that waited for it. */
void hub_place(struct hub *hub, struct stick *stick);

/* The public keys of a PIN letter; the second all zero where it has no PIN that calls for help. */
struct hub_letter {
	uint8_t pin_key[STATEMENT_PUBLIC_BYTES], duress_key[STATEMENT_PUBLIC_BYTES];
};

/* By the control socket or the console, each with a reason: 0, or -errno with a sentence in `why`. */
int hub_stick_unlock(struct hub *hub, const char *id, const char *reason, const char *who, char *why, size_t why_size);
int hub_stick_pin(struct hub *hub, const char *id, const struct hub_letter *letter, const char *reason, const char *who,
		  char *why, size_t why_size);
/* One that was copied: the token that comes next is believed, and its holder is the only one from then on. */
int hub_stick_release(struct hub *hub, const char *id, const char *reason, const char *who, char *why, size_t why_size);

/* Connections to banks, and banks' questions about them (hub_lookup.c). */
void hub_connections(struct hub *hub, struct reader *r);
void hub_lookup(struct hub *hub, struct reader *r);
void hub_lookup_refused(struct hub *hub, struct reader *r);
void hub_lookup_tick(struct hub *hub);
extern const char *const hub_answers[ANSWER_VERDICTS];

/* Images (hub_images.c). Changes by the control socket: 0, or -errno with a sentence in `why`. */
int hub_images_load(struct hub *hub);
int hub_image_floor(struct hub *hub, uint64_t version, const char *who, char *why, size_t why_size);
int hub_image_add(struct hub *hub, uint64_t version, const char *root_hash, const char *who, char *why,
		  size_t why_size);
int hub_image_remove(struct hub *hub, uint64_t version, const char *root_hash, const char *who, char *why,
		     size_t why_size);
/* Sticks in use whose image `images` would not admit. */
size_t hub_images_held_back(const struct hub *hub, const struct images *images);

/* Documents (hub_documents.c) */
void hub_brief_policy(struct hub *hub);
void hub_policy(struct hub *hub, struct reader *r);
void hub_plan(struct hub *hub, struct reader *r);
void hub_gateways(struct hub *hub, struct reader *r);
void hub_document_refused(struct hub *hub, struct reader *r);

/* Reports (hub_report.c): JSON, or the metrics' text. */
void hub_report_sticks(struct hub *hub, FILE *out);
void hub_report_documents(const struct hub *hub, FILE *out);
void hub_report_events(struct hub *hub, FILE *out, unsigned limit);
void hub_report_metrics(struct hub *hub, FILE *out);

/* Operators (hub_login.c) */
int hub_first_operator(struct hub *hub);
int hub_operator_password(struct hub *hub, const char *name, const char *who, char *password, size_t size);
/* What the console has to know of who logged in. */
struct hub_who {
	char role[CODE_SIZE];
	bool second_factor;
	int64_t changed; /* store_desk.h */
};
/* A log-in that the ration leaves no time for costs nothing: how many those were is one event a minute. */
void hub_login_tick(struct hub *hub);
bool hub_login(struct hub *hub, const char *name, const char *password, const char *code, const char *from,
	       struct hub_who *who);

/*
 * The control socket (hub_control.c): one JSON request of `account`, the kernel's word, and one JSON answer, written to
 * `out`. What the request says of itself under "who" (sudo's user) is kept behind a slash, as the note that it is.
 */
void hub_control(struct hub *hub, const char *account, const char *json, size_t size, FILE *out);

#endif

/*
 * wifi - what the stick's processes say to each other about Wi-Fi networks: a name, a protection, a strength.
 *
 * A name (SSID, IEEE Std 802.11-2020, 9.4.2.2) is 0 to 32 bytes of anybody's choosing, in no encoding: it is kept as
 * bytes, compared as bytes, and becomes text only by wifi_ssid_text(). Pure; payloads are written with buf.h.
 */
#ifndef LAUNCHER_WIFI_H
#define LAUNCHER_WIFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/buf.h"

enum {
	WIFI_SSID_BYTES = 32,
	WIFI_TEXT_BYTES = 4 * WIFI_SSID_BYTES + 1, /* the longest text of a name, with its NUL */
	WIFI_PASSWORD_BYTES = 64,                  /* with its NUL */
	WIFI_PASSWORD_LEAST = 8,                   /* a passphrase has 8 to 63 characters (IEEE Std 802.11-2020, J.4) */
	WIFI_NETWORKS_MAX = 32,                    /* shown; the strongest are */
	WIFI_KEPT_MAX = 8,                         /* in the record; the one joined longest ago makes room */
};

/* Numbers stand in messages and in the record. */
enum wifi_security {
	WIFI_OPEN,     /* none: whoever is near reads along, and anybody can be this network */
	WIFI_WPA2,     /* a password, WPA2 */
	WIFI_WPA3,     /* a password, WPA3 (SAE), with protected management frames; also where both are offered */
	WIFI_UNUSABLE, /* older than WPA2, or with accounts instead of a password: never joined */
	WIFI_SECURITY_COUNT
};

enum wifi_state {
	WIFI_ABSENT,  /* this PC has no Wi-Fi that runs here */
	WIFI_IDLE,    /* it has, and is in no network */
	WIFI_JOINING, /* the network `ssid` is being joined */
	WIFI_JOINED,
	WIFI_STATE_COUNT
};

/* Why the customer's last choice did not work. */
enum wifi_trouble {
	WIFI_FINE,
	WIFI_WRONG_PASSWORD, /* the network does not take it, or does not know it: a false one with the name, say */
	WIFI_NOT_FOUND,      /* no network near has this name and protection */
	WIFI_REFUSED,        /* it is there and does not let us in, or comes to no end */
	WIFI_TROUBLE_COUNT
};

struct wifi_ssid {
	uint8_t size;
	uint8_t bytes[WIFI_SSID_BYTES];
};

struct wifi_network {
	struct wifi_ssid ssid;
	enum wifi_security security;
	uint8_t strength; /* 0 to 100 */
};

struct wifi_report {
	enum wifi_state state;
	enum wifi_trouble trouble;
	struct wifi_ssid ssid; /* of the state or of the trouble; size 0: none */
	enum wifi_security security;
	struct wifi_network list[WIFI_NETWORKS_MAX]; /* strongest first; each name and protection once */
	size_t count;
};

/* All it takes to join. `password` is "" for an open network. */
struct wifi_credential {
	struct wifi_ssid ssid;
	enum wifi_security security;
	char password[WIFI_PASSWORD_BYTES];
};

struct wifi_kept {
	struct wifi_credential list[WIFI_KEPT_MAX]; /* the one joined last first */
	size_t count;
};

bool wifi_ssid_same(const struct wifi_ssid *a, const struct wifi_ssid *b);

/*
 * A name as text that is safe to draw: ASCII, Latin letters and Japanese as they are, every other byte, and every
 * character that is not to be seen, reorders its line or looks like an escape, as \xHH. Never empty. `out` holds
 * WIFI_TEXT_BYTES.
 */
void wifi_ssid_text(const struct wifi_ssid *ssid, char *out);

/* May these be joined with each other: a name, a protection, and a password that fits it? */
bool wifi_credential_fits(const struct wifi_credential *credential);

/* Put it first; the one that was kept for this name goes, or the last one where there is no more room. An open network
 * is not kept: anybody can be it. False then. */
bool wifi_keep(struct wifi_kept *kept, const struct wifi_credential *credential);

void wifi_report_write(struct writer *w, const struct wifi_report *report);
/* False: not a report; the reader has failed or has read what cannot be. */
bool wifi_report_read(struct reader *r, struct wifi_report *report);

void wifi_credential_write(struct writer *w, const struct wifi_credential *credential);
bool wifi_credential_read(struct reader *r, struct wifi_credential *credential);

#endif

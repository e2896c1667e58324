/*
 * whitelist - the signed policy: which banks exist, which hosts are theirs, and which certificates are believed there.
 *
 * The payload of an envelope of ENVELOPE_TYPE_POLICY, whitelist(5), is read only after the envelope was verified
 * (firmware/lib/envelope.h), and is still read strictly: unknown members, members given twice, counts and sizes over
 * the limits below, and anything that could be spelled in two ways are refused as a whole. Times are seconds since
 * 1970, UTC. Programs that use it link jansson and mbedx509.
 */
#ifndef WHITELIST_WHITELIST_H
#define WHITELIST_WHITELIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A country's banks: a hundred with a hundred hosts each take 3 MiB. What is kept of a policy lies in the stick's
 * memory several times while it is taken over, and twice in its record. */
#define WHITELIST_ENVELOPE_MAX_BYTES 4194304
#define GATEWAYS_ENVELOPE_MAX_BYTES  12288

#define WHITELIST_BANKS_MAX        128
#define WHITELIST_HOSTS_MAX        128 /* of a bank */
#define WHITELIST_PORTS_MAX        4   /* different ones of a bank: the broker gets a listener for each */
#define WHITELIST_CLIENT_HOSTS_MAX 16  /* of a bank, with client_certificate */
#define WHITELIST_ANCHORS_MAX      4   /* of a host */
#define WHITELIST_PINS_MAX         8   /* of a host */
#define WHITELIST_AUTHORITIES_MAX  128
#define WHITELIST_REVOKED_MAX      64
#define WHITELIST_ID_BYTES         33 /* with NUL, as all of these */
#define WHITELIST_NAME_BYTES       97
#define WHITELIST_HOST_BYTES       254
#define WHITELIST_URL_BYTES        513
#define WHITELIST_SUPPORT_BYTES    33
#define WHITELIST_PIN_BYTES        32

/* What is wrong with a payload, and where. */
enum whitelist_error {
	WHITELIST_OK = 0,
	WHITELIST_NOT_JSON,
	WHITELIST_FORMAT,  /* a format number this program does not know */
	WHITELIST_MISSING, /* a member is not there */
	WHITELIST_UNKNOWN_MEMBER,
	WHITELIST_WRONG_KIND, /* e.g. a string where a number belongs */
	WHITELIST_TOO_MANY,
	WHITELIST_TOO_FEW,
	WHITELIST_DUPLICATE,
	WHITELIST_BAD_ID,
	WHITELIST_BAD_TEXT,
	WHITELIST_BAD_VERSION,
	WHITELIST_BAD_DATE,
	WHITELIST_BAD_PERIOD, /* expires is not after issued */
	WHITELIST_BAD_HOST,
	WHITELIST_WIDE_WILDCARD, /* a wildcard over a public suffix */
	WHITELIST_BAD_PORT,
	WHITELIST_BAD_ROLE,
	WHITELIST_BAD_CERTIFICATE,
	WHITELIST_NOT_AUTHORITY, /* a certificate that may not sign others */
	WHITELIST_NO_SUCH_AUTHORITY,
	WHITELIST_BAD_PIN,
	WHITELIST_BAD_START,      /* not an https URL */
	WHITELIST_START_NOT_PAGE, /* its host is none of the bank's hosts of role page */
	WHITELIST_BAD_SUPPORT,
	WHITELIST_BAD_KEY,
	WHITELIST_BAD_ADDRESS,
	WHITELIST_NO_MEMORY,
	WHITELIST_ERROR_COUNT
};

#define WHITELIST_PATH_BYTES   128
#define WHITELIST_FAULT_BYTES  320
#define WHITELIST_ADVICE_BYTES 192

struct whitelist_fault {
	enum whitelist_error error;
	char path[WHITELIST_PATH_BYTES]; /* "banks[0].hosts[2].pins[1]"; "" for the whole */
	/* of whitelist_check() and gateways_check() alone: */
	size_t line, column;                 /* from 1; of what is missing, where it should be added */
	char advice[WHITELIST_ADVICE_BYTES]; /* what to write instead: "write \"page\" or \"asset\""; "" nothing to add
					      */
};

/* All faults of a text, in the order of the format. */
struct whitelist_faults {
	struct whitelist_fault *list; /* the caller's room */
	size_t capacity;
	size_t count; /* found; those over `capacity` are counted only */
};

/* A stable word ("bad_host"); and "PATH: sentence" into `text`, which is returned. */
const char *whitelist_error_code(enum whitelist_error error);
const char *whitelist_fault_text(const struct whitelist_fault *fault, char text[WHITELIST_FAULT_BYTES]);

/* A trust anchor: a CA certificate that hosts name. */
struct whitelist_authority {
	char id[WHITELIST_ID_BYTES];
	uint8_t *der;
	size_t der_size;
	uint8_t spki_sha256[WHITELIST_PIN_BYTES];
	int64_t not_after;
};

enum whitelist_role { ROLE_PAGE, ROLE_ASSET };

struct whitelist_host {
	char name[WHITELIST_HOST_BYTES]; /* lower-case A-labels; "*.x.example": one label in front */
	enum whitelist_role role;
	uint16_t ports[WHITELIST_PORTS_MAX];
	size_t port_count;
	const struct whitelist_authority *anchors[WHITELIST_ANCHORS_MAX]; /* of the same policy */
	size_t anchor_count;
	uint8_t pins[WHITELIST_PINS_MAX][WHITELIST_PIN_BYTES]; /* SHA-256 of SPKIs, at least two */
	size_t pin_count;
	bool client_certificate; /* it may be shown the customer's certificate */
};

struct whitelist_bank {
	char id[WHITELIST_ID_BYTES];
	char name_ja[WHITELIST_NAME_BYTES], name_en[WHITELIST_NAME_BYTES];
	char start[WHITELIST_URL_BYTES];
	char support[WHITELIST_SUPPORT_BYTES]; /* telephone */
	struct whitelist_host *hosts;
	size_t host_count;
	uint16_t ports[WHITELIST_PORTS_MAX]; /* of all its hosts, each once */
	size_t port_count;
};

struct whitelist {
	char tenant[WHITELIST_ID_BYTES];
	uint64_t version;
	int64_t issued, expires;
	bool pin; /* the customer's PIN is asked for */
	struct whitelist_authority authorities[WHITELIST_AUTHORITIES_MAX];
	size_t authority_count;
	uint8_t revoked[WHITELIST_REVOKED_MAX][WHITELIST_PIN_BYTES]; /* SHA-256 of SPKIs that no chain may hold */
	size_t revoked_count;
	struct whitelist_bank *banks;
	size_t bank_count;
	uint32_t *slots; /* of whitelist_index() */
	size_t slot_count;
};

/*
 * Parse a verified payload. 0 and *out (the caller's, whitelist_free()); or -EINVAL or -ENOMEM with *out NULL and
 * `fault` filled.
 */
int whitelist_parse(const uint8_t *payload, size_t size, struct whitelist **out, struct whitelist_fault *fault);
void whitelist_free(struct whitelist *whitelist); /* NULL is fine */

/* Make what whitelist_look_up() finds hosts by; whitelist_parse() has done it. 0 or -ENOMEM. */
int whitelist_index(struct whitelist *whitelist);

/*
 * For people who write a policy: the same judgement, with every fault, its line and what to write instead. 0, -EINVAL
 * or -ENOMEM, with `faults` filled.
 */
int whitelist_check(const uint8_t *payload, size_t size, struct whitelist_faults *faults);

const struct whitelist_bank *whitelist_bank(const struct whitelist *whitelist, const char *id); /* NULL: none */

/* May a session of `bank` reach `host`? */
enum whitelist_answer {
	WHITELIST_YES,
	WHITELIST_NO_BANK,    /* the policy has no such bank (any more) */
	WHITELIST_EXPIRED,    /* the policy's time is over: no host of any bank */
	WHITELIST_IP_LITERAL, /* an address, which no certificate check is made for */
	WHITELIST_NOT_LISTED,
	WHITELIST_OTHER_PORT, /* the name is listed, with other ports */
};

/*
 * `port` 0 asks for the name alone. On WHITELIST_YES *found (if not NULL) is the entry, part of `whitelist`. An exact
 * entry goes before a wildcard's. `host` in any other spelling than lower-case A-labels is not listed.
 */
enum whitelist_answer whitelist_look_up(const struct whitelist *whitelist, const char *bank, const char *host,
					uint16_t port, int64_t now, const struct whitelist_host **found);

/* May this policy replace `current`? */
enum whitelist_verdict {
	WHITELIST_NEWER,
	WHITELIST_SAME,         /* the version we have: nothing to do */
	WHITELIST_OLDER,        /* below the current version or the floor */
	WHITELIST_OUT_OF_DATE,  /* expired already */
	WHITELIST_OTHER_TENANT, /* somebody else's */
	WHITELIST_VERDICT_COUNT
};

/* `current` NULL: none yet. `floor`: the lowest version to take, 0 if none was ever kept. */
enum whitelist_verdict whitelist_accept(const struct whitelist *offered, const struct whitelist *current,
					uint64_t floor, int64_t now);
const char *whitelist_verdict_code(enum whitelist_verdict verdict);
const char *whitelist_verdict_text(enum whitelist_verdict verdict);

#endif

/*
 * messages - what the stick's processes say to each other, and the layout of each payload.
 *
 * Written with buf.h. s = string, b = blob, u8..u64 integers, in the order given. A payload that does not read to its
 * end exactly (reader_done) is a broken peer: the receiver ends, the launcher fails closed. Numbers never change
 * meaning; a retired one is not used again.
 */
#ifndef LAUNCHER_MESSAGES_H
#define LAUNCHER_MESSAGES_H

#include <stdbool.h>

#include "firmware/boot/messages.h"
#include "firmware/boot/record.h"
#include "firmware/lib/envelope.h"
#include "whitelist/chain_fault.h"
#include "whitelist/whitelist.h"

/* What carries a policy may be of several frames (msg.h), and is given this much room. All others fit one. */
#define RECORD_CONTENT_MAX_BYTES (RECORD_IMMUTABLE_MAX_BYTES + RECORD_MUTABLE_MAX_BYTES + 64)
#define RECORD_STORE_MAX_BYTES   (RECORD_MUTABLE_MAX_BYTES + 64)
#define POLICY_LOAD_MAX_BYTES                                                                                          \
	(ENVELOPE_ROOTS_MAX_BYTES + 2 * WHITELIST_ENVELOPE_MAX_BYTES + 2 * GATEWAYS_ENVELOPE_MAX_BYTES + 64)
#define POLICY_OFFER_MAX_BYTES  (WHITELIST_ENVELOPE_MAX_BYTES + 64)
#define POLICY_LOADED_MAX_BYTES (WHITELIST_ENVELOPE_MAX_BYTES + GATEWAYS_ENVELOPE_MAX_BYTES + 16384)
#define AGENT_FETCHED_MAX_BYTES (WHITELIST_ENVELOPE_MAX_BYTES + 64)
#define KIOSK_BANKS_MAX_BYTES   WHITELIST_ENVELOPE_MAX_BYTES

enum message {
	/* 1 to 19: firmware/boot/messages.h */

	/* record -> launcher (MSG_RECORD_*), see firmware/boot/record.h for the record itself */
	MSG_RECORD_CONTENT = 20, /* b immutable JSON, b mutable JSON ("" if none valid) */
	MSG_RECORD_FAILED = 21,  /* s reason */
	MSG_RECORD_STORE = 22,   /* launcher -> record --store: b mutable JSON */
	MSG_RECORD_STORED = 23,  /* u64 sequence */
	MSG_RECORD_TOKEN = 24,   /* b JSON of the token, before MSG_RECORD_CONTENT, where it lies in its own place */
	MSG_RECORD_STORE_TOKEN = 25, /* launcher -> record: b JSON of the token; answered as MSG_RECORD_STORE */

	/* link -> launcher */
	MSG_LINK_STATE = 30, /* u8 state (enum link_state), s interface, s detail for a person ("" none) */
	MSG_LINK_WIFI =
	    31, /* u8 state (enum wifi_state), u8 trouble (enum wifi_trouble), b name of the network, u8
		   security (enum wifi_security), u8 n, n x { b name, u8 security, u8 strength (0 to 100) } */

	/* launcher -> link; a credential is b name, u8 security, s password */
	MSG_LINK_WIFI_KEPT = 32, /* u8 n, n x credential: wpa_supplicant was started, and these may be joined */
	MSG_LINK_WIFI_LOOK = 33, /* u8 1: the customer looks at the list of networks; 0: no more */
	MSG_LINK_WIFI_JOIN = 34, /* credential: the customer's choice */

	/* launcher <-> tunnel */
	MSG_TUNNEL_CONFIG = 40, /* b private key(32), s address/prefix, u8 n, n x gateway { s id, b public key(32), s
				   inner address, u8 m, m x { s literal address, u16 port } }, u16 control port, u8 p, p
				   x u16 TCP port of the policy's banks */
	MSG_TUNNEL_STATE = 41,  /* u8 state (enum tunnel_state), s gateway id, s endpoint, u32 handshake_ms, u32 rtt_ms,
				   u32 loss_permille, s reason ("" none): what the operator should look at */
	MSG_TUNNEL_RETRY = 42,  /* launcher -> tunnel: - : the link came back, try from the first gateway now */
	MSG_TUNNEL_PORTS = 43,  /* launcher -> tunnel: u8 p, p x u16 TCP port: those of a newer policy */
	MSG_TUNNEL_LEAVE = 45,  /* launcher -> tunnel: - : the gateway is being emptied, try the others first */
	MSG_TUNNEL_RENEW = 44,  /* launcher -> tunnel: - : the clock was set back, shake hands anew */

	/* launcher <-> policy */
	MSG_POLICY_LOAD = 50, /* b roots JSON, b built-in policy envelope, b kept policy envelope ("" none), b gateways
				 envelope, b kept gateways ("" none), u64 now, u64 policy version accepted before, u64
				 gateways version accepted before */
	MSG_POLICY_LOADED = 51,  /* u64 version, u64 expires, u8 pin, b CA certificate PEM, b payload JSON of the policy
				    (for tiles), b payload JSON of the gateways, s note for the desk ("" none) */
	MSG_POLICY_REFUSED = 52, /* u8 what (0 none usable, 1 an offered one), s reason code, s sentence */
	MSG_POLICY_OFFER = 53,   /* b envelope (policy or gateways), u64 now: if newer and good, answered by
				    MSG_POLICY_LOADED, else MSG_POLICY_REFUSED */
	MSG_POLICY_SESSION =
	    54,              /* id = session; s bank; 1 fd: the broker's channel. Answers on it are of this bank only */
	MSG_POLICY_END = 55, /* id = session */
	MSG_POLICY_TIME = 56, /* u64 now: the gateway confirmed time */

	/* broker <-> policy, on the session's channel */
	MSG_QUERY_HOST = 60, /* id = query; s host (lower case A-labels), u16 port */
	MSG_ANSWER_NO = 61,  /* id = query; u8 reason (enum refusal) */
	MSG_ANSWER_YES =
	    62,              /* id = query; b anchors (concatenated DER, each u32-prefixed, as one blob), u8 n, n x b
				pin(32), u8 m, m x b revoked key's SHA-256(32), b leaf certificate DER, b leaf key DER (SEC1) */
	MSG_QUERY_NAME = 63, /* id = query; s host: may this name be resolved at all (any port)? answered by 61 or 64 */
	MSG_ANSWER_NAME = 64, /* id = query; - : yes */

	MSG_ANSWERS_OLD = 65, /* - : another policy stands; what was answered before is to be asked again */

	/* launcher <-> broker */
	MSG_BROKER_START = 70, /* id = session; s bank, s resolver address, b per-boot CA DER, u8 n, n x u16 port; fds:
				  policy channel, resolver UDP, resolver TCP, then one listener per port */
	MSG_BROKER_EVENT =
	    71, /* u8 kind (enum broker_event), s host, u8 reason (enum refusal), s detail for the desk, u8 n, n x b
		   SHA-256 of a key(32): those presented, the server's own first, where it may be an attack */
	MSG_BROKER_FREEZE = 72, /* u8 1: close every bank connection now and refuse new ones; 0: serve again */
	MSG_BROKER_FROZEN = 73, /* - : done, no bank byte moves any more */
	MSG_BROKER_CLIENT = 75, /* - ; 1 fd: the channel to the keyholder, for a bank that takes the customer's
				   certificate */
	MSG_BROKER_COUNTS = 74, /* u64 connections, u64 bytes up, u64 bytes down, u64 refused; each 10 s */
	MSG_BROKER_AHEAD = 76,  /* launcher -> broker: u8 n, n x { s host, u16 port }: the gateway has opened this bank,
				   and the browser will ask for these first: connect to them now */

	MSG_BROKER_RESOLVER = 77, /* launcher -> broker: s resolver address: of the gateway that the tunnel leads to
				     now; what was answered before is forgotten. While frozen */

	/* launcher <-> agent */
	MSG_AGENT_CONFIG =
	    80, /* s device id, s boot id(hex), s gateway inner address, u16 port, s server name, b certificate PEM, b
		   pin(32), s image version, b root hash(32), u64 policy version, u8 time_confirmed */
	MSG_AGENT_HEALTH = 81,    /* launcher -> agent, for the next beacon: b JSON object of health fields */
	MSG_AGENT_ADMISSION = 82, /* agent -> launcher: u8 state (enum admission), s reason, u64 gateway time, u32 valid
				     for seconds, u64 newest policy version, u64 newest gateways version, u32 lease: for
				     how many seconds the last statement holds, u8 it answers a statement, b next token
				     ("" none), u8 PIN tries left (255 not said) */
	MSG_AGENT_FETCH = 83,     /* launcher -> agent: u8 what (0 policy, 1 gateways) */
	MSG_AGENT_FETCHED = 84,   /* agent -> launcher: u8 what, b envelope */
	MSG_AGENT_NOT_FETCHED =
	    160,                /* agent -> launcher: u8 what, s sentence: it was tried once, and could not be had */
	MSG_AGENT_DRAIN = 161,  /* agent -> launcher: u32 seconds until the deadline, at least 1: the gateway is being
				   emptied, and this stick is to go to another one */
	MSG_AGENT_SESSION = 85, /* launcher -> agent: id = question; u8 open(1)/close(0), s bank */
	MSG_AGENT_SESSION_REPLY = 86, /* agent -> launcher: id = question; u8 ok, s reason */
	MSG_AGENT_ERROR = 87,         /* agent -> launcher: s sentence; it goes on trying */
	MSG_AGENT_BEACON_NOW = 88,    /* launcher -> agent: - */
	MSG_AGENT_GOODBYE = 89, /* launcher -> agent: - : say goodbye to the gateway (offline), then MSG_READY again */

	MSG_AGENT_HOST = 130,      /* launcher -> agent: s host: it was refused; is it known to be bad? */
	MSG_AGENT_KNOWN_BAD = 131, /* agent -> launcher: s host, u8 category (enum indicator_category): it is. No
				      answer comes for any other */

	/* launcher, agent <-> keyholder */
	MSG_KEY_LOAD = 90, /* launcher -> keyholder: b identity key(32) ("" : this stick has none), b PIN secret(32)
			      ("" none) */
	MSG_KEY_SIGN = 91, /* id = question; b a statement's bytes (vpn/admission/statement.h) */
	MSG_KEY_SIGNATURE = 92, /* id = question; b signature(64) ("" : no key), b PIN's signature(64) ("" : no PIN) */
	MSG_KEY_PIN = 146,      /* launcher -> keyholder: s PIN; "": forget the PIN's key */
	MSG_KEY_PIN_DONE =
	    147, /* keyholder -> launcher: u8 the PIN's key is made (right or wrong: nobody here knows) */

	/* launcher <-> agent: a statement */
	MSG_AGENT_ASK_NONCE = 140, /* launcher -> agent: - */
	MSG_AGENT_NONCE = 141,     /* agent -> launcher: s reason ("" good), b nonce(32) */
	MSG_AGENT_STATEMENT = 142, /* launcher -> agent: b statement, b signature, b PIN's signature ("" none); answered
				      by MSG_AGENT_ADMISSION or MSG_AGENT_NOT_STATED */
	MSG_AGENT_NOT_STATED = 143, /* agent -> launcher: - : nonce or statement could not be had or brought */

	/* launcher <-> kiosk: the PIN */
	MSG_KIOSK_PIN_ASK = 144, /* launcher -> kiosk: u8 ask (enum pin_ask), u8 tries left (255 not said), u8 the last
				    one was wrong */
	MSG_KIOSK_PIN = 145,     /* kiosk -> launcher: s digits */

	/* launcher <-> keyholder, and keyholder <-> broker on the session's channel */
	MSG_KEY_CLIENT = 93, /* launcher -> keyholder: s bank, b chain PEM with NUL, b key PEM or pkcs11:... with NUL:
				the certificate that the customer logs in to that bank with */
	MSG_KEY_CLIENT_KNOWN = 94,   /* keyholder -> launcher: s bank, s its subject: it can be used */
	MSG_KEY_SESSION = 95,        /* id = session; s bank, u8 n, n x s host (or wildcard) to prove it to; 1 fd: the
					broker's channel */
	MSG_KEY_SESSION_END = 96,    /* id = session */
	MSG_CLIENT_CERTIFICATE = 97, /* keyholder -> broker: u8 n, n x b DER, u8 n, n x s host */
	MSG_CLIENT_SIGN = 98,        /* id = question; u16 SignatureScheme, b handshake messages up to the client's
					CertificateVerify */
	MSG_CLIENT_SIGNATURE = 99,   /* id = question; b signature ("" : refused) */

	/* a certificate's key in a PKCS#11 token: launcher <-> token, keyholder <-> token (launcher/token) */
	MSG_KEY_TOKEN = 150,   /* launcher -> keyholder: - ; 1 fd: its channel to token */
	MSG_TOKEN_PIN = 151,   /* launcher -> token: s PIN, as the customer typed it; tried once */
	MSG_TOKEN_STATE = 152, /* token -> launcher: u8 state (enum token_state), u8 tries (enum token_tries): after a
				  PIN, and where it was asked for a signature and made none */
	MSG_TOKEN_SIGN = 153,  /* keyholder -> token: id = question; s key (pkcs11:...), u16 SignatureScheme, b
				  digest */
	MSG_TOKEN_SIGNATURE =
	    154, /* token -> keyholder: id = question; b signature, ECDSA's r and s bare ("" : none) */
	MSG_KEY_TOKEN_STATE = 155, /* keyholder -> launcher: id = session; u8 state: TOKEN_SILENT, TOKEN_OTHER_KEY or
				      TOKEN_NONE, which only the key holder sees */
	MSG_KIOSK_TOKEN = 156, /* launcher -> kiosk: u8 state, u8 tries, u32 wrong PINs so far in this session, s label
				  of the token as the record has it */
	MSG_KIOSK_TOKEN_PIN = 157, /* kiosk -> launcher: u32 wrong PINs that were told before it was typed, s PIN */

	/* launcher <-> kiosk */
	MSG_KIOSK_STEP = 100,    /* u8 state (enum stick_state), u8 outcome (enum step_outcome), s detail code (see
				    kiosk/strings), s detail */
	MSG_KIOSK_BANKS = 101,   /* b JSON array of { id, name: {ja, en}, start, support, hosts: [patterns of role page]
				    }, u8 devel image */
	MSG_KIOSK_OPEN = 102,    /* kiosk -> launcher: s bank: the customer chose a tile */
	MSG_KIOSK_SESSION = 103, /* launcher -> kiosk: id = session; s bank, s subject of the certificate that it may be
				    shown ("" none): broker is up, load the start page */
	MSG_KIOSK_SESSION_FAILED = 104, /* s bank, s reason code, s detail */
	MSG_KIOSK_CLOSE = 105,          /* kiosk -> launcher: - : the customer left the bank; back to the list */
	MSG_KIOSK_REFUSED = 106,        /* launcher -> kiosk: s host, u8 reason (enum refusal) */
	MSG_KIOSK_TUNNEL = 107,         /* launcher -> kiosk: u8 up, s gateway id */
	MSG_KIOSK_FREEZE = 108,         /* launcher -> kiosk: u8 frozen, s reason code */
	MSG_KIOSK_POWER_OFF = 109,      /* kiosk -> launcher: - ; launcher -> kiosk: we are going down */
	MSG_KIOSK_SESSION_ENDED = 110,  /* launcher -> kiosk: - */
	/* 111: retired */
	MSG_KIOSK_TURNED_AWAY = 112,  /* kiosk -> launcher: s host, u8 reason (enum refusal): a page led where this
					 bank does not, and the kiosk did not even ask for it: for the desk's count */
	MSG_KIOSK_KNOWN_BAD = 113,    /* launcher -> kiosk: s host, u8 category (enum indicator_category): a host that
					 was refused is known to be bad; it may come late, or never */
	MSG_KIOSK_USB_QUESTION = 118, /* launcher -> kiosk: as MSG_USB_QUESTION */
	MSG_KIOSK_USB_REFUSED = 119,  /* launcher -> kiosk: as MSG_USB_REFUSED */
	MSG_KIOSK_NOTICE = 123,       /* launcher -> kiosk: s code (see kiosk/strings): the stick goes on, and something
					 should be put right */
	MSG_KIOSK_WIFI = 120,         /* launcher -> kiosk: as MSG_LINK_WIFI */
	MSG_KIOSK_WIFI_LOOK = 121,    /* kiosk -> launcher: as MSG_LINK_WIFI_LOOK */
	MSG_KIOSK_WIFI_JOIN = 122,    /* kiosk -> launcher: as MSG_LINK_WIFI_JOIN */
};

/* The one state machine (launcher/states.h holds its table). */
enum stick_state {
	STATE_START,
	STATE_LINK,
	STATE_TUNNEL,
	STATE_TIME,
	STATE_UPDATE,
	STATE_UNLOCK,
	STATE_ADMITTED,
	STATE_READY,
	STATE_SESSION,
	STATE_END,
	STATE_COUNT
};

enum step_outcome { STEP_WAITING, STEP_DONE, STEP_TROUBLE, STEP_FAILED };

/* What the screen does about the PIN: nothing, ask for it, or wait until its key is made and judged. */
enum pin_ask { PIN_ASK_NOT, PIN_ASK_NOW, PIN_ASK_CHECKING };

enum link_state { LINK_NO_DEVICE, LINK_NO_CARRIER, LINK_WAITING_ADDRESS, LINK_UP };
enum tunnel_state { TUNNEL_DOWN, TUNNEL_CONNECTING, TUNNEL_UP };
enum admission { ADMISSION_REFUSED, ADMISSION_ADMITTED, ADMISSION_REVOKED, ADMISSION_UNKNOWN };

enum token_state {
	TOKEN_OPEN,
	TOKEN_WANTS_PIN,
	TOKEN_WRONG_PIN, /* and wants another */
	TOKEN_LOCKED,    /* after wrong ones; whoever issued it unlocks it */
	TOKEN_ABSENT,    /* not plugged in, or pulled out */
	TOKEN_FAILED,    /* it is there, open, and does not sign: it has no such key, or a broken one */
	/* as the key holder sees it: */
	TOKEN_OTHER_KEY, /* what it signed the certificate does not verify */
	TOKEN_SILENT,    /* it does not answer in time */
	TOKEN_NONE,      /* nobody here speaks to tokens: the image is one without, or that process is gone */
	TOKEN_STATES
};
/* What a token says of the tries that are left; many say nothing before the last but one. */
enum token_tries { TOKEN_TRIES_NOT_SAID, TOKEN_TRIES_FEW, TOKEN_TRIES_LAST, TOKEN_TRIES_COUNT };

/* Most tokens take no longer one; the typed characters are those of a keyboard, U+0020 to U+007E. */
enum { TOKEN_PIN_MIN = 4, TOKEN_PIN_MAX = 32 };

enum broker_event {
	BROKER_REFUSED,
	BROKER_BAD_CLIENT,
	BROKER_BANK_TROUBLE,
	BROKER_PIN_FAILURE,
	BROKER_CERTIFICATE,
	BROKER_ASKED_IN_VAIN, /* for the customer's certificate, which the policy does not name this host for: nothing
				 was refused, and the reason is REFUSAL_NONE */
	BROKER_EVENT_COUNT
};

/* Why a host is not reached. Each has a sentence for the customer (kiosk) and one for the operator (refusal_text). */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_NOT_LISTED, /* the name is not in this bank's list */
	REFUSAL_PORT,       /* the name is, the port is not */
	REFUSAL_EXPIRED_POLICY,
	REFUSAL_NO_SESSION,
	REFUSAL_IP_LITERAL,
	REFUSAL_BAD_HELLO,   /* not a ClientHello, no SNI, several SNIs, too large */
	REFUSAL_NO_ADDRESS,  /* the tunnel's resolver has no address for it */
	REFUSAL_UNREACHABLE, /* no TCP connection */
	REFUSAL_TIMEOUT,     /* connected, then no answer */
	REFUSAL_TLS,         /* handshake failed */
	/* whitelist/chain.def's first four rows: refusal_of_chain() */
	REFUSAL_CHAIN,        /* no chain to the host's own anchors */
	REFUSAL_NAME,         /* certificate is for another name */
	REFUSAL_DATES,        /* certificate not yet or no longer valid */
	REFUSAL_PIN,          /* chain good, no pin matches */
	REFUSAL_FROZEN,       /* tunnel or admission lost */
	REFUSAL_BAD_QUESTION, /* a DNS question that cannot be read */
	/* always the last: the other rows of whitelist/chain.def, in their order */
	REFUSAL_REVOKED,
	REFUSAL_COUNT = REFUSAL_REVOKED + CHAIN_FAULT_COUNT - CHAIN_REVOKED
};

/* A refusal for each thing that can be wrong with a bank's certificates. Back: CHAIN_GOOD for any other refusal. */
enum refusal refusal_of_chain(enum chain_fault fault);
enum chain_fault refusal_chain(enum refusal refusal);

const char *refusal_code(enum refusal refusal); /* "not_listed", ...: stable, for the desk and metrics */
const char *refusal_text(enum refusal refusal); /* English, for the operator */

#endif

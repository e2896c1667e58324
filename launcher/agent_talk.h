/*
 * agent_talk - the control API's JSON (vpn/gateway/control-api.yaml), written and read. Pure.
 *
 * A reply is the gateway's word, and still read strictly: bounded, every member that counts there and of its kind.
 * Members this version does not know are passed over, so that a newer gateway can talk to an older stick.
 */
#ifndef LAUNCHER_AGENT_TALK_H
#define LAUNCHER_AGENT_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/messages.h"
#include "vpn/admission/statement.h"

#define TALK_REPLY_MAX_BYTES  4096
#define TALK_REASON_MAX_BYTES 128
#define TALK_VALID_MAX_S      3600
#define TALK_DRAIN_MAX_S      86400

struct talk_self {
	char device[64], boot[64], image_version[32];
	uint8_t root_hash[32];
	uint64_t policy_version;
};

struct talk_admission {
	enum admission state;
	char reason[TALK_REASON_MAX_BYTES];
	uint64_t time, policy_version, gateways_version;
	uint32_t valid_s, lease_s;
	uint8_t token[STATEMENT_TOKEN_BYTES];
	bool has_token;
	uint8_t tries_left; /* TALK_TRIES_NOT_SAID */
	uint32_t drain_s;   /* it is to be at another gateway in so many seconds, 0: it may stay */
};

enum { TALK_TRIES_NOT_SAID = 255 };

/* What goes up to be admitted by: the bytes and their signatures. */
struct talk_statement {
	const uint8_t *bytes, *signature, *pin_signature;
	size_t size, signature_size, pin_signature_size; /* pin_signature_size 0: none */
};

/*
 * A beacon; `health` is a JSON object's text, whose members are added where they are not ours. New, the caller's;
 * NULL if there is no memory or `health` is not an object.
 */
char *talk_write_beacon(const struct talk_self *self, uint64_t sequence, const char *health, size_t health_size,
			bool goodbye);
char *talk_write_session(const char *bank, bool open); /* NULL: no memory */

char *talk_write_statement(const struct talk_statement *statement); /* NULL: no memory */

/* A nonce, or the gateway's reason why there is none; then `nonce` is as it was. 0, or -EINVAL with *wrong. */
int talk_read_nonce(const void *json, size_t size, uint8_t nonce[STATEMENT_NONCE_BYTES],
		    char reason[TALK_REASON_MAX_BYTES], const char **wrong);

/* 0, or -EINVAL with *wrong saying what. */
int talk_read_admission(const void *json, size_t size, struct talk_admission *admission, const char **wrong);
int talk_read_session(const void *json, size_t size, bool *ok, char reason[TALK_REASON_MAX_BYTES], const char **wrong);

/* The sentence of an error reply, "" if there is none that can be shown. */
void talk_read_error(const void *json, size_t size, char reason[TALK_REASON_MAX_BYTES]);

#endif

/*
 * admit - whether a statement admits a stick, and what is to be remembered of it. Pure: the row comes in and goes out,
 * and the caller keeps it before anybody hears the answer.
 *
 * One-time tokens. A row knows two: the one that was used last, and the next, which was handed out for it. Either is
 * taken; whichever is taken becomes the last used, and a fresh next one is drawn. So an answer that is lost, or one
 * that the stick could not store, costs nothing, and the token before is retired only when its successor is first used.
 * Two holders of one stick's keys cannot both go on: whatever one uses retires what the other has, at the latest the
 * second time. The gateway keeps tokens as SHA-256 only.
 */
#ifndef VPN_GATEWAY_ADMIT_H
#define VPN_GATEWAY_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/admission/reasons.h"
#include "vpn/admission/statement.h"
#include "vpn/gateway/images.h"
#include "vpn/gateway/store.h"

/* What arrived. */
struct admit_claim {
	const uint8_t *statement, *signature, *pin_signature;
	size_t statement_size, signature_size, pin_signature_size; /* pin_signature_size 0: none was given */
};

/* What is true at the gateway now. */
struct admit_facts {
	const char *gateway, *device;
	const uint8_t *identity_key; /* STATEMENT_PUBLIC_BYTES */
	const struct images *images;
	const uint8_t *nonce; /* STATEMENT_NONCE_BYTES, given out to this stick and not used; NULL: none */
	const uint8_t *next;  /* STATEMENT_TOKEN_BYTES of randomness: what an admission hands out */
	bool revoked;
	bool pin; /* the policy asks for one */
};

struct admit_verdict {
	enum admission_reason reason;
	struct statement statement; /* all zero where it was not believed */
	bool duress;                /* admitted, by the PIN that calls for help */
};

/* Judge in the order of enum admission_reason's dangers: what proves nothing changes nothing; a token out of its turn
 * costs no PIN try. `row` is brought to what is to be kept. */
void admit_judge(struct store_admission *row, const struct admit_claim *claim, const struct admit_facts *facts,
		 struct admit_verdict *verdict);

/* What stands against a stick before it says anything; REASON_NONE: nothing. */
enum admission_reason admit_standing(const struct store_admission *row, const struct admit_facts *facts);

/* A stick's row when it is registered: whatever token it comes with first is its own, also when another gateway's
 * database knew it before. */
void admit_new(struct store_admission *row);

/* Take a token and draw the next. False: it is out of its turn, and `row` is as it was. */
bool admit_token(struct store_admission *row, const uint8_t token[STATEMENT_TOKEN_BYTES],
		 const uint8_t next[STATEMENT_TOKEN_BYTES]);

bool admit_is_key(const uint8_t key[STATEMENT_PUBLIC_BYTES]);

#endif

#include "vpn/gateway/admit.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "vpn/admission/pin.h"

static bool hash_token(const uint8_t token[STATEMENT_TOKEN_BYTES], uint8_t hash[STATEMENT_HASH_BYTES])
{
	size_t size = 0;
	bool good = psa_hash_compute(PSA_ALG_SHA_256, token, STATEMENT_TOKEN_BYTES, hash, STATEMENT_HASH_BYTES,
				     &size) == PSA_SUCCESS;
	if (!good)
		memset(hash, 0, STATEMENT_HASH_BYTES); /* which no token has */
	return good;
}

void admit_new(struct store_admission *row) { *row = (struct store_admission){.adopt = true}; }

bool admit_is_key(const uint8_t key[STATEMENT_PUBLIC_BYTES]) { return key[0] == 4; }

bool admit_token(struct store_admission *row, const uint8_t token[STATEMENT_TOKEN_BYTES],
		 const uint8_t next[STATEMENT_TOKEN_BYTES])
{
	uint8_t hash[STATEMENT_HASH_BYTES];
	if (!hash_token(token, hash))
		return false;
	if (!row->adopt && memcmp(hash, row->token, sizeof hash) != 0 && memcmp(hash, row->next, sizeof hash) != 0)
		return false;
	row->adopt = false;
	memcpy(row->token, hash, sizeof hash);
	hash_token(next, row->next);
	return true;
}

/* Both keys are tried every time, a missing one as a key that nothing is signed with: the time taken tells nobody which
 * of the two PINs was typed, nor whether there is a second one. */
static bool check_pin(const struct store_admission *row, const struct admit_claim *c, bool *duress)
{
	/* the public key of 1: what it signs everybody could, and so it never counts */
	static const uint8_t nobody[STATEMENT_PUBLIC_BYTES] = {
	    4,    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
	    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
	    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
	bool has_duress = admit_is_key(row->duress_key);
	bool good = statement_verify(c->statement, c->statement_size, SIGNER_PIN, row->pin_key, c->pin_signature,
				     c->pin_signature_size);
	bool help = statement_verify(c->statement, c->statement_size, SIGNER_PIN, has_duress ? row->duress_key : nobody,
				     c->pin_signature, c->pin_signature_size);
	*duress = help && has_duress && !good;
	return good || *duress;
}

enum admission_reason admit_standing(const struct store_admission *row, const struct admit_facts *facts)
{
	if (facts->revoked)
		return REASON_REVOKED;
	if (!admit_is_key(facts->identity_key))
		return REASON_NO_IDENTITY;
	if (row->copied)
		return REASON_COPIED;
	if (facts->pin && !admit_is_key(row->pin_key))
		return REASON_PIN_NONE;
	return facts->pin && row->pin_failures >= PIN_TRIES ? REASON_PIN_LOCKED : REASON_NONE;
}

static enum admission_reason judge_image(const struct admit_facts *facts, const struct statement *statement)
{
	static const enum admission_reason reasons[] = {
	    [IMAGE_GOOD] = REASON_NONE, [IMAGE_OLD] = REASON_IMAGE_OLD, [IMAGE_UNKNOWN] = REASON_IMAGE_UNKNOWN};
	char root_hash[2 * STATEMENT_HASH_BYTES + 1];
	for (size_t i = 0; i < STATEMENT_HASH_BYTES; i++)
		snprintf(root_hash + 2 * i, 3, "%02x", statement->root_hash[i]);
	return reasons[images_judge(facts->images, statement->image_version, root_hash)];
}

/* What is said is this stick's own word, and said just now: everything that changes nothing. */
static enum admission_reason judge_word(const struct admit_claim *claim, const struct admit_facts *facts,
					struct statement *statement)
{
	if (facts->revoked)
		return REASON_REVOKED;
	if (!admit_is_key(facts->identity_key))
		return REASON_NO_IDENTITY;
	if (!statement_verify(claim->statement, claim->statement_size, SIGNER_IDENTITY, facts->identity_key,
			      claim->signature, claim->signature_size) ||
	    statement_decode(claim->statement, claim->statement_size, statement))
		return REASON_SIGNATURE;
	if (!facts->nonce || memcmp(statement->nonce, facts->nonce, STATEMENT_NONCE_BYTES) != 0)
		return REASON_NONCE;
	if (strcmp(statement->gateway, facts->gateway) != 0 || strcmp(statement->device, facts->device) != 0)
		return REASON_DEVICE_MISMATCH;
	return REASON_NONE;
}

static enum admission_reason judge_pin(struct store_admission *row, const struct admit_claim *claim, bool *duress)
{
	if (claim->pin_signature_size == 0)
		return REASON_PIN_WANTED;
	if (check_pin(row, claim, duress)) {
		row->pin_failures = 0;
		return REASON_NONE;
	}
	return ++row->pin_failures >= PIN_TRIES ? REASON_PIN_LOCKED : REASON_PIN_WRONG;
}

void admit_judge(struct store_admission *row, const struct admit_claim *claim, const struct admit_facts *facts,
		 struct admit_verdict *verdict)
{
	struct store_admission after = *row;
	*verdict = (struct admit_verdict){0};
	verdict->reason = judge_word(claim, facts, &verdict->statement);
	if (verdict->reason) {
		verdict->statement = (struct statement){0};
		return;
	}
	verdict->reason = admit_standing(row, facts);
	if (!verdict->reason)
		verdict->reason = judge_image(facts, &verdict->statement);
	if (verdict->reason)
		return;
	if (!admit_token(&after, verdict->statement.token, facts->next)) {
		row->copied = true;
		verdict->reason = REASON_COPIED;
		return;
	}
	if (facts->pin)
		verdict->reason = judge_pin(&after, claim, &verdict->duress);
	/* a token is used up by an admission, a try by a wrong PIN: never both */
	if (verdict->reason)
		row->pin_failures = after.pin_failures;
	else
		*row = after;
}

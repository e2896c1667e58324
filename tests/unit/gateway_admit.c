/* Statements judged: what each wrong one is refused for and what that costs; tokens with the power cut at every step.
 */
#include "tests/unit/unit.h"

#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/admission/pin.h"
#include "vpn/gateway/admit.h"

/* --- one stick and its gateway --- */

struct world {
	struct store_admission row;
	struct images images;
	uint8_t identity[STATEMENT_PRIVATE_BYTES], identity_public[STATEMENT_PUBLIC_BYTES];
	uint8_t pin[STATEMENT_PRIVATE_BYTES], duress[STATEMENT_PRIVATE_BYTES], wrong[STATEMENT_PRIVATE_BYTES];
	uint8_t nonce[STATEMENT_NONCE_BYTES], next[STATEMENT_TOKEN_BYTES];
	struct admit_facts facts;
	struct statement said;
};

static struct world w;

static int make(void **state)
{
	(void)state;
	uint8_t other[STATEMENT_PUBLIC_BYTES];
	w = (struct world){.said = {.gateway = "gw1", .device = "ST-000001", .boot = "b1", .image_version = "7"}};
	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	assert_int_equal(statement_new_key(w.identity, w.identity_public), 0);
	admit_new(&w.row);
	assert_int_equal(statement_new_key(w.pin, w.row.pin_key), 0);
	assert_int_equal(statement_new_key(w.duress, w.row.duress_key), 0);
	assert_int_equal(statement_new_key(w.wrong, other), 0);
	memset(w.nonce, 'n', sizeof w.nonce);
	memset(w.next, 1, sizeof w.next);
	memcpy(w.said.nonce, w.nonce, sizeof w.nonce);
	w.facts = (struct admit_facts){.gateway = "gw1",
				       .device = "ST-000001",
				       .identity_key = w.identity_public,
				       .images = &w.images,
				       .nonce = w.nonce,
				       .next = w.next,
				       .pin = true};
	return 0;
}

/* What the gateway says to the statement as it is now, signed with these keys; pin NULL: without. */
static enum admission_reason judge_signed(const uint8_t *identity, const uint8_t *pin, struct admit_verdict *verdict)
{
	uint8_t bytes[STATEMENT_MAX_BYTES], signature[STATEMENT_SIGNATURE_BYTES], second[STATEMENT_SIGNATURE_BYTES];
	int size = statement_encode(&w.said, bytes);
	assert_true(size > 0);
	assert_int_equal(statement_sign(&w.said, SIGNER_IDENTITY, identity, signature), 0);
	if (pin)
		assert_int_equal(statement_sign(&w.said, SIGNER_PIN, pin, second), 0);
	const struct admit_claim claim = {.statement = bytes,
					  .statement_size = (size_t)size,
					  .signature = signature,
					  .signature_size = sizeof signature,
					  .pin_signature = second,
					  .pin_signature_size = pin ? sizeof second : 0};
	admit_judge(&w.row, &claim, &w.facts, verdict);
	return verdict->reason;
}

static enum admission_reason judge(const uint8_t *pin)
{
	struct admit_verdict verdict;
	return judge_signed(w.identity, pin, &verdict);
}

/* Refused for that, and nothing is to be kept. */
static void refused_for(enum admission_reason reason, const uint8_t *pin)
{
	const struct store_admission before = w.row;
	assert_int_equal(judge(pin), reason);
	assert_memory_equal(&before, &w.row, sizeof before);
}

static void a_good_statement_admits(void **state)
{
	(void)state;
	struct admit_verdict verdict;
	assert_int_equal(judge_signed(w.identity, w.pin, &verdict), REASON_NONE);
	assert_string_equal(verdict.statement.boot, "b1");
	assert_false(verdict.duress);
	memcpy(w.said.token, w.next, sizeof w.said.token);
	assert_int_equal(judge(w.pin), REASON_NONE);
}

static void what_proves_nothing_changes_nothing(void **state)
{
	(void)state;
	struct admit_verdict verdict;
	const struct store_admission before = w.row;
	assert_int_equal(judge_signed(w.wrong, w.pin, &verdict), REASON_SIGNATURE);
	assert_int_equal(judge_signed(w.pin, w.pin, &verdict), REASON_SIGNATURE);
	assert_memory_equal(&before, &w.row, sizeof before);
	w.facts.nonce = NULL; /* used, or never given out */
	refused_for(REASON_NONCE, w.pin);
	w.facts.nonce = w.nonce;
	w.said.nonce[31] ^= 1;
	refused_for(REASON_NONCE, w.pin);
	w.said.nonce[31] ^= 1;
	strcpy(w.said.device, "ST-000002");
	refused_for(REASON_DEVICE_MISMATCH, w.pin);
	strcpy(w.said.device, "ST-000001");
	strcpy(w.said.gateway, "gw2");
	refused_for(REASON_DEVICE_MISMATCH, w.pin);
	strcpy(w.said.gateway, "gw1");
	w.facts.revoked = true;
	refused_for(REASON_REVOKED, w.pin);
	w.facts.revoked = false;
	w.images.floor = 8;
	refused_for(REASON_IMAGE_OLD, w.pin);
	w.images.floor = 7;
	assert_int_equal(images_add(&w.images, 7, "abababababababababababababababababababababababababababababababab"),
			 0);
	refused_for(REASON_IMAGE_UNKNOWN, w.pin);
	memset(w.said.root_hash, 0xab, sizeof w.said.root_hash);
	assert_int_equal(judge(w.pin), REASON_NONE);
	memset(w.identity_public, 0, sizeof w.identity_public);
	refused_for(REASON_NO_IDENTITY, w.pin);
}

static void every_altered_byte_is_noticed(void **state)
{
	(void)state;
	uint8_t bytes[STATEMENT_MAX_BYTES], signature[STATEMENT_SIGNATURE_BYTES];
	struct statement read;
	int size = statement_encode(&w.said, bytes);
	assert_int_equal(statement_decode(bytes, (size_t)size, &read), 0);
	assert_memory_equal(&read, &w.said, sizeof read);
	assert_int_equal(statement_sign(&w.said, SIGNER_IDENTITY, w.identity, signature), 0);
	assert_true(statement_verify(bytes, (size_t)size, SIGNER_IDENTITY, w.identity_public, signature, 64));
	assert_false(statement_verify(bytes, (size_t)size, SIGNER_PIN, w.identity_public, signature, 64));
	for (int i = 0; i < size; i++) {
		assert_int_not_equal(statement_decode(bytes, (size_t)i, &read), 0);
		bytes[i] ^= 1;
		assert_false(statement_verify(bytes, (size_t)size, SIGNER_IDENTITY, w.identity_public, signature, 64));
		bytes[i] ^= 1;
	}
	bytes[size] = 0;
	assert_int_not_equal(statement_decode(bytes, (size_t)size + 1, &read), 0);
}

/* --- PIN --- */

static void five_wrong_pins_lock(void **state)
{
	(void)state;
	for (unsigned i = 1; i < PIN_TRIES; i++) {
		assert_int_equal(judge(w.wrong), REASON_PIN_WRONG);
		assert_int_equal(w.row.pin_failures, i);
	}
	struct store_admission four = w.row;
	assert_int_equal(judge(w.pin), REASON_NONE); /* a right one begins the count again */
	assert_int_equal(w.row.pin_failures, 0);
	w.row = four;
	assert_int_equal(judge(w.wrong), REASON_PIN_LOCKED);
	refused_for(REASON_PIN_LOCKED, w.pin); /* and the right one is of no use any more, nor tells that it is right */
	w.row.pin_failures = 0;                /* an operator */
	assert_int_equal(judge(w.pin), REASON_NONE);
}

static void a_pin_is_asked_for_by_the_policy(void **state)
{
	(void)state;
	refused_for(REASON_PIN_WANTED, NULL);
	memset(w.row.pin_key, 0, sizeof w.row.pin_key);
	refused_for(REASON_PIN_NONE, w.pin);
	w.facts.pin = false;
	assert_int_equal(judge(NULL), REASON_NONE);
}

static void the_second_pin_admits_and_calls(void **state)
{
	(void)state;
	struct admit_verdict verdict;
	struct store_admission before = w.row;
	assert_int_equal(judge_signed(w.identity, w.duress, &verdict), REASON_NONE);
	assert_true(verdict.duress);
	struct store_admission by_duress = w.row;
	w.row = before;
	assert_int_equal(judge_signed(w.identity, w.pin, &verdict), REASON_NONE);
	assert_false(verdict.duress);
	assert_memory_equal(&by_duress, &w.row, sizeof by_duress); /* what follows from either is the same */
	memset(w.row.duress_key, 0, sizeof w.row.duress_key);
	assert_int_equal(judge_signed(w.identity, w.duress, &verdict), REASON_PIN_WRONG);
}

/* The stand-in for a missing second PIN is the generator, whose private key everybody knows. */
static void nobody_has_the_missing_second_pin(void **state)
{
	(void)state;
	struct admit_verdict verdict;
	uint8_t one[STATEMENT_PRIVATE_BYTES] = {[31] = 1};
	memset(w.row.duress_key, 0, sizeof w.row.duress_key);
	assert_int_equal(judge_signed(w.identity, one, &verdict), REASON_PIN_WRONG);
}

/* --- tokens --- */

static void a_token_out_of_turn_holds_and_costs_no_try(void **state)
{
	(void)state;
	assert_int_equal(judge(w.pin), REASON_NONE); /* hands out 1 */
	memset(w.said.token, 1, sizeof w.said.token);
	memset(w.next, 2, sizeof w.next);
	assert_int_equal(judge(w.pin), REASON_NONE); /* uses it, and retires the one before */
	memset(w.said.token, 0, sizeof w.said.token);
	assert_int_equal(judge(w.wrong), REASON_COPIED);
	assert_true(w.row.copied);
	assert_int_equal(w.row.pin_failures, 0);
	memset(w.said.token, 2, sizeof w.said.token);
	refused_for(REASON_COPIED, w.pin); /* the one whose turn it is, too */
	w.row.copied = false;
	w.row.adopt = true; /* an operator */
	assert_int_equal(judge(w.pin), REASON_NONE);
	assert_false(w.row.adopt);
}

static void a_wrong_pin_uses_no_token_up(void **state)
{
	(void)state;
	const struct store_admission before = w.row;
	assert_int_equal(judge(w.wrong), REASON_PIN_WRONG);
	assert_memory_equal(before.token, w.row.token, sizeof before.token);
	assert_memory_equal(before.next, w.row.next, sizeof before.next);
}

static uint32_t drawn; /* tokens are numbered: the first is 0 */

static void token_of(uint32_t number, uint8_t token[STATEMENT_TOKEN_BYTES])
{
	memset(token, 0, STATEMENT_TOKEN_BYTES);
	memcpy(token, &number, sizeof number);
}

/* What can become of one admission, from the question to the next one, power being cut at any of its steps. */
enum fate {
	GATEWAY_DIES_BEFORE_KEEPING, /* what was asked never happened */
	ANSWER_LOST,                 /* kept at the gateway; the stick asks again, or is started again */
	CUT_BEFORE_WRITING,          /* the answer came; the record has the old token */
	CUT_AFTER_WRITING,           /* the record has the new one; nobody was told */
	STORED,
	FATES
};

/* One holder asks with the token on its record, the only one it ever shows: stick_admit.c waits for the record. */
static bool admission(struct store_admission *row, uint32_t *on_record, enum fate fate)
{
	uint8_t token[STATEMENT_TOKEN_BYTES], next[STATEMENT_TOKEN_BYTES];
	struct store_admission after = *row;
	uint32_t handed_out = ++drawn;
	token_of(*on_record, token);
	token_of(handed_out, next);
	if (!admit_token(&after, token, next))
		return false;
	if (fate != GATEWAY_DIES_BEFORE_KEEPING)
		*row = after;
	if (fate == CUT_AFTER_WRITING || fate == STORED)
		*on_record = handed_out;
	return true;
}

static size_t walked;

static void walk(struct store_admission row, uint32_t on_record, int left)
{
	for (int fate = 0; fate < FATES && left > 0; fate++) {
		struct store_admission row_then = row;
		uint32_t record_then = on_record;
		assert_true(admission(&row_then, &record_then, (enum fate)fate));
		walked++;
		walk(row_then, record_then, left - 1);
	}
}

/* Every sequence of fates of six admissions: one holder is never taken for two. */
static void no_power_cut_makes_a_copy_of_one_stick(void **state)
{
	(void)state;
	drawn = 0;
	walked = 0;
	walk(w.row, 0, 6);
	assert_int_equal(walked, 5 + 25 + 125 + 625 + 3125 + 15625);
}

/* Two holders of one record. `own`: it has a token that the other has not; `later`: the other was admitted since. */
struct holder {
	uint32_t on_record;
	bool own, later;
};

static size_t caught;

static void walk_two(struct store_admission row, struct holder a, struct holder b, int left)
{
	for (int choice = 0; choice < 2 * FATES && left > 0; choice++) {
		struct holder holders[2] = {a, b};
		struct holder *asks = &holders[choice % 2], *other = &holders[!(choice % 2)];
		struct store_admission then = row;
		enum fate fate = (enum fate)(choice / 2);
		uint32_t before = asks->on_record;
		bool good = admission(&then, &asks->on_record, fate);
		/* admitted unless what it has was retired by the other: then it is noticed at once */
		if (asks->own && asks->later)
			assert_false(good);
		if (!good) {
			assert_true(asks->later);
			caught++;
			continue;
		}
		asks->own = asks->own || asks->on_record != before;
		asks->later = asks->later && fate == GATEWAY_DIES_BEFORE_KEEPING;
		other->later = other->later || fate != GATEWAY_DIES_BEFORE_KEEPING;
		walk_two(then, holders[0], holders[1], left - 1);
	}
}

static void two_holders_are_noticed(void **state)
{
	(void)state;
	struct holder both = {0};
	drawn = 0;
	caught = 0;
	walk_two(w.row, both, both, 5);
	assert_true(caught > 0);
	/* with nothing cut: the one that comes second is let in once, and then whoever comes next but the last is not
	 */
	struct store_admission row = w.row;
	uint32_t mine = 0, copy = 0;
	assert_true(admission(&row, &mine, STORED));
	assert_true(admission(&row, &copy, STORED));
	assert_false(admission(&row, &mine, STORED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_good_statement_admits, make),
	    cmocka_unit_test_setup(what_proves_nothing_changes_nothing, make),
	    cmocka_unit_test_setup(every_altered_byte_is_noticed, make),
	    cmocka_unit_test_setup(five_wrong_pins_lock, make),
	    cmocka_unit_test_setup(a_pin_is_asked_for_by_the_policy, make),
	    cmocka_unit_test_setup(the_second_pin_admits_and_calls, make),
	    cmocka_unit_test_setup(nobody_has_the_missing_second_pin, make),
	    cmocka_unit_test_setup(a_token_out_of_turn_holds_and_costs_no_try, make),
	    cmocka_unit_test_setup(a_wrong_pin_uses_no_token_up, make),
	    cmocka_unit_test_setup(no_power_cut_makes_a_copy_of_one_stick, make),
	    cmocka_unit_test_setup(two_holders_are_noticed, make),
	};
	return cmocka_run_group_tests_name("admit", tests, NULL, NULL);
}

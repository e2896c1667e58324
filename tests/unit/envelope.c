/* envelope.h and base64.h: every way an envelope can be wrong has its own error, and none gives a payload. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/envelope.h"

#define TYPE ENVELOPE_TYPE_POLICY

enum { KEYS = 4 }; /* the fourth is a stranger's */

static char private_pem[KEYS][ENVELOPE_PEM_MAX], public_pem[KEYS][ENVELOPE_PEM_MAX];
static struct envelope_roots roots;
static const char message[] = "{\"format\":1}";

static int make_roots(void **state)
{
	(void)state;
	for (int i = 0; i < KEYS; i++)
		if (envelope_key_generate(private_pem[i], public_pem[i]))
			return -1;
	json_t *tree =
	    json_pack("{s:i, s:[s, s, s]}", "threshold", 2, "keys", public_pem[0], public_pem[1], public_pem[2]);
	char *json = json_dumps(tree, 0);
	json_decref(tree);
	enum envelope_error error = envelope_roots_parse(json, strlen(json), &roots);
	free(json);
	return error ? -1 : 0;
}

/* An envelope over `message` signed by the keys named in `who`, e.g. "02". */
static char *signed_by(const char *who)
{
	char *text = NULL;
	for (; *who; who++) {
		char *more;
		assert_int_equal(envelope_sign(text, TYPE, (const uint8_t *)message, strlen(message),
					       private_pem[*who - '0'], &more),
				 0);
		free(text);
		text = more;
	}
	return text;
}

static enum envelope_error verify(const char *text, size_t size)
{
	uint8_t *payload;
	size_t payload_size;
	enum envelope_error error = envelope_verify(text, size, TYPE, &roots, &payload, &payload_size);
	if (error) {
		assert_null(payload);
		assert_int_equal(payload_size, 0);
	} else {
		assert_int_equal(payload_size, strlen(message));
		assert_string_equal((char *)payload, message);
	}
	free(payload);
	return error;
}

/* Verify after `edit` changed the envelope's JSON tree. */
static enum envelope_error verify_edited(const char *who, void (*edit)(json_t *tree))
{
	char *text = signed_by(who);
	json_t *tree = json_loads(text, 0, NULL);
	edit(tree);
	free(text);
	text = json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	enum envelope_error error = verify(text, strlen(text));
	free(text);
	return error;
}

static void two_of_three_are_enough(void **state)
{
	(void)state;
	static const char *const good[] = {"01", "10", "02", "12", "012", "301", "031"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char *text = signed_by(good[i]);
		assert_int_equal(verify(text, strlen(text)), ENVELOPE_OK);
		free(text);
	}
}

static void fewer_are_not(void **state)
{
	(void)state;
	static const char *const poor[] = {"0", "1", "3", "03", "30"};
	for (size_t i = 0; i < sizeof poor / sizeof *poor; i++) {
		char *text = signed_by(poor[i]);
		assert_int_equal(verify(text, strlen(text)), ENVELOPE_UNDER_THRESHOLD);
		free(text);
	}
}

static void edit_double(json_t *tree)
{
	json_t *list = json_object_get(tree, "signatures");
	json_array_append(list, json_array_get(list, 0));
}

static void edit_unsign(json_t *tree) { json_array_clear(json_object_get(tree, "signatures")); }
static void edit_drop_signatures(json_t *tree) { json_object_del(tree, "signatures"); }
static void edit_drop_payload(json_t *tree) { json_object_del(tree, "payload"); }
static void edit_add_member(json_t *tree) { json_object_set_new(tree, "note", json_string("hello")); }

static void edit_payload_kind(json_t *tree) { json_object_set_new(tree, "payload", json_integer(1)); }

static void edit_payload(json_t *tree)
{
	char text[BASE64_ENCODED_SIZE(sizeof message)];
	char other[] = "{\"format\":2}";
	base64_encode((const uint8_t *)other, strlen(other), text);
	json_object_set_new(tree, "payload", json_string(text));
}

static void edit_payload_not_base64(json_t *tree)
{
	json_object_set_new(tree, "payload", json_string("eyJmb3JtYXQiOjF9\n"));
}

static json_t *first_signature(json_t *tree) { return json_array_get(json_object_get(tree, "signatures"), 0); }

static void edit_sig_not_base64(json_t *tree)
{
	json_object_set_new(first_signature(tree), "sig", json_string("MEU*"));
}

static void edit_sig_not_der(json_t *tree)
{
	json_object_set_new(first_signature(tree), "sig", json_string("MEUCIQ=="));
}

static void edit_sig_member(json_t *tree) { json_object_set_new(first_signature(tree), "cert", json_string("x")); }

static void edit_keyid_upper(json_t *tree)
{
	json_t *signature = first_signature(tree);
	char *keyid = strdup(json_string_value(json_object_get(signature, "keyid")));
	for (char *c = keyid; *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	keyid[0] = 'A';
	json_object_set_new(signature, "keyid", json_string(keyid));
	free(keyid);
}

/* The second signature's bytes under the first one's key id. */
static void edit_swap_sig(json_t *tree)
{
	json_t *list = json_object_get(tree, "signatures");
	json_object_set(json_array_get(list, 0), "sig", json_object_get(json_array_get(list, 1), "sig"));
}

static void each_fault_has_its_error(void **state)
{
	(void)state;
	assert_int_equal(verify_edited("0", edit_double), ENVELOPE_SIGNED_TWICE);
	assert_int_equal(verify_edited("01", edit_double), ENVELOPE_SIGNED_TWICE);
	assert_int_equal(verify_edited("01", edit_unsign), ENVELOPE_UNSIGNED);
	assert_int_equal(verify_edited("01", edit_drop_signatures), ENVELOPE_UNSIGNED);
	assert_int_equal(verify_edited("01", edit_drop_payload), ENVELOPE_MALFORMED);
	assert_int_equal(verify_edited("01", edit_add_member), ENVELOPE_MALFORMED);
	assert_int_equal(verify_edited("01", edit_payload_kind), ENVELOPE_MALFORMED);
	assert_int_equal(verify_edited("01", edit_payload), ENVELOPE_ALTERED);
	assert_int_equal(verify_edited("01", edit_payload_not_base64), ENVELOPE_BAD_BASE64);
	assert_int_equal(verify_edited("01", edit_sig_not_base64), ENVELOPE_BAD_BASE64);
	assert_int_equal(verify_edited("01", edit_sig_not_der), ENVELOPE_BAD_SIGNATURE);
	assert_int_equal(verify_edited("012", edit_sig_not_der), ENVELOPE_OK);
	assert_int_equal(verify_edited("01", edit_sig_member), ENVELOPE_MALFORMED);
	assert_int_equal(verify_edited("01", edit_keyid_upper), ENVELOPE_MALFORMED);
	assert_int_equal(verify_edited("01", edit_swap_sig), ENVELOPE_ALTERED);
}

static void the_type_is_signed_and_compared(void **state)
{
	(void)state;
	char *text = signed_by("01");
	uint8_t *payload;
	size_t size;
	assert_int_equal(envelope_verify(text, strlen(text), ENVELOPE_TYPE_GATEWAYS, &roots, &payload, &size),
			 ENVELOPE_WRONG_TYPE);
	assert_null(payload);
	json_t *tree = json_loads(text, 0, NULL);
	json_object_set_new(tree, "payloadType", json_string(ENVELOPE_TYPE_GATEWAYS));
	char *retyped = json_dumps(tree, 0);
	assert_int_equal(envelope_verify(retyped, strlen(retyped), ENVELOPE_TYPE_GATEWAYS, &roots, &payload, &size),
			 ENVELOPE_ALTERED);
	assert_null(payload);
	json_decref(tree);
	free(retyped);
	free(text);
}

static void every_shorter_text_is_refused(void **state)
{
	(void)state;
	char *text = signed_by("01");
	size_t size = strlen(text);
	for (size_t cut = 0; cut < size; cut++) {
		char *part = malloc(cut + 1); /* exact size, so that ASan sees a read past the end */
		memcpy(part, text, cut);
		char *exact = realloc(part, cut > 0 ? cut : 1);
		assert_int_equal(verify(exact, cut), ENVELOPE_NOT_JSON);
		free(exact);
	}
	free(text);
}

/* Whatever single byte is changed, the payload never comes out different from the signed one: verify() compares. */
static void no_changed_byte_gives_another_payload(void **state)
{
	(void)state;
	char *text = signed_by("01");
	size_t size = strlen(text), accepted = 0;
	for (size_t at = 0; at < size; at++) {
		char kept = text[at];
		text[at] = (char)(kept ^ 0x01);
		accepted += verify(text, size) == ENVELOPE_OK;
		text[at] = kept;
	}
	assert_int_equal(accepted, 0);
	free(text);
}

static void what_is_not_one_object_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
					    " ",
					    "null",
					    "[]",
					    "1",
					    "\"x\"",
					    "{",
					    "{}{}",
					    "{} x",
					    "\xff\xfe{}",
					    "{\"payload\":\"\",\"payload\":\"\"}",
					    "<html></html>"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(verify(texts[i], strlen(texts[i])), ENVELOPE_NOT_JSON);
	assert_int_equal(verify("{}", 2), ENVELOPE_MALFORMED);
	assert_int_equal(verify("{\"a\\u0000\":1}", 13), ENVELOPE_NOT_JSON);
}

static void oversize_is_not_read(void **state)
{
	(void)state;
	size_t size = ENVELOPE_MAX_BYTES;
	char *signed_text = signed_by("01"), *text = malloc(size + 1);
	memset(text, ' ', size + 1);
	memcpy(text, signed_text, strlen(signed_text)); /* NOLINT(bugprone-not-null-terminated-result) */
	assert_int_equal(verify(text, size), ENVELOPE_OK);
	assert_int_equal(verify(text, size + 1), ENVELOPE_TOO_LARGE);
	free(signed_text);
	free(text);
}

static void der_has_one_spelling(void **state)
{
	(void)state;
	char *text = signed_by("0");
	struct envelope envelope;
	assert_int_equal(envelope_open(text, strlen(text), &envelope), ENVELOPE_OK);
	free(text);
	const struct envelope_key *key = &roots.keys[0];
	struct envelope_signature *signature = &envelope.signatures[0];
	const struct envelope_signature good = *signature;
	assert_int_equal(envelope_check_signature(&envelope, 0, key), ENVELOPE_OK);
	for (size_t size = 0; size < good.der_size; size++) {
		signature->der_size = size;
		assert_int_equal(envelope_check_signature(&envelope, 0, key), ENVELOPE_BAD_SIGNATURE);
	}
	/* one byte more behind; long form of the length; a superfluous zero before r; negative r; zero r */
	*signature = good;
	if (good.der_size < ENVELOPE_SIGNATURE_MAX) {
		signature->der_size++;
		assert_int_equal(envelope_check_signature(&envelope, 0, key), ENVELOPE_BAD_SIGNATURE);
	}
	static const struct {
		uint8_t der[16];
		size_t size;
		enum envelope_error error;
	} cases[] = {
	    {{0x30, 0x06, 2, 1, 1, 2, 1, 1}, 8, ENVELOPE_ALTERED},
	    {{0x30, 0x81, 0x06, 2, 1, 1, 2, 1, 1}, 9, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x07, 2, 2, 0, 1, 2, 1, 1}, 9, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x06, 2, 1, 0x81, 2, 1, 1}, 8, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x06, 2, 1, 0, 2, 1, 1}, 8, ENVELOPE_BAD_SIGNATURE},
	    {{0x31, 0x06, 2, 1, 1, 2, 1, 1}, 8, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x06, 4, 1, 1, 2, 1, 1}, 8, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x06, 2, 0, 2, 2, 1, 1}, 8, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x06, 2, 5, 1, 2, 1, 1}, 8, ENVELOPE_BAD_SIGNATURE},
	    {{0x30, 0x09, 2, 1, 1, 2, 1, 1, 2, 1, 1}, 11, ENVELOPE_BAD_SIGNATURE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(signature->der, cases[i].der, sizeof cases[i].der);
		signature->der_size = cases[i].size;
		assert_int_equal(envelope_check_signature(&envelope, 0, key), cases[i].error);
	}
	envelope_close(&envelope);
}

static void signing_refuses_what_it_must(void **state)
{
	(void)state;
	char *text = signed_by("0"), *more = NULL;
	const uint8_t *payload = (const uint8_t *)message;
	size_t size = strlen(message);
	assert_int_equal(envelope_sign(text, TYPE, payload, size, private_pem[0], &more), -EEXIST);
	assert_int_equal(envelope_sign(text, TYPE, payload, size - 1, private_pem[1], &more), -EBADMSG);
	assert_int_equal(envelope_sign(text, ENVELOPE_TYPE_GATEWAYS, payload, size, private_pem[1], &more), -EBADMSG);
	assert_int_equal(envelope_sign("{", TYPE, payload, size, private_pem[1], &more), -EBADMSG);
	assert_int_equal(envelope_sign(text, TYPE, payload, size, public_pem[1], &more), -EKEYREJECTED);
	assert_int_equal(envelope_sign(text, TYPE, payload, size, "no key", &more), -EKEYREJECTED);
	assert_null(more);
	free(text);
}

static enum envelope_error parse_roots(json_t *tree)
{
	struct envelope_roots parsed;
	char *text = json_dumps(tree, 0);
	json_decref(tree);
	enum envelope_error error = envelope_roots_parse(text, strlen(text), &parsed);
	assert_int_equal(parsed.key_count > 0, error == ENVELOPE_OK);
	free(text);
	return error;
}

static void roots_are_checked(void **state)
{
	(void)state;
	const char *a = public_pem[0], *b = public_pem[1];
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s]}", "threshold", 2, "keys", a, b)), ENVELOPE_OK);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s]}", "threshold", 1, "keys", a, b)), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s]}", "threshold", 3, "keys", a, b)), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s]}", "threshold", 2, "keys", a, a)), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s, s]}", "threshold", 2, "keys", a, b, a)),
			 ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s]}", "threshold", 2, "keys", a)), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s]}", "threshold", 2, "keys", a, "x")), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s]}", "threshold", 2, "keys", a, private_pem[1])),
			 ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_pack("{s:i, s:[s, s], s:i}", "threshold", 2, "keys", a, b, "x", 1)),
			 ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse_roots(json_array()), ENVELOPE_NOT_JSON);
}

/* The DSSE specification's own example; the digest from sha256sum(1). */
static void the_signed_bytes_are_those_of_dsse(void **state)
{
	(void)state;
	static const uint8_t expected[32] = {0x21, 0x77, 0x51, 0xfa, 0xc2, 0xc4, 0xf1, 0x4e, 0xdb, 0x2c, 0x92,
					     0x97, 0xfb, 0xc3, 0x4a, 0xbc, 0xb0, 0x16, 0xba, 0x88, 0xe7, 0x47,
					     0x57, 0xe8, 0x75, 0xec, 0x4a, 0xc1, 0x6f, 0xb6, 0xb6, 0xa1};
	uint8_t digest[32];
	assert_int_equal(envelope_digest("http://example.com/HelloWorld", (const uint8_t *)"hello world", 11, digest),
			 0);
	assert_memory_equal(digest, expected, sizeof digest);
}

/* RFC 4648 section 10, and spellings that must not pass. */
static void base64_is_strict(void **state)
{
	(void)state;
	static const char *const vectors[][2] = {{"", ""},
						 {"f", "Zg=="},
						 {"fo", "Zm8="},
						 {"foo", "Zm9v"},
						 {"foob", "Zm9vYg=="},
						 {"fooba", "Zm9vYmE="},
						 {"foobar", "Zm9vYmFy"}};
	char text[16];
	uint8_t data[16];
	size_t size;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		base64_encode((const uint8_t *)vectors[i][0], strlen(vectors[i][0]), text);
		assert_string_equal(text, vectors[i][1]);
		assert_int_equal(base64_decode(text, strlen(text), data, sizeof data, &size), 0);
		assert_int_equal(size, strlen(vectors[i][0]));
		assert_memory_equal(data, vectors[i][0], size);
	}
	static const char *const wrong[] = {
	    "Zg=", "Zg", "Zh==", "Zm9=", "====", "=Zg=", "Z===", "Zm9v\n", "Zm 9", "Zm9_", "Zg==Zg=="};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(base64_decode(wrong[i], strlen(wrong[i]), data, sizeof data, &size), -EINVAL);
	assert_int_equal(base64_decode("Zm9v", 4, data, 2, &size), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64_is_strict),
	    cmocka_unit_test(the_signed_bytes_are_those_of_dsse),
	    cmocka_unit_test(roots_are_checked),
	    cmocka_unit_test(two_of_three_are_enough),
	    cmocka_unit_test(fewer_are_not),
	    cmocka_unit_test(each_fault_has_its_error),
	    cmocka_unit_test(the_type_is_signed_and_compared),
	    cmocka_unit_test(every_shorter_text_is_refused),
	    cmocka_unit_test(no_changed_byte_gives_another_payload),
	    cmocka_unit_test(what_is_not_one_object_is_refused),
	    cmocka_unit_test(oversize_is_not_read),
	    cmocka_unit_test(der_has_one_spelling),
	    cmocka_unit_test(signing_refuses_what_it_must),
	};
	return cmocka_run_group_tests(tests, make_roots, NULL);
}

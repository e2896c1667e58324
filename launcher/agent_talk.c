#include "launcher/agent_talk.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"

static const int64_t number_max = INT64_C(1) << 53; /* what every JSON reader takes exactly */

static void hex(const uint8_t *data, size_t size, char *out)
{
	for (size_t i = 0; i < size; i++)
		snprintf(out + 2 * i, 3, "%02x", data[i]);
}

static char *dump(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return text;
}

char *talk_write_beacon(const struct talk_self *self, uint64_t sequence, const char *health, size_t health_size,
			bool goodbye)
{
	char root_hash[2 * sizeof self->root_hash + 1];
	hex(self->root_hash, sizeof self->root_hash, root_hash);
	json_t *beacon =
	    json_pack("{s:s, s:s, s:I, s:{s:s, s:s}, s:I, s:b}", "device", self->device, "boot", self->boot, "sequence",
		      (json_int_t)sequence, "image", "version", self->image_version, "root_hash", root_hash,
		      "policy_version", (json_int_t)self->policy_version, "goodbye", goodbye);
	json_t *more = health_size > 0 ? json_loadb(health, health_size, JSON_REJECT_DUPLICATES, NULL) : json_object();
	if (!json_is_object(more) || json_object_update_missing(beacon, more) < 0) {
		json_decref(beacon);
		beacon = NULL;
	}
	json_decref(more);
	return dump(beacon);
}

char *talk_write_session(const char *bank, bool open)
{
	return dump(json_pack("{s:s, s:b}", "bank", bank, "open", open));
}

char *talk_write_statement(const struct talk_statement *statement)
{
	char bytes[BASE64_ENCODED_SIZE(STATEMENT_MAX_BYTES)], signature[BASE64_ENCODED_SIZE(STATEMENT_SIGNATURE_BYTES)];
	char pin[sizeof signature];
	if (statement->size > STATEMENT_MAX_BYTES || statement->signature_size > STATEMENT_SIGNATURE_BYTES ||
	    statement->pin_signature_size > STATEMENT_SIGNATURE_BYTES)
		return NULL;
	base64_encode(statement->bytes, statement->size, bytes);
	base64_encode(statement->signature, statement->signature_size, signature);
	base64_encode(statement->pin_signature, statement->pin_signature_size, pin);
	json_t *json = json_pack("{s:s, s:s}", "statement", bytes, "signature", signature);
	if (json && statement->pin_signature_size > 0)
		json_object_set_new(json, "pin_signature", json_string(pin));
	wipe(bytes, sizeof bytes); /* the token is in it */
	return dump(json);
}

static json_t *load(const void *json, size_t size, const char **wrong)
{
	json_t *object = size <= TALK_REPLY_MAX_BYTES ? json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (json_is_object(object))
		return object;
	json_decref(object);
	*wrong = size > TALK_REPLY_MAX_BYTES ? "the reply is too large" : "the reply is not a JSON object";
	return NULL;
}

/* Printable ASCII: it is shown on screens and written to logs. */
static bool copy_text(const json_t *text, char *out, size_t capacity)
{
	const char *value = json_string_value(text);
	size_t size = json_string_length(text);
	out[0] = '\0';
	if (!value || size >= capacity)
		return false;
	for (size_t i = 0; i < size; i++)
		if (value[i] < ' ' || value[i] > '~')
			return false;
	memcpy(out, value, size + 1);
	return true;
}

static bool read_number(const json_t *object, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(object, name);
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || number < 0 || number > number_max)
		return false;
	*out = (uint64_t)number;
	return true;
}

static bool read_state(const json_t *object, enum admission *state)
{
	static const char *const names[] = {[ADMISSION_REFUSED] = "refused",
					    [ADMISSION_ADMITTED] = "admitted",
					    [ADMISSION_REVOKED] = "revoked",
					    [ADMISSION_UNKNOWN] = "unknown"};
	const char *name = json_string_value(json_object_get(object, "state"));
	for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*state = (enum admission)i;
		return true;
	}
	return false;
}

/* 32 bytes in base64; "" and an absent one leave *there false. */
static bool read_32(const json_t *object, const char *name, uint8_t out[32], bool *there)
{
	size_t size = 0;
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	*there = text && text[0];
	if (!value || (text && !text[0]))
		return true;
	return text && base64_decode(text, json_string_length(value), out, 32, &size) == 0 && size == 32;
}

static const char *wrong_member(const json_t *object, struct talk_admission *admission)
{
	uint64_t valid_s, lease_s = 0, tries_left = TALK_TRIES_NOT_SAID, drain_s = 0;
	const json_t *reason = json_object_get(object, "reason");
	if (!read_state(object, &admission->state))
		return "the reply has no state that is known";
	if (reason && !copy_text(reason, admission->reason, sizeof admission->reason))
		return "the reply's reason cannot be read";
	if (!read_number(object, "time", &admission->time))
		return "the reply has no time";
	if (!read_number(object, "valid_s", &valid_s) || valid_s > TALK_VALID_MAX_S)
		return "the reply does not say for how long it is valid";
	if (!read_number(object, "policy_version", &admission->policy_version) ||
	    !read_number(object, "gateways_version", &admission->gateways_version))
		return "the reply does not name the newest versions";
	if (json_object_get(object, "lease_s") &&
	    (!read_number(object, "lease_s", &lease_s) || lease_s > TALK_VALID_MAX_S))
		return "the reply's lease cannot be read";
	if (json_object_get(object, "tries_left") &&
	    (!read_number(object, "tries_left", &tries_left) || tries_left > TALK_TRIES_NOT_SAID))
		return "the reply's count of PIN tries cannot be read";
	if (json_object_get(object, "drain_s") &&
	    (!read_number(object, "drain_s", &drain_s) || drain_s > TALK_DRAIN_MAX_S))
		return "the reply's time to leave cannot be read";
	if (!read_32(object, "token", admission->token, &admission->has_token))
		return "the reply's token cannot be read";
	admission->valid_s = (uint32_t)valid_s;
	admission->lease_s = (uint32_t)lease_s;
	admission->tries_left = (uint8_t)tries_left;
	admission->drain_s = (uint32_t)drain_s;
	return NULL;
}

int talk_read_admission(const void *json, size_t size, struct talk_admission *admission, const char **wrong)
{
	*admission = (struct talk_admission){.state = ADMISSION_UNKNOWN, .tries_left = TALK_TRIES_NOT_SAID};
	json_t *object = load(json, size, wrong);
	if (!object)
		return -EINVAL;
	*wrong = wrong_member(object, admission);
	json_decref(object);
	return *wrong ? -EINVAL : 0;
}

int talk_read_session(const void *json, size_t size, bool *ok, char reason[TALK_REASON_MAX_BYTES], const char **wrong)
{
	reason[0] = '\0';
	*ok = false;
	json_t *object = load(json, size, wrong);
	if (!object)
		return -EINVAL;
	const json_t *value = json_object_get(object, "ok"), *why = json_object_get(object, "reason");
	*wrong = NULL;
	if (!json_is_boolean(value))
		*wrong = "the reply says neither yes nor no";
	else if (why && !copy_text(why, reason, TALK_REASON_MAX_BYTES))
		*wrong = "the reply's reason cannot be read";
	else
		*ok = json_is_true(value);
	json_decref(object);
	return *wrong ? -EINVAL : 0;
}

int talk_read_nonce(const void *json, size_t size, uint8_t nonce[STATEMENT_NONCE_BYTES],
		    char reason[TALK_REASON_MAX_BYTES], const char **wrong)
{
	bool there = false;
	reason[0] = '\0';
	json_t *object = load(json, size, wrong);
	if (!object)
		return -EINVAL;
	*wrong = NULL;
	if (!copy_text(json_object_get(object, "reason"), reason, TALK_REASON_MAX_BYTES))
		*wrong = "the reply's reason cannot be read";
	else if (!read_32(object, "nonce", nonce, &there) || there == (reason[0] != '\0'))
		*wrong = "the reply has no nonce";
	json_decref(object);
	return *wrong ? -EINVAL : 0;
}

void talk_read_error(const void *json, size_t size, char reason[TALK_REASON_MAX_BYTES])
{
	const char *wrong;
	reason[0] = '\0';
	json_t *object = load(json, size, &wrong);
	if (object)
		(void)copy_text(json_object_get(object, "reason"), reason, TALK_REASON_MAX_BYTES);
	json_decref(object);
}

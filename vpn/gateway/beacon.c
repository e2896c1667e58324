#include "vpn/gateway/beacon.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct parse {
	char *why;
	size_t why_size;
	bool failed;
};

static void refuse(struct parse *p, const char *name, const char *what)
{
	if (!p->failed)
		snprintf(p->why, p->why_size, "%s: %s", name, what);
	p->failed = true;
}

/* The member, or NULL if it is absent; a null counts as absent. */
static json_t *member(struct parse *p, json_t *object, const char *name, bool required)
{
	json_t *value = json_object_get(object, name);
	if (json_is_null(value))
		value = NULL;
	if (!value && required)
		refuse(p, name, "missing");
	return value;
}

static void take_text(struct parse *p, json_t *object, const char *name, bool required, bool (*good)(const char *text),
		      char *out, size_t size)
{
	json_t *value = member(p, object, name, required);
	if (!value)
		return;
	const char *text = json_string_value(value);
	if (!text || strlen(text) >= size || !good(text)) {
		refuse(p, name, "not a text of the kind wanted here");
		return;
	}
	memcpy(out, text, strlen(text) + 1);
}

static uint64_t take_number(struct parse *p, json_t *object, const char *name, bool required, uint64_t max)
{
	json_t *value = member(p, object, name, required);
	if (!value)
		return 0;
	double real = json_number_value(value);
	if (!json_is_number(value) || !(real >= 0) || real > (double)max) {
		refuse(p, name, "not a number within its limits");
		return 0;
	}
	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)real;
}

static bool take_bool(struct parse *p, json_t *object, const char *name)
{
	json_t *value = member(p, object, name, false);
	if (value && !json_is_boolean(value))
		refuse(p, name, "neither true nor false");
	return json_is_true(value);
}

static json_t *take_object(struct parse *p, json_t *object, const char *name, bool required)
{
	json_t *value = member(p, object, name, required);
	if (value && !json_is_object(value)) {
		refuse(p, name, "not an object");
		return NULL;
	}
	return value;
}

static bool is_hex(const char *text) { return strspn(text, "0123456789abcdef") == strlen(text) && strlen(text) >= 16; }

static bool is_root_hash(const char *text) { return *text == '\0' || (strlen(text) == 64 && is_hex(text)); }

static bool is_word(const char *text) { return *text == '\0' || name_is_id(text); }

/* An image's version is a number in one image's JSON and a text in another's: both are one word. */
static void take_version(struct parse *p, json_t *image, struct beacon *beacon)
{
	json_t *value = member(p, image, "version", true);
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		snprintf(beacon->image_version, sizeof beacon->image_version, "%lld",
			 (long long)json_integer_value(value));
	else
		take_text(p, image, "version", true, name_is_id, beacon->image_version, sizeof beacon->image_version);
}

static void take_refused(struct parse *p, json_t *refused, struct beacon *beacon)
{
	if (json_object_size(refused) > BEACON_REFUSED_MAX) {
		refuse(p, "refused", "more codes than there are");
		return;
	}
	const char *code;
	json_t *count;
	json_object_foreach(refused, code, count)
	{
		if (!name_is_code(code) || !json_is_integer(count) || json_integer_value(count) < 0 ||
		    json_integer_value(count) > UINT32_MAX) {
			refuse(p, "refused", "a code or count that is none");
			return;
		}
		struct beacon_refused *row = &beacon->refused[beacon->refused_count++];
		memcpy(row->code, code, strlen(code) + 1);
		row->count = (uint32_t)json_integer_value(count);
	}
}

static bool is_key(const char *text)
{
	return strlen(text) == BEACON_KEY_SIZE - 1 &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == strlen(text);
}

static bool is_host(const char *text)
{
	return text[0] != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(text);
}

static void take_attack(struct parse *p, json_t *object, struct beacon_attack *attack)
{
	attack->count = (uint32_t)take_number(p, object, "count", true, UINT32_MAX);
	take_text(p, object, "host", true, is_host, attack->host, sizeof attack->host);
	take_text(p, object, "reason", true, name_is_code, attack->reason, sizeof attack->reason);
	json_t *keys = member(p, object, "keys", true);
	if (!json_is_array(keys) || json_array_size(keys) > BEACON_KEYS_MAX) {
		refuse(p, "keys", "not a list of a chain's keys");
		return;
	}
	size_t index;
	json_t *value;
	json_array_foreach(keys, index, value)
	{
		const char *key = json_string_value(value);
		if (!key || !is_key(key)) {
			refuse(p, "keys", "not the hash of a key");
			return;
		}
		memcpy(attack->keys[attack->key_count++], key, BEACON_KEY_SIZE);
	}
}

static void take_all(struct parse *p, json_t *root, struct beacon *b)
{
	take_text(p, root, "device", true, name_is_id, b->device, sizeof b->device);
	take_text(p, root, "boot", true, is_hex, b->boot, sizeof b->boot);
	b->sequence = take_number(p, root, "sequence", true, 1ULL << 53);
	json_t *image = take_object(p, root, "image", true);
	if (image) {
		take_version(p, image, b);
		take_text(p, image, "root_hash", false, is_root_hash, b->root_hash, sizeof b->root_hash);
	}
	b->policy_version = take_number(p, root, "policy_version", true, 1ULL << 53);
	b->uptime_s = take_number(p, root, "uptime_s", false, 1ULL << 40);
	b->clock_back_s = take_number(p, root, "clock_back_s", false, 1ULL << 40);
	take_text(p, root, "link", false, is_word, b->link, sizeof b->link);
	json_t *tunnel = take_object(p, root, "tunnel", false);
	if (tunnel) {
		take_text(p, tunnel, "gateway", false, is_word, b->gateway, sizeof b->gateway);
		b->handshake_ms = (uint32_t)take_number(p, tunnel, "handshake_ms", false, UINT32_MAX);
		b->rtt_ms = (uint32_t)take_number(p, tunnel, "rtt_ms", false, UINT32_MAX);
		b->loss_permille = (uint32_t)take_number(p, tunnel, "loss_permille", false, 1000);
	}
	b->session = take_bool(p, root, "session");
	b->goodbye = take_bool(p, root, "goodbye");
	json_t *refused = take_object(p, root, "refused", false);
	if (refused)
		take_refused(p, refused, b);
	json_t *attack = take_object(p, root, "attack", false);
	if (attack)
		take_attack(p, attack, &b->attack);
}

int beacon_parse(const void *json, size_t size, struct beacon *beacon, char *why, size_t why_size)
{
	*beacon = (struct beacon){0};
	struct parse p = {.why = why, .why_size = why_size};
	if (size > BEACON_MAX_BYTES) {
		refuse(&p, "beacon", "larger than 4096 bytes");
		return -EINVAL;
	}
	json_error_t error;
	json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(root))
		refuse(&p, "beacon", root ? "not a JSON object" : "not JSON");
	else
		take_all(&p, root, beacon);
	json_decref(root);
	return p.failed ? -EINVAL : 0;
}

void beacon_write(struct writer *w, const struct beacon *b)
{
	write_str(w, b->device);
	write_str(w, b->boot);
	write_u64(w, b->sequence);
	write_str(w, b->image_version);
	write_str(w, b->root_hash);
	write_u64(w, b->policy_version);
	write_u64(w, b->uptime_s);
	write_u64(w, b->clock_back_s);
	write_str(w, b->link);
	write_str(w, b->gateway);
	write_u32(w, b->handshake_ms);
	write_u32(w, b->rtt_ms);
	write_u32(w, b->loss_permille);
	write_u8(w, b->session);
	write_u8(w, b->goodbye);
	write_u8(w, (uint8_t)b->refused_count);
	for (size_t i = 0; i < b->refused_count; i++) {
		write_str(w, b->refused[i].code);
		write_u32(w, b->refused[i].count);
	}
	write_u32(w, b->attack.count);
	write_str(w, b->attack.host);
	write_str(w, b->attack.reason);
	write_u8(w, (uint8_t)b->attack.key_count);
	for (size_t i = 0; i < b->attack.key_count; i++)
		write_str(w, b->attack.keys[i]);
}

void beacon_read(struct reader *r, struct beacon *b)
{
	*b = (struct beacon){0};
	read_str(r, b->device, sizeof b->device);
	read_str(r, b->boot, sizeof b->boot);
	b->sequence = read_u64(r);
	read_str(r, b->image_version, sizeof b->image_version);
	read_str(r, b->root_hash, sizeof b->root_hash);
	b->policy_version = read_u64(r);
	b->uptime_s = read_u64(r);
	b->clock_back_s = read_u64(r);
	read_str(r, b->link, sizeof b->link);
	read_str(r, b->gateway, sizeof b->gateway);
	b->handshake_ms = read_u32(r);
	b->rtt_ms = read_u32(r);
	b->loss_permille = read_u32(r);
	b->session = read_u8(r);
	b->goodbye = read_u8(r);
	size_t count = read_u8(r);
	if (count > BEACON_REFUSED_MAX)
		r->failed = true;
	for (size_t i = 0; i < count && !r->failed; i++, b->refused_count++) {
		read_str(r, b->refused[i].code, sizeof b->refused[i].code);
		b->refused[i].count = read_u32(r);
	}
	b->attack.count = read_u32(r);
	read_str(r, b->attack.host, sizeof b->attack.host);
	read_str(r, b->attack.reason, sizeof b->attack.reason);
	count = read_u8(r);
	if (count > BEACON_KEYS_MAX)
		r->failed = true;
	for (size_t i = 0; i < count && !r->failed; i++, b->attack.key_count++)
		read_str(r, b->attack.keys[i], sizeof b->attack.keys[i]);
}

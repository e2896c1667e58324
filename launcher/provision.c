#include "launcher/provision.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"

static json_t *parse_object(const char *text, size_t size)
{
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static int copy_text(const json_t *json, const char *member, char *out, size_t capacity)
{
	const json_t *value = json_object_get(json, member);
	if (!json_is_string(value) || json_string_length(value) >= capacity)
		return -EINVAL;
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

/* An absent member leaves NULL. */
static int duplicate_text(const json_t *json, const char *member, char **out)
{
	const json_t *value = json_object_get(json, member);
	if (!value)
		return 0;
	if (!json_is_string(value))
		return -EINVAL;
	return provision_keep(out, json_string_value(value), json_string_length(value));
}

static int take_number(const json_t *json, const char *member, uint64_t *out)
{
	const json_t *value = json_object_get(json, member);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return -EINVAL;
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

static int take_key(const json_t *json, const char *member, uint8_t key[32])
{
	const json_t *value = json_object_get(json, member);
	size_t size = 0;
	if (!json_is_string(value))
		return -EINVAL;
	int error = base64_decode(json_string_value(value), json_string_length(value), key, 32, &size);
	return error ? error : size == 32 ? 0 : -EINVAL;
}

static int take_clients(json_t *clients, struct provision *p)
{
	const char *bank;
	json_t *value;
	json_object_foreach(clients, bank, value)
	{
		struct provision_client *client = &p->clients[p->client_count];
		if (p->client_count == PROVISION_CLIENTS_MAX || strlen(bank) >= sizeof client->bank)
			return -EINVAL;
		p->client_count++;
		memcpy(client->bank, bank, strlen(bank) + 1);
		int error = duplicate_text(value, "certificates", &client->certificates);
		if (!error)
			error = duplicate_text(value, "key", &client->key);
		if (error || !client->certificates || !client->key)
			return error ? error : -EINVAL;
	}
	return 0;
}

/* An absent member leaves zeros and *there false. */
static int take_secret(const json_t *json, const char *member, uint8_t key[32], bool *there)
{
	*there = json_object_get(json, member) != NULL;
	return *there ? take_key(json, member, key) : 0;
}

static int take_immutable(const json_t *json, struct provision *p)
{
	int error = copy_text(json, "device", p->device, sizeof p->device);
	if (!error)
		error = copy_text(json, "tenant", p->tenant, sizeof p->tenant);
	if (!error)
		error = take_key(json, "wireguard_key", p->wireguard_key);
	if (!error)
		error = copy_text(json, "address", p->address, sizeof p->address);
	if (!error)
		error = take_secret(json, "identity_key", p->identity_key, &p->has_identity);
	if (!error)
		error = take_secret(json, "pin_secret", p->pin_secret, &p->has_pin);
	if (!error)
		error = duplicate_text(json, "gateways", &p->gateways);
	if (!error)
		error = take_clients(json_object_get(json, "client_certificates"), p);
	return error ? error : p->gateways ? 0 : -EINVAL;
}

/* A name of any bytes, as hexadecimal digits. */
static int take_ssid(const json_t *json, struct wifi_ssid *ssid)
{
	const char *text = json_string_value(json_object_get(json, "ssid"));
	size_t size = text ? strlen(text) : 0;
	if (size % 2 != 0 || size > 2 * WIFI_SSID_BYTES || !text || strspn(text, "0123456789abcdef") != size)
		return -EINVAL;
	for (size_t i = 0; i < size / 2; i++) {
		const char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
		ssid->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	ssid->size = (uint8_t)(size / 2);
	return 0;
}

static int take_network(const json_t *json, struct wifi_credential *credential)
{
	uint64_t security = WIFI_SECURITY_COUNT;
	int error = take_ssid(json, &credential->ssid);
	if (!error)
		error = take_number(json, "security", &security);
	if (!error)
		error = copy_text(json, "password", credential->password, sizeof credential->password);
	if (error || security >= WIFI_SECURITY_COUNT)
		return -EINVAL;
	credential->security = (enum wifi_security)security;
	return wifi_credential_fits(credential) ? 0 : -EINVAL;
}

/* One that cannot be is passed over: the stick starts all the same. */
static void take_wifi(const json_t *json, struct wifi_kept *kept)
{
	const json_t *networks = json_object_get(json, "wifi");
	for (size_t i = 0; i < json_array_size(networks) && kept->count < WIFI_KEPT_MAX; i++) {
		struct wifi_credential *next = &kept->list[kept->count];
		*next = (struct wifi_credential){0};
		if (take_network(json_array_get(networks, i), next) == 0 && next->security != WIFI_OPEN)
			kept->count++;
	}
}

static json_t *wifi_json(const struct wifi_kept *kept)
{
	json_t *networks = json_array();
	for (size_t i = 0; i < kept->count; i++) {
		const struct wifi_credential *credential = &kept->list[i];
		char ssid[2 * WIFI_SSID_BYTES + 1] = "";
		for (size_t n = 0; n < credential->ssid.size; n++)
			snprintf(ssid + 2 * n, 3, "%02x", credential->ssid.bytes[n]);
		json_array_append_new(networks, json_pack("{s:s, s:i, s:s}", "ssid", ssid, "security",
							  (int)credential->security, "password", credential->password));
	}
	return networks;
}

static int take_changing(const json_t *json, struct provision *p)
{
	take_wifi(json, &p->wifi);
	bool has_token;
	int error = duplicate_text(json, "policy", &p->kept_policy);
	if (!error)
		error = take_secret(json, "token", p->token, &has_token);
	if (!error)
		error = take_number(json, "policy_version", &p->kept_policy_version);
	if (!error)
		error = duplicate_text(json, "gateways", &p->kept_gateways);
	if (!error)
		error = take_number(json, "gateways_version", &p->kept_gateways_version);
	if (!error)
		error = take_number(json, "time_floor", &p->time_floor);
	if (!error)
		error = take_number(json, "time_last", &p->time_last);
	return error ? error : take_number(json, "image_floor", &p->image_floor);
}

int provision_parse(const char *immutable, size_t immutable_size, const char *changing, size_t changing_size,
		    struct provision *provision)
{
	*provision = (struct provision){0};
	json_t *first = parse_object(immutable, immutable_size);
	json_t *second = changing_size > 0 ? parse_object(changing, changing_size) : json_object();
	int error = first && second ? take_immutable(first, provision) : -EINVAL;
	if (!error)
		error = take_changing(second, provision);
	json_decref(first);
	json_decref(second);
	if (error)
		provision_free(provision);
	return error;
}

int provision_take_token(struct provision *p, const char *json, size_t size)
{
	uint8_t token[sizeof p->token];
	json_t *tree = parse_object(json, size);
	int error = tree ? take_key(tree, "token", token) : -EINVAL;
	json_decref(tree);
	if (!error) {
		memcpy(p->token, token, sizeof p->token);
		p->token_apart = true;
	}
	wipe(token, sizeof token);
	return error;
}

char *provision_token(const uint8_t token[32])
{
	char text[BASE64_ENCODED_SIZE(32)];
	base64_encode(token, 32, text);
	json_t *json = json_pack("{s:s}", "token", text);
	wipe(text, sizeof text);
	char *dumped = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return dumped;
}

char *provision_changing(const struct provision *p)
{
	char token[BASE64_ENCODED_SIZE(sizeof p->token)];
	base64_encode(p->token, sizeof p->token, token);
	json_t *json =
	    json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:s*, s:s*, s:s*, s:o}", "format", 1, "policy_version",
		      (json_int_t)p->kept_policy_version, "gateways_version", (json_int_t)p->kept_gateways_version,
		      "time_floor", (json_int_t)p->time_floor, "time_last", (json_int_t)p->time_last, "image_floor",
		      (json_int_t)p->image_floor, "token", p->token_apart ? NULL : token, "policy", p->kept_policy,
		      "gateways", p->kept_gateways, "wifi", wifi_json(&p->wifi));
	wipe(token, sizeof token);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

static void free_text(char **text)
{
	if (*text)
		wipe(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

int provision_keep(char **text, const void *data, size_t size)
{
	char *copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	free_text(text);
	*text = copy;
	return 0;
}

void provision_squeeze(char *json)
{
	bool in_string = false;
	char *to = json;
	for (const char *from = json; *from; from++) {
		if (!in_string && strchr(" \t\r\n", *from))
			continue;
		if (*from == '"')
			in_string = !in_string;
		*to++ = *from;
		if (in_string && *from == '\\' && from[1])
			*to++ = *++from;
	}
	*to = '\0';
}

void provision_free(struct provision *provision)
{
	for (size_t i = 0; i < provision->client_count; i++) {
		free_text(&provision->clients[i].certificates);
		free_text(&provision->clients[i].key);
	}
	free_text(&provision->gateways);
	free_text(&provision->kept_policy);
	free_text(&provision->kept_gateways);
	wipe(provision, sizeof *provision);
}

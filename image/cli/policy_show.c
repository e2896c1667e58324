/* sekisho policy show: what is in a policy or a list of gateways, in words and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "image/cli/cli.h"
#include "image/cli/policy.h"
#include "whitelist/date.h"

static json_t *signatures_json(const struct document *document, const struct envelope_roots *roots)
{
	json_t *list = json_array();
	for (size_t i = 0; i < document->envelope.signature_count; i++) {
		const struct envelope_signature *signature = &document->envelope.signatures[i];
		char keyid[ENVELOPE_KEYID_TEXT];
		const char *state = roots ? "unknown key" : "not checked";
		envelope_keyid_text(signature->keyid, keyid);
		for (size_t k = 0; roots && k < roots->key_count; k++)
			if (!memcmp(roots->keys[k].keyid, signature->keyid, ENVELOPE_KEYID_BYTES))
				state =
				    envelope_check_signature(&document->envelope, i, &roots->keys[k]) ? "bad" : "good";
		json_array_append_new(list, json_pack("{s:s, s:s}", "keyid", keyid, "state", state));
	}
	return list;
}

static const char *verified_state(const struct document *document, const struct envelope_roots *roots)
{
	uint8_t *payload;
	size_t size;
	if (!document->is_envelope)
		return "not signed";
	if (!roots)
		return "signatures not checked (no --roots)";
	struct envelope_roots reached = *roots;
	const char *text = document->bundle ? document->bundle : document->text;
	enum envelope_error error = bundle_verify(text, strlen(text), document->type, &reached, &payload, &size);
	free(payload);
	return envelope_error_text(error);
}

static void show_signatures(const json_t *signatures)
{
	size_t i;
	json_t *signature;
	json_array_foreach((json_t *)(uintptr_t)signatures, i, signature)
	    printf("  signed by %.16s...  %s\n", json_string_value(json_object_get(signature, "keyid")),
		   json_string_value(json_object_get(signature, "state")));
}

static void show_host(const struct whitelist_host *host)
{
	printf("    %-5s %s", host->role == ROLE_PAGE ? "page" : "asset", host->name);
	for (size_t i = 0; i < host->port_count; i++)
		printf("%s%u", i ? "," : ":", host->ports[i]);
	printf("  (anchors:");
	for (size_t i = 0; i < host->anchor_count; i++)
		printf(" %s", host->anchors[i]->id);
	printf("; %zu pins)\n", host->pin_count);
}

static void show_whitelist(const struct whitelist *w)
{
	char issued[DATE_BYTES], expires[DATE_BYTES];
	date_format(w->issued, issued);
	date_format(w->expires, expires);
	printf("  tenant %s, issued %s, expires %s, PIN %s\n", w->tenant, issued, expires,
	       w->pin ? "asked" : "not asked");
	for (size_t i = 0; i < w->authority_count; i++) {
		char date[DATE_BYTES];
		date_format(w->authorities[i].not_after, date);
		printf("  authority %s, valid until %s\n", w->authorities[i].id, date);
	}
	for (size_t b = 0; b < w->bank_count; b++) {
		const struct whitelist_bank *bank = &w->banks[b];
		printf("  bank %s: %s / %s, %s, telephone %s\n", bank->id, bank->name_ja, bank->name_en, bank->start,
		       bank->support);
		for (size_t h = 0; h < bank->host_count; h++)
			show_host(&bank->hosts[h]);
	}
}

static void show_gateways(const struct gateways *gateways)
{
	for (size_t g = 0; g < gateways->count; g++) {
		const struct gateway *gateway = &gateways->list[g];
		char key[BASE64_ENCODED_SIZE(GATEWAY_KEY_BYTES)];
		base64_encode(gateway->key, sizeof gateway->key, key);
		printf("  gateway %s: key %s, inside %s, control %s:%u\n", gateway->id, key, gateway->inner,
		       gateway->control_name, gateway->control_port);
		for (size_t a = 0; a < gateway->address_count; a++)
			printf(gateway->addresses[a].family == 6 ? "    [%s]:%u\n" : "    %s:%u\n",
			       gateway->addresses[a].text, gateway->addresses[a].port);
	}
}

static void show_roots(const struct envelope_roots *roots)
{
	printf("  %zu of their people must sign\n", roots->threshold);
	for (size_t k = 0; k < roots->key_count; k++) {
		char keyid[ENVELOPE_KEYID_TEXT];
		envelope_keyid_text(roots->keys[k].keyid, keyid);
		printf("  key %.16s...  %s\n", keyid, roots->keys[k].holder);
	}
}

static int show_document(const struct document *document, const struct envelope_roots *roots, bool json)
{
	json_t *signatures = signatures_json(document, roots);
	const char *state = verified_state(document, roots);
	if (json) {
		print_json(json_pack("{s:s, s:s, s:o, s:o}", "type", word_of_type(document->type), "state", state,
				     "signatures", signatures, "content",
				     json_loadb((const char *)document->payload, document->payload_size, 0, NULL)));
		return CLI_GOOD;
	}
	printf("%s version %llu: %s\n", word_of_type(document->type), (unsigned long long)document_version(document),
	       state);
	show_signatures(signatures);
	json_decref(signatures);
	if (document->whitelist)
		show_whitelist(document->whitelist);
	else if (document->gateways)
		show_gateways(document->gateways);
	else
		show_roots(document->roots);
	return CLI_GOOD;
}

int policy_show(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(argc, argv, "rtj",
				       "show [--roots ROOTS] [--type policy|gateways|roots] [--json] FILE", 1, 1, &o);
	if (code >= 0)
		return code;
	struct document document = {0};
	struct envelope_roots roots;
	code = o.roots ? roots_open(o.roots, &roots) : CLI_GOOD;
	if (!code)
		code = document_open(&document, o.files[0], o.type, NULL);
	if (!code)
		code = show_document(&document, o.roots ? &roots : NULL, o.json);
	document_close(&document);
	return code;
}

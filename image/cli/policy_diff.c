/* sekisho policy diff: what a new version opens and what it closes, in words that a signer can answer for. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "image/cli/cli.h"
#include "image/cli/policy.h"
#include "whitelist/date.h"

enum effect { OPENS, CLOSES, CHANGES, EFFECTS };

static const struct {
	const char *code, *en, *ja;
} effects[EFFECTS] = {
    [OPENS] = {"opens", "opens  ", "開く"},
    [CLOSES] = {"closes", "closes ", "閉じる"},
    [CHANGES] = {"changes", "changes", "変わる"},
};

struct diff {
	json_t *list;
	char where[WHITELIST_PATH_BYTES + WHITELIST_HOST_BYTES]; /* "bank/host" */
};

/* `template` with {1} and {2} for the two words. */
static void fill(const char *template, const char *one, const char *two, char *out, size_t capacity)
{
	size_t used = 0;
	for (const char *c = template; *c && used + 1 < capacity; c++) {
		bool slot = c[0] == '{' && (c[1] == '1' || c[1] == '2') && c[2] == '}';
		int put = slot ? snprintf(out + used, capacity - used, "%s", c[1] == '1' ? one : two)
			       : snprintf(out + used, capacity - used, "%c", *c);
		used += put > 0 ? (size_t)put : 0;
		c += slot ? 2 : 0;
	}
	out[used < capacity ? used : capacity - 1] = '\0';
}

static void tell(struct diff *d, enum effect effect, const char *en, const char *ja, const char *one, const char *two)
{
	char english[1024], japanese[1024];
	fill(en, one, two, english, sizeof english);
	fill(ja, one, two, japanese, sizeof japanese);
	json_array_append_new(d->list, json_pack("{s:s, s:s, s:s, s:s}", "effect", effects[effect].code, "where",
						 d->where, "en", english, "ja", japanese));
}

static void number_text(uint64_t number, char text[24]) { snprintf(text, 24, "%" PRIu64, number); }

/* --- the head --- */

static void diff_version(struct diff *d, uint64_t old, uint64_t new)
{
	char a[24], b[24];
	number_text(old, a);
	number_text(new, b);
	if (new > old)
		tell(d, CHANGES, "version {1} becomes {2}", "第{1}版が第{2}版になります", a, b);
	else
		tell(d, CHANGES, "version {2} is not above {1}: sticks that have {1} do not take it",
		     "第{2}版は第{1}版より新しくないため、第{1}版を持つスティックは受け取りません", a, b);
}

static void diff_head(struct diff *d, const struct whitelist *old, const struct whitelist *new)
{
	char a[DATE_BYTES], b[DATE_BYTES];
	date_format(old->expires, a);
	date_format(new->expires, b);
	diff_version(d, old->version, new->version);
	if (strcmp(old->tenant, new->tenant) != 0)
		tell(d, CHANGES, "it is for tenant {2}: the sticks of {1} do not take it",
		     "テナント{2}用です。{1}のスティックは受け取りません", old->tenant, new->tenant);
	if (new->expires > old->expires)
		tell(d, OPENS, "the banks stay open until {2}, not only until {1}", "有効期限が{1}から{2}に延びます", a,
		     b);
	if (new->expires < old->expires)
		tell(d, CLOSES, "the banks close on {2} already, not on {1}", "有効期限が{1}から{2}に早まります", a, b);
	if (old->pin && !new->pin)
		tell(d, OPENS, "the customer's PIN is no longer asked for", "お客様の暗証番号をたずねなくなります", "",
		     "");
	if (!old->pin && new->pin)
		tell(d, CLOSES, "the customer's PIN is asked for", "お客様の暗証番号をたずねるようになります", "", "");
}

static const struct whitelist_authority *authority(const struct whitelist *w, const char *id)
{
	for (size_t i = 0; i < w->authority_count; i++)
		if (!strcmp(w->authorities[i].id, id))
			return &w->authorities[i];
	return NULL;
}

static bool same_certificate(const struct whitelist_authority *a, const struct whitelist_authority *b)
{
	return a && b && a->der_size == b->der_size && !memcmp(a->der, b->der, a->der_size);
}

static void diff_authorities(struct diff *d, const struct whitelist *old, const struct whitelist *new)
{
	for (size_t i = 0; i < new->authority_count; i++) {
		const struct whitelist_authority *a = authority(old, new->authorities[i].id);
		snprintf(d->where, sizeof d->where, "authorities.%s", new->authorities[i].id);
		if (a && !same_certificate(a, &new->authorities[i]))
			tell(d, OPENS, "the certificate of authority {1} is another one: what it signs is believed",
			     "認証局{1}の証明書が別のものに替わります", a->id, "");
	}
	d->where[0] = '\0';
}

/* --- revoked keys --- */

static const char *pin_text(const uint8_t *pin, char text[BASE64_ENCODED_SIZE(WHITELIST_PIN_BYTES)])
{
	base64_encode(pin, WHITELIST_PIN_BYTES, text);
	return text;
}

static bool has_pin(const struct whitelist_host *host, const uint8_t *pin)
{
	for (size_t i = 0; i < host->pin_count; i++)
		if (!memcmp(host->pins[i], pin, WHITELIST_PIN_BYTES))
			return true;
	return false;
}

static bool is_revoked(const struct whitelist *w, const uint8_t *key)
{
	for (size_t i = 0; i < w->revoked_count; i++)
		if (!memcmp(w->revoked[i], key, WHITELIST_PIN_BYTES))
			return true;
	return false;
}

/* Whose key it is, as far as the policies know: " (authority ID)", " (HOST of BANK)", or "". */
static void key_owner(const struct whitelist *w, const uint8_t *key, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < w->authority_count; i++)
		if (!memcmp(w->authorities[i].spki_sha256, key, WHITELIST_PIN_BYTES))
			snprintf(text, size, " (authority %s)", w->authorities[i].id);
	for (size_t b = 0; b < w->bank_count && !text[0]; b++)
		for (size_t h = 0; h < w->banks[b].host_count && !text[0]; h++)
			if (has_pin(&w->banks[b].hosts[h], key))
				snprintf(text, size, " (%s of %s)", w->banks[b].hosts[h].name, w->banks[b].id);
}

/* What `more` revokes and `less` does not. */
static void diff_revoked(struct diff *d, enum effect effect, const struct whitelist *more, const struct whitelist *less)
{
	for (size_t i = 0; i < more->revoked_count; i++) {
		const uint8_t *key = more->revoked[i];
		char text[BASE64_ENCODED_SIZE(WHITELIST_PIN_BYTES)],
		    owner[WHITELIST_HOST_BYTES + WHITELIST_ID_BYTES + 8];
		if (is_revoked(less, key))
			continue;
		key_owner(more, key, owner, sizeof owner);
		if (!owner[0])
			key_owner(less, key, owner, sizeof owner);
		snprintf(d->where, sizeof d->where, "revoked");
		tell(d, effect,
		     effect == CLOSES
			 ? "no host may use the key {1}{2} any more, nor any certificate below it"
			 : "the key {1}{2} is not refused any more: where it is pinned it is believed again",
		     effect == CLOSES ? "鍵{1}{2}は、どの接続先でも、また上位の認証局としても、認められなくなります"
				      : "鍵{1}{2}の失効が取り消され、登録されている接続先では再び認められます",
		     pin_text(key, text), owner);
	}
	d->where[0] = '\0';
}

/* --- hosts --- */

static bool has_anchor(const struct whitelist_host *host, const char *id)
{
	for (size_t i = 0; i < host->anchor_count; i++)
		if (!strcmp(host->anchors[i]->id, id))
			return true;
	return false;
}

static bool has_port(const struct whitelist_host *host, uint16_t port)
{
	for (size_t i = 0; i < host->port_count; i++)
		if (host->ports[i] == port)
			return true;
	return false;
}

/* What `more` has and `less` has not; both ways of each pair are walked. */
static void diff_lists(struct diff *d, enum effect effect, const struct whitelist_host *more,
		       const struct whitelist_host *less)
{
	char text[BASE64_ENCODED_SIZE(WHITELIST_PIN_BYTES)];
	bool opens = effect == OPENS;
	for (size_t i = 0; i < more->port_count; i++) {
		number_text(more->ports[i], text);
		if (!has_port(less, more->ports[i]))
			tell(d, effect,
			     opens ? "{1} can be reached on port {2}" : "{1} cannot be reached on port {2} any more",
			     opens ? "{1}のポート{2}に接続できるようになります"
				   : "{1}のポート{2}に接続できなくなります",
			     more->name, text);
	}
	for (size_t i = 0; i < more->anchor_count; i++)
		if (!has_anchor(less, more->anchors[i]->id))
			tell(d, effect,
			     opens ? "{1} may have a certificate of authority {2}"
				   : "{1} may not have a certificate of authority {2} any more",
			     opens ? "{1}は認証局{2}の証明書でも認められます"
				   : "{1}は認証局{2}の証明書では認められなくなります",
			     more->name, more->anchors[i]->id);
	for (size_t i = 0; i < more->pin_count; i++)
		if (!has_pin(less, more->pins[i]))
			tell(d, effect, opens ? "{1} may use the key {2}" : "{1} may not use the key {2} any more",
			     opens ? "{1}は鍵{2}でも認められます" : "{1}は鍵{2}では認められなくなります", more->name,
			     pin_text(more->pins[i], text));
}

static void diff_host(struct diff *d, const struct whitelist_host *old, const struct whitelist_host *new)
{
	if (old->role == ROLE_ASSET && new->role == ROLE_PAGE)
		tell(d, OPENS, "{1} may be shown as a page of its own", "{1}をページとして表示できるようになります",
		     new->name, "");
	if (old->role == ROLE_PAGE && new->role == ROLE_ASSET)
		tell(d, CLOSES, "{1} may not be shown as a page any more, only loaded from",
		     "{1}はページとして表示できなくなり、部品の読み込みだけになります", new->name, "");
	if (!old->client_certificate && new->client_certificate)
		tell(d, OPENS, "{1} may be shown the customer's certificate",
		     "{1}にお客様の電子証明書を見せられるようになります", new->name, "");
	if (old->client_certificate && !new->client_certificate)
		tell(d, CLOSES, "{1} is not shown the customer's certificate any more",
		     "{1}にお客様の電子証明書を見せなくなります", new->name, "");
	diff_lists(d, CLOSES, old, new);
	diff_lists(d, OPENS, new, old);
}

static const struct whitelist_host *host_named(const struct whitelist_bank *bank, const char *name)
{
	for (size_t i = 0; bank && i < bank->host_count; i++)
		if (!strcmp(bank->hosts[i].name, name))
			return &bank->hosts[i];
	return NULL;
}

static void tell_host(struct diff *d, enum effect effect, const struct whitelist_host *host)
{
	char ports[64] = "";
	for (size_t i = 0; i < host->port_count; i++)
		snprintf(ports + strlen(ports), sizeof ports - strlen(ports), "%s%u", i ? ", " : "", host->ports[i]);
	if (effect == CLOSES)
		tell(d, effect, "{1} cannot be reached any more", "{1}に接続できなくなります", host->name, "");
	else if (host->client_certificate)
		tell(d, effect, "{1} can be reached on port {2}, and be shown the customer's certificate",
		     "{1}（ポート{2}）に接続し、お客様の電子証明書を見せられるようになります", host->name, ports);
	else if (host->role == ROLE_PAGE)
		tell(d, effect, "{1} can be reached on port {2}, and shown as a page",
		     "{1}（ポート{2}）に接続し、ページとして表示できるようになります", host->name, ports);
	else
		tell(d, effect, "{1} can be reached on port {2}, for parts of pages",
		     "{1}（ポート{2}）からページの部品を読み込めるようになります", host->name, ports);
}

static void diff_hosts(struct diff *d, const struct whitelist_bank *old, const struct whitelist_bank *new)
{
	const char *bank = new ? new->id : old->id;
	for (size_t i = 0; old && i < old->host_count; i++) {
		snprintf(d->where, sizeof d->where, "%s/%s", bank, old->hosts[i].name);
		if (!host_named(new, old->hosts[i].name))
			tell_host(d, CLOSES, &old->hosts[i]);
	}
	for (size_t i = 0; new && i < new->host_count; i++) {
		const struct whitelist_host *before = host_named(old, new->hosts[i].name);
		snprintf(d->where, sizeof d->where, "%s/%s", bank, new->hosts[i].name);
		if (before)
			diff_host(d, before, &new->hosts[i]);
		else
			tell_host(d, OPENS, &new->hosts[i]);
	}
}

/* --- banks --- */

static bool same(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

static void diff_bank(struct diff *d, const struct whitelist_bank *old, const struct whitelist_bank *new)
{
	snprintf(d->where, sizeof d->where, "%s", new->id);
	if (!same(old->name_ja, new->name_ja))
		tell(d, CHANGES, "its Japanese name {1} becomes {2}", "名称が{1}から{2}に変わります", old->name_ja,
		     new->name_ja);
	if (!same(old->name_en, new->name_en))
		tell(d, CHANGES, "its English name {1} becomes {2}", "英語名が{1}から{2}に変わります", old->name_en,
		     new->name_en);
	if (!same(old->start, new->start))
		tell(d, CHANGES, "its first page {1} becomes {2}", "最初のページが{1}から{2}に変わります", old->start,
		     new->start);
	if (!same(old->support, new->support))
		tell(d, CHANGES, "its telephone {1} becomes {2}", "電話番号が{1}から{2}に変わります", old->support,
		     new->support);
	diff_hosts(d, old, new);
}

static void diff_policies(struct diff *d, const struct whitelist *old, const struct whitelist *new)
{
	diff_head(d, old, new);
	diff_authorities(d, old, new);
	diff_revoked(d, CLOSES, new, old);
	diff_revoked(d, OPENS, old, new);
	for (size_t i = 0; i < old->bank_count; i++) {
		snprintf(d->where, sizeof d->where, "%s", old->banks[i].id);
		if (whitelist_bank(new, old->banks[i].id))
			continue;
		tell(d, CLOSES, "the bank {1} ({2}) is gone", "銀行「{1}」（{2}）がなくなります", old->banks[i].name_ja,
		     old->banks[i].id);
		diff_hosts(d, &old->banks[i], NULL);
	}
	for (size_t i = 0; i < new->bank_count; i++) {
		const struct whitelist_bank *bank = &new->banks[i], *before = whitelist_bank(old, bank->id);
		snprintf(d->where, sizeof d->where, "%s", bank->id);
		if (before) {
			diff_bank(d, before, bank);
			continue;
		}
		tell(d, OPENS, "the bank {1} is new, and begins at {2}", "銀行「{1}」が加わり、最初のページは{2}です",
		     bank->name_ja, bank->start);
		diff_hosts(d, NULL, bank);
	}
}

/* --- gateways --- */

static const struct gateway *gateway_named(const struct gateways *g, const char *id)
{
	for (size_t i = 0; i < g->count; i++)
		if (!strcmp(g->list[i].id, id))
			return &g->list[i];
	return NULL;
}

static void diff_addresses(struct diff *d, enum effect effect, const struct gateway *more, const struct gateway *less)
{
	for (size_t i = 0; i < more->address_count; i++) {
		bool found = false;
		char port[24];
		number_text(more->addresses[i].port, port);
		for (size_t k = 0; less && k < less->address_count; k++)
			found |= !strcmp(more->addresses[i].text, less->addresses[k].text) &&
				 more->addresses[i].port == less->addresses[k].port;
		if (!found)
			tell(d, effect,
			     effect == OPENS ? "the stick's wall opens for {1}, UDP port {2}"
					     : "the stick's wall closes for {1}, UDP port {2}",
			     effect == OPENS ? "スティックの壁が{1}（UDPポート{2}）に開きます"
					     : "スティックの壁が{1}（UDPポート{2}）に閉じます",
			     more->addresses[i].text, port);
	}
}

static void diff_gateway(struct diff *d, const struct gateway *old, const struct gateway *new)
{
	if (memcmp(old->key, new->key, sizeof old->key) != 0 || strcmp(old->inner, new->inner) != 0)
		tell(d, CHANGES, "gateway {1} has another WireGuard key or inner address",
		     "ゲートウェイ{1}の鍵または内側アドレスが変わります", new->id, "");
	if (memcmp(old->control_pin, new->control_pin, sizeof old->control_pin) != 0 ||
	    old->control_port != new->control_port || strcmp(old->control_name, new->control_name) != 0)
		tell(d, CHANGES, "gateway {1} has another control interface (port, name or key)",
		     "ゲートウェイ{1}の制御口（ポート・名前・鍵）が変わります", new->id, "");
	diff_addresses(d, CLOSES, old, new);
	diff_addresses(d, OPENS, new, old);
}

static void diff_gateways(struct diff *d, const struct gateways *old, const struct gateways *new)
{
	diff_version(d, old->version, new->version);
	for (size_t i = 0; i < old->count; i++) {
		snprintf(d->where, sizeof d->where, "%s", old->list[i].id);
		if (gateway_named(new, old->list[i].id))
			continue;
		tell(d, CLOSES, "gateway {1} is gone", "ゲートウェイ{1}がなくなります", old->list[i].id, "");
		diff_addresses(d, CLOSES, &old->list[i], NULL);
	}
	for (size_t i = 0; i < new->count; i++) {
		const struct gateway *before = gateway_named(old, new->list[i].id);
		snprintf(d->where, sizeof d->where, "%s", new->list[i].id);
		if (before) {
			diff_gateway(d, before, &new->list[i]);
			continue;
		}
		tell(d, OPENS, "gateway {1} is new", "ゲートウェイ{1}が加わります", new->list[i].id, "");
		diff_addresses(d, OPENS, &new->list[i], NULL);
	}
}

/* --- the command --- */

static void print_change(const json_t *change)
{
	const char *code = json_string_value(json_object_get(change, "effect"));
	const char *where = json_string_value(json_object_get(change, "where"));
	for (int i = 0; i < EFFECTS; i++)
		if (!strcmp(effects[i].code, code))
			printf("%s  %s%s%s\n         %s：%s\n", effects[i].en, where, *where ? ": " : "",
			       json_string_value(json_object_get(change, "en")), effects[i].ja,
			       json_string_value(json_object_get(change, "ja")));
}

static void print_changes(const json_t *list)
{
	size_t i;
	json_t *change;
	json_array_foreach((json_t *)(uintptr_t)list, i, change) print_change(change);
}

int policy_diff(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(argc, argv, "tj", "diff [--type policy|gateways] [--json] OLD NEW", 2, 2, &o);
	if (code >= 0)
		return code;
	struct document old = {0}, new = {0};
	struct diff d = {.list = json_array()};
	code = document_open(&old, o.files[0], o.type, NULL);
	if (!code)
		code = document_open(&new, o.files[1], old.type, NULL);
	if (!code && old.roots)
		code = refuse("%s: only policies and lists of gateways are compared", o.files[0]);
	if (!code && old.whitelist)
		diff_policies(&d, old.whitelist, new.whitelist);
	else if (!code)
		diff_gateways(&d, old.gateways, new.gateways);
	if (!code && o.json)
		print_json(json_incref(d.list));
	else if (!code)
		print_changes(d.list);
	json_decref(d.list);
	document_close(&new);
	document_close(&old);
	return code;
}

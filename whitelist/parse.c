/*
 * whitelist_parse(): the policy's JSON into its structs, member by member in the order of whitelist(5). What has a
 * fault is left out of them and the next is looked at; the verdict comes at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/certificate.h"
#include "whitelist/date.h"
#include "whitelist/names.h"
#include "whitelist/place.h"
#include "whitelist/suffix.h"
#include "whitelist/whitelist.h"

/* What a JSON number holds exactly everywhere (RFC 8259 section 6). */
#define VERSION_MOST ((INT64_C(1) << 53) - 1)

enum { PORT_OF_RESOLVER = 53 };

/* --- hosts --- */

static int parse_host_name(const struct place *at, const struct whitelist_bank *bank, char *name)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	bool wildcard = name_is_wildcard(text);
	if (!wildcard && !name_is_host(text))
		return place_fail(at, WHITELIST_BAD_HOST);
	if (wildcard && suffix_is_public(text + 2))
		return place_fail(at, WHITELIST_WIDE_WILDCARD);
	for (size_t i = 0; i < bank->host_count; i++)
		if (!strcmp(bank->hosts[i].name, text))
			return place_fail(at, WHITELIST_DUPLICATE);
	memcpy(name, text, strlen(text) + 1);
	return 0;
}

static int parse_role(const struct place *at, enum whitelist_role *role)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	if (strcmp(text, "page") != 0 && strcmp(text, "asset") != 0)
		return place_fail(at, WHITELIST_BAD_ROLE);
	*role = text[0] == 'p' ? ROLE_PAGE : ROLE_ASSET;
	return 0;
}

static bool has_port(const uint16_t *ports, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static int take_port(const struct place *item, struct whitelist_bank *bank, struct whitelist_host *host)
{
	int64_t port;
	if (place_integer(item, 1, UINT16_MAX, WHITELIST_BAD_PORT, &port))
		return -EINVAL;
	if (port == PORT_OF_RESOLVER)
		return place_fail(item, WHITELIST_BAD_PORT);
	if (has_port(host->ports, host->port_count, (uint16_t)port))
		return place_fail(item, WHITELIST_DUPLICATE);
	host->ports[host->port_count++] = (uint16_t)port;
	if (has_port(bank->ports, bank->port_count, (uint16_t)port))
		return 0;
	if (bank->port_count == WHITELIST_PORTS_MAX)
		return place_fail(item, WHITELIST_TOO_MANY);
	bank->ports[bank->port_count++] = (uint16_t)port;
	return 0;
}

static void parse_ports(const struct place *at, struct whitelist_bank *bank, struct whitelist_host *host)
{
	size_t count = place_array(at, 1, WHITELIST_PORTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		take_port(&item, bank, host);
	}
}

static const struct whitelist_authority *find_authority(const struct whitelist *whitelist, const char *id)
{
	for (size_t i = 0; i < whitelist->authority_count; i++)
		if (!strcmp(whitelist->authorities[i].id, id))
			return &whitelist->authorities[i];
	return NULL;
}

static int take_anchor(const struct place *item, const struct whitelist *whitelist, struct whitelist_host *host)
{
	const char *id;
	if (place_string(item, &id))
		return -EINVAL;
	const struct whitelist_authority *authority = find_authority(whitelist, id);
	if (!authority)
		return place_fail(item, WHITELIST_NO_SUCH_AUTHORITY);
	for (size_t earlier = 0; earlier < host->anchor_count; earlier++)
		if (host->anchors[earlier] == authority)
			return place_fail(item, WHITELIST_DUPLICATE);
	host->anchors[host->anchor_count++] = authority;
	return 0;
}

static void parse_anchors(const struct place *at, const struct whitelist *whitelist, struct whitelist_host *host)
{
	size_t count = place_array(at, 1, WHITELIST_ANCHORS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		take_anchor(&item, whitelist, host);
	}
}

static int take_pin(const struct place *item, struct whitelist_host *host)
{
	uint8_t *pin = host->pins[host->pin_count];
	if (place_base64(item, pin, WHITELIST_PIN_BYTES, WHITELIST_BAD_PIN))
		return -EINVAL;
	for (size_t earlier = 0; earlier < host->pin_count; earlier++)
		if (!memcmp(host->pins[earlier], pin, WHITELIST_PIN_BYTES))
			return place_fail(item, WHITELIST_DUPLICATE);
	host->pin_count++;
	return 0;
}

/* Two different pins at least: without a backup key a bank that loses its key loses its customers (RFC 7469 4.3). */
static void parse_pins(const struct place *at, struct whitelist_host *host)
{
	size_t count = place_array(at, 2, WHITELIST_PINS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		take_pin(&item, host);
	}
}

static void parse_host(const struct place *at, const struct whitelist *whitelist, struct whitelist_bank *bank,
		       struct whitelist_host *host)
{
	static const char *const members[] = {"name", "role", "ports", "anchors", "pins", NULL};
	static const char *const with_client[] = {"name", "role", "ports", "anchors", "pins", "client_certificate",
						  NULL};
	const bool client = json_object_get(at->json, "client_certificate") != NULL; /* it may be left out */
	if (place_object(at, client ? with_client : members))
		return;
	struct place name = place_member(at, "name"), role = place_member(at, "role"),
		     ports = place_member(at, "ports"), anchors = place_member(at, "anchors"),
		     pins = place_member(at, "pins");
	parse_host_name(&name, bank, host->name);
	parse_role(&role, &host->role);
	parse_ports(&ports, bank, host);
	parse_anchors(&anchors, whitelist, host);
	parse_pins(&pins, host);
	struct place certificate = place_member(at, "client_certificate");
	if (client)
		place_boolean(&certificate, &host->client_certificate);
	size_t clients = host->client_certificate;
	for (size_t i = 0; i < bank->host_count; i++)
		clients += bank->hosts[i].client_certificate;
	if (clients > WHITELIST_CLIENT_HOSTS_MAX)
		place_fail(&certificate, WHITELIST_TOO_MANY);
}

static int parse_hosts(const struct place *at, const struct whitelist *whitelist, struct whitelist_bank *bank)
{
	size_t count = place_array(at, 1, WHITELIST_HOSTS_MAX);
	bank->hosts = count > 0 ? calloc(count, sizeof *bank->hosts) : NULL;
	if (count > 0 && !bank->hosts)
		return place_fail(at, WHITELIST_NO_MEMORY);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		parse_host(&item, whitelist, bank, &bank->hosts[i]);
		bank->host_count++;
	}
	return 0;
}

/* --- banks --- */

static void parse_names(const struct place *at, struct whitelist_bank *bank)
{
	static const char *const members[] = {"ja", "en", NULL};
	if (place_object(at, members))
		return;
	struct place ja = place_member(at, "ja"), en = place_member(at, "en");
	place_words(&ja, bank->name_ja, sizeof bank->name_ja);
	place_words(&en, bank->name_en, sizeof bank->name_en);
}

static bool is_page_of(const struct whitelist_bank *bank, const char *host, uint16_t port)
{
	for (size_t i = 0; i < bank->host_count; i++)
		if (bank->hosts[i].role == ROLE_PAGE && name_matches(bank->hosts[i].name, host) &&
		    has_port(bank->hosts[i].ports, bank->hosts[i].port_count, port))
			return true;
	return false;
}

/* `hosts_known`: none of them has a fault, for which this one would only be another word. */
static int parse_start(const struct place *at, struct whitelist_bank *bank, bool hosts_known)
{
	char host[WHITELIST_HOST_BYTES];
	uint16_t port;
	const char *url;
	if (place_string(at, &url))
		return -EINVAL;
	if (strlen(url) >= sizeof bank->start || !url_split(url, host, &port))
		return place_fail(at, WHITELIST_BAD_START);
	if (hosts_known && !is_page_of(bank, host, port))
		return place_fail(at, WHITELIST_START_NOT_PAGE);
	memcpy(bank->start, url, strlen(url) + 1);
	return 0;
}

static int parse_support(const struct place *at, struct whitelist_bank *bank)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	size_t size = strlen(text);
	if (size < 3 || size >= sizeof bank->support || strspn(text, "+0123456789-() #*") != size)
		return place_fail(at, WHITELIST_BAD_SUPPORT);
	memcpy(bank->support, text, size + 1);
	return 0;
}

static void parse_bank(const struct place *at, struct whitelist *whitelist, struct whitelist_bank *bank)
{
	static const char *const members[] = {"id", "name", "start", "support", "hosts", NULL};
	if (place_object(at, members))
		return;
	struct place id = place_member(at, "id"), name = place_member(at, "name"), start = place_member(at, "start"),
		     support = place_member(at, "support"), hosts = place_member(at, "hosts");
	if (!place_id(&id, bank->id) && whitelist_bank(whitelist, bank->id) != bank)
		place_fail(&id, WHITELIST_DUPLICATE);
	parse_names(&name, bank);
	parse_support(&support, bank);
	size_t before = at->complaints->faults->count;
	parse_hosts(&hosts, whitelist, bank);
	parse_start(&start, bank, at->complaints->faults->count == before);
}

static int parse_banks(const struct place *at, struct whitelist *whitelist)
{
	size_t count = place_array(at, 1, WHITELIST_BANKS_MAX);
	whitelist->banks = count > 0 ? calloc(count, sizeof *whitelist->banks) : NULL;
	if (count > 0 && !whitelist->banks)
		return place_fail(at, WHITELIST_NO_MEMORY);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		whitelist->bank_count++;
		parse_bank(&item, whitelist, &whitelist->banks[i]);
	}
	return 0;
}

/* --- the whole --- */

/* One with a bad certificate keeps its name: the hosts that are anchored there have no fault of their own. */
static int parse_authority(const struct place *at, struct whitelist_authority *authority)
{
	struct certificate certificate;
	if (!id_is_good(at->name))
		return place_fail(at, WHITELIST_BAD_ID);
	int error = certificate_parse(at, &certificate);
	memcpy(authority->id, at->name, strlen(at->name) + 1);
	authority->der = certificate.der;
	authority->der_size = certificate.der_size;
	authority->not_after = certificate.not_after;
	memcpy(authority->spki_sha256, certificate.spki_sha256, sizeof authority->spki_sha256);
	return !error && !certificate.authority ? place_fail(at, WHITELIST_NOT_AUTHORITY) : error;
}

static void parse_authorities(const struct place *at, struct whitelist *whitelist)
{
	if (!at->json)
		return;
	if (!json_is_object(at->json))
		place_fail(at, WHITELIST_WRONG_KIND);
	if (json_object_size(at->json) > WHITELIST_AUTHORITIES_MAX)
		place_fail(at, WHITELIST_TOO_MANY);
	const char *id;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)at->json, id, value)
	{
		struct place member = place_member(at, id);
		if (whitelist->authority_count == WHITELIST_AUTHORITIES_MAX)
			break;
		parse_authority(&member, &whitelist->authorities[whitelist->authority_count++]);
	}
}

static int parse_date(const struct place *at, int64_t *seconds)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	return date_parse(text, seconds) ? place_fail(at, WHITELIST_BAD_DATE) : 0;
}

static void parse_head(const struct place *root, struct whitelist *whitelist)
{
	struct place tenant = place_member(root, "tenant"), version = place_member(root, "version"),
		     issued = place_member(root, "issued"), expires = place_member(root, "expires"),
		     pin = place_member(root, "pin");
	int64_t number = 0;
	place_id(&tenant, whitelist->tenant);
	place_integer(&version, 1, VERSION_MOST, WHITELIST_BAD_VERSION, &number);
	whitelist->version = (uint64_t)number;
	int error = parse_date(&issued, &whitelist->issued);
	if (!parse_date(&expires, &whitelist->expires) && !error && whitelist->expires <= whitelist->issued)
		place_fail(&expires, WHITELIST_BAD_PERIOD);
	place_boolean(&pin, &whitelist->pin);
}

/* Keys that were lost, of banks and of authorities: no chain may hold one, pinned or not. */
static void parse_revoked(const struct place *root, struct whitelist *whitelist)
{
	struct place revoked = place_member(root, "revoked");
	size_t count = revoked.json ? place_array(&revoked, 0, WHITELIST_REVOKED_MAX) : 0;
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(&revoked, i);
		if (place_base64(&item, whitelist->revoked[whitelist->revoked_count], WHITELIST_PIN_BYTES,
				 WHITELIST_BAD_PIN) == 0)
			whitelist->revoked_count++;
	}
}

static int parse_root(const struct place *root, struct whitelist *whitelist)
{
	static const char *const members[] = {"revoked", "format", "tenant",      "version", "issued",
					      "expires", "pin",    "authorities", "banks",   NULL};
	/* The format number first: another format may well have other members. */
	struct place format = place_member(root, "format");
	int64_t number;
	if (!root->json)
		return -EINVAL;
	if (!json_is_object(root->json))
		return place_fail(root, WHITELIST_NOT_JSON);
	if (place_integer(&format, 1, 1, WHITELIST_FORMAT, &number) || place_object_but(root, members, 1))
		return -EINVAL;
	struct place authorities = place_member(root, "authorities"), banks = place_member(root, "banks");
	parse_head(root, whitelist);
	parse_revoked(root, whitelist);
	parse_authorities(&authorities, whitelist);
	return parse_banks(&banks, whitelist);
}

static int read_policy(const uint8_t *payload, size_t size, struct whitelist **out, struct complaints *complaints)
{
	*out = NULL;
	struct whitelist *whitelist = calloc(1, sizeof *whitelist);
	json_t *tree = place_load(payload, size, complaints);
	struct place root = place_root(tree, complaints);
	if (whitelist)
		parse_root(&root, whitelist);
	else
		place_fail(&root, WHITELIST_NO_MEMORY);
	json_decref(tree);
	int error = place_verdict(complaints);
	if (!error && whitelist_index(whitelist)) {
		place_fail(&root, WHITELIST_NO_MEMORY);
		error = place_verdict(complaints);
	}
	if (error)
		whitelist_free(whitelist);
	else
		*out = whitelist;
	return error;
}

int whitelist_parse(const uint8_t *payload, size_t size, struct whitelist **out, struct whitelist_fault *fault)
{
	struct whitelist_faults faults = {.list = fault, .capacity = 1};
	struct complaints complaints = {.faults = &faults};
	*fault = (struct whitelist_fault){0};
	return read_policy(payload, size, out, &complaints);
}

int whitelist_check(const uint8_t *payload, size_t size, struct whitelist_faults *faults)
{
	struct complaints complaints = {.faults = faults, .explain = true};
	struct whitelist *whitelist;
	faults->count = 0;
	int error = read_policy(payload, size, &whitelist, &complaints);
	whitelist_free(whitelist);
	place_find_lines(payload, size, &complaints);
	return error;
}

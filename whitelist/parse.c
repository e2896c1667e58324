/* whitelist_parse(): the policy's JSON into its structs, member by member in the order of whitelist(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/certificate.h"
#include "whitelist/date.h"
#include "whitelist/names.h"
#include "whitelist/place.h"
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
	if (wildcard && name_is_public_suffix(text + 2))
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

static int parse_ports(const struct place *at, struct whitelist_bank *bank, struct whitelist_host *host)
{
	size_t count;
	int error = place_array(at, 1, WHITELIST_PORTS_MAX, &count);
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		int64_t port;
		error = place_integer(&item, 1, UINT16_MAX, WHITELIST_BAD_PORT, &port);
		if (error)
			break;
		if (port == PORT_OF_RESOLVER)
			return place_fail(&item, WHITELIST_BAD_PORT);
		if (has_port(host->ports, host->port_count, (uint16_t)port))
			return place_fail(&item, WHITELIST_DUPLICATE);
		host->ports[host->port_count++] = (uint16_t)port;
		if (has_port(bank->ports, bank->port_count, (uint16_t)port))
			continue;
		if (bank->port_count == WHITELIST_PORTS_MAX)
			return place_fail(&item, WHITELIST_TOO_MANY);
		bank->ports[bank->port_count++] = (uint16_t)port;
	}
	return error;
}

static const struct whitelist_authority *find_authority(const struct whitelist *whitelist, const char *id)
{
	for (size_t i = 0; i < whitelist->authority_count; i++)
		if (!strcmp(whitelist->authorities[i].id, id))
			return &whitelist->authorities[i];
	return NULL;
}

static int parse_anchors(const struct place *at, const struct whitelist *whitelist, struct whitelist_host *host)
{
	size_t count;
	int error = place_array(at, 1, WHITELIST_ANCHORS_MAX, &count);
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		const char *id;
		if (place_string(&item, &id))
			return -EINVAL;
		const struct whitelist_authority *authority = find_authority(whitelist, id);
		if (!authority)
			return place_fail(&item, WHITELIST_NO_SUCH_AUTHORITY);
		for (size_t earlier = 0; earlier < host->anchor_count; earlier++)
			if (host->anchors[earlier] == authority)
				return place_fail(&item, WHITELIST_DUPLICATE);
		host->anchors[host->anchor_count++] = authority;
	}
	return error;
}

/* Two different pins at least: without a backup key a bank that loses its key loses its customers (RFC 7469 4.3). */
static int parse_pins(const struct place *at, struct whitelist_host *host)
{
	size_t count;
	int error = place_array(at, 2, WHITELIST_PINS_MAX, &count);
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		uint8_t *pin = host->pins[host->pin_count];
		error = place_base64(&item, pin, WHITELIST_PIN_BYTES, WHITELIST_BAD_PIN);
		if (error)
			break;
		for (size_t earlier = 0; earlier < host->pin_count; earlier++)
			if (!memcmp(host->pins[earlier], pin, WHITELIST_PIN_BYTES))
				return place_fail(&item, WHITELIST_DUPLICATE);
		host->pin_count++;
	}
	return error;
}

static int parse_host(const struct place *at, const struct whitelist *whitelist, struct whitelist_bank *bank,
		      struct whitelist_host *host)
{
	static const char *const members[] = {"name", "role", "ports", "anchors", "pins", NULL};
	if (place_object(at, members))
		return -EINVAL;
	struct place name = place_member(at, "name"), role = place_member(at, "role"),
		     ports = place_member(at, "ports"), anchors = place_member(at, "anchors"),
		     pins = place_member(at, "pins");
	int error = parse_host_name(&name, bank, host->name);
	if (!error)
		error = parse_role(&role, &host->role);
	if (!error)
		error = parse_ports(&ports, bank, host);
	if (!error)
		error = parse_anchors(&anchors, whitelist, host);
	return error ? error : parse_pins(&pins, host);
}

static int parse_hosts(const struct place *at, const struct whitelist *whitelist, struct whitelist_bank *bank)
{
	size_t count;
	int error = place_array(at, 1, WHITELIST_HOSTS_MAX, &count);
	if (error)
		return error;
	bank->hosts = calloc(count, sizeof *bank->hosts);
	if (!bank->hosts)
		return -ENOMEM;
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		error = parse_host(&item, whitelist, bank, &bank->hosts[i]);
		bank->host_count++;
	}
	return error;
}

/* --- banks --- */

static int parse_names(const struct place *at, struct whitelist_bank *bank)
{
	static const char *const members[] = {"ja", "en", NULL};
	if (place_object(at, members))
		return -EINVAL;
	struct place ja = place_member(at, "ja"), en = place_member(at, "en");
	int error = place_words(&ja, bank->name_ja, sizeof bank->name_ja);
	return error ? error : place_words(&en, bank->name_en, sizeof bank->name_en);
}

static bool is_page_of(const struct whitelist_bank *bank, const char *host, uint16_t port)
{
	for (size_t i = 0; i < bank->host_count; i++)
		if (bank->hosts[i].role == ROLE_PAGE && name_matches(bank->hosts[i].name, host) &&
		    has_port(bank->hosts[i].ports, bank->hosts[i].port_count, port))
			return true;
	return false;
}

static int parse_start(const struct place *at, struct whitelist_bank *bank)
{
	char host[WHITELIST_HOST_BYTES];
	uint16_t port;
	const char *url;
	if (place_string(at, &url))
		return -EINVAL;
	if (strlen(url) >= sizeof bank->start || !url_split(url, host, &port))
		return place_fail(at, WHITELIST_BAD_START);
	if (!is_page_of(bank, host, port))
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

static int parse_bank(const struct place *at, struct whitelist *whitelist, struct whitelist_bank *bank)
{
	static const char *const members[] = {"id", "name", "start", "support", "hosts", NULL};
	if (place_object(at, members))
		return -EINVAL;
	struct place id = place_member(at, "id"), name = place_member(at, "name"), start = place_member(at, "start"),
		     support = place_member(at, "support"), hosts = place_member(at, "hosts");
	int error = place_id(&id, bank->id);
	if (!error && whitelist_bank(whitelist, bank->id) != bank)
		error = place_fail(&id, WHITELIST_DUPLICATE);
	if (!error)
		error = parse_names(&name, bank);
	if (!error)
		error = parse_support(&support, bank);
	if (!error)
		error = parse_hosts(&hosts, whitelist, bank);
	return error ? error : parse_start(&start, bank);
}

static int parse_banks(const struct place *at, struct whitelist *whitelist)
{
	size_t count;
	int error = place_array(at, 1, WHITELIST_BANKS_MAX, &count);
	if (error)
		return error;
	whitelist->banks = calloc(count, sizeof *whitelist->banks);
	if (!whitelist->banks)
		return -ENOMEM;
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		whitelist->bank_count++;
		error = parse_bank(&item, whitelist, &whitelist->banks[i]);
	}
	return error;
}

/* --- the whole --- */

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
	if (!error && !certificate.authority)
		error = place_fail(at, WHITELIST_NOT_AUTHORITY);
	return error;
}

static int parse_authorities(const struct place *at, struct whitelist *whitelist)
{
	if (!json_is_object(at->json))
		return place_fail(at, WHITELIST_WRONG_KIND);
	if (json_object_size(at->json) > WHITELIST_AUTHORITIES_MAX)
		return place_fail(at, WHITELIST_TOO_MANY);
	const char *id;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)at->json, id, value)
	{
		struct place member = place_member(at, id);
		int error = parse_authority(&member, &whitelist->authorities[whitelist->authority_count++]);
		if (error)
			return error;
	}
	return 0;
}

static int parse_date(const struct place *at, int64_t *seconds)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	return date_parse(text, seconds) ? place_fail(at, WHITELIST_BAD_DATE) : 0;
}

static int parse_head(const struct place *root, struct whitelist *whitelist)
{
	struct place tenant = place_member(root, "tenant"), version = place_member(root, "version"),
		     issued = place_member(root, "issued"), expires = place_member(root, "expires"),
		     pin = place_member(root, "pin");
	int64_t number = 0;
	int error = place_id(&tenant, whitelist->tenant);
	if (!error)
		error = place_integer(&version, 1, VERSION_MOST, WHITELIST_BAD_VERSION, &number);
	whitelist->version = (uint64_t)number;
	if (!error)
		error = parse_date(&issued, &whitelist->issued);
	if (!error)
		error = parse_date(&expires, &whitelist->expires);
	if (!error && whitelist->expires <= whitelist->issued)
		error = place_fail(&expires, WHITELIST_BAD_PERIOD);
	return error ? error : place_boolean(&pin, &whitelist->pin);
}

static int parse_root(const struct place *root, struct whitelist *whitelist)
{
	static const char *const members[] = {"format", "tenant",      "version", "issued", "expires",
					      "pin",    "authorities", "banks",   NULL};
	/* The format number first: another format may well have other members. */
	struct place format = place_member(root, "format");
	int64_t number;
	if (!json_is_object(root->json))
		return place_fail(root, WHITELIST_NOT_JSON);
	if (place_integer(&format, 1, 1, WHITELIST_FORMAT, &number) || place_object(root, members))
		return -EINVAL;
	struct place authorities = place_member(root, "authorities"), banks = place_member(root, "banks");
	int error = parse_head(root, whitelist);
	if (!error)
		error = parse_authorities(&authorities, whitelist);
	if (!error)
		error = parse_banks(&banks, whitelist);
	return error ? error : whitelist_index(whitelist);
}

int whitelist_parse(const uint8_t *payload, size_t size, struct whitelist **out, struct whitelist_fault *fault)
{
	*out = NULL;
	*fault = (struct whitelist_fault){0};
	struct whitelist *whitelist = calloc(1, sizeof *whitelist);
	json_t *tree = json_loadb((const char *)payload, size, JSON_REJECT_DUPLICATES, NULL);
	struct place root = place_root(tree, fault);
	int error = whitelist ? parse_root(&root, whitelist) : -ENOMEM;
	json_decref(tree);
	if (error == -ENOMEM)
		fault->error = WHITELIST_NO_MEMORY;
	if (error)
		whitelist_free(whitelist);
	else
		*out = whitelist;
	return error;
}

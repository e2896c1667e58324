#include "whitelist/whitelist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/names.h"

void whitelist_free(struct whitelist *whitelist)
{
	if (!whitelist)
		return;
	for (size_t i = 0; i < whitelist->bank_count; i++)
		free(whitelist->banks[i].hosts);
	free(whitelist->banks);
	free(whitelist->slots);
	for (size_t i = 0; i < whitelist->authority_count; i++)
		free(whitelist->authorities[i].der);
	free(whitelist);
}

/* Also while the policy is being read, and nothing is indexed yet. */
const struct whitelist_bank *whitelist_bank(const struct whitelist *whitelist, const char *id)
{
	for (size_t i = 0; i < whitelist->bank_count; i++)
		if (!strcmp(whitelist->banks[i].id, id))
			return &whitelist->banks[i];
	return NULL;
}

/* --- look-up --- */

/* A slot holds a bank's number, counted from 1, and a host's; a bank itself has this for a host. */
enum { HOST_BITS = 16, ITSELF = (1 << HOST_BITS) - 1 };

/* FNV-1a, 64 bits: names are the signers' own, so that nobody chooses them to collide. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	return hash;
}

/* Of a bank's entry that is spelled `wild` and then `name`; "" and "" are the bank itself. */
static size_t first_slot(const struct whitelist *whitelist, const char *bank, const char *wild, const char *name)
{
	uint64_t hash = hash_text(hash_text(hash_text(0xcbf29ce484222325, bank) * 0x100000001b3, wild), name);
	return (hash ^ hash >> 32) & (whitelist->slot_count - 1);
}

static size_t next_slot(const struct whitelist *whitelist, size_t at) { return (at + 1) & (whitelist->slot_count - 1); }

static void put_slot(struct whitelist *whitelist, size_t b, size_t h, const char *name)
{
	size_t at = first_slot(whitelist, whitelist->banks[b].id, "", name);
	while (whitelist->slots[at])
		at = next_slot(whitelist, at);
	whitelist->slots[at] = (uint32_t)((b + 1) << HOST_BITS | h);
}

int whitelist_index(struct whitelist *whitelist)
{
	size_t entries = whitelist->bank_count, slots = 64;
	for (size_t b = 0; b < whitelist->bank_count; b++)
		entries += whitelist->banks[b].host_count;
	while (slots < 2 * entries) /* at least half of them stay free, so that every search ends */
		slots *= 2;
	free(whitelist->slots);
	whitelist->slots = calloc(slots, sizeof *whitelist->slots);
	whitelist->slot_count = whitelist->slots ? slots : 0;
	for (size_t b = 0; b < whitelist->bank_count && whitelist->slots; b++) {
		put_slot(whitelist, b, ITSELF, "");
		for (size_t h = 0; h < whitelist->banks[b].host_count; h++)
			put_slot(whitelist, b, h, whitelist->banks[b].hosts[h].name);
	}
	return whitelist->slots ? 0 : -ENOMEM;
}

static bool has_bank(const struct whitelist *whitelist, const char *id)
{
	for (size_t at = first_slot(whitelist, id, "", ""); whitelist->slots[at]; at = next_slot(whitelist, at))
		if ((whitelist->slots[at] & ITSELF) == ITSELF &&
		    !strcmp(whitelist->banks[(whitelist->slots[at] >> HOST_BITS) - 1].id, id))
			return true;
	return false;
}

static const struct whitelist_host *find_entry(const struct whitelist *whitelist, const char *bank, const char *wild,
					       const char *name)
{
	const size_t wild_size = strlen(wild);
	for (size_t at = first_slot(whitelist, bank, wild, name); whitelist->slots[at]; at = next_slot(whitelist, at)) {
		const struct whitelist_bank *owner = &whitelist->banks[(whitelist->slots[at] >> HOST_BITS) - 1];
		const size_t nth = whitelist->slots[at] & ITSELF;
		const struct whitelist_host *host = &owner->hosts[nth];
		if (nth != ITSELF && !strncmp(host->name, wild, wild_size) && !strcmp(host->name + wild_size, name) &&
		    !strcmp(owner->id, bank))
			return host;
	}
	return NULL;
}

/* An entry's own spelling is a host's, or begins with a star; a name that only a wildcard may match is looked at. */
static const struct whitelist_host *find_host(const struct whitelist *whitelist, const char *bank, const char *name)
{
	const char *rest = strchr(name, '.');
	const struct whitelist_host *host = name[0] == '*' ? NULL : find_entry(whitelist, bank, "", name);
	if (host || !rest)
		return host;
	host = find_entry(whitelist, bank, "*", rest);
	return host && name_is_host(name) ? host : NULL;
}

static bool serves(const struct whitelist_host *host, uint16_t port)
{
	for (size_t i = 0; i < host->port_count; i++)
		if (host->ports[i] == port)
			return true;
	return port == 0;
}

enum whitelist_answer whitelist_look_up(const struct whitelist *whitelist, const char *bank, const char *host,
					uint16_t port, int64_t now, const struct whitelist_host **found)
{
	const struct whitelist_host *match = find_host(whitelist, bank, host);
	if (!match && !has_bank(whitelist, bank))
		return WHITELIST_NO_BANK;
	if (now >= whitelist->expires)
		return WHITELIST_EXPIRED;
	if (!match && name_is_address(host))
		return WHITELIST_IP_LITERAL;
	if (!match)
		return WHITELIST_NOT_LISTED;
	if (!serves(match, port))
		return WHITELIST_OTHER_PORT;
	if (found)
		*found = match;
	return WHITELIST_YES;
}

/* --- one version after another --- */

enum whitelist_verdict whitelist_accept(const struct whitelist *offered, const struct whitelist *current,
					uint64_t floor, int64_t now)
{
	if (current && strcmp(current->tenant, offered->tenant) != 0)
		return WHITELIST_OTHER_TENANT;
	if (current && offered->version == current->version)
		return WHITELIST_SAME;
	if ((current && offered->version < current->version) || offered->version < floor)
		return WHITELIST_OLDER;
	return now >= offered->expires ? WHITELIST_OUT_OF_DATE : WHITELIST_NEWER;
}

static const struct {
	const char *code, *text;
} verdicts[WHITELIST_VERDICT_COUNT] = {
    [WHITELIST_NEWER] = {"newer", "is newer than the one in use"},
    [WHITELIST_SAME] = {"same", "is the one in use already"},
    [WHITELIST_OLDER] = {"older", "is older than the one in use; versions only go up"},
    [WHITELIST_OUT_OF_DATE] = {"expired", "has expired; sign one with a later expiry date"},
    [WHITELIST_OTHER_TENANT] = {"other_tenant", "was made for another tenant than this stick"},
};

const char *whitelist_verdict_code(enum whitelist_verdict verdict) { return verdicts[verdict].code; }
const char *whitelist_verdict_text(enum whitelist_verdict verdict) { return verdicts[verdict].text; }

/* --- faults in words --- */

static const struct {
	const char *code, *text;
} errors[WHITELIST_ERROR_COUNT] = {
    [WHITELIST_OK] = {"ok", "nothing is wrong"},
    [WHITELIST_NOT_JSON] = {"payload_not_json", "the content is not one complete JSON object, or gives a member twice"},
    [WHITELIST_FORMAT] = {"format", "this program knows format 1 only; it needs an update to read this"},
    [WHITELIST_MISSING] = {"missing", "is missing"},
    [WHITELIST_UNKNOWN_MEMBER] = {"unknown_member", "is not a member that the format knows; check the spelling"},
    [WHITELIST_WRONG_KIND] = {"wrong_kind", "is of the wrong kind (text, number, list, object, true or false)"},
    [WHITELIST_TOO_MANY] = {"too_many", "has more entries than the format allows"},
    [WHITELIST_TOO_FEW] = {"too_few", "has too few entries (pins: two at least, the second for a spare key)"},
    [WHITELIST_DUPLICATE] = {"duplicate", "is there twice"},
    [WHITELIST_BAD_ID] = {"bad_id", "must be 1 to 32 lower-case letters, digits and hyphens"},
    [WHITELIST_BAD_TEXT] = {"bad_text", "is empty, too long, or has a character that cannot be seen"},
    [WHITELIST_BAD_VERSION] = {"bad_version", "must be a whole number from 1 on"},
    [WHITELIST_BAD_DATE] = {"bad_date", "must be a date like 2026-11-22T00:00:00Z (UTC)"},
    [WHITELIST_BAD_PERIOD] = {"bad_period", "must be later than the issue date"},
    [WHITELIST_BAD_HOST] = {"bad_host", "must be a full host name in lower-case letters (xn-- for others), exact or "
					"with *. in front"},
    [WHITELIST_WIDE_WILDCARD] = {"wide_wildcard", "stands for names that belong to others; put the bank's own domain "
						  "after the *."},
    [WHITELIST_BAD_PORT] = {"bad_port", "must be a port number from 1 to 65535, and not 53"},
    [WHITELIST_BAD_ROLE] = {"bad_role", "must be \"page\" or \"asset\""},
    [WHITELIST_BAD_CERTIFICATE] = {"bad_certificate", "must be one certificate in PEM, with an RSA key of 2048 bits "
						      "or more or a P-256, P-384 or P-521 key"},
    [WHITELIST_NOT_AUTHORITY] = {"not_authority", "is not the certificate of a certificate authority"},
    [WHITELIST_NO_SUCH_AUTHORITY] = {"no_such_authority", "is not among the authorities"},
    [WHITELIST_BAD_PIN] = {"bad_pin", "must be the base64 of a SHA-256 (44 characters)"},
    [WHITELIST_BAD_START] = {"bad_start", "must be a plain https:// address with a path, such as "
					  "https://www.bank.example/"},
    [WHITELIST_START_NOT_PAGE] = {"start_not_page", "must lead to one of the bank's own hosts of role page"},
    [WHITELIST_BAD_SUPPORT] = {"bad_support", "must be a telephone number"},
    [WHITELIST_BAD_KEY] = {"bad_key", "must be the base64 of a WireGuard public key (44 characters)"},
    [WHITELIST_BAD_ADDRESS] = {"bad_address", "must be a literal address of a gateway, such as 203.0.113.11:51820 or "
					      "[2001:db8::11]:51820"},
    [WHITELIST_NO_MEMORY] = {"no_memory", "out of memory"},
};

const char *whitelist_error_code(enum whitelist_error error) { return errors[error].code; }

const char *whitelist_fault_text(const struct whitelist_fault *fault, char text[WHITELIST_FAULT_BYTES])
{
	snprintf(text, WHITELIST_FAULT_BYTES, "%s%s%s", fault->path, fault->path[0] ? ": " : "",
		 errors[fault->error].text);
	return text;
}

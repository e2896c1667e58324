/* The control socket's requests: `sekisho gateway ...` on the gateway itself, by those whom the socket's mode lets in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/operator.h"

static const char *text_member(const json_t *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request, name));
	return text ? text : "";
}

static void answer(FILE *out, json_t *json)
{
	if (json)
		json_dumpf(json, out, JSON_COMPACT);
	json_decref(json);
}

static void refuse(FILE *out, const char *why) { answer(out, json_pack("{s:b, s:s}", "ok", 0, "error", why)); }

static void command_add(struct hub *hub, const json_t *request, FILE *out)
{
	struct store_stick row = {0};
	char why[256] = "", address[INET_ADDRSTRLEN];
	size_t size = 0;
	const char *id = text_member(request, "id"), *name = text_member(request, "name");
	const char *region = text_member(request, "region"), *key = text_member(request, "key");
	const char *wanted = text_member(request, "address"), *identity = text_member(request, "identity");
	if (!name_is_id(id))
		snprintf(why, sizeof why, "the id wants 1 to 32 letters, digits, '.', '_' or '-'");
	else if (!name_is_text(name, STICK_NAME_SIZE - 1) || !name_is_text(region, REGION_SIZE - 1))
		snprintf(why, sizeof why, "name and region want text of at most 128 and 64 bytes");
	else if (base64_decode(key, strlen(key), row.key, sizeof row.key, &size) || size != sizeof row.key)
		snprintf(why, sizeof why, "the key wants a WireGuard public key: 32 bytes in base64");
	else if (identity[0] && !statement_read_public(identity, row.identity_key))
		snprintf(why, sizeof why,
			 "the identity wants a P-256 public key: 65 bytes in base64, as sekisho device "
			 "new printed it");
	else if (wanted[0] && inet_pton(AF_INET, wanted, &row.address) != 1)
		snprintf(why, sizeof why, "the address wants an IPv4 address, such as 10.77.0.2");
	if (!why[0]) {
		snprintf(row.id, sizeof row.id, "%s", id);
		snprintf(row.name, sizeof row.name, "%s", name);
		snprintf(row.region, sizeof row.region, "%s", region);
		hub_stick_add(hub, &row, text_member(request, "who"), why, sizeof why);
	}
	if (why[0]) {
		refuse(out, why);
		return;
	}
	inet_ntop(AF_INET, &row.address, address, sizeof address);
	answer(out, json_pack("{s:b, s:s, s:s}", "ok", 1, "id", row.id, "address", address));
}

static void command_revoke(struct hub *hub, const json_t *request, FILE *out)
{
	char why[256] = "";
	if (hub_stick_revoke(hub, text_member(request, "id"), text_member(request, "who"), why, sizeof why))
		refuse(out, why);
	else
		answer(out, json_pack("{s:b}", "ok", 1));
}

/* --- what was held back --- */

static void answer_done(FILE *out, const char *why)
{
	if (why[0])
		refuse(out, why);
	else
		answer(out, json_pack("{s:b}", "ok", 1));
}

static void command_unlock(struct hub *hub, const json_t *request, FILE *out)
{
	char why[256] = "";
	hub_stick_unlock(hub, text_member(request, "id"), text_member(request, "reason"), text_member(request, "who"),
			 why, sizeof why);
	answer_done(out, why);
}

static void command_release(struct hub *hub, const json_t *request, FILE *out)
{
	char why[256] = "";
	hub_stick_release(hub, text_member(request, "id"), text_member(request, "reason"), text_member(request, "who"),
			  why, sizeof why);
	answer_done(out, why);
}

static void command_pin(struct hub *hub, const json_t *request, FILE *out)
{
	char why[256] = "";
	struct hub_letter letter = {0};
	const char *duress = text_member(request, "duress_key");
	if (!statement_read_public(text_member(request, "pin_key"), letter.pin_key) ||
	    (duress[0] && !statement_read_public(duress, letter.duress_key)))
		snprintf(why, sizeof why,
			 "the letter wants P-256 public keys: 65 bytes in base64, as sekisho device pin wrote them");
	else
		hub_stick_pin(hub, text_member(request, "id"), &letter, text_member(request, "reason"),
			      text_member(request, "who"), why, sizeof why);
	answer_done(out, why);
}

/* --- images --- */

/* An image's version and root hash, in lower case. NULL, or what is wrong. */
static const char *read_image(const json_t *request, uint64_t *version, char root_hash[ROOT_HASH_SIZE])
{
	const json_t *number = json_object_get(request, "version");
	const char *hash = text_member(request, "root_hash");
	*version = (uint64_t)json_integer_value(number);
	if (!json_is_integer(number) || json_integer_value(number) < 0 || *version > IMAGES_VERSION_MAX)
		return "the version wants a whole number, such as 7";
	size_t i = 0;
	for (; i < ROOT_HASH_SIZE - 1 && strchr("0123456789abcdefABCDEF", hash[i]) && hash[i]; i++)
		root_hash[i] = (char)(hash[i] | 0x20);
	root_hash[i] = '\0';
	return i == ROOT_HASH_SIZE - 1 && !hash[i] ? NULL : "the root hash wants 64 hexadecimal digits";
}

static void answer_images(struct hub *hub, FILE *out)
{
	answer(out, json_pack("{s:b, s:I, s:I}", "ok", 1, "floor", (json_int_t)hub->images.floor, "held_back",
			      (json_int_t)hub_images_held_back(hub, &hub->images)));
}

static void command_image_floor(struct hub *hub, const json_t *request, FILE *out)
{
	char why[256] = "";
	const json_t *number = json_object_get(request, "version");
	json_int_t version = json_integer_value(number);
	if (!json_is_integer(number) || version < 0 || (uint64_t)version > IMAGES_VERSION_MAX)
		snprintf(why, sizeof why, "the floor wants a whole number, such as 7; 0 for none");
	else
		hub_image_floor(hub, (uint64_t)version, text_member(request, "who"), why, sizeof why);
	if (why[0])
		refuse(out, why);
	else
		answer_images(hub, out);
}

static void change_image(struct hub *hub, const json_t *request, FILE *out,
			 int (*apply)(struct hub *hub, uint64_t version, const char *root_hash, const char *who,
				      char *why, size_t why_size))
{
	char why[256] = "", root_hash[ROOT_HASH_SIZE];
	uint64_t version;
	const char *wrong = read_image(request, &version, root_hash);
	if (wrong)
		snprintf(why, sizeof why, "%s", wrong);
	else
		apply(hub, version, root_hash, text_member(request, "who"), why, sizeof why);
	if (why[0])
		refuse(out, why);
	else
		answer_images(hub, out);
}

static void command_image_add(struct hub *hub, const json_t *request, FILE *out)
{
	change_image(hub, request, out, hub_image_add);
}

static void command_image_remove(struct hub *hub, const json_t *request, FILE *out)
{
	change_image(hub, request, out, hub_image_remove);
}

static void command_image_list(struct hub *hub, const json_t *request, FILE *out)
{
	(void)request;
	json_t *list = json_array();
	for (size_t i = 0; i < hub->images.count; i++)
		json_array_append_new(list, json_pack("{s:I, s:s}", "version", (json_int_t)hub->images.list[i].version,
						      "root_hash", hub->images.list[i].root_hash));
	answer(out, json_pack("{s:I, s:I, s:o}", "floor", (json_int_t)hub->images.floor, "held_back",
			      (json_int_t)hub_images_held_back(hub, &hub->images), "images", list));
}

/* False, said, when the view could not be put into the audit log. */
static bool may_view(struct hub *hub, const json_t *request, const char *what, FILE *out)
{
	int error = hub_viewed(hub, text_member(request, "who"), what, "");
	if (error)
		refuse(out, "the audit log does not take that you looked: is the gateway's disk full?");
	return !error;
}

static void command_list(struct hub *hub, const json_t *request, FILE *out)
{
	if (may_view(hub, request, "sticks_viewed", out))
		hub_report_sticks(hub, out);
}

/* Which documents are in force: no word on any stick. */
static void command_documents(struct hub *hub, const json_t *request, FILE *out)
{
	(void)request;
	hub_report_documents(hub, out);
}

static void command_events(struct hub *hub, const json_t *request, FILE *out)
{
	if (may_view(hub, request, "events_viewed", out))
		hub_report_events(hub, out, 200);
}

/* --- the audit log --- */

enum { AUDIT_PART = 2000 };

static void put_entry(uint64_t id, const char *entry, const char *leaf, void *list)
{
	json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "entry", entry, "leaf", leaf));
}

static void command_audit_entries(struct hub *hub, const json_t *request, FILE *out)
{
	json_int_t from = json_integer_value(json_object_get(request, "from"));
	json_t *list = json_array();
	int error = from < 0 ? -EINVAL : store_each_audit(hub->store, (uint64_t)from, AUDIT_PART, put_entry, list);
	if (!error) {
		answer(out, json_pack("{s:b, s:s, s:o}", "ok", 1, "broken", hub->audit->broken, "entries", list));
		return;
	}
	json_decref(list);
	refuse(out, "the audit log cannot be read from the database: gatewayd's log says why");
}

static void put_note(const char *note, void *list) { json_array_append_new(list, json_string(note)); }

static void command_audit_checkpoints(struct hub *hub, const json_t *request, FILE *out)
{
	(void)request;
	json_t *list = json_array();
	int error = audit_checkpoint(hub->audit, hub_now(), true);
	if (!error)
		error = store_each_checkpoint(hub->store, put_note, list);
	if (!error) {
		answer(out, json_pack("{s:b, s:o}", "ok", 1, "checkpoints", list));
		return;
	}
	json_decref(list);
	refuse(out, "the checkpoints cannot be made or read: gatewayd's log says why");
}

static void command_password(struct hub *hub, const json_t *request, FILE *out)
{
	char password[OPERATOR_PASSWORD_SIZE + 4];
	const char *name = text_member(request, "name");
	if (!name_is_id(name)) {
		refuse(out, "the operator's name wants 1 to 32 letters, digits, '.', '_' or '-'");
		return;
	}
	int error = hub_operator_password(hub, name, text_member(request, "who"), password, sizeof password);
	if (error) {
		refuse(out, strerror(-error));
		return;
	}
	answer(out, json_pack("{s:b, s:s, s:s}", "ok", 1, "name", name, "password", password));
	wipe(password, sizeof password);
}

static const struct {
	const char *name;
	void (*run)(struct hub *hub, const json_t *request, FILE *out);
} commands[] = {
    {"stick.add", command_add},
    {"stick.revoke", command_revoke},
    {"stick.list", command_list},
    {"documents", command_documents},
    {"events", command_events},
    {"operator.password", command_password},
    {"image.floor", command_image_floor},
    {"image.add", command_image_add},
    {"image.remove", command_image_remove},
    {"image.list", command_image_list},
    {"audit.entries", command_audit_entries},
    {"audit.checkpoints", command_audit_checkpoints},
    {"stick.unlock", command_unlock},
    {"stick.release", command_release},
    {"stick.pin", command_pin},
};

/* In the place of what the request says: nobody can write that somebody else did it, or look without a name. */
static void put_who(json_t *request, const char *account)
{
	char who[OPERATOR_SIZE];
	const char *said = text_member(request, "who");
	bool more = name_is_id(said) && strcmp(said, account) != 0 && strlen(account) + 1 + strlen(said) < sizeof who;
	snprintf(who, sizeof who, "%s%s%s", account, more ? "/" : "", more ? said : "");
	json_object_set_new(request, "who", json_string(who));
}

void hub_control(struct hub *hub, const char *account, const char *json, size_t size, FILE *out)
{
	json_t *request = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	const char *name = text_member(request, "command");
	size_t i = 0;
	put_who(request, account);
	while (i < sizeof commands / sizeof commands[0] && strcmp(commands[i].name, name) != 0)
		i++;
	struct desk_call call = {.request = request, .who = text_member(request, "who"), .local = true, .out = out};
	if (i < sizeof commands / sizeof commands[0])
		commands[i].run(hub, request, out);
	else if (!hub_desk_call(hub, name, &call, 0))
		refuse(out, "this gatewayd does not know the command: are `sekisho' and gatewayd of one version?");
	json_decref(request);
}

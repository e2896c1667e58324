/* What the store process decides, with its channels cut: messages are caught here instead of sent. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/envelope.h"
#include "firmware/lib/loop.h"
#include "tests/unit/database.h"
#include "vpn/gateway/hub.h"

static struct hub hub;
static char path[DATABASE_SIZE];

struct sent {
	enum gateway_role role;
	uint16_t type;
	uint32_t id;
	uint8_t data[512];
	size_t size;
};
static struct sent sent[64];
static size_t sent_count;
static bool egress_is_there;

static bool catch_message(struct hub *h, enum gateway_role role, uint16_t type, uint32_t id,
			  const struct writer *payload)
{
	(void)h;
	if (role == ROLE_EGRESS && !egress_is_there)
		return false;
	assert_false(payload->failed);
	assert_true(sent_count < sizeof sent / sizeof sent[0] && payload->size <= sizeof sent[0].data);
	struct sent *one = &sent[sent_count++];
	*one = (struct sent){.role = role, .type = type, .id = id, .size = payload->size};
	if (payload->size > 0)
		memcpy(one->data, payload->data, payload->size);
	return true;
}

/* The nth message of that type since the last forget(). */
static struct reader said(uint16_t type, size_t nth)
{
	for (size_t i = 0; i < sent_count; i++)
		if (sent[i].type == type && nth-- == 0)
			return reader_over(sent[i].data, sent[i].size);
	fail_msg("message %u was not sent", type);
	return reader_over(NULL, 0);
}

static void forget(void) { sent_count = 0; }

/* There is no memory for so many bytes; 0: there is for all. */
static size_t too_many;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return too_many && size == too_many ? NULL : __real_malloc(size); }

static void open_hub(void)
{
	char why[256];
	hub = (struct hub){.send = catch_message};
	assert_int_equal(
	    config_parse(
		"id = gw1\ntenant = demo\ninner = 10.77.0.1/16\negress = bank-a 203.0.113.101\nadmission-time = 600\n",
		&hub.config, why, sizeof why),
	    0);
	snprintf(hub.config.database, sizeof hub.config.database, "%s", path);
	static char key[ENVELOPE_PEM_MAX], unused[ENVELOPE_PEM_MAX];
	if (!key[0])
		assert_int_equal(envelope_key_generate(key, unused), 0);
	assert_int_equal(hub_open(&hub, key, -1), 0);
	const uint16_t https[] = {443};
	assert_int_equal(plan_add(&hub.plan, "bank-a", "www.a.example", https, 1), 0);
	assert_int_equal(plan_add(&hub.plan, "bank-b", "www.b.example", https, 1), 0);
	hub.policy.version = 3;
	hub.policy.expires = hub_now() + 1000;
	egress_is_there = true;
	forget();
}

static uint8_t identity[STATEMENT_PRIVATE_BYTES], pin_key[STATEMENT_PRIVATE_BYTES];
static bool has_pin; /* the stick signs with pin_key */
static uint8_t token[STATEMENT_TOKEN_BYTES];

static int make(void **state)
{
	(void)state;
	char why[256];
	struct store_stick row = {.id = "ST-000001"};
	database_new("gateway_hub", path);
	open_hub();
	memset(row.key, 7, sizeof row.key);
	memset(token, 0, sizeof token);
	assert_int_equal(statement_new_key(identity, row.identity_key), 0);
	return hub_stick_add(&hub, &row, "test", why, sizeof why);
}

static int unmake(void **state)
{
	(void)state;
	hub_close(&hub);
	remove_database(path);
	return 0;
}

static const char *image_version = "1", *root_hash = "";
static char beacon_reason[CODE_SIZE];

static const char *read_answer(struct reader reply)
{
	static char answer[CODE_SIZE];
	read_str(&reply, answer, sizeof answer);
	read_str(&reply, beacon_reason, sizeof beacon_reason);
	return answer;
}

/* The last message of that type. */
static struct reader last_said(uint16_t type)
{
	size_t count = 0;
	for (size_t i = 0; i < sent_count; i++)
		count += sent[i].type == type;
	assert_true(count > 0);
	return said(type, count - 1);
}

static void ask_nonce(struct statement *statement)
{
	uint8_t data[8];
	size_t size = 0;
	char reason[CODE_SIZE];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0002));
	struct reader r = reader_over(data, w.size);
	fleet_at(hub.fleet, 0)->nonce_ms = 0; /* the one before was long ago */
	hub_nonce(&hub, 9, &r);
	struct reader reply = last_said(GW_NONCE_REPLY);
	read_str(&reply, reason, sizeof reason);
	const uint8_t *nonce = read_blob(&reply, &size);
	assert_string_equal(reason, "");
	assert_int_equal(size, sizeof statement->nonce);
	memcpy(statement->nonce, nonce, sizeof statement->nonce);
}

static const char *send_statement(const struct statement *statement)
{
	uint8_t bytes[STATEMENT_MAX_BYTES], signature[STATEMENT_SIGNATURE_BYTES], second[STATEMENT_SIGNATURE_BYTES];
	uint8_t data[1024];
	int size = statement_encode(statement, bytes);
	assert_int_equal(statement_sign(statement, SIGNER_IDENTITY, identity, signature), 0);
	if (has_pin)
		assert_int_equal(statement_sign(statement, SIGNER_PIN, pin_key, second), 0);
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0002));
	write_blob(&w, bytes, (size_t)size);
	write_blob(&w, signature, sizeof signature);
	write_blob(&w, second, has_pin ? sizeof second : 0);
	struct reader r = reader_over(data, w.size);
	hub_statement(&hub, 9, &r);
	return read_answer(last_said(GW_BEACON_REPLY));
}

/* A statement as the stick makes it; gives the answer's state, and keeps the token. */
static const char *state_boot(const char *boot)
{
	size_t size = 0;
	char text[CODE_SIZE];
	struct statement statement = {.gateway = "gw1", .device = "ST-000001", .policy_version = 3};
	snprintf(statement.boot, sizeof statement.boot, "%s", boot);
	snprintf(statement.image_version, sizeof statement.image_version, "%s", image_version);
	for (size_t i = 0; root_hash[0] != '\0' && i < sizeof statement.root_hash; i++)
		statement.root_hash[i] =
		    (uint8_t)strtoul((const char[]){root_hash[2 * i], root_hash[2 * i + 1], '\0'}, NULL, 16);
	memcpy(statement.token, token, sizeof token);
	ask_nonce(&statement);
	const char *answer = send_statement(&statement);
	struct reader reply = last_said(GW_BEACON_REPLY);
	for (int i = 0; i < 2; i++)
		read_str(&reply, text, sizeof text);
	read_u32(&reply), read_u64(&reply), read_u64(&reply), read_u32(&reply);
	const uint8_t *next = read_blob(&reply, &size);
	if (size == sizeof token)
		memcpy(token, next, sizeof token);
	return answer;
}

static const char *say_beacon(uint32_t address, const char *device, const char *boot, uint64_t sequence, bool goodbye)
{
	uint8_t data[1024];
	struct beacon b = {.sequence = sequence, .goodbye = goodbye, .policy_version = 3};
	snprintf(b.device, sizeof b.device, "%s", device);
	snprintf(b.boot, sizeof b.boot, "%s", boot);
	snprintf(b.image_version, sizeof b.image_version, "%s", image_version);
	snprintf(b.root_hash, sizeof b.root_hash, "%s", root_hash);
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(address));
	beacon_write(&w, &b);
	struct reader r = reader_over(data, w.size);
	hub_beacon(&hub, 9, &r);
	return read_answer(last_said(GW_BEACON_REPLY));
}

/* Say a beacon from `address`, and make a statement if it is answered that none stands; gives the last answer's state.
 */
static const char *beacon(uint32_t address, const char *device, const char *boot, uint64_t sequence, bool goodbye)
{
	forget();
	const char *answer = say_beacon(address, device, boot, sequence, goodbye);
	return strcmp(beacon_reason, "no_statement") == 0 ? state_boot(boot) : answer;
}

static void beacon_with_attack(const char *boot, uint64_t sequence, uint32_t count)
{
	uint8_t data[2048];
	struct beacon b = {.sequence = sequence, .policy_version = 3, .attack = {.count = count, .key_count = 1}};
	snprintf(b.device, sizeof b.device, "ST-000001");
	snprintf(b.boot, sizeof b.boot, "%s", boot);
	snprintf(b.image_version, sizeof b.image_version, "1");
	snprintf(b.attack.host, sizeof b.attack.host, "www.bank.example");
	snprintf(b.attack.reason, sizeof b.attack.reason, "pin");
	snprintf(b.attack.keys[0], sizeof b.attack.keys[0], "HNXBJZvKm5i3ZLoOOBLPehwKB91m9l/0AnQyFKKFaYw=");
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0002));
	beacon_write(&w, &b);
	struct reader r = reader_over(data, w.size);
	forget();
	hub_beacon(&hub, 9, &r);
}

static void count_attacks(const struct store_event *event, void *context)
{
	unsigned *count = context;
	if (strcmp(event->kind, "possible_attack") != 0)
		return;
	assert_string_equal(event->stick, "ST-000001");
	assert_string_equal(event->detail, "www.bank.example pin HNXBJZvKm5i3ZLoOOBLPehwKB91m9l/0AnQyFKKFaYw=");
	(*count)++;
}

/* Each is told once, however often the beacon that says it is sent, and again after a new start. */
static void a_possible_attack_is_an_event_with_its_keys(void **state)
{
	unsigned count = 0;
	(void)state;
	const uint64_t before = hub.attacks;
	beacon_with_attack("a0a0a0a0a0a0a0a0", 1, 0);
	beacon_with_attack("a0a0a0a0a0a0a0a0", 2, 1);
	beacon_with_attack("a0a0a0a0a0a0a0a0", 3, 1);
	beacon_with_attack("a0a0a0a0a0a0a0a0", 4, 3);
	beacon_with_attack("b0b0b0b0b0b0b0b0", 1, 1);
	assert_int_equal(hub.attacks - before, 4);
	store_each_event(hub.store, 100, count_attacks, &count);
	assert_int_equal(count, 3);
}

/* How many times peers were told to make a peer and to take one away, since the last forget(). */
static void count_changes(unsigned changes[2])
{
	changes[0] = changes[1] = 0;
	for (size_t i = 0; i < sent_count; i++) {
		if (sent[i].type != GW_PEERS)
			continue;
		struct reader peers = reader_over(sent[i].data, sent[i].size);
		assert_int_equal(read_u32(&peers), 1);
		changes[read_u8(&peers) ? 1 : 0]++;
	}
}

static void beacon_with_clock(const char *boot, uint64_t sequence, uint64_t clock_back_s, unsigned changes[2])
{
	uint8_t data[1024];
	struct beacon b = {.sequence = sequence, .policy_version = 3, .clock_back_s = clock_back_s};
	snprintf(b.device, sizeof b.device, "ST-000001");
	snprintf(b.boot, sizeof b.boot, "%s", boot);
	snprintf(b.image_version, sizeof b.image_version, "1");
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0002));
	beacon_write(&w, &b);
	struct reader r = reader_over(data, w.size);
	forget();
	hub_beacon(&hub, 9, &r);
	count_changes(changes);
}

static void a_clock_set_back_makes_the_peer_anew_once(void **state)
{
	(void)state;
	unsigned changes[2];
	beacon_with_clock("00000000000000aa", 1, 0, changes);
	assert_int_equal(changes[0] + changes[1], 0);
	beacon_with_clock("00000000000000aa", 2, 32400, changes);
	assert_int_equal(changes[0], 1);
	assert_int_equal(changes[1], 1);
	beacon_with_clock("00000000000000aa", 3, 32400, changes);
	assert_int_equal(changes[0] + changes[1], 0);
	beacon_with_clock("00000000000000bb", 1, 32400, changes);
	assert_int_equal(changes[0] + changes[1], 2);
}

/* A tick after twenty seconds, of a peer of which WireGuard says that. */
static unsigned made_anew(int64_t handshake, uint64_t received)
{
	unsigned changes[2];
	uint8_t data[256];
	struct stick *stick = fleet_at(hub.fleet, 0);
	struct writer w = writer_over(data, sizeof data);
	write_blob(&w, stick->row.key, WG_KEY_BYTES);
	write_str(&w, "192.0.2.1:4711");
	write_u64(&w, (uint64_t)handshake);
	write_u64(&w, received);
	write_u64(&w, 1);
	struct reader r = reader_over(data, w.size);
	forget();
	hub_peer_status(&hub, &r);
	hub_tick(&hub);
	count_changes(changes);
	assert_int_equal(changes[0] + changes[1], 0); /* it may be about to come */
	if (stick->peer_idle_ms)
		stick->peer_idle_ms -= 20000;
	hub_tick(&hub);
	count_changes(changes);
	assert_int_equal(changes[0], changes[1]);
	return changes[0];
}

static void a_peer_without_a_session_is_made_anew_once(void **state)
{
	(void)state;
	unsigned changes[2];
	struct stick *stick = fleet_at(hub.fleet, 0);
	int64_t now = hub_now();
	assert_int_equal(made_anew(0, 0), 0); /* never heard of */
	assert_int_equal(made_anew(now, 500), 0);
	assert_int_equal(made_anew(now - 170, 500), 0);
	assert_int_equal(made_anew(now - 190, 500), 1);
	forget();
	hub_tick(&hub);
	count_changes(changes);
	assert_int_equal(changes[0], 0);
	assert_int_equal(stick->handshake, now - 190); /* the stick's, for the desk */
	assert_int_equal(made_anew(0, 148), 1);        /* heard of again, and it did not get in */
	beacon_with_clock("00000000000000aa", 1, 0, changes);
	assert_int_equal(made_anew(hub_now(), 500), 0);
	health_beacon(&stick->health, now_ms(), "00000000000000aa", true); /* goodbye */
	stick->last_beacon = hub_now();
	assert_int_equal(made_anew(hub_now() - 1, 500), 1);
	assert_int_equal(made_anew(hub_now() + 1, 500), 0); /* it has come again */
	stick->row.revoked = hub_now();
	assert_int_equal(made_anew(now - 190, 500), 0);
}

/* Ask for a bank; gives the reason, "" if it is open, "waiting" if the packet filter has the word. */
static const char *open_bank(const char *bank, bool open)
{
	static char reason[CODE_SIZE];
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0002));
	write_str(&w, bank);
	write_u8(&w, open);
	struct reader r = reader_over(data, w.size);
	forget();
	hub_open_request(&hub, 9, &r);
	for (size_t i = 0; i < sent_count; i++) {
		if (sent[i].type != GW_OPEN_REPLY)
			continue;
		struct reader reply = reader_over(sent[i].data, sent[i].size);
		read_u8(&reply);
		read_str(&reply, reason, sizeof reason);
		return reason;
	}
	return "waiting";
}

static void a_statement_admits_and_no_beacon(void **state)
{
	(void)state;
	forget();
	assert_string_equal(say_beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "refused");
	assert_string_equal(beacon_reason, "no_statement");
	assert_int_equal(sent_count, 1); /* no word to the packet filter */
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	struct reader r = said(GW_ADMIT, 0);
	assert_int_equal(ntohl(read_u32(&r)), 0x0a4d0002);
	assert_int_equal(read_u32(&r), HUB_VALID_S);
	assert_int_equal(fleet_at(hub.fleet, 0)->health.state, HEALTH_UP);
}

static void others_are_not(void **state)
{
	(void)state;
	assert_string_equal(beacon(0x0a4d0009, "ST-000001", "b1", 1, false), "unknown");
	assert_string_equal(beacon(0x0a4d0002, "ST-000002", "b1", 1, false), "refused");
	assert_int_equal(sent_count, 1); /* the answer, and no word to the packet filter */
	assert_int_equal(fleet_at(hub.fleet, 0)->health.state, HEALTH_NEVER);
}

static void banks_open_for_the_admitted_only(void **state)
{
	(void)state;
	assert_string_equal(open_bank("bank-a", true), "not_admitted");
	beacon(0x0a4d0002, "ST-000001", "b1", 1, false);
	assert_string_equal(open_bank("bank-c", true), "no_such_bank");
	assert_string_equal(open_bank("bank-b", true), "no_egress_address");
	assert_string_equal(open_bank("bank-a", true), "waiting");
	hub.policy.expires = hub_now() - 1;
	assert_string_equal(open_bank("bank-a", true), "policy_expired");
}

static void without_the_packet_filter_nothing_opens(void **state)
{
	(void)state;
	beacon(0x0a4d0002, "ST-000001", "b1", 1, false);
	egress_is_there = false;
	assert_string_equal(open_bank("bank-a", true), "try_again");
}

static void an_expired_policy_closes_the_banks(void **state)
{
	(void)state;
	beacon(0x0a4d0002, "ST-000001", "b1", 1, false);
	open_bank("bank-a", true);
	hub.policy.expires = hub_now() - 1;
	forget();
	hub_tick(&hub);
	struct reader r = said(GW_SESSION, 0);
	read_u32(&r);
	char bank[BANK_ID_SIZE];
	read_str(&r, bank, sizeof bank);
	assert_string_equal(bank, "bank-a");
	assert_int_equal(read_u8(&r), 0);
}

static void an_admission_runs_out(void **state)
{
	(void)state;
	beacon(0x0a4d0002, "ST-000001", "b1", 1, false);
	fleet_at(hub.fleet, 0)->admitted_until_ms = now_ms() - 1;
	forget();
	hub_tick(&hub);
	struct reader r = said(GW_ADMIT, 0);
	read_u32(&r);
	assert_int_equal(read_u32(&r), 0);
	assert_string_equal(open_bank("bank-a", true), "not_admitted");
}

static void a_new_boot_closes_what_was_open(void **state)
{
	(void)state;
	beacon(0x0a4d0002, "ST-000001", "b1", 1, false);
	open_bank("bank-a", true);
	beacon(0x0a4d0002, "ST-000001", "b2", 1, false);
	struct reader r = said(GW_SESSION, 0);
	assert_int_equal(ntohl(read_u32(&r)), 0x0a4d0002);
	assert_string_equal(fleet_at(hub.fleet, 0)->open[0], "");
}

static void a_restart_loses_nothing_and_alarms_nobody(void **state)
{
	(void)state;
	beacon(0x0a4d0002, "ST-000001", "b1", 5, false);
	open_bank("bank-a", true);
	hub_close(&hub);
	open_hub();
	struct stick *stick = fleet_at(hub.fleet, 0);
	assert_int_equal(stick->health.state, HEALTH_UP);
	assert_string_equal(stick->open[0], "bank-a");
	hub_tick(&hub);
	assert_int_equal(sent_count, 0);
	hub_brief_egress(&hub);
	said(GW_PLAN, 0);
	said(GW_ADMIT, 0);
	said(GW_SESSION, 0);
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 6, false), "admitted");
	assert_int_equal(hub.transitions[HEALTH_UP], 0);
}

static void the_revoked_stay_out_over_a_restart(void **state)
{
	(void)state;
	char why[256];
	beacon(0x0a4d0002, "ST-000001", "b1", 1, false);
	open_bank("bank-a", true);
	forget();
	assert_int_equal(hub_stick_revoke(&hub, "ST-000001", "test", why, sizeof why), 0);
	said(GW_SESSION, 0);
	struct reader peer = said(GW_PEERS, 0);
	read_u32(&peer);
	assert_int_equal(read_u8(&peer), 1);
	assert_int_not_equal(hub_stick_revoke(&hub, "ST-000001", "test", why, sizeof why), 0);
	hub_close(&hub);
	open_hub();
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 2, false), "revoked");
	assert_int_equal(fleet_at(hub.fleet, 0)->health.state, HEALTH_REVOKED);
}

/* What the control socket answers. */
static bool control(const char *request, const char *wanted)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	hub_control(&hub, "root", request, strlen(request), out);
	fclose(out);
	bool good = strstr(text, wanted) != NULL;
	if (!good)
		print_message("# %s\n", text);
	free(text);
	return good;
}

static void an_old_image_is_held_back(void **state)
{
	(void)state;
	const struct stick *stick = fleet_at(hub.fleet, 0);
	image_version = "6";
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	open_bank("bank-a", true);
	forget();
	assert_true(control("{\"command\":\"image.floor\",\"version\":7}", "\"held_back\":1"));
	said(GW_SESSION, 0); /* at once: its bank is closed, and it is expelled */
	struct reader admission = said(GW_ADMIT, 0);
	read_u32(&admission);
	assert_int_equal(read_u32(&admission), 0);
	assert_int_equal(stick->admitted_until_ms, 0);
	assert_string_equal(open_bank("bank-a", true), "not_admitted");
	assert_int_equal(stick->health.state, HEALTH_QUARANTINED); /* as the desk shows it, before the next beacon */
	assert_int_equal(stick->health.cause, CAUSE_IMAGE_OLD);
	assert_string_equal(stick->row.state, "quarantined");

	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 2, false), "refused");
	assert_string_equal(beacon_reason, "image_old");
	assert_int_equal(stick->health.state, HEALTH_QUARANTINED);
	assert_int_equal(stick->health.cause, CAUSE_IMAGE_OLD);
	assert_int_equal(hub.transitions[HEALTH_QUARANTINED], 1);
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 3, false), "refused");
	assert_int_equal(hub.transitions[HEALTH_QUARANTINED], 1); /* no news */
	assert_int_equal(stick->admitted_until_ms, 0);

	hub_close(&hub);
	open_hub();
	stick = fleet_at(hub.fleet, 0);
	assert_int_equal(hub.images.floor, 7);
	assert_int_equal(stick->health.state, HEALTH_QUARANTINED);
	assert_int_equal(stick->admitted_until_ms, 0);
	image_version = "07x";
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b2", 1, false), "refused");
	image_version = "7";
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b3", 1, false), "admitted");
	assert_int_equal(stick->health.state, HEALTH_UP);
	image_version = "1";
}

static void only_released_images_come_in(void **state)
{
	(void)state;
	static const char one[] = "{\"command\":\"image.add\",\"version\":1,\"root_hash\":"
				  "\"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\"}";
	static const char other[] = "{\"command\":\"image.remove\",\"version\":1,\"root_hash\":"
				    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}";
	const struct stick *stick = fleet_at(hub.fleet, 0);
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	assert_true(control(one, "\"held_back\":1"));
	assert_int_equal(stick->health.state, HEALTH_QUARANTINED);
	assert_int_equal(stick->health.cause, CAUSE_IMAGE_UNKNOWN);
	assert_true(control(one, "registered already"));
	assert_true(control("{\"command\":\"image.floor\",\"version\":2}", "no stick at all"));
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 2, false), "refused");
	assert_string_equal(beacon_reason, "image_unknown");
	assert_int_equal(stick->health.cause, CAUSE_IMAGE_UNKNOWN);
	root_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 3, false), "admitted");
	assert_int_equal(stick->health.cause, CAUSE_RELEASED);
	image_version = "2";
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 4, false), "refused");
	image_version = "1";
	root_hash = "";
	hub_close(&hub);
	open_hub();
	assert_int_equal(hub.images.count, 1);
	assert_true(control(other, "\"held_back\":0"));
	assert_true(control(other, "not registered"));
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 5, false), "admitted");
}

static struct hub_who who;

static void guesses_are_rationed(void **state)
{
	(void)state;
	char password[64];
	assert_int_equal(hub_operator_password(&hub, "anna", "root", password, sizeof password), 0);
	assert_true(hub_login(&hub, "anna", password, "", "test", &who));
	for (int i = 0; i < 10; i++) {
		hub.login_filled_ms = now_ms(); /* no time passes, however slow the machine */
		assert_false(hub_login(&hub, "anna", "wrong", "", "test", &who));
	}
	hub.login_filled_ms = now_ms();
	assert_false(hub_login(&hub, "anna", password, "", "test", &who)); /* not now */
	assert_int_equal(hub.logins_good, 1);
}

/* Open it once more. What it prints meanwhile; the caller's. */
static char *reopen_hub(void)
{
	FILE *before = stdout;
	char *text = NULL;
	size_t size = 0;
	hub_close(&hub);
	stdout = open_memstream(&text, &size);
	open_hub();
	fclose(stdout);
	stdout = before;
	return text;
}

static void the_first_password_is_printed_once(void **state)
{
	(void)state;
	static const char introduction[] = "\" with the password ";
	char password[64] = "";
	database_new("gateway_hub", path); /* as on a new gateway */
	char *text = reopen_hub();
	const char *at = strstr(text, introduction);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(introduction), "%63s", password), 1);
	free(text);
	assert_true(hub_login(&hub, "operator", password, "", "test", &who));
	text = reopen_hub();
	assert_string_equal(text, "");
	free(text);
	assert_true(hub_login(&hub, "operator", password, "", "test", &who));
}

static void control_requests_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"command\":\"no.such\"}",
	    "{\"command\":\"stick.add\",\"id\":\"../x\"}",
	    "{\"command\":\"stick.add\",\"id\":\"a\",\"key\":\"AAAA\"}",
	    "{\"command\":\"stick.revoke\",\"id\":\"nobody\"}",
	    "{\"command\":\"operator.password\",\"name\":\"a b\"}",
	    "{\"command\":\"image.floor\"}",
	    "{\"command\":\"image.floor\",\"version\":-1}",
	    "{\"command\":\"image.floor\",\"version\":\"seven\"}",
	    "{\"command\":\"image.add\",\"version\":1}",
	    "{\"command\":\"image.add\",\"version\":1,\"root_hash\":\"abc\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);
		hub_control(&hub, "root", bad[i], strlen(bad[i]), out);
		fclose(out);
		assert_non_null(strstr(text, "\"ok\":false"));
		free(text);
	}
}

/* --- admission --- */

static int64_t lease_told(void)
{
	char text[CODE_SIZE];
	struct reader reply = last_said(GW_BEACON_REPLY);
	for (int i = 0; i < 2; i++)
		read_str(&reply, text, sizeof text);
	read_u32(&reply), read_u64(&reply), read_u64(&reply);
	return read_u32(&reply);
}

static void beacons_keep_what_a_statement_gave_and_no_longer(void **state)
{
	(void)state;
	struct stick *stick = fleet_at(hub.fleet, 0);
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	assert_int_equal(lease_told(), 600);
	stick->admission.until = hub_now() + 20;
	forget();
	assert_string_equal(say_beacon(0x0a4d0002, "ST-000001", "b1", 2, false), "admitted");
	assert_in_range(lease_told(), 19, 20);
	struct reader r = said(GW_ADMIT, 0);
	read_u32(&r);
	assert_in_range(read_u32(&r), 19, 20);
	open_bank("bank-a", true);
	stick->admission.until = hub_now() - 1;
	forget();
	assert_string_equal(say_beacon(0x0a4d0002, "ST-000001", "b1", 3, false), "refused");
	said(GW_SESSION, 0);
	assert_string_equal(open_bank("bank-a", true), "not_admitted");
}

static void another_start_is_not_let_in_by_the_first_ones_statement(void **state)
{
	(void)state;
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	forget();
	assert_string_equal(say_beacon(0x0a4d0002, "ST-000001", "b2", 1, false), "refused");
	assert_string_equal(open_bank("bank-a", true), "not_admitted");
}

static void a_nonce_counts_once_and_only_the_last(void **state)
{
	(void)state;
	struct statement first = {.gateway = "gw1", .device = "ST-000001", .boot = "b1", .image_version = "1"};
	ask_nonce(&first);
	assert_string_equal(send_statement(&first), "admitted");
	assert_string_equal(send_statement(&first), "refused"); /* word for word */
	assert_string_equal(beacon_reason, "nonce");
	assert_int_not_equal(fleet_at(hub.fleet, 0)->admitted_until_ms,
			     0); /* and takes nothing from the one that stands */
	struct statement second = first;
	ask_nonce(&first);
	ask_nonce(&second);
	assert_string_equal(send_statement(&first), "refused");
	assert_string_equal(beacon_reason, "nonce");
	assert_string_equal(send_statement(&second), "refused"); /* used up by the one before */
	ask_nonce(&first);
	fleet_at(hub.fleet, 0)->nonce_ms = now_ms() - 61000;
	assert_string_equal(send_statement(&first), "refused");
	assert_string_equal(beacon_reason, "nonce");
}

static void before_a_policy_is_verified_nobody_comes_in(void **state)
{
	(void)state;
	hub.policy.version = 0;
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "refused");
	assert_string_equal(beacon_reason, "try_again");
}

static void hear_endpoint(const char *endpoint)
{
	uint8_t data[256];
	struct writer w = writer_over(data, sizeof data);
	write_blob(&w, fleet_at(hub.fleet, 0)->row.key, WG_KEY_BYTES);
	write_str(&w, endpoint);
	for (int i = 0; i < 3; i++)
		write_u64(&w, 1);
	struct reader r = reader_over(data, w.size);
	hub_peer_status(&hub, &r);
}

static void a_copy_holds_both_and_names_both_places(void **state)
{
	(void)state;
	const struct stick *stick = fleet_at(hub.fleet, 0);
	uint8_t copied[sizeof token];
	hear_endpoint("192.0.2.1:4711");
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	memcpy(copied, token, sizeof token); /* dd */
	assert_string_equal(state_boot("b1"), "admitted");
	memcpy(token, copied, sizeof token);
	assert_string_equal(say_beacon(0x0a4d0002, "ST-000001", "b2", 1, false), "refused");
	assert_string_equal(state_boot("b2"), "admitted"); /* as good as the first, so far */
	assert_string_equal(state_boot("b2"), "admitted"); /* and now the first one's is used up */
	memcpy(token, copied, sizeof token);
	hear_endpoint("192.0.2.1:4711");
	assert_string_equal(state_boot("b1"), "refused");
	assert_string_equal(beacon_reason, "copied");
	assert_int_equal(stick->health.state, HEALTH_QUARANTINED);
	assert_int_equal(stick->health.cause, CAUSE_COPIED);
	assert_int_equal(stick->admission.pin_failures, 0);
	hear_endpoint("192.0.2.1:4711"); /* read before that came */
	fleet_at(hub.fleet, 0)->copy_seen_ms -= 1000;
	hear_endpoint("198.51.100.7:51820");
	assert_true(control("{\"command\":\"events\"}", "stick_copied"));
	assert_true(control("{\"command\":\"events\"}", "from 192.0.2.1:4711; a used token came at "));
	assert_true(control("{\"command\":\"events\"}", " from 198.51.100.7:51820"));
	hub_close(&hub); /* and over a restart */
	open_hub();
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b2", 9, false), "refused");
	assert_string_equal(beacon_reason, "copied");
	assert_true(
	    control("{\"command\":\"stick.release\",\"id\":\"ST-000001\",\"reason\":\"\"}", "a reason is wanted"));
	assert_true(control("{\"command\":\"stick.release\",\"id\":\"ST-000001\",\"reason\":\"tried\"}", "true"));
	assert_string_equal(state_boot("b2"), "admitted");
}

/* The other gateway on the same database, which knows what was so when it was started. */
static void change_gateway(struct hub *other)
{
	struct hub was = hub;
	hub = *other;
	*other = was;
	forget();
}

static void two_gateways_share_a_token_and_notice_a_copy(void **state)
{
	(void)state;
	uint8_t copied[STATEMENT_TOKEN_BYTES];
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	struct hub other = hub;
	open_hub();
	change_gateway(&other);
	/* the stick goes on here, so that the other one's memory is old, and comes there, and back */
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	memcpy(copied, token, sizeof copied);
	change_gateway(&other);
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	change_gateway(&other);
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	/* the copy comes to the gateway that the owner has left */
	change_gateway(&other);
	memcpy(token, copied, sizeof token);
	assert_string_equal(state_boot("bbbbbbbbbbbbbbbb"), "refused");
	assert_string_equal(beacon_reason, "copied");
	/* and at the other nobody is let in any more, either */
	change_gateway(&other);
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "refused");
	assert_string_equal(beacon_reason, "copied");
	hub_close(&other);
}

/* What a gateway still does about a stick that has left it must not undo what the next one has kept. */
static void a_gateway_that_was_left_takes_no_token_back(void **state)
{
	(void)state;
	struct stick *stick = fleet_at(hub.fleet, 0);
	hear_endpoint("192.0.2.1:4711");
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	struct hub other = hub;
	open_hub();
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	change_gateway(&other);
	const struct store_admission old = stick->admission;
	hear_endpoint("198.51.100.7:51820"); /* the place of an admission, as WireGuard has it */
	stick->admission = old;
	hub_lease_end(&hub, stick);
	change_gateway(&other);
	assert_string_equal(state_boot("aaaaaaaaaaaaaaaa"), "admitted");
	hub_close(&other);
}

static void give_letter(const char *command)
{
	uint8_t public_key[STATEMENT_PUBLIC_BYTES];
	char text[BASE64_ENCODED_SIZE(STATEMENT_PUBLIC_BYTES)], request[512];
	assert_int_equal(statement_new_key(pin_key, public_key), 0);
	base64_encode(public_key, sizeof public_key, text);
	snprintf(request, sizeof request,
		 "{\"command\":\"stick.pin\",\"id\":\"ST-000001\",\"reason\":\"r\",\"%s\":\"%s\"}", command, text);
	assert_true(control(request, strcmp(command, "pin_key") == 0 ? "true" : "false"));
}

static void five_wrong_pins_lock_until_somebody_unlocks(void **state)
{
	(void)state;
	hub.policy.pin = true;
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "refused");
	assert_string_equal(beacon_reason, "pin_none");
	give_letter("no_key");
	give_letter("pin_key");
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "refused");
	assert_string_equal(beacon_reason, "pin_wanted");
	has_pin = true;
	assert_string_equal(state_boot("b1"), "admitted");
	uint8_t right[sizeof pin_key];
	memcpy(right, pin_key, sizeof right);
	pin_key[31] ^= 1;
	for (int i = 1; i < 5; i++) {
		assert_string_equal(state_boot("b1"), "refused");
		assert_string_equal(beacon_reason, "pin_wrong");
	}
	hub_close(&hub); /* the count outlives a restart */
	open_hub();
	hub.policy.pin = true;
	assert_string_equal(state_boot("b1"), "refused");
	assert_string_equal(beacon_reason, "pin_locked");
	memcpy(pin_key, right, sizeof right);
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 2, false), "refused");
	assert_string_equal(beacon_reason, "pin_locked");
	assert_int_equal(fleet_at(hub.fleet, 0)->health.cause, CAUSE_PIN_LOCKED);
	assert_true(control("{\"command\":\"events\"}", "\"pin_locked\""));
	assert_true(control("{\"command\":\"stick.unlock\",\"id\":\"ST-000001\"}", "a reason is wanted"));
	assert_true(control("{\"command\":\"stick.unlock\",\"id\":\"ST-000001\",\"reason\":\"called\"}", "true"));
	assert_string_equal(state_boot("b1"), "admitted");
	give_letter("pin_key"); /* another letter */
	assert_string_equal(state_boot("b1"), "admitted");
	has_pin = false;
}

/* A full disk, as far as the audit log goes. */
static void let_audit_fail(bool fails)
{
	static const char *const texts[2][2] = {
	    {"DROP TRIGGER no_room",
	     "CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"},
	    {"ALTER TABLE audit DROP CONSTRAINT no_room",
	     "ALTER TABLE audit ADD CONSTRAINT no_room CHECK (false) NOT VALID"}};
	database_do(path, texts[database_is_server()][fails]);
}

static void count_entry(uint64_t id, const char *entry, const char *leaf, void *context)
{
	(void)id, (void)leaf;
	struct {
		const char *action;
		unsigned count;
	} *wanted = context;
	char member[64];
	snprintf(member, sizeof member, "\"action\":\"%s\"", wanted->action);
	bool about = strstr(entry, "\"stick\":\"ST-000001\"") || strstr(entry, "\"stick\":\"\"");
	wanted->count += about && strstr(entry, member) != NULL;
}

static unsigned audited(const char *action)
{
	struct {
		const char *action;
		unsigned count;
	} wanted = {.action = action};
	assert_int_equal(store_each_audit(hub.store, 0, 1000, count_entry, &wanted), 0);
	return wanted.count;
}

/* What the last beacon's answer says of the time to leave. */
static uint32_t told_to_leave_in(void)
{
	size_t size;
	char text[CODE_SIZE];
	struct reader reply = last_said(GW_BEACON_REPLY);
	for (int i = 0; i < 2; i++)
		read_str(&reply, text, sizeof text);
	read_u32(&reply), read_u64(&reply), read_u64(&reply), read_u32(&reply);
	read_blob(&reply, &size);
	read_u8(&reply);
	uint32_t seconds = read_u32(&reply);
	assert_true(reader_done(&reply));
	return seconds;
}

static uint32_t leave_in(uint64_t sequence)
{
	forget();
	assert_string_equal(say_beacon(0x0a4d0002, "ST-000001", "b1", sequence, false), "admitted");
	return told_to_leave_in();
}

static void a_gateway_is_emptied_and_opened_again(void **state)
{
	(void)state;
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "admitted");
	assert_string_equal(open_bank("bank-a", true), "waiting");
	assert_int_equal(leave_in(2), 0);
	assert_true(control("{\"command\":\"gateway.drain\",\"minutes\":\"10\"}", "a reason is wanted"));
	assert_true(control("{\"command\":\"gateway.drain\",\"minutes\":\"0\",\"reason\":\"disk\"}", "whole number"));
	assert_true(control("{\"command\":\"gateway.drain\",\"minutes\":\"10\",\"reason\":\"disk\"}", "\"ok\":true"));
	assert_true(control("{\"command\":\"gateway.state\"}", "\"admitted\":1,\"banks_open\":1"));
	assert_true(control("{\"command\":\"events\"}", "gw1, 10 min: disk"));
	/* by and by: the stick with the inner address .2 is the third of 256, in the first half of the time */
	hub.drain_from = hub_now();
	hub.drain_until = hub.drain_from + 6000;
	assert_int_equal(leave_in(3), 0);
	hub.drain_from -= 60;
	assert_in_range(leave_in(4), 5900, 6000);
	/* what is open stays open, nothing else is opened */
	forget();
	assert_string_equal(open_bank("bank-a", true), "waiting");
	assert_string_equal(open_bank("bank-a", false), "waiting");
	assert_string_equal(open_bank("bank-a", true), "draining");
	hub_close(&hub); /* and over a restart */
	open_hub();
	assert_in_range(hub.drain_until - hub_now(), 590, 600);
	hub.drain_from -= 60;
	assert_in_range(leave_in(5), 590, 600);
	hub.drain_until = hub_now() - 5;
	assert_int_equal(leave_in(6), 1);
	hub.drain_until = hub_now() + 1000000; /* the machine's clock was set back */
	assert_int_equal(leave_in(7), 1);
	assert_true(control("{\"command\":\"gateway.open\",\"reason\":\"mended\"}", "\"until\":0"));
	assert_true(control("{\"command\":\"gateway.open\",\"reason\":\"mended\"}", "is not being emptied"));
	assert_int_equal(leave_in(8), 0);
	forget();
	assert_string_equal(open_bank("bank-a", true), "waiting");
	assert_int_equal(audited("gateway_drained"), 1);
	assert_int_equal(audited("gateway_opened"), 1);
}

static void each_decision_has_its_entry_or_is_none(void **state)
{
	(void)state;
	const struct stick *stick = fleet_at(hub.fleet, 0);
	let_audit_fail(true);
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b1", 1, false), "refused");
	assert_string_equal(beacon_reason, "try_again");
	assert_int_equal(stick->admission.until, 0);
	let_audit_fail(false);
	uint8_t copied[sizeof token];
	memcpy(copied, token, sizeof token);
	for (int i = 0; i < 3; i++)
		assert_string_equal(state_boot("b1"), "admitted");
	assert_int_equal(audited("stick_admitted"), 1); /* two were renewals */
	assert_string_equal(beacon(0x0a4d0002, "ST-000001", "b2", 1, false), "admitted");
	assert_int_equal(audited("stick_admitted"), 2);
	hub.policy.pin = true;
	give_letter("pin_key");
	has_pin = true;
	pin_key[31] ^= 1;
	let_audit_fail(true); /* no try is had for nothing: it is not answered before it counts */
	assert_string_equal(state_boot("b2"), "refused");
	assert_string_equal(beacon_reason, "try_again");
	let_audit_fail(false);
	for (int i = 1; i <= 5; i++)
		state_boot("b2");
	has_pin = hub.policy.pin = false;
	assert_int_equal(audited("pin_wrong"), 4);
	assert_int_equal(audited("pin_locked"), 1);
	memcpy(token, copied, sizeof token);
	assert_string_equal(state_boot("b3"), "refused");
	assert_string_equal(beacon_reason, "copied");
	assert_int_equal(audited("stick_held"), 1);
	state_boot("b3");
	assert_int_equal(audited("stick_held"), 1); /* it was held before */
}

static void offer_policy(uint64_t version, bool pin, const char *envelope)
{
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	write_u64(&w, version);
	write_u64(&w, 1000 + version);
	write_u8(&w, pin);
	write_str(&w, envelope);
	struct reader r = reader_over(data, w.size);
	hub_policy(&hub, &r);
}

/* Sticks would be told of a version that nobody can give them. */
static void a_policy_without_memory_is_not_announced(void **state)
{
	(void)state;
	offer_policy(4, false, "four");
	assert_int_equal(hub.policy.version, 4);
	too_many = sizeof "a fifth one";
	offer_policy(5, true, "a fifth one");
	too_many = 0;
	assert_int_equal(hub.policy.version, 4);
	assert_int_equal(hub.policy.expires, 1004);
	assert_false(hub.policy.pin);
	assert_string_equal(hub.policy.envelope, "four");
	assert_non_null(strstr(hub.policy.refused, "out of memory for version 5"));
	offer_policy(5, true, "a fifth one");
	assert_int_equal(hub.policy.version, 5);
	assert_true(hub.policy.pin);
	assert_string_equal(hub.policy.refused, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_statement_admits_and_no_beacon, make, unmake),
	    cmocka_unit_test_setup_teardown(a_policy_without_memory_is_not_announced, make, unmake),
	    cmocka_unit_test_setup_teardown(beacons_keep_what_a_statement_gave_and_no_longer, make, unmake),
	    cmocka_unit_test_setup_teardown(another_start_is_not_let_in_by_the_first_ones_statement, make, unmake),
	    cmocka_unit_test_setup_teardown(a_nonce_counts_once_and_only_the_last, make, unmake),
	    cmocka_unit_test_setup_teardown(before_a_policy_is_verified_nobody_comes_in, make, unmake),
	    cmocka_unit_test_setup_teardown(a_copy_holds_both_and_names_both_places, make, unmake),
	    cmocka_unit_test_setup_teardown(two_gateways_share_a_token_and_notice_a_copy, make, unmake),
	    cmocka_unit_test_setup_teardown(a_gateway_is_emptied_and_opened_again, make, unmake),
	    cmocka_unit_test_setup_teardown(a_gateway_that_was_left_takes_no_token_back, make, unmake),
	    cmocka_unit_test_setup_teardown(five_wrong_pins_lock_until_somebody_unlocks, make, unmake),
	    cmocka_unit_test_setup_teardown(each_decision_has_its_entry_or_is_none, make, unmake),
	    cmocka_unit_test_setup_teardown(others_are_not, make, unmake),
	    cmocka_unit_test_setup_teardown(a_clock_set_back_makes_the_peer_anew_once, make, unmake),
	    cmocka_unit_test_setup_teardown(a_peer_without_a_session_is_made_anew_once, make, unmake),
	    cmocka_unit_test_setup_teardown(a_possible_attack_is_an_event_with_its_keys, make, unmake),
	    cmocka_unit_test_setup_teardown(banks_open_for_the_admitted_only, make, unmake),
	    cmocka_unit_test_setup_teardown(without_the_packet_filter_nothing_opens, make, unmake),
	    cmocka_unit_test_setup_teardown(an_expired_policy_closes_the_banks, make, unmake),
	    cmocka_unit_test_setup_teardown(an_admission_runs_out, make, unmake),
	    cmocka_unit_test_setup_teardown(a_new_boot_closes_what_was_open, make, unmake),
	    cmocka_unit_test_setup_teardown(a_restart_loses_nothing_and_alarms_nobody, make, unmake),
	    cmocka_unit_test_setup_teardown(the_revoked_stay_out_over_a_restart, make, unmake),
	    cmocka_unit_test_setup_teardown(an_old_image_is_held_back, make, unmake),
	    cmocka_unit_test_setup_teardown(only_released_images_come_in, make, unmake),
	    cmocka_unit_test_setup_teardown(guesses_are_rationed, make, unmake),
	    cmocka_unit_test_setup_teardown(the_first_password_is_printed_once, make, unmake),
	    cmocka_unit_test_setup_teardown(control_requests_are_checked, make, unmake),
	};
	return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}

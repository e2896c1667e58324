/*
 * A newer policy while a customer banks, and the session's end: the launcher whole, with stubs beneath it (as
 * tests/fuzz/stick.c), is told what its children say. The session goes on with what is still allowed, and nothing else;
 * when it ends, each of those who had a part in it is told. And a gateway that is being emptied, which the stick
 * leaves.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "firmware/lib/buf.h"
#include "launcher/backoff.h"
#include "tests/unit/signed.h"
/* the parent whole: its messages and timers are functions of its own */
#include "launcher/launcherproc.c"

enum { TIMERS_MAX = 32, MESSAGES = 256 };

struct loop_timer {
	loop_timer_fn *fn;
	void *context;
	bool armed;
};

static struct {
	struct loop_timer timers[TIMERS_MAX];
	size_t timer_count;
	bool runs[PROCESS_COUNT];
	uint32_t said[PROCESS_COUNT][MESSAGES]; /* how often each was sent each message */
	uint32_t closed;                        /* how often the gateway was asked to close the bank */
	int64_t now_ms;
} world;

struct loop_timer *loop_timer(struct loop *loop, loop_timer_fn *fn, void *context)
{
	(void)loop;
	if (world.timer_count == TIMERS_MAX)
		abort();
	world.timers[world.timer_count] = (struct loop_timer){.fn = fn, .context = context};
	return &world.timers[world.timer_count++];
}
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms) { timer->armed = delay_ms >= 0; }
int64_t now_ms(void) { return world.now_ms; }
struct loop *loop_new(void) { return NULL; }
int loop_run(struct loop *loop) { return loop ? 0 : -ENOSYS; }
struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *context)
{
	(void)loop, (void)fd, (void)events, (void)fn, (void)context;
	return NULL;
}
void log_info(const char *format, ...) { (void)format; }
void log_warn(const char *format, ...) { (void)format; }
void log_error(const char *format, ...) { (void)format; }
void fatal(const char *format, ...)
{
	fprintf(stderr, "%s\n", format);
	abort();
}

int crew_open(struct crew *crew, struct loop *loop, int spawner, const struct crew_duty *d, void *context)
{
	(void)crew, (void)loop, (void)spawner, (void)d, (void)context;
	return 0;
}
int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count)
{
	(void)crew, (void)fds, (void)fd_count;
	if (world.runs[which])
		return -EALREADY;
	world.runs[which] = true;
	return 0;
}
void crew_start_later(struct crew *crew, enum stick_process which) { (void)crew, (void)which; }
void crew_stop(struct crew *crew, enum stick_process which)
{
	(void)crew;
	world.runs[which] = false;
}
bool crew_runs(const struct crew *crew, enum stick_process which)
{
	(void)crew;
	return world.runs[which];
}
int crew_send_fds(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload,
		  size_t size, const int *fds, size_t fd_count)
{
	(void)crew, (void)id, (void)fds, (void)fd_count;
	if (!world.runs[which])
		return -ESRCH;
	world.said[which][type % MESSAGES]++;
	world.closed += type == MSG_AGENT_SESSION && size > 0 && ((const uint8_t *)payload)[0] == 0;
	return 0;
}

/* --- what is said to the launcher --- */

static int say(enum stick_process from, uint16_t type, const struct writer *w)
{
	struct msg m = {.type = type, .payload = w->data, .size = w->size};
	assert_false(w->failed);
	return on_message(&stick, from, &m);
}

static uint64_t gateways_announced = 1, gateways_loaded = 1;

static void announce(uint64_t version)
{
	uint8_t payload[128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, ADMISSION_ADMITTED);
	write_str(&w, "");
	write_u64(&w, (uint64_t)time(NULL));
	write_u32(&w, 60);
	write_u64(&w, version);
	write_u64(&w, gateways_announced);
	write_u32(&w, 600);
	write_u8(&w, 0); /* of a beacon */
	write_blob(&w, NULL, 0);
	write_u8(&w, 255);
	assert_int_equal(say(PROCESS_AGENT, MSG_AGENT_ADMISSION, &w), 0);
}

static void deliver(const char *envelope)
{
	uint8_t payload[128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, stick.asked == &stick.fetch[FETCH_GATEWAYS] ? 1 : 0);
	write_str(&w, envelope);
	assert_int_equal(say(PROCESS_AGENT, MSG_AGENT_FETCHED, &w), 0);
}

/* What the policy process says of one that it took. `tree` is taken. */
static void loaded(json_t *tree)
{
	static uint8_t payload[MSG_PAYLOAD_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	char *policy = json_dumps(tree, 0);
	json_t *list = signed_gateways((int)gateways_loaded);
	char *gateways = json_dumps(list, 0);
	write_u64(&w, (uint64_t)json_integer_value(json_object_get(tree, "version")));
	write_u64(&w, 0);
	write_u8(&w, json_is_true(json_object_get(tree, "pin")));
	write_str(&w, signed_authority_pem());
	write_str(&w, policy);
	write_str(&w, gateways);
	write_str(&w, "");
	json_decref(tree);
	json_decref(list);
	assert_int_equal(say(PROCESS_POLICY, MSG_POLICY_LOADED, &w), 0);
	free(policy);
	free(gateways);
}

static void refused(void)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 1);
	write_str(&w, "altered");
	write_str(&w, "it was altered");
	assert_int_equal(say(PROCESS_POLICY, MSG_POLICY_REFUSED, &w), 0);
}

static uint32_t said(enum stick_process to, uint16_t type) { return world.said[to][type]; }

static int setup(void **state)
{
	(void)state;
	return signed_setup();
}

/* In a session of "alpha" under version 3, everything standing. */
static int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	memset(&stick, 0, sizeof stick);
	world.now_ms = 1000;
	for (int i = 0; i < PROCESS_COUNT; i++)
		world.runs[i] = true;
	open_timers(&stick);
	stick.provisioned = stick.provision.has_pin = stick.time_confirmed = stick.link_up = stick.tunnel.up = true;
	loaded(signed_policy(3));
	stick.machine.state = STATE_SESSION;
	stick.session = (struct stick_session){.id = 1, .bank = "alpha", .broker_ready = true, .gateway_ready = true};
	stick.event_count = 0;
	stick.screen_ready = true;
	memset(world.said, 0, sizeof world.said);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	whitelist_free(stick.policy);
	gateways_free(stick.gateways);
	gateways_free(stick.gateways_next);
	gateways_announced = gateways_loaded = 1;
	provision_free(&stick.provision);
	free(stick.record.pending);
	free(stick.record.text);
	free(stick.offered);
	return 0;
}

static void fetch(uint64_t version)
{
	announce(version);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 1);
	deliver("ENVELOPE");
	assert_int_equal(said(PROCESS_POLICY, MSG_POLICY_OFFER), 1);
}

static void a_session_goes_on(void **state)
{
	(void)state;
	fetch(4);
	assert_int_equal(stick.machine.state, STATE_SESSION);
	loaded(signed_policy(4));
	assert_int_equal(stick.machine.state, STATE_SESSION);
	assert_int_equal(stick.session.id, 1);
	assert_int_equal(stick.policy->version, 4);
	assert_string_equal(stick.provision.kept_policy, "ENVELOPE"); /* for the next start */
	assert_non_null(stick.record.pending);
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_PORTS), 1);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_BANKS), 1);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_SESSION_FAILED), 0);
	announce(4);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 1);
}

static void a_bank_that_is_gone_takes_its_session_along(void **state)
{
	(void)state;
	fetch(4);
	json_t *tree = signed_policy(4);
	json_array_remove(json_object_get(tree, "banks"), 0);
	loaded(tree);
	assert_int_equal(stick.machine.state, STATE_READY);
	assert_int_equal(stick.session.id, 0);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_SESSION_FAILED), 1);
	assert_false(world.runs[PROCESS_BROKER]);
}

static void a_pin_is_asked_for_before_the_next_page(void **state)
{
	(void)state;
	fetch(4);
	json_t *tree = signed_policy(4);
	json_object_set_new(tree, "pin", json_true());
	loaded(tree);
	assert_int_equal(stick.session.id, 0);
	assert_int_equal(stick.machine.state, STATE_UNLOCK);
}

/* The admission was lost while the policy process looked at it: the PIN was asked for before, and is behind. */
static void a_pin_is_asked_for_while_a_session_is_frozen(void **state)
{
	(void)state;
	fetch(4);
	stick_raise(&stick, EVENT_ADMISSION_LOST);
	assert_int_equal(stick.machine.state, STATE_ADMITTED);
	json_t *tree = signed_policy(4);
	json_object_set_new(tree, "pin", json_true());
	loaded(tree);
	assert_int_equal(stick.session.id, 0);
	assert_int_equal(stick.machine.state, STATE_UNLOCK);
}

static void a_bank_that_is_gone_takes_a_frozen_session_along(void **state)
{
	(void)state;
	fetch(4);
	stick_raise(&stick, EVENT_ADMISSION_LOST);
	json_t *tree = signed_policy(4);
	json_array_remove(json_object_get(tree, "banks"), 0);
	loaded(tree);
	assert_int_equal(stick.machine.state, STATE_ADMITTED);
	assert_int_equal(stick.session.id, 0);
	assert_false(world.runs[PROCESS_BROKER]);
}

static void a_refused_one_changes_nothing_and_is_not_fetched_again(void **state)
{
	(void)state;
	fetch(4);
	refused();
	assert_int_equal(stick.policy->version, 3);
	assert_int_equal(stick.machine.state, STATE_SESSION);
	assert_null(stick.provision.kept_policy);
	announce(4);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 1);
	announce(5);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 2);
}

static void not_fetched(void)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 0);
	write_str(&w, "the gateway answered with HTTP status 503");
	assert_int_equal(say(PROCESS_AGENT, MSG_AGENT_NOT_FETCHED, &w), 0);
}

/* Beacons go on announcing it, every 30 s: each failure doubles the time until it is asked for again. */
static void what_cannot_be_had_is_asked_for_ever_more_seldom(void **state)
{
	(void)state;
	int64_t asked_ms = world.now_ms;
	for (uint32_t n = 1; n <= 8; n++) {
		while (said(PROCESS_AGENT, MSG_AGENT_FETCH) < n) {
			world.now_ms += 30000;
			announce(4);
			assert_true(world.now_ms < 24 * 3600000LL);
		}
		int64_t middle_ms = n > 1 ? BACKOFF_FIRST_MS << (n - 2) : 0;
		middle_ms = middle_ms < BACKOFF_LONGEST_MS ? middle_ms : BACKOFF_LONGEST_MS;
		assert_in_range(world.now_ms - asked_ms, middle_ms / 2, middle_ms / 2 * 3 + 30000);
		asked_ms = world.now_ms;
		announce(4); /* while it is under way */
		assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), n);
		if (n % 2)
			not_fetched();
		else
			on_fetching(&stick); /* the agent says nothing */
		assert_int_equal(stick.machine.state, STATE_SESSION);
	}
	assert_string_equal(stick.notices[0].code, "policy_not_fetched");
	assert_int_equal(stick.notices[0].count, 8);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_NOTICE), 0); /* for the desk, not for the customer */
	/* once it comes it is taken as ever */
	world.now_ms += 2 * BACKOFF_LONGEST_MS;
	announce(4);
	deliver("ENVELOPE");
	loaded(signed_policy(4));
	assert_int_equal(stick.policy->version, 4);
	assert_int_equal(stick.fetch[FETCH_POLICY].failures, 0);
}

static void another_agent_is_asked_for_it_again(void **state)
{
	(void)state;
	announce(4);
	world.runs[PROCESS_AGENT] = false;
	on_death(&stick, PROCESS_AGENT);
	on_start(&stick, PROCESS_AGENT);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 2);
	assert_int_equal(stick.fetch[FETCH_POLICY].failures, 0);
}

/* Nobody waits a minute for it, and the list of banks stays while it is tried again. */
static void a_customer_does_not_wait_for_what_cannot_be_had(void **state)
{
	(void)state;
	stick.session.id = 0;
	stick.machine.state = STATE_READY;
	announce(4);
	assert_int_equal(stick.machine.state, STATE_UPDATE);
	not_fetched();
	assert_true(stick.machine.state > STATE_UPDATE);
	stick.machine.state = STATE_READY;
	world.now_ms += BACKOFF_FIRST_MS * 2;
	announce(4);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 2);
	assert_int_equal(stick.machine.state, STATE_READY);
}

/* What is signed and true may have more in it than the record has room for: line ends, say, of which each takes two. */
static void a_padded_policy_is_kept_without_its_padding(void **state)
{
	(void)state;
	enum { PADDED_BYTES = WHITELIST_ENVELOPE_MAX_BYTES };
	char *padded = malloc(PADDED_BYTES + 1);
	memset(padded, '\n', PADDED_BYTES);
	memcpy(padded, "{\"a\" : \"b \\\" c\" }", 18);
	padded[PADDED_BYTES] = '\0';
	announce(4);
	uint8_t *payload = malloc(PADDED_BYTES + 16);
	struct writer w = writer_over(payload, PADDED_BYTES + 16);
	write_u8(&w, 0);
	write_str(&w, padded);
	assert_int_equal(say(PROCESS_AGENT, MSG_AGENT_FETCHED, &w), 0);
	loaded(signed_policy(4));
	assert_string_equal(stick.provision.kept_policy, "{\"a\":\"b \\\" c\"}");
	assert_non_null(stick.record.pending);
	free(payload);
	free(padded);
}

/* And where it has no room all the same: it stands, and the one before is kept. */
static void what_has_no_room_stands_until_the_power_goes_off(void **state)
{
	(void)state;
	fetch(4);
	loaded(signed_policy(4));
	char *large = malloc(WHITELIST_ENVELOPE_MAX_BYTES + 1);
	memset(large, '\\', WHITELIST_ENVELOPE_MAX_BYTES);
	large[0] = large[WHITELIST_ENVELOPE_MAX_BYTES - 1] = '"';
	large[WHITELIST_ENVELOPE_MAX_BYTES] = '\0';
	announce(5);
	free(stick.offered);
	stick.offered = large;
	char *pending = strdup(stick.record.pending);
	loaded(signed_policy(5));
	assert_int_equal(stick.policy->version, 5);
	assert_int_equal(stick.machine.state, STATE_SESSION);
	assert_string_equal(stick.provision.kept_policy, "ENVELOPE");
	assert_int_equal(stick.provision.kept_policy_version, 4);
	assert_string_equal(stick.record.pending, pending);
	assert_string_equal(stick.notices[0].code, "policy_not_kept");
	free(pending);
}

static void what_comes_when_the_tunnel_is_lost_is_left(void **state)
{
	(void)state;
	announce(4);
	stick.tunnel.up = false;
	stick_raise(&stick, EVENT_TUNNEL_LOST);
	deliver("ENVELOPE");
	assert_int_equal(said(PROCESS_POLICY, MSG_POLICY_OFFER), 0);
}

/* --- a newer list of gateways --- */

static void takes_gateways(uint64_t version)
{
	gateways_announced = version;
	announce(3);
	assert_ptr_equal(stick.asked, &stick.fetch[FETCH_GATEWAYS]);
	deliver("LIST");
	assert_int_equal(said(PROCESS_POLICY, MSG_POLICY_OFFER), 1);
	gateways_loaded = version;
	loaded(signed_policy(3));
}

/* Kept at once, in use from the next tunnel on; the session and its tunnel go on. */
static void a_newer_list_of_gateways_is_kept(void **state)
{
	(void)state;
	takes_gateways(2);
	assert_int_equal(stick.machine.state, STATE_SESSION);
	assert_int_equal(stick.session.id, 1);
	assert_true(world.runs[PROCESS_TUNNEL]);
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_CONFIG), 0);
	assert_string_equal(stick.provision.kept_gateways, "LIST");
	assert_int_equal(stick.provision.kept_gateways_version, 2);
	assert_null(stick.provision.kept_policy);
	assert_non_null(stick.record.pending);
	assert_non_null(strstr(stick.record.pending, "\"gateways_version\":2"));
	assert_int_equal(stick.gateways->version, 1);
	announce(3);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 1); /* not again */
}

static void tunnel_says(enum tunnel_state state)
{
	uint8_t payload[128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, (uint8_t)state);
	write_str(&w, "gw1");
	write_str(&w, "203.0.113.11:51820");
	for (int i = 0; i < 3; i++)
		write_u32(&w, 0);
	write_str(&w, "");
	assert_int_equal(say(PROCESS_TUNNEL, MSG_TUNNEL_STATE, &w), 0);
}

static void the_next_tunnel_goes_by_it(void **state)
{
	(void)state;
	snprintf(stick.agent_gateway, sizeof stick.agent_gateway, "gw1");
	takes_gateways(2);
	tunnel_says(TUNNEL_DOWN);
	assert_int_equal(stick.gateways->version, 2);
	assert_null(stick.gateways_next);
	assert_int_equal(stick.gateways_told, 2); /* the wall lets it out there */
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_CONFIG), 1);
	assert_true(world.runs[PROCESS_TUNNEL]);
	assert_int_equal(stick.session.id, 1); /* frozen until it is up again */
	tunnel_says(TUNNEL_UP);
	assert_string_equal(stick.agent_gateway, "gw1"); /* told anew: it may be another of the same name */
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_CONFIG), 1);
}

static void a_tunnel_process_that_is_started_anew_goes_by_it(void **state)
{
	(void)state;
	takes_gateways(2);
	world.runs[PROCESS_TUNNEL] = false;
	on_death(&stick, PROCESS_TUNNEL);
	assert_int_equal(stick.gateways->version, 2);
	on_start(&stick, PROCESS_TUNNEL);
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_CONFIG), 1);
}

static void a_refused_list_of_gateways_is_not_asked_for_again(void **state)
{
	(void)state;
	gateways_announced = 2;
	announce(3);
	deliver("LIST");
	refused();
	assert_null(stick.provision.kept_gateways);
	assert_string_equal(stick.notices[0].code, "gateways_refused");
	announce(3);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 1);
	announce(4); /* a policy is */
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 2);
}

/* The customer waits: the policy alone. */
static void gateways_are_not_asked_for_on_the_way_up(void **state)
{
	(void)state;
	gateways_announced = 2;
	stick.session.id = 0;
	stick.machine.state = STATE_UPDATE;
	announce(3);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_FETCH), 0);
}

/* --- the end --- */

static void the_customer_leaves(void)
{
	struct writer none = writer_over(NULL, 0);
	assert_int_equal(say(PROCESS_SCREEN, MSG_KIOSK_CLOSE, &none), 0);
	assert_int_equal(stick.machine.state, STATE_READY);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_SESSION_ENDED), 1);
}

static void the_power_goes_off(void)
{
	struct writer none = writer_over(NULL, 0);
	assert_int_equal(say(PROCESS_SCREEN, MSG_KIOSK_POWER_OFF, &none), 0);
	assert_int_equal(stick.machine.state, STATE_END);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_POWER_OFF), 1);
}

static void the_broker_dies(void)
{
	world.runs[PROCESS_BROKER] = false;
	on_death(&stick, PROCESS_BROKER);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_SESSION_FAILED), 1);
}

static void the_screen_dies(void)
{
	world.runs[PROCESS_SCREEN] = false;
	on_death(&stick, PROCESS_SCREEN);
}

static void an_end_takes_everything_along(void **state)
{
	static void (*const ends[])(void) = {the_customer_leaves, the_power_goes_off, the_broker_dies, the_screen_dies};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		begin(state);
		stick.client_count = 1; /* the customer has a certificate for one of the banks */
		ends[i]();
		assert_int_equal(stick.session.id, 0);
		assert_false(world.runs[PROCESS_BROKER]);
		assert_int_equal(said(PROCESS_POLICY, MSG_POLICY_END), 1);
		assert_int_equal(said(PROCESS_KEYHOLDER, MSG_KEY_SESSION_END), 1);
		assert_int_equal(world.closed, 1);
		finish(state);
	}
}

/* --- a gateway that is being emptied --- */

static void drain(uint32_t seconds)
{
	uint8_t payload[4];
	struct writer w = writer_over(payload, sizeof payload);
	write_u32(&w, seconds);
	assert_int_equal(say(PROCESS_AGENT, MSG_AGENT_DRAIN, &w), 0);
}

static void said_goodbye(void)
{
	const struct writer nothing = {0};
	assert_int_equal(say(PROCESS_AGENT, MSG_READY, &nothing), 0);
}

static void tunnel_is(enum tunnel_state state, const char *gateway, const char *endpoint)
{
	uint8_t payload[128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, (uint8_t)state);
	write_str(&w, gateway);
	write_str(&w, endpoint);
	for (int i = 0; i < 3; i++)
		write_u32(&w, 1);
	write_str(&w, "");
	assert_int_equal(say(PROCESS_TUNNEL, MSG_TUNNEL_STATE, &w), 0);
}

/* A second gateway of the list; taken away again before the list is freed. */
static int begin_with_two_gateways(void **state)
{
	int error = begin(state);
	snprintf(stick.tunnel.gateway, sizeof stick.tunnel.gateway, "gw1");
	struct gateway *list = realloc(stick.gateways->list, 2 * sizeof *list);
	assert_non_null(list);
	list[1] = (struct gateway){.id = "gw2", .inner = "10.77.0.3"};
	stick.gateways->list = list;
	stick.gateways->count = 2;
	return error;
}

static int finish_with_one(void **state)
{
	if (stick.gateways)
		stick.gateways->count = 1;
	return finish(state);
}

static void a_stick_without_a_session_goes_at_once(void **state)
{
	(void)state;
	stick.session.id = 0;
	stick.machine.state = STATE_READY;
	drain(600);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 1);
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 0); /* goodbye first */
	said_goodbye();
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 1);
	tunnel_is(TUNNEL_DOWN, "gw1", "203.0.113.11:51820");
	assert_int_equal(stick.machine.state, STATE_TUNNEL);
	tunnel_is(TUNNEL_UP, "gw2", "203.0.113.12:51820");
	assert_int_equal(stick.machine.state, STATE_TIME);
	drain(600); /* that one is being emptied as well */
	drain_late(&stick);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 2);
}

static void a_goodbye_that_nobody_answers_keeps_nobody(void **state)
{
	(void)state;
	stick.session.id = 0;
	stick.machine.state = STATE_READY;
	drain(600);
	on_drain(&stick);
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 1);
	said_goodbye();
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 1);
}

static void a_session_is_ended_by_the_customer_first(void **state)
{
	(void)state;
	drain(600);
	drain(570);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 0);
	assert_int_equal(stick.machine.state, STATE_SESSION);
	stick_raise(&stick, EVENT_BANK_CLOSED);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 1);
}

static void at_the_deadline_a_session_is_taken_along(void **state)
{
	(void)state;
	drain(600);
	on_drain(&stick);
	said_goodbye();
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 1);
	tunnel_is(TUNNEL_DOWN, "gw1", "203.0.113.11:51820");
	assert_int_equal(stick.machine.state, STATE_TUNNEL);
	assert_int_equal(stick.session.id, 1);
	assert_true(stick.machine.held);
	assert_int_equal(said(PROCESS_BROKER, MSG_BROKER_FREEZE), 1);
	assert_int_equal(said(PROCESS_SCREEN, MSG_KIOSK_FREEZE), 1);
	/* the other one admits by a statement of its own, then opens the bank, and only then a byte may move */
	tunnel_is(TUNNEL_UP, "gw2", "203.0.113.12:51820");
	announce(3);
	assert_int_equal(stick.machine.state, STATE_SESSION);
	assert_int_equal(said(PROCESS_BROKER, MSG_BROKER_FREEZE), 1);
	uint8_t payload[16];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 1);
	write_str(&w, "");
	struct msg m = {
	    .type = MSG_AGENT_SESSION_REPLY, .id = stick.session.question, .payload = w.data, .size = w.size};
	assert_int_equal(on_message(&stick, PROCESS_AGENT, &m), 0);
	assert_int_equal(said(PROCESS_BROKER, MSG_BROKER_RESOLVER), 1);
	assert_int_equal(said(PROCESS_BROKER, MSG_BROKER_FREEZE), 2);
	assert_string_equal(stick.session.gateway, "gw2");
}

static void whoever_comes_back_stays_for_a_while(void **state)
{
	(void)state;
	stick.session.id = 0;
	stick.machine.state = STATE_READY;
	drain(600);
	said_goodbye();
	tunnel_is(TUNNEL_DOWN, "gw1", "203.0.113.11:51820");
	tunnel_is(TUNNEL_UP, "gw1", "203.0.113.11:51820"); /* no other answered */
	stick.machine.state = STATE_READY;
	drain(570);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 1);
	world.now_ms += 600000;
	drain(1);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 2);
}

static void where_there_is_no_other_gateway_nobody_goes(void **state)
{
	(void)state;
	stick.gateways->count = 1;
	stick.session.id = 0;
	stick.machine.state = STATE_READY;
	drain(600);
	on_drain(&stick);
	assert_int_equal(said(PROCESS_AGENT, MSG_AGENT_GOODBYE), 0);
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 0);
}

static void a_loss_in_between_is_a_loss(void **state)
{
	(void)state;
	drain(600);
	on_drain(&stick);
	tunnel_is(TUNNEL_DOWN, "gw1", "203.0.113.11:51820");
	tunnel_is(TUNNEL_UP, "gw2", "203.0.113.12:51820");
	on_drain(&stick);
	said_goodbye();
	assert_int_equal(said(PROCESS_TUNNEL, MSG_TUNNEL_LEAVE), 0); /* it is elsewhere already */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_session_goes_on, begin, finish),
	    cmocka_unit_test_setup_teardown(a_bank_that_is_gone_takes_its_session_along, begin, finish),
	    cmocka_unit_test_setup_teardown(a_pin_is_asked_for_before_the_next_page, begin, finish),
	    cmocka_unit_test_setup_teardown(a_pin_is_asked_for_while_a_session_is_frozen, begin, finish),
	    cmocka_unit_test_setup_teardown(a_bank_that_is_gone_takes_a_frozen_session_along, begin, finish),
	    cmocka_unit_test_setup_teardown(a_refused_one_changes_nothing_and_is_not_fetched_again, begin, finish),
	    cmocka_unit_test_setup_teardown(what_cannot_be_had_is_asked_for_ever_more_seldom, begin, finish),
	    cmocka_unit_test_setup_teardown(another_agent_is_asked_for_it_again, begin, finish),
	    cmocka_unit_test_setup_teardown(a_customer_does_not_wait_for_what_cannot_be_had, begin, finish),
	    cmocka_unit_test_setup_teardown(a_padded_policy_is_kept_without_its_padding, begin, finish),
	    cmocka_unit_test_setup_teardown(what_has_no_room_stands_until_the_power_goes_off, begin, finish),
	    cmocka_unit_test_setup_teardown(what_comes_when_the_tunnel_is_lost_is_left, begin, finish),
	    cmocka_unit_test_setup_teardown(a_newer_list_of_gateways_is_kept, begin, finish),
	    cmocka_unit_test_setup_teardown(the_next_tunnel_goes_by_it, begin, finish),
	    cmocka_unit_test_setup_teardown(a_tunnel_process_that_is_started_anew_goes_by_it, begin, finish),
	    cmocka_unit_test_setup_teardown(a_refused_list_of_gateways_is_not_asked_for_again, begin, finish),
	    cmocka_unit_test_setup_teardown(gateways_are_not_asked_for_on_the_way_up, begin, finish),
	    cmocka_unit_test(an_end_takes_everything_along),
	    cmocka_unit_test_setup_teardown(a_stick_without_a_session_goes_at_once, begin_with_two_gateways,
					    finish_with_one),
	    cmocka_unit_test_setup_teardown(a_goodbye_that_nobody_answers_keeps_nobody, begin_with_two_gateways,
					    finish_with_one),
	    cmocka_unit_test_setup_teardown(a_session_is_ended_by_the_customer_first, begin_with_two_gateways,
					    finish_with_one),
	    cmocka_unit_test_setup_teardown(at_the_deadline_a_session_is_taken_along, begin_with_two_gateways,
					    finish_with_one),
	    cmocka_unit_test_setup_teardown(whoever_comes_back_stays_for_a_while, begin_with_two_gateways,
					    finish_with_one),
	    cmocka_unit_test_setup_teardown(where_there_is_no_other_gateway_nobody_goes, begin_with_two_gateways,
					    finish_with_one),
	    cmocka_unit_test_setup_teardown(a_loss_in_between_is_a_loss, begin_with_two_gateways, finish_with_one),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}

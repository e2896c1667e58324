#include "tests/unit/unit.h"

#include "launcher/states.h"

/* The pairs that cannot happen: the launcher raises these events itself, in the one state that asked for them. */
static bool is_impossible(enum stick_state state, bool held, enum stick_event event)
{
	switch (event) {
	case EVENT_PROVISIONED:
	case EVENT_UNUSABLE:
		return state != STATE_START;
	case EVENT_UPDATED:
		return state != STATE_UPDATE;
	case EVENT_UNLOCKED:
	case EVENT_UNLOCK_REFUSED:
		return state != STATE_UNLOCK;
	case EVENT_PIN_WANTED:
		return state != STATE_ADMITTED;
	case EVENT_SESSION_OPENED:
		return state != STATE_READY || !held;
	case EVENT_SESSION_FAILED:
		return state < STATE_READY && !held;
	default:
		return false;
	}
}

static void every_pair_has_its_row_or_ends(void **unused)
{
	(void)unused;
	for (int state = 0; state < STATE_END; state++) {
		for (int held = 0; held < 2; held++) {
			for (int event = 0; event < EVENT_COUNT; event++) {
				struct machine m = {.state = (enum stick_state)state, .held = held};
				bool impossible = is_impossible(m.state, held, (enum stick_event)event);
				assert_int_equal(machine_expects(&m, (enum stick_event)event), !impossible);
				enum stick_action action = machine_step(&m, (enum stick_event)event);
				assert_in_range(m.state, STATE_START, STATE_END);
				if (impossible) {
					assert_int_equal(m.state, STATE_END);
					assert_int_equal(action, ACTION_WIPE);
				}
			}
		}
	}
}

static void nothing_leaves_the_end(void **unused)
{
	(void)unused;
	for (int event = 0; event < EVENT_COUNT; event++) {
		struct machine m = {.state = STATE_END};
		assert_int_equal(machine_step(&m, (enum stick_event)event), ACTION_NONE);
		assert_int_equal(m.state, STATE_END);
	}
}

struct expected {
	enum stick_event event;
	enum stick_state state;
	enum stick_action action;
};

static void walk(struct machine *m, const struct expected *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(machine_step(m, steps[i].event), steps[i].action);
		assert_int_equal(m->state, steps[i].state);
	}
}

#define WALK(m, ...)                                                                                                   \
	do {                                                                                                           \
		const struct expected steps[] = {__VA_ARGS__};                                                         \
		walk(m, steps, sizeof steps / sizeof steps[0]);                                                        \
	} while (0)

static struct machine in_session(void)
{
	struct machine m = {0};
	WALK(&m, {EVENT_PROVISIONED, STATE_LINK, ACTION_BEGIN}, {EVENT_LINK_UP, STATE_TUNNEL, ACTION_CONNECT},
	     {EVENT_TUNNEL_UP, STATE_TIME, ACTION_BEACON}, {EVENT_TIME_CONFIRMED, STATE_UPDATE, ACTION_UPDATE},
	     {EVENT_UPDATED, STATE_UNLOCK, ACTION_UNLOCK}, {EVENT_UNLOCKED, STATE_ADMITTED, ACTION_ADMIT},
	     {EVENT_ADMISSION_GRANTED, STATE_READY, ACTION_BANKS}, {EVENT_BANK_CHOSEN, STATE_READY, ACTION_OPEN},
	     {EVENT_SESSION_OPENED, STATE_SESSION, ACTION_SHOW});
	return m;
}

static void a_boot_walks_to_a_bank_and_back(void **unused)
{
	(void)unused;
	struct machine m = in_session();
	WALK(&m, {EVENT_BANK_CLOSED, STATE_READY, ACTION_CLOSE}, {EVENT_POWER_OFF, STATE_END, ACTION_WIPE});
}

static void a_lost_tunnel_freezes_and_resumes_through_admission(void **unused)
{
	(void)unused;
	struct machine m = in_session();
	WALK(&m, {EVENT_TUNNEL_LOST, STATE_TUNNEL, ACTION_FREEZE}, {EVENT_ADMISSION_GRANTED, STATE_TUNNEL, ACTION_NONE},
	     {EVENT_TUNNEL_UP, STATE_TIME, ACTION_BEACON}, {EVENT_TIME_CONFIRMED, STATE_UPDATE, ACTION_UPDATE},
	     {EVENT_UPDATED, STATE_UNLOCK, ACTION_UNLOCK}, {EVENT_UNLOCKED, STATE_ADMITTED, ACTION_ADMIT});
	assert_true(m.held);
	WALK(&m, {EVENT_ADMISSION_GRANTED, STATE_SESSION, ACTION_THAW});
	assert_false(m.held);
}

static void a_wrong_pin_is_asked_for_again(void **unused)
{
	(void)unused;
	struct machine m = in_session();
	WALK(&m, {EVENT_ADMISSION_LOST, STATE_ADMITTED, ACTION_FREEZE}, {EVENT_PIN_WANTED, STATE_UNLOCK, ACTION_UNLOCK},
	     {EVENT_UNLOCKED, STATE_ADMITTED, ACTION_ADMIT}, {EVENT_ADMISSION_GRANTED, STATE_SESSION, ACTION_THAW});
}

static void a_lost_admission_freezes(void **unused)
{
	(void)unused;
	struct machine m = in_session();
	WALK(&m, {EVENT_ADMISSION_LOST, STATE_ADMITTED, ACTION_FREEZE},
	     {EVENT_ADMISSION_GRANTED, STATE_SESSION, ACTION_THAW}, {EVENT_REVOKED, STATE_ADMITTED, ACTION_DROP},
	     {EVENT_ADMISSION_GRANTED, STATE_READY, ACTION_BANKS});
}

static void a_frozen_session_can_be_left(void **unused)
{
	(void)unused;
	struct machine m = in_session();
	WALK(&m, {EVENT_LINK_LOST, STATE_LINK, ACTION_FREEZE}, {EVENT_BANK_CHOSEN, STATE_LINK, ACTION_REFUSE},
	     {EVENT_BANK_CLOSED, STATE_LINK, ACTION_CLOSE}, {EVENT_BANK_CLOSED, STATE_LINK, ACTION_NONE});
	assert_false(m.held);
}

static void a_newer_policy_is_fetched_beside_a_session(void **unused)
{
	(void)unused;
	struct machine m = {.state = STATE_READY};
	WALK(&m, {EVENT_BANK_CHOSEN, STATE_READY, ACTION_OPEN}, {EVENT_NEWER_POLICY, STATE_READY, ACTION_REFRESH},
	     {EVENT_SESSION_OPENED, STATE_SESSION, ACTION_SHOW}, {EVENT_NEWER_POLICY, STATE_SESSION, ACTION_REFRESH},
	     {EVENT_BANK_CLOSED, STATE_READY, ACTION_CLOSE}, {EVENT_NEWER_POLICY, STATE_UPDATE, ACTION_UPDATE});
}

/* What is true outside the machine, and what the actions it gave have done: the machine must agree with both. */
struct world {
	struct machine machine;
	bool tunnel, admitted, serving;
};

static void world_take(struct world *w, enum stick_event event)
{
	if (event == EVENT_TUNNEL_UP)
		w->tunnel = true;
	if (event == EVENT_TUNNEL_LOST || event == EVENT_LINK_LOST)
		w->tunnel = w->admitted = false;
	if (event == EVENT_ADMISSION_GRANTED)
		w->admitted = true;
	if (event == EVENT_ADMISSION_LOST || event == EVENT_REVOKED)
		w->admitted = false;
	enum stick_action action = machine_step(&w->machine, event);
	if (action == ACTION_SHOW || action == ACTION_THAW)
		w->serving = true;
	if (action == ACTION_FREEZE || action == ACTION_CLOSE || action == ACTION_DROP || action == ACTION_RELOAD ||
	    action == ACTION_WIPE)
		w->serving = false;
}

static size_t world_index(const struct world *w)
{
	return (size_t)w->machine.state << 4 | (size_t)w->machine.held << 3 | (size_t)w->tunnel << 2 |
	       (size_t)w->admitted << 1 | (size_t)w->serving;
}

static void world_check(const struct world *w)
{
	assert_true(!w->serving || (w->tunnel && w->admitted));
	assert_int_equal(w->serving, w->machine.state == STATE_SESSION);
	if (w->machine.held)
		assert_in_range(w->machine.state, STATE_LINK, STATE_READY);
}

/* Every world that any order of events can reach, none left out. */
static void no_order_of_events_serves_without_tunnel_and_admission(void **unused)
{
	(void)unused;
	static struct world queue[STATE_COUNT << 4];
	static bool seen[STATE_COUNT << 4];
	size_t head = 0, tail = 0;
	queue[tail++] = (struct world){0};
	seen[0] = true;
	while (head < tail) {
		struct world from = queue[head++];
		world_check(&from);
		for (int event = 0; event < EVENT_COUNT; event++) {
			struct world to = from;
			world_take(&to, (enum stick_event)event);
			if (seen[world_index(&to)])
				continue;
			seen[world_index(&to)] = true;
			queue[tail++] = to;
		}
	}
	assert_true(tail > STATE_COUNT);
}

static void names_are_those_of_the_table(void **unused)
{
	(void)unused;
	for (int i = 0; i < STATE_COUNT; i++)
		assert_string_not_equal(state_name((enum stick_state)i), "?");
	for (int i = 0; i < EVENT_COUNT; i++)
		assert_string_not_equal(event_name((enum stick_event)i), "?");
	for (int i = 0; i < ACTION_COUNT; i++)
		assert_string_not_equal(action_name((enum stick_action)i), "?");
	assert_string_equal(event_name(EVENT_POWER_OFF), "POWER_OFF");
	assert_string_equal(action_name(ACTION_WIPE), "WIPE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_pair_has_its_row_or_ends),
	    cmocka_unit_test(nothing_leaves_the_end),
	    cmocka_unit_test(a_boot_walks_to_a_bank_and_back),
	    cmocka_unit_test(a_lost_tunnel_freezes_and_resumes_through_admission),
	    cmocka_unit_test(a_lost_admission_freezes),
	    cmocka_unit_test(a_wrong_pin_is_asked_for_again),
	    cmocka_unit_test(a_frozen_session_can_be_left),
	    cmocka_unit_test(a_newer_policy_is_fetched_beside_a_session),
	    cmocka_unit_test(no_order_of_events_serves_without_tunnel_and_admission),
	    cmocka_unit_test(names_are_those_of_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

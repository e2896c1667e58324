/*
 * The launcher's clock and what it keeps of it, with stubs beneath: what one answer of a gateway can do to later
 * starts.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "launcher/stick.h"

enum { DAY = 86400, YEAR = 365 * DAY };
#define IMAGE UINT64_C(1795305600) /* 2026-11-22 */
#define WRONG (IMAGE + 73 * (uint64_t)YEAR)

static struct {
	struct stick stick;
	uint64_t pc; /* the clock */
} world;

time_t __wrap_time(time_t *out);
time_t __wrap_time(time_t *out)
{
	if (out)
		*out = (time_t)world.pc;
	return (time_t)world.pc;
}
void tell_init_clock(uint64_t unix_seconds) { world.pc = unix_seconds; }
void tell_agent_config(struct stick *s) { (void)s; }
void tell_agent_health(struct stick *s) { (void)s; }
void stick_store(struct stick *s) { (void)s; }
int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)crew, (void)which, (void)type, (void)id, (void)payload, (void)size;
	return 0;
}

/* A new start of the same stick, in a PC whose clock says so. */
static void start(uint64_t pc)
{
	const uint64_t time_floor = world.stick.provision.time_floor, last = world.stick.provision.time_last;
	memset(&world, 0, sizeof world);
	world.pc = pc;
	world.stick.about.date = IMAGE;
	world.stick.provision.time_floor = time_floor;
	world.stick.provision.time_last = last;
	stick_raise_clock(&world.stick);
}

/* The gateway answers until the clock has settled. True: it was believed. */
static bool answered(uint64_t gateway_time)
{
	for (int i = 0; i < 5 && !stick_confirm_time(&world.stick, gateway_time); i++)
		;
	return world.stick.time_confirmed;
}

static int teardown(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	return 0;
}

static void a_wrong_year_is_forgotten_in_a_day(void **state)
{
	(void)state;
	start(IMAGE + DAY);
	assert_true(answered(IMAGE + DAY));
	start(IMAGE + 2 * DAY);
	assert_true(answered(WRONG));
	assert_int_equal(world.stick.provision.time_floor, IMAGE + 2 * DAY);
	/* its WireGuard has heard of that year: the handshake is made with it, and the right time believed all the same
	 */
	start(IMAGE + 3 * DAY);
	assert_int_equal(world.pc, WRONG);
	assert_true(answered(IMAGE + 3 * DAY));
	assert_int_equal(world.stick.provision.time_floor, IMAGE + 3 * DAY);
	assert_int_equal(world.stick.provision.time_last, IMAGE + 3 * DAY);
}

/* Said again and again it moves by a day for each start: that we had made the clock agree is no second witness. */
static void a_wrong_year_said_again_moves_by_a_day(void **state)
{
	(void)state;
	start(IMAGE);
	for (int i = 1; i <= 10; i++) {
		start(IMAGE + 3600);
		assert_true(answered(WRONG + (uint64_t)i));
		assert_true(answered(WRONG + (uint64_t)i));
		assert_int_equal(world.stick.provision.time_floor, IMAGE + (uint64_t)i * DAY);
	}
}

static void what_the_pc_says_too_is_kept_whole(void **state)
{
	(void)state;
	start(IMAGE + YEAR + 9 * 3600); /* local time */
	assert_true(answered(IMAGE + YEAR));
	assert_int_equal(world.stick.provision.time_floor, IMAGE + YEAR);
	start(IMAGE);
	assert_int_equal(world.pc, IMAGE + YEAR);
	assert_false(answered(IMAGE + YEAR - 1));
}

/* A PC without a battery, after a stick's year in a drawer: the next start's handshake is not behind this one's. */
static void a_pc_without_a_clock_comes_back(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(world.pc, IMAGE);
	assert_true(answered(IMAGE + YEAR));
	assert_int_equal(world.stick.provision.time_floor, IMAGE + DAY);
	start(0);
	assert_int_equal(world.pc, IMAGE + YEAR);
	assert_true(answered(IMAGE + YEAR + DAY));
}

static void what_was_signed_is_the_floor(void **state)
{
	(void)state;
	struct whitelist policy = {.issued = (int64_t)(IMAGE + YEAR)};
	start(0);
	world.stick.policy = &policy;
	assert_false(answered(IMAGE + YEAR - 1));
	assert_true(answered(IMAGE + YEAR + 2 * DAY));
	assert_int_equal(world.stick.provision.time_floor, IMAGE + YEAR + DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(a_wrong_year_is_forgotten_in_a_day, teardown),
	    cmocka_unit_test_teardown(a_wrong_year_said_again_moves_by_a_day, teardown),
	    cmocka_unit_test_teardown(what_the_pc_says_too_is_kept_whole, teardown),
	    cmocka_unit_test_teardown(a_pc_without_a_clock_comes_back, teardown),
	    cmocka_unit_test_teardown(what_was_signed_is_the_floor, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

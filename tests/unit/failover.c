#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "vpn/device/failover.h"
#include "vpn/device/peers.h"

static void endpoints_are_literal(void **unused)
{
	(void)unused;
	union endpoint e;
	char text[ENDPOINT_TEXT_BYTES];
	assert_int_equal(endpoint_parse("203.0.113.11", 51820, &e), 0);
	endpoint_format(&e, text);
	assert_string_equal(text, "203.0.113.11:51820");
	assert_int_equal(endpoint_parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65535, &e), 0);
	endpoint_format(&e, text);
	assert_string_equal(text, "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	assert_int_equal(endpoint_parse("gateway.example", 51820, &e), -EINVAL);
	assert_int_equal(endpoint_parse("203.0.113.11", 0, &e), -EINVAL);
	assert_int_equal(endpoint_parse("", 51820, &e), -EINVAL);
}

static void endpoints_are_counted_through(void **unused)
{
	(void)unused;
	struct peers list = {.count = 3};
	list.items[0].endpoint_count = 2;
	list.items[1].endpoint_count = 0;
	list.items[2].endpoint_count = 1;
	const struct peer *owner = NULL;
	assert_int_equal(peers_endpoint_count(&list), 3);
	assert_ptr_equal(peers_endpoint(&list, 1, &owner), &list.items[0].endpoints[1]);
	assert_ptr_equal(peers_endpoint(&list, 2, &owner), &list.items[2].endpoints[0]);
	assert_ptr_equal(owner, &list.items[2]);
	assert_null(peers_endpoint(&list, 3, &owner));
}

static void a_silent_endpoint_is_left_after_five_seconds(void **unused)
{
	(void)unused;
	struct failover f;
	failover_start(&f, 2);
	assert_int_equal(failover_step(&f, 1000, false), FAILOVER_TRY);
	assert_int_equal(f.at, 0);
	assert_int_equal(failover_step(&f, 5999, false), FAILOVER_WAIT);
	assert_int_equal(failover_due_ms(&f), 6000);
	assert_int_equal(failover_step(&f, 6000, false), FAILOVER_TRY);
	assert_int_equal(f.at, 1);
	assert_int_equal(f.rounds, 0);
	assert_int_equal(failover_step(&f, 11000, false), FAILOVER_TRY);
	assert_int_equal(f.at, 0);
	assert_int_equal(f.rounds, 1);
	assert_int_equal(failover_step(&f, 11250, true), FAILOVER_UP);
	assert_int_equal(f.handshake_ms, 250);
	assert_int_equal(f.rounds, 0);
}

static void stand(struct failover *f, size_t count)
{
	failover_start(f, count);
	assert_int_equal(failover_step(f, 0, false), FAILOVER_TRY);
	assert_int_equal(failover_step(f, 100, true), FAILOVER_UP);
	assert_int_equal(failover_step(f, 100, true), FAILOVER_PROBE);
}

static void an_answered_tunnel_stands(void **unused)
{
	(void)unused;
	struct failover f;
	stand(&f, 1);
	for (int64_t now = 100; now < 100000; now += FAILOVER_PROBE_EVERY_MS) {
		failover_heard(&f, 30);
		assert_int_equal(failover_step(&f, now + FAILOVER_PROBE_EVERY_MS - 1, true), FAILOVER_WAIT);
		assert_int_equal(failover_step(&f, now + FAILOVER_PROBE_EVERY_MS, true), FAILOVER_PROBE);
	}
	assert_int_equal(f.rtt_ms, 30);
	assert_int_equal(failover_loss_permille(&f), 0);
}

/* From the last good answer to the order to give it up. */
static int64_t until_down(struct failover *f)
{
	int64_t now = 100;
	enum failover_order order;
	failover_heard(f, 10);
	do {
		now = failover_due_ms(f);
		order = failover_step(f, now, true);
		assert_int_not_equal(order, FAILOVER_WAIT);
	} while (order != FAILOVER_DOWN);
	return now;
}

static void a_cut_leaves_time_for_a_handshake_within_five_seconds(void **unused)
{
	(void)unused;
	struct failover f;
	stand(&f, 2);
	int64_t now = until_down(&f);
	assert_true(now - 100 <= 4400);
	assert_true(now - 100 > 3000);
	assert_int_equal(failover_step(&f, now, true), FAILOVER_TRY);
	assert_int_equal(f.at, 0);
	assert_int_equal(failover_due_ms(&f), now + FAILOVER_HURRY_MS);
}

static void after_a_loss_each_has_two_seconds_for_one_round(void **unused)
{
	(void)unused;
	struct failover f;
	stand(&f, 2);
	int64_t now = until_down(&f);
	assert_int_equal(failover_step(&f, now, true), FAILOVER_TRY);
	assert_int_equal(failover_step(&f, now + 1999, false), FAILOVER_WAIT);
	assert_int_equal(failover_step(&f, now + 2000, false), FAILOVER_TRY);
	assert_int_equal(f.at, 1);
	assert_int_equal(failover_step(&f, now + 4000, false), FAILOVER_TRY);
	assert_int_equal(f.at, 0);
	assert_int_equal(f.rounds, 1);
	assert_int_equal(failover_step(&f, now + 8999, false), FAILOVER_WAIT);
	assert_int_equal(failover_step(&f, now + 9000, false), FAILOVER_TRY);
	assert_int_equal(f.at, 1);
}

static void a_tunnel_can_be_left_while_it_stands(void **unused)
{
	(void)unused;
	struct failover f;
	stand(&f, 2);
	failover_leave(&f);
	assert_int_equal(failover_step(&f, 200, true), FAILOVER_TRY);
	assert_int_equal(f.at, 0);
}

/* Three gateways, the first two at an IPv4 and an IPv6 address, the third at IPv4 only: endpoints 0 1, 2 3, 4. */
static struct peers three_gateways(void)
{
	struct peers list = {.count = 3};
	assert_int_equal(endpoint_parse("203.0.113.11", 1, &list.items[0].endpoints[0]), 0);
	assert_int_equal(endpoint_parse("2001:db8::11", 1, &list.items[0].endpoints[1]), 0);
	assert_int_equal(endpoint_parse("203.0.113.12", 1, &list.items[1].endpoints[0]), 0);
	assert_int_equal(endpoint_parse("2001:db8::12", 1, &list.items[1].endpoints[1]), 0);
	assert_int_equal(endpoint_parse("203.0.113.13", 1, &list.items[2].endpoints[0]), 0);
	list.items[0].endpoint_count = list.items[1].endpoint_count = 2;
	list.items[2].endpoint_count = 1;
	return list;
}

static void expect_order(size_t lost, unsigned turn, const uint8_t wanted[5])
{
	struct peers list = three_gateways();
	uint8_t order[PEERS_ORDER_MAX];
	assert_int_equal(peers_order_after(&list, lost, turn, order), 5);
	assert_memory_equal(order, wanted, 5);
}

static void other_gateways_come_first_after_a_loss(void **unused)
{
	(void)unused;
	struct peers list = three_gateways();
	uint8_t order[PEERS_ORDER_MAX];
	assert_int_equal(peers_order(&list, order), 5);
	assert_memory_equal(order, ((const uint8_t[]){0, 1, 2, 3, 4}), 5);
	expect_order(0, 0, (const uint8_t[]){2, 4, 3, 1, 0});
	expect_order(0, 1, (const uint8_t[]){4, 2, 3, 1, 0}); /* another stick, another gateway */
	expect_order(1, 0, (const uint8_t[]){3, 2, 4, 0, 1});
	expect_order(4, 0, (const uint8_t[]){0, 2, 1, 3, 4});
	expect_order(4, 7, (const uint8_t[]){2, 0, 3, 1, 4});
}

static void one_gateway_alone_is_tried_by_its_other_address(void **unused)
{
	(void)unused;
	struct peers list = three_gateways();
	uint8_t order[PEERS_ORDER_MAX];
	list.count = 1;
	assert_int_equal(peers_order_after(&list, 0, 5, order), 2);
	assert_memory_equal(order, ((const uint8_t[]){1, 0}), 2);
	list.items[0].endpoint_count = 1;
	assert_int_equal(peers_order_after(&list, 0, 5, order), 1);
	assert_int_equal(order[0], 0);
}

static void a_late_answer_forgives(void **unused)
{
	(void)unused;
	struct failover f;
	stand(&f, 1);
	assert_int_equal(failover_step(&f, 1100, true), FAILOVER_PROBE);
	assert_int_equal(failover_step(&f, 2100, true), FAILOVER_PROBE);
	failover_heard(&f, -1);
	assert_int_equal(failover_step(&f, 3500, true), FAILOVER_PROBE);
	assert_int_equal(f.misses, 0);
	assert_int_equal(failover_loss_permille(&f), 666);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(endpoints_are_literal),
	    cmocka_unit_test(endpoints_are_counted_through),
	    cmocka_unit_test(a_silent_endpoint_is_left_after_five_seconds),
	    cmocka_unit_test(an_answered_tunnel_stands),
	    cmocka_unit_test(a_cut_leaves_time_for_a_handshake_within_five_seconds),
	    cmocka_unit_test(after_a_loss_each_has_two_seconds_for_one_round),
	    cmocka_unit_test(a_tunnel_can_be_left_while_it_stands),
	    cmocka_unit_test(other_gateways_come_first_after_a_loss),
	    cmocka_unit_test(one_gateway_alone_is_tried_by_its_other_address),
	    cmocka_unit_test(a_late_answer_forgives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

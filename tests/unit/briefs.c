#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firmware/boot/messages.h"
#include "launcher/briefs.h"

static struct gateway gateway(const char *id, size_t addresses)
{
	struct gateway g = {.inner = "10.77.0.1", .control_port = 8444, .address_count = addresses};
	snprintf(g.id, sizeof g.id, "%s", id);
	for (size_t i = 0; i < addresses; i++) {
		g.addresses[i] = (struct gateway_address){.family = i % 2 ? 6 : 4, .port = 51820};
		snprintf(g.addresses[i].text, sizeof g.addresses[i].text, "%s",
			 i % 2 ? "2001:db8::11" : "203.0.113.11");
	}
	return g;
}

static void the_wall_gets_every_address(void **unused)
{
	(void)unused;
	struct gateway list[] = {gateway("gw1", 2), gateway("gw2", 1)};
	struct gateways gateways = {.list = list, .count = 2};
	uint8_t payload[512];
	struct writer w = writer_over(payload, sizeof payload);
	assert_int_equal(brief_wall(&w, &gateways), 0);
	struct reader r = reader_over(payload, w.size);
	static const unsigned families[] = {4, 6, 4};
	assert_int_equal(read_u8(&r), 3);
	for (size_t i = 0; i < 3; i++) {
		size_t size = 0;
		assert_int_equal(read_u8(&r), families[i]);
		read_blob(&r, &size);
		assert_int_equal(size, families[i] == 4 ? 4 : 16);
		assert_int_equal(read_u16(&r), 51820);
	}
	assert_true(reader_done(&r));
}

static void more_addresses_than_the_wall_takes_are_an_error(void **unused)
{
	(void)unused;
	struct gateway list[9];
	for (size_t i = 0; i < 9; i++)
		list[i] = gateway("gw", GATEWAY_ADDRESSES_MAX);
	struct gateways gateways = {.list = list, .count = 9};
	uint8_t payload[4096];
	struct writer w = writer_over(payload, sizeof payload);
	assert_true(9 * GATEWAY_ADDRESSES_MAX > WALL_GATEWAYS_MAX);
	assert_int_equal(brief_wall(&w, &gateways), -EMSGSIZE);
}

static void the_gateway_that_was_lost_is_named_last(void **unused)
{
	(void)unused;
	struct gateway list[] = {gateway("gw1", 1), gateway("gw2", 1), gateway("gw3", 1)};
	const struct gateways gateways = {.list = list, .count = 3};
	const struct provision provision = {.address = "10.77.0.2/32"};
	const struct whitelist policy = {.version = 1};
	static const struct {
		const char *lost, *order[3];
	} cases[] = {{"", {"gw1", "gw2", "gw3"}}, {"gw1", {"gw2", "gw3", "gw1"}}, {"gone", {"gw1", "gw2", "gw3"}}};
	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		uint8_t payload[1024];
		char text[64];
		size_t size;
		struct writer w = writer_over(payload, sizeof payload);
		assert_int_equal(brief_tunnel(&w, &provision, &gateways, &policy, cases[c].lost), 0);
		struct reader r = reader_over(payload, w.size);
		read_blob(&r, &size);
		read_str(&r, text, sizeof text);
		assert_int_equal(read_u8(&r), 3);
		for (int i = 0; i < 3; i++) {
			read_str(&r, text, sizeof text);
			assert_string_equal(text, cases[c].order[i]);
			read_blob(&r, &size);
			read_str(&r, text, sizeof text);
			assert_int_equal(read_u8(&r), 1);
			read_str(&r, text, sizeof text);
			read_u16(&r);
		}
	}
}

static void ports_are_named_once(void **unused)
{
	(void)unused;
	struct whitelist_bank banks[] = {{.ports = {443, 8443}, .port_count = 2}, {.ports = {443}, .port_count = 1}};
	struct whitelist policy = {.banks = banks, .bank_count = 2};
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	assert_int_equal(brief_ports(&w, &policy), 0);
	struct reader r = reader_over(payload, w.size);
	assert_int_equal(read_u8(&r), 2);
	assert_int_equal(read_u16(&r), 443);
	assert_int_equal(read_u16(&r), 8443);
	assert_true(reader_done(&r));
	struct writer small = writer_over(payload, 2);
	assert_int_equal(brief_ports(&small, &policy), -EMSGSIZE);
}

static void the_kiosk_gets_page_hosts_only(void **unused)
{
	(void)unused;
	struct whitelist_host hosts[] = {{.name = "www.bank.example", .role = ROLE_PAGE},
					 {.name = "static.example", .role = ROLE_ASSET}};
	struct whitelist_bank bank = {.id = "demo",
				      .name_ja = "見本",
				      .name_en = "Demo",
				      .start = "https://www.bank.example/",
				      .support = "+81",
				      .hosts = hosts,
				      .host_count = 2};
	struct whitelist policy = {.banks = &bank, .bank_count = 1};
	uint8_t payload[1024];
	struct writer w = writer_over(payload, sizeof payload);
	assert_int_equal(brief_banks(&w, &policy, true), 0);
	assert_in_range(w.size, 1, brief_banks_size(&policy));
	struct reader r = reader_over(payload, w.size);
	char json[1024];
	read_str(&r, json, sizeof json);
	assert_int_equal(read_u8(&r), 1);
	assert_true(reader_done(&r));
	assert_string_equal(json,
			    "[{\"id\":\"demo\",\"name\":{\"ja\":\"見本\",\"en\":\"Demo\"},\"start\":"
			    "\"https://www.bank.example/\",\"support\":\"+81\",\"hosts\":[\"www.bank.example\"]}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_wall_gets_every_address),
	    cmocka_unit_test(more_addresses_than_the_wall_takes_are_an_error),
	    cmocka_unit_test(the_gateway_that_was_lost_is_named_last),
	    cmocka_unit_test(ports_are_named_once),
	    cmocka_unit_test(the_kiosk_gets_page_hosts_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

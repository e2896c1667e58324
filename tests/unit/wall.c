#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "firmware/boot/wallrules.h"
#include "firmware/boot/wallwatch.h"
#include "firmware/lib/buf.h"
#include "tests/unit/unit.h"

static struct writer gateway(struct writer w, uint8_t family, const void *address, size_t size, uint16_t port)
{
	write_u8(&w, family);
	write_blob(&w, address, size);
	write_u16(&w, port);
	return w;
}

static void test_gateways_are_read_and_written(void **state)
{
	(void)state;
	uint8_t payload[256];
	static const uint8_t v4[4] = {203, 0, 113, 11}, v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x11};
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 2);
	w = gateway(w, 4, v4, sizeof v4, 51820);
	w = gateway(w, 6, v6, sizeof v6, 443);
	struct wall_gateways gateways;
	assert_int_equal(wall_gateways_read(payload, w.size, &gateways), 0);
	assert_int_equal(gateways.count, 2);
	char script[WALL_SCRIPT_MAX_BYTES];
	assert_int_equal(wall_gateways_script(&gateways, script, sizeof script), 0);
	assert_non_null(strstr(script, "flush set inet underlay gateways4\n"));
	assert_non_null(strstr(script, "add element inet underlay gateways4 { 203.0.113.11 . 51820 }\n"));
	assert_non_null(strstr(script, "add element netdev underlay gateways6 { 2001:db8::11 . 443 }\n"));
	assert_non_null(strstr(script, "add element netdev underlay hosts4 { 203.0.113.11 }\n"));
	assert_int_equal(wall_gateways_script(&gateways, script, 200), -ENOSPC);
	for (size_t size = 0; size < w.size; size++)
		assert_int_equal(wall_gateways_read(payload, size, &gateways), -EBADMSG);
	assert_int_equal(wall_gateways_read(payload, w.size + 1, &gateways), -EBADMSG);
}

static void test_addresses_no_gateway_can_have(void **state)
{
	(void)state;
	static const struct {
		uint8_t family, size;
		uint8_t address[16];
		uint16_t port;
	} bad[] = {
	    {4, 4, {0, 0, 0, 0}, 1},
	    {4, 4, {127, 0, 0, 1}, 1},
	    {4, 4, {224, 0, 0, 1}, 1},
	    {4, 4, {255, 255, 255, 255}, 1},
	    {4, 4, {203, 0, 113, 1}, 0},
	    {4, 16, {203, 0, 113, 1}, 1},
	    {5, 4, {203, 0, 113, 1}, 1},
	    {6, 4, {203, 0, 113, 1}, 1},
	    {6, 16, {0}, 1},
	    {6, 16, {[15] = 1}, 1},
	    {6, 16, {0xff, 0x02, [15] = 1}, 1},
	    {6, 16, {[10] = 0xff, 0xff, 8, 8, 8, 8}, 1},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t payload[64];
		struct writer w = writer_over(payload, sizeof payload);
		write_u8(&w, 1);
		w = gateway(w, bad[i].family, bad[i].address, bad[i].size, bad[i].port);
		struct wall_gateways gateways;
		assert_int_equal(wall_gateways_read(payload, w.size, &gateways), -EBADMSG);
		assert_int_equal(gateways.count, 0);
	}
}

static void test_as_many_gateways_as_allowed_fit_the_script(void **state)
{
	(void)state;
	static struct wall_gateways gateways = {.count = WALL_GATEWAYS_MAX};
	for (size_t i = 0; i < WALL_GATEWAYS_MAX; i++) {
		gateways.list[i] = (struct wall_gateway){.family = 6, .port = 65535};
		memset(gateways.list[i].address, 0xab, 16);
	}
	char script[WALL_SCRIPT_MAX_BYTES];
	assert_int_equal(wall_gateways_script(&gateways, script, sizeof script), 0);
}

static void test_only_plain_interface_names(void **state)
{
	(void)state;
	char script[WALL_SCRIPT_MAX_BYTES];
	assert_int_equal(wall_cover_script("enx00e04c680001", script, sizeof script), 0);
	assert_non_null(strstr(script, "hook egress device \"enx00e04c680001\""));
	assert_non_null(strstr(script, "hook ingress device \"enx00e04c680001\""));
	static const char *const bad[] = {"", "eth0\"; }", "eth 0", "eth0\n", "eth{", "a-name-that-is-too-long"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(wall_cover_script(bad[i], script, sizeof script), -EINVAL);
}

/* A notification as the kernel writes it: header, family, and one attribute with the table's name. */
static size_t notify(uint8_t *out, int subsystem, int kind, uint8_t family, uint16_t attribute, const char *table)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg generic;
		struct nlattr name;
		char text[16];
	} message = {.generic.nfgen_family = family};
	size_t text_bytes = strlen(table) + 1;
	message.name = (struct nlattr){.nla_len = (uint16_t)(sizeof message.name + text_bytes), .nla_type = attribute};
	memcpy(message.text, table, text_bytes);
	message.header.nlmsg_type = (uint16_t)(subsystem << 8 | kind);
	message.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof message.generic) + NLA_ALIGN(message.name.nla_len));
	memcpy(out, &message, message.header.nlmsg_len);
	return message.header.nlmsg_len;
}

static void test_whose_rules_changed(void **state)
{
	static const struct {
		const char *table;
		int subsystem, kind;
		uint8_t family;
		uint16_t attribute;
		bool ours;
	} rows[] = {
	    {"underlay", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET, 1, true},
	    {"underlay", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWRULE, NFPROTO_NETDEV, 1, true},
	    {"underlay", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWSETELEM, NFPROTO_NETDEV, 1, true},
	    {"any", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN, NFPROTO_UNSPEC, 1, true},
	    {"underlay2", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET, 1, false},
	    {"underla", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET, 1, false},
	    {"behind", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, 1, false},
	    {"underlay", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_IPV4, 1, false},
	    {"underlay", NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET, 2, false},
	    {"underlay", NFNL_SUBSYS_CTNETLINK, NFT_MSG_NEWTABLE, NFPROTO_INET, 1, false},
	};
	uint8_t data[256] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t ours = notify(data, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET, 1, "underlay");
		size_t size = notify(data + ours, rows[i].subsystem, rows[i].kind, rows[i].family, rows[i].attribute,
				     rows[i].table);
		assert_int_equal(wallwatch_ours(data, ours + size), rows[i].ours);
		assert_int_equal(wallwatch_ours(data + ours, size), rows[i].ours);
	}
	size_t whole = notify(data, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_INET, 1, "underlay");
	for (size_t size = 1; size < whole; size++)
		assert_false(wallwatch_ours(data, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gateways_are_read_and_written),
	    cmocka_unit_test(test_addresses_no_gateway_can_have),
	    cmocka_unit_test(test_as_many_gateways_as_allowed_fit_the_script),
	    cmocka_unit_test(test_only_plain_interface_names),
	    cmocka_unit_test(test_whose_rules_changed),
	};
	return cmocka_run_group_tests_name("wall", tests, NULL, NULL);
}

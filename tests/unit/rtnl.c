#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/proc.h"
#include "vpn/device/rtnl.h"

static void prefixes_are_parsed(void **unused)
{
	(void)unused;
	uint8_t family, bytes[16], prefix;
	assert_int_equal(rtnl_parse_prefix("10.77.0.2/16", &family, bytes, &prefix), 0);
	assert_int_equal(family, AF_INET);
	assert_int_equal(prefix, 16);
	assert_memory_equal(bytes, "\x0a\x4d\x00\x02", 4);
	assert_int_equal(rtnl_parse_prefix("192.0.2.1", &family, bytes, &prefix), 0);
	assert_int_equal(prefix, 32);
	assert_int_equal(rtnl_parse_prefix("2001:db8::1/64", &family, bytes, &prefix), 0);
	assert_int_equal(family, AF_INET6);
	assert_int_equal(prefix, 64);
}

static void wrong_prefixes_are_refused(void **unused)
{
	(void)unused;
	static const char *const wrong[] = {"",
					    "/",
					    "10.77.0.2/",
					    "10.77.0.2/33",
					    "10.77.0.2/-1",
					    "10.77/16",
					    "10.77.0.2/8x",
					    "2001:db8::/129",
					    "gateway/32",
					    "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000/64"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		uint8_t family, bytes[16], prefix;
		assert_int_equal(rtnl_parse_prefix(wrong[i], &family, bytes, &prefix), -EINVAL);
	}
}

static void wrong_names_are_refused(void **unused)
{
	(void)unused;
	assert_int_equal(rtnl_link_add("", "dummy"), -EINVAL);
	assert_int_equal(rtnl_link_up("a-name-that-is-too-long"), -EINVAL);
	assert_int_equal(rtnl_link_move("lo", -1), -EINVAL);
	assert_int_equal(rtnl_address_add("no-such-link", "192.0.2.1/32"), -ENODEV);
	assert_int_equal(rtnl_route_default("no-such-link", AF_INET), -ENODEV);
}

static bool has_address(const char *link, const char *address)
{
	struct ifaddrs *all = NULL;
	assert_int_equal(getifaddrs(&all), 0);
	struct in_addr wanted;
	inet_pton(AF_INET, address, &wanted);
	bool found = false;
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		struct sockaddr_in has;
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || strcmp(a->ifa_name, link) != 0)
			continue;
		memcpy(&has, a->ifa_addr, sizeof has);
		found |= has.sin_addr.s_addr == wanted.s_addr;
	}
	freeifaddrs(all);
	return found;
}

/* In this process's own new namespace nothing here touches the machine. */
static void links_addresses_and_routes_are_made(void **unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	assert_int_equal(rtnl_link_up("lo"), 0);
	assert_int_equal(rtnl_address_add("lo", "192.0.2.1/32"), 0);
	assert_true(has_address("lo", "192.0.2.1"));
	assert_int_equal(rtnl_address_add("lo", "192.0.2.1/32"), -EEXIST);
	assert_int_equal(rtnl_link_mtu("lo", 1420), 0);

	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		fail();
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)};
	inet_pton(AF_INET, "198.51.100.10", &far.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&far, sizeof far), -1);
	assert_int_equal(errno, ENETUNREACH);
	assert_int_equal(rtnl_route_default("lo", AF_INET), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&far, sizeof far), 0);
	close(fd);
}

static void a_link_moves_to_another_namespace(void **unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	int other = netns_new();
	assert_true(other >= 0);
	if (rtnl_link_add("vmove", "veth") < 0)
		skip();
	assert_int_equal(rtnl_link_add("vmove", "veth"), -EEXIST);
	assert_true(if_nametoindex("vmove") > 0);
	assert_int_equal(rtnl_link_move("vmove", other), 0);
	assert_int_equal(if_nametoindex("vmove"), 0);
	assert_int_equal(rtnl_link_delete("vmove"), -ENODEV);
	close(other);
}

static void an_unknown_kind_is_said(void **unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	assert_int_equal(rtnl_link_add("x0", "sekisho-none"), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefixes_are_parsed),
	    cmocka_unit_test(wrong_prefixes_are_refused),
	    cmocka_unit_test(wrong_names_are_refused),
	    cmocka_unit_test(links_addresses_and_routes_are_made),
	    cmocka_unit_test(a_link_moves_to_another_namespace),
	    cmocka_unit_test(an_unknown_kind_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

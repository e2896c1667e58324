#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>

#include "launcher/link_starter.h"
#include "launcher/link_view.h"
#include "tests/unit/unit.h"

struct rtnl_message {
	struct nlmsghdr header;
	char bytes[256];
};

static void add(struct rtnl_message *m, unsigned short type, const void *data, size_t size)
{
	struct rtattr *a = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->header.nlmsg_len));
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + (uint32_t)RTA_SPACE(size);
}

static void take_link(struct link_view *view, int index, const char *name, unsigned flags, unsigned short kind)
{
	struct rtnl_message m = {
	    .header = {.nlmsg_type = RTM_NEWLINK, .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg))}};
	*(struct ifinfomsg *)NLMSG_DATA(&m.header) =
	    (struct ifinfomsg){.ifi_index = index, .ifi_flags = flags, .ifi_type = kind};
	add(&m, IFLA_IFNAME, name, strlen(name) + 1);
	link_view_take(view, &m.header);
}

static void take_address(struct link_view *view, int index, const char *text, unsigned char scope, unsigned char flags)
{
	unsigned char raw[16], family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(family, text, raw), 1);
	struct rtnl_message m = {
	    .header = {.nlmsg_type = RTM_NEWADDR, .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg))}};
	*(struct ifaddrmsg *)NLMSG_DATA(&m.header) = (struct ifaddrmsg){
	    .ifa_family = family, .ifa_index = (unsigned)index, .ifa_scope = scope, .ifa_flags = flags};
	add(&m, family == AF_INET ? IFA_LOCAL : IFA_ADDRESS, raw, family == AF_INET ? 4 : 16);
	link_view_take(view, &m.header);
}

static void take_route(struct link_view *view, int index, unsigned char family, unsigned char prefix)
{
	struct rtnl_message m = {
	    .header = {.nlmsg_type = RTM_NEWROUTE, .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg))}};
	*(struct rtmsg *)NLMSG_DATA(&m.header) = (struct rtmsg){
	    .rtm_family = family, .rtm_dst_len = prefix, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
	add(&m, RTA_OIF, &index, sizeof index);
	link_view_take(view, &m.header);
}

static enum link_state state_of(const struct link_view *view)
{
	const struct link_interface *best;
	return link_view_state(view, &best);
}

static void test_from_nothing_to_a_way_out(void **state)
{
	(void)state;
	struct link_view view = {0};
	assert_int_equal(state_of(&view), LINK_NO_DEVICE);
	take_link(&view, 1, "lo", IFF_UP | IFF_LOWER_UP, ARPHRD_LOOPBACK);
	take_link(&view, 9, "wg0", IFF_UP | IFF_LOWER_UP, ARPHRD_NONE);
	assert_int_equal(state_of(&view), LINK_NO_DEVICE);
	take_link(&view, 2, "eth0", IFF_UP, ARPHRD_ETHER);
	assert_int_equal(state_of(&view), LINK_NO_CARRIER);
	take_link(&view, 3, "eth1", IFF_UP | IFF_LOWER_UP, ARPHRD_ETHER);
	assert_int_equal(state_of(&view), LINK_WAITING_ADDRESS);
	take_address(&view, 3, "192.168.77.100", RT_SCOPE_UNIVERSE, 0);
	assert_int_equal(state_of(&view), LINK_WAITING_ADDRESS);
	take_route(&view, 3, AF_INET, 24);
	take_route(&view, 2, AF_INET, 0); /* a way out by another interface */
	take_route(&view, 3, AF_INET6, 0);
	assert_int_equal(state_of(&view), LINK_WAITING_ADDRESS);
	take_route(&view, 3, AF_INET, 0);
	const struct link_interface *best;
	assert_int_equal(link_view_state(&view, &best), LINK_UP);
	assert_string_equal(best->name, "eth1");
	assert_string_equal(best->address, "192.168.77.100");
}

static void test_addresses_that_are_no_use(void **state)
{
	(void)state;
	struct link_view view = {0};
	take_link(&view, 3, "eth0", IFF_UP | IFF_LOWER_UP, ARPHRD_ETHER);
	take_route(&view, 3, AF_INET6, 0);
	take_address(&view, 3, "fe80::1", RT_SCOPE_LINK, 0);
	take_address(&view, 3, "2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE);
	take_address(&view, 3, "2001:db8::2", RT_SCOPE_UNIVERSE, IFA_F_DADFAILED);
	take_address(&view, 7, "2001:db8::3", RT_SCOPE_UNIVERSE, 0);
	assert_int_equal(state_of(&view), LINK_WAITING_ADDRESS);
	take_address(&view, 3, "2001:db8::4", RT_SCOPE_UNIVERSE, 0);
	assert_int_equal(state_of(&view), LINK_UP);
}

static void test_not_up_before_the_wall_has_it(void **state)
{
	(void)state;
	struct link_view view = {0};
	take_link(&view, 3, "eth0", IFF_LOWER_UP, ARPHRD_ETHER);
	assert_int_equal(state_of(&view), LINK_NO_CARRIER);
	assert_false(link_view_find(&view, "eth0")->up);
	assert_null(link_view_find(&view, "eth1"));
}

static void test_short_messages_change_nothing(void **state)
{
	(void)state;
	struct link_view view = {0};
	struct rtnl_message m = {.header = {.nlmsg_type = RTM_NEWLINK, .nlmsg_len = NLMSG_LENGTH(4)}};
	link_view_take(&view, &m.header);
	m.header.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	link_view_take(&view, &m.header);
	assert_int_equal(view.count, 0);
	for (int i = 0; i < LINK_INTERFACES_MAX + 5; i++)
		take_link(&view, i + 1, "eth", IFF_UP, ARPHRD_ETHER);
	assert_int_equal(view.count, LINK_INTERFACES_MAX);
}

static void test_names_on_a_command_line(void **state)
{
	(void)state;
	assert_true(starter_plain_name("enp0s31f6", 9));
	static const char *const bad[] = {"", "-x", ".", "a b", "a;b", "a/b", "sixteen-letters-x"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(starter_plain_name(bad[i], strlen(bad[i])));
	assert_false(starter_plain_name("eth0", 5)); /* a NUL inside */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_from_nothing_to_a_way_out),     cmocka_unit_test(test_addresses_that_are_no_use),
	    cmocka_unit_test(test_not_up_before_the_wall_has_it), cmocka_unit_test(test_short_messages_change_nothing),
	    cmocka_unit_test(test_names_on_a_command_line),
	};
	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}

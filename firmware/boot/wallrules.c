#include "firmware/boot/wallrules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"

/*
 * Discovery is told by hop limit: 255 cannot have crossed a router (RFC 4861), MLD has 1 (RFC 2710). What goes out with
 * 255 could cross all of them, so that it goes to this link's addresses only, but for the plain answer (24 bytes and
 * one option) to a router that asks under its global address. Of what belongs to the tunnel a later fragment has no
 * port any more: those are told by address (a home line with an MTU of 1454 fragments what the gateway sends), and
 * conntrack puts them together before the inet table looks at the port again. DHCP that the client sends and hears on
 * packet sockets is seen by the netdev table only. It goes out to everybody on the cable and to nobody by name: a
 * server of the network's choosing may be anywhere in the world, and port 67 there would be a way out for whatever
 * calls itself DHCP. A lease is then renewed when it is asked for of all (T2, RFC 2131 section 4.4.5), not before of
 * the server alone (T1).
 */
const char wall_base_script[] =
    "table inet underlay {\n"
    "	flags owner, persist\n"
    "	counter dropped_in { }\n"
    "	counter dropped_out { }\n"
    "	set gateways4 { type ipv4_addr . inet_service; }\n"
    "	set gateways6 { type ipv6_addr . inet_service; }\n"
    "	chain input {\n"
    "		type filter hook input priority filter; policy drop;\n"
    "		ct state established ip saddr . udp sport @gateways4 accept\n"
    "		ct state established ip6 saddr . udp sport @gateways6 accept\n"
    "		ct state related icmp type destination-unreachable accept\n"
    "		ct state related icmpv6 type { destination-unreachable, packet-too-big } accept\n"
    "		ip version 4 udp sport 67 udp dport 68 accept\n"
    "		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept\n"
    "		ip6 hoplimit 255 icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
    "		ip6 hoplimit 1 ip6 saddr fe80::/10 icmpv6 type mld-listener-query accept\n"
    "		counter name dropped_in drop\n"
    "	}\n"
    "	chain output {\n"
    "		type filter hook output priority filter; policy drop;\n"
    "		meta mark 0x5eca ip daddr . udp dport @gateways4 accept\n"
    "		meta mark 0x5eca ip6 daddr . udp dport @gateways6 accept\n"
    "		ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept\n"
    "		ip6 daddr { fe80::/10, ff02::1:2 } udp sport 546 udp dport 547 accept\n"
    "		ip6 daddr { fe80::/10, ff02::/16 } ip6 hoplimit 255 "
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
    "		ip6 length 32 ip6 hoplimit 255 icmpv6 type nd-neighbor-advert accept\n"
    "		ip6 hoplimit 1 icmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report } accept\n"
    "		counter name dropped_out drop\n"
    "	}\n"
    "	chain forward {\n"
    "		type filter hook forward priority filter; policy drop;\n"
    "	}\n"
    "}\n"
    "table netdev underlay {\n"
    "	flags owner, persist\n"
    "	counter dropped_in { }\n"
    "	counter dropped_out { }\n"
    "	set gateways4 { type ipv4_addr . inet_service; }\n"
    "	set gateways6 { type ipv6_addr . inet_service; }\n"
    "	set hosts4 { type ipv4_addr; }\n"
    "	set hosts6 { type ipv6_addr; }\n"
    "	chain ingress {\n"
    "		meta protocol { arp, 0x888e } accept\n"
    "		ip saddr . udp sport @gateways4 accept\n"
    "		ip6 saddr . udp sport @gateways6 accept\n"
    "		ip saddr @hosts4 ip frag-off & 0x1fff != 0 accept\n"
    "		ip6 saddr @hosts6 frag frag-off != 0 accept\n"
    "		icmp type destination-unreachable accept\n"
    "		icmpv6 type { destination-unreachable, packet-too-big } accept\n"
    "		ip frag-off & 0x1fff == 0 udp sport 67 udp dport 68 accept\n"
    "		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept\n"
    "		ip6 hoplimit 255 icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
    "		ip6 hoplimit 1 ip6 saddr fe80::/10 icmpv6 type mld-listener-query accept\n"
    "		counter name dropped_in drop\n"
    "	}\n"
    "	chain egress {\n"
    "		meta protocol { arp, 0x888e } accept\n"
    "		meta mark 0x5eca ip daddr . udp dport @gateways4 accept\n"
    "		meta mark 0x5eca ip6 daddr . udp dport @gateways6 accept\n"
    "		meta mark 0x5eca ip daddr @hosts4 ip frag-off & 0x1fff != 0 accept\n"
    "		meta mark 0x5eca ip6 daddr @hosts6 frag frag-off != 0 accept\n"
    "		ip daddr 255.255.255.255 ip frag-off & 0x3fff == 0 udp sport 68 udp dport 67 accept\n"
    "		ip6 daddr { fe80::/10, ff02::1:2 } udp sport 546 udp dport 547 accept\n"
    "		ip6 daddr { fe80::/10, ff02::/16 } ip6 hoplimit 255 "
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
    "		ip6 length 32 ip6 hoplimit 255 icmpv6 type nd-neighbor-advert accept\n"
    "		ip6 hoplimit 1 icmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report } accept\n"
    "		counter name dropped_out drop\n"
    "	}\n"
    "}\n";

static bool possible_address(const struct wall_gateway *gateway)
{
	const uint8_t *a = gateway->address;
	if (gateway->family == 4)
		return a[0] != 0 && a[0] != 127 && a[0] < 224;
	struct in6_addr in6;
	memcpy(&in6, a, sizeof in6);
	return !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) && !IN6_IS_ADDR_MULTICAST(&in6) &&
	       !IN6_IS_ADDR_V4MAPPED(&in6);
}

static bool read_gateway(struct reader *r, struct wall_gateway *gateway)
{
	size_t size;
	gateway->family = read_u8(r);
	const uint8_t *address = read_blob(r, &size);
	gateway->port = read_u16(r);
	if (r->failed || gateway->port == 0)
		return false;
	if (!((gateway->family == 4 && size == 4) || (gateway->family == 6 && size == 16)))
		return false;
	memcpy(gateway->address, address, size);
	return possible_address(gateway);
}

int wall_gateways_read(const void *payload, size_t size, struct wall_gateways *gateways)
{
	*gateways = (struct wall_gateways){0};
	struct reader r = reader_over(payload, size);
	size_t count = read_u8(&r);
	if (count > WALL_GATEWAYS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (!read_gateway(&r, &gateways->list[i]))
			return -EBADMSG;
	gateways->count = count;
	return reader_done(&r) ? 0 : -EBADMSG;
}

struct text {
	char *out;
	size_t size, capacity;
	bool failed;
};

static void PRINTF_LIKE(2, 3) put(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int used = vsnprintf(text->out + text->size, text->capacity - text->size, format, arguments);
	va_end(arguments);
	if (used < 0 || (size_t)used >= text->capacity - text->size)
		text->failed = true;
	else
		text->size += (size_t)used;
}

static bool plain_name(const char *interface)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t size = strlen(interface);
	return size > 0 && size < IFNAMSIZ && strspn(interface, plain) == size;
}

int wall_cover_script(const char *interface, char *out, size_t capacity)
{
	static const char *const hooks[] = {"ingress", "egress"};
	struct text text = {.out = out, .capacity = capacity};
	/* A name goes into the script as it is: whatever could end a word or a line there is refused. */
	if (!plain_name(interface))
		return -EINVAL;
	for (size_t i = 0; i < 2; i++) {
		const char *hook = hooks[i];
		put(&text,
		    "add chain netdev underlay %s_%s { type filter hook %s device \"%s\" priority filter; policy drop; "
		    "}\n"
		    "flush chain netdev underlay %s_%s\n"
		    "add rule netdev underlay %s_%s goto %s\n",
		    hook, interface, hook, interface, hook, interface, hook, interface, hook);
	}
	return text.failed ? -ENOSPC : 0;
}

/* Sets may not get the same element twice in one command: every element is a command of its own. */
static void put_gateway(struct text *text, const struct wall_gateway *gateway)
{
	char address[INET6_ADDRSTRLEN];
	int number = gateway->family;
	if (!inet_ntop(number == 4 ? AF_INET : AF_INET6, gateway->address, address, sizeof address)) {
		text->failed = true;
		return;
	}
	put(text,
	    "add element inet underlay gateways%d { %s . %u }\n"
	    "add element netdev underlay gateways%d { %s . %u }\n"
	    "add element netdev underlay hosts%d { %s }\n",
	    number, address, gateway->port, number, address, gateway->port, number, address);
}

int wall_gateways_script(const struct wall_gateways *gateways, char *out, size_t capacity)
{
	static const char *const sets[] = {"inet underlay gateways4",   "inet underlay gateways6",
					   "netdev underlay gateways4", "netdev underlay gateways6",
					   "netdev underlay hosts4",    "netdev underlay hosts6"};
	struct text text = {.out = out, .capacity = capacity};
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		put(&text, "flush set %s\n", sets[i]);
	for (size_t i = 0; i < gateways->count; i++)
		put_gateway(&text, &gateways->list[i]);
	return text.failed ? -ENOSPC : 0;
}

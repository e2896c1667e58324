/* What WireGuard says of its peers: the kernel's dump, byte by byte, and what of it is news. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/peers_seen.h"
#include "vpn/gateway/wgdump.h"

enum { FAMILY = 33, MANY = 5000 };

static struct {
	uint8_t data[4096];
	size_t size;
} datagram;

static size_t begin_message(uint16_t type, uint16_t flags)
{
	const struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = flags | NLM_F_MULTI};
	size_t at = datagram.size;
	memcpy(datagram.data + at, &head, sizeof head);
	datagram.size += sizeof head;
	return at;
}

static void end_message(size_t at)
{
	uint32_t length = (uint32_t)(datagram.size - at);
	memcpy(datagram.data + at, &length, sizeof length);
}

static size_t begin(uint16_t type)
{
	const struct nlattr head = {.nla_type = type};
	size_t at = datagram.size;
	memcpy(datagram.data + at, &head, sizeof head);
	datagram.size += sizeof head;
	return at;
}

static void end(size_t at)
{
	uint16_t length = (uint16_t)(datagram.size - at);
	memcpy(datagram.data + at, &length, sizeof length);
	datagram.size = (datagram.size + 3) & ~(size_t)3;
}

static void put(uint16_t type, const void *data, size_t size)
{
	size_t at = begin(type);
	memcpy(datagram.data + datagram.size, data, size);
	datagram.size += size;
	end(at);
}

static void put_peer(uint8_t number, bool whole)
{
	uint8_t key[WG_KEY_BYTES] = {number};
	const struct sockaddr_in v4 = {
	    .sin_family = AF_INET, .sin_port = htons(51820), .sin_addr.s_addr = htonl(0xc6336407)};
	const int64_t handshake[2] = {1764000000 + number, 5};
	const uint64_t received = 1000u + number, sent = 2000u + number;
	size_t peer = begin(0);
	put(WGPEER_A_PUBLIC_KEY, key, sizeof key);
	if (whole) {
		put(WGPEER_A_LAST_HANDSHAKE_TIME, handshake, sizeof handshake);
		put(WGPEER_A_RX_BYTES, &received, sizeof received);
		put(WGPEER_A_TX_BYTES, &sent, sizeof sent);
		put(WGPEER_A_ENDPOINT, &v4, sizeof v4);
	}
	end(peer);
}

static void put_device(uint8_t first, uint8_t count, bool whole, uint16_t flags)
{
	const struct genlmsghdr genl = {.cmd = WG_CMD_GET_DEVICE, .version = 1};
	size_t message = begin_message(FAMILY, flags);
	memcpy(datagram.data + datagram.size, &genl, sizeof genl);
	datagram.size += sizeof genl;
	put(WGDEVICE_A_IFNAME, "wg0", 4);
	size_t peers = begin(WGDEVICE_A_PEERS);
	for (uint8_t i = 0; i < count; i++)
		put_peer((uint8_t)(first + i), whole);
	end(peers);
	end_message(message);
}

static void put_end(uint16_t type, int error)
{
	size_t message = begin_message(type, 0);
	memcpy(datagram.data + datagram.size, &error, sizeof error);
	datagram.size += sizeof error;
	end_message(message);
}

static size_t taken;
static struct backend_status last;

static void take(const struct backend_status *status, void *context)
{
	(void)context;
	taken++;
	last = *status;
}

static int read_datagram(bool *changed)
{
	*changed = false;
	taken = 0;
	return wgdump_take(datagram.data, datagram.size, take, NULL, changed);
}

static void a_dump(void **state)
{
	(void)state;
	bool changed;
	char endpoint[ENDPOINT_SIZE];
	datagram.size = 0;
	put_device(1, 3, true, 0);
	assert_int_equal(read_datagram(&changed), 1);
	assert_int_equal(taken, 3);
	assert_false(changed);
	assert_int_equal(last.key[0], 3);
	assert_int_equal(last.handshake, 1764000003);
	assert_int_equal(last.received_bytes, 1003);
	assert_int_equal(last.sent_bytes, 2003);
	backend_status_endpoint(&last, endpoint);
	assert_string_equal(endpoint, "198.51.100.7:51820");
	/* the rest of one whose addresses did not fit is no peer more */
	datagram.size = 0;
	put_device(3, 1, false, 0);
	put_device(4, 1, true, NLM_F_DUMP_INTR);
	put_end(NLMSG_DONE, 0);
	assert_int_equal(read_datagram(&changed), 0);
	assert_int_equal(taken, 1);
	assert_true(changed);
	datagram.size = 0;
	put_end(NLMSG_ERROR, -ENODEV);
	assert_int_equal(read_datagram(&changed), -ENODEV);
	datagram.size = 0;
	put_end(NLMSG_DONE, 7);
	assert_int_equal(read_datagram(&changed), -EBADMSG);
}

/* Cut anywhere, nothing behind its end is read (ASan looks), and what is not whole is no peer. */
static void cut(void **state)
{
	(void)state;
	bool changed = false;
	datagram.size = 0;
	put_device(1, 2, true, 0);
	for (size_t size = 0; size < datagram.size; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		assert_non_null(copy);
		memcpy(copy, datagram.data, size);
		taken = 0;
		assert_int_equal(wgdump_take(copy, size, take, NULL, &changed),
				 size < sizeof(struct nlmsghdr) ? 1 : -EBADMSG);
		assert_int_equal(taken, 0);
		free(copy);
	}
}

static struct backend_status status_of(uint32_t number)
{
	struct backend_status status = {.handshake = 1764000000, .received_bytes = number};
	memcpy(status.key, &number, sizeof number);
	return status;
}

static void what_is_news(void **state)
{
	(void)state;
	struct peers_seen *seen = peers_seen_new();
	assert_non_null(seen);
	for (int round = 0; round < 4; round++)
		for (uint32_t i = 0; i < MANY; i++) {
			struct backend_status status = status_of(i);
			assert_int_equal(peers_seen_tell(seen, &status), round < 2); /* and once more */
		}
	struct backend_status one = status_of(7);
	one.address.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 1};
	assert_true(peers_seen_tell(seen, &one));
	assert_true(peers_seen_tell(seen, &one));
	assert_false(peers_seen_tell(seen, &one));
	one.sent_bytes++;
	assert_true(peers_seen_tell(seen, &one));
	peers_seen_clear(seen);
	one = status_of(8);
	assert_true(peers_seen_tell(seen, &one));
	peers_seen_free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_dump), cmocka_unit_test(cut),
					   cmocka_unit_test(what_is_news)};
	return cmocka_run_group_tests_name("gateway_peers", tests, NULL, NULL);
}

#include "vpn/gateway/wgdump.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 64 << 10, /* the kernel fills 32 kB of it */
	REQUEST_BYTES = 256,
	TRIES = 5,
};

struct wgdump {
	int fd;
	uint16_t family; /* generic netlink's number for WireGuard, 0 not known yet */
	uint32_t sequence;
	uint8_t buffer[BUFFER_BYTES] __attribute__((aligned(8)));
};

/* --- reading --- */

struct attribute {
	unsigned type;
	const uint8_t *data;
	size_t size;
};

/* The next attribute in [*at, end), and *at behind it; false: there is no whole one. */
static bool next_attribute(const uint8_t **at, const uint8_t *end, struct attribute *attribute)
{
	struct nlattr head;
	size_t left = (size_t)(end - *at);
	if (left < sizeof head)
		return false;
	memcpy(&head, *at, sizeof head);
	if (head.nla_len < sizeof head || head.nla_len > left)
		return false;
	*attribute =
	    (struct attribute){head.nla_type & NLA_TYPE_MASK, *at + sizeof head, (size_t)head.nla_len - sizeof head};
	size_t step = NLA_ALIGN(head.nla_len);
	*at += step < left ? step : left;
	return true;
}

static uint64_t read_u64_attribute(const struct attribute *a)
{
	uint64_t value = 0;
	if (a->size >= sizeof value)
		memcpy(&value, a->data, sizeof value);
	return value;
}

static void take_endpoint(const struct attribute *a, struct backend_status *status)
{
	sa_family_t family = AF_UNSPEC;
	if (a->size >= sizeof family)
		memcpy(&family, a->data, sizeof family);
	size_t wanted = family == AF_INET    ? sizeof status->address.v4
			: family == AF_INET6 ? sizeof status->address.v6
					     : 0;
	if (wanted > 0 && a->size >= wanted)
		memcpy(&status->address, a->data, wanted);
}

/* A peer whose addresses did not fit comes again in the next datagram, with its key and the rest of them alone. */
static void take_peer(const struct attribute *peer, backend_status_fn *fn, void *context)
{
	struct backend_status status = {0};
	struct attribute a;
	bool key = false, whole = false;
	for (const uint8_t *at = peer->data, *end = at + peer->size; next_attribute(&at, end, &a);) {
		switch (a.type) {
		case WGPEER_A_PUBLIC_KEY:
			key = a.size == sizeof status.key;
			if (key)
				memcpy(status.key, a.data, sizeof status.key);
			break;
		case WGPEER_A_ENDPOINT:
			take_endpoint(&a, &status);
			break;
		case WGPEER_A_LAST_HANDSHAKE_TIME:
			whole = true;
			status.handshake =
			    (int64_t)read_u64_attribute(&a); /* struct __kernel_timespec: seconds first */
			break;
		case WGPEER_A_RX_BYTES:
			status.received_bytes = read_u64_attribute(&a);
			break;
		case WGPEER_A_TX_BYTES:
			status.sent_bytes = read_u64_attribute(&a);
			break;
		default:
			break;
		}
	}
	if (key && whole)
		fn(&status, context);
}

static void take_device(const uint8_t *at, const uint8_t *end, backend_status_fn *fn, void *context)
{
	struct attribute a, peer;
	while (next_attribute(&at, end, &a)) {
		if (a.type != WGDEVICE_A_PEERS)
			continue;
		for (const uint8_t *inside = a.data, *last = inside + a.size; next_attribute(&inside, last, &peer);)
			take_peer(&peer, fn, context);
	}
}

static int error_in(const uint8_t *data, size_t size)
{
	int error = 0;
	if (size < sizeof error)
		return -EBADMSG;
	memcpy(&error, data, sizeof error);
	return error > 0 || error < -4095 ? -EBADMSG : error;
}

int wgdump_take(const void *datagram, size_t size, backend_status_fn *fn, void *context, bool *changed)
{
	const uint8_t *at = datagram;
	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr head;
		memcpy(&head, at, sizeof head);
		if (head.nlmsg_len < sizeof head || head.nlmsg_len > size)
			return -EBADMSG;
		const uint8_t *data = at + sizeof head;
		size_t length = head.nlmsg_len - sizeof head;
		*changed |= (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (head.nlmsg_type == NLMSG_ERROR || head.nlmsg_type == NLMSG_DONE)
			return error_in(data, length);
		if (head.nlmsg_type >= NLMSG_MIN_TYPE && length >= GENL_HDRLEN)
			take_device(data + GENL_HDRLEN, data + length, fn, context);
		size_t step = NLMSG_ALIGN(head.nlmsg_len);
		at += step < size ? step : size;
		size -= step < size ? step : size;
	}
	return 1;
}

/* --- asking --- */

static int send_request(struct wgdump *dump, uint16_t type, uint16_t flags, uint8_t command, uint16_t attribute,
			const char *text)
{
	uint8_t request[REQUEST_BYTES] = {0};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const size_t length = strlen(text) + 1, at = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct nlattr name = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = attribute};
	if (at + NLA_HDRLEN + NLA_ALIGN(length) > sizeof request)
		return -ENAMETOOLONG;
	const struct nlmsghdr head = {.nlmsg_len = (uint32_t)(at + NLA_HDRLEN + NLA_ALIGN(length)),
				      .nlmsg_type = type,
				      .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				      .nlmsg_seq = ++dump->sequence};
	const struct genlmsghdr genl = {.cmd = command, .version = 1};
	memcpy(request, &head, sizeof head);
	memcpy(request + NLMSG_HDRLEN, &genl, sizeof genl);
	memcpy(request + at, &name, sizeof name);
	memcpy(request + at + NLA_HDRLEN, text, length);
	ssize_t sent = sendto(dump->fd, request, head.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel);
	return sent < 0 ? -errno : 0;
}

/* What another process sends to this socket is not the kernel's. */
static ssize_t receive(struct wgdump *dump)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t size = sizeof from;
		ssize_t got = recvfrom(dump->fd, dump->buffer, sizeof dump->buffer, 0, (struct sockaddr *)&from, &size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (from.nl_pid == 0)
			return got;
	}
}

static uint16_t family_in(const uint8_t *at, const uint8_t *end)
{
	struct attribute a;
	uint16_t family = 0;
	while (next_attribute(&at, end, &a))
		if (a.type == CTRL_ATTR_FAMILY_ID && a.size >= sizeof family)
			memcpy(&family, a.data, sizeof family);
	return family;
}

static int find_family(struct wgdump *dump)
{
	int error = send_request(dump, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	ssize_t got = error ? error : receive(dump);
	struct nlmsghdr head;
	if (got < 0)
		return (int)got;
	if ((size_t)got < sizeof head)
		return -EBADMSG;
	memcpy(&head, dump->buffer, sizeof head);
	if (head.nlmsg_type == NLMSG_ERROR)
		return -EOPNOTSUPP;
	if (head.nlmsg_len > (size_t)got || head.nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return -EBADMSG;
	dump->family = family_in(dump->buffer + NLMSG_HDRLEN + GENL_HDRLEN, dump->buffer + head.nlmsg_len);
	return dump->family >= NLMSG_MIN_TYPE ? 0 : -EOPNOTSUPP;
}

/* To the end in any case: what is left in the socket would be taken for the next one's. */
static int read_once(struct wgdump *dump, const char *interface, backend_status_fn *fn, void *context)
{
	bool changed = false;
	int more = send_request(dump, dump->family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WGDEVICE_A_IFNAME, interface);
	if (more)
		return more;
	do {
		ssize_t got = receive(dump);
		if (got < 0)
			return (int)got;
		more = wgdump_take(dump->buffer, (size_t)got, fn, context, &changed);
	} while (more == 1);
	return !more && changed ? -EINTR : more;
}

struct wgdump *wgdump_new(void)
{
	struct wgdump *dump = calloc(1, sizeof *dump);
	if (dump)
		dump->fd = -1;
	return dump;
}

void wgdump_free(struct wgdump *dump)
{
	if (dump && dump->fd >= 0)
		close(dump->fd);
	free(dump);
}

/* One that did not end well may have left something behind: the next one begins with a socket of its own. */
static void forget_socket(struct wgdump *dump)
{
	if (dump->fd >= 0)
		close(dump->fd);
	dump->fd = -1;
}

int wgdump_each(struct wgdump *dump, const char *interface, backend_status_fn *fn, void *context)
{
	int error = 0;
	if (dump->fd < 0)
		dump->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (dump->fd < 0)
		return -errno;
	if (!dump->family)
		error = find_family(dump);
	for (int i = 0; !error; i++) {
		error = i < TRIES ? read_once(dump, interface, fn, context) : -EAGAIN;
		if (!error)
			return 0;
		if (error == -EINTR)
			error = 0;
	}
	forget_socket(dump);
	return error;
}

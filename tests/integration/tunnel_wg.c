/*
 * vpn/device/wg.h over user-space WireGuard's socket, for machines whose kernel has no WireGuard: the same tunnel
 * process, linked with this in wg.c's place. The protocol is wireguard.com/xplatform; one connection for all, at
 * descriptor 4.
 */
#include "vpn/device/wg.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vpn/device/peers.h"

/* The test opens the connection: the socket belongs to the one who started wireguard-go. */
enum { control = 4 };

int wg_open(const char *link)
{
	(void)link;
	return 0;
}

/* The answer ends with an empty line; its last line but that is errno=N. */
static int ask(const char *request, char *answer, size_t capacity)
{
	size_t size = 0;
	if (write(control, request, strlen(request)) < 0)
		return -errno;
	while (size < 2 || memcmp(answer + size - 2, "\n\n", 2) != 0) {
		ssize_t got = read(control, answer + size, capacity - size - 1);
		if (got <= 0)
			return -EPIPE;
		size += (size_t)got;
	}
	answer[size] = '\0';
	return strstr(answer, "errno=0\n") ? 0 : -EINVAL;
}

static void print_hex(FILE *out, const uint8_t key[WG_KEY_BYTES])
{
	for (int i = 0; i < WG_KEY_BYTES; i++)
		fprintf(out, "%02x", key[i]);
	fputc('\n', out);
}

static int finish(FILE *out, char *text)
{
	char answer[512];
	fputc('\n', out);
	fclose(out);
	return ask(text, answer, sizeof answer);
}

int wg_set_key(const char *link, const uint8_t private_key[WG_KEY_BYTES], uint32_t mark)
{
	(void)link;
	char text[512] = {0};
	FILE *out = fmemopen(text, sizeof text, "w");
	fprintf(out, "set=1\nfwmark=%" PRIu32 "\nreplace_peers=true\nprivate_key=", mark);
	print_hex(out, private_key);
	return finish(out, text);
}

int wg_set_peer(const char *link, const uint8_t public_key[WG_KEY_BYTES], const struct sockaddr *endpoint,
		uint16_t keepalive_s)
{
	(void)link;
	char text[512] = {0}, address[ENDPOINT_TEXT_BYTES];
	union endpoint e = {0};
	memcpy(&e, endpoint, endpoint->sa_family == AF_INET6 ? sizeof e.ip6 : sizeof e.ip4);
	endpoint_format(&e, address);
	FILE *out = fmemopen(text, sizeof text, "w");
	fprintf(out, "set=1\nreplace_peers=true\npublic_key=");
	print_hex(out, public_key);
	fprintf(out, "endpoint=%s\npersistent_keepalive_interval=%u\nallowed_ip=0.0.0.0/0\n", address, keepalive_s);
	return finish(out, text);
}

static uint64_t number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

int wg_get_status(const char *link, struct wg_status *status)
{
	(void)link;
	char answer[4096];
	int error = ask("get=1\n\n", answer, sizeof answer);
	if (error)
		return error;
	uint64_t s = number_after(answer, "last_handshake_time_sec="),
		 ns = number_after(answer, "last_handshake_time_nsec=");
	*status = (struct wg_status){.handshake_ns = (int64_t)(s * 1000000000 + ns),
				     .received_bytes = number_after(answer, "rx_bytes="),
				     .sent_bytes = number_after(answer, "tx_bytes=")};
	return strstr(answer, "public_key=") ? 0 : -ENOENT;
}

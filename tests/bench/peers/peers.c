/*
 * peers - a real WireGuard interface with a gateway's peers, by the gateway's own code, for `make bench-peers`:
 *
 *   peers INTERFACE COUNT
 *
 * Sets COUNT peers 512 at a time as the store sends them, reads them, changes some, and reads again. One line of JSON;
 * exit 1 if a peer is missing, is there that should not be, or was touched by a change to others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "firmware/lib/log.h"
#include "vpn/device/rtnl.h"
#include "vpn/gateway/backend.h"
#include "vpn/gateway/peers_seen.h"

enum { A_MESSAGE = 512, READINGS = 7, CHANGED = 64, KEY_NUMBER_AT = 8 };

static size_t told, read_count;
static unsigned char *met; /* how often each peer was read */
static size_t count;
static struct peers_seen *seen;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The number in its middle; the rest is spread, as keys are. */
static struct backend_peer peer_of(size_t number, bool remove)
{
	struct backend_peer peer = {.address.s_addr = htonl(0x0a600000 + (uint32_t)number), .remove = remove};
	uint64_t spread = (number + 1) * 0x9e3779b97f4a7c15u;
	uint32_t index = (uint32_t)number;
	memcpy(peer.key, &spread, sizeof spread);
	memcpy(peer.key + KEY_NUMBER_AT, &index, sizeof index);
	return peer;
}

static void set(struct backend *backend, size_t from, size_t many, bool remove)
{
	struct backend_peer peers[A_MESSAGE];
	for (size_t at = 0; at < many;) {
		size_t batch = 0;
		for (; batch < A_MESSAGE && at < many; at++)
			peers[batch++] = peer_of(from + at, remove);
		int error = backend_set_peers(backend, peers, batch);
		if (error)
			fatal("peers are not taken: %s", strerror(-error));
	}
}

static void take(const struct backend_status *status, void *context)
{
	(void)context;
	uint32_t number;
	memcpy(&number, status->key + KEY_NUMBER_AT, sizeof number);
	read_count++;
	if (number < count && met[number] < 255)
		met[number]++;
	told += peers_seen_tell(seen, status);
}

static double read_all(struct backend *backend)
{
	memset(met, 0, count);
	told = read_count = 0;
	double began = now_s();
	int error = backend_each(backend, take, NULL);
	double took = now_s() - began;
	if (error)
		fatal("the peers cannot be read: %s", strerror(-error));
	return took;
}

static int by_size(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
	uint8_t key[WG_KEY_BYTES];
	double took[READINGS], first;
	size_t missing = 0, added;
	log_open("peers");
	count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (count < CHANGED)
		fatal("usage: peers INTERFACE COUNT");
	struct backend *backend = backend_kernel(argv[1]);
	seen = peers_seen_new();
	met = calloc(count, 1);
	if (!backend || !seen || !met || getrandom(key, sizeof key, 0) != sizeof key)
		fatal("out of memory");
	int error = rtnl_link_add(argv[1], "wireguard");
	if (!error)
		error = backend_set_device(backend, key, 51820);
	if (!error)
		error = rtnl_link_up(argv[1]);
	if (error)
		fatal("%s: %s", argv[1], strerror(-error));
	double began = now_s();
	set(backend, 0, count, false);
	double set_s = now_s() - began;
	first = read_all(backend); /* all of them are new */
	for (int i = 0; i < READINGS; i++)
		took[i] = read_all(backend);
	added = told;
	qsort(took, READINGS, sizeof took[0], by_size);
	began = now_s();
	set(backend, count / 2, CHANGED, true);
	double change_s = now_s() - began;
	read_all(backend);
	for (size_t i = 0; i < count; i++)
		missing += met[i] != (i >= count / 2 && i < count / 2 + CHANGED ? 0 : 1);
	bool good = missing == 0 && read_count == count - CHANGED && added == 0;
	printf("{\"peers\":%zu,\"set_s\":%.3f,\"first_read_s\":%.3f,\"read_s\":%.3f,\"read_max_s\":%.3f,\"change_%d_"
	       "s\":%.4f,"
	       "\"told_again\":%zu,\"wrong\":%zu}\n",
	       count, set_s, first, took[READINGS / 2], took[READINGS - 1], CHANGED, change_s, added, missing);
	backend_free(backend);
	peers_seen_free(seen);
	free(met);
	return good ? 0 : 1;
}

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <wireguard.h>

#include "firmware/lib/buf.h"
#include "vpn/gateway/backend.h"
#include "vpn/gateway/wgdump.h"

struct kernel {
	struct backend backend;
	char interface[IFNAMSIZ];
	struct wgdump *dump;
};

static int set(const struct kernel *kernel, wg_device *device)
{
	snprintf(device->name, sizeof device->name, "%s", kernel->interface);
	return wg_set_device(device) < 0 ? -errno : 0;
}

static int kernel_set_device(struct backend *backend, const uint8_t private_key[WG_KEY_BYTES], uint16_t port)
{
	/* The library counts its bits in an enum. */
	// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
	wg_device device = {.flags = WGDEVICE_HAS_PRIVATE_KEY | WGDEVICE_HAS_LISTEN_PORT, .listen_port = port};
	memcpy(device.private_key, private_key, WG_KEY_BYTES);
	int error = set((struct kernel *)backend, &device);
	wipe(&device, sizeof device);
	return error;
}

static int kernel_set_peers(struct backend *backend, const struct backend_peer *peers, size_t count)
{
	wg_peer *list = calloc(count, sizeof *list);
	wg_allowedip *addresses = calloc(count, sizeof *addresses);
	int error = -ENOMEM;
	if (!list || !addresses)
		goto out;
	for (size_t i = 0; i < count; i++) {
		addresses[i] = (wg_allowedip){.family = AF_INET, .ip4 = peers[i].address, .cidr = 32};
		list[i].flags = WGPEER_HAS_PUBLIC_KEY;
		list[i].flags |= peers[i].remove ? WGPEER_REMOVE_ME : WGPEER_REPLACE_ALLOWEDIPS;
		memcpy(list[i].public_key, peers[i].key, WG_KEY_BYTES);
		if (!peers[i].remove)
			list[i].first_allowedip = list[i].last_allowedip = &addresses[i];
		list[i].next_peer = i + 1 < count ? &list[i + 1] : NULL;
	}
	wg_device device = {.first_peer = &list[0], .last_peer = &list[count - 1]};
	error = set((struct kernel *)backend, &device);
out:
	free(list);
	free(addresses);
	return error;
}

static int kernel_each(struct backend *backend, backend_status_fn *fn, void *context)
{
	struct kernel *kernel = (struct kernel *)backend;
	return wgdump_each(kernel->dump, kernel->interface, fn, context);
}

static void kernel_free(struct backend *backend)
{
	wgdump_free(((struct kernel *)backend)->dump);
	free(backend);
}

struct backend *backend_kernel(const char *interface)
{
	static const struct backend_ops ops = {kernel_set_device, kernel_set_peers, kernel_each, kernel_free};
	struct kernel *kernel = calloc(1, sizeof *kernel);
	if (!kernel)
		return NULL;
	kernel->dump = wgdump_new();
	if (!kernel->dump) {
		free(kernel);
		return NULL;
	}
	kernel->backend.ops = &ops;
	snprintf(kernel->interface, sizeof kernel->interface, "%s", interface);
	return &kernel->backend;
}

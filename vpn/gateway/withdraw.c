/* gatewayd --withdraw: what stays in the kernel when the gateway stops, so that a restart disturbs nobody, goes. */
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wireguard.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/egress.h"

static int forwarding_off(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	int error = fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

static int table_run(const char *verb)
{
	char command[64];
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int error = nft && !nft_ctx_buffer_output(nft) && !nft_ctx_buffer_error(nft) ? 0 : -ENOMEM;
	snprintf(command, sizeof command, "%s table %s", verb, EGRESS_TABLE);
	if (!error && nft_run_cmd_from_buffer(nft, command))
		error = -ENOENT;
	if (nft)
		nft_ctx_free(nft);
	return error;
}

static int interface_delete(const struct config *config)
{
	if (strcmp(config->wireguard, "kernel") != 0)
		return 0; /* it is not ours */
	int error = wg_del_device(config->interface);
	return error == -ENODEV ? 0 : error;
}

int withdraw_main(const char *config_path)
{
	struct config config;
	log_open("gatewayd");
	if (table_run("list"))
		return 0; /* since this machine started it was no gateway: its forwarding is not ours to end */
	/* The filter goes after the forwarding that it kept within bounds. */
	int forwarding = forwarding_off(), table = forwarding ? -EBUSY : table_run("delete");
	if (forwarding)
		log_error("forwarding stays on, and with it the packet filter: /proc/sys/net/ipv4/ip_forward: %s",
			  strerror(-forwarding));
	else if (table)
		log_error("the packet filter stays: nft delete table %s", EGRESS_TABLE);
	close(config_or_fatal(config_path, &config));
	int interface = interface_delete(&config);
	if (interface)
		log_error("the interface %s stays: %s", config.interface, strerror(-interface));
	config_free(&config);
	return forwarding || table || interface ? 1 : 0;
}

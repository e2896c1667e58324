/*
 * wallrules - the underlay's packet rules, as text for libnftables. Pure: builds scripts, applies nothing.
 *
 * Two tables, both named "underlay" and both owned by the process that made them (`flags owner, persist`): another
 * process cannot change them, and they stay if the owner dies. The inet table filters what the IP stack sends and
 * receives; the netdev table filters every frame of every covered interface, also those of packet sockets, which pass
 * the inet hooks by. What neither lists is dropped and counted.
 */
#ifndef FIRMWARE_BOOT_WALLRULES_H
#define FIRMWARE_BOOT_WALLRULES_H

#include <stddef.h>
#include <stdint.h>

#include "firmware/boot/messages.h"

struct wall_gateway {
	uint8_t family; /* 4 or 6 */
	uint8_t address[16];
	uint16_t port;
};

struct wall_gateways {
	struct wall_gateway list[WALL_GATEWAYS_MAX];
	size_t count;
};

/* Payload of MSG_WALL_GATEWAYS. 0, or -EBADMSG: cut short, left over, too many, a family that is not 4 or 6, port 0,
 * or an address no gateway can have (unspecified, loopback, multicast). */
int wall_gateways_read(const void *payload, size_t size, struct wall_gateways *gateways);

/* Both tables with everything that needs no gateway: DHCP, ARP, EAPOL, discovery. One transaction. */
extern const char wall_base_script[];

/* Room that is always enough for the two scripts below. */
#define WALL_SCRIPT_MAX_BYTES 24576

/* Put `interface` under the netdev table; may be repeated. 0, or -EINVAL for a name with other than A-Z a-z 0-9 _ . -
 */
int wall_cover_script(const char *interface, char *out, size_t capacity);

/* Replace the gateways' addresses in both tables; one transaction. 0 or -ENOSPC. */
int wall_gateways_script(const struct wall_gateways *gateways, char *out, size_t capacity);

#endif

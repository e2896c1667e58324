/*
 * link_starter - the half of `link` that keeps its capabilities: it starts and ends dhcpcd, one for each interface,
 * and does nothing else. It parses nothing from outside; the other half, which does, has none.
 *
 * They speak over a pair of msg.h: STARTER_START and STARTER_STOP with the interface's name as payload, answered by
 * STARTER_ENDED when that dhcpcd is gone. When the other half is gone the starter ends what it started, and itself.
 */
#ifndef LAUNCHER_LINK_STARTER_H
#define LAUNCHER_LINK_STARTER_H

#include <stdbool.h>

enum { STARTER_START = 1, STARTER_STOP = 2, STARTER_ENDED = 3 };

/* Where dhcpcd's hook sends what happened, an abstract Unix datagram address of the underlay's namespace. */
#define LINK_HOOK_ADDRESS "sekisho-dhcp"

/* Is this a name that may stand on a command line? */
bool starter_plain_name(const char *name, unsigned long size);

/* Runs until `channel` closes; the exit status of its process. */
int starter_run(int channel);

#endif

/*
 * wallwatch - does anybody else change the underlay's packet filter? The wall's own tables cannot be changed by others
 * (flags owner), but a second table can be put behind them that turns a packet they let pass into another one. The
 * kernel tells every change (nf_tables notifications, NFNLGRP_NFTABLES); one of a table that is not ours is the end.
 */
#ifndef FIRMWARE_BOOT_WALLWATCH_H
#define FIRMWARE_BOOT_WALLWATCH_H

#include <stdbool.h>
#include <stddef.h>

/* A non-blocking socket that hears this namespace's changes from now on. A descriptor, or -errno. */
int wallwatch_open(void);

/* Read what there is. 0: all of it was about our own tables. -EPERM: somebody else's, or what cannot be read; -errno:
 * changes may have been missed. Both are for the caller to end on. */
int wallwatch_read(int fd);

/* Are these notifications, as read from the socket, of our own tables only? */
bool wallwatch_ours(const void *data, size_t size);

#endif

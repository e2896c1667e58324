/*
 * account - the names of this machine's accounts, read once: the store may open no file of the system's when it is
 * asked who is at the other end of the control socket.
 */
#ifndef VPN_GATEWAY_ACCOUNT_H
#define VPN_GATEWAY_ACCOUNT_H

#include <sys/types.h>

#include "vpn/gateway/names.h"

/* Before the sandbox. What cannot be read has no name. */
void accounts_read(void);

/* "aoki"; "uid-1004" for one that was made after accounts_read(), or whose name is none. */
void account_name(uid_t uid, char name[OPERATOR_SIZE]);

/* The account at the other end of a connected local socket, by the kernel's word (SO_PEERCRED). 0 or -errno. */
int account_of_peer(int fd, char name[OPERATOR_SIZE]);

#endif

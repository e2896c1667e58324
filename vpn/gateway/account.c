#include "vpn/gateway/account.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { ACCOUNTS_MAX = 256 };

static struct {
	uid_t uid;
	char name[OPERATOR_SIZE];
} accounts[ACCOUNTS_MAX];
static size_t account_count;

void accounts_read(void)
{
	const struct passwd *entry;
	account_count = 0;
	setpwent();
	while (account_count < ACCOUNTS_MAX && (entry = getpwent())) {
		if (!name_is_id(entry->pw_name))
			continue;
		accounts[account_count].uid = entry->pw_uid;
		snprintf(accounts[account_count++].name, OPERATOR_SIZE, "%s", entry->pw_name);
	}
	endpwent();
}

/* The first of several names of one uid, as everywhere. */
void account_name(uid_t uid, char name[OPERATOR_SIZE])
{
	for (size_t i = 0; i < account_count; i++) {
		if (accounts[i].uid != uid)
			continue;
		memcpy(name, accounts[i].name, OPERATOR_SIZE);
		return;
	}
	snprintf(name, OPERATOR_SIZE, "uid-%u", (unsigned)uid);
}

int account_of_peer(int fd, char name[OPERATOR_SIZE])
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	account_name(peer.uid, name);
	return 0;
}

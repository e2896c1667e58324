/*
 * standin - takes the place of a program that is not ours, where only what the spawner makes of it matters: says that
 * it is ready as the real one would, and waits for the end. It is called as what it stands for:
 *
 *   systemd-udevd    says READY=1 to NOTIFY_SOCKET
 *   seatd -n FD ...  writes a byte to FD
 *   cage ...         becomes the real compositor, which draws to nowhere: /sekisho/cage; where that is not there,
 *                    what the compositor would start
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/log.h"

static void say_ready_as_udevd(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	if (!path || strlen(path) >= sizeof address.sun_path)
		fatal("no NOTIFY_SOCKET");
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, sizeof address) < 0)
		fatal("nobody hears at %s: %s", path, strerror(errno));
	close(fd);
}

static void become_cage(char **argv)
{
	setenv("WLR_BACKENDS", "headless", 1);
	unsetenv("LIBSEAT_BACKEND");
	execv("/sekisho/cage", argv);
	if (errno != ENOENT)
		fatal("/sekisho/cage: %s", strerror(errno));
	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (*argv)
		execv(argv[1], argv + 1);
	fatal("nothing to start: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	log_open(name);
	if (strcmp(name, "systemd-udevd") == 0)
		say_ready_as_udevd();
	else if (strcmp(name, "seatd") == 0 && argc > 2 && write((int)strtol(argv[2], NULL, 10), "\n", 1) != 1)
		fatal("nobody hears");
	else if (strcmp(name, "cage") == 0)
		become_cage(argv);
	for (;;)
		pause();
}

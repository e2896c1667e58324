/*
 * child LAUNCHER NAME [FILE] - start one child of the launcher by itself, in a network namespace of its own.
 *
 * Prints its pid once it has said MSG_READY, which every child says when its sandbox is entered and its loop runs, and
 * ends it on SIGTERM. FILE is given to it as descriptor 4 (the record's block device).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "launcher/messages.h"

enum { START_TIMEOUT_MS = 10000, NOBODY = 65534, NET_ADMIN = 12 };

int main(int argc, char **argv)
{
	log_open("child");
	if (argc < 3)
		fatal("usage: child LAUNCHER NAME [FILE]");
	const char *arguments[] = {argv[1], "--as", argv[2], NULL};
	struct child_spec spec = {.argv = arguments, .netns_fd = netns_new(), .uid = NOBODY, .gid = NOBODY};
	if (spec.netns_fd < 0)
		fatal("network namespace: %s", strerror(-spec.netns_fd));
	if (argc > 3) {
		spec.fds[0] = open(argv[3], O_RDWR | O_CLOEXEC);
		if (spec.fds[0] < 0)
			fatal("%s: %s", argv[3], strerror(errno));
		spec.fd_count = 1;
	}
	if (strcmp(argv[2], "link") == 0 || strcmp(argv[2], "tunnel") == 0)
		spec.capabilities = 1ULL << NET_ADMIN;
	struct child child;
	int error = child_start(&spec, &child);
	if (error)
		fatal("starting %s: %s", argv[2], strerror(-error));
	struct msg m = {0};
	if (msg_wait(child.channel, &m, START_TIMEOUT_MS) != 1 || m.type != MSG_READY)
		fatal("%s did not say that it is ready", argv[2]);
	printf("%d\n", child.pid);
	fflush(stdout);

	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int status = 0, got;
	while (waitpid(child.pid, &status, WNOHANG) == 0 && sigwait(&signals, &got) == 0 && got != SIGTERM) {
	}
	kill(child.pid, SIGKILL);
	msg_free(&m);
	return 0;
}

/*
 * spawner - the half of the parent that keeps its capabilities. It starts the rows of processes.h, ends them, and makes
 * a session's sockets in the screen's namespace; it is asked by the launcher alone, by number, and reads nothing else.
 *
 * There are two halves because filters and Landlock domains are inherited: below this one live a compositor, a browser
 * and bubblewrap, so it has only the filter that holds back what none of them needs (foreign.h); the launcher, which
 * hears every message, has both and no capability at all.
 *
 * All calls wait for the answer; -EPROTO: the spawner is gone, hangs or says what is no answer, and nothing can be
 * started again.
 */
#ifndef LAUNCHER_SPAWNER_H
#define LAUNCHER_SPAWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/processes.h"

struct spawned {
	pid_t pid;
	int channel; /* the caller's */
	int pidfd;   /* the caller's; readable when the process has ended */
};

/* Fork it. Its descriptor, the caller's, or -errno. It ends when that is closed, and all it started with it. */
int spawner_open(const int namespaces[NAMESPACE_COUNT]);

/* Start a row with these descriptors at 4, 5, ...; they stay the caller's. 0 or -errno. */
int spawner_start(int spawner, enum stick_process which, const int *fds, size_t fd_count, struct spawned *spawned);

/* Wait for a row's end, killing it first if asked. *status as of waitpid(2). 0 or -errno. */
int spawner_end(int spawner, enum stick_process which, bool kill, int *status);

/* As ground_session_sockets(). */
int spawner_sockets(int spawner, const uint16_t *ports, size_t port_count, int *fds);

#endif

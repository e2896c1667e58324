/*
 * crew - the launcher's children while they run: started from their rows, listened to, buried, started again.
 */
#ifndef LAUNCHER_CREW_H
#define LAUNCHER_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "launcher/processes.h"
#include "launcher/spawner.h"
#include "launcher/supervise.h"

struct crew;

struct crew_member {
	struct crew *crew;
	enum stick_process which;
	struct spawned process; /* pid -1: not running */
	struct loop_watch *channel_watch, *end_watch;
	struct loop_timer *restart;
	struct loop_timer *late; /* it began a message of several frames */
	bool half;               /* which is not whole yet */
	struct supervised supervised;
	struct msg msg;
	bool ready; /* it sent MSG_READY */
};

/* What the owner does about them; `context` is the crew's. */
struct crew_duty {
	/* 0, or a negative error: the message is not one this process may send, and it is ended for it. */
	int (*message)(void *context, enum stick_process which, struct msg *m);
	/* It ended by itself; a row with .restart comes back through start(). */
	void (*death)(void *context, enum stick_process which);
	/* Its wait is over: start it, with what it needs. */
	void (*start)(void *context, enum stick_process which);
};

struct crew {
	struct loop *loop;
	const struct crew_duty *duty;
	void *context;
	int spawner; /* who starts and ends them */
	struct crew_member members[PROCESS_COUNT];
	uint32_t killed; /* since the boot, by their system call filters */
};

/* 0 or -errno. `spawner` stays the caller's. */
int crew_open(struct crew *crew, struct loop *loop, int spawner, const struct crew_duty *duty, void *context);

/* Start one with these descriptors at 4, 5, ...; they stay the caller's. 0, -EALREADY, or -errno. */
int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count);

/* As if it had died: a row with .restart is started again after its wait. For one that could not be started. */
void crew_start_later(struct crew *crew, enum stick_process which);

/* End it without a word to anyone, and wait until it is gone. Nothing happens if it does not run. */
void crew_stop(struct crew *crew, enum stick_process which);

bool crew_runs(const struct crew *crew, enum stick_process which);

/* Send to a running one. 0, -ESRCH, or -errno; one that cannot take a message is ended and treated as dead. */
int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload,
	      size_t size);
int crew_send_fds(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload,
		  size_t size, const int *fds, size_t fd_count);

#endif

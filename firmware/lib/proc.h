/*
 * proc - starting a child process of ours (parent's side) and entering it (child's side).
 *
 * Order, everywhere the same: close what is not ours, namespaces and root, drop uid, groups and capabilities,
 * no_new_privs, no memory that becomes executable, open peers, sandbox_enter(), loop. child_start() does all up to the
 * peers; the child's main does the rest. Every child finds its channel to the parent (msg.h) at descriptor
 * CHILD_CHANNEL_FD.
 */
#ifndef FIRMWARE_LIB_PROC_H
#define FIRMWARE_LIB_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_CHANNEL_FD 3
#define CHILD_FDS_MAX    12

/* For `locked_max_bytes` of one that holds secrets: more than any of them may have at all. */
#define PROC_LOCKED_MAX_BYTES (UINT64_C(1) << 30)

struct child_spec {
	const char *const *argv; /* argv[0] is the path of the program, unless `program` is */
	const char *program;     /* NULL: argv[0] */
	const char *const *envp; /* NULL: empty environment */
	int netns_fd;            /* -1: the parent's */
	uid_t uid;
	gid_t gid; /* supplementary groups are dropped but for these: */
	const gid_t *groups;
	size_t group_count;
	uint64_t
	    capabilities; /* bit per CAP_*; kept as permitted, effective and ambient; the bounding set is cut to it */
	/* Mount points that it does not see, deepest first, NULL after the last; with it a private mount namespace.
	 * NULL: it shares its parent's. One that is not there is no error. */
	const char *const *hidden;
	const char *cgroup;  /* NULL, or a cgroup's folder that it and all it starts belong to */
	int expendable;      /* 1: where memory is short it ends before anything else does */
	int keep_privileges; /* 1: third-party program that drops them itself: uid 0, bounding set cut to `capabilities`
			      */
	uint64_t locked_max_bytes;    /* RLIMIT_MEMLOCK: how much it may keep from being paged out; 0: nothing */
	int (*confine)(int argument); /* not NULL: called last before the program; 0, or -errno and it never runs */
	int confine_argument;
	int fds[CHILD_FDS_MAX]; /* descriptors given to the child, at 4, 5, ... in this order */
	size_t fd_count;
};

struct child {
	pid_t pid;   /* -1: not running */
	int channel; /* parent's end, non-blocking; -1 */
};

/*
 * Start a child with a fresh channel. On success `child` is filled; fds stay the parent's. 0, or -errno: a child that
 * cannot drop what it must drop, or cannot be executed, is reported here and never runs half-dropped.
 */
int child_start(const struct child_spec *spec, struct child *child);

/* Close the channel and forget; does not kill. */
void child_close(struct child *child);

/* Close every descriptor above `highest`: the first thing a child's main does. */
void close_above(int highest);

/* A new, empty network namespace: a descriptor that keeps it alive, or -errno. The caller stays where it was. */
int netns_new(void);

/* Run fn(context) inside network namespace `netns_fd`, in this process, and come back. fn's result, or -errno. */
int netns_run(int netns_fd, int (*fn)(void *context), void *context);

#endif

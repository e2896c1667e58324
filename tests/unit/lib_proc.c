#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"

/* Children here are coreutils and this program itself with an argument. */

static int end_of(struct child *child)
{
	int status;
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	child_close(child);
	return status;
}

static void a_missing_program_is_reported_here(void **state)
{
	(void)state;
	const char *argv[] = {"/nonexistent/program", NULL};
	struct child_spec spec = {.argv = argv, .netns_fd = -1, .uid = getuid(), .gid = getgid(), .keep_privileges = 1};
	struct child child;
	assert_int_equal(child_start(&spec, &child), -ENOENT);
	assert_int_equal(child.pid, -1);
	assert_int_equal(child.channel, -1);
}

static void the_child_has_its_descriptors_and_no_others(void **state)
{
	(void)state;
	int leak = open("/dev/zero", O_RDONLY); /* not close-on-exec: only child_start can keep it out */
	int given[2];
	assert_true(leak >= 0);
	assert_int_equal(pipe(given), 0);
	const char *argv[] = {"/bin/sh", "-c", "echo /proc/self/fd/* >&4", NULL};
	struct child_spec spec = {.argv = argv,
				  .netns_fd = -1,
				  .uid = getuid(),
				  .gid = getgid(),
				  .keep_privileges = 1,
				  .fds = {given[1]},
				  .fd_count = 1};
	struct child child;
	assert_int_equal(child_start(&spec, &child), 0);
	close(given[1]);
	char line[256] = {0};
	assert_true(read(given[0], line, sizeof line - 1) > 0);
	assert_int_equal(end_of(&child), 0);
	/* 0-2, the channel, the pipe, and the directory the shell itself reads */
	assert_non_null(strstr(line, "/proc/self/fd/3 "));
	assert_non_null(strstr(line, "/proc/self/fd/4 "));
	for (int fd = 6; fd < 64; fd++) {
		char name[32];
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		assert_null(strstr(line, name));
	}
	close(given[0]);
	close(leak);
}

static void a_child_keeps_the_capabilities_named_and_no_more(void **state)
{
	(void)state;
	if (getuid() != 0 || access("/proc/self/setgroups", F_OK) < 0) {
		skip();
		return;
	}
	int out[2];
	assert_int_equal(pipe(out), 0);
	const char *argv[] = {"/bin/sh", "-c", "grep -E '^(Uid|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status >&4",
			      NULL};
	struct child_spec spec = {.argv = argv,
				  .netns_fd = -1,
				  .uid = 12345,
				  .gid = 12345,
				  .capabilities = 1ULL << 12, /* CAP_NET_ADMIN */
				  .fds = {out[1]},
				  .fd_count = 1};
	struct child child;
	int started = child_start(&spec, &child);
	close(out[1]);
	if (started == -EINVAL) { /* a user namespace that maps one uid only */
		close(out[0]);
		skip();
		return;
	}
	assert_int_equal(started, 0);
	char text[1024] = {0};
	size_t used = 0;
	ssize_t got;
	while ((got = read(out[0], text + used, sizeof text - 1 - used)) > 0)
		used += (size_t)got;
	assert_int_equal(end_of(&child), 0);
	assert_non_null(strstr(text, "12345\t12345\t12345\t12345"));
	assert_non_null(strstr(text, "CapEff:\t0000000000001000"));
	assert_non_null(strstr(text, "CapBnd:\t0000000000001000"));
	assert_non_null(strstr(text, "CapAmb:\t0000000000001000"));
	assert_non_null(strstr(text, "NoNewPrivs:\t1"));
	close(out[0]);
}

static void the_channel_closes_with_the_child(void **state)
{
	(void)state;
	const char *argv[] = {"/bin/true", NULL};
	struct child_spec spec = {.argv = argv, .netns_fd = -1, .uid = getuid(), .gid = getgid(), .keep_privileges = 1};
	struct child child;
	assert_int_equal(child_start(&spec, &child), 0);
	struct msg m = {0};
	assert_int_equal(msg_wait(child.channel, &m, 5000), 0);
	msg_free(&m);
	assert_int_equal(end_of(&child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_missing_program_is_reported_here),
	    cmocka_unit_test(the_child_has_its_descriptors_and_no_others),
	    cmocka_unit_test(a_child_keeps_the_capabilities_named_and_no_more),
	    cmocka_unit_test(the_channel_closes_with_the_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

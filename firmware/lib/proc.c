#include "firmware/lib/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/msg.h"

enum { CAPABILITY_LAST = 40, PARKED_FD = 64 };

void close_above(int highest) { syscall(SYS_close_range, (unsigned)highest + 1, ~0U, 0); }

/* The steps run between fork and exec; each returns 0 or -errno. */

static int enter_namespaces(const struct child_spec *spec)
{
	if (spec->netns_fd >= 0 && setns(spec->netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	if (!spec->hidden)
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	for (size_t i = 0; spec->hidden[i]; i++)
		if (umount2(spec->hidden[i], MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
			return -errno;
	return 0;
}

static int write_word(const char *folder, const char *file, const char *word)
{
	char path[PATH_MAX];
	int size = snprintf(path, sizeof path, "%s/%s", folder, file);
	if (size < 0 || (size_t)size >= sizeof path)
		return -ENAMETOOLONG;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = write(fd, word, strlen(word)) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* While it still sees the files that say so. */
static int take_share(const struct child_spec *spec)
{
	int error = spec->cgroup ? write_word(spec->cgroup, "cgroup.procs", "0") : 0;
	return !error && spec->expendable ? write_word("/proc/self", "oom_score_adj", "1000") : error;
}

/* Park everything above the final numbers first, so that no dup2 overwrites a descriptor still to be placed. */
static int place_fds(const struct child_spec *spec, int channel)
{
	int parked[CHILD_FDS_MAX + 1];
	for (size_t i = 0; i <= spec->fd_count; i++) {
		parked[i] = fcntl(i == 0 ? channel : spec->fds[i - 1], F_DUPFD_CLOEXEC, PARKED_FD);
		if (parked[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i <= spec->fd_count; i++)
		if (dup2(parked[i], CHILD_CHANNEL_FD + (int)i) < 0)
			return -errno;
	return 0;
}

static int set_capabilities(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (int half = 0; half < 2; half++) {
		uint32_t bits = (uint32_t)(capabilities >> (32 * half));
		data[half].effective = data[half].permitted = data[half].inheritable = bits;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int cut_bounding_set(uint64_t capabilities)
{
	for (int cap = 0; cap <= CAPABILITY_LAST; cap++)
		if (!(capabilities >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	return 0;
}

static int raise_ambient(uint64_t capabilities)
{
	for (int cap = 0; cap <= CAPABILITY_LAST; cap++)
		if (capabilities >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	return 0;
}

static int drop_privileges(const struct child_spec *spec)
{
	int error = cut_bounding_set(spec->capabilities);
	if (error)
		return error;
	if (spec->keep_privileges)
		return set_capabilities(spec->capabilities);
	if (spec->capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setgroups(spec->group_count, spec->groups) < 0 || setresgid(spec->gid, spec->gid, spec->gid) < 0 ||
	    setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return -errno;
	error = set_capabilities(spec->capabilities);
	return error ? error : raise_ambient(spec->capabilities);
}

static int prepare(const struct child_spec *spec, int channel, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	struct rlimit locked = {.rlim_cur = spec->locked_max_bytes, .rlim_max = spec->locked_max_bytes};
	/* Less can always be had; where more is not allowed, sandbox_enter() says that it cannot lock. */
	(void)setrlimit(RLIMIT_MEMLOCK, &locked);
	int error = take_share(spec);
	if (!error)
		error = enter_namespaces(spec);
	if (!error)
		error = place_fds(spec, channel);
	if (!error)
		error = drop_privileges(spec);
	if (error)
		return error;
	/* After the change of uid, which clears it: a child never outlives its parent. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* No page that could be written is ever executed, in ours or in others' programs. Kernels before 6.3 cannot. */
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	unsigned first_unplaced = CHILD_CHANNEL_FD + 1 + (unsigned)spec->fd_count;
	if (syscall(SYS_close_range, first_unplaced, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return spec->confine ? spec->confine(spec->confine_argument) : 0;
}

static _Noreturn void become(const struct child_spec *spec, int channel, int report, pid_t parent)
{
	static const char *const empty[] = {NULL};
	/* The report's own number must not be one that place_fds() fills. */
	int high = fcntl(report, F_DUPFD_CLOEXEC, PARKED_FD + CHILD_FDS_MAX + 1);
	int error = high < 0 ? -errno : prepare(spec, channel, parent);
	if (!error) {
		execve(spec->program ? spec->program : spec->argv[0], (char *const *)(uintptr_t)spec->argv,
		       (char *const *)(uintptr_t)(spec->envp ? spec->envp : empty));
		error = -errno;
	}
	ssize_t ignored = write(high < 0 ? report : high, &error, sizeof error);
	(void)ignored;
	_exit(127);
}

/* The report pipe closes at a good exec; a number on it is the errno of the step that failed. */
static int await_exec(int report, pid_t pid)
{
	int error = 0;
	ssize_t got;
	do
		got = read(report, &error, sizeof error);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	waitpid(pid, NULL, 0);
	return got == sizeof error ? error : -EIO;
}

int child_start(const struct child_spec *spec, struct child *child)
{
	int channel[2] = {-1, -1}, report[2] = {-1, -1};
	*child = (struct child){.pid = -1, .channel = -1};
	if (spec->fd_count > CHILD_FDS_MAX)
		return -E2BIG;
	int error = msg_pair(channel);
	if (error)
		return error;
	if (pipe2(report, O_CLOEXEC) < 0) {
		error = -errno;
		goto out;
	}
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0) {
		error = -errno;
		goto out;
	}
	if (pid == 0)
		become(spec, channel[1], report[1], parent);
	close(report[1]);
	report[1] = -1;
	error = await_exec(report[0], pid);
	if (!error) {
		*child = (struct child){.pid = pid, .channel = channel[0]};
		channel[0] = -1;
	}
out:
	for (int i = 0; i < 2; i++) {
		if (channel[i] >= 0)
			close(channel[i]);
		if (report[i] >= 0)
			close(report[i]);
	}
	return error;
}

void child_close(struct child *child)
{
	if (child->channel >= 0)
		close(child->channel);
	*child = (struct child){.pid = -1, .channel = -1};
}

int netns_new(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	int made = -1, error = 0;
	if (unshare(CLONE_NEWNET) < 0) {
		error = -errno;
		goto out;
	}
	made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (made < 0)
		error = -errno;
	if (setns(home, CLONE_NEWNET) < 0)
		fatal("cannot return to the home network namespace: %s", strerror(errno));
out:
	close(home);
	return error ? error : made;
}

int netns_run(int netns_fd, int (*fn)(void *context), void *context)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	int result = setns(netns_fd, CLONE_NEWNET) < 0 ? -errno : fn(context);
	/* Going on in the wrong namespace would break a wall: there is no way to report it and stay safe. */
	if (setns(home, CLONE_NEWNET) < 0)
		fatal("cannot return to the home network namespace: %s", strerror(errno));
	close(home);
	return result;
}

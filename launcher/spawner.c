#include "launcher/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "launcher/foreign.h"
#include "launcher/ground.h"

/* Asked by the launcher: START u8 row, fds; END u8 row, u8 kill; SOCKETS u8 n, n x u16. Answered by the same number:
 * u32 error (positive), then START: u32 pid, fds channel and pidfd; END: u32 status; SOCKETS: fds. */
enum { SPAWNER_START = 1, SPAWNER_END, SPAWNER_SOCKETS };

enum { ANSWER_TIMEOUT_MS = 30000, SESSION_PORTS_MAX = MSG_FDS_MAX - 2, HIDDEN_MAX = 7 };

/* Of files it keeps what its children's views are made of, and mounts; of Landlock what is left then: no signal reaches
 * init, the wall, the guard or the launcher from here or from anything below. */
static const struct self self = {
    .name = "spawner",
    .holds = "the capabilities of all that it starts",
    .reads = "nothing",
    .speaks_to = "launcher",
    .promises = PROMISE_INET | PROMISE_LISTEN, /* some of its children */
    .mounts = true,
    .open_files_max = 4096,
};

/* --- in the spawner --- */

static struct {
	int channel;
	int namespaces[NAMESPACE_COUNT];
	pid_t pids[PROCESS_COUNT];
} spawner;

static void answer(uint16_t type, int error, uint32_t value, const int *fds, size_t fd_count)
{
	uint8_t payload[8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u32(&w, (uint32_t)-error);
	write_u32(&w, value);
	if (msg_send_fds(spawner.channel, type, 0, payload, w.size, fds, error ? 0 : fd_count) < 0)
		exit(1);
}

/* The mount points that a row does not see, deepest first. */
static void hide_places(unsigned places, const char *hidden[HIDDEN_MAX])
{
	static const struct {
		enum place place;
		const char *path;
	} table[HIDDEN_MAX - 1] = {{PLACE_TMP, "/dev/shm"}, {PLACE_TMP, "/tmp"}, {PLACE_RUN, "/run"},
				   {PLACE_DEV, "/dev"},     {PLACE_SYS, "/sys"}, {PLACE_PROC, "/proc"}};
	size_t count = 0;
	for (size_t i = 0; i < HIDDEN_MAX - 1; i++)
		if (!(places & table[i].place))
			hidden[count++] = table[i].path;
	hidden[count] = NULL;
}

static int confine(int which)
{
	const struct process_row *row = process_row((enum stick_process)which);
	int error = row->files ? sandbox_enter_files(row->files) : 0;
	return error ? error : foreign_enter(row->foreign);
}

static int start(enum stick_process which, const struct msg *m, struct child *child)
{
	const struct process_row *row = process_row(which);
	const char *hidden[HIDDEN_MAX];
	hide_places(row->places, hidden);
	struct child_spec spec = {.argv = row->argv,
				  .envp = row->envp,
				  .netns_fd = spawner.namespaces[row->namespace],
				  .uid = row->uid,
				  .gid = row->group ? row->group : (gid_t)row->uid,
				  .capabilities = row->capabilities,
				  .keep_privileges = row->drops_itself,
				  .hidden = hidden,
				  .cgroup = row->screen ? GROUND_SCREEN_SHARE : NULL,
				  .expendable = row->screen,
				  .confine = confine,
				  .confine_argument = (int)which,
				  .locked_max_bytes = row->locks ? PROC_LOCKED_MAX_BYTES : 0,
				  .fd_count = m->fd_count};
	if (spawner.pids[which] > 0)
		return -EALREADY;
	for (size_t i = 0; i < m->fd_count; i++)
		spec.fds[i] = m->fds[i];
	return child_start(&spec, child);
}

static void do_start(enum stick_process which, const struct msg *m)
{
	struct child child = {.pid = -1, .channel = -1};
	int error = start(which, m, &child);
	int fds[2] = {child.channel, error ? -1 : pidfd_open(child.pid, 0)};
	if (!error && fds[1] < 0) {
		error = -errno;
		kill(child.pid, SIGKILL);
		waitpid(child.pid, NULL, 0);
	} else if (!error) {
		spawner.pids[which] = child.pid;
	}
	answer(SPAWNER_START, error, (uint32_t)child.pid, fds, 2);
	if (fds[1] >= 0)
		close(fds[1]);
	child_close(&child);
}

static void do_end(enum stick_process which, bool kill_it)
{
	int status = 0, error = spawner.pids[which] > 0 ? 0 : -ESRCH;
	if (!error && kill_it)
		kill(spawner.pids[which], SIGKILL);
	while (!error && waitpid(spawner.pids[which], &status, 0) < 0)
		if (errno != EINTR)
			error = -errno;
	spawner.pids[which] = 0;
	answer(SPAWNER_END, error, (uint32_t)status, NULL, 0);
}

static void do_sockets(struct reader *r)
{
	uint16_t ports[SESSION_PORTS_MAX];
	int fds[SESSION_PORTS_MAX + 2];
	size_t count = read_u8(r);
	if (count > SESSION_PORTS_MAX)
		exit(1);
	for (size_t i = 0; i < count; i++)
		ports[i] = read_u16(r);
	int error = ground_session_sockets(spawner.namespaces[NAMESPACE_SCREEN], ports, count, fds);
	answer(SPAWNER_SOCKETS, error, 0, fds, count + 2);
	for (size_t i = 0; i < count + 2 && !error; i++)
		close(fds[i]);
}

static void obey(const struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	if (m->type == SPAWNER_SOCKETS) {
		do_sockets(&r);
		return;
	}
	unsigned which = read_u8(&r);
	bool kill_it = m->type == SPAWNER_END && read_u8(&r) != 0;
	if (!reader_done(&r) || which >= PROCESS_COUNT || (m->type != SPAWNER_START && m->type != SPAWNER_END))
		exit(1);
	if (m->type == SPAWNER_START)
		do_start((enum stick_process)which, m);
	else
		do_end((enum stick_process)which, kill_it);
}

static _Noreturn void run(int channel, const int namespaces[NAMESPACE_COUNT])
{
	static struct msg m;
	log_open("spawner");
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close(CHILD_CHANNEL_FD); /* init's: the launcher alone speaks there */
	spawner.channel = channel;
	memcpy(spawner.namespaces, namespaces, sizeof spawner.namespaces);
	int error = sandbox_enter_files(&self);
	/* What not even bubblewrap needs, below it, is nobody's business here. */
	if (!error)
		error = foreign_enter(FOREIGN_HOUSE);
	if (error)
		fatal("no walls for what is started here: %s", strerror(-error));
	while (msg_wait(channel, &m, -1) == 1)
		obey(&m);
	exit(0);
}

int spawner_open(const int namespaces[NAMESPACE_COUNT])
{
	int pair[2];
	int error = msg_pair(pair);
	if (error)
		return error;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(pair[0]);
		run(pair[1], namespaces);
	}
	close(pair[1]);
	return pair[0];
}

/* --- in the launcher --- */

/* Wait for the answer, which is in `m` on success: u32 value and descriptors. -EPROTO: there is none, or it is none;
 * what comes next would be taken for the answer to another question, so that the spawner is of no use any more. */
static int ask(int fd, uint16_t type, const struct writer *w, const int *fds, size_t fd_count, struct msg *m,
	       uint32_t *value)
{
	int error = w->failed ? -EMSGSIZE : msg_send_fds(fd, type, 0, w->data, w->size, fds, fd_count);
	if (error)
		return error == -EMSGSIZE ? error : -EPROTO;
	if (msg_wait(fd, m, ANSWER_TIMEOUT_MS) != 1 || m->type != type)
		return -EPROTO;
	struct reader r = reader_over(m->payload, m->size);
	error = -(int)read_u32(&r);
	*value = read_u32(&r);
	return reader_done(&r) ? error : -EPROTO;
}

int spawner_start(int fd, enum stick_process which, const int *fds, size_t fd_count, struct spawned *spawned)
{
	uint8_t payload[1];
	struct msg m = {0};
	struct writer w = writer_over(payload, sizeof payload);
	uint32_t pid = 0;
	write_u8(&w, (uint8_t)which);
	int error = ask(fd, SPAWNER_START, &w, fds, fd_count, &m, &pid);
	if (!error)
		*spawned =
		    (struct spawned){.pid = (pid_t)pid, .channel = msg_take_fd(&m, 0), .pidfd = msg_take_fd(&m, 1)};
	msg_free(&m);
	return error;
}

int spawner_end(int fd, enum stick_process which, bool kill_it, int *status)
{
	uint8_t payload[2];
	struct msg m = {0};
	struct writer w = writer_over(payload, sizeof payload);
	uint32_t value = 0;
	write_u8(&w, (uint8_t)which);
	write_u8(&w, kill_it);
	int error = ask(fd, SPAWNER_END, &w, NULL, 0, &m, &value);
	*status = (int)value;
	msg_free(&m);
	return error;
}

int spawner_sockets(int fd, const uint16_t *ports, size_t port_count, int *fds)
{
	uint8_t payload[2 * SESSION_PORTS_MAX + 1];
	struct msg m = {0};
	struct writer w = writer_over(payload, sizeof payload);
	uint32_t value = 0;
	write_u8(&w, (uint8_t)port_count);
	for (size_t i = 0; i < port_count; i++)
		write_u16(&w, ports[i]);
	int error = ask(fd, SPAWNER_SOCKETS, &w, NULL, 0, &m, &value);
	for (size_t i = 0; i < port_count + 2 && !error; i++)
		fds[i] = msg_take_fd(&m, i);
	msg_free(&m);
	return error;
}

#include <setjmp.h>
#include <stdlib.h>
#include <sys/types.h>

#include "launcher/processes.h"

static _Noreturn void leave(int status);
static int signal_to(pid_t pid, int number);
static pid_t wait_for(pid_t pid, int *status, int options);
static int descriptor_of(pid_t pid, unsigned flags);
static int let_go(int fd);

/* the half with the capabilities whole: what it is told is read by functions of its own */
#define exit       leave
#define kill       signal_to
#define waitpid    wait_for
#define pidfd_open descriptor_of
#define close      let_go
#include "launcher/spawner.c"
#undef exit
#undef close

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The spawner, which holds all capabilities, under a launcher that was taken over. It starts rows of its own table and
 * nothing else, each once at a time, signals only what it started, and gives away no descriptor but its children's.
 */

enum { CHANNEL_FD = 9, PIDFD = 1000, SOCKET_FD = 2000 };

static struct {
	jmp_buf left;
	struct process_row rows[PROCESS_COUNT];
	bool runs[PROCESS_COUNT];
	const struct process_row *starting;
	size_t open, fd_count;
} world;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void leave(int status)
{
	(void)status;
	longjmp(world.left, 1);
}

static pid_t pid_of(size_t which) { return (pid_t)(100 + which); }

static int signal_to(pid_t pid, int number)
{
	must(pid >= pid_of(0) && pid < pid_of(PROCESS_COUNT) && world.runs[pid - pid_of(0)] && number == SIGKILL);
	return 0;
}

static pid_t wait_for(pid_t pid, int *status, int options)
{
	must(pid >= pid_of(0) && pid < pid_of(PROCESS_COUNT) && world.runs[pid - pid_of(0)] && options == 0);
	world.runs[pid - pid_of(0)] = false;
	if (status)
		*status = 9;
	return pid;
}

static int descriptor_of(pid_t pid, unsigned flags)
{
	must(world.runs[pid - pid_of(0)] && flags == 0);
	world.open++;
	return PIDFD;
}

static int let_go(int fd)
{
	must(fd >= PIDFD && world.open > 0);
	world.open--;
	return 0;
}

const struct process_row *process_row(enum stick_process which)
{
	must((unsigned)which < PROCESS_COUNT);
	return world.starting = &world.rows[which];
}

int child_start(const struct child_spec *spec, struct child *child)
{
	size_t which = (size_t)(world.starting - world.rows);
	must(!world.runs[which] && spec->uid == world.rows[which].uid &&
	     spec->capabilities == world.rows[which].capabilities);
	must(spec->hidden && spec->confine && spec->fd_count == world.fd_count);
	world.runs[which] = true;
	*child = (struct child){.pid = pid_of(which), .channel = PIDFD + 1};
	world.open++;
	return 0;
}

void child_close(struct child *child)
{
	if (child->channel >= 0)
		let_go(child->channel);
	child->channel = -1;
}

int ground_session_sockets(int screen_namespace, const uint16_t *ports, size_t port_count, int *fds)
{
	must(screen_namespace == 7 && ports && port_count <= SESSION_PORTS_MAX);
	for (size_t i = 0; i < port_count + 2; i++)
		fds[i] = SOCKET_FD + (int)i;
	world.open += port_count + 2;
	return 0;
}

int msg_send_fds(int fd, uint16_t type, uint32_t id, const void *payload, size_t size, const int *fds, size_t fd_count)
{
	must(fd == CHANNEL_FD && type >= SPAWNER_START && type <= SPAWNER_SOCKETS && id == 0 && payload && size == 8);
	must(fd_count <= MSG_FDS_MAX);
	for (size_t i = 0; i < fd_count; i++)
		must(fds[i] >= PIDFD);
	return 0;
}

int sandbox_enter_files(const struct self *of) { return of ? 0 : -EINVAL; }
int foreign_enter(enum foreign which) { return (int)which < 0; }
int msg_pair(int fds[2]) { return fds ? -ENOSYS : 0; }
int msg_wait(int fd, struct msg *m, int timeout_ms) { return fd < 0 && m && timeout_ms ? 1 : 0; }
void msg_free(struct msg *m) { (void)m; }
int msg_take_fd(struct msg *m, size_t nth) { return nth < m->fd_count ? m->fds[nth] : -1; }

static void begin(void)
{
	world.open = 0;
	spawner.channel = CHANNEL_FD;
	for (size_t i = 0; i < NAMESPACE_COUNT; i++)
		spawner.namespaces[i] = i == NAMESPACE_SCREEN ? 7 : 20 + (int)i;
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		world.rows[i] =
		    (struct process_row){.uid = (uid_t)(500 + i), .capabilities = 1ULL << i, .places = (unsigned)i};
		world.runs[i] = false;
		spawner.pids[i] = 0;
	}
}

static void play(const uint8_t *data, size_t size)
{
	static uint8_t payload[256];
	while (size >= 3) {
		size_t given = data[2] < size - 3 ? data[2] : size - 3;
		struct msg m = {
		    .type = data[0], .size = given, .payload = payload, .fd_count = data[1] % (MSG_FDS_MAX + 1)};
		memcpy(payload, data + 3, given);
		payload[given] = 0;
		for (size_t i = 0; i < m.fd_count; i++)
			m.fds[i] = 30 + (int)i;
		world.fd_count = m.fd_count;
		obey(&m);
		must(world.open == 0);
		for (size_t i = 0; i < PROCESS_COUNT; i++)
			must(world.runs[i] == (spawner.pids[i] != 0));
		data += 3 + given;
		size -= 3 + given;
	}
}

/* Again and again: a byte of type, one of descriptors, one of size, itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	if (setjmp(world.left) == 0) /* otherwise the spawner ended, and with it all that it started */
		play(data, size);
	return 0;
}

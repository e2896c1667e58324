#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/sandbox.h"

/* Runs act() in a child inside the sandbox of `self`; the child's wait status. exit code 0: act() gave 0. */
static int run_inside(const struct self *self, int (*act)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	/* Not by _exit(): before what does not return ASan asks for more than was promised. */
	if (pid == 0)
		syscall(SYS_exit_group, sandbox_enter(self) ? 99 : act() ? 1 : 0);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_killed(const struct self *self, int (*act)(void))
{
	int status = run_inside(self, act);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_lives(const struct self *self, int (*act)(void))
{
	int status = run_inside(self, act);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_inet(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0; }
static int make_packet(void) { return socket(AF_PACKET, SOCK_RAW, 0) < 0; }
static int make_raw(void) { return socket(AF_INET, SOCK_RAW, 1) < 0; }
static int trace(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0; }
static int open_hosts(void) { return open("/etc/hosts", O_RDONLY) < 0; }
static int open_passwd_refused(void) { return !(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES); }
static int write_tmp(void) { return open("/tmp/forbidden", O_WRONLY | O_CREAT, 0600) < 0; }
static int make_datagram(void) { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0; }

/* Nobody listens at either: the one is asked, the other not even that. */
static int reach_other_port(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5432)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EACCES)
		return 1;
	to.sin_port = htons(5433);
	return connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno != EACCES;
}

static int make_local(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0; }
static int run_program(void) { return execl("/bin/true", "true", NULL); }
static int map_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}
static int map_data(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}
static int make_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0;
}

static const struct self bare = {.name = "bare", .promises = PROMISE_BASE, .open_files_max = 16};
static const struct self net = {.name = "net", .promises = PROMISE_BASE | PROMISE_INET, .open_files_max = 16};
static const struct self local = {.name = "local", .promises = PROMISE_BASE | PROMISE_LOCAL, .open_files_max = 16};
static const struct self server = {
    .name = "server", .promises = PROMISE_BASE | PROMISE_SERVER, .server_port = 5432, .open_files_max = 16};
static const struct self reader = {.name = "reader",
				   .promises = PROMISE_BASE | PROMISE_READ_FILE,
				   .paths = {{"/etc/hosts", ACCESS_READ}},
				   .open_files_max = 16};

static void what_is_not_promised_kills(void **state)
{
	(void)state;
	assert_killed(&bare, make_inet);
	assert_killed(&bare, open_hosts);
	assert_killed(&bare, trace);
	assert_killed(&bare, run_program);
	assert_killed(&net, make_packet);
	assert_killed(&net, make_raw);
	assert_killed(&reader, write_tmp);
	assert_killed(&local, make_inet);
	assert_killed(&net, make_local);
	assert_killed(&server, make_local);
	assert_killed(&server, make_datagram);
}

static void what_is_promised_works(void **state)
{
	(void)state;
	assert_lives(&net, make_inet);
	assert_lives(&reader, open_hosts);
	assert_lives(&local, make_local);
	/* Linux 6.7 and newer */
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4)
		assert_lives(&server, reach_other_port);
	assert_lives(&bare, map_data);
}

static void no_memory_becomes_executable(void **state)
{
	(void)state;
	assert_killed(&bare, map_executable);
	assert_killed(&bare, make_executable);
}

static void a_file_outside_the_paths_is_refused(void **state)
{
	(void)state;
	assert_lives(&reader, open_passwd_refused);
}

static void count(const char *name, void *context)
{
	(void)name;
	(*(int *)context)++;
}

static void the_list_names_each_call_once(void **state)
{
	(void)state;
	int bare_count = 0, net_count = 0;
	sandbox_each_syscall(&bare, count, &bare_count);
	sandbox_each_syscall(&net, count, &net_count);
	assert_true(bare_count > 20 && bare_count < 60);
	assert_true(net_count > bare_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_promised_kills),    cmocka_unit_test(what_is_promised_works),
	    cmocka_unit_test(no_memory_becomes_executable),  cmocka_unit_test(a_file_outside_the_paths_is_refused),
	    cmocka_unit_test(the_list_names_each_call_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

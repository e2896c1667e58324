#include "launcher/crew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "launcher/messages.h"

static const char *name_of(const struct crew_member *member) { return process_row(member->which)->name; }

static void on_restart(void *context)
{
	struct crew_member *member = context;
	member->crew->duty->start(member->crew->context, member->which);
}

int crew_open(struct crew *crew, struct loop *loop, const struct crew_duty *duty, void *context)
{
	*crew = (struct crew){.loop = loop, .duty = duty, .context = context};
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		crew->namespaces[i] = -1;
	for (int i = 0; i < PROCESS_COUNT; i++) {
		struct crew_member *member = &crew->members[i];
		*member = (struct crew_member){
		    .crew = crew, .which = (enum stick_process)i, .child = {.pid = -1, .channel = -1}, .pidfd = -1};
		member->restart = loop_timer(loop, on_restart, member);
		if (!member->restart)
			return -ENOMEM;
	}
	return 0;
}

/* 1: there may be more; 0: nothing left; negative: it closed, or sent what it must not. */
static int take_message(struct crew_member *member)
{
	int got = msg_receive(member->child.channel, &member->msg);
	if (got == -EAGAIN)
		return 0;
	if (got <= 0)
		return got == 0 ? -EPIPE : got;
	if (member->msg.type == MSG_READY && !member->ready) {
		member->ready = true;
		log_info("%s runs", name_of(member));
	}
	int error = member->crew->duty->message(member->crew->context, member->which, &member->msg);
	if (error)
		log_error("%s sent a message %u that is not understood", name_of(member), member->msg.type);
	/* What the message led to may have ended the sender. */
	return error ? error : member->child.pid > 0 ? 1 : 0;
}

static void on_channel(uint32_t events, void *context)
{
	(void)events;
	struct crew_member *member = context;
	int got = take_message(member);
	if (got >= 0)
		return;
	/* Its end is told by the pidfd; a channel that is no use any more only hastens it. */
	loop_unwatch(member->channel_watch);
	member->channel_watch = NULL;
	if (got != -EPIPE)
		kill(member->child.pid, SIGKILL);
}

static void release(struct crew_member *member)
{
	loop_unwatch(member->channel_watch);
	loop_unwatch(member->end_watch);
	member->channel_watch = member->end_watch = NULL;
	if (member->pidfd >= 0)
		close(member->pidfd);
	member->pidfd = -1;
	child_close(&member->child);
	msg_free(&member->msg);
	member->ready = false;
}

static void tell_end(const struct crew_member *member, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error("%s asked the kernel for something it never needs and was killed for it", name_of(member));
	else if (WIFSIGNALED(status))
		log_warn("%s was ended by signal %d", name_of(member), WTERMSIG(status));
	else
		log_info("%s ended with status %d", name_of(member), WEXITSTATUS(status));
}

static void on_end(uint32_t events, void *context)
{
	(void)events;
	struct crew_member *member = context;
	int status = 0;
	if (waitpid(member->child.pid, &status, WNOHANG) != member->child.pid)
		return;
	/* Its last words are heard before its end is. */
	pid_t pid = member->child.pid;
	while (member->channel_watch && member->child.pid == pid && take_message(member) > 0)
		;
	if (member->child.pid != pid)
		return;
	tell_end(member, status);
	release(member);
	crew_start_later(member->crew, member->which);
	member->crew->duty->death(member->crew->context, member->which);
}

void crew_start_later(struct crew *crew, enum stick_process which)
{
	struct crew_member *member = &crew->members[which];
	if (process_row(which)->restart && member->child.pid < 0)
		loop_timer_set(member->restart, supervise_died(&member->supervised, now_ms()));
}

static int watch(struct crew_member *member)
{
	struct loop *loop = member->crew->loop;
	member->pidfd = pidfd_open(member->child.pid, 0);
	if (member->pidfd < 0)
		return -errno;
	member->channel_watch = loop_watch(loop, member->child.channel, EPOLLIN, on_channel, member);
	member->end_watch = loop_watch(loop, member->pidfd, EPOLLIN, on_end, member);
	return member->channel_watch && member->end_watch ? 0 : -errno;
}

int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count)
{
	const struct process_row *row = process_row(which);
	struct crew_member *member = &crew->members[which];
	if (member->child.pid > 0)
		return -EALREADY;
	struct child_spec spec = {.argv = row->argv,
				  .envp = row->envp,
				  .netns_fd = crew->namespaces[row->namespace],
				  .uid = row->uid,
				  .gid = (gid_t)row->uid,
				  .capabilities = row->capabilities,
				  .keep_privileges = row->drops_itself,
				  .fd_count = fd_count};
	if (fd_count > CHILD_FDS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < fd_count; i++)
		spec.fds[i] = fds[i];
	loop_timer_set(member->restart, -1);
	supervise_started(&member->supervised, now_ms());
	int error = child_start(&spec, &member->child);
	if (error) {
		log_error("%s cannot be started: %s", row->name, strerror(-error));
		return error;
	}
	error = watch(member);
	if (error)
		crew_stop(crew, which);
	return error;
}

void crew_stop(struct crew *crew, enum stick_process which)
{
	struct crew_member *member = &crew->members[which];
	loop_timer_set(member->restart, -1);
	if (member->child.pid <= 0)
		return;
	kill(member->child.pid, SIGKILL);
	while (waitpid(member->child.pid, NULL, 0) < 0 && errno == EINTR)
		;
	release(member);
}

bool crew_runs(const struct crew *crew, enum stick_process which) { return crew->members[which].child.pid > 0; }

int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	return crew_send_fds(crew, which, type, id, payload, size, NULL, 0);
}

int crew_send_fds(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload,
		  size_t size, const int *fds, size_t fd_count)
{
	struct crew_member *member = &crew->members[which];
	if (member->child.pid <= 0)
		return -ESRCH;
	int error = msg_send_fds(member->child.channel, type, id, payload, size, fds, fd_count);
	if (error == -ETIMEDOUT || error == -EMSGSIZE) {
		log_error("%s does not take message %u: %s; it is ended", name_of(member), type, strerror(-error));
		kill(member->child.pid, SIGKILL);
	}
	return error;
}

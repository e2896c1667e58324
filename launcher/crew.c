#include "launcher/crew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "launcher/messages.h"

/* From a message's first frame to its last. */
enum { CREW_MESSAGE_MS = 10000 };

static const char *name_of(const struct crew_member *member) { return process_row(member->which)->name; }

static void on_restart(void *context)
{
	struct crew_member *member = context;
	member->crew->duty->start(member->crew->context, member->which);
}

static void on_late(void *context);

int crew_open(struct crew *crew, struct loop *loop, int spawner, const struct crew_duty *duty, void *context)
{
	*crew = (struct crew){.loop = loop, .spawner = spawner, .duty = duty, .context = context};
	for (int i = 0; i < PROCESS_COUNT; i++) {
		struct crew_member *member = &crew->members[i];
		*member = (struct crew_member){
		    .crew = crew, .which = (enum stick_process)i, .process = {.pid = -1, .channel = -1, .pidfd = -1}};
		member->msg.most_bytes = process_row(member->which)->says_most_bytes;
		member->restart = loop_timer(loop, on_restart, member);
		member->late = loop_timer(loop, on_late, member);
		if (!member->restart || !member->late)
			return -ENOMEM;
	}
	return 0;
}

static void note_half(struct crew_member *member, bool half)
{
	if (half != member->half)
		loop_timer_set(member->late, half ? CREW_MESSAGE_MS : -1);
	member->half = half;
}

/* It says once that it listens, and is told then what may be megabytes: asked for again and again they would hold the
 * launcher as long as it likes. */
static bool may_say(struct crew_member *member)
{
	if (member->msg.type != MSG_READY || process_row(member->which)->ready_again)
		return true;
	return !member->ready;
}

/* 1: there may be more; 0: nothing left; negative: it closed, or sent what it must not. */
static int take_message(struct crew_member *member)
{
	int got = msg_receive(member->process.channel, &member->msg);
	note_half(member, got == -EAGAIN && member->msg.large);
	if (got == -EAGAIN)
		return 0;
	if (got <= 0)
		return got == 0 ? -EPIPE : got;
	if (!may_say(member)) {
		log_error("%s says again that it is ready", name_of(member));
		return -EBADMSG;
	}
	if (member->msg.type == MSG_READY && !member->ready) {
		member->ready = true;
		log_info("%s runs", name_of(member));
	}
	int error = member->crew->duty->message(member->crew->context, member->which, &member->msg);
	if (error)
		log_error("%s sent a message %u that is not understood", name_of(member), member->msg.type);
	if (member->msg.size > MSG_PAYLOAD_MAX_BYTES)
		msg_free(&member->msg); /* its megabytes are not held until it says more */
	/* What the message led to may have ended the sender. */
	return error ? error : member->process.pid > 0 ? 1 : 0;
}

/* Ask the spawner to end it, or to say how it ended. Without the spawner there is nobody to start anything again. */
static int end_process(struct crew_member *member, bool kill_it)
{
	int status = 0;
	int error = spawner_end(member->crew->spawner, member->which, kill_it, &status);
	if (error)
		fatal("%s cannot be ended: %s", name_of(member), strerror(-error));
	return status;
}

static void release(struct crew_member *member)
{
	loop_unwatch(member->channel_watch);
	loop_unwatch(member->end_watch);
	member->channel_watch = member->end_watch = NULL;
	if (member->process.pidfd >= 0)
		close(member->process.pidfd);
	if (member->process.channel >= 0)
		close(member->process.channel);
	member->process = (struct spawned){.pid = -1, .channel = -1, .pidfd = -1};
	msg_free(&member->msg);
	note_half(member, false);
	member->ready = false;
}

static void tell_end(const struct crew_member *member, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		member->crew->killed++;
		log_error("%s asked the kernel for something it never needs and was killed for it", name_of(member));
	} else if (WIFSIGNALED(status))
		log_warn("%s was ended by signal %d", name_of(member), WTERMSIG(status));
	else
		log_info("%s ended with status %d", name_of(member), WEXITSTATUS(status));
}

static void bury(struct crew_member *member, int status)
{
	tell_end(member, status);
	release(member);
	crew_start_later(member->crew, member->which);
	member->crew->duty->death(member->crew->context, member->which);
}

static void on_late(void *context)
{
	struct crew_member *member = context;
	log_error("%s began a message and does not end it", name_of(member));
	if (member->process.pid > 0)
		bury(member, end_process(member, true));
}

static void on_channel(uint32_t events, void *context)
{
	(void)events;
	struct crew_member *member = context;
	int got = take_message(member);
	if (got >= 0)
		return;
	loop_unwatch(member->channel_watch);
	member->channel_watch = NULL;
	/* One that closed is about to end, which its pidfd tells; one that sends what it must not is ended. */
	if (got != -EPIPE && member->process.pid > 0)
		bury(member, end_process(member, true));
}

static void on_end(uint32_t events, void *context)
{
	(void)events;
	struct crew_member *member = context;
	/* Its last words are heard before its end is. */
	pid_t pid = member->process.pid;
	while (member->channel_watch && member->process.pid == pid && take_message(member) > 0)
		;
	if (member->process.pid == pid)
		bury(member, end_process(member, false));
}

void crew_start_later(struct crew *crew, enum stick_process which)
{
	struct crew_member *member = &crew->members[which];
	if (process_row(which)->restart && member->process.pid < 0)
		loop_timer_set(member->restart, supervise_died(&member->supervised, now_ms()));
}

static int watch(struct crew_member *member)
{
	struct loop *loop = member->crew->loop;
	member->channel_watch = loop_watch(loop, member->process.channel, EPOLLIN, on_channel, member);
	member->end_watch = loop_watch(loop, member->process.pidfd, EPOLLIN, on_end, member);
	return member->channel_watch && member->end_watch ? 0 : -errno;
}

int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count)
{
	struct crew_member *member = &crew->members[which];
	if (member->process.pid > 0)
		return -EALREADY;
	loop_timer_set(member->restart, -1);
	supervise_started(&member->supervised, now_ms());
	int error = spawner_start(crew->spawner, which, fds, fd_count, &member->process);
	if (error == -EPROTO)
		fatal("%s cannot be started: the spawner does not answer as it should", name_of(member));
	if (error) {
		log_error("%s cannot be started: %s", name_of(member), strerror(-error));
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
	if (member->process.pid <= 0)
		return;
	end_process(member, true);
	release(member);
}

bool crew_runs(const struct crew *crew, enum stick_process which) { return crew->members[which].process.pid > 0; }

int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	return crew_send_fds(crew, which, type, id, payload, size, NULL, 0);
}

int crew_send_fds(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload,
		  size_t size, const int *fds, size_t fd_count)
{
	struct crew_member *member = &crew->members[which];
	if (member->process.pid <= 0)
		return -ESRCH;
	int error = msg_send_fds(member->process.channel, type, id, payload, size, fds, fd_count);
	if (error == -ETIMEDOUT || error == -EMSGSIZE) {
		log_error("%s does not take message %u: %s; it is cut off", name_of(member), type, strerror(-error));
		shutdown(member->process.channel, SHUT_RDWR);
	}
	return error;
}

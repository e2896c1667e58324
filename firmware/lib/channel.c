#include "firmware/lib/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"

static const struct channel_row *row_of(const struct channel *channel, uint16_t type)
{
	for (size_t i = 0; i < channel->row_count; i++)
		if (channel->rows[i].type == type)
			return &channel->rows[i];
	return NULL;
}

static int dispatch(struct channel *channel)
{
	struct msg *m = &channel->msg;
	const struct channel_row *row = row_of(channel, m->type);
	if (!row || m->size < row->least_bytes || m->size > row->most_bytes)
		return -EBADMSG;
	return row->take(m, channel->context);
}

/* A message of several frames, of which not all have come, is held to its own row's limit from its first on. */
static bool is_announced_too_large(const struct channel *channel)
{
	const struct msg *m = &channel->msg;
	const struct channel_row *row = m->large ? row_of(channel, m->large_type) : NULL;
	return m->large && (!row || m->large_size > row->most_bytes);
}

static int take(struct channel *channel)
{
	struct msg *m = &channel->msg;
	channel->taking = true;
	int error = dispatch(channel);
	channel->taking = false;
	if (error)
		log_error("%s sent message %u of %zu bytes, which is refused: %s", channel->peer, m->type, m->size,
			  strerror(-error));
	wipe(m->payload, m->size);
	msg_close_fds(m);
	if (m->size > MSG_PAYLOAD_MAX_BYTES)
		msg_free(m); /* its megabytes are not held until the next one comes */
	return error;
}

static void end(struct channel *channel, int error)
{
	channel->error = error;
	channel_unwatch(channel);
	if (channel->ended)
		channel->ended(error, channel->context);
	else
		loop_stop(channel->loop);
}

static void on_late(void *context)
{
	struct channel *channel = context;
	log_error("%s began a message %u and does not end it", channel->peer, channel->msg.large_type);
	end(channel, -ETIMEDOUT);
}

static void forget_late(struct channel *channel)
{
	loop_timer_free(channel->late);
	channel->late = NULL;
}

/* A part of a message has come, or none. */
static int wait_for_rest(struct channel *channel)
{
	if (is_announced_too_large(channel))
		return -EBADMSG;
	if (!channel->msg.large || channel->late)
		return 0;
	channel->late = loop_timer(channel->loop, on_late, channel);
	if (!channel->late)
		return -ENOMEM;
	loop_timer_set(channel->late, CHANNEL_MESSAGE_MS);
	return 0;
}

static void on_readable(uint32_t events, void *context)
{
	(void)events;
	struct channel *channel = context;
	int got = msg_receive(channel->fd, &channel->msg);
	if (got == -EAGAIN) {
		got = wait_for_rest(channel);
		if (!got)
			return;
	}
	forget_late(channel);
	if (got < 0)
		log_error("%s's channel: %s", channel->peer, strerror(-got));
	int error = got > 0 ? take(channel) : got;
	if (!channel->watch)
		msg_free(&channel->msg); /* the handler has let go of it */
	else if (error || got == 0)
		end(channel, error);
}

int channel_watch(struct loop *loop, int fd, struct channel *channel, void *context)
{
	channel->loop = loop;
	channel->fd = fd;
	channel->context = context;
	channel->error = 0;
	for (size_t i = 0; i < channel->row_count; i++)
		if (channel->rows[i].most_bytes > channel->msg.most_bytes)
			channel->msg.most_bytes = channel->rows[i].most_bytes;
	channel->watch = loop_watch(loop, fd, EPOLLIN, on_readable, channel);
	return channel->watch ? 0 : -errno;
}

void channel_unwatch(struct channel *channel)
{
	loop_unwatch(channel->watch);
	channel->watch = NULL;
	forget_late(channel);
	if (!channel->taking)
		msg_free(&channel->msg);
}

#include "launcher/broker_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/broker_names.h"

enum {
	PENDING_MAX = 128, /* UDP questions that wait for policy */
	STREAMS_MAX = 8,   /* TCP connections */
	STREAM_MS = 10000, /* from accept to the last answer's question */
	DATAGRAMS_A_TURN = 32,
	LENGTH_BYTES = 2,
};

/* Where an answer goes. */
struct asker {
	struct screen *screen;
	struct names_query query;
	struct sockaddr_storage peer; /* UDP */
	socklen_t peer_size;
	struct stream *stream; /* TCP, else NULL */
	bool busy;
};

struct stream {
	struct screen *screen;
	int fd; /* -1: free */
	struct loop_watch *watch;
	struct loop_timer *timer;
	uint8_t data[LENGTH_BYTES + NAMES_QUERY_MAX_BYTES];
	size_t size;
	struct asker asker;
};

struct screen {
	struct loop *loop;
	struct policy *policy;
	int udp, tcp;
	struct loop_watch *udp_watch, *tcp_watch;
	struct asker pending[PENDING_MAX];
	struct stream streams[STREAMS_MAX];
	bool frozen;
	screen_refused_fn *refused;
	void *context;
};

static void close_stream(struct stream *stream)
{
	if (stream->fd < 0)
		return;
	policy_cancel(stream->screen->policy, &stream->asker);
	loop_unwatch(stream->watch);
	loop_timer_set(stream->timer, -1);
	close(stream->fd);
	stream->fd = -1;
	stream->watch = NULL;
	stream->size = 0;
	stream->asker.busy = false;
}

static void send_stream(struct stream *stream, const uint8_t *data, size_t size)
{
	uint8_t framed[LENGTH_BYTES + NAMES_ANSWER_MAX_BYTES];
	framed[0] = (uint8_t)(size >> 8);
	framed[1] = (uint8_t)size;
	memcpy(framed + LENGTH_BYTES, data, size);
	/* an answer is far smaller than a socket's buffer: a client that does not read its answers is cut off */
	if (send(stream->fd, framed, LENGTH_BYTES + size, MSG_NOSIGNAL) != (ssize_t)(LENGTH_BYTES + size))
		close_stream(stream);
}

static void reply(struct asker *asker, enum names_outcome outcome)
{
	uint8_t data[NAMES_ANSWER_MAX_BYTES];
	size_t size = 0;
	asker->busy = false;
	if (names_answer(&asker->query, outcome, data, &size) < 0)
		return;
	if (asker->stream) {
		(void)loop_watch_events(asker->stream->watch, EPOLLIN);
		send_stream(asker->stream, data, size);
	} else {
		(void)sendto(asker->screen->udp, data, size, MSG_NOSIGNAL, (const struct sockaddr *)&asker->peer,
			     asker->peer_size);
	}
}

static void on_policy(enum refusal refusal, void *context)
{
	struct asker *asker = context;
	struct screen *screen = asker->screen;
	if (screen->frozen || refusal == REFUSAL_NO_SESSION) {
		reply(asker, NAMES_FAILED);
		return;
	}
	if (refusal != REFUSAL_NONE)
		screen->refused(asker->query.host, refusal, screen->context);
	reply(asker, refusal == REFUSAL_NONE ? NAMES_LISTED : NAMES_REFUSED);
}

static void answer(struct asker *asker, enum names_verdict verdict)
{
	struct screen *screen = asker->screen;
	asker->busy = true;
	if (asker->query.type == 0)
		screen->refused("", REFUSAL_BAD_QUESTION, screen->context);
	if (screen->frozen)
		reply(asker, NAMES_FAILED);
	else if (verdict == NAMES_ASK)
		policy_ask_name(screen->policy, asker->query.host, on_policy, asker);
	else
		reply(asker, NAMES_REFUSED);
}

/* UDP */

/* With all places taken the question is dropped, and asked again by whoever asked. */
static struct asker *free_asker(struct screen *screen)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (!screen->pending[i].busy)
			return &screen->pending[i];
	return NULL;
}

static bool read_datagram(struct screen *screen)
{
	uint8_t data[NAMES_QUERY_MAX_BYTES + 1];
	struct sockaddr_storage peer;
	socklen_t peer_size = sizeof peer;
	ssize_t got = recvfrom(screen->udp, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&peer, &peer_size);
	if (got < 0)
		return errno == EINTR;
	struct asker *asker = free_asker(screen);
	if (!asker)
		return true;
	*asker = (struct asker){.screen = screen, .peer = peer, .peer_size = peer_size};
	enum names_verdict verdict = names_read(data, (size_t)got, &asker->query);
	if (verdict == NAMES_DROP)
		screen->refused("", REFUSAL_BAD_QUESTION, screen->context);
	else
		answer(asker, verdict);
	return true;
}

static void on_udp(uint32_t events, void *context)
{
	(void)events;
	for (int i = 0; i < DATAGRAMS_A_TURN && read_datagram(context); i++)
		;
}

/* TCP */

static size_t wanted(const struct stream *stream)
{
	if (stream->size < LENGTH_BYTES)
		return LENGTH_BYTES;
	return LENGTH_BYTES + ((size_t)stream->data[0] << 8 | stream->data[1]);
}

static void run_message(struct stream *stream)
{
	struct asker *asker = &stream->asker;
	size_t size = stream->size - LENGTH_BYTES;
	stream->size = 0;
	*asker = (struct asker){.screen = stream->screen, .stream = stream};
	enum names_verdict verdict = names_read(stream->data + LENGTH_BYTES, size, &asker->query);
	if (verdict == NAMES_DROP) {
		stream->screen->refused("", REFUSAL_BAD_QUESTION, stream->screen->context);
		close_stream(stream);
		return;
	}
	/* the next question waits in the kernel while policy is asked; that the client went away is still told */
	(void)loop_watch_events(stream->watch, 0);
	answer(asker, verdict);
}

/* One read a turn, never past the message. */
static void on_stream(uint32_t events, void *context)
{
	struct stream *stream = context;
	if (stream->asker.busy) {
		if (events & (EPOLLHUP | EPOLLERR))
			close_stream(stream);
		return;
	}
	if (wanted(stream) > sizeof stream->data) {
		close_stream(stream);
		return;
	}
	ssize_t got = recv(stream->fd, stream->data + stream->size, wanted(stream) - stream->size, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		close_stream(stream);
		return;
	}
	stream->size += (size_t)got;
	if (stream->size > LENGTH_BYTES && stream->size == wanted(stream))
		run_message(stream);
}

static void on_stream_timer(void *context) { close_stream(context); }

static struct stream *free_stream(struct screen *screen)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (screen->streams[i].fd < 0)
			return &screen->streams[i];
	return NULL;
}

static void on_tcp(uint32_t events, void *context)
{
	struct screen *screen = context;
	(void)events;
	int fd = accept4(screen->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct stream *stream = free_stream(screen);
	if (!stream) {
		close(fd);
		return;
	}
	stream->fd = fd;
	stream->watch = loop_watch(screen->loop, fd, EPOLLIN, on_stream, stream);
	loop_timer_set(stream->timer, STREAM_MS);
	if (!stream->watch)
		close_stream(stream);
}

static bool make_streams(struct screen *screen)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *stream = &screen->streams[i];
		*stream = (struct stream){.screen = screen, .fd = -1};
		stream->timer = loop_timer(screen->loop, on_stream_timer, stream);
		if (!stream->timer)
			return false;
	}
	return true;
}

struct screen *screen_new(struct loop *loop, struct policy *policy, int udp, int tcp, screen_refused_fn *refused,
			  void *context)
{
	struct screen *screen = calloc(1, sizeof *screen);
	if (!screen)
		return NULL;
	*screen = (struct screen){
	    .loop = loop, .policy = policy, .udp = udp, .tcp = tcp, .refused = refused, .context = context};
	bool good = make_streams(screen);
	screen->udp_watch = loop_watch(loop, udp, EPOLLIN, on_udp, screen);
	screen->tcp_watch = loop_watch(loop, tcp, EPOLLIN, on_tcp, screen);
	if (!good || !screen->udp_watch || !screen->tcp_watch) {
		screen_free(screen);
		return NULL;
	}
	return screen;
}

void screen_free(struct screen *screen)
{
	if (!screen)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++)
		policy_cancel(screen->policy, &screen->pending[i]);
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (screen->streams[i].screen)
			close_stream(&screen->streams[i]);
		loop_timer_free(screen->streams[i].timer);
	}
	loop_unwatch(screen->udp_watch);
	loop_unwatch(screen->tcp_watch);
	close(screen->udp);
	close(screen->tcp);
	free(screen);
}

void screen_freeze(struct screen *screen, bool frozen) { screen->frozen = frozen; }

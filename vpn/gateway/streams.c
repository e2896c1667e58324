#include "vpn/gateway/streams.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ALIVE_EVERY_MS = 5000, REVISION_SIZE = 48 };

static void revision_text(const struct streams *streams, char text[REVISION_SIZE])
{
	snprintf(text, REVISION_SIZE, "%" PRIu64 "-%" PRIu64, streams->since, streams->revision);
}

/* A page that reads too slowly misses one: the next says the same. */
static void tell(const struct streams *streams, struct http_request *request, const char *event)
{
	char text[160], revision[REVISION_SIZE];
	revision_text(streams, revision);
	snprintf(text, sizeof text, "id: %s\nevent: %s\ndata: {\"now\":%" PRId64 ",\"revision\":\"%s\"}\n\n", revision,
		 event, (int64_t)time(NULL), revision);
	http_stream_send(request, text);
}

/* To all whose session still stands; the others end with it. */
static void tell_all(struct streams *streams, const char *event)
{
	bool left = false;
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct http_request *request = streams->ids[i] ? streams->find(streams->ids[i]) : NULL;
		if (request && streams->session_of(request)) {
			tell(streams, request, event);
			left = true;
			continue;
		}
		if (request)
			http_stream_end(request);
		streams->ids[i] = 0;
	}
	loop_timer_set(streams->alive, left ? ALIVE_EVERY_MS : -1);
}

void streams_review(struct streams *streams) { tell_all(streams, "alive"); }

static void on_alive(void *context) { streams_review(context); }

int streams_begin(struct streams *streams, struct loop *loop)
{
	streams->alive = loop_timer(loop, on_alive, streams);
	return streams->alive ? 0 : -ENOMEM;
}

bool streams_add(struct streams *streams, struct http_request *request)
{
	char revision[REVISION_SIZE];
	const void *session = streams->session_of(request);
	const char *last = http_header(request, "Last-Event-ID");
	uint32_t *place = NULL;
	unsigned own = 0;
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct http_request *other = streams->ids[i] ? streams->find(streams->ids[i]) : NULL;
		if (!other)
			place = &streams->ids[i];
		else
			own += streams->session_of(other) == session;
	}
	if (!place || own >= STREAMS_PER_SESSION_MAX)
		return false;
	*place = http_id(request);
	http_stream(request, "text/event-stream");
	revision_text(streams, revision);
	tell(streams, request, last && strcmp(last, revision) == 0 ? "alive" : "changed");
	loop_timer_set(streams->alive, ALIVE_EVERY_MS);
	return true;
}

void streams_changed(struct streams *streams, uint64_t since, uint64_t revision)
{
	streams->since = since;
	streams->revision = revision;
	tell_all(streams, "changed");
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/briefs.h"
#include "launcher/ground.h"
#include "launcher/stick.h"
#include "launcher/stick_wifi.h"

/* What each process is told when it starts, the first time and every other time. 0 or -errno. */

static int send_brief(struct stick *s, enum stick_process to, enum message type, struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : crew_send(&s->crew, to, (uint16_t)type, 0, w->data, w->size);
	wipe(w->data, w->capacity);
	return error;
}

static uint8_t scratch[MSG_PAYLOAD_MAX_BYTES];

/* What may be large, with room of its own; `w` is read no more. */
static int send_large_brief(struct stick *s, enum stick_process to, enum message type, struct writer *w)
{
	int error = w->data ? send_brief(s, to, type, w) : -ENOMEM;
	free(w->data);
	if (error)
		log_error("%s cannot be told what it needs: %s", process_row(to)->name, strerror(-error));
	return error;
}

static struct writer room_for(size_t size)
{
	uint8_t *data = malloc(size);
	return writer_over(data, data ? size : 0);
}

static size_t text_size(const char *text) { return sizeof(uint32_t) + (text ? strlen(text) : 0); }

static int start_tunnel(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	int error = brief_tunnel(&w, &s->provision, s->gateways, s->policy, s->lost_gateway);
	s->lost_gateway[0] = '\0';
	if (!error)
		error = crew_start(&s->crew, PROCESS_TUNNEL, NULL, 0);
	if (!error)
		error = send_brief(s, PROCESS_TUNNEL, MSG_TUNNEL_CONFIG, &w);
	wipe(scratch, sizeof scratch);
	if (!error && s->link_up)
		error = crew_send(&s->crew, PROCESS_TUNNEL, MSG_TUNNEL_RETRY, 0, NULL, 0);
	return error;
}

void stick_turn_to_gateways(struct stick *s)
{
	if (!s->gateways_next)
		return;
	log_info("list of gateways %llu is in use from now on", (unsigned long long)s->gateways_next->version);
	gateways_free(s->gateways);
	s->gateways = s->gateways_next;
	s->gateways_next = NULL;
	s->agent_gateway[0] = '\0'; /* the same name may have another address, certificate and pin */
	tell_wall(s);
	if (!crew_runs(&s->crew, PROCESS_TUNNEL))
		return; /* it is told when it starts */
	crew_stop(&s->crew, PROCESS_TUNNEL);
	/* this process begins at the top of its list, where the one that has just died may stand */
	snprintf(s->lost_gateway, sizeof s->lost_gateway, "%s", s->tunnel.gateway);
	stick_start(s, PROCESS_TUNNEL);
}

void stick_brief_policy(struct stick *s)
{
	uint64_t now = (uint64_t)time(NULL), floor = stick_time_floor(s);
	struct writer w =
	    room_for(text_size(s->about.roots) + text_size(s->about.policy) + text_size(s->provision.kept_policy) +
		     text_size(s->provision.gateways) + text_size(s->provision.kept_gateways) + 3 * sizeof(uint64_t));
	write_str(&w, s->about.roots);
	write_str(&w, s->about.policy);
	write_str(&w, s->provision.kept_policy);
	write_str(&w, s->provision.gateways);
	write_str(&w, s->provision.kept_gateways);
	write_u64(&w, now > floor ? now : floor);
	write_u64(&w, s->provision.kept_policy_version);
	write_u64(&w, s->provision.kept_gateways_version);
	(void)send_large_brief(s, PROCESS_POLICY, MSG_POLICY_LOAD, &w);
}

static int start_keyholder(struct stick *s)
{
	struct writer w = writer_over(scratch, sizeof scratch);
	write_blob(&w, s->provision.identity_key, s->provision.has_identity ? sizeof s->provision.identity_key : 0);
	write_blob(&w, s->provision.pin_secret, s->provision.has_pin ? sizeof s->provision.pin_secret : 0);
	int error = crew_start(&s->crew, PROCESS_KEYHOLDER, NULL, 0);
	if (!error)
		error = send_brief(s, PROCESS_KEYHOLDER, MSG_KEY_LOAD, &w);
	if (!error)
		stick_brief_clients(s);
	return error;
}

static int start_agent(struct stick *s)
{
	int error = crew_start(&s->crew, PROCESS_AGENT, NULL, 0);
	if (error)
		return error;
	/* With its first configuration it sends its first beacon, in which our health is to be. */
	tell_agent_health(s);
	tell_agent_config(s);
	fetch_agent_anew(s);
	return 0;
}

static int start_seatd(struct stick *s) { return crew_start(&s->crew, PROCESS_SEATD, &s->seat_fds[1], 1); }

/* Without udevd and seatd there is nothing to draw on; one that says nothing for seconds may be there all the same. */
static int start_screen(struct stick *s)
{
	loop_timer_set(s->screen_wait, -1);
	return crew_start(&s->crew, PROCESS_SCREEN, NULL, 0);
}

static int (*const starts[PROCESS_COUNT])(struct stick *s) = {
    [PROCESS_RECORD] = record_start, [PROCESS_TUNNEL] = start_tunnel,     [PROCESS_KEYHOLDER] = start_keyholder,
    [PROCESS_AGENT] = start_agent,   [PROCESS_SEATD] = start_seatd,       [PROCESS_SCREEN] = start_screen,
    [PROCESS_WIFI] = wifi_start,     [PROCESS_TOKEN] = stick_start_token,
};

void stick_start(struct stick *s, enum stick_process which)
{
	int error = starts[which] ? starts[which](s) : crew_start(&s->crew, which, NULL, 0);
	if (!error || error == -EALREADY)
		return;
	log_error("%s does not start: %s", process_row(which)->name, strerror(-error));
	if (which == PROCESS_RECORD)
		record_not_started(s, error);
	crew_start_later(&s->crew, which);
}

void stick_restart_screen(struct stick *s)
{
	crew_stop(&s->crew, PROCESS_SCREEN);
	s->screen_ready = false;
	stick_start(s, PROCESS_SCREEN);
}

/* --- the screen waits for udevd and seatd --- */

static void screen_may_start(struct stick *s)
{
	if (s->udev_listens && s->seat_listens && !crew_runs(&s->crew, PROCESS_SCREEN))
		stick_start(s, PROCESS_SCREEN);
}

static void on_udev(uint32_t events, void *context)
{
	(void)events;
	struct stick *s = context;
	char text[256];
	ssize_t got = recv(s->udev_fd, text, sizeof text - 1, MSG_DONTWAIT);
	if (got <= 0)
		return;
	text[got] = '\0';
	if (!strstr(text, "READY=1"))
		return;
	ground_announce_devices();
	s->udev_listens = true;
	screen_may_start(s);
}

static void on_seat(uint32_t events, void *context)
{
	(void)events;
	struct stick *s = context;
	char byte[8];
	if (read(s->seat_fds[0], byte, sizeof byte) <= 0)
		return;
	s->seat_listens = true;
	screen_may_start(s);
}

int stick_open_screen(struct stick *s)
{
	s->udev_fd = ground_udev_notify();
	if (s->udev_fd < 0)
		return s->udev_fd;
	if (pipe2(s->seat_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	if (!loop_watch(s->loop, s->udev_fd, EPOLLIN, on_udev, s) ||
	    !loop_watch(s->loop, s->seat_fds[0], EPOLLIN, on_seat, s))
		return -errno;
	stick_start(s, PROCESS_UDEVD);
	stick_start(s, PROCESS_SEATD);
	return 0;
}

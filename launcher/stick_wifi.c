#include "launcher/stick_wifi.h"

#include <errno.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"

enum { KEPT_BYTES = 1 + WIFI_KEPT_MAX * 128, REPORT_BYTES = 64 + WIFI_NETWORKS_MAX * 48 };

static int tell_link(struct stick *s, enum message type, const struct writer *w)
{
	return w->failed ? -EMSGSIZE : crew_send(&s->crew, PROCESS_LINK, (uint16_t)type, 0, w->data, w->size);
}

/* What the kiosk and the record may not have kept is gone with wpa_supplicant: it is told all of it again. */
int wifi_start(struct stick *s)
{
	uint8_t payload[KEPT_BYTES];
	int error = crew_start(&s->crew, PROCESS_WIFI, NULL, 0);
	if (error)
		return error;
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, (uint8_t)s->provision.wifi.count);
	for (size_t i = 0; i < s->provision.wifi.count; i++)
		wifi_credential_write(&w, &s->provision.wifi.list[i]);
	error = tell_link(s, MSG_LINK_WIFI_KEPT, &w);
	wipe(payload, sizeof payload);
	return error;
}

void wifi_link_died(struct stick *s)
{
	crew_stop(&s->crew, PROCESS_WIFI);
	s->wifi = (struct wifi_report){0};
	wipe(&s->wifi_chosen, sizeof s->wifi_chosen);
	wifi_tell_kiosk(s);
}

const char *wifi_code(const struct stick *s)
{
	static const char *const codes[WIFI_TROUBLE_COUNT] = {[WIFI_FINE] = "wifi_none",
							      [WIFI_WRONG_PASSWORD] = "wifi_wrong_password",
							      [WIFI_NOT_FOUND] = "wifi_not_found",
							      [WIFI_REFUSED] = "wifi_refused"};
	return codes[s->wifi.trouble];
}

bool wifi_carries(const struct stick *s) { return strncmp(s->link_name, "wlan", 4) == 0; }

void wifi_tell_kiosk(struct stick *s)
{
	uint8_t payload[REPORT_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	wifi_report_write(&w, &s->wifi);
	if (!s->screen_ready)
		return;
	int error = w.failed ? -EMSGSIZE : crew_send(&s->crew, PROCESS_SCREEN, MSG_KIOSK_WIFI, 0, payload, w.size);
	if (error)
		log_warn("the kiosk was not told of Wi-Fi: %s", strerror(-error));
}

static bool is_chosen(const struct stick *s)
{
	return s->wifi_chosen.ssid.size > 0 && s->wifi.security == s->wifi_chosen.security &&
	       wifi_ssid_same(&s->wifi.ssid, &s->wifi_chosen.ssid);
}

/* Only what has worked is kept. One that has not is forgotten with the word of it: the network may be joined the next
 * moment all the same, by the password that was kept for it before. */
static void settle_chosen(struct stick *s, enum wifi_state before)
{
	if (before != WIFI_JOINING || s->wifi.state == WIFI_JOINING)
		return;
	if (s->wifi.state == WIFI_JOINED && is_chosen(s) && wifi_keep(&s->provision.wifi, &s->wifi_chosen))
		stick_store(s);
	wipe(&s->wifi_chosen, sizeof s->wifi_chosen);
}

int hear_wifi(struct stick *s, struct msg *m)
{
	struct wifi_report report;
	struct reader r = reader_over(m->payload, m->size);
	if (!wifi_report_read(&r, &report) || !reader_done(&r))
		return -EBADMSG;
	if (report.state != s->wifi.state)
		log_info("Wi-Fi: %s", report.state == WIFI_ABSENT    ? "none"
				      : report.state == WIFI_JOINED  ? "joined"
				      : report.state == WIFI_JOINING ? "joining"
								     : "ready");
	const enum wifi_state before = s->wifi.state;
	s->wifi = report;
	if (report.state != WIFI_ABSENT && !crew_runs(&s->crew, PROCESS_WIFI))
		stick_start(s, PROCESS_WIFI);
	settle_chosen(s, before);
	wifi_tell_kiosk(s);
	stick_tell_link(s);
	return 0;
}

int hear_wifi_look(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	uint8_t payload[1] = {read_u8(&r)};
	if (!reader_done(&r) || payload[0] > 1)
		return -EBADMSG;
	(void)crew_send(&s->crew, PROCESS_LINK, MSG_LINK_WIFI_LOOK, 0, payload, sizeof payload);
	return 0;
}

int hear_wifi_join(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	bool good = wifi_credential_read(&r, &s->wifi_chosen) && reader_done(&r);
	if (!good) {
		wipe(&s->wifi_chosen, sizeof s->wifi_chosen);
		return -EBADMSG;
	}
	int error = crew_send(&s->crew, PROCESS_LINK, MSG_LINK_WIFI_JOIN, 0, m->payload, m->size);
	if (error)
		log_warn("link was not told of the chosen network: %s", strerror(-error));
	return 0;
}

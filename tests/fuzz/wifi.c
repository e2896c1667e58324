#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "launcher/link_wifi.h"
#include "launcher/link_wpa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_warn(const char *format, ...) { (void)format; }

/* A command is one line in one datagram, whatever was said before. */
static int send_command(void *context, const char *text, size_t size)
{
	(void)context;
	if (size == 0 || size >= LINK_WIFI_COMMAND_BYTES || strlen(text) != size || strchr(text, '\n'))
		abort();
	return 0;
}

static void check_report(void *context)
{
	const struct wifi_report *report = &((struct wifi_client *)context)->report;
	char text[WIFI_TEXT_BYTES];
	uint8_t bytes[4096];
	if (report->count > WIFI_NETWORKS_MAX)
		abort();
	for (size_t i = 0; i < report->count; i++) {
		if (report->list[i].ssid.size == 0 || report->list[i].ssid.size > WIFI_SSID_BYTES ||
		    (i > 0 && report->list[i].strength > report->list[i - 1].strength))
			abort();
		wifi_ssid_text(&report->list[i].ssid, text);
		for (const char *c = text; *c; c++)
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				abort();
	}
	struct wifi_report again;
	struct writer w = writer_over(bytes, sizeof bytes);
	wifi_report_write(&w, report);
	struct reader r = reader_over(bytes, w.size);
	if (w.failed || !wifi_report_read(&r, &again) || !reader_done(&r))
		abort();
}

/* Datagrams, each up to a NUL byte; between them the clock ticks. Whatever is said, no network is joined but the two
 * that were chosen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wifi_client client = {.send = send_command, .changed = check_report};
	client.context = &client;
	struct wifi_kept kept = {.count = 1,
				 .list = {{.ssid = {4, "home"}, .security = WIFI_WPA3, .password = "12345678"}}};
	const struct wifi_credential choice = {.ssid = {4, "cafe"}, .security = WIFI_OPEN};
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	wifi_client_radio(&client, "wlan0");
	wifi_client_begin(&client, &kept);
	for (size_t at = 0, nth = 0; at <= size; at += strlen(text + at) + 1, nth++) {
		wifi_client_take(&client, text + at);
		if (nth == 30)
			wifi_client_join(&client, &choice);
		if (nth % 16 == 15)
			wifi_client_tick(&client);
		wifi_client_look(&client, nth & 1);
	}
	struct reader r = reader_over(data, size);
	struct wifi_report report;
	(void)wifi_report_read(&r, &report);
	if (client.kept.count > 1 && client.kept.list[0].security == WIFI_OPEN)
		abort();
	free(text);
	return 0;
}

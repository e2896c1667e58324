/*
 * link_radio - link's socket to wpa_supplicant, and the launcher's words about Wi-Fi: what link_wifi.h decides,
 * carried.
 */
#ifndef LAUNCHER_LINK_RADIO_H
#define LAUNCHER_LINK_RADIO_H

#include <stddef.h>

#include "firmware/lib/channel.h"
#include "firmware/lib/loop.h"
#include "launcher/link_view.h"
#include "launcher/wifi.h"

/* Once, before the sandbox. `changed` is called with the report whenever it is another one. 0 or -errno. */
int radio_open(struct loop *loop, void (*changed)(const struct wifi_report *report));

/* What the kernel has now: the first radio is used, and only while no cable is in. */
void radio_see(const struct link_view *view);

/* MSG_LINK_WIFI_KEPT, MSG_LINK_WIFI_LOOK, MSG_LINK_WIFI_JOIN from the launcher. */
enum { RADIO_ROWS = 3 };
extern const struct channel_row radio_rows[RADIO_ROWS];

#endif

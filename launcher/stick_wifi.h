/*
 * stick_wifi - the launcher's part in Wi-Fi: starts wpa_supplicant where there is a radio, carries the kiosk's choice
 * to link, and keeps in the record what has worked. Internal to the parent process (stick.h).
 */
#ifndef LAUNCHER_STICK_WIFI_H
#define LAUNCHER_STICK_WIFI_H

#include "launcher/stick.h"

/* wpa_supplicant, and link told that it is another one. 0 or -errno. */
int wifi_start(struct stick *s);

/* Nobody drives wpa_supplicant any more: it ends too, and the next link begins with another one. */
void wifi_link_died(struct stick *s);

/* Where there is no cable: the code of the step that says why there is no Wi-Fi either (kiosk/strings). */
const char *wifi_code(const struct stick *s);

/* The way out that stands is Wi-Fi. */
bool wifi_carries(const struct stick *s);

void wifi_tell_kiosk(struct stick *s);

/* MSG_LINK_WIFI; MSG_KIOSK_WIFI_LOOK, MSG_KIOSK_WIFI_JOIN. */
int hear_wifi(struct stick *s, struct msg *m);
int hear_wifi_look(struct stick *s, struct msg *m);
int hear_wifi_join(struct stick *s, struct msg *m);

#endif

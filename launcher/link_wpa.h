/*
 * link_wpa - what wpa_supplicant says, read: its list of networks and its events, in the text of its control interface
 * (wpa_supplicant/ctrl_iface, "SCAN_RESULTS" and the CTRL-EVENT lines of its wpa_ctrl.h).
 *
 * Names of networks in it are strangers' bytes, in wpa_supplicant's escapes; every reading is bounded, and what cannot
 * be read is passed over. Pure.
 */
#ifndef LAUNCHER_LINK_WPA_H
#define LAUNCHER_LINK_WPA_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/wifi.h"

enum wpa_event {
	WPA_EVENT_NONE, /* no event, or one that is of no interest */
	WPA_EVENT_SCANNED,
	WPA_EVENT_CONNECTED,
	WPA_EVENT_DISCONNECTED,
	WPA_EVENT_WRONG_KEY, /* the handshake failed as it does with a wrong password */
	WPA_EVENT_REJECTED,
	WPA_EVENT_NOT_FOUND,
	WPA_EVENT_TERMINATING,
};

/* The interface's event in one datagram, "IFNAME=interface <N>CTRL-EVENT-...". True: it is an event of anybody's, and
 * no answer to a command. *id is the network's number, -1 where none is named. */
bool wpa_event_read(const char *text, const char *interface, enum wpa_event *event, int *id);

/* The answer to SCAN_RESULTS, whole or cut off: fills `list` (WIFI_NETWORKS_MAX), strongest first, each name and
 * protection once. How many there are. */
size_t wpa_scan_read(const char *text, struct wifi_network *list);

/* A name in wpa_supplicant's escapes, up to the end of the line. False: it is none, is longer than names are, or is one
 * that hides. */
bool wpa_ssid_read(const char *text, struct wifi_ssid *ssid);

/* What the flags of a line say: "[WPA2-PSK-CCMP][ESS]". */
enum wifi_security wpa_security(const char *flags, size_t size);

/* Bytes as hexadecimal text with its NUL: `out` holds 2 * size + 1. */
void wpa_hex(const uint8_t *bytes, size_t size, char *out);

#endif

#include "launcher/link_wifi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "launcher/link_wpa.h"

enum command {
	COMMAND_ATTACH,
	COMMAND_INTERFACE,
	COMMAND_SET,
	COMMAND_FORGET,
	COMMAND_ADD,
	COMMAND_FIELD,
	COMMAND_ENABLE,
	COMMAND_SELECT,
	COMMAND_SCAN,
	COMMAND_RESULTS,
	COMMAND_DISCONNECT,
	COMMAND_RECONNECT,
	COMMAND_COUNT
};

/*
 * Of the interface (wpa_supplicant.conf(5)). A made-up address until a network is joined, and the card's own in it:
 * home routers lease by it. No search for a name that nobody near has said: a list of where the customer has been would
 * be told to everybody.
 */
static const char *const settings[] = {
    "preassoc_mac_addr 1", "rand_addr_lifetime 0", "mac_addr 0", "sae_pwe 2", "pmf 1",
    "p2p_disabled 1",      "update_config 0",
};

enum {
	SETTING_COUNT = sizeof settings / sizeof settings[0],
	FIELDS_MAX = 9,
	MISSES_MAX = 3,
	SILENT_TICKS_MAX = 3,
	REST_TICKS = 2,
	JOINING_TICKS_MAX = 12,
};

/* Of a network, by its protection. "%h" is the name in hexadecimal, "%p" the password. Never WPA 1, never TKIP. */
static const char *const fields[WIFI_SECURITY_COUNT][FIELDS_MAX] = {
    [WIFI_OPEN] = {"ssid %h", "scan_ssid 0", "key_mgmt NONE", "auth_alg OPEN"},
    [WIFI_WPA2] = {"ssid %h", "scan_ssid 0", "proto RSN", "key_mgmt WPA-PSK WPA-PSK-SHA256", "pairwise CCMP",
		   "group CCMP", "ieee80211w 1", "psk \"%p\""},
    [WIFI_WPA3] = {"ssid %h", "scan_ssid 0", "proto RSN", "key_mgmt SAE", "pairwise CCMP GCMP-256 CCMP-256",
		   "group CCMP GCMP-256 CCMP-256", "ieee80211w 2", "sae_password \"%p\""},
};

static const struct wifi_credential *slot_of(const struct wifi_client *client, size_t slot)
{
	if (slot == WIFI_KEPT_MAX)
		return client->wanted.ssid.size > 0 ? &client->wanted : NULL;
	return slot < client->kept.count ? &client->kept.list[slot] : NULL;
}

/* --- commands as text --- */

static size_t field_text(const struct wifi_credential *credential, const char *field, char *out, size_t capacity)
{
	char hex[2 * WIFI_SSID_BYTES + 1];
	wpa_hex(credential->ssid.bytes, credential->ssid.size, hex);
	size_t used = 0;
	for (; *field && used + 1 < capacity; field++) {
		if (*field != '%') {
			out[used++] = *field;
			continue;
		}
		field++;
		int size = snprintf(out + used, capacity - used, "%s", *field == 'h' ? hex : credential->password);
		used += (size_t)size < capacity - used ? (size_t)size : capacity - used - 1;
	}
	out[used] = '\0';
	return used;
}

size_t wifi_client_command(const struct wifi_client *client, const struct wifi_order *order, char *out)
{
	static const char *const words[COMMAND_COUNT] = {
	    [COMMAND_SCAN] = "SCAN",
	    [COMMAND_RESULTS] = "SCAN_RESULTS",
	    [COMMAND_DISCONNECT] = "DISCONNECT",
	    [COMMAND_RECONNECT] = "RECONNECT",
	    [COMMAND_FORGET] = "REMOVE_NETWORK all",
	    [COMMAND_ADD] = "ADD_NETWORK",
	};
	const size_t room = LINK_WIFI_COMMAND_BYTES;
	const struct wifi_credential *credential = slot_of(client, order->slot);
	int id = client->ids[order->slot], used = 0;
	switch ((enum command)order->command) {
	case COMMAND_ATTACH:
		used = snprintf(out, room, "ATTACH");
		break;
	case COMMAND_INTERFACE:
		used = snprintf(out, room, "INTERFACE_ADD %s\t\tnl80211", client->interface);
		break;
	case COMMAND_SET:
		used = snprintf(out, room, "IFNAME=%s SET %s", client->interface, settings[order->field]);
		break;
	case COMMAND_ENABLE:
		used = snprintf(out, room, "IFNAME=%s ENABLE_NETWORK %d", client->interface, id);
		break;
	case COMMAND_SELECT:
		used = snprintf(out, room, "IFNAME=%s SELECT_NETWORK %d", client->interface, id);
		break;
	case COMMAND_FIELD:
		/* chosen anew while this waited, as one of fewer fields */
		if (!credential || id < 0 || !fields[credential->security][order->field])
			break;
		used = snprintf(out, room, "IFNAME=%s SET_NETWORK %d ", client->interface, id);
		return (size_t)used + field_text(credential, fields[credential->security][order->field], out + used,
						 room - (size_t)used);
	default:
		used = snprintf(out, room, "IFNAME=%s %s", client->interface, words[order->command]);
	}
	return used > 0 ? (size_t)used : 0;
}

/* --- the queue --- */

static void push(struct wifi_client *client, enum command command, size_t slot, size_t field)
{
	if (client->queued == LINK_WIFI_QUEUE_MAX)
		return; /* wpa_supplicant is slow; the next tick begins anew */
	client->queue[client->queued++] = (struct wifi_order){
	    .command = (unsigned char)command, .slot = (unsigned char)slot, .field = (unsigned char)field};
}

/* One of a kind is enough. */
static void push_once(struct wifi_client *client, enum command command)
{
	for (size_t i = client->waiting ? 1 : 0; i < client->queued; i++)
		if (client->queue[i].command == command)
			return;
	push(client, command, 0, 0);
}

static void pop(struct wifi_client *client)
{
	client->queued--;
	memmove(client->queue, client->queue + 1, client->queued * sizeof client->queue[0]);
}

static void pump(struct wifi_client *client)
{
	char text[LINK_WIFI_COMMAND_BYTES];
	while (client->queued > 0 && !client->waiting) {
		size_t size = wifi_client_command(client, &client->queue[0], text);
		if (size == 0) { /* what it is about is gone */
			pop(client);
			continue;
		}
		int error = client->send(client->context, text, size);
		wipe(text, sizeof text);
		if (error)
			return; /* tick() asks again */
		client->waiting = true;
	}
}

static void push_network(struct wifi_client *client, size_t slot)
{
	const struct wifi_credential *credential = slot_of(client, slot);
	if (!credential)
		return;
	push(client, COMMAND_ADD, slot, 0);
	for (size_t i = 0; i < FIELDS_MAX && fields[credential->security][i]; i++)
		push(client, COMMAND_FIELD, slot, i);
	push(client, slot == WIFI_KEPT_MAX ? COMMAND_SELECT : COMMAND_ENABLE, slot, 0);
}

/* All networks anew: the one that is wanted alone, else those that are kept, else none. */
static void push_networks(struct wifi_client *client)
{
	for (size_t i = 0; i < LINK_WIFI_SLOTS; i++)
		client->ids[i] = -1;
	push(client, COMMAND_DISCONNECT, 0, 0);
	push(client, COMMAND_FORGET, 0, 0);
	if (client->held)
		return;
	if (client->wanted.ssid.size > 0) {
		push_network(client, WIFI_KEPT_MAX);
		return;
	}
	for (size_t i = 0; i < client->kept.count; i++)
		push_network(client, i);
	/* After DISCONNECT a network that is enabled, unlike one that is selected, waits for this word. */
	if (client->kept.count > 0)
		push(client, COMMAND_RECONNECT, 0, 0);
}

static void set_state(struct wifi_client *client, enum wifi_state state, enum wifi_trouble trouble,
		      const struct wifi_credential *of)
{
	struct wifi_report *report = &client->report;
	const struct wifi_ssid none = {0}, *ssid = of ? &of->ssid : &none;
	enum wifi_security security = of ? of->security : WIFI_OPEN;
	if (report->state == state && report->trouble == trouble && report->security == security &&
	    wifi_ssid_same(&report->ssid, ssid))
		return;
	report->state = state;
	report->trouble = trouble;
	report->ssid = *ssid;
	report->security = security;
	client->changed(client->context);
}

static void begin(struct wifi_client *client)
{
	client->queued = client->silent_ticks = client->rest_ticks = 0;
	client->waiting = client->running = false;
	if (!client->interface[0])
		return;
	push(client, COMMAND_ATTACH, 0, 0);
	push(client, COMMAND_INTERFACE, 0, 0);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		push(client, COMMAND_SET, 0, i);
	push_networks(client);
	if (client->looking)
		push(client, COMMAND_SCAN, 0, 0);
	pump(client);
}

/* --- what the owner says --- */

void wifi_client_radio(struct wifi_client *client, const char *interface)
{
	if (strcmp(client->interface, interface) == 0)
		return;
	snprintf(client->interface, sizeof client->interface, "%s", interface);
	client->queued = 0;
	client->waiting = client->running = false;
	client->report.count = 0;
	set_state(client, interface[0] ? WIFI_IDLE : WIFI_ABSENT, WIFI_FINE, NULL);
}

void wifi_client_begin(struct wifi_client *client, const struct wifi_kept *kept)
{
	client->kept = *kept;
	if (client->report.state == WIFI_JOINED) /* the one before was */
		set_state(client, WIFI_IDLE, WIFI_FINE, NULL);
	begin(client);
}

static void networks_anew(struct wifi_client *client)
{
	if (!client->running)
		return;
	push_networks(client);
	pump(client);
}

void wifi_client_hold(struct wifi_client *client, bool held)
{
	if (client->held == held)
		return;
	client->held = held;
	networks_anew(client);
	if (held && client->interface[0])
		set_state(client, WIFI_IDLE, WIFI_FINE, NULL);
}

static void search(struct wifi_client *client)
{
	if (!client->running || !client->looking)
		return;
	push_once(client, COMMAND_SCAN);
	pump(client);
}

void wifi_client_look(struct wifi_client *client, bool looking)
{
	client->looking = looking;
	search(client);
}

void wifi_client_join(struct wifi_client *client, const struct wifi_credential *credential)
{
	if (!client->interface[0] || client->held || !wifi_credential_fits(credential))
		return;
	client->wanted = *credential;
	client->misses = client->rest_ticks = client->joining_ticks = 0;
	set_state(client, WIFI_JOINING, WIFI_FINE, &client->wanted);
	networks_anew(client);
}

/* --- what wpa_supplicant says --- */

/* The choice did not work: say why, and go back to the networks that are kept. */
static void give_up(struct wifi_client *client, enum wifi_trouble trouble)
{
	struct wifi_credential failed = client->wanted;
	wipe(&client->wanted, sizeof client->wanted);
	set_state(client, WIFI_IDLE, trouble, &failed);
	wipe(&failed, sizeof failed);
	networks_anew(client);
}

static const struct wifi_credential *credential_of(const struct wifi_client *client, int id)
{
	for (size_t slot = 0; slot < LINK_WIFI_SLOTS; slot++)
		if (id >= 0 && client->ids[slot] == id)
			return slot_of(client, slot);
	return NULL;
}

/* From now on it is one of those that are gone back to. */
static void joined(struct wifi_client *client, int id)
{
	const struct wifi_credential *credential = credential_of(client, id);
	if (!credential)
		return;
	set_state(client, WIFI_JOINED, WIFI_FINE, credential);
	if (credential == &client->wanted)
		(void)wifi_keep(&client->kept, credential);
}

static bool about_wanted(const struct wifi_client *client, int id)
{
	return client->wanted.ssid.size > 0 && client->report.state != WIFI_JOINED && client->ids[WIFI_KEPT_MAX] >= 0 &&
	       (id < 0 || id == client->ids[WIFI_KEPT_MAX]);
}

/*
 * wpa_supplicant gives a network up for longer each time that somebody answers to its name and cannot prove it: up to
 * five minutes (wpas_auth_failed), in which nothing is searched at all. A false one that goes away would leave that
 * behind. So the network is told anew after a rest, and the counting begins again. All that a false one gains by this
 * is a try at the password every few seconds instead of every few minutes.
 */
static void set_back(struct wifi_client *client)
{
	if (client->rest_ticks == 0)
		client->rest_ticks = REST_TICKS;
}

static void take_event(struct wifi_client *client, enum wpa_event event, int id)
{
	switch (event) {
	case WPA_EVENT_SCANNED:
		push_once(client, COMMAND_RESULTS);
		break;
	case WPA_EVENT_CONNECTED:
		joined(client, id);
		break;
	case WPA_EVENT_DISCONNECTED:
		/* It tries again by itself; a network whose password is right is not given up for it. */
		if (client->report.state == WIFI_JOINED)
			set_state(client, WIFI_IDLE, WIFI_FINE, NULL);
		break;
	case WPA_EVENT_WRONG_KEY:
		if (about_wanted(client, id))
			give_up(client, WIFI_WRONG_PASSWORD);
		else if (credential_of(client, id)) { /* tried again all the same: the false one may go away */
			set_state(client, WIFI_IDLE, WIFI_WRONG_PASSWORD, credential_of(client, id));
			set_back(client);
		}
		break;
	case WPA_EVENT_REJECTED:
		/* The number stands only where wpa_supplicant itself gives the network up for a while. */
		if (id >= 0 && about_wanted(client, id))
			give_up(client, client->wanted.security == WIFI_WPA3 ? WIFI_WRONG_PASSWORD : WIFI_REFUSED);
		else if (credential_of(client, id))
			set_back(client);
		break;
	case WPA_EVENT_NOT_FOUND:
		if (about_wanted(client, id) && ++client->misses >= MISSES_MAX)
			give_up(client, WIFI_NOT_FOUND);
		break;
	case WPA_EVENT_TERMINATING:
	case WPA_EVENT_NONE:
		break;
	}
}

static void take_results(struct wifi_client *client, const char *text)
{
	struct wifi_network list[WIFI_NETWORKS_MAX] = {0};
	size_t count = wpa_scan_read(text, list);
	if (count == client->report.count && memcmp(list, client->report.list, count * sizeof list[0]) == 0)
		return;
	memcpy(client->report.list, list, sizeof list);
	client->report.count = count;
	client->changed(client->context);
}

static void take_answer(struct wifi_client *client, const char *text)
{
	const struct wifi_order order = client->queue[0];
	bool failed = strncmp(text, "FAIL", 4) == 0 || strncmp(text, "UNKNOWN", 7) == 0;
	client->waiting = false;
	client->silent_ticks = 0;
	pop(client);
	if (order.command == COMMAND_RESULTS && !failed)
		take_results(client, text);
	else if (order.command == COMMAND_ADD)
		client->ids[order.slot] = failed ? -1 : (int)strtol(text, NULL, 10);
	else if (order.command == COMMAND_INTERFACE)
		client->running = true; /* one that is there already is refused a second time */
	/* A search that is under way refuses another one; its results are everybody's. */
	if (failed && order.command != COMMAND_SCAN && order.command != COMMAND_INTERFACE)
		log_warn("wpa_supplicant does not take command %d.%d", order.command, order.field);
	/* It does not search while the radio is off, and would not begin by itself. */
	if (failed && order.command == COMMAND_RECONNECT)
		set_back(client);
	/* A network that was not told all that makes it safe is not used. */
	if (failed && order.command == COMMAND_FIELD)
		client->ids[order.slot] = -1;
}

void wifi_client_take(struct wifi_client *client, const char *text)
{
	enum wpa_event event;
	int id;
	if (wpa_event_read(text, client->interface, &event, &id))
		take_event(client, event, id);
	else if (client->waiting)
		take_answer(client, text);
	pump(client);
}

bool wifi_client_unheard(const struct wifi_client *client) { return client->queued > 0 && !client->waiting; }

/* Is the rest over that a network was set back for? */
static bool rested(struct wifi_client *client)
{
	if (client->rest_ticks == 0)
		return false;
	client->rest_ticks--;
	return client->rest_ticks == 0 && client->report.state != WIFI_JOINED;
}

/* An access point that begins the handshake and never ends it is tried again for ever, without an event that says so.
 */
static bool joins_for_ever(struct wifi_client *client)
{
	return client->report.state == WIFI_JOINING && ++client->joining_ticks > JOINING_TICKS_MAX;
}

void wifi_client_tick(struct wifi_client *client)
{
	if (client->queued == 0 && joins_for_ever(client))
		give_up(client, WIFI_REFUSED);
	else if (client->queued == 0 && rested(client))
		networks_anew(client);
	else if (client->queued == 0)
		search(client);
	else if (!client->waiting)
		pump(client);
	else if (++client->silent_ticks > SILENT_TICKS_MAX)
		begin(client);
}

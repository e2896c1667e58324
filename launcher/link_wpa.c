#include "launcher/link_wpa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- events --- */

static const struct {
	const char *name;
	enum wpa_event event;
} events[] = {
    {"CTRL-EVENT-SCAN-RESULTS", WPA_EVENT_SCANNED},        {"CTRL-EVENT-CONNECTED", WPA_EVENT_CONNECTED},
    {"CTRL-EVENT-DISCONNECTED", WPA_EVENT_DISCONNECTED},   {"CTRL-EVENT-AUTH-REJECT", WPA_EVENT_REJECTED},
    {"CTRL-EVENT-ASSOC-REJECT", WPA_EVENT_REJECTED},       {"CTRL-EVENT-SSID-TEMP-DISABLED", WPA_EVENT_REJECTED},
    {"CTRL-EVENT-NETWORK-NOT-FOUND", WPA_EVENT_NOT_FOUND}, {"CTRL-EVENT-TERMINATING", WPA_EVENT_TERMINATING},
};

/* "name=NUMBER" in the words of ours that stand before a stranger's name, or in the brackets at the very end. */
static int number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? (int)strtol(at + strlen(name), NULL, 10) : -1;
}

/* Four messages are lost, or the other side gives the handshake up, where the two keys differ; with SAE the access
 * point answers that the confirmation is wrong (status 15, IEEE Std 802.11-2020, table 9-50). The name of the network
 * stands in quotes in the middle, and may say anything: only what stands after the last quote counts. */
static bool is_wrong_key(const char *text, enum wpa_event event)
{
	const char *rest = strrchr(text, '"');
	if (event != WPA_EVENT_REJECTED)
		return false;
	return strstr(rest ? rest : text, " reason=WRONG_KEY") || strstr(rest ? rest : text, " status_code=15");
}

static void read_event(const char *text, enum wpa_event *event, int *id)
{
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		size_t size = strlen(events[i].name);
		if (strncmp(text, events[i].name, size) != 0 || (text[size] != ' ' && text[size] != '\0'))
			continue;
		*event = events[i].event;
		*id = *event == WPA_EVENT_CONNECTED ? number_after(text, "[id=") : number_after(text, " id=");
		if (is_wrong_key(text, *event))
			*event = WPA_EVENT_WRONG_KEY;
		return;
	}
}

bool wpa_event_read(const char *text, const char *interface, enum wpa_event *event, int *id)
{
	static const char prefix[] = "IFNAME=";
	size_t size = strlen(interface);
	bool ours = true;
	*event = WPA_EVENT_NONE;
	*id = -1;
	if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
		text += sizeof prefix - 1;
		ours = strncmp(text, interface, size) == 0 && text[size] == ' ';
		const char *space = strchr(text, ' ');
		text = space ? space + 1 : "";
	}
	if (text[0] != '<')
		return false;
	const char *end = strchr(text, '>');
	if (ours && end)
		read_event(end + 1, event, id);
	return true;
}

/* --- the list --- */

/* A word between the signs that wpa_supplicant joins them with: "PSK" is one of "[WPA2-PSK+SAE-CCMP]". */
static bool has_word(const char *group, size_t size, const char *word)
{
	size_t length = strlen(word), start = 0;
	for (size_t i = 0; i <= size; i++) {
		if (i < size && !strchr("-+/", group[i]))
			continue;
		if (i - start == length && memcmp(group + start, word, length) == 0)
			return true;
		start = i + 1;
	}
	return false;
}

static bool begins(const char *group, size_t size, const char *prefix)
{
	return size >= strlen(prefix) && memcmp(group, prefix, strlen(prefix)) == 0;
}

static enum wifi_security rsn_security(const char *group, size_t size)
{
	bool modern = has_word(group, size, "CCMP") || has_word(group, size, "GCMP") ||
		      has_word(group, size, "GCMP256") || has_word(group, size, "CCMP256");
	if (!modern)
		return WIFI_UNUSABLE;
	return has_word(group, size, "SAE") ? WIFI_WPA3 : has_word(group, size, "PSK") ? WIFI_WPA2 : WIFI_UNUSABLE;
}

enum wifi_security wpa_security(const char *flags, size_t size)
{
	enum wifi_security security = WIFI_OPEN;
	bool network = false;
	for (size_t i = 0; i < size; i++) {
		if (flags[i] != '[')
			continue;
		const char *group = flags + i + 1;
		const char *end = memchr(group, ']', size - i - 1);
		if (!end)
			return WIFI_UNUSABLE;
		size_t length = (size_t)(end - group);
		if (begins(group, length, "WPA2-") || begins(group, length, "RSN-"))
			security = rsn_security(group, length);
		else if (security == WIFI_OPEN && (begins(group, length, "WPA") || begins(group, length, "WEP") ||
						   begins(group, length, "OWE") || begins(group, length, "OSEN")))
			security = WIFI_UNUSABLE;
		network = network || (length == 3 && memcmp(group, "ESS", 3) == 0);
	}
	return network ? security : WIFI_UNUSABLE;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* One byte, plain or escaped; how many characters it took, 0 if it is cut off or no such escape. */
static size_t take_byte(const char *text, uint8_t *byte)
{
	static const char letters[] = "\"\\enrt", bytes[] = "\"\\\033\n\r\t";
	*byte = (uint8_t)text[0];
	if (text[0] != '\\')
		return 1;
	const char *letter = text[1] ? strchr(letters, text[1]) : NULL;
	if (letter) {
		*byte = (uint8_t)bytes[letter - letters];
		return 2;
	}
	if (text[1] != 'x' || hex_digit(text[2]) < 0 || hex_digit(text[3]) < 0)
		return 0;
	*byte = (uint8_t)(hex_digit(text[2]) << 4 | hex_digit(text[3]));
	return 4;
}

bool wpa_ssid_read(const char *text, struct wifi_ssid *ssid)
{
	bool hides = true;
	*ssid = (struct wifi_ssid){0};
	while (*text && *text != '\n') {
		uint8_t byte;
		size_t took = take_byte(text, &byte);
		if (took == 0 || ssid->size == WIFI_SSID_BYTES)
			return false;
		ssid->bytes[ssid->size++] = byte;
		hides = hides && byte == 0;
		text += took;
	}
	return !hides;
}

/* The field up to the next tab; NULL if the line ends before. */
static const char *next_field(const char *at, const char *end, size_t *size)
{
	const char *tab = memchr(at, '\t', (size_t)(end - at));
	*size = tab ? (size_t)(tab - at) : 0;
	return tab ? tab + 1 : NULL;
}

/* From "can hardly be heard" to "in the same room". */
static uint8_t strength_of(long dbm) { return (uint8_t)(dbm < -100 ? 0 : dbm > -50 ? 100 : 2 * (dbm + 100)); }

/* "bssid TAB frequency TAB signal TAB flags TAB ssid" */
static bool read_line(const char *at, const char *end, struct wifi_network *network)
{
	size_t size;
	const char *frequency = next_field(at, end, &size);
	const char *signal = frequency ? next_field(frequency, end, &size) : NULL;
	const char *flags = signal ? next_field(signal, end, &size) : NULL;
	const char *ssid = flags ? next_field(flags, end, &size) : NULL;
	if (!ssid || !wpa_ssid_read(ssid, &network->ssid))
		return false;
	network->security = wpa_security(flags, size);
	network->strength = strength_of(strtol(signal, NULL, 10));
	return true;
}

/* In its place by strength; one that is there already under this name and protection is one network with two stations.
 */
static void insert(struct wifi_network *list, size_t *count, const struct wifi_network *network)
{
	size_t place = *count;
	for (size_t i = 0; i < *count; i++)
		if (list[i].security == network->security && wifi_ssid_same(&list[i].ssid, &network->ssid))
			place = i;
	if (place < *count && list[place].strength >= network->strength)
		return;
	if (place == WIFI_NETWORKS_MAX)
		place--; /* the weakest makes room for a stronger one */
	if (place < *count && list[place].strength >= network->strength)
		return;
	if (place == *count)
		++*count;
	while (place > 0 && list[place - 1].strength < network->strength) {
		list[place] = list[place - 1];
		place--;
	}
	list[place] = *network;
}

size_t wpa_scan_read(const char *text, struct wifi_network *list)
{
	size_t count = 0;
	const char *line = strchr(text, '\n'); /* after the headings */
	while (line) {
		const char *end = strchr(++line, '\n');
		struct wifi_network network = {0}; /* lists are compared as bytes */
		/* a line without its end was cut off, and so was the name in it */
		if (end && read_line(line, end, &network))
			insert(list, &count, &network);
		line = end;
	}
	return count;
}

void wpa_hex(const uint8_t *bytes, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < size; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

#include "launcher/wifi.h"

#include <stdio.h>
#include <string.h>

bool wifi_ssid_same(const struct wifi_ssid *a, const struct wifi_ssid *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* --- a name as text --- */

/* Letters of this country and of its neighbours' keyboards; no marks that combine, nothing that turns a line round. */
static const struct {
	uint32_t first, last;
} drawn[] = {
    {0x20, 0x5b},     {0x5d, 0x7e},     /* ASCII, but for the backslash */
    {0xa1, 0xac},     {0xae, 0x17f},    /* Latin */
    {0x391, 0x3c9},   {0x410, 0x44f},   /* Greek, Cyrillic */
    {0x3001, 0x301f}, {0x3041, 0x3096}, /* Japanese punctuation, hiragana */
    {0x30a1, 0x30fe}, {0x4e00, 0x9fff}, /* katakana, kanji */
    {0xff01, 0xff9f},                   /* wide and narrow forms */
};

static bool is_drawn(uint32_t character)
{
	for (size_t i = 0; i < sizeof drawn / sizeof drawn[0]; i++)
		if (character >= drawn[i].first && character <= drawn[i].last)
			return true;
	return false;
}

/* The bytes of the UTF-8 character (RFC 3629) that begins here and may be drawn; 0: none does. No drawn one has four.
 */
static size_t character_at(const uint8_t *bytes, size_t size)
{
	uint32_t character = bytes[0];
	size_t length = bytes[0] < 0x80 ? 1 : (bytes[0] & 0xe0) == 0xc0 ? 2 : (bytes[0] & 0xf0) == 0xe0 ? 3 : 0;
	static const uint32_t least[] = {0, 0, 0x80, 0x800};
	if (length == 0 || length > size)
		return 0;
	if (length > 1)
		character &= length == 2 ? 0x1f : 0x0f;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	return character >= least[length] && is_drawn(character) ? length : 0;
}

void wifi_ssid_text(const struct wifi_ssid *ssid, char *out)
{
	size_t at = 0;
	while (at < ssid->size) {
		size_t length = character_at(ssid->bytes + at, ssid->size - at);
		/* blanks at the ends cannot be seen */
		bool blank = ssid->bytes[at] == ' ' && (at == 0 || at + 1U == ssid->size);
		if (length == 0 || blank) {
			out += sprintf(out, "\\x%02x", ssid->bytes[at++]);
			continue;
		}
		memcpy(out, ssid->bytes + at, length);
		out += length;
		at += length;
	}
	if (ssid->size == 0)
		*out++ = '-';
	*out = '\0';
}

/* --- what may be joined and kept --- */

/* As the standard has it: 8 to 63 printable ASCII characters. */
static bool is_passphrase(const char *text)
{
	size_t size = strlen(text);
	for (size_t i = 0; i < size; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return size >= WIFI_PASSWORD_LEAST && size < WIFI_PASSWORD_BYTES;
}

bool wifi_credential_fits(const struct wifi_credential *credential)
{
	if (credential->ssid.size == 0 || credential->ssid.size > WIFI_SSID_BYTES)
		return false;
	if (credential->security == WIFI_OPEN)
		return credential->password[0] == '\0';
	return (credential->security == WIFI_WPA2 || credential->security == WIFI_WPA3) &&
	       is_passphrase(credential->password);
}

bool wifi_keep(struct wifi_kept *kept, const struct wifi_credential *credential)
{
	if (credential->security == WIFI_OPEN || !wifi_credential_fits(credential))
		return false;
	struct wifi_credential first = *credential;
	size_t place = 0;
	while (place < kept->count && !wifi_ssid_same(&kept->list[place].ssid, &first.ssid))
		place++;
	if (place == kept->count && kept->count < WIFI_KEPT_MAX)
		kept->count++;
	else if (place == kept->count)
		place = WIFI_KEPT_MAX - 1;
	memmove(kept->list + 1, kept->list, place * sizeof kept->list[0]);
	kept->list[0] = first;
	wipe(&first, sizeof first);
	return true;
}

/* --- messages --- */

static void ssid_write(struct writer *w, const struct wifi_ssid *ssid) { write_blob(w, ssid->bytes, ssid->size); }

static bool ssid_read(struct reader *r, struct wifi_ssid *ssid)
{
	size_t size = 0;
	const uint8_t *bytes = read_blob(r, &size);
	*ssid = (struct wifi_ssid){0};
	if (!bytes || size > WIFI_SSID_BYTES)
		return false;
	ssid->size = (uint8_t)size;
	memcpy(ssid->bytes, bytes, size);
	return true;
}

static bool security_read(struct reader *r, enum wifi_security *security)
{
	uint8_t number = read_u8(r);
	*security = number < WIFI_SECURITY_COUNT ? (enum wifi_security)number : WIFI_UNUSABLE;
	return number < WIFI_SECURITY_COUNT;
}

void wifi_report_write(struct writer *w, const struct wifi_report *report)
{
	write_u8(w, (uint8_t)report->state);
	write_u8(w, (uint8_t)report->trouble);
	ssid_write(w, &report->ssid);
	write_u8(w, (uint8_t)report->security);
	write_u8(w, (uint8_t)report->count);
	for (size_t i = 0; i < report->count; i++) {
		ssid_write(w, &report->list[i].ssid);
		write_u8(w, (uint8_t)report->list[i].security);
		write_u8(w, report->list[i].strength);
	}
}

static bool network_read(struct reader *r, struct wifi_network *network)
{
	bool good = ssid_read(r, &network->ssid) && security_read(r, &network->security);
	network->strength = read_u8(r);
	return good && network->strength <= 100;
}

bool wifi_report_read(struct reader *r, struct wifi_report *report)
{
	*report = (struct wifi_report){0};
	uint8_t state = read_u8(r), trouble = read_u8(r);
	bool good = ssid_read(r, &report->ssid) && security_read(r, &report->security) && state < WIFI_STATE_COUNT &&
		    trouble < WIFI_TROUBLE_COUNT;
	size_t count = read_u8(r);
	if (!good || count > WIFI_NETWORKS_MAX)
		return false;
	report->state = (enum wifi_state)state;
	report->trouble = (enum wifi_trouble)trouble;
	for (size_t i = 0; i < count; i++)
		if (!network_read(r, &report->list[i]))
			return false;
	report->count = count;
	return !r->failed;
}

void wifi_credential_write(struct writer *w, const struct wifi_credential *credential)
{
	ssid_write(w, &credential->ssid);
	write_u8(w, (uint8_t)credential->security);
	write_str(w, credential->password);
}

bool wifi_credential_read(struct reader *r, struct wifi_credential *credential)
{
	*credential = (struct wifi_credential){0};
	bool good = ssid_read(r, &credential->ssid) && security_read(r, &credential->security);
	read_str(r, credential->password, sizeof credential->password);
	return good && !r->failed && wifi_credential_fits(credential);
}

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "launcher/link_wifi.h"
#include "launcher/link_wpa.h"
#include "launcher/wifi.h"

static struct wifi_ssid named(const char *text)
{
	struct wifi_ssid ssid = {.size = (uint8_t)strlen(text)};
	memcpy(ssid.bytes, text, ssid.size);
	return ssid;
}

static const char *drawn(const char *bytes, size_t size)
{
	static char text[WIFI_TEXT_BYTES];
	struct wifi_ssid ssid = {.size = (uint8_t)size};
	memcpy(ssid.bytes, bytes, size);
	wifi_ssid_text(&ssid, text);
	return text;
}

static void a_name_is_drawn_as_it_can_be_seen(void **unused)
{
	(void)unused;
	assert_string_equal(drawn("aterm-12ab", 10), "aterm-12ab");
	assert_string_equal(drawn("わが家 2階", 14), "わが家 2階");
	assert_string_equal(drawn("caf\xc3\xa9", 5), "café");
	assert_string_equal(drawn("", 0), "-");
	assert_string_equal(drawn("a\nb", 3), "a\\x0ab");
	assert_string_equal(drawn("a\\x41", 5), "a\\x5cx41");
	assert_string_equal(drawn(" a ", 3), "\\x20a\\x20");
	assert_string_equal(drawn("\xe2\x80\xae"
				  "abc",
				  6),
			    "\\xe2\\x80\\xaeabc");                        /* turns the line round */
	assert_string_equal(drawn("\xe2\x80\x8b", 3), "\\xe2\\x80\\x8b"); /* no width */
	assert_string_equal(drawn("\xc1\x81\xed\xa0\x80", 5),
			    "\\xc1\\x81\\xed\\xa0\\x80");        /* too long a form; half a pair */
	assert_string_equal(drawn("\xe3\x81", 2), "\\xe3\\x81"); /* cut off */
	assert_string_equal(drawn("\xf0\x9f\x8f\xa0", 4), "\\xf0\\x9f\\x8f\\xa0");
	char all[WIFI_SSID_BYTES];
	memset(all, 0xff, sizeof all);
	assert_int_equal(strlen(drawn(all, sizeof all)), WIFI_TEXT_BYTES - 1);
}

static void what_fits_together(void **unused)
{
	(void)unused;
	struct wifi_credential c = {.ssid = named("home"), .security = WIFI_WPA2, .password = "12345678"};
	assert_true(wifi_credential_fits(&c));
	snprintf(c.password, sizeof c.password, "%s", "1234567");
	assert_false(wifi_credential_fits(&c));
	snprintf(c.password, sizeof c.password, "%s", "a\nSET x y");
	assert_false(wifi_credential_fits(&c));
	c.security = WIFI_OPEN;
	assert_false(wifi_credential_fits(&c));
	c.password[0] = '\0';
	assert_true(wifi_credential_fits(&c));
	c.security = WIFI_UNUSABLE;
	assert_false(wifi_credential_fits(&c));
	c.security = WIFI_OPEN;
	c.ssid.size = 0;
	assert_false(wifi_credential_fits(&c));
}

static void the_last_eight_are_kept(void **unused)
{
	(void)unused;
	struct wifi_kept kept = {0};
	struct wifi_credential c = {.security = WIFI_WPA3, .password = "12345678"};
	for (char name[2] = "a"; name[0] <= 'j'; name[0]++) {
		c.ssid = named(name);
		assert_true(wifi_keep(&kept, &c));
	}
	assert_int_equal(kept.count, WIFI_KEPT_MAX);
	assert_int_equal(kept.list[0].ssid.bytes[0], 'j');
	assert_int_equal(kept.list[7].ssid.bytes[0], 'c');
	c.ssid = named("f");
	snprintf(c.password, sizeof c.password, "%s", "another one");
	assert_true(wifi_keep(&kept, &c));
	assert_int_equal(kept.count, WIFI_KEPT_MAX);
	assert_string_equal(kept.list[0].password, "another one");
	assert_int_equal(kept.list[1].ssid.bytes[0], 'j');
	assert_int_equal(kept.list[7].ssid.bytes[0], 'c');
	c.security = WIFI_OPEN;
	c.password[0] = '\0';
	assert_false(wifi_keep(&kept, &c));
}

static void a_report_arrives_as_it_was_sent(void **unused)
{
	(void)unused;
	uint8_t bytes[2048];
	struct wifi_report sent = {.state = WIFI_JOINED,
				   .trouble = WIFI_NOT_FOUND,
				   .ssid = named("home"),
				   .security = WIFI_WPA3,
				   .count = WIFI_NETWORKS_MAX};
	struct wifi_report got;
	for (size_t i = 0; i < sent.count; i++)
		sent.list[i] = (struct wifi_network){.ssid = named("x"), .security = WIFI_WPA2, .strength = (uint8_t)i};
	struct writer w = writer_over(bytes, sizeof bytes);
	wifi_report_write(&w, &sent);
	assert_false(w.failed);
	struct reader r = reader_over(bytes, w.size);
	assert_true(wifi_report_read(&r, &got) && reader_done(&r));
	assert_int_equal(got.count, sent.count);
	assert_int_equal(got.list[31].strength, 31);
	assert_true(wifi_ssid_same(&got.ssid, &sent.ssid));
	for (size_t size = 0; size < w.size; size++) {
		r = reader_over(bytes, size);
		assert_false(wifi_report_read(&r, &got) && reader_done(&r));
	}
	bytes[0] = WIFI_STATE_COUNT;
	r = reader_over(bytes, w.size);
	assert_false(wifi_report_read(&r, &got));
}

/* --- what wpa_supplicant says --- */

static enum wifi_security security(const char *flags) { return wpa_security(flags, strlen(flags)); }

static void flags_say_how_a_network_is_protected(void **unused)
{
	(void)unused;
	assert_int_equal(security("[WPA2-PSK-CCMP][ESS]"), WIFI_WPA2);
	assert_int_equal(security("[WPA-PSK-CCMP+TKIP][WPA2-PSK-CCMP+TKIP][WPS][ESS]"), WIFI_WPA2);
	assert_int_equal(security("[WPA2-PSK+PSK-SHA256-CCMP-preauth][ESS]"), WIFI_WPA2);
	assert_int_equal(security("[WPA2-SAE-CCMP][SAE-H2E][ESS]"), WIFI_WPA3);
	assert_int_equal(security("[WPA2-PSK+SAE-CCMP][ESS]"), WIFI_WPA3);
	assert_int_equal(security("[ESS]"), WIFI_OPEN);
	assert_int_equal(security("[WPS][ESS][UTF-8]"), WIFI_OPEN);
	assert_int_equal(security("[WPA-PSK-TKIP][ESS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[WPA2-PSK-TKIP][ESS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[WEP][ESS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[WPA2-EAP-CCMP][ESS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[WPA2-EAP+FT/EAP-CCMP][ESS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[OWE-TRANS][ESS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[IBSS]"), WIFI_UNUSABLE);
	assert_int_equal(security("[WPA2-PSK-CCMP"), WIFI_UNUSABLE);
	assert_int_equal(security(""), WIFI_UNUSABLE);
}

static void names_come_out_of_their_escapes(void **unused)
{
	(void)unused;
	struct wifi_ssid ssid;
	assert_true(wpa_ssid_read("a\\\"b\\\\c\\n\\x00\\xfF\nrest", &ssid));
	assert_int_equal(ssid.size, 8);
	assert_memory_equal(ssid.bytes, "a\"b\\c\n\0\xff", 8);
	assert_false(wpa_ssid_read("", &ssid));
	assert_false(wpa_ssid_read("\\x00\\x00", &ssid));
	assert_false(wpa_ssid_read("\\x0", &ssid));
	assert_false(wpa_ssid_read("\\", &ssid));
	assert_false(wpa_ssid_read("\\q", &ssid));
	assert_true(wpa_ssid_read("12345678901234567890123456789012", &ssid));
	assert_false(wpa_ssid_read("123456789012345678901234567890123", &ssid));
}

#define HEAD                      "bssid / frequency / signal level / flags / ssid\n"
#define LINE(signal, flags, name) "02:00:00:00:00:01\t2412\t" signal "\t" flags "\t" name "\n"

static void the_strongest_come_first_and_once(void **unused)
{
	(void)unused;
	struct wifi_network list[WIFI_NETWORKS_MAX];
	static const char text[] = HEAD LINE("-80", "[WPA2-PSK-CCMP][ESS]", "home") LINE("-55", "[ESS]", "cafe")
	    LINE("-60", "[WPA2-PSK-CCMP][ESS]", "home") LINE("-40", "[ESS]", "home") LINE("-40", "[ESS]", "")
		LINE("-90", "[WPA2-PSK-CCMP][ESS]", "home") "02:00\t2412\t-1\t[ESS]\tcut off";
	assert_int_equal(wpa_scan_read(text, list), 3);
	assert_true(list[0].security == WIFI_OPEN && list[0].ssid.bytes[0] == 'h' && list[0].strength == 100);
	assert_true(list[1].ssid.bytes[0] == 'c' && list[1].strength == 90);
	assert_true(list[2].security == WIFI_WPA2 && list[2].strength == 80);
	assert_int_equal(wpa_scan_read("FAIL\n", list), 0);
	assert_int_equal(wpa_scan_read("", list), 0);
}

static void of_many_the_strongest_are_kept(void **unused)
{
	(void)unused;
	struct wifi_network list[WIFI_NETWORKS_MAX];
	char text[8192] = HEAD;
	for (int i = 0; i < 60; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), LINE("-%d", "[ESS]", "n%d"), 60 + i % 40, i);
	assert_int_equal(wpa_scan_read(text, list), WIFI_NETWORKS_MAX);
	for (size_t i = 1; i < WIFI_NETWORKS_MAX; i++)
		assert_true(list[i].strength <= list[i - 1].strength);
	assert_int_equal(list[0].strength, 80);
}

static enum wpa_event event_of(const char *text, int *id)
{
	enum wpa_event event;
	assert_true(wpa_event_read(text, "wlan0", &event, id));
	return event;
}

static void events_are_told_from_answers(void **unused)
{
	(void)unused;
	enum wpa_event event;
	int id;
	assert_false(wpa_event_read("OK\n", "wlan0", &event, &id));
	assert_false(wpa_event_read("7\n", "wlan0", &event, &id));
	assert_false(wpa_event_read(HEAD, "wlan0", &event, &id));
	assert_int_equal(event_of("IFNAME=wlan0 <3>CTRL-EVENT-SCAN-RESULTS ", &id), WPA_EVENT_SCANNED);
	assert_int_equal(event_of("IFNAME=wlan1 <3>CTRL-EVENT-SCAN-RESULTS ", &id), WPA_EVENT_NONE);
	assert_int_equal(event_of("IFNAME=wlan0 <3>CTRL-EVENT-SCAN-RESULTSX", &id), WPA_EVENT_NONE);
	assert_int_equal(event_of("<2>CTRL-EVENT-TERMINATING ", &id), WPA_EVENT_TERMINATING);
	assert_int_equal(event_of("IFNAME=wlan0 <3>CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:01:00 completed "
				  "[id=3 id_str=]",
				  &id),
			 WPA_EVENT_CONNECTED);
	assert_int_equal(id, 3);
	assert_int_equal(event_of("IFNAME=wlan0 <3>CTRL-EVENT-SSID-TEMP-DISABLED id=2 ssid=\"a\" auth_failures=1 "
				  "duration=10 reason=WRONG_KEY",
				  &id),
			 WPA_EVENT_WRONG_KEY);
	assert_int_equal(id, 2);
	assert_int_equal(event_of("IFNAME=wlan0 <3>CTRL-EVENT-SSID-TEMP-DISABLED id=2 ssid=\" reason=WRONG_KEY\" "
				  "auth_failures=1 duration=10 reason=CONN_FAILED",
				  &id),
			 WPA_EVENT_REJECTED);
	assert_int_equal(event_of("IFNAME=wlan0 <3>CTRL-EVENT-AUTH-REJECT 02:00:00:00:01:00 auth_type=3 "
				  "auth_transaction=2 status_code=15",
				  &id),
			 WPA_EVENT_WRONG_KEY);
	assert_int_equal(id, -1);
	assert_int_equal(event_of("IFNAME=wlan0 <", &id), WPA_EVENT_NONE);
	assert_int_equal(event_of("<", &id), WPA_EVENT_NONE);
}

/* --- the talk --- */

static struct {
	char last[LINK_WIFI_COMMAND_BYTES];
	char all[16384];
	int changes, refuse;
} peer;

static int hear(void *context, const char *text, size_t size)
{
	(void)context;
	if (peer.refuse)
		return -111;
	assert_int_equal(strlen(text), size);
	snprintf(peer.last, sizeof peer.last, "%s", text);
	size_t used = strlen(peer.all);
	snprintf(peer.all + used, sizeof peer.all - used, "%s\n", text);
	return 0;
}

static void count_change(void *context)
{
	(void)context;
	peer.changes++;
}

static struct wifi_client client;

/* Answer as wpa_supplicant does until nothing more is asked. */
static void answer_all(void)
{
	while (client.waiting) {
		const char *word = strstr(peer.last, "ADD_NETWORK") ? "4\n" : "OK\n";
		wifi_client_take(&client, word);
	}
}

static void begin(const struct wifi_kept *kept)
{
	memset(&peer, 0, sizeof peer);
	memset(&client, 0, sizeof client);
	client.send = hear;
	client.changed = count_change;
	wifi_client_radio(&client, "wlan0");
	wifi_client_begin(&client, kept);
	answer_all();
}

static struct wifi_kept one_kept(void)
{
	struct wifi_kept kept = {.count = 1};
	kept.list[0] =
	    (struct wifi_credential){.ssid = named("home"), .security = WIFI_WPA3, .password = "pa\"ss word"};
	return kept;
}

static bool said(const char *text) { return strstr(peer.all, text) != NULL; }

static void without_a_kept_network_none_is_joined(void **unused)
{
	(void)unused;
	struct wifi_kept none = {0};
	begin(&none);
	assert_true(said("ATTACH\nINTERFACE_ADD wlan0\t\tnl80211\nIFNAME=wlan0 SET preassoc_mac_addr 1\n"));
	assert_false(said("ADD_NETWORK") || said("ENABLE") || said("SELECT"));
	assert_int_equal(client.report.state, WIFI_IDLE);
}

static void a_kept_network_is_joined_as_it_was(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	assert_true(said("IFNAME=wlan0 ADD_NETWORK\nIFNAME=wlan0 SET_NETWORK 4 ssid 686f6d65\n"));
	assert_true(said("SET_NETWORK 4 key_mgmt SAE\n") && said("SET_NETWORK 4 ieee80211w 2\n"));
	assert_true(said("SET_NETWORK 4 sae_password \"pa\"ss word\"\n"));
	/* one that is enabled after DISCONNECT is not searched for before this word */
	assert_true(said("ENABLE_NETWORK 4\nIFNAME=wlan0 RECONNECT\n"));
	assert_false(said("psk") || said("WPA-PSK") || said("NONE") || said("scan_ssid 1"));
	wifi_client_take(&client, "IFNAME=wlan0 <3>CTRL-EVENT-CONNECTED - Connection to x completed [id=4 id_str=]");
	assert_int_equal(client.report.state, WIFI_JOINED);
	assert_true(wifi_ssid_same(&client.report.ssid, &kept.list[0].ssid));
	wifi_client_take(&client, "IFNAME=wlan0 <3>CTRL-EVENT-DISCONNECTED bssid=x reason=3");
	assert_int_equal(client.report.state, WIFI_IDLE);
}

/* wpa_supplicant's own rests grow to five minutes, and the false access point may be gone in one. */
static void one_that_is_set_back_is_told_anew_soon(void **unused)
{
	(void)unused;
	static const char *const words[] = {
	    "IFNAME=wlan0 <3>CTRL-EVENT-SSID-TEMP-DISABLED id=4 ssid=\"home\" auth_failures=3 duration=30 "
	    "reason=CONN_FAILED",
	    "IFNAME=wlan0 <3>CTRL-EVENT-SSID-TEMP-DISABLED id=4 ssid=\"home\" auth_failures=6 duration=90 "
	    "reason=WRONG_KEY"};
	struct wifi_kept kept = one_kept();
	for (size_t i = 0; i < 2; i++) {
		begin(&kept);
		peer.all[0] = '\0';
		for (int ticks = 0; ticks * LINK_WIFI_TICK_MS < 20000; ticks++) {
			wifi_client_take(&client, words[i]); /* again and again: the rest does not begin anew */
			wifi_client_tick(&client);
			answer_all();
		}
		assert_true(said("REMOVE_NETWORK all\n") && said("ENABLE_NETWORK 4\nIFNAME=wlan0 RECONNECT\n"));
		wifi_client_take(&client,
				 "IFNAME=wlan0 <3>CTRL-EVENT-CONNECTED - Connection to x completed [id=4 id_str=]");
		peer.all[0] = '\0';
		for (int ticks = 0; ticks < 10; ticks++)
			wifi_client_tick(&client);
		assert_string_equal(peer.all, "");
	}
}

static void another_wpa_supplicant_is_in_no_network(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	wifi_client_take(&client, "IFNAME=wlan0 <3>CTRL-EVENT-CONNECTED - Connection to x completed [id=4 id_str=]");
	wifi_client_begin(&client, &kept);
	answer_all();
	assert_int_equal(client.report.state, WIFI_IDLE);
}

static void a_radio_that_was_off_is_asked_again(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	wifi_client_begin(&client, &kept);
	while (client.waiting)
		wifi_client_take(&client, strstr(peer.last, "RECONNECT") ? "FAIL\n"
					  : strstr(peer.last, "ADD_N")   ? "4\n"
									 : "OK\n");
	peer.all[0] = '\0';
	wifi_client_tick(&client);
	wifi_client_tick(&client);
	answer_all();
	assert_true(said("RECONNECT"));
}

static void a_choice_is_joined_alone_and_given_up_with_a_word(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	peer.all[0] = '\0';
	struct wifi_credential choice = {.ssid = named("cafe"), .security = WIFI_WPA2, .password = "12345678"};
	wifi_client_join(&client, &choice);
	assert_int_equal(client.report.state, WIFI_JOINING);
	answer_all();
	assert_true(said("REMOVE_NETWORK all") && said("key_mgmt WPA-PSK") && said("ieee80211w 1") &&
		    said("SELECT_NETWORK 4"));
	assert_false(said("686f6d65")); /* home */
	peer.all[0] = '\0';
	wifi_client_take(&client, "IFNAME=wlan0 <3>CTRL-EVENT-SSID-TEMP-DISABLED id=4 ssid=\"cafe\" auth_failures=1 "
				  "duration=10 reason=WRONG_KEY");
	answer_all();
	assert_int_equal(client.report.state, WIFI_IDLE);
	assert_int_equal(client.report.trouble, WIFI_WRONG_PASSWORD);
	assert_true(said("REMOVE_NETWORK all") && said("686f6d65") && !said("63616665"));
}

/* It answers the first words and then none, or nonsense: wpa_supplicant says of that only that it is no more connected.
 */
static void a_choice_that_comes_to_no_end_is_given_up(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	struct wifi_credential choice = {.ssid = named("cafe"), .security = WIFI_WPA2, .password = "12345678"};
	wifi_client_join(&client, &choice);
	answer_all();
	int ticks = 0;
	for (; client.report.state == WIFI_JOINING && ticks < 100; ticks++) {
		wifi_client_take(&client,
				 "IFNAME=wlan0 <3>CTRL-EVENT-DISCONNECTED bssid=x reason=3 locally_generated=1");
		wifi_client_tick(&client);
	}
	assert_in_range(ticks * LINK_WIFI_TICK_MS, 60000, 90000);
	assert_int_equal(client.report.state, WIFI_IDLE);
	assert_int_equal(client.report.trouble, WIFI_REFUSED);
	peer.all[0] = '\0';
	answer_all();
	assert_true(said("686f6d65") && !said("63616665"));
	wifi_client_join(&client, &choice); /* chosen again it has its whole time again */
	answer_all();
	wifi_client_tick(&client);
	assert_int_equal(client.report.state, WIFI_JOINING);
}

static void an_open_network_is_joined_only_by_choice(void **unused)
{
	(void)unused;
	struct wifi_kept none = {0};
	begin(&none);
	struct wifi_credential choice = {.ssid = named("cafe"), .security = WIFI_OPEN};
	wifi_client_join(&client, &choice);
	answer_all();
	assert_true(said("key_mgmt NONE"));
	wifi_client_take(&client, "IFNAME=wlan0 <3>CTRL-EVENT-CONNECTED - Connection to x completed [id=4 id_str=]");
	assert_int_equal(client.report.state, WIFI_JOINED);
	assert_int_equal(client.kept.count, 0);
}

static void a_cable_is_preferred(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	peer.all[0] = '\0';
	wifi_client_hold(&client, true);
	answer_all();
	assert_true(said("DISCONNECT") && !said("ADD_NETWORK"));
	wifi_client_hold(&client, false);
	answer_all();
	assert_true(said("ADD_NETWORK"));
}

/* Half-told, it would be joined by less than the customer chose. */
static void a_network_that_was_not_told_all_is_not_used(void **unused)
{
	(void)unused;
	struct wifi_kept kept = one_kept();
	begin(&kept);
	peer.all[0] = '\0';
	wifi_client_begin(&client, &kept);
	while (client.waiting)
		wifi_client_take(&client, strstr(peer.last, "ieee80211w") ? "FAIL\n"
					  : strstr(peer.last, "ADD_N")    ? "4\n"
									  : "OK\n");
	assert_false(said("ENABLE_NETWORK 4"));
}

static void one_that_does_not_listen_yet_is_asked_again(void **unused)
{
	(void)unused;
	struct wifi_kept none = {0};
	begin(&none);
	peer.refuse = 1;
	wifi_client_begin(&client, &none);
	assert_true(wifi_client_unheard(&client));
	peer.refuse = 0;
	peer.all[0] = '\0';
	wifi_client_tick(&client);
	assert_true(said("ATTACH"));
	for (int i = 0; i < 5; i++) /* and now it says nothing any more */
		wifi_client_tick(&client);
	assert_string_equal(peer.last, "ATTACH");
	answer_all();
	assert_false(wifi_client_unheard(&client));
	assert_true(client.running);
}

static void the_list_is_fetched_while_somebody_looks(void **unused)
{
	(void)unused;
	struct wifi_kept none = {0};
	begin(&none);
	wifi_client_tick(&client);
	assert_false(said("SCAN"));
	wifi_client_look(&client, true);
	assert_string_equal(peer.last, "IFNAME=wlan0 SCAN");
	answer_all();
	wifi_client_take(&client, "IFNAME=wlan0 <3>CTRL-EVENT-SCAN-RESULTS ");
	assert_string_equal(peer.last, "IFNAME=wlan0 SCAN_RESULTS");
	int before = peer.changes;
	wifi_client_take(&client, HEAD LINE("-50", "[ESS]", "cafe"));
	assert_int_equal(client.report.count, 1);
	assert_int_equal(peer.changes, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_drawn_as_it_can_be_seen),
	    cmocka_unit_test(what_fits_together),
	    cmocka_unit_test(the_last_eight_are_kept),
	    cmocka_unit_test(a_report_arrives_as_it_was_sent),
	    cmocka_unit_test(flags_say_how_a_network_is_protected),
	    cmocka_unit_test(names_come_out_of_their_escapes),
	    cmocka_unit_test(the_strongest_come_first_and_once),
	    cmocka_unit_test(of_many_the_strongest_are_kept),
	    cmocka_unit_test(events_are_told_from_answers),
	    cmocka_unit_test(without_a_kept_network_none_is_joined),
	    cmocka_unit_test(a_kept_network_is_joined_as_it_was),
	    cmocka_unit_test(one_that_is_set_back_is_told_anew_soon),
	    cmocka_unit_test(another_wpa_supplicant_is_in_no_network),
	    cmocka_unit_test(a_radio_that_was_off_is_asked_again),
	    cmocka_unit_test(a_choice_is_joined_alone_and_given_up_with_a_word),
	    cmocka_unit_test(a_choice_that_comes_to_no_end_is_given_up),
	    cmocka_unit_test(an_open_network_is_joined_only_by_choice),
	    cmocka_unit_test(a_cable_is_preferred),
	    cmocka_unit_test(a_network_that_was_not_told_all_is_not_used),
	    cmocka_unit_test(one_that_does_not_listen_yet_is_asked_again),
	    cmocka_unit_test(the_list_is_fetched_while_somebody_looks),
	};
	return cmocka_run_group_tests_name("wifi", tests, NULL, NULL);
}

/*
 * The launcher's part in Wi-Fi, with stubs beneath it: which passwords reach the record.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "launcher/stick_wifi.h"

static struct {
	struct stick stick;
	int stores;
} world;

int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count)
{
	(void)crew, (void)which, (void)fds, (void)fd_count;
	return 0;
}
int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)crew, (void)which, (void)type, (void)id, (void)payload, (void)size;
	return 0;
}
void crew_stop(struct crew *crew, enum stick_process which) { (void)crew, (void)which; }
bool crew_runs(const struct crew *crew, enum stick_process which)
{
	(void)crew, (void)which;
	return true;
}
void stick_start(struct stick *s, enum stick_process which) { (void)s, (void)which; }
void stick_tell_link(struct stick *s) { (void)s; }
void stick_store(struct stick *s)
{
	(void)s;
	world.stores++;
}

static struct wifi_ssid named(const char *text)
{
	struct wifi_ssid ssid = {.size = (uint8_t)strlen(text)};
	memcpy(ssid.bytes, text, ssid.size);
	return ssid;
}

static void begin(void)
{
	memset(&world, 0, sizeof world);
	world.stick.provision.wifi.count = 1;
	world.stick.provision.wifi.list[0] =
	    (struct wifi_credential){.ssid = named("home"), .security = WIFI_WPA2, .password = "the good one"};
}

static void choose(const char *name, const char *password)
{
	uint8_t payload[256];
	struct wifi_credential choice = {.ssid = named(name), .security = WIFI_WPA2};
	snprintf(choice.password, sizeof choice.password, "%s", password);
	struct writer w = writer_over(payload, sizeof payload);
	wifi_credential_write(&w, &choice);
	struct msg m = {.payload = payload, .size = w.size};
	assert_int_equal(hear_wifi_join(&world.stick, &m), 0);
}

static void report(enum wifi_state state, enum wifi_trouble trouble, const char *name)
{
	uint8_t payload[256];
	struct wifi_report r = {.state = state, .trouble = trouble, .ssid = named(name), .security = WIFI_WPA2};
	struct writer w = writer_over(payload, sizeof payload);
	wifi_report_write(&w, &r);
	struct msg m = {.payload = payload, .size = w.size};
	assert_int_equal(hear_wifi(&world.stick, &m), 0);
}

static const char *kept_for_home(void)
{
	const struct wifi_kept *kept = &world.stick.provision.wifi;
	const struct wifi_ssid home = named("home");
	for (size_t i = 0; i < kept->count; i++)
		if (wifi_ssid_same(&kept->list[i].ssid, &home))
			return kept->list[i].password;
	return "";
}

static void what_has_worked_is_kept(void **unused)
{
	(void)unused;
	begin();
	choose("home", "a newer one");
	report(WIFI_JOINING, WIFI_FINE, "home");
	assert_string_equal(kept_for_home(), "the good one");
	report(WIFI_JOINED, WIFI_FINE, "home");
	assert_string_equal(kept_for_home(), "a newer one");
	assert_int_equal(world.stores, 1);
	report(WIFI_IDLE, WIFI_FINE, "");
	report(WIFI_JOINED, WIFI_FINE, "home");
	assert_int_equal(world.stores, 1);
}

/* After the failure link goes back to what is kept, and that joins the network of the same name. */
static void a_mistyped_one_does_not_replace_it(void **unused)
{
	(void)unused;
	static const enum wifi_trouble troubles[] = {WIFI_WRONG_PASSWORD, WIFI_NOT_FOUND, WIFI_REFUSED};
	for (size_t i = 0; i < 3; i++) {
		begin();
		choose("home", "a mistyped one");
		report(WIFI_JOINING, WIFI_FINE, "home");
		report(WIFI_IDLE, troubles[i], "home");
		assert_int_equal(world.stick.wifi_chosen.password[0], '\0');
		report(WIFI_JOINED, WIFI_FINE, "home");
		assert_string_equal(kept_for_home(), "the good one");
		assert_int_equal(world.stores, 0);
	}
}

/* What link said before it heard of the choice says nothing about it. */
static void an_earlier_word_neither_keeps_nor_forgets_it(void **unused)
{
	(void)unused;
	begin();
	choose("home", "a newer one");
	report(WIFI_IDLE, WIFI_WRONG_PASSWORD, "home");
	report(WIFI_JOINED, WIFI_FINE, "home");
	assert_string_equal(kept_for_home(), "the good one");
	report(WIFI_JOINING, WIFI_FINE, "home");
	report(WIFI_JOINED, WIFI_FINE, "home");
	assert_string_equal(kept_for_home(), "a newer one");
}

static void with_link_it_is_forgotten(void **unused)
{
	(void)unused;
	begin();
	choose("home", "a newer one");
	report(WIFI_JOINING, WIFI_FINE, "home");
	wifi_link_died(&world.stick);
	report(WIFI_JOINED, WIFI_FINE, "home");
	assert_string_equal(kept_for_home(), "the good one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_has_worked_is_kept),
	    cmocka_unit_test(a_mistyped_one_does_not_replace_it),
	    cmocka_unit_test(an_earlier_word_neither_keeps_nor_forgets_it),
	    cmocka_unit_test(with_link_it_is_forgotten),
	};
	return cmocka_run_group_tests_name("stick_wifi", tests, NULL, NULL);
}

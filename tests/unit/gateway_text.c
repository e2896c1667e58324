/* What the gateway writes for others to read: nftables, dnsmasq, OpenMetrics; and what it reads of its own. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/config.h"
#include "vpn/gateway/egress.h"
#include "vpn/gateway/login.h"
#include "vpn/gateway/metrics.h"
#include "vpn/gateway/plan.h"
#include "vpn/gateway/proxy.h"
#include "vpn/gateway/resolver.h"

static char *text;
static size_t text_size;
#define PIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct config config;
static struct plan plan;

static int make(void **state)
{
	(void)state;
	char why[256];
	const uint16_t https[] = {443}, two[] = {8443, 443};
	config = (struct config){0};
	plan = (struct plan){.policy_version = 7};
	if (config_parse("interface = wg0\ninner = 10.77.0.1/16\ncontrol-port = 8444\nproxy-port = "
			 "8445\nresolver-upstream = 198.51.100.53\n"
			 "egress = bank-a 203.0.113.101\n",
			 &config, why, sizeof why))
		return -1;
	return plan_add(&plan, "bank-a", "www.a.example", https, 1) ||
	       plan_add(&plan, "bank-a", "api.a.example", two, 2) ||
	       plan_add(&plan, "bank-a", "*.cdn.a.example", https, 1) ||
	       plan_add(&plan, "bank-b", "www.b.example", https, 1);
}

static int unmake(void **state)
{
	(void)state;
	config_free(&config);
	plan_free(&plan);
	free(text);
	text = NULL;
	return 0;
}

static FILE *out(void) { return open_memstream(&text, &text_size); }

static void dnsmasq_gets_the_names_and_nothing_else(void **state)
{
	(void)state;
	FILE *f = out();
	resolver_write(f, &config, &plan);
	fclose(f);
	assert_non_null(strstr(text, "\ncache-size=0\n"));
	assert_non_null(strstr(text, "\naddress=/#/\n"));
	assert_non_null(strstr(text, "\nno-resolv\n"));
	assert_non_null(strstr(text, "\nlisten-address=10.77.0.1\n"));
	assert_non_null(
	    strstr(text, "server=/www.a.example/198.51.100.53\nnftset=/www.a.example/4#inet#sekisho#bank_bank-a\n"));
	assert_non_null(strstr(text, "nftset=/api.a.example/4#inet#sekisho#bank_bank-a_1\n"));
	assert_non_null(strstr(text, "nftset=/cdn.a.example/4#inet#sekisho#bank_bank-a\n"));
	assert_null(strstr(text, "*"));
}

static void the_table_starts_closed(void **state)
{
	(void)state;
	const struct egress_content nobody = {0};
	FILE *f = out();
	egress_write_table(f, &config, &plan, &nobody, 61190);
	fclose(f);
	assert_non_null(strstr(text, "type filter hook forward priority filter; policy drop;"));
	assert_non_null(strstr(text, "set admitted {\n\t\ttype ipv4_addr\n\t\tflags timeout\n\t}"));
	assert_non_null(strstr(text, "set open {\n\t\ttype ipv4_addr . mark\n\t}"));
	assert_non_null(strstr(text, "chain from_sticks {\n\t\tmeta nfproto != ipv4 counter drop"));
	assert_non_null(strstr(text, "meta nfproto ipv4 ct state established,related accept"));
	assert_non_null(strstr(text, "meta skuid 61190 ct state new jump from_proxy"));
	assert_non_null(strstr(text, "ip saddr 203.0.113.101 ip daddr @bank_bank-a tcp dport { 443 } accept"));
	assert_non_null(strstr(text, "{ 10.77.0.0/16, 0.0.0.0/8, "));
	assert_non_null(strstr(text, "ip daddr @bank_bank-a tcp dport { 443 }"));
	assert_non_null(strstr(text, "ip daddr @bank_bank-a_1 tcp dport { 443, 8443 }"));
	assert_non_null(strstr(text, "redirect to :8445 comment \"bank-a\""));
	/* bank-b has no egress address: it has a set for its answers, and no rule */
	assert_non_null(strstr(text, "set bank_bank-b {"));
	assert_null(strstr(text, "@bank_bank-b "));
}

static void the_table_takes_up_what_was_open(void **state)
{
	(void)state;
	const struct egress_admission admissions[] = {{{htonl(0x0a4d0002)}, 60}, {{htonl(0x0a4d0003)}, 9}};
	const struct egress_session sessions[] = {{{htonl(0x0a4d0002)}, plan.banks[0].mark}};
	const struct egress_address addresses[] = {{"bank_bank-a", {htonl(0xc633640a)}, 1800},
						   {"bank_gone", {htonl(0xc633640b)}, 1800},
						   {"bank_bank-a", {htonl(0xc633640c)}, 7}};
	const struct egress_content content = {admissions, 2, sessions, 1, addresses, 3};
	char session[64];
	FILE *f = out();
	egress_write_table(f, &config, &plan, &content, (uid_t)-1);
	fclose(f);
	snprintf(session, sizeof session, "elements = { 10.77.0.2 . 0x%08x }", plan.banks[0].mark);
	assert_non_null(strstr(text, "elements = { 10.77.0.2 timeout 60s, 10.77.0.3 timeout 9s }"));
	assert_non_null(strstr(text, session));
	assert_non_null(strstr(text, "elements = { 198.51.100.10 expires 1800s, 198.51.100.12 expires 7s }"));
	assert_null(strstr(text, "198.51.100.11"));
	assert_null(strstr(text, "skuid"));
}

static void names_that_could_be_syntax_are_refused(void **state)
{
	(void)state;
	const uint16_t port[] = {443}, none[] = {0};
	static const char *const banks[] = {"", "A", "-a", "a b", "a}", "a_b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const hosts[] = {"",           "a",          "a.b/",        "a.b\nserver=/x/", "A.example",
					    "-a.example", "a..example", "*.*.example", "10.0.0.1",        "#.example"};
	for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++)
		assert_int_equal(plan_add(&plan, banks[i], "www.c.example", port, 1), -EINVAL);
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		assert_int_equal(plan_add(&plan, "bank-c", hosts[i], port, 1), -EINVAL);
	assert_int_equal(plan_add(&plan, "bank-c", "www.c.example", none, 1), -EINVAL);
	assert_int_equal(plan_add(&plan, "bank-c", "www.c.example", port, 0), -EINVAL);
	assert_null(plan_bank(&plan, "bank-c"));
}

static void plans_travel(void **state)
{
	(void)state;
	uint8_t data[2048];
	struct plan back;
	struct writer w = writer_over(data, sizeof data);
	plan_write(&w, &plan);
	struct reader r = reader_over(data, w.size);
	assert_int_equal(plan_read(&r, &back), 0);
	assert_true(reader_done(&r));
	assert_int_equal(back.host_count, plan.host_count);
	assert_int_equal(back.group_count, plan.group_count);
	assert_int_equal(back.banks[1].mark, plan.banks[1].mark);
	plan_free(&back);
	for (size_t cut = 0; cut < w.size; cut++) {
		struct reader half = reader_over(data, cut);
		assert_int_not_equal(plan_read(&half, &back), 0);
	}
}

static void metrics_are_escaped(void **state)
{
	(void)state;
	FILE *f = out();
	metrics_family(f, "x_seconds", METRICS_COUNTER, "seconds", "one\ntwo \\ \"three\"");
	metrics_sample(f, "x_seconds", METRICS_COUNTER, (struct metrics_label){"bank", "a\"b\\c\nd"}, 12);
	metrics_sample(f, "x_seconds", METRICS_COUNTER, (struct metrics_label){0}, 0.5);
	metrics_end(f);
	fclose(f);
	assert_string_equal(text, "# TYPE x_seconds counter\n# UNIT x_seconds seconds\n"
				  "# HELP x_seconds one\\ntwo \\\\ \\\"three\\\"\n"
				  "x_seconds_total{bank=\"a\\\"b\\\\c\\nd\"} 12\nx_seconds_total 0.5\n# EOF\n");
}

static void configuration_mistakes_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said;
	} cases[] = {
	    {"colour = red\n", "line 1: colour"},
	    {"\n# note\nid\n", "line 3: wants KEY = VALUE"},
	    {"inner = 10.77.0.1\n", "line 1: inner"},
	    {"inner = 10.77.0.1/31\n", "line 1: inner"},
	    {"web-listen = localhost:8443\n", "line 1: web-listen"},
	    {"web-listen = 127.0.0.1:0\n", "line 1: web-listen"},
	    {"egress = bank-a 203.0.113.102\n", "line 1: egress"},
	    {"egress = BANK 203.0.113.102\n", "line 1: egress"},
	    {"control-port = 70000\n", "line 1: control-port"},
	    {"policy = policy.json\n", "line 1: policy"},
	    {"resolver-upstream = dns.example\n", "line 1: resolver-upstream"},
	    {"users = root\n", "line 1: users"},
	    {"lookup-listen = 127.0.0.1\n", "line 1: lookup-listen"},
	    {"lookup-listen = 127.0.0.1:1\nlookup-listen = 127.0.0.1:2\n", "line 2: lookup-listen"},
	    {"lookup-client = bank-a\n", "line 1: lookup-client"},
	    {"lookup-client = bank-a " PIN "A\n", "line 1: lookup-client"},
	    {"lookup-client = BANK " PIN "\n", "line 1: lookup-client"},
	    {"lookup-client = bank-a " PIN " more\n", "line 1: lookup-client"},
	    {"connection-days = 0\n", "line 1: connection-days"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char why[256] = "";
		assert_int_equal(config_parse(cases[i].text, &config, why, sizeof why), -EINVAL);
		if (strncmp(why, cases[i].said, strlen(cases[i].said)) != 0)
			fail_msg("%s said %s", cases[i].text, why);
	}
	char why[256];
	assert_int_equal(
	    config_parse("web-listen = [::1]:8443\nresolver-upstream = 2001:db8::53#5353\n", &config, why, sizeof why),
	    0);
}

/* Without a bank that asks haproxy is told to keep nothing; with one, what it keeps is at a socket of its own. */
static void the_proxy_tells_of_connections_if_somebody_asks(void **state)
{
	(void)state;
	char why[256];
	FILE *f = out();
	proxy_write_config(f, &config);
	fclose(f);
	assert_null(strstr(text, "connections"));
	free(text);
	assert_int_equal(
	    config_parse("lookup-listen = 127.0.0.1:8446\nlookup-client = bank-a " PIN "\n", &config, why, sizeof why),
	    0);
	f = out();
	proxy_write_config(f, &config);
	fclose(f);
	assert_non_null(strstr(text, "/connections.lua\n"));
	assert_non_null(strstr(text, " mode 660 level operator\n"));
	assert_non_null(strstr(text, "  server there 0.0.0.0:0\n  log ring@connections format raw local0 info\n"
				     "  tcp-response content lua.opened\n"));
}

static void sessions_end(void **state)
{
	(void)state;
	static struct login login;
	static const struct login_session anna = {.name = "anna", .role = "operator"};
	char token[LOGIN_TOKEN_SIZE], other[LOGIN_TOKEN_SIZE];
	assert_int_equal(login_open(&login, &anna, 1000, token), 0);
	assert_string_equal(login_find(&login, token, 1001)->name, "anna");
	assert_null(login_find(&login, token, 1000 + LOGIN_SESSION_S));
	assert_null(login_find(&login, NULL, 1001));
	assert_null(login_find(&login, "", 1001));
	memcpy(other, token, sizeof other);
	other[5] = other[5] == 'a' ? 'b' : 'a';
	assert_null(login_find(&login, other, 1001));
	login_close(&login, token);
	assert_null(login_find(&login, token, 1001));
	for (int i = 0; i < 3 * LOGIN_SESSIONS_MAX; i++)
		assert_int_equal(login_open(&login, &anna, 2000 + i, token), 0);
	assert_string_equal(login_find(&login, token, 2400)->name, "anna");
}

static void a_session_acts_so_often(void **state)
{
	(void)state;
	static struct login login;
	static const struct login_session anna = {.name = "anna"};
	char token[LOGIN_TOKEN_SIZE];
	assert_int_equal(login_open(&login, &anna, 1000, token), 0);
	for (int i = 0; i < LOGIN_CALLS; i++)
		assert_int_equal(login_count_call(&login, token, 1010), 0);
	assert_int_equal(login_count_call(&login, token, 1030), LOGIN_WAIT_S - 20);
	assert_int_equal(login_count_call(&login, token, 1010 + LOGIN_WAIT_S), 0);
	assert_true(login_count_call(&login, "", 1010) > 0);
	/* and looks so often, which is counted apart */
	for (int i = 0; i < LOGIN_VIEWS; i++)
		assert_int_equal(login_count_view(&login, token, 1010 + i / 20), 0);
	assert_int_equal(login_count_view(&login, token, 1050), LOGIN_WAIT_S - 40);
	assert_int_equal(login_count_call(&login, token, 1050 + LOGIN_WAIT_S), 0);
	assert_int_equal(login_count_view(&login, token, 1010 + LOGIN_WAIT_S), 0);
	assert_true(login_count_view(&login, "", 1010) > 0);
}

static void guessing_is_slow(void **state)
{
	(void)state;
	static struct login login;
	for (int i = 0; i < LOGIN_TRIES; i++) {
		assert_int_equal(login_wait(&login, "10.0.2.2", 1000), 0);
		login_failed(&login, "10.0.2.2", 1000);
	}
	assert_int_equal(login_wait(&login, "10.0.2.2", 1000), LOGIN_WAIT_S);
	assert_int_equal(login_wait(&login, "10.0.2.3", 1000), 0);
	assert_int_equal(login_wait(&login, "10.0.2.2", 1000 + LOGIN_WAIT_S), 0);
	login_failed(&login, "10.0.2.2", 1000 + LOGIN_WAIT_S);
	assert_int_equal(login_wait(&login, "10.0.2.2", 1000 + LOGIN_WAIT_S), 0);
	login_succeeded(&login, "10.0.2.2");
	assert_int_equal(login_wait(&login, "10.0.2.2", 1000 + LOGIN_WAIT_S), 0);
}

static void names_stay_in_their_place(void **state)
{
	(void)state;
	static const char *const good[] = {"", "山田商店", "<b>&\"'", "O’Neill 🏦", "\u05d0\u05d1"};
	static const char *const bad[] = {"a\nb",     "a\x7f",   "\xc2\x85", "\xff",   "\xe3\x81",
					  "a\u202eb", "\u2066a", "a\u200fb", "\u2028", "\u061c"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(name_is_text(good[i], 128));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(name_is_text(bad[i], 128));
	assert_false(name_is_text("abc", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(dnsmasq_gets_the_names_and_nothing_else, make, unmake),
	    cmocka_unit_test_setup_teardown(the_table_starts_closed, make, unmake),
	    cmocka_unit_test_setup_teardown(the_table_takes_up_what_was_open, make, unmake),
	    cmocka_unit_test_setup_teardown(names_that_could_be_syntax_are_refused, make, unmake),
	    cmocka_unit_test_setup_teardown(plans_travel, make, unmake),
	    cmocka_unit_test_setup_teardown(metrics_are_escaped, make, unmake),
	    cmocka_unit_test_setup_teardown(configuration_mistakes_are_named, make, unmake),
	    cmocka_unit_test_setup_teardown(the_proxy_tells_of_connections_if_somebody_asks, make, unmake),
	    cmocka_unit_test(sessions_end),
	    cmocka_unit_test(a_session_acts_so_often),
	    cmocka_unit_test(guessing_is_slow),
	    cmocka_unit_test(names_stay_in_their_place),
	};
	return cmocka_run_group_tests_name("gateway text", tests, NULL, NULL);
}

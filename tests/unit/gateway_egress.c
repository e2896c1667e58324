/* What the egress process keeps and reads: tables by stick, counters, haproxy's answers, its configuration. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/config.h"
#include "vpn/gateway/egress.h"
#include "vpn/gateway/keyed.h"
#include "vpn/gateway/proxy.h"
#include "vpn/gateway/tried.h"

static struct in_addr at(uint32_t host) { return (struct in_addr){.s_addr = htonl(host)}; }

static void tables_stay_sorted_and_find_a_stick(void **state)
{
	(void)state;
	struct keyed table = {0};
	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(keyed_set(&table, keyed_of(at(0x0a4d0000 + (i * 7919) % 500), i % 3), i), 0);
	for (size_t i = 1; i < table.count; i++)
		assert_true(table.rows[i - 1].key < table.rows[i].key);
	assert_int_equal(table.count, 500);
	assert_true(keyed_has_stick(&table, at(0x0a4d0001)));
	assert_false(keyed_has_stick(&table, at(0x0a4d01f4)));
	assert_false(keyed_has_stick(&table, at(0xffffffff)));
	const struct keyed_row first = table.rows[0];
	assert_int_equal(keyed_find(&table, first.key)->value, first.value);
	assert_true(keyed_remove(&table, first.key));
	assert_false(keyed_remove(&table, first.key));
	assert_null(keyed_find(&table, first.key));
	assert_int_equal(keyed_set(&table, table.rows[0].key, -5), 0);
	assert_int_equal(table.rows[0].value, -5);
	assert_int_equal(table.count, 499);
	keyed_free(&table);
}

static void only_what_is_new_counts(void **state)
{
	(void)state;
	struct keyed last = {0};
	assert_int_equal(tried_new(&last, at(1), TRIED_NAME, 3), 3);
	assert_int_equal(tried_new(&last, at(1), TRIED_NAME, 3), 0);
	assert_int_equal(tried_new(&last, at(1), TRIED_NAME, 5), 2);
	assert_int_equal(tried_new(&last, at(1), TRIED_ECH, 5), 5);
	assert_int_equal(tried_new(&last, at(2), TRIED_NAME, 5), 5);
	assert_int_equal(tried_new(&last, at(1), TRIED_NAME, 1), 1); /* it began anew */
	assert_int_equal(tried_new(&last, at(1), TRIED_NAME, UINT64_MAX), UINT32_MAX);
	keyed_free(&last);
}

static void each_kind_has_a_name_and_a_meaning(void **state)
{
	(void)state;
	for (int i = 0; i < TRIED_COUNT; i++)
		assert_int_equal(tried_from_name(tried_name((enum tried)i)), i);
	assert_int_equal(tried_from_name("good"), TRIED_COUNT);
	assert_int_equal(tried_means(TRIED_INCOMPLETE), TRIED_MEANS_NOTHING);
	assert_int_equal(tried_means(TRIED_ADDRESS), TRIED_MEANS_HELD_UP);
	assert_int_equal(tried_means(TRIED_NAME), TRIED_MEANS_LET_OUT);
	assert_int_equal(tried_means(TRIED_QUESTION), TRIED_MEANS_ASKED);
	assert_int_equal(tried_means(TRIED_COUNT), TRIED_MEANS_NOTHING);
}

static char heard[512];

static void hear_connection(const struct proxy_connection *c, void *context)
{
	(void)context;
	size_t size = strlen(heard);
	snprintf(heard + size, sizeof heard - size, "%08x %u %s %s;", ntohl(c->stick.s_addr), c->port, c->bank, c->id);
}

static void connections_are_read(void **state)
{
	(void)state;
	char answer[] =
	    "0x7f7a122fa400: proto=tcpv4 src=10.77.0.2:41820 fe=sticks be=bank_alpha srv=there ts=00 epoch=0 age=1s\n"
	    "0x7f7a122fa500: proto=tcpv4 src=10.77.0.3:41821 fe=sticks be=sticks srv=<none> ts=00\n"
	    "0x7f7a122fa600: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00\n"
	    "garbage src=10.77.0.4:1 fe=sticks be=bank_alpha x\n"
	    "0x7f7a122fa700: proto=tcpv4 src=10.77.0:1 fe=sticks be=bank_alpha x\n"
	    "0x7f7a122fa800: proto=tcpv4 src=10.77.0.5:9 fe=sticks be=bank_beta-2 srv=there\n\n> ";
	heard[0] = '\0';
	proxy_each_connection(answer, hear_connection, NULL);
	assert_string_equal(heard, "0a4d0002 41820 alpha 0x7f7a122fa400;0a4d0005 9 beta-2 0x7f7a122fa800;");
}

static void names_of_connections_are_read(void **state)
{
	(void)state;
	char answer[] = "# table: live, type: string, size:102400, used:4\n"
			"0x7f7a127567e8: key=10.77.0.2:41820/www.a.example:443 use=1 exp=59768 shard=0 conn_cur=1\n"
			"0x7f7a12756708: key=10.77.0.2:41821/www.a.example:443 use=0 exp=5637 shard=0 conn_cur=0\n"
			"0x7f7a12756548: key=10.77.0.3:70000/www.a.example:443 use=1 exp=1 shard=0 conn_cur=1\n"
			"0x7f7a12756549: key=10.77.0.4:9:443 use=1 exp=1 shard=0 conn_cur=1\n"
			"0x7f7a12756549: key=10.77.0.4:9/:443 use=1 exp=1 shard=0 conn_cur=1\n"
			"0x7f7a12756550: key=10.77.0.5:9/x.a.example:8443 use=1 exp=1 shard=0 conn_cur=2\n\n> ";
	struct proxy_live *list = NULL;
	size_t count = 0;
	assert_int_equal(proxy_read_live(answer, &list, &count), 0);
	assert_int_equal(count, 2);
	assert_true(list[0].stick.s_addr == at(0x0a4d0002).s_addr && list[0].from == 41820 && list[0].port == 443);
	assert_string_equal(list[0].name, "www.a.example");
	assert_true(list[1].from == 9 && list[1].port == 8443);
	free(list);
}

static void a_plan_knows_its_names(void **state)
{
	(void)state;
	const uint16_t two[] = {443, 8443}, https[] = {443};
	struct plan plan = {0};
	assert_int_equal(plan_add(&plan, "alpha", "www.a.example", two, 2), 0);
	assert_int_equal(plan_add(&plan, "alpha", "*.a.example", https, 1), 0);
	assert_int_equal(plan_add(&plan, "beta", "www.b.example", https, 1), 0);
	const struct {
		const char *bank, *name;
		uint16_t port;
		bool allowed;
	} cases[] = {{"alpha", "www.a.example", 8443, true}, {"alpha", "www.a.example", 80, false},
		     {"alpha", "x.a.example", 443, true},    {"alpha", "x.a.example", 8443, false},
		     {"alpha", "x.y.a.example", 443, false}, {"alpha", "a.example", 443, false},
		     {"alpha", "www.b.example", 443, false}, {"beta", "www.b.example", 443, true},
		     {"beta", "localhost", 443, false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(plan_allows(&plan, plan_bank(&plan, cases[i].bank), cases[i].name, cases[i].port),
				 cases[i].allowed);
	plan_free(&plan);
}

static void hear_tried(struct in_addr stick, const char *kind, uint64_t count, void *context)
{
	(void)context;
	size_t size = strlen(heard);
	snprintf(heard + size, sizeof heard - size, "%08x %s %u;", ntohl(stick.s_addr), kind, (unsigned)count);
}

static void counters_are_read(void **state)
{
	(void)state;
	char answer[] = "# table: tried, type: string, size:102400, used:3\n"
			"0x7f7a127567e8: key=10.77.0.2/incomplete use=0 exp=86398768 shard=0 gpc0=1\n"
			"0x7f7a12756708: key=10.77.0.3/not_tls use=0 exp=86395637 shard=0 gpc0=12\n"
			"0x7f7a12756548: key=nobody/name use=0 exp=86395484 shard=0 gpc0=2\n"
			"0x7f7a12756549: key=10.77.0.4/ use=0 exp=86395484 shard=0 gpc0=2\n\n> ";
	heard[0] = '\0';
	proxy_each_tried(answer, hear_tried, NULL);
	assert_string_equal(heard, "0a4d0002 incomplete 1;0a4d0003 not_tls 12;");
}

static void hear_counter(struct in_addr stick, uint64_t count, void *context)
{
	hear_tried(stick, "kernel", count, context);
}

static void the_kernels_sets_are_read(void **state)
{
	(void)state;
	static const char json[] =
	    "{\"nftables\":[{\"metainfo\":{}},{\"set\":{\"name\":\"bank_a\",\"elem\":[{\"elem\":{\"val\":"
	    "\"198.51.100.10\",\"timeout\":3600,\"expires\":1800}},{\"elem\":{\"val\":\"x\",\"expires\":9}}]}},"
	    "{\"set\":{\"name\":\"admitted\",\"elem\":[{\"elem\":{\"val\":\"10.77.0.2\",\"expires\":5}}]}},"
	    "{\"set\":{\"name\":\"tried\",\"elem\":[{\"elem\":{\"val\":\"10.77.0.2\",\"expires\":5,\"counter\":"
	    "{\"packets\":3,\"bytes\":180}}}]}},"
	    "{\"set\":{\"name\":\"asked\",\"elem\":[{\"elem\":{\"val\":\"10.77.0.3\",\"expires\":5,\"counter\":"
	    "{\"packets\":7,\"bytes\":420}}}]}}]}";
	struct egress_address *list = NULL;
	size_t count = 0;
	assert_int_equal(egress_read_addresses(json, &list, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(list[0].set, "bank_a");
	assert_int_equal(list[0].seconds, 1800);
	free(list);
	heard[0] = '\0';
	assert_int_equal(egress_read_counters(json, "tried", hear_counter, NULL), 0);
	assert_string_equal(heard, "0a4d0002 kernel 3;");
	heard[0] = '\0';
	assert_int_equal(egress_read_counters(json, "asked", hear_counter, NULL), 0);
	assert_string_equal(heard, "0a4d0003 kernel 7;");
	assert_true(egress_read_addresses("", &list, &count) < 0);
	assert_int_equal(count, 0);
	free(list);
	assert_true(egress_read_counters("{\"nftables\":{}}", "tried", hear_counter, NULL) < 0);
}

static void haproxy_gets_names_by_stick(void **state)
{
	(void)state;
	const uint16_t two[] = {443, 8443}, https[] = {443};
	struct plan plan = {0};
	char *text = NULL;
	size_t size = 0;
	assert_int_equal(plan_add(&plan, "alpha", "www.a.example", two, 2), 0);
	assert_int_equal(plan_add(&plan, "beta", "www.b.example", https, 1), 0);
	assert_int_equal(plan_add(&plan, "alpha", "*.a.example", https, 1), 0);
	FILE *out = open_memstream(&text, &size);
	proxy_write_entries(out, PROXY_NAMES, &plan, plan_bank(&plan, "alpha"), at(0x0a4d0002), true);
	proxy_write_entries(out, PROXY_FAMILIES, &plan, plan_bank(&plan, "alpha"), at(0x0a4d0002), false);
	fclose(out);
	assert_string_equal(text, "10.77.0.2/www.a.example:443 alpha\n10.77.0.2/www.a.example:8443 alpha\n"
				  "10.77.0.2/*.a.example:443\n");
	free(text);
	assert_ptr_equal(plan_bank_of(&plan, plan.banks[1].mark), &plan.banks[1]);
	assert_null(plan_bank_of(&plan, 2));
	plan_free(&plan);
}

static void haproxy_is_configured_from_gateway_conf_alone(void **state)
{
	(void)state;
	struct config config = {0};
	char why[256], *text = NULL;
	size_t size = 0;
	assert_int_equal(config_parse("inner = 10.77.0.1/16\nproxy-port = 8445\nproxy-socket = /run/p/s\n"
				      "proxy-hello = /usr/h.lua\nresolver-config = /run/r/dnsmasq.conf\n"
				      "egress = alpha 203.0.113.101\n",
				      &config, why, sizeof why),
			 0);
	FILE *out = open_memstream(&text, &size);
	proxy_write_config(out, &config);
	fclose(out);
	assert_non_null(strstr(text, "\n  bind 10.77.0.1:8445\n"));
	assert_non_null(strstr(text, "\n  stats socket /run/p/s mode 660 level admin\n"));
	assert_non_null(strstr(text, "\n  lua-load /usr/h.lua\n"));
	assert_non_null(strstr(text, "\nbackend bank_alpha\n  source 203.0.113.101\n  server there 0.0.0.0:0\n"));
	assert_null(strstr(text, "%%"));
	free(text);
	char path[CONFIG_PATH_SIZE + 16];
	proxy_config_path(&config, path);
	assert_string_equal(path, "/run/r/haproxy.cfg");
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_stay_sorted_and_find_a_stick),
	    cmocka_unit_test(only_what_is_new_counts),
	    cmocka_unit_test(each_kind_has_a_name_and_a_meaning),
	    cmocka_unit_test(connections_are_read),
	    cmocka_unit_test(names_of_connections_are_read),
	    cmocka_unit_test(a_plan_knows_its_names),
	    cmocka_unit_test(counters_are_read),
	    cmocka_unit_test(the_kernels_sets_are_read),
	    cmocka_unit_test(haproxy_gets_names_by_stick),
	    cmocka_unit_test(haproxy_is_configured_from_gateway_conf_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

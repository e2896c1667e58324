#include "vpn/gateway/egress.h"

#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/proxy.h"
#include "vpn/gateway/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * What the gateway's egress process reads: haproxy's answers, in which a stick's ClientHello has its part, nftables'
 * JSON, and the plan that the store makes of a policy. From a plan it writes three programs' configurations.
 */

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The id is a word on a command line that haproxy reads. */
static void take_connection(const struct proxy_connection *c, void *context)
{
	(void)context;
	must(c->bank[0] && strlen(c->bank) < BANK_ID_SIZE && !strpbrk(c->bank, " \n"));
	must(strncmp(c->id, "0x", 2) == 0 && strlen(c->id) < 32 && !strpbrk(c->id, "\n:"));
}

static void read_live(char *text)
{
	struct proxy_live *list = NULL;
	size_t count = 0;
	must(proxy_read_live(text, &list, &count) == 0);
	for (size_t i = 0; i < count; i++)
		must(list[i].name[0] && strlen(list[i].name) < HOST_SIZE && !strpbrk(list[i].name, " \n"));
	free(list);
}

static void take_tried(struct in_addr stick, const char *kind, uint64_t count, void *context)
{
	(void)stick, (void)count, (void)context;
	must(kind[0] && strlen(kind) < CODE_SIZE && !strpbrk(kind, " \n"));
}

static void take_counter(struct in_addr stick, uint64_t count, void *context)
{
	(void)stick, (void)count, (void)context;
}

static void read_json(const char *json)
{
	struct egress_address *addresses = NULL;
	size_t count = 0;
	(void)egress_read_addresses(json, &addresses, &count);
	for (size_t i = 0; i < count; i++)
		must(memchr(addresses[i].set, '\0', sizeof addresses[i].set));
	(void)egress_read_counters(json, "tried", take_counter, NULL);
	(void)egress_read_counters(json, "asked", take_counter, NULL);
	free(addresses);
}

/* Nothing of a plan that was taken ends a word, a line or a block of any of the three. */
static void write_all(const struct plan *plan)
{
	static struct config_egress source = {"alpha", {0x0a336464}};
	static const struct config config = {.id = "G-1",
					     .interface = "wg0",
					     .inner = {0x01004d0a},
					     .inner_prefix = 16,
					     .resolver_config = "/run/sekisho/dnsmasq.conf",
					     .proxy_port = 4443,
					     .egress = &source,
					     .egress_count = 1};
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.*";
	char *text = NULL;
	size_t size = 0;
	for (size_t i = 0; i < plan->host_count; i++)
		must(strspn(plan->hosts[i].name, harmless) == strlen(plan->hosts[i].name));
	for (size_t i = 0; i < plan->bank_count; i++)
		must(plan->banks[i].id[0] && strspn(plan->banks[i].id, harmless) == strlen(plan->banks[i].id));
	FILE *out = open_memstream(&text, &size);
	must(out);
	resolver_write(out, &config, plan);
	egress_write_table(out, &config, plan, &(struct egress_content){0}, 123);
	for (size_t i = 0; i < plan->bank_count; i++)
		for (int map = 0; map < PROXY_MAPS; map++)
			proxy_write_entries(out, (enum proxy_map)map, plan, &plan->banks[i],
					    (struct in_addr){0x02004d0a}, true);
	must(fclose(out) == 0 && !memchr(text, '\0', size));
	free(text);
}

/* What was read can be written, and read again as the same. */
static void read_plan(const uint8_t *data, size_t size)
{
	static uint8_t first[1 << 17], second[sizeof first];
	struct reader r = reader_over(data, size);
	struct plan plan, again;
	if (plan_read(&r, &plan))
		return;
	write_all(&plan);
	struct writer w = writer_over(first, sizeof first), w2 = writer_over(second, sizeof second);
	plan_write(&w, &plan);
	r = reader_over(first, w.size);
	must(!w.failed && plan_read(&r, &again) == 0 && reader_done(&r));
	plan_write(&w2, &again);
	must(again.bank_count == plan.bank_count && w2.size == w.size && memcmp(first, second, w.size) == 0);
	plan_free(&plan);
	plan_free(&again);
}

/* First byte: c connections, l their names, t what was tried, p a plan, otherwise JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 60000)
		return 0;
	char *text = strndup((const char *)data + 1, size - 1);
	must(text);
	if (data[0] == 'c')
		proxy_each_connection(text, take_connection, NULL);
	else if (data[0] == 'l')
		read_live(text);
	else if (data[0] == 't')
		proxy_each_tried(text, take_tried, NULL);
	else if (data[0] == 'p')
		read_plan(data + 1, size - 1);
	else
		read_json(text);
	free(text);
	return 0;
}

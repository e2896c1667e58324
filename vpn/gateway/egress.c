#include "vpn/gateway/egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const char *const egress_nowhere[] = {"0.0.0.0/8",
				      "10.0.0.0/8",
				      "100.64.0.0/10",
				      "127.0.0.0/8",
				      "169.254.0.0/16",
				      "172.16.0.0/12",
				      "192.0.0.0/24",
				      "192.168.0.0/16",
				      "198.18.0.0/15",
				      "224.0.0.0/3",
				      NULL};

/* inet_ntop() into a buffer of its own, so that two can stand in one printf. */
struct text4 {
	char text[INET_ADDRSTRLEN];
};

static struct text4 text4(struct in_addr address)
{
	struct text4 t;
	inet_ntop(AF_INET, &address, t.text, sizeof t.text);
	return t;
}

static struct text4 network_of(const struct config *config)
{
	uint32_t mask = ~0U << (32 - config->inner_prefix);
	return text4((struct in_addr){.s_addr = config->inner.s_addr & htonl(mask)});
}

static void write_addresses(FILE *out, const struct plan_group *group, const struct egress_content *content)
{
	bool first = true;
	fprintf(out, "\tset %s {\n\t\ttype ipv4_addr\n\t\tflags dynamic,timeout\n\t\ttimeout 1h\n\t\tsize 65535\n",
		group->set);
	for (size_t i = 0; i < content->address_count; i++) {
		const struct egress_address *one = &content->addresses[i];
		if (strcmp(one->set, group->set) != 0)
			continue;
		fprintf(out, "%s%s expires %us", first ? "\t\telements = { " : ", ", text4(one->address).text,
			one->seconds);
		first = false;
	}
	fputs(first ? "\t}\n" : " }\n\t}\n", out);
}

/* Where no bank is: private, shared, local, multicast and reserved networks, and the
 * sticks' own. A name of a bank's that leads there, by mistake or by DNS rebinding, leads nowhere. */
static void write_nowhere(FILE *out, const struct config *config)
{
	fprintf(out,
		"\tset nowhere {\n\t\ttype ipv4_addr\n\t\tflags interval,constant\n\t\tauto-merge\n"
		"\t\telements = { %s/%u",
		network_of(config).text, config->inner_prefix);
	for (size_t i = 0; egress_nowhere[i]; i++)
		fprintf(out, ", %s", egress_nowhere[i]);
	fputs(" }\n\t}\n", out);
}

static const char *const counted[] = {"tried", "asked"};

static void write_sets(FILE *out, const struct config *config, const struct plan *plan,
		       const struct egress_content *content)
{
	fputs("\tset admitted {\n\t\ttype ipv4_addr\n\t\tflags timeout\n", out);
	for (size_t i = 0; i < content->admission_count; i++)
		fprintf(out, "%s%s timeout %us", i ? ", " : "\t\telements = { ",
			text4(content->admissions[i].stick).text, content->admissions[i].seconds);
	fputs(content->admission_count ? " }\n\t}\n" : "\t}\n", out);
	fputs("\tset open {\n\t\ttype ipv4_addr . mark\n", out);
	for (size_t i = 0; i < content->session_count; i++)
		fprintf(out, "%s%s . 0x%08x", i ? ", " : "\t\telements = { ", text4(content->sessions[i].stick).text,
			content->sessions[i].mark);
	fputs(content->session_count ? " }\n\t}\n" : "\t}\n", out);
	write_nowhere(out, config);
	/* What a stick let out that was refused here, counted by stick for a day: connections, and questions. */
	for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
		fprintf(
		    out,
		    "\tset %s {\n\t\ttype ipv4_addr\n\t\tflags dynamic,timeout\n\t\ttimeout 1d\n\t\tsize 65535\n\t}\n",
		    counted[i]);
	for (size_t i = 0; i < plan->group_count; i++)
		write_addresses(out, &plan->groups[i], content);
}

static void write_ports(FILE *out, const struct plan_group *group)
{
	for (size_t j = 0; j < group->port_count; j++)
		fprintf(out, "%s%u", j ? ", " : "tcp dport { ", group->ports[j]);
	fputs(" }", out);
}

/* A new connection takes its bank's mark first; it then counts only if this stick has that bank open. Each new one
 * renews the address's hour in the set, so that an address in use does not run out between question and connection.
 * What is refused is counted by stick: the beginning of a connection, not what is left of one that was closed. */
static void write_banks(FILE *out, const struct config *config, const struct plan *plan)
{
	fputs("\tchain to_banks {\n", out);
	for (size_t i = 0; i < plan->group_count; i++) {
		const struct plan_group *group = &plan->groups[i];
		const struct plan_bank *bank = &plan->banks[group->bank];
		if (!config_egress_of(config, bank->id))
			continue;
		fprintf(out, "\t\tip daddr @%s ", group->set);
		write_ports(out, group);
		fprintf(out,
			" ct mark set 0x%08x ip saddr . ct mark @open update @%s { ip daddr } counter redirect to :%u"
			" comment \"%s\"\n",
			bank->mark, group->set, config->proxy_port, bank->id);
	}
	fprintf(out,
		"\t}\n"
		"\tchain prerouting {\n"
		"\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
		"\t\tiifname \"%s\" ip saddr @admitted ip daddr != @nowhere fib daddr type unicast jump to_banks\n"
		"\t}\n"
		"\tchain refuse {\n"
		"\t\ttcp flags & (syn | ack) == syn update @tried { ip saddr counter }"
		" reject with tcp reset comment \"refused\"\n"
		"\t\tmeta l4proto udp ct state new update @tried { ip saddr counter }\n"
		"\t\tcounter drop comment \"refused\"\n"
		"\t}\n",
		config->interface);
}

static void write_forward(FILE *out, const struct config *config)
{
	fprintf(out,
		"\tchain forward {\n"
		"\t\ttype filter hook forward priority filter; policy drop;\n"
		"\t\tiifname \"%s\" jump refuse\n"
		"\t}\n",
		config->interface);
}

/* A connection that was led to the proxy is held to its stick's admission and session with every packet of it. */
static void write_input(FILE *out, const struct config *config)
{
	const char *wg = config->interface;
	struct text4 inner = text4(config->inner);
	unsigned port = config->proxy_port;
	fprintf(out,
		"\tchain from_sticks {\n"
		/* the tunnel carries none; a rule that looks at ports alone would take it too */
		"\t\tmeta nfproto != ipv4 counter drop comment \"not IPv4\"\n"
		"\t\tip daddr != %s jump refuse\n"
		"\t\ttcp dport %u accept\n"
		"\t\ticmp type echo-request accept\n"
		"\t\tip saddr @admitted udp dport 53 accept\n"
		"\t\tip saddr @admitted tcp dport 53 accept\n"
		"\t\tmeta l4proto { tcp, udp } th dport 53 counter drop comment \"not admitted\"\n"
		"\t\ttcp dport %u ct status dnat ip saddr @admitted ip saddr . ct mark @open accept\n"
		"\t\ttcp dport %u ct status dnat counter reject with tcp reset comment \"closed\"\n"
		"\t\tjump refuse\n"
		"\t}\n"
		"\tchain input {\n"
		"\t\ttype filter hook input priority filter; policy accept;\n"
		"\t\tiifname \"%s\" jump from_sticks\n"
		"\t\tiifname != \"lo\" ip daddr %s counter drop comment \"inner address from outside\"\n"
		"\t}\n",
		inner.text, config->control_port, port, port, wg, inner.text);
	fprintf(
	    out,
	    "\tchain output {\n"
	    "\t\ttype filter hook output priority filter; policy accept;\n"
	    /* of a session that was closed, or of one who is not admitted any more: nothing of the bank's, but that it
	     * is over */
	    "\t\toifname \"%s\" tcp sport %u ct status dnat ip daddr @admitted ip daddr . ct mark @open accept\n"
	    "\t\toifname \"%s\" tcp sport %u ct status dnat tcp flags & (fin | rst) != 0x0 meta length <= 52 accept\n"
	    "\t\toifname \"%s\" tcp sport %u ct status dnat reject with tcp reset\n"
	    /*
	     * A question that is outside the policy is known by the resolver's answer to it, so that nothing here ever
	     * sees a name: NXDOMAIN with neither an answer nor an authority (RFC 1035 section 4.1.1), over UDP, and
	     * over TCP behind the length (section 4.2.2). What the world does not have either comes with a SOA (RFC
	     * 2308 section 3) and is no such thing; a name that leads where no bank is looks the same (README).
	     */
	    "\t\toifname \"%s\" udp sport 53 @ih,28,4 0x3 @ih,48,32 0x0 update @asked { ip daddr counter }\n"
	    "\t\toifname \"%s\" tcp sport 53 @ih,44,4 0x3 @ih,64,32 0x0 update @asked { ip daddr counter }\n"
	    /* the control API's, and what says no; the resolver's only to who is admitted */
	    "\t\toifname \"%s\" meta l4proto { tcp, udp } th sport 53 ip daddr != @admitted counter drop"
	    " comment \"answer to one not admitted\"\n"
	    "\t\toifname \"%s\" meta nfproto ipv4 ct state established,related accept\n"
	    "\t\toifname \"%s\" counter drop comment \"nothing here speaks to a stick first\"\n",
	    wg, port, wg, port, wg, port, wg, wg, wg, wg, wg);
}

/* What the proxy's user may begin: a connection from a bank's address to that bank's. The end of the chain `output'. */
static void write_proxy(FILE *out, const struct config *config, const struct plan *plan, uid_t proxy)
{
	if (proxy != (uid_t)-1)
		fprintf(out, "\t\tmeta skuid %u ct state new jump from_proxy\n", (unsigned)proxy);
	fputs("\t}\n\tchain from_proxy {\n\t\tip daddr @nowhere counter drop comment \"no place of a bank\"\n"
	      "\t\tfib daddr type != unicast counter drop comment \"no place of a bank\"\n",
	      out);
	for (size_t i = 0; i < plan->group_count; i++) {
		const struct plan_group *group = &plan->groups[i];
		const struct config_egress *egress = config_egress_of(config, plan->banks[group->bank].id);
		if (!egress)
			continue;
		fprintf(out, "\t\tip saddr %s ip daddr @%s ", text4(egress->address).text, group->set);
		write_ports(out, group);
		fputs(" accept\n", out);
	}
	fputs("\t\tcounter reject comment \"the proxy to elsewhere\"\n\t}\n", out);
}

void egress_write_table(FILE *out, const struct config *config, const struct plan *plan,
			const struct egress_content *content, uid_t proxy)
{
	fputs("table " EGRESS_TABLE " {\n}\ndelete table " EGRESS_TABLE "\ntable " EGRESS_TABLE " {\n", out);
	write_sets(out, config, plan, content);
	write_banks(out, config, plan);
	write_forward(out, config);
	write_input(out, config);
	write_proxy(out, config, plan, proxy);
	fputs("}\n", out);
}

/* --- what the kernel holds --- */

typedef void element_fn(const char *set, json_t *element, void *context);

static int each_element(const char *json, element_fn *fn, void *context)
{
	json_t *root = json_loads(json, 0, NULL);
	json_t *list = json_object_get(root, "nftables"), *entry;
	size_t i, j;
	json_array_foreach(list, i, entry)
	{
		json_t *set = json_object_get(entry, "set"), *element;
		const char *name = json_string_value(json_object_get(set, "name"));
		json_array_foreach(json_object_get(set, "elem"), j, element)
		{
			json_t *inner = json_object_get(element, "elem");
			if (name && inner)
				fn(name, inner, context);
		}
	}
	int error = json_is_array(list) ? 0 : -EBADMSG;
	json_decref(root);
	return error;
}

static bool address_of(json_t *element, struct in_addr *address)
{
	const char *text = json_string_value(json_object_get(element, "val"));
	return text && inet_pton(AF_INET, text, address) == 1;
}

struct addresses {
	struct egress_address *list;
	size_t count;
	int error;
};

static void take_address(const char *set, json_t *element, void *context)
{
	struct addresses *a = context;
	struct egress_address one = {.seconds = (unsigned)json_integer_value(json_object_get(element, "expires"))};
	if (strncmp(set, "bank_", 5) != 0 || strlen(set) >= sizeof one.set || !address_of(element, &one.address) ||
	    one.seconds == 0)
		return;
	memcpy(one.set, set, strlen(set) + 1);
	struct egress_address *grown = realloc(a->list, (a->count + 1) * sizeof *grown);
	if (!grown) {
		a->error = -ENOMEM;
		return;
	}
	a->list = grown;
	a->list[a->count++] = one;
}

int egress_read_addresses(const char *json, struct egress_address **addresses, size_t *count)
{
	struct addresses a = {0};
	int error = each_element(json, take_address, &a);
	*addresses = a.list;
	*count = a.count;
	return error ? error : a.error;
}

struct counters {
	const char *set;
	egress_counter_fn *fn;
	void *context;
};

static void take_counter(const char *set, json_t *element, void *context)
{
	const struct counters *c = context;
	struct in_addr stick;
	json_t *packets = json_object_get(json_object_get(element, "counter"), "packets");
	if (strcmp(set, c->set) == 0 && address_of(element, &stick) && json_is_integer(packets))
		c->fn(stick, (uint64_t)json_integer_value(packets), c->context);
}

int egress_read_counters(const char *json, const char *set, egress_counter_fn *fn, void *context)
{
	struct counters c = {set, fn, context};
	return each_element(json, take_counter, &c);
}

/* An element's timeout is renewed by making it anew, within one transaction. */
void egress_write_admit(FILE *out, struct in_addr stick, unsigned seconds)
{
	struct text4 address = text4(stick);
	fprintf(out,
		"destroy element " EGRESS_TABLE " admitted { %s }\n"
		"add element " EGRESS_TABLE " admitted { %s timeout %us }\n",
		address.text, address.text, seconds);
}

void egress_write_expel(FILE *out, struct in_addr stick)
{
	fprintf(out, "destroy element " EGRESS_TABLE " admitted { %s }\n", text4(stick).text);
}

void egress_write_session(FILE *out, struct in_addr stick, uint32_t mark, bool open)
{
	fprintf(out, "%s element " EGRESS_TABLE " open { %s . 0x%08x }\n", open ? "add" : "destroy", text4(stick).text,
		mark);
}

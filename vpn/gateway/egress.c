#include "vpn/gateway/egress.h"

#include <arpa/inet.h>

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

static void write_sets(FILE *out, const struct plan *plan, const struct egress_content *content)
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
	for (size_t i = 0; i < plan->group_count; i++)
		fprintf(
		    out,
		    "\tset %s {\n\t\ttype ipv4_addr\n\t\tflags dynamic,timeout\n\t\ttimeout 1h\n\t\tsize 65535\n\t}\n",
		    plan->groups[i].set);
}

/* A new connection takes its bank's mark first; it then counts only if this stick has that bank open. Each new one
 * renews the address's hour in the set, so that an address in use does not run out between question and connection. */
static void write_banks(FILE *out, const struct config *config, const struct plan *plan)
{
	fputs("\tchain to_banks {\n"
	      "\t\tct state established,related ip saddr . ct mark @open accept\n",
	      out);
	for (size_t i = 0; i < plan->group_count; i++) {
		const struct plan_group *group = &plan->groups[i];
		const struct plan_bank *bank = &plan->banks[group->bank];
		if (!config_egress_of(config, bank->id))
			continue;
		fprintf(out, "\t\tct state new ip daddr @%s tcp dport { ", group->set);
		for (size_t j = 0; j < group->port_count; j++)
			fprintf(out, "%s%u", j ? ", " : "", group->ports[j]);
		fprintf(out,
			" } ct mark set 0x%08x ip saddr . ct mark @open update @%s { ip daddr } counter accept"
			" comment \"%s\"\n",
			bank->mark, group->set, bank->id);
	}
	fputs("\t\tcounter drop comment \"refused\"\n\t}\n", out);
}

static void write_forward(FILE *out, const struct config *config)
{
	const char *wg = config->interface;
	fprintf(
	    out,
	    "\tchain forward {\n"
	    "\t\ttype filter hook forward priority filter; policy drop;\n"
	    "\t\tiifname \"%s\" oifname \"%s\" counter drop comment \"stick to stick\"\n"
	    "\t\tiifname \"%s\" ip daddr { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3, %s/%u } counter drop"
	    " comment \"no place of a bank\"\n"
	    "\t\tiifname \"%s\" ip saddr @admitted jump to_banks\n"
	    "\t\toifname \"%s\" ct state established,related ip daddr @admitted ip daddr . ct mark @open accept\n"
	    "\t}\n",
	    wg, wg, wg, network_of(config).text, config->inner_prefix, wg, wg);
}

static void write_input(FILE *out, const struct config *config)
{
	const char *wg = config->interface;
	struct text4 inner = text4(config->inner);
	fprintf(out,
		"\tchain from_sticks {\n"
		"\t\tip daddr != %s counter drop comment \"not the gateway's inner address\"\n"
		"\t\ttcp dport %u accept\n"
		"\t\ticmp type echo-request accept\n"
		"\t\tip saddr @admitted udp dport 53 accept\n"
		"\t\tip saddr @admitted tcp dport 53 accept\n"
		"\t\tcounter drop\n"
		"\t}\n"
		"\tchain input {\n"
		"\t\ttype filter hook input priority filter; policy accept;\n"
		"\t\tiifname \"%s\" jump from_sticks\n"
		"\t\tiifname != \"lo\" ip daddr %s counter drop comment \"inner address from outside\"\n"
		"\t}\n"
		"\tchain output {\n"
		"\t\ttype filter hook output priority filter; policy accept;\n"
		"\t\toifname \"%s\" ct state established,related accept\n"
		"\t\toifname \"%s\" counter drop comment \"nothing here speaks to a stick first\"\n"
		"\t}\n",
		inner.text, config->control_port, wg, inner.text, wg, wg);
}

static void write_nat(FILE *out, const struct config *config, const struct plan *plan)
{
	fputs("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n", out);
	for (size_t i = 0; i < plan->bank_count; i++) {
		const struct config_egress *egress = config_egress_of(config, plan->banks[i].id);
		if (egress)
			fprintf(out, "\t\tct mark 0x%08x oifname != \"%s\" snat ip to %s comment \"%s\"\n",
				plan->banks[i].mark, config->interface, text4(egress->address).text, plan->banks[i].id);
	}
	fputs("\t}\n", out);
}

void egress_write_table(FILE *out, const struct config *config, const struct plan *plan,
			const struct egress_content *content)
{
	fputs("table " EGRESS_TABLE " {\n}\ndelete table " EGRESS_TABLE "\ntable " EGRESS_TABLE " {\n", out);
	write_sets(out, plan, content);
	write_banks(out, config, plan);
	write_forward(out, config);
	write_input(out, config);
	write_nat(out, config, plan);
	fputs("}\n", out);
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

#include "vpn/device/tunnelwall.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/lib/log.h"

static void print_inner(FILE *out, const struct peers *peers)
{
	fputs("{ ", out);
	for (size_t i = 0; i < peers->count; i++)
		fprintf(out, "%s%s", i ? ", " : "", peers->items[i].inner);
	fputs(" }", out);
}

static void print_ports(FILE *out, const struct tunnelwall *wall)
{
	fputs("{ ", out);
	for (size_t i = 0; i < wall->port_count; i++)
		fprintf(out, "%s%u", i ? ", " : "", wall->ports[i]);
	fputs(" }", out);
}

static void print_output(FILE *out, const struct tunnelwall *wall, const struct peers *peers)
{
	fprintf(out,
		"\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n"
		"\t\toifname != \"%s\" drop\n\t\tip daddr ",
		wall->link);
	print_inner(out, peers);
	fprintf(out, " jump gateway\n\t\ttcp dport ");
	print_ports(out, wall);
	fprintf(out,
		" accept\n\t}\n\tchain gateway {\n\t\ttcp dport { 53, %u } accept\n\t\tudp dport 53 accept\n"
		"\t\ticmp type echo-request accept\n\t\tdrop\n\t}\n",
		wall->control_port);
}

char *tunnelwall_text(const struct tunnelwall *wall, const struct peers *peers)
{
	char *text = NULL;
	size_t size = 0;
	if (wall->port_count == 0 || peers->count == 0)
		return NULL;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	/* Added before it is deleted, so that the first time is no error; one transaction, so never open between. */
	fputs("add table inet sekisho_tunnel\ndelete table inet sekisho_tunnel\ntable inet sekisho_tunnel {\n", out);
	fprintf(out,
		"\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n"
		"\t\tiifname \"%s\" ct state established,related accept\n\t}\n"
		"\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n",
		wall->link);
	print_output(out, wall, peers);
	fputs("}\n", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int tunnelwall_apply(const char *text)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return -ENOMEM;
	int error = 0;
	if (nft_ctx_buffer_error(nft) != 0)
		error = -ENOMEM;
	else if (nft_run_cmd_from_buffer(nft, text) != 0) {
		log_error("the tunnel's rules were refused: %s", nft_ctx_get_error_buffer(nft));
		error = -EINVAL;
	}
	nft_ctx_free(nft);
	return error;
}

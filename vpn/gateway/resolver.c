#include "vpn/gateway/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "vpn/gateway/egress.h"

static void write_head(FILE *out, const struct config *config, const struct plan *plan)
{
	char inner[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &config->inner, inner, sizeof inner);
	fprintf(out,
		"# Written by gatewayd from policy version %" PRIu64 ". Changes here are lost.\n"
		"port=53\n"
		"listen-address=%s\n"
		"bind-dynamic\n"
		"no-resolv\n"
		"no-hosts\n"
		"no-poll\n"
		"cache-size=0\n"
		"max-ttl=%d\n"
		"dns-forward-max=2000\n"
		"edns-packet-max=1232\n"
		/* The tunnel carries IPv4 and the sets hold IPv4; a browser that asks for more than an address learns
		   nothing it could use. */
		"filter-AAAA\n"
		"filter-rr=HTTPS,SVCB\n"
		/* Every name that is not listed below: NXDOMAIN. */
		"address=/#/\n",
		plan->policy_version, inner, RESOLVER_TTL_MAX_S);
	/* An answer with an address that no bank can have is none, and comes into no set: DNS rebinding, or a mistake.
	   (stop-dns-rebind would also refuse the documentation's networks, RFC 5737, and not 100.64.0.0/10.) */
	for (size_t i = 0; egress_nowhere[i]; i++)
		fprintf(out, "bogus-nxdomain=%s\n", egress_nowhere[i]);
}

/* dnsmasq takes a listed name and all below it; which of those a stick may open is the stick's matcher's question, and
 * whatever they resolve to belongs to the same bank. */
static void write_host(FILE *out, const struct config *config, const struct plan *plan, const struct plan_host *host)
{
	const char *name = strncmp(host->name, "*.", 2) == 0 ? host->name + 2 : host->name;
	for (size_t i = 0; i < config->upstream_count; i++)
		fprintf(out, "server=/%s/%s\n", name, config->upstreams[i]);
	fprintf(out, "nftset=/%s/4#inet#sekisho#%s\n", name, plan->groups[host->group].set);
}

void resolver_write(FILE *out, const struct config *config, const struct plan *plan)
{
	write_head(out, config, plan);
	for (size_t i = 0; i < plan->host_count; i++)
		write_host(out, config, plan, &plan->hosts[i]);
}

int resolver_store(const char *path, const struct config *config, const struct plan *plan)
{
	char next[CONFIG_PATH_SIZE + 8];
	snprintf(next, sizeof next, "%s.new", path);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	int error = 0;
	FILE *out = fdopen(fd, "w");
	if (!out) {
		error = -errno;
		close(fd);
		return error;
	}
	resolver_write(out, config, plan);
	if (fflush(out) != 0 || ferror(out))
		error = errno ? -errno : -EIO;
	if (fclose(out) != 0 && !error)
		error = -errno;
	if (!error && rename(next, path) < 0)
		error = -errno;
	return error;
}

#include "launcher/briefs.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/boot/messages.h"

static int finish(const struct writer *w) { return w->failed ? -EMSGSIZE : 0; }

int brief_wall(struct writer *w, const struct gateways *gateways)
{
	size_t count = 0;
	for (size_t i = 0; i < gateways->count; i++)
		count += gateways->list[i].address_count;
	if (count > WALL_GATEWAYS_MAX)
		return -EMSGSIZE;
	write_u8(w, (uint8_t)count);
	for (size_t i = 0; i < gateways->count; i++) {
		const struct gateway *gateway = &gateways->list[i];
		for (size_t j = 0; j < gateway->address_count; j++) {
			const struct gateway_address *address = &gateway->addresses[j];
			write_u8(w, address->family);
			write_blob(w, address->bytes, address->family == 4 ? 4 : 16);
			write_u16(w, address->port);
		}
	}
	return finish(w);
}

static void write_gateway(struct writer *w, const struct gateway *gateway)
{
	write_str(w, gateway->id);
	write_blob(w, gateway->key, sizeof gateway->key);
	write_str(w, gateway->inner);
	write_u8(w, (uint8_t)gateway->address_count);
	for (size_t i = 0; i < gateway->address_count; i++) {
		write_str(w, gateway->addresses[i].text);
		write_u16(w, gateway->addresses[i].port);
	}
}

static int collect_port(uint16_t ports[BRIEF_PORTS_MAX], size_t *count, uint16_t port)
{
	for (size_t i = 0; i < *count; i++)
		if (ports[i] == port)
			return 0;
	if (*count == BRIEF_PORTS_MAX)
		return -EMSGSIZE;
	ports[(*count)++] = port;
	return 0;
}

int brief_ports(struct writer *w, const struct whitelist *policy)
{
	uint16_t ports[BRIEF_PORTS_MAX];
	size_t count = 0;
	int error = 0;
	for (size_t i = 0; i < policy->bank_count && !error; i++)
		for (size_t j = 0; j < policy->banks[i].port_count && !error; j++)
			error = collect_port(ports, &count, policy->banks[i].ports[j]);
	if (error)
		return error;
	write_u8(w, (uint8_t)count);
	for (size_t i = 0; i < count; i++)
		write_u16(w, ports[i]);
	return finish(w);
}

int brief_tunnel(struct writer *w, const struct provision *provision, const struct gateways *gateways,
		 const struct whitelist *policy, const char *last)
{
	write_blob(w, provision->wireguard_key, sizeof provision->wireguard_key);
	write_str(w, provision->address);
	write_u8(w, (uint8_t)gateways->count);
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < gateways->count; i++)
			if ((strcmp(gateways->list[i].id, last) == 0) == turn)
				write_gateway(w, &gateways->list[i]);
	/* One port for the namespace's rules: the control API answers at the same one on every gateway. */
	write_u16(w, gateways->count > 0 ? gateways->list[0].control_port : 0);
	return brief_ports(w, policy);
}

static json_t *bank_json(const struct whitelist_bank *bank)
{
	json_t *hosts = json_array();
	for (size_t i = 0; i < bank->host_count; i++)
		if (bank->hosts[i].role == ROLE_PAGE)
			json_array_append_new(hosts, json_string(bank->hosts[i].name));
	return json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:o}", "id", bank->id, "name", "ja", bank->name_ja, "en",
			 bank->name_en, "start", bank->start, "support", bank->support, "hosts", hosts);
}

size_t brief_banks_size(const struct whitelist *policy)
{
	/* every character may be escaped, and what JSON has around them */
	enum { AROUND_BANK = 96, AROUND_HOST = 4, AROUND_ALL = 16 };
	size_t size = AROUND_ALL;
	for (size_t i = 0; i < policy->bank_count; i++) {
		const struct whitelist_bank *bank = &policy->banks[i];
		size += 2 * (strlen(bank->id) + strlen(bank->name_ja) + strlen(bank->name_en) + strlen(bank->start) +
			     strlen(bank->support)) +
			AROUND_BANK;
		for (size_t h = 0; h < bank->host_count; h++)
			if (bank->hosts[h].role == ROLE_PAGE)
				size += strlen(bank->hosts[h].name) + AROUND_HOST;
	}
	return size;
}

int brief_banks(struct writer *w, const struct whitelist *policy, bool devel)
{
	json_t *banks = json_array();
	int error = banks ? 0 : -ENOMEM;
	for (size_t i = 0; i < policy->bank_count && !error; i++)
		error = json_array_append_new(banks, bank_json(&policy->banks[i])) < 0 ? -ENOMEM : 0;
	char *text = error ? NULL : json_dumps(banks, JSON_COMPACT);
	json_decref(banks);
	if (!text)
		return -ENOMEM;
	write_blob(w, text, strlen(text));
	write_u8(w, devel);
	free(text);
	return finish(w);
}

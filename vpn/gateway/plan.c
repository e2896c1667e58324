#include "vpn/gateway/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/names.h"

/* FNV-1a; the lowest bit is set so that no mark is 0, which means "no mark". */
static uint32_t mark_of(const char *bank)
{
	uint32_t hash = 2166136261U;
	for (; *bank; bank++)
		hash = (hash ^ (uint8_t)*bank) * 16777619U;
	return hash | 1;
}

static int grow(void **array, size_t count, size_t max, size_t item_size)
{
	if (count >= max)
		return -E2BIG;
	if (count & (count - 1)) /* room was made for the next power of two */
		return 0;
	void *grown = realloc(*array, (count ? count * 2 : 1) * item_size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

static int find_bank(struct plan *plan, const char *id, size_t *index)
{
	uint32_t mark = mark_of(id);
	for (size_t i = 0; i < plan->bank_count; i++) {
		if (strcmp(plan->banks[i].id, id) == 0) {
			*index = i;
			return 0;
		}
		if (plan->banks[i].mark == mark)
			return -EEXIST;
	}
	int error = grow((void **)&plan->banks, plan->bank_count, PLAN_BANKS_MAX, sizeof *plan->banks);
	if (error)
		return error;
	struct plan_bank *bank = &plan->banks[plan->bank_count];
	*bank = (struct plan_bank){.mark = mark};
	snprintf(bank->id, sizeof bank->id, "%s", id);
	*index = plan->bank_count++;
	return 0;
}

static int compare_ports(const void *a, const void *b) { return *(const uint16_t *)a - *(const uint16_t *)b; }

static int find_group(struct plan *plan, size_t bank, const uint16_t *ports, size_t port_count, size_t *index)
{
	uint16_t sorted[PLAN_PORTS_MAX];
	size_t of_bank = 0;
	memcpy(sorted, ports, port_count * sizeof *ports);
	qsort(sorted, port_count, sizeof *sorted, compare_ports);
	for (size_t i = 0; i < plan->group_count; i++) {
		const struct plan_group *group = &plan->groups[i];
		of_bank += group->bank == bank;
		if (group->bank == bank && group->port_count == port_count &&
		    memcmp(group->ports, sorted, port_count * sizeof *sorted) == 0) {
			*index = i;
			return 0;
		}
	}
	int error = grow((void **)&plan->groups, plan->group_count, PLAN_GROUPS_MAX, sizeof *plan->groups);
	if (error)
		return error;
	struct plan_group *group = &plan->groups[plan->group_count];
	*group = (struct plan_group){.bank = bank, .port_count = port_count};
	memcpy(group->ports, sorted, port_count * sizeof *sorted);
	if (of_bank == 0)
		snprintf(group->set, sizeof group->set, "bank_%s", plan->banks[bank].id);
	else
		snprintf(group->set, sizeof group->set, "bank_%s_%zu", plan->banks[bank].id, of_bank);
	*index = plan->group_count++;
	return 0;
}

int plan_add(struct plan *plan, const char *bank, const char *host, const uint16_t *ports, size_t port_count)
{
	bool is_host = name_is_host(host) || name_is_wildcard(host);
	if (!name_is_bank(bank) || !is_host || strlen(host) >= HOST_SIZE || port_count < 1 ||
	    port_count > PLAN_PORTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < port_count; i++)
		if (ports[i] == 0)
			return -EINVAL;
	size_t bank_index = 0, group = 0;
	int error = find_bank(plan, bank, &bank_index);
	if (!error)
		error = find_group(plan, bank_index, ports, port_count, &group);
	if (!error)
		error = grow((void **)&plan->hosts, plan->host_count, PLAN_HOSTS_MAX, sizeof *plan->hosts);
	if (error)
		return error;
	struct plan_host *added = &plan->hosts[plan->host_count++];
	*added = (struct plan_host){.group = group};
	snprintf(added->name, sizeof added->name, "%s", host);
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->banks);
	free(plan->groups);
	free(plan->hosts);
	*plan = (struct plan){0};
}

const struct plan_bank *plan_bank(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->bank_count; i++)
		if (strcmp(plan->banks[i].id, id) == 0)
			return &plan->banks[i];
	return NULL;
}

const struct plan_bank *plan_bank_of(const struct plan *plan, uint32_t mark)
{
	for (size_t i = 0; i < plan->bank_count; i++)
		if (plan->banks[i].mark == mark)
			return &plan->banks[i];
	return NULL;
}

static bool has_port(const struct plan_group *group, uint16_t port)
{
	for (size_t i = 0; i < group->port_count; i++)
		if (group->ports[i] == port)
			return true;
	return false;
}

bool plan_allows(const struct plan *plan, const struct plan_bank *bank, const char *name, uint16_t port)
{
	const char *family = strchr(name, '.');
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct plan_host *host = &plan->hosts[i];
		const struct plan_group *group = &plan->groups[host->group];
		bool named = host->name[0] == '*' ? family && strcmp(host->name + 1, family) == 0
						  : strcmp(host->name, name) == 0;
		if (named && &plan->banks[group->bank] == bank && has_port(group, port))
			return true;
	}
	return false;
}

size_t plan_size(const struct plan *plan)
{
	/* version and count; of each: two sizes, the bank, the name, its ports */
	size_t size = sizeof(uint64_t) + sizeof(uint32_t);
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct plan_group *group = &plan->groups[plan->hosts[i].group];
		size += 2 * sizeof(uint32_t) + strlen(plan->banks[group->bank].id) + strlen(plan->hosts[i].name) + 1 +
			group->port_count * sizeof(uint16_t);
	}
	return size;
}

void plan_write(struct writer *w, const struct plan *plan)
{
	write_u64(w, plan->policy_version);
	write_u32(w, (uint32_t)plan->host_count);
	for (size_t i = 0; i < plan->host_count; i++) {
		const struct plan_group *group = &plan->groups[plan->hosts[i].group];
		write_str(w, plan->banks[group->bank].id);
		write_str(w, plan->hosts[i].name);
		write_u8(w, (uint8_t)group->port_count);
		for (size_t j = 0; j < group->port_count; j++)
			write_u16(w, group->ports[j]);
	}
}

int plan_read(struct reader *r, struct plan *plan)
{
	*plan = (struct plan){.policy_version = read_u64(r)};
	uint32_t count = read_u32(r);
	int error = 0;
	for (uint32_t i = 0; i < count && !error && !r->failed; i++) {
		char bank[BANK_ID_SIZE], host[HOST_SIZE];
		uint16_t ports[PLAN_PORTS_MAX];
		read_str(r, bank, sizeof bank);
		read_str(r, host, sizeof host);
		size_t port_count = read_u8(r);
		if (port_count > PLAN_PORTS_MAX)
			r->failed = true;
		for (size_t j = 0; j < port_count && !r->failed; j++)
			ports[j] = read_u16(r);
		if (!r->failed)
			error = plan_add(plan, bank, host, ports, port_count);
	}
	if (!error && r->failed)
		error = -EBADMSG;
	if (error)
		plan_free(plan);
	return error;
}

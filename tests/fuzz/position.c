/*
 * What people write as a policy, and where each fault of it stands. The checks for people and for sticks must agree,
 * and every position lies in the text; walking the children of what is JSON finds as many as jansson does.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/gateways.h"
#include "whitelist/position.h"
#include "whitelist/whitelist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 16 };

static void check_faults(const struct whitelist_faults *faults, size_t size)
{
	for (size_t i = 0; i < faults->count && i < ROOM; i++) {
		const struct whitelist_fault *fault = &faults->list[i];
		if (!fault->error || fault->line == 0 || fault->column == 0 || fault->line > size + 1)
			abort();
	}
}

static void compare_children(const json_t *json, const char *text, size_t size, size_t at)
{
	struct children children = children_of(text, size, at);
	struct child child;
	size_t count = 0;
	while (children_next(&children, &child)) {
		if (child.key > child.value || child.value >= size)
			abort();
		if (json_is_array(json))
			compare_children(json_array_get(json, count), text, size, child.value);
		count++;
	}
	size_t expected = json_is_array(json) ? json_array_size(json) : json_object_size(json);
	if (json && count != expected)
		abort();
}

static void ignore(const char *path, size_t offset, void *context)
{
	(void)path; /* of a member without a name it is empty */
	if (!path || offset >= *(const size_t *)context)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct whitelist_fault list[ROOM], fault;
	struct whitelist_faults faults = {.list = list, .capacity = ROOM};
	struct whitelist *whitelist;
	const char *text = (const char *)data;
	int checked = whitelist_check(data, size, &faults);
	if ((checked == 0) != (faults.count == 0) || checked != whitelist_parse(data, size, &whitelist, &fault))
		abort();
	whitelist_free(whitelist);
	check_faults(&faults, size);
	if (gateways_check(data, size, &faults) == 0 && faults.count > 0)
		abort();
	check_faults(&faults, size);
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	size_t start = position_of_path(text, size, "");
	if (json)
		compare_children(json, text, size, start);
	else if (start < size)
		compare_children(NULL, text, size, start);
	json_decref(json);
	position_duplicates(text, size, ignore, &size);
	return 0;
}

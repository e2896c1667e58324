#include <stdlib.h>
#include <string.h>

#include "launcher/link_view.h"
/* its answers are read by functions that are its own */
#include "vpn/device/rtnl.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(const struct link_view *view)
{
	const struct link_interface *best = NULL;
	enum link_state state = link_view_state(view, &best);
	if (view->count > LINK_INTERFACES_MAX || (state != LINK_NO_DEVICE) != (best != NULL) || state > LINK_UP)
		abort();
	for (size_t i = 0; i < view->count; i++)
		if (!memchr(view->list[i].name, '\0', LINK_NAME_BYTES) ||
		    !memchr(view->list[i].address, '\0', LINK_ADDRESS_BYTES))
			abort();
}

/* A dump in one datagram. */
static void dump(const uint8_t *data, size_t size)
{
	struct link_view view = {0};
	struct nlmsghdr *first = malloc(size);
	if (!first)
		return;
	memcpy(first, data, size);
	int left = (int)size;
	for (const struct nlmsghdr *m = first; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
		link_view_take(&view, m);
	check_view(&view);
	free(first);
}

/* An answer to a change. */
static void answer(const uint8_t *data, size_t size)
{
	static int ends[2] = {-1, -1};
	if (ends[0] < 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
		abort();
	if (send(ends[0], data, size, MSG_DONTWAIT) == (ssize_t)size)
		(void)read_answer(ends[1], 1);
}

static void prefix(const uint8_t *data, size_t size)
{
	uint8_t family = 0, bytes[16], length = 0;
	char *text = strndup((const char *)data, size);
	if (text && rtnl_parse_prefix(text, &family, bytes, &length) == 0 && length > (family == AF_INET ? 32 : 128))
		abort();
	free(text);
}

/* First byte: which of the three. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const read[])(const uint8_t *data, size_t size) = {dump, answer, prefix};
	if (size > 1)
		read[data[0] % 3](data + 1, size - 1);
	return 0;
}

/*
 * pages - the console's files, read into memory once, so that the process that serves them needs no file system.
 */
#ifndef VPN_GATEWAY_PAGES_H
#define VPN_GATEWAY_PAGES_H

#include <stddef.h>

struct page {
	char path[272]; /* "/app.js" */
	const char *type;
	char *data;
	size_t size;
};

struct pages {
	struct page *list;
	size_t count;
};

/* Read every file of a kind that is known, in `directory` and not below it. 0 or -errno. */
int pages_load(const char *directory, struct pages *pages);
/* "/" is "/index.html". NULL: no such page. */
const struct page *pages_find(const struct pages *pages, const char *path);
void pages_free(struct pages *pages);

#endif

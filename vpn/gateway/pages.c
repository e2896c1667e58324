#include "vpn/gateway/pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE_MAX_BYTES = 1 << 20, PAGES_MAX = 64 };

static const struct {
	const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".webmanifest", "application/manifest+json"},
};

static const char *type_of(const char *name)
{
	size_t size = strlen(name);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		size_t suffix = strlen(types[i].suffix);
		if (size > suffix && strcmp(name + size - suffix, types[i].suffix) == 0)
			return types[i].type;
	}
	return NULL;
}

static int load_one(int directory, const char *name, struct page *page)
{
	struct stat status;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = 0;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size > PAGE_MAX_BYTES)
		error = -EFBIG;
	if (error)
		goto out;
	page->size = (size_t)status.st_size;
	page->data = malloc(page->size + 1);
	if (!page->data)
		error = -ENOMEM;
	else if (read(fd, page->data, page->size) != (ssize_t)page->size)
		error = -EIO;
	page->type = type_of(name);
	snprintf(page->path, sizeof page->path, "/%s", name);
out:
	close(fd);
	return error;
}

int pages_load(const char *path, struct pages *pages)
{
	*pages = (struct pages){0};
	DIR *directory = opendir(path);
	if (!directory)
		return -errno;
	int error = 0, fd = dirfd(directory);
	pages->list = calloc(PAGES_MAX, sizeof *pages->list);
	if (!pages->list || fd < 0)
		error = -ENOMEM;
	struct dirent *entry;
	while (!error && (entry = readdir(directory))) {
		if (!type_of(entry->d_name) || strlen(entry->d_name) > 70)
			continue;
		if (pages->count == PAGES_MAX)
			error = -E2BIG;
		else
			error = load_one(fd, entry->d_name, &pages->list[pages->count++]);
	}
	closedir(directory);
	if (error)
		pages_free(pages);
	return error;
}

const struct page *pages_find(const struct pages *pages, const char *path)
{
	if (strcmp(path, "/") == 0)
		path = "/index.html";
	for (size_t i = 0; i < pages->count; i++)
		if (strcmp(pages->list[i].path, path) == 0)
			return &pages->list[i];
	return NULL;
}

void pages_free(struct pages *pages)
{
	for (size_t i = 0; i < pages->count; i++)
		free(pages->list[i].data);
	free(pages->list);
	*pages = (struct pages){0};
}

#include "vpn/gateway/images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_version(const char *text, uint64_t *version)
{
	if (!*text || strlen(text) > 16 || strspn(text, "0123456789") != strlen(text))
		return false;
	*version = strtoull(text, NULL, 10);
	return *version <= IMAGES_VERSION_MAX;
}

static size_t find(const struct images *images, uint64_t version, const char *root_hash)
{
	size_t i = 0;
	while (i < images->count &&
	       (images->list[i].version != version || strcmp(images->list[i].root_hash, root_hash) != 0))
		i++;
	return i;
}

enum image_verdict images_judge(const struct images *images, const char *version_text, const char *root_hash)
{
	uint64_t version = 0;
	bool is_number = parse_version(version_text, &version);
	if (images->floor > 0 && (!is_number || version < images->floor))
		return IMAGE_OLD;
	if (images->count > 0 && (!is_number || find(images, version, root_hash) == images->count))
		return IMAGE_UNKNOWN;
	return IMAGE_GOOD;
}

int images_add(struct images *images, uint64_t version, const char *root_hash)
{
	if (find(images, version, root_hash) < images->count)
		return -EEXIST;
	if (images->count == IMAGES_MAX)
		return -ENOSPC;
	struct image *image = &images->list[images->count++];
	image->version = version;
	snprintf(image->root_hash, sizeof image->root_hash, "%s", root_hash);
	return 0;
}

int images_remove(struct images *images, uint64_t version, const char *root_hash)
{
	size_t i = find(images, version, root_hash);
	if (i == images->count)
		return -ENOENT;
	images->list[i] = images->list[--images->count];
	return 0;
}

uint64_t images_newest(const struct images *images)
{
	uint64_t newest = 0;
	for (size_t i = 0; i < images->count; i++)
		if (images->list[i].version > newest)
			newest = images->list[i].version;
	return newest;
}

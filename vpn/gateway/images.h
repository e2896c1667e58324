/*
 * images - which images may be admitted: none below the floor, and, where released images are registered, none but
 * those. Pure.
 *
 * What a stick says of its image is its own statement: it stops old images and mistakes, not a stick that lies.
 */
#ifndef VPN_GATEWAY_IMAGES_H
#define VPN_GATEWAY_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vpn/gateway/names.h"

enum { IMAGES_MAX = 256 };

#define IMAGES_VERSION_MAX (1ULL << 53) /* what every JSON reader takes exactly */

struct image {
	uint64_t version;
	char root_hash[ROOT_HASH_SIZE];
};

struct images {
	uint64_t floor; /* 0: none */
	struct image list[IMAGES_MAX];
	size_t count; /* 0: any image at or above the floor */
};

enum image_verdict { IMAGE_GOOD, IMAGE_OLD, IMAGE_UNKNOWN };

/* As the beacon has them: the version in decimal (anything else is below every floor), the hash in lower case or "". */
enum image_verdict images_judge(const struct images *images, const char *version, const char *root_hash);

/* 0; -EEXIST, -ENOSPC; -ENOENT. */
int images_add(struct images *images, uint64_t version, const char *root_hash);
int images_remove(struct images *images, uint64_t version, const char *root_hash);

/* The highest registered version, 0 if there is none. */
uint64_t images_newest(const struct images *images);

#endif

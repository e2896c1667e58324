/*
 * picture - a prepared picture on the screen when nothing else can draw any more: a KMS dumb buffer (linux
 * Documentation/gpu/drm-kms), no library, no font. The text in it is Japanese and English, which the kernel's console
 * font is not.
 */
#ifndef FIRMWARE_BOOT_PICTURE_H
#define FIRMWARE_BOOT_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#define PICTURE_MAX_BYTES 131072

/* A bilevel picture, PBM P4 (pbm(5)); points into the file's bytes. */
struct picture {
	uint32_t width, height;
	const uint8_t *rows;
};

/* 0, or -EINVAL: not a P4 file, or cut short, or larger than 4096 each way. */
int picture_parse(const uint8_t *file, size_t size, struct picture *picture);

/* Draw black on white into 32-bit pixels, in the middle; what does not fit is cut off. `stride` in bytes. */
void picture_draw(const struct picture *picture, uint8_t *pixels, uint32_t width, uint32_t height, uint32_t stride);

/* Show it on every connected screen of /dev/dri/card0. 0 or -errno. Nobody else may be the display's master. */
int picture_show(const struct picture *picture);

#endif

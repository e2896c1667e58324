#include "firmware/boot/picture.h"

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIDE_MAX = 4096, IDS_MAX = 16, MODES_MAX = 64 };

static bool read_number(const uint8_t *file, size_t size, size_t *at, uint32_t *number)
{
	*number = 0;
	while (*at < size && (file[*at] == ' ' || file[*at] == '\n'))
		++*at;
	size_t first = *at;
	for (; *at < size && file[*at] >= '0' && file[*at] <= '9' && *number <= SIDE_MAX; ++*at)
		*number = *number * 10 + (uint32_t)(file[*at] - '0');
	return *at > first && *number > 0 && *number <= SIDE_MAX;
}

int picture_parse(const uint8_t *file, size_t size, struct picture *picture)
{
	size_t at = 2;
	if (size < at || memcmp(file, "P4", 2) != 0)
		return -EINVAL;
	if (!read_number(file, size, &at, &picture->width) || !read_number(file, size, &at, &picture->height))
		return -EINVAL;
	at++; /* the one white space behind the height */
	size_t row = (picture->width + 7) / 8;
	if (at > size || size - at < row * picture->height)
		return -EINVAL;
	picture->rows = file + at;
	return 0;
}

void picture_draw(const struct picture *picture, uint8_t *pixels, uint32_t width, uint32_t height, uint32_t stride)
{
	size_t row = (picture->width + 7) / 8;
	for (uint32_t y = 0; y < height; y++)
		memset(pixels + (size_t)y * stride, 0xff, (size_t)width * 4);
	uint32_t left = width > picture->width ? (width - picture->width) / 2 : 0;
	uint32_t top = height > picture->height ? (height - picture->height) / 2 : 0;
	for (uint32_t y = 0; y < picture->height && top + y < height; y++)
		for (uint32_t x = 0; x < picture->width && left + x < width; x++)
			if (picture->rows[y * row + x / 8] >> (7 - x % 8) & 1)
				memset(pixels + (size_t)(top + y) * stride + (size_t)(left + x) * 4, 0, 4);
}

/* A buffer of the mode's size, drawn and made known as a frame buffer. Its id, or 0. */
static uint32_t make_frame(int card, const struct picture *picture, const struct drm_mode_modeinfo *mode)
{
	struct drm_mode_create_dumb dumb = {.width = mode->hdisplay, .height = mode->vdisplay, .bpp = 32};
	if (ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0)
		return 0;
	struct drm_mode_fb_cmd frame = {.width = dumb.width,
					.height = dumb.height,
					.pitch = dumb.pitch,
					.bpp = 32,
					.depth = 24,
					.handle = dumb.handle};
	struct drm_mode_map_dumb map = {.handle = dumb.handle};
	if (ioctl(card, DRM_IOCTL_MODE_ADDFB, &frame) < 0 || ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0)
		return 0;
	void *pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (pixels == MAP_FAILED)
		return 0;
	picture_draw(picture, pixels, dumb.width, dumb.height, dumb.pitch);
	munmap(pixels, dumb.size);
	return frame.fb_id;
}

static int show_on(int card, uint32_t connector_id, uint32_t crtc_id, const struct picture *picture)
{
	enum { CONNECTED = 1 };
	struct drm_mode_modeinfo modes[MODES_MAX];
	/* Asked without room for modes the kernel looks what is connected; only then it can tell. */
	struct drm_mode_get_connector probe = {.connector_id = connector_id};
	struct drm_mode_get_connector connector = {
	    .connector_id = connector_id, .count_modes = MODES_MAX, .modes_ptr = (uintptr_t)modes};
	if (ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &probe) < 0 ||
	    ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &connector) < 0)
		return -errno;
	if (connector.connection != CONNECTED || connector.count_modes == 0 || connector.count_modes > MODES_MAX)
		return -ENXIO;
	uint32_t frame = make_frame(card, picture, &modes[0]);
	if (!frame)
		return -EIO;
	struct drm_mode_crtc crtc = {.crtc_id = crtc_id,
				     .fb_id = frame,
				     .set_connectors_ptr = (uintptr_t)&connector_id,
				     .count_connectors = 1,
				     .mode = modes[0],
				     .mode_valid = 1};
	return ioctl(card, DRM_IOCTL_MODE_SETCRTC, &crtc) < 0 ? -errno : 0;
}

int picture_show(const struct picture *picture)
{
	/* Left open: the picture goes away with the descriptor. */
	int card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (card < 0)
		return -errno;
	uint32_t crtcs[IDS_MAX], connectors[IDS_MAX];
	struct drm_mode_card_res resources = {.crtc_id_ptr = (uintptr_t)crtcs,
					      .connector_id_ptr = (uintptr_t)connectors,
					      .count_crtcs = IDS_MAX,
					      .count_connectors = IDS_MAX};
	int result = -ENXIO;
	if (ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &resources) < 0)
		result = -errno;
	else
		for (uint32_t i = 0; i < resources.count_connectors && i < resources.count_crtcs && i < IDS_MAX; i++)
			if (show_on(card, connectors[i], crtcs[i], picture) == 0)
				result = 0;
	if (result < 0)
		close(card);
	return result;
}

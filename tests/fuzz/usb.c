#include <stdlib.h>
#include <string.h>

#include "firmware/boot/usbjudge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A device is never judged better for offering more, and never read past its end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t disk[] = {9, 4, 0, 0, 1, 8, 6, 0x50, 0};
	struct usb_offer offer;
	if (usb_descriptors_read(data, size, &offer))
		return 0;
	if (offer.count > USB_INTERFACES_MAX || usb_judge(&offer) >= USB_WHAT_COUNT)
		abort();
	uint8_t *more = malloc(size + sizeof disk);
	if (!more)
		return 0;
	memcpy(more, data, size);
	memcpy(more + size, disk, sizeof disk);
	/* one interface too many is refused as a whole */
	if (!usb_descriptors_read(more, size + sizeof disk, &offer) && usb_judge(&offer) != USB_STORAGE)
		abort();
	free(more);
	return 0;
}

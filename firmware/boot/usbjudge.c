#include "firmware/boot/usbjudge.h"

#include <errno.h>

enum { DEVICE_DESCRIPTOR = 1, INTERFACE_DESCRIPTOR = 4, DEVICE_BYTES = 18, INTERFACE_BYTES = 9, ANY = -1 };

enum { CLASS_HID = 0x03, CLASS_HUB = 0x09, CLASS_SMART_CARD = 0x0b };

/* https://www.usb.org/defined-class-codes; gravest first, the first row that an interface fits says what it is. */
static const struct {
	enum usb_what what;
	int class, subclass, protocol;
} classes[] = {
    {USB_STORAGE, 0x08, ANY, ANY},         {USB_STORAGE, 0x06, ANY, ANY}, /* still image: PTP, and MTP in its clothes */
    {USB_PHONE, 0xe0, 0x01, 0x03},                                        /* RNDIS */
    {USB_PHONE, 0xef, 0x04, ANY},                                         /* RNDIS over other carriers */
    {USB_PHONE, 0x02, 0x02, 0xff},                                        /* RNDIS as it began */
    {USB_PHONE, 0xff, 0xfe, 0x02},                                        /* iPhone */
    {USB_NETWORK, 0x02, 0x06, ANY},                                       /* Ethernet */
    {USB_NETWORK, 0x02, 0x0d, ANY},                                       /* NCM */
    {USB_NETWORK, 0x02, 0x0e, ANY},                                       /* mobile broadband */
    {USB_KEYBOARD, CLASS_HID, 0x01, 0x01}, {USB_POINTER, CLASS_HID, ANY, ANY},
    {USB_HUB, CLASS_HUB, ANY, ANY},        {USB_READER, CLASS_SMART_CARD, ANY, ANY},
};

enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

int usb_descriptors_read(const uint8_t *bytes, size_t size, struct usb_offer *offer)
{
	*offer = (struct usb_offer){0};
	if (size < DEVICE_BYTES || bytes[0] != DEVICE_BYTES || bytes[1] != DEVICE_DESCRIPTOR)
		return -EBADMSG;
	offer->device_class = bytes[4];
	for (size_t at = DEVICE_BYTES; at < size; at += bytes[at]) {
		if (size - at < 2 || bytes[at] < 2 || bytes[at] > size - at)
			return -EBADMSG;
		if (bytes[at + 1] != INTERFACE_DESCRIPTOR)
			continue;
		if (bytes[at] < INTERFACE_BYTES || offer->count == USB_INTERFACES_MAX)
			return -EBADMSG;
		offer->interfaces[offer->count++] = (struct usb_interface){bytes[at + 5], bytes[at + 6], bytes[at + 7]};
	}
	return 0;
}

static bool fits(int wanted, uint8_t value) { return wanted == ANY || wanted == value; }

/* The row, CLASS_COUNT if none. */
static size_t row_of(const struct usb_interface *interface)
{
	size_t i = 0;
	while (i < CLASS_COUNT &&
	       !(fits(classes[i].class, interface->class) && fits(classes[i].subclass, interface->subclass) &&
		 fits(classes[i].protocol, interface->protocol)))
		i++;
	return i;
}

enum usb_what usb_judge(const struct usb_offer *offer)
{
	size_t gravest = CLASS_COUNT;
	bool only_hubs = true, only_readers = true;
	for (size_t i = 0; i < offer->count; i++) {
		size_t row = row_of(&offer->interfaces[i]);
		gravest = row < gravest ? row : gravest;
		only_hubs = only_hubs && offer->interfaces[i].class == CLASS_HUB;
		only_readers = only_readers && offer->interfaces[i].class == CLASS_SMART_CARD;
	}
	if (gravest == CLASS_COUNT)
		return USB_OTHER;
	enum usb_what what = classes[gravest].what;
	/* A hub is one on its whole device; one that is more than that, or less, is none we know. */
	bool hub = offer->device_class == CLASS_HUB;
	if (what == USB_HUB)
		return hub && only_hubs ? USB_HUB : USB_OTHER;
	if (what == USB_READER)
		return !hub && only_readers ? USB_READER : USB_OTHER;
	return hub && (what == USB_KEYBOARD || what == USB_POINTER) ? USB_OTHER : what;
}

bool usb_interface_wanted(enum usb_what what, uint8_t interface_class)
{
	return (what == USB_HUB && interface_class == CLASS_HUB) ||
	       (what == USB_READER && interface_class == CLASS_SMART_CARD) ||
	       ((what == USB_KEYBOARD || what == USB_POINTER) && interface_class == CLASS_HID);
}

const char *usb_word(enum usb_what what)
{
	static const char *const words[USB_WHAT_COUNT] = {
	    [USB_OTHER] = "other",     [USB_HUB] = "hub",         [USB_KEYBOARD] = "keyboard",
	    [USB_POINTER] = "pointer", [USB_STORAGE] = "storage", [USB_NETWORK] = "network",
	    [USB_PHONE] = "phone",     [USB_READER] = "reader"};
	return words[what];
}

#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/boot/usbjudge.h"
#include "firmware/boot/usbquestion.h"
#include "firmware/boot/usbtree.h"
#include "firmware/boot/usbtrust.h"
#include "tests/unit/unit.h"

/* --- what a device is --- */

/* A device descriptor and one configuration with these interfaces, each with an endpoint behind it. */
static size_t descriptors(uint8_t *out, uint8_t device_class, const struct usb_interface *interfaces, size_t count)
{
	static const uint8_t endpoint[] = {7, 5, 0x81, 3, 8, 0, 10};
	memset(out, 0, 18);
	out[0] = 18;
	out[1] = 1;
	out[4] = device_class;
	uint8_t *at = out + 18;
	memcpy(at, (const uint8_t[9]){9, 2, 0, 0, (uint8_t)count, 1, 0, 0x80, 50}, 9);
	at += 9;
	for (size_t i = 0; i < count; i++) {
		memcpy(at,
		       (const uint8_t[9]){9, 4, (uint8_t)i, 0, 1, interfaces[i].class, interfaces[i].subclass,
					  interfaces[i].protocol, 0},
		       9);
		memcpy(at + 9, endpoint, sizeof endpoint);
		at += 9 + sizeof endpoint;
	}
	return (size_t)(at - out);
}

static enum usb_what judge(uint8_t device_class, const struct usb_interface *interfaces, size_t count)
{
	static uint8_t bytes[2048];
	struct usb_offer offer;
	assert_int_equal(usb_descriptors_read(bytes, descriptors(bytes, device_class, interfaces, count), &offer), 0);
	assert_int_equal(offer.count, count);
	return usb_judge(&offer);
}

#define BOOT_KEYBOARD {3, 1, 1}
#define BOOT_MOUSE    {3, 1, 2}
#define PLAIN_HID     {3, 0, 0}
#define BULK_DISK     {8, 6, 0x50}
#define UAS_DISK      {8, 6, 0x62}
#define VENDOR        {0xff, 0, 0}

static void test_devices_are_judged_by_the_gravest_they_offer(void **state)
{
	(void)state;
	static const struct {
		enum usb_what what;
		uint8_t device_class, count;
		struct usb_interface interfaces[3];
	} table[] = {
	    {USB_KEYBOARD, 0, 1, {BOOT_KEYBOARD}},
	    {USB_KEYBOARD, 0, 2, {BOOT_KEYBOARD, PLAIN_HID}},
	    {USB_KEYBOARD, 0, 2, {BOOT_MOUSE, BOOT_KEYBOARD}}, /* a receiver of both */
	    {USB_KEYBOARD, 0, 2, {BOOT_KEYBOARD, VENDOR}},     /* with lamps of its own */
	    {USB_KEYBOARD, 0xef, 2, {BOOT_KEYBOARD, PLAIN_HID}},
	    {USB_POINTER, 0, 1, {BOOT_MOUSE}},
	    {USB_POINTER, 0, 1, {PLAIN_HID}},
	    {USB_HUB, 9, 1, {{9, 0, 0}}},
	    {USB_HUB, 9, 2, {{9, 0, 1}, {9, 0, 2}}}, /* two ways to be one */
	    {USB_STORAGE, 0, 1, {BULK_DISK}},
	    {USB_STORAGE, 0, 1, {UAS_DISK}},
	    {USB_STORAGE, 0, 1, {{6, 1, 1}}},                /* a camera, or a phone that shows its files */
	    {USB_STORAGE, 0, 2, {BOOT_KEYBOARD, BULK_DISK}}, /* a keyboard that is a disk as well */
	    {USB_STORAGE, 0, 2, {BULK_DISK, BOOT_KEYBOARD}},
	    {USB_STORAGE, 9, 2, {{9, 0, 0}, BULK_DISK}},
	    {USB_STORAGE, 0, 3, {{2, 6, 0}, {10, 0, 0}, BULK_DISK}},
	    {USB_NETWORK, 2, 2, {{2, 6, 0}, {10, 0, 0}}},
	    {USB_NETWORK, 0, 2, {{2, 0x0d, 0}, {10, 0, 1}}},
	    {USB_NETWORK, 0, 2, {BOOT_KEYBOARD, {2, 6, 0}}},
	    {USB_READER, 0, 1, {{11, 0, 0}}},
	    {USB_READER, 0, 2, {{11, 0, 0}, {11, 0, 1}}},
	    {USB_OTHER, 0, 2, {{11, 0, 0}, {0xff, 0, 0}}}, /* what else it may be nobody knows */
	    {USB_OTHER, 9, 1, {{11, 0, 0}}},
	    {USB_KEYBOARD, 0, 2, {{11, 0, 0}, BOOT_KEYBOARD}}, /* that its reader is not used costs less */
	    {USB_STORAGE, 0, 2, {{11, 0, 0}, BULK_DISK}},
	    {USB_PHONE, 0, 2, {{0xe0, 1, 3}, {10, 0, 0}}},
	    {USB_PHONE, 0, 1, {{0xff, 0xfe, 2}}},
	    {USB_PHONE, 0, 2, {{2, 2, 0xff}, {10, 0, 0}}},
	    {USB_OTHER, 0, 0, {{0}}},
	    {USB_OTHER, 0, 1, {VENDOR}},
	    {USB_OTHER, 0, 1, {{1, 1, 0}}}, /* sound */
	    {USB_OTHER, 0, 1, {{2, 2, 1}}}, /* modem */
	    {USB_OTHER, 0, 1, {{9, 0, 0}}}, /* says hub only on its interface */
	    {USB_OTHER, 9, 2, {{9, 0, 0}, VENDOR}},
	    {USB_OTHER, 9, 2, {{9, 0, 0}, BOOT_KEYBOARD}},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		enum usb_what what = judge(table[i].device_class, table[i].interfaces, table[i].count);
		if (what != table[i].what)
			fail_msg("row %zu: %s, not %s", i, usb_word(what), usb_word(table[i].what));
	}
}

static void test_every_configuration_counts(void **state)
{
	(void)state;
	uint8_t bytes[1024], other[1024];
	struct usb_offer offer;
	size_t size = descriptors(bytes, 0, (const struct usb_interface[]){BOOT_KEYBOARD}, 1);
	size_t more = descriptors(other, 0, (const struct usb_interface[]){BULK_DISK}, 1) - 18;
	memcpy(bytes + size, other + 18, more);
	assert_int_equal(usb_descriptors_read(bytes, size + more, &offer), 0);
	assert_int_equal(usb_judge(&offer), USB_STORAGE);
}

static void test_broken_descriptors_are_refused(void **state)
{
	(void)state;
	static uint8_t bytes[2048];
	struct usb_offer offer;
	struct usb_interface many[USB_INTERFACES_MAX + 1];
	size_t size = descriptors(bytes, 0, (const struct usb_interface[]){BOOT_KEYBOARD}, 1);
	for (size_t cut = 0; cut < size; cut++)
		if (cut != 18 && cut != 27 && cut != 36) /* between two */
			assert_int_equal(usb_descriptors_read(bytes, cut, &offer), -EBADMSG);
	bytes[18] = 0; /* would go round for ever */
	assert_int_equal(usb_descriptors_read(bytes, size, &offer), -EBADMSG);
	bytes[18] = 9;
	bytes[27] = 8; /* an interface without its end */
	assert_int_equal(usb_descriptors_read(bytes, size, &offer), -EBADMSG);
	for (size_t i = 0; i < USB_INTERFACES_MAX + 1; i++)
		many[i] = (struct usb_interface)BOOT_KEYBOARD;
	assert_int_equal(judge(0, many, USB_INTERFACES_MAX), USB_KEYBOARD);
	size = descriptors(bytes, 0, many, USB_INTERFACES_MAX + 1);
	assert_int_equal(usb_descriptors_read(bytes, size, &offer), -EBADMSG);
}

static void test_only_what_fits_gets_a_driver(void **state)
{
	(void)state;
	assert_true(usb_interface_wanted(USB_KEYBOARD, 3));
	assert_true(usb_interface_wanted(USB_POINTER, 3));
	assert_true(usb_interface_wanted(USB_HUB, 9));
	assert_false(usb_interface_wanted(USB_KEYBOARD, 8));
	assert_false(usb_interface_wanted(USB_KEYBOARD, 0xff));
	assert_false(usb_interface_wanted(USB_HUB, 3));
	assert_true(usb_interface_wanted(USB_READER, 11));
	assert_false(usb_interface_wanted(USB_READER, 3));
	assert_false(usb_interface_wanted(USB_KEYBOARD, 11));
	assert_false(usb_interface_wanted(USB_STORAGE, 8));
	assert_false(usb_interface_wanted(USB_OTHER, 0xff));
}

/* --- sysfs --- */

static char root[64];

static void write_to(const char *path, const void *data, size_t size)
{
	char full[512];
	snprintf(full, sizeof full, "%s/%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(full, 0700);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	assert_non_null(file);
	if (!file)
		return;
	fwrite(data, 1, size, file);
	fclose(file);
}

static void make(const char *path, const char *text) { write_to(path, text, strlen(text)); }

static char first_of(const char *path)
{
	char full[512], value = '?';
	snprintf(full, sizeof full, "%s/%s", root, path);
	FILE *file = fopen(full, "r");
	if (!file || fread(&value, 1, 1, file) != 1)
		value = '-';
	if (file)
		fclose(file);
	return value;
}

static void make_device(const char *name, const struct usb_interface *interfaces, size_t count)
{
	char path[128], text[8];
	uint8_t bytes[512];
	snprintf(path, sizeof path, "bus/usb/devices/%s/descriptors", name);
	write_to(path, bytes, descriptors(bytes, 0, interfaces, count));
	snprintf(path, sizeof path, "bus/usb/devices/%s/authorized", name);
	make(path, "0\n");
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof path, "bus/usb/devices/%s:1.%zu/bInterfaceClass", name, i);
		snprintf(text, sizeof text, "%02x\n", interfaces[i].class);
		make(path, text);
		snprintf(path, sizeof path, "bus/usb/devices/%s:1.%zu/authorized", name, i);
		make(path, "0\n");
	}
}

static int new_tree(void **state)
{
	(void)state;
	strcpy(root, "/tmp/usbtree.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	make("module/usbcore/parameters/authorized_default", "1\n");
	for (int bus = 1; bus <= 2; bus++) {
		char path[128];
		snprintf(path, sizeof path, "bus/usb/devices/usb%d/authorized_default", bus);
		make(path, "1\n");
		snprintf(path, sizeof path, "bus/usb/devices/usb%d/interface_authorized_default", bus);
		make(path, "1\n");
	}
	make("bus/usb/drivers_probe", "");
	return 0;
}

static int end_tree(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", root);
	return system(command);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(usbtree_is_device("1-2"));
	assert_true(usbtree_is_device("12-1.4.3"));
	assert_false(usbtree_is_device("usb1"));
	assert_false(usbtree_is_device("1-2:1.0"));
	assert_false(usbtree_is_device("12"));
	assert_false(usbtree_is_device("-1"));
	assert_false(usbtree_is_device(""));
	assert_false(usbtree_is_device("1-2/../usb1"));
	assert_false(usbtree_is_device("1-1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"));
}

static void test_every_bus_is_closed(void **state)
{
	(void)state;
	assert_int_equal(usbtree_close_door(root), 0);
	assert_int_equal(first_of("module/usbcore/parameters/authorized_default"), '0');
	assert_int_equal(first_of("bus/usb/devices/usb1/authorized_default"), '0');
	assert_int_equal(first_of("bus/usb/devices/usb1/interface_authorized_default"), '0');
	assert_int_equal(first_of("bus/usb/devices/usb2/authorized_default"), '0');
	assert_int_equal(first_of("bus/usb/devices/usb2/interface_authorized_default"), '0');
	/* one that cannot be closed is an error */
	make("bus/usb/devices/usb3/authorized_default", "1\n");
	assert_int_equal(usbtree_close_door(root), -ENOENT);
}

static char named[256];

static void note(const char *name, void *unused)
{
	(void)unused;
	size_t size = strlen(named);
	snprintf(named + size, sizeof named - size, "%s ", name);
}

static void test_only_devices_are_listed(void **state)
{
	(void)state;
	named[0] = '\0';
	make_device("1-3", (const struct usb_interface[]){BOOT_MOUSE}, 1);
	assert_int_equal(usbtree_each(root, note, NULL), 0);
	assert_string_equal(named, "1-3 ");
}

static void test_a_composite_keyboard_gets_its_input_only(void **state)
{
	(void)state;
	named[0] = '\0';
	make_device("1-3", (const struct usb_interface[]){VENDOR, BOOT_KEYBOARD}, 2);
	make_device("1-30", (const struct usb_interface[]){BOOT_KEYBOARD},
		    1); /* another one, whose name begins alike */
	assert_int_equal(usbtree_judge(root, "1-3"), USB_KEYBOARD);
	assert_int_equal(usbtree_admit(root, "1-3", USB_KEYBOARD, note, NULL), 0);
	assert_int_equal(first_of("bus/usb/devices/1-3/authorized"), '1');
	assert_int_equal(first_of("bus/usb/devices/1-3:1.0/authorized"), '0');
	assert_int_equal(first_of("bus/usb/devices/1-3:1.1/authorized"), '1');
	assert_int_equal(first_of("bus/usb/devices/1-30:1.0/authorized"), '0');
	assert_string_equal(named, "1-3:1.1 ");
	assert_true(usbtree_is_authorized(root, "1-3"));
	assert_int_equal(usbtree_refuse(root, "1-3"), 0);
	assert_false(usbtree_is_authorized(root, "1-3"));
}

static void test_an_interface_with_a_driver_loses_it(void **state)
{
	(void)state;
	make_device("1-3", (const struct usb_interface[]){BOOT_KEYBOARD, {1, 1, 0}}, 2);
	make("bus/usb/devices/1-3/authorized", "1\n");
	make("bus/usb/devices/1-3:1.0/authorized", "1\n");
	make("bus/usb/devices/1-3:1.1/authorized", "1\n");
	assert_int_equal(usbtree_admit(root, "1-3", USB_KEYBOARD, NULL, NULL), 0);
	assert_int_equal(first_of("bus/usb/devices/1-3:1.0/authorized"), '1');
	assert_int_equal(first_of("bus/usb/devices/1-3:1.1/authorized"), '0');
}

static void test_a_device_that_cannot_be_read_is_none_we_know(void **state)
{
	(void)state;
	assert_int_equal(usbtree_judge(root, "1-9"), USB_OTHER);
	make("bus/usb/devices/1-9/descriptors", "short");
	assert_int_equal(usbtree_judge(root, "1-9"), USB_OTHER);
	assert_int_equal(usbtree_refuse(root, "2-9"), -ENOENT);
	assert_int_equal(usbtree_admit(root, "2-9", USB_KEYBOARD, NULL, NULL), -ENOENT);
}

static void test_network_adapters_are_known_by_their_driver(void **state)
{
	(void)state;
	make_device("1-3", (const struct usb_interface[]){VENDOR}, 1);
	assert_false(usbtree_is_network(root, "1-3"));
	make("bus/usb/devices/1-3:1.0/net/eth0/address", "");
	assert_true(usbtree_is_network(root, "1-3"));
	assert_false(usbtree_is_network(root, "1-30"));
}

static void join(const char *target, const char *path)
{
	char full[256];
	snprintf(full, sizeof full, "%s/%s", root, path);
	char *slash = strrchr(full, '/');
	*slash = '\0';
	(void)mkdir(full, 0700);
	*slash = '/';
	assert_int_equal(symlink(target, full), 0);
}

static void test_what_disks_and_input_are_on(void **state)
{
	(void)state;
	char name[USB_NAME_BYTES];
	make("devices/pci0000:00/0000:00:04.0/usb2/2-1/2-1.4/2-1.4:1.0/host0/target0:0:0/0:0:0:0/block/sda/size", "1");
	join("../devices/pci0000:00/0000:00:04.0/usb2/2-1/2-1.4/2-1.4:1.0/host0/target0:0:0/0:0:0:0/block/sda",
	     "block/sda");
	make("devices/virtual/block/dm-0/size", "1");
	join("../devices/virtual/block/dm-0", "block/dm-0");
	make("devices/pci0000:00/usb1/1-2/1-2:1.0/0003:0627:0001.0001/input/input5/event3/dev", "");
	make("class/x", "");
	join("../../devices/pci0000:00/usb1/1-2/1-2:1.0/0003:0627:0001.0001/input/input5/event3", "class/input/event3");
	make("devices/platform/i8042/serio0/input/input1/event1/dev", "");
	join("../../devices/platform/i8042/serio0/input/input1/event1", "class/input/event1");
	assert_int_equal(usbtree_of_disk(root, "sda", name), 0);
	assert_string_equal(name, "2-1.4");
	assert_int_equal(usbtree_of_disk(root, "dm-0", name), -ENODEV);
	assert_int_equal(usbtree_of_disk(root, "sdb", name), -ENOENT);
	assert_int_equal(usbtree_of_event(root, "event3", name), 0);
	assert_string_equal(name, "1-2:1.0");
	assert_int_equal(usbtree_of_event(root, "event1", name), -ENODEV);
}

static void test_keyboards_have_digits(void **state)
{
	(void)state;
	make("class/input/event1/device/capabilities/key",
	     "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe\n");
	make("class/input/event2/device/capabilities/key", "70000 0 0 0 0\n");    /* a mouse */
	make("class/input/event3/device/capabilities/key", "10000000000000 0\n"); /* the power button */
	assert_true(usbtree_has_digits(root, "event1"));
	assert_false(usbtree_has_digits(root, "event2"));
	assert_false(usbtree_has_digits(root, "event3"));
	assert_false(usbtree_has_digits(root, "event4"));
}

static void test_trust_goes_with_its_device(void **state)
{
	(void)state;
	assert_int_equal(usbtrust_mark(root, "1-3:1.0"), 0);
	assert_int_equal(usbtrust_mark(root, "1-3:1.1"), 0);
	assert_int_equal(usbtrust_mark(root, "1-30:1.0"), 0);
	assert_true(usbtrust_is_marked(root, "1-3:1.1"));
	assert_int_equal(usbtrust_drop(root, "1-3"), 0);
	assert_false(usbtrust_is_marked(root, "1-3:1.0"));
	assert_false(usbtrust_is_marked(root, "1-3:1.1"));
	assert_true(usbtrust_is_marked(root, "1-30:1.0"));
	assert_int_equal(usbtrust_drop("/nonexistent", "1-3"), -ENOENT);
}

/* --- the code --- */

static enum question_answer type(struct usb_question *question, const char *digits)
{
	enum question_answer answer = QUESTION_NOTHING;
	for (; *digits; digits++)
		answer = question_key(question, *digits == '0' ? KEY_0 : KEY_1 + (unsigned)(*digits - '1'));
	return answer;
}

static void test_the_code_and_nothing_else(void **state)
{
	(void)state;
	struct usb_question q;
	question_begin(&q, 9000042);
	assert_string_equal(q.code, "000042");
	assert_int_equal(type(&q, "00004"), QUESTION_TYPED);
	assert_int_equal(question_key(&q, KEY_A), QUESTION_NOTHING);
	assert_int_equal(question_key(&q, KEY_BACKSPACE), QUESTION_TYPED);
	assert_int_equal(question_key(&q, KEY_KP4), QUESTION_TYPED);
	assert_int_equal(question_key(&q, KEY_KP2), QUESTION_RIGHT);
}

static void test_three_tries(void **state)
{
	(void)state;
	struct usb_question q;
	question_begin(&q, 123456);
	assert_int_equal(type(&q, "123455"), QUESTION_TYPED);
	assert_int_equal(q.count, 0);
	assert_int_equal(q.wrong, 1);
	assert_int_equal(type(&q, "000000"), QUESTION_TYPED);
	assert_int_equal(type(&q, "999999"), QUESTION_REFUSED);
	question_begin(&q, 123456);
	assert_int_equal(type(&q, "1234551"), QUESTION_TYPED); /* no window that slides */
	assert_int_equal(type(&q, "23456"), QUESTION_RIGHT);
	question_begin(&q, 123456);
	assert_int_equal(type(&q, "12"), QUESTION_TYPED);
	assert_int_equal(question_key(&q, KEY_ESC), QUESTION_REFUSED);
	question_begin(&q, 123456);
	assert_int_equal(question_key(&q, KEY_BACKSPACE), QUESTION_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_devices_are_judged_by_the_gravest_they_offer),
	    cmocka_unit_test(test_every_configuration_counts),
	    cmocka_unit_test(test_broken_descriptors_are_refused),
	    cmocka_unit_test(test_only_what_fits_gets_a_driver),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test_setup_teardown(test_every_bus_is_closed, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_only_devices_are_listed, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_a_composite_keyboard_gets_its_input_only, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_an_interface_with_a_driver_loses_it, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_a_device_that_cannot_be_read_is_none_we_know, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_network_adapters_are_known_by_their_driver, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_what_disks_and_input_are_on, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_keyboards_have_digits, new_tree, end_tree),
	    cmocka_unit_test_setup_teardown(test_trust_goes_with_its_device, new_tree, end_tree),
	    cmocka_unit_test(test_the_code_and_nothing_else),
	    cmocka_unit_test(test_three_tries),
	};
	return cmocka_run_group_tests_name("usb", tests, NULL, NULL);
}

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/boot/memory.h"
#include "firmware/boot/picture.h"
#include "firmware/boot/rootdisk.h"
#include "firmware/boot/setup.h"
#include "firmware/boot/uevent.h"
#include "tests/unit/unit.h"

#define REMOVE                                                                                                         \
	"remove@/devices/pci0/usb2/block/sda\0ACTION=remove\0DEVPATH=/devices/pci0/usb2/block/sda\0SUBSYSTEM=block\0"  \
	"DEVNAME=sda\0SEQNUM=7"
#define DAMAGE                                                                                                         \
	"change@/devices/virtual/block/dm-1\0ACTION=change\0DEVPATH=/devices/virtual/block/dm-1\0SUBSYSTEM=block\0"    \
	"DM_VERITY_ERR_BLOCK_NR=1,77"

static void test_uevents_are_read(void **state)
{
	(void)state;
	struct uevent event;
	assert_int_equal(uevent_parse(REMOVE, sizeof REMOVE, &event), 0);
	assert_string_equal(event.action, "remove");
	assert_string_equal(event.path, "/devices/pci0/usb2/block/sda");
	assert_string_equal(event.subsystem, "block");
	assert_string_equal(event.name, "sda");
	assert_false(event.verity_error);
	assert_int_equal(uevent_parse(DAMAGE, sizeof DAMAGE, &event), 0);
	assert_true(event.verity_error);
}

static void test_broken_uevents_are_refused(void **state)
{
	(void)state;
	struct uevent event;
	assert_int_not_equal(uevent_parse("", 0, &event), 0);
	assert_int_not_equal(uevent_parse("libudev", sizeof "libudev", &event), 0);
	/* without the NUL at the end */
	assert_int_not_equal(uevent_parse(REMOVE, sizeof REMOVE - 1, &event), 0);
	assert_int_not_equal(uevent_parse("add@/x", sizeof "add@/x", &event), 0);
}

static char root[64];

static void make(const char *path, const char *text)
{
	char full[256];
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
	fputs(text, file);
	fclose(file);
}

static void join(const char *target, const char *path)
{
	char full[256];
	snprintf(full, sizeof full, "%s/%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(full, 0700);
		*slash = '/';
	}
	assert_int_equal(symlink(target, full), 0);
}

static void make_partition(const char *disk, int number, const char *name)
{
	char path[128], target[128], text[128];
	snprintf(path, sizeof path, "block/%s/%s%d/partition", disk, disk, number);
	make(path, "1\n");
	snprintf(path, sizeof path, "block/%s/%s%d/uevent", disk, disk, number);
	snprintf(text, sizeof text, "MAJOR=8\nDEVTYPE=partition\nPARTN=%d\nPARTNAME=%s\n", number, name);
	make(path, text);
	snprintf(path, sizeof path, "class/block/%s%d", disk, number);
	snprintf(target, sizeof target, "../../block/%s/%s%d", disk, disk, number);
	join(target, path);
}

static void remove_tree(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

static int new_sysfs(void **state)
{
	(void)state;
	strcpy(root, "/tmp/sysfs.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int end_sysfs(void **state)
{
	(void)state;
	remove_tree();
	return 0;
}

static void test_settings_are_read_back(void **state)
{
	(void)state;
	make("kernel/right", "0");
	make("kernel/kept", "1000"); /* what is written leaves "2000", as a kernel that takes a value and changes it */
	assert_int_equal(setup_setting(root, "kernel/right", "1", true), 0);
	assert_int_equal(setup_setting(root, "kernel/kept", "2", true), -EPROTO);
	assert_int_equal(setup_setting(root, "kernel/none", "1", true), -ENOENT);
	assert_int_equal(setup_setting(root, "kernel/none", "1", false), 0);
}

static void test_record_is_found_on_the_roots_disk(void **state)
{
	(void)state;
	char disk[ROOTDISK_NAME_BYTES], partition[ROOTDISK_NAME_BYTES];
	make_partition("sdb", 2, "sekisho-root-a");
	make_partition("sdb", 3, "sekisho-hash-a");
	make_partition("sdb", 7, "sekisho-record");
	make_partition("sda", 1, "sekisho-record"); /* another stick in the same PC */
	assert_int_equal(rootdisk_name(root, disk), -ENOENT);
	join("../../sdb/sdb2", "block/dm-0/slaves/sdb2");
	join("../../sdb/sdb3", "block/dm-0/slaves/sdb3");
	assert_int_equal(rootdisk_name(root, disk), 0);
	assert_string_equal(disk, "sdb");
	assert_int_equal(rootdisk_record_partition(root, disk, partition), 0);
	assert_string_equal(partition, "sdb7");
}

static void test_no_choice_is_made_between_two(void **state)
{
	(void)state;
	char disk[ROOTDISK_NAME_BYTES], partition[ROOTDISK_NAME_BYTES];
	make_partition("sda", 2, "sekisho-record-old");
	assert_int_equal(rootdisk_record_partition(root, "sda", partition), -ENOENT);
	make_partition("sda", 7, "sekisho-record");
	make_partition("sda", 8, "sekisho-record");
	assert_int_equal(rootdisk_record_partition(root, "sda", partition), -ENOTUNIQ);
	make_partition("sdb", 3, "sekisho-hash-a");
	join("../../sda/sda2", "block/dm-0/slaves/sda2");
	join("../../sdb/sdb3", "block/dm-0/slaves/sdb3");
	assert_int_equal(rootdisk_name(root, disk), -EXDEV);
}

static void test_pictures(void **state)
{
	(void)state;
	static const uint8_t good[] = "P4\n9 2\n\x80\x80\x01\x00";
	struct picture picture;
	assert_int_equal(picture_parse(good, sizeof good - 1, &picture), 0);
	assert_int_equal(picture.width, 9);
	assert_int_equal(picture.height, 2);
	assert_int_not_equal(picture_parse(good, sizeof good - 2, &picture), 0);
	assert_int_not_equal(picture_parse((const uint8_t *)"P5\n1 1\nx", 8, &picture), 0);
	assert_int_not_equal(picture_parse((const uint8_t *)"P4\n99999 1\nx", 12, &picture), 0);
	assert_int_not_equal(picture_parse((const uint8_t *)"P4\n9", 4, &picture), 0);

	assert_int_equal(picture_parse(good, sizeof good - 1, &picture), 0);
	uint32_t pixels[4 * 16]; /* a row more than the screen has, to see that it stays */
	memset(pixels, 0x11, sizeof pixels);
	picture_draw(&picture, (uint8_t *)pixels, 13, 3, 16 * 4);
	assert_int_equal(pixels[0], 0xffffffff);
	assert_int_equal(pixels[2], 0);      /* first dot: left = 2, top = 0 */
	assert_int_equal(pixels[10], 0);     /* ninth dot */
	assert_int_equal(pixels[16 + 9], 0); /* second row, eighth dot */
	assert_int_equal(pixels[13], 0x11111111);
	assert_int_equal(pixels[3 * 16], 0x11111111);
	picture_draw(&picture, (uint8_t *)pixels, 4, 1, 16 * 4); /* larger than the screen */
	assert_int_equal(pixels[0], 0);
	assert_int_equal(pixels[16 + 9], 0);
}

static void test_date_of_the_image(void **state)
{
	(void)state;
	assert_int_equal(setup_json_number("{\"version\": 3, \"date\": 1763769600, \"devel\": false}", "date"),
			 1763769600);
	assert_int_equal(setup_json_number("{\"date\":7}", "date"), 7);
	assert_int_equal(setup_json_number("{\"date\":\"7\"}", "date"), -1);
	assert_int_equal(setup_json_number("{\"dates\":7}", "date"), -1);
	assert_int_equal(setup_json_number("{\"date\":7", "date"), -1);
	assert_int_equal(setup_json_number("{\"date\":99999999999999999999}", "date"), -1);
	assert_int_equal(setup_json_number("", "date"), -1);
}

static void test_memory_that_may_be_taken(void **state)
{
	(void)state;
	static const char meminfo[] =
	    "MemTotal:         498204 kB\nMemFree:          301820 kB\nMemAvailable:     400000 kB\n";
	const size_t piece = 8 << 20;
	assert_int_equal(memory_figure(meminfo, "MemTotal"), 498204ULL * 1024);
	assert_int_equal(memory_figure(meminfo, "MemFree"), 301820ULL * 1024);
	assert_int_equal(memory_figure(meminfo, "MemAvail"), 0);
	assert_int_equal(memory_figure("", "MemFree"), 0);
	assert_int_equal(memory_step(512ULL << 20, 300ULL << 20, piece), piece);
	assert_int_equal(memory_step(512ULL << 20, 33ULL << 20, piece), 1 << 20);
	assert_int_equal(memory_step(512ULL << 20, 32ULL << 20, piece), 0);
	assert_int_equal(memory_step(64ULL << 30, 1ULL << 30, piece), 0); /* a large PC keeps more for itself */
	assert_int_equal(memory_step(0, 1ULL << 30, piece), 0);           /* unknown */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_uevents_are_read),
	    cmocka_unit_test(test_broken_uevents_are_refused),
	    cmocka_unit_test_setup_teardown(test_settings_are_read_back, new_sysfs, end_sysfs),
	    cmocka_unit_test_setup_teardown(test_record_is_found_on_the_roots_disk, new_sysfs, end_sysfs),
	    cmocka_unit_test_setup_teardown(test_no_choice_is_made_between_two, new_sysfs, end_sysfs),
	    cmocka_unit_test(test_pictures),
	    cmocka_unit_test(test_date_of_the_image),
	    cmocka_unit_test(test_memory_that_may_be_taken),
	};
	return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}

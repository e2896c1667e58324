#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/boot/radios.h"

static char sys[64];

static void at(char *path, const char *name) { snprintf(path, PATH_MAX, "%s/%s", sys, name); }

static void folder(const char *name)
{
	char path[PATH_MAX];
	at(path, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void file(const char *name, const char *text)
{
	char path[PATH_MAX];
	at(path, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* What was written to it. */
static const char *said(const char *name)
{
	static char text[256];
	char path[PATH_MAX];
	at(path, name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size] = '\0';
	return text;
}

static void device(const char *name, const char *class)
{
	char path[128];
	snprintf(path, sizeof path, "bus/pci/devices/%s", name);
	folder(path);
	snprintf(path, sizeof path, "bus/pci/devices/%s/class", name);
	file(path, class);
}

static int begin(void **unused)
{
	(void)unused;
	snprintf(sys, sizeof sys, "/tmp/radios.XXXXXX");
	assert_non_null(mkdtemp(sys));
	folder("bus");
	folder("bus/pci");
	folder("bus/pci/devices");
	file("bus/pci/drivers_probe", "");
	return 0;
}

static int finish(void **unused)
{
	char command[96];
	(void)unused;
	snprintf(command, sizeof command, "rm -rf %s", sys);
	return system(command);
}

static void one_that_its_driver_gave_up_is_offered_again(void **unused)
{
	(void)unused;
	device("0000:00:14.3", "0x028000\n");
	assert_int_equal(radios_offer(sys), 1);
	assert_string_equal(said("bus/pci/drivers_probe"), "0000:00:14.3");
}

static void one_that_is_held_dead_is_let_go_first(void **unused)
{
	(void)unused;
	device("0000:02:00.0", "0x028000\n");
	folder("bus/pci/devices/0000:02:00.0/driver");
	file("bus/pci/devices/0000:02:00.0/driver/unbind", "");
	assert_int_equal(radios_offer(sys), 1);
	assert_string_equal(said("bus/pci/devices/0000:02:00.0/driver/unbind"), "0000:02:00.0");
	assert_string_equal(said("bus/pci/drivers_probe"), "0000:02:00.0");
}

static void what_runs_and_what_is_no_radio_is_left_alone(void **unused)
{
	(void)unused;
	static const char *const names[] = {"0000:00:1f.6", "0000:03:00.0", "0000:04:00.0", "0000:05:00.0"};
	static const char *const classes[] = {"0x020000\n", "0x028000\n", "0x010802\n", "0x02"};
	for (size_t i = 0; i < 4; i++) {
		char path[128];
		device(names[i], classes[i]);
		snprintf(path, sizeof path, "bus/pci/devices/%s/driver", names[i]);
		folder(path);
		snprintf(path, sizeof path, "bus/pci/devices/%s/driver/unbind", names[i]);
		file(path, "");
	}
	folder("bus/pci/devices/0000:03:00.0/ieee80211");
	assert_int_equal(radios_offer(sys), 0);
	assert_string_equal(said("bus/pci/drivers_probe"), "");
	assert_string_equal(said("bus/pci/devices/0000:03:00.0/driver/unbind"), "");
	assert_string_equal(said("bus/pci/devices/0000:04:00.0/driver/unbind"), "");
}

static void a_pc_without_pci_has_none(void **unused)
{
	(void)unused;
	assert_true(radios_offer("/tmp/nothing-here") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(one_that_its_driver_gave_up_is_offered_again, begin, finish),
	    cmocka_unit_test_setup_teardown(one_that_is_held_dead_is_let_go_first, begin, finish),
	    cmocka_unit_test_setup_teardown(what_runs_and_what_is_no_radio_is_left_alone, begin, finish),
	    cmocka_unit_test(a_pc_without_pci_has_none),
	};
	return cmocka_run_group_tests_name("radios", tests, NULL, NULL);
}

/*
 * In place of firmware/boot/setup.c, for tests/rig/stick: what PID 1 does to the machine it starts on would be done to
 * the machine that the tests run on. The mounts are made by the rig, the settings and the clock are left alone.
 */
#include "firmware/boot/setup.h"

int setup_mounts(void) { return 0; }

int setup_usr(void) { return 0; }

int setup_settings(void) { return 0; }

int setup_names(void) { return 0; }

int setup_clock(const char *image_json, int64_t *image_date)
{
	(void)image_json;
	*image_date = 0;
	return 0;
}

int64_t setup_json_number(const char *json, const char *name)
{
	(void)json;
	(void)name;
	return -1;
}

void setup_wipe(void) {}

/*
 * about - what this start is: the image (image.json in the verified root), the root hash the kernel was given, the
 * boot id, the files of the root that others need. Read once, before anything else runs.
 */
#ifndef LAUNCHER_ABOUT_H
#define LAUNCHER_ABOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOT_HASH_BYTES 32

struct about {
	uint64_t version;
	char version_text[32];
	bool devel;
	uint64_t date; /* unix seconds: the clock is never before it */
	uint8_t root_hash[ROOT_HASH_BYTES];
	char boot_id[33];      /* hexadecimal, without dashes */
	char *roots;           /* roots.json */
	char *policy;          /* the built-in policy's envelope */
	bool speaks_to_tokens; /* it has launcher/token */
};

/* 0 or -errno, with the file named in the log. What was read is held until the process ends. */
int about_read(struct about *about);

/* The hash of the first verity target in a kernel command line (dm-mod.create=). 0 or -EINVAL. Pure. */
int about_root_hash(const char *command_line, uint8_t hash[ROOT_HASH_BYTES]);

#endif

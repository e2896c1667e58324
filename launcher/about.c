#include "launcher/about.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "whitelist/whitelist.h"

/* Whole, or nothing; a NUL follows. The largest is the policy. */
static char *read_whole(const char *path)
{
	struct buf text = {0};
	char part[16384];
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : 0;
	while (!error && (got = read(fd, part, sizeof part)) > 0)
		error = buf_append(&text, part, (size_t)got, WHITELIST_ENVELOPE_MAX_BYTES);
	if (!error && got < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	if (!error && text.size > 0)
		error = buf_append(&text, "", 1, WHITELIST_ENVELOPE_MAX_BYTES + 1);
	if (!error && text.size > 0)
		return (char *)text.data;
	log_error("%s cannot be read: %s", path,
		  error == -EFBIG ? "it is too large"
		  : error         ? strerror(-error)
				  : "it is empty");
	buf_free(&text);
	return NULL;
}

static int take_image(struct about *about, const char *text)
{
	json_t *image = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *version = json_object_get(image, "version"), *date = json_object_get(image, "date");
	int error = json_is_integer(version) && json_is_integer(date) ? 0 : -EINVAL;
	about->version = (uint64_t)json_integer_value(version);
	about->date = (uint64_t)json_integer_value(date);
	about->devel = json_is_true(json_object_get(image, "devel"));
	snprintf(about->version_text, sizeof about->version_text, "%llu", (unsigned long long)about->version);
	json_decref(image);
	if (error)
		log_error("image.json has no version or no date");
	return error;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(const char *text, uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 * i]);
		int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
		if (low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* "... verity VERSION DATA HASH BLOCK BLOCK BLOCKS START ALGORITHM ROOT-HASH SALT" (the kernel's dm-init, verity). */
int about_root_hash(const char *command_line, uint8_t hash[ROOT_HASH_BYTES])
{
	enum { WORDS_TO_ALGORITHM = 8 };
	const char *at = strstr(command_line, " verity ");
	if (!at)
		return -EINVAL;
	at++;
	for (int i = 0; i < WORDS_TO_ALGORITHM; i++) {
		at = strchr(at, ' ');
		if (!at)
			return -EINVAL;
		at++;
	}
	static const char algorithm[] = "sha256 ";
	if (strncmp(at, algorithm, sizeof algorithm - 1) != 0)
		return -EINVAL;
	at += sizeof algorithm - 1;
	return take_hex(at, hash, ROOT_HASH_BYTES);
}

static int take_boot_id(struct about *about, const char *text)
{
	size_t size = 0;
	for (const char *c = text; *c && *c != '\n'; c++) {
		if (*c == '-')
			continue;
		if (size + 1 >= sizeof about->boot_id)
			return -EINVAL;
		about->boot_id[size++] = *c;
	}
	return size + 1 == sizeof about->boot_id ? 0 : -EINVAL;
}

int about_read(struct about *about)
{
	*about = (struct about){0};
	char *image = read_whole("/sekisho/etc/image.json");
	char *command_line = read_whole("/proc/cmdline");
	char *boot_id = read_whole("/proc/sys/kernel/random/boot_id");
	about->roots = read_whole("/sekisho/etc/roots.json");
	about->policy = read_whole("/sekisho/etc/policy.dsse.json");
	about->speaks_to_tokens = access("/sekisho/token", X_OK) == 0;
	int error = image && command_line && boot_id && about->roots && about->policy ? 0 : -EIO;
	if (!error)
		error = take_image(about, image);
	if (!error)
		error = take_boot_id(about, boot_id);
	if (!error && about_root_hash(command_line, about->root_hash) < 0)
		log_warn("the kernel's command line names no root hash: the gateway will not know this image");
	free(image);
	free(command_line);
	free(boot_id);
	return error;
}

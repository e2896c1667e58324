#include "image/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool in_json;

void refuse_in_json(void) { in_json = true; }

int refuse(const char *format, ...)
{
	char sentence[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	fprintf(stderr, "sekisho: %s\n", sentence);
	if (in_json) {
		json_t *answer = json_pack("{s:s}", "error", sentence);
		json_dumpf(answer, stdout, 0);
		putchar('\n');
		json_decref(answer);
	}
	return CLI_REFUSED;
}

/* --- tables --- */

static void show_table(FILE *out, const struct command *table, const char *path)
{
	fprintf(out, "usage: %s COMMAND ...\n\n", path);
	for (; table->name; table++)
		if (table->run)
			fprintf(out, "  %s %s\n        %s\n", table->name, table->arguments, table->summary);
	fprintf(out, "\n`%s COMMAND --help' says more of one of them.\n", path);
}

static int is_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"); }

int command_run(const struct command *table, const char *path, int argc, char **argv)
{
	if (argc < 2) {
		show_table(stderr, table, path);
		return CLI_USAGE;
	}
	if (is_help(argv[1])) {
		show_table(stdout, table, path);
		return CLI_GOOD;
	}
	for (const struct command *row = table; row->name; row++)
		if (row->run && !strcmp(row->name, argv[1]))
			return row->run(argc - 1, argv + 1);
	fprintf(stderr, "sekisho: there is no `%s %s'; `%s --help' lists what there is\n", path, argv[1], path);
	return CLI_USAGE;
}

/* --- files --- */

/* What went wrong while reading, or NULL; the text ends with a NUL then. */
static const char *read_stream(FILE *file, size_t limit, char *text, size_t *size)
{
	*size = fread(text, 1, limit + 1, file);
	if (ferror(file))
		return strerror(errno);
	if (*size > limit)
		return "larger than such a file may be";
	text[*size] = '\0';
	return NULL;
}

char *file_read(const char *path, size_t limit, size_t *size)
{
	const char *problem = NULL;
	char *text = malloc(limit + 2);
	if (!text) {
		refuse("out of memory");
		return NULL;
	}
	if (!strcmp(path, "-")) {
		problem = read_stream(stdin, limit, text, size);
	} else {
		FILE *file = fopen(path, "re");
		problem = file ? read_stream(file, limit, text, size) : strerror(errno);
		if (file)
			fclose(file);
	}
	if (!problem)
		return text;
	refuse("%s: %s", path, problem);
	free(text);
	return NULL;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			size -= (size_t)done;
		}
	}
	return 0;
}

/* Create, write, flush; what could not be written whole is removed. */
static int write_new(const char *path, unsigned mode, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	if (fd < 0)
		return -errno;
	int error = write_all(fd, data, size);
	if (!error && fsync(fd) < 0)
		error = -errno;
	close(fd);
	if (error)
		unlink(path);
	return error;
}

/* A new or renamed entry is on the medium when its directory is. */
static int sync_directory_of(const char *path)
{
	char copy[4096];
	if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
		return -ENAMETOOLONG;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error == -EINVAL ? 0 : error; /* a file system that knows no such thing */
}

int file_create(const char *path, unsigned mode, const void *data, size_t size)
{
	int error = write_new(path, mode, data, size);
	if (!error)
		error = sync_directory_of(path);
	if (error == -EEXIST)
		return refuse("%s is there already and is not overwritten; choose another name", path);
	return error ? refuse("%s: %s", path, strerror(-error)) : CLI_GOOD;
}

int file_replace(const char *path, const void *data, size_t size)
{
	if (!path || !strcmp(path, "-")) {
		int error = write_all(STDOUT_FILENO, data, size);
		return error ? refuse("standard output: %s", strerror(-error)) : CLI_GOOD;
	}
	/* A device or a pipe is written to: to put a file in its place would take it from everybody. */
	struct stat status;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		int wrong = fd < 0 ? -errno : write_all(fd, data, size);
		if (fd >= 0)
			close(fd);
		return wrong ? refuse("%s: %s", path, strerror(-wrong)) : CLI_GOOD;
	}
	char fresh[4096];
	if ((size_t)snprintf(fresh, sizeof fresh, "%s.%ld.new", path, (long)getpid()) >= sizeof fresh)
		return refuse("%s: %s", path, strerror(ENAMETOOLONG));
	int error = write_new(fresh, 0644, data, size);
	if (!error && rename(fresh, path) < 0) {
		error = -errno;
		unlink(fresh);
	}
	if (!error)
		error = sync_directory_of(path);
	return error ? refuse("%s: %s", path, strerror(-error)) : CLI_GOOD;
}

/*
 * cli - sekisho(1), the one command line of bank IT and operators: a table of commands, each with its own table.
 *
 * Exit codes, everywhere the same: 0 done or good, 1 refused or failed (one sentence on standard error says what, where
 * and what to do), 2 used in the wrong way.
 */
#ifndef IMAGE_CLI_CLI_H
#define IMAGE_CLI_CLI_H

#include <stddef.h>

#include "firmware/lib/log.h" /* PRINTF_LIKE */

enum cli_exit { CLI_GOOD = 0, CLI_REFUSED = 1, CLI_USAGE = 2 };

/* argv[0] is the command's own name. A command whose `run` is NULL is not in this build and is not shown. */
typedef int command_fn(int argc, char **argv);

struct command {
	const char *name;
	command_fn *run;
	const char *arguments; /* "--key FILE POLICY" */
	const char *summary;
};

/* Commands, one file each in this folder. */
int cmd_policy(int argc, char **argv);
int cmd_device(int argc, char **argv);
int cmd_gateway(int argc, char **argv);
int cmd_gateway_indicators(int argc, char **argv);

/*
 * Run the row of `table` (ended by a row without a name) that argv[1] names; --help, -h and `help` show the table.
 * `path` is what the user typed so far, "sekisho policy".
 */
int command_run(const struct command *table, const char *path, int argc, char **argv);

/* "sekisho: " and a sentence on standard error; CLI_REFUSED. */
int refuse(const char *format, ...) PRINTF_LIKE(1, 2);
/* From now on refuse() prints {"error": SENTENCE} on standard output as well, for programs. */
void refuse_in_json(void);

/* A whole file of at most `limit` bytes ("-": standard input), with a NUL behind it, the caller's. NULL: refused. */
char *file_read(const char *path, size_t limit, size_t *size);

/* Make a new file with `mode`; one that exists is refused. CLI_GOOD or CLI_REFUSED. */
int file_create(const char *path, unsigned mode, const void *data, size_t size);

/*
 * Write a file whole or not at all, over an old one if need be; NULL or "-": standard output. On CLI_GOOD it is on the
 * medium under its name; before that a power cut leaves the old one.
 */
int file_replace(const char *path, const void *data, size_t size);

#endif

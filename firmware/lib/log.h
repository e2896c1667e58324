/*
 * log - one line per event to standard error, "process: message"; no secrets, no page content, ever.
 *
 * On the stick standard error is the console that init gave; on the gateway it is the journal.
 */
#ifndef FIRMWARE_LIB_LOG_H
#define FIRMWARE_LIB_LOG_H

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Name this process; `name` is kept, not copied. Before it is called lines start with "sekisho". */
void log_open(const char *name);

void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *format, ...) PRINTF_LIKE(1, 2);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* Log and exit(1). Only processes and `main` may call it; libraries return a negative errno. */
_Noreturn void fatal(const char *format, ...) PRINTF_LIKE(1, 2);

#endif

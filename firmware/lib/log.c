#include "firmware/lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *process_name = "sekisho";

void log_open(const char *name) { process_name = name; }

/* One write(2) per line, so that lines of several processes on one console never mix. */
static void put_line(const char *level, const char *format, va_list arguments)
{
	char line[1024];
	int used = snprintf(line, sizeof line, "%s: %s", process_name, level);
	if (used < 0 || (size_t)used >= sizeof line)
		return;
	int body = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
	if (body < 0)
		return;
	size_t size = (size_t)used + (size_t)body;
	if (size > sizeof line - 2)
		size = sizeof line - 2;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)line[i] < 0x20)
			line[i] = ' ';
	line[size++] = '\n';
	ssize_t ignored = write(STDERR_FILENO, line, size);
	(void)ignored;
}

#define PUT(level)                                                                                                     \
	do {                                                                                                           \
		va_list arguments;                                                                                     \
		va_start(arguments, format);                                                                           \
		put_line(level, format, arguments);                                                                    \
		va_end(arguments);                                                                                     \
	} while (0)

void log_info(const char *format, ...) { PUT(""); }
void log_warn(const char *format, ...) { PUT("warning: "); }
void log_error(const char *format, ...) { PUT("error: "); }

void fatal(const char *format, ...)
{
	PUT("error: ");
	exit(1);
}

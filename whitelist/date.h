/* date - RFC 3339 in its one unambiguous form here, "2026-11-22T00:00:00Z": UTC, whole seconds, no leap second. */
#ifndef WHITELIST_DATE_H
#define WHITELIST_DATE_H

#include <stdint.h>

#define DATE_BYTES 21 /* with NUL */

/* Years 1970 to 9999. 0 and *seconds since 1970, or -EINVAL. */
int date_parse(const char *text, int64_t *seconds);

/* "invalid" if out of the same range. */
void date_format(int64_t seconds, char text[DATE_BYTES]);

#endif

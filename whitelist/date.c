#include "whitelist/date.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t days_before_year(int year)
{
	int64_t y = year - 1;
	return y * 365 + y / 4 - y / 100 + y / 400 - 719162; /* that many before 1970 */
}

static bool has_shape(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	if (strlen(text) != strlen(shape))
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	return true;
}

static int number(const char *digits, int count)
{
	int value = 0;
	while (count-- > 0)
		value = value * 10 + (*digits++ - '0');
	return value;
}

int date_parse(const char *text, int64_t *seconds)
{
	if (!has_shape(text))
		return -EINVAL;
	int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
	int hour = number(text + 11, 2), minute = number(text + 14, 2), second = number(text + 17, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
	    minute > 59 || second > 59)
		return -EINVAL;
	int64_t days = days_before_year(year) + day - 1;
	for (int m = 1; m < month; m++)
		days += days_in(year, m);
	*seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
	return 0;
}

void date_format(int64_t seconds, char text[DATE_BYTES])
{
	int64_t day = seconds / 86400;
	int rest = (int)(seconds % 86400), year = 1970, month = 1;
	if (seconds < 0 || day >= days_before_year(9999) + 365) {
		snprintf(text, DATE_BYTES, "invalid");
		return;
	}
	while (day >= days_before_year(year + 1))
		year++;
	day -= days_before_year(year);
	for (; day >= days_in(year, month); month++)
		day -= days_in(year, month);
	char all[64];
	snprintf(all, sizeof all, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, (int)day + 1, rest / 3600,
		 rest / 60 % 60, rest % 60);
	memcpy(text, all, DATE_BYTES);
}

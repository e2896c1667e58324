#include "vpn/gateway/metrics.h"

#include <math.h>

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
}

void metrics_family(FILE *out, const char *name, enum metrics_type type, const char *unit, const char *help)
{
	static const char *const types[] = {"gauge", "counter", "info"};
	fprintf(out, "# TYPE %s %s\n", name, types[type]);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s ", name);
	write_escaped(out, help);
	fputc('\n', out);
}

static void write_value(FILE *out, double value)
{
	if (value == floor(value) && fabs(value) < 9007199254740992.0)
		fprintf(out, " %.0f\n", value);
	else
		fprintf(out, " %.9g\n", value);
}

void metrics_sample(FILE *out, const char *name, enum metrics_type type, struct metrics_label label, double value)
{
	static const char *const suffixes[] = {"", "_total", "_info"};
	fprintf(out, "%s%s", name, suffixes[type]);
	if (label.name) {
		fprintf(out, "{%s=\"", label.name);
		write_escaped(out, label.value);
		fputs("\"}", out);
	}
	write_value(out, value);
}

void metrics_end(FILE *out) { fputs("# EOF\n", out); }

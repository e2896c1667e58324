/*
 * metrics - text in the OpenMetrics 1.0 exposition format (https://prometheus.io/docs/specs/om/open_metrics_spec/).
 */
#ifndef VPN_GATEWAY_METRICS_H
#define VPN_GATEWAY_METRICS_H

#include <stdint.h>
#include <stdio.h>

#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum metrics_type { METRICS_GAUGE, METRICS_COUNTER, METRICS_INFO };

/* One label, or none where name is NULL. The value may be any UTF-8 text: it is escaped. */
struct metrics_label {
	const char *name, *value;
};

/* Head of a family. `unit` is NULL or the suffix that `name` already ends in ("seconds", "bytes"). */
void metrics_family(FILE *out, const char *name, enum metrics_type type, const char *unit, const char *help);
/* A sample of it; a counter's "_total" and an info's "_info" are added here. */
void metrics_sample(FILE *out, const char *name, enum metrics_type type, struct metrics_label label, double value);
void metrics_end(FILE *out);

#endif

/*
 * samples - a stick's round trip and loss in the tunnel over its last beacons, for the plots on its page. Pure.
 */
#ifndef VPN_GATEWAY_SAMPLES_H
#define VPN_GATEWAY_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

enum { SAMPLES_KEPT = 40 }; /* twenty minutes of beacons, 320 bytes */

struct sample {
	uint32_t at; /* unix seconds; past 2106 it wraps and so does the plot */
	uint16_t rtt_ms, loss_permille;
};

/* Zero-initialise. */
struct samples {
	struct sample ring[SAMPLES_KEPT];
	uint8_t next, count;
};

/* Larger values than fit are kept as the largest that does. */
void samples_add(struct samples *samples, int64_t now, uint32_t rtt_ms, uint32_t loss_permille);
/* From the oldest, index < samples->count. */
const struct sample *samples_at(const struct samples *samples, size_t index);

#endif

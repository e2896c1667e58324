#include "vpn/gateway/samples.h"

static uint16_t fit(uint32_t value) { return value > UINT16_MAX ? UINT16_MAX : (uint16_t)value; }

void samples_add(struct samples *samples, int64_t now, uint32_t rtt_ms, uint32_t loss_permille)
{
	samples->ring[samples->next] = (struct sample){(uint32_t)now, fit(rtt_ms), fit(loss_permille)};
	samples->next = (uint8_t)((samples->next + 1) % SAMPLES_KEPT);
	if (samples->count < SAMPLES_KEPT)
		samples->count++;
}

const struct sample *samples_at(const struct samples *samples, size_t index)
{
	size_t first = samples->count < SAMPLES_KEPT ? 0 : samples->next;
	return &samples->ring[(first + index) % SAMPLES_KEPT];
}

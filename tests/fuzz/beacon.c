#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/beacon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A beacon that is taken keeps its bounds and survives the way to the store; one that is not says why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t wire[8192], again[8192];
	struct beacon beacon, back;
	char why[160] = "";
	if (beacon_parse(data, size, &beacon, why, sizeof why)) {
		if (!why[0])
			abort();
		return 0;
	}
	if (!name_is_id(beacon.device) || beacon.refused_count > BEACON_REFUSED_MAX || beacon.loss_permille > 1000)
		abort();
	struct writer w = writer_over(wire, sizeof wire);
	beacon_write(&w, &beacon);
	struct reader r = reader_over(wire, w.size);
	beacon_read(&r, &back);
	struct writer second = writer_over(again, sizeof again);
	beacon_write(&second, &back);
	if (w.failed || !reader_done(&r) || second.size != w.size || memcmp(wire, again, w.size) != 0)
		abort();
	return 0;
}

#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line that is taken names a bank and two ends, and survives the way to the store. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[CONNECTION_LINE_MAX_BYTES];
	uint8_t wire[CONNECTION_WIRE_MAX_BYTES], again[CONNECTION_WIRE_MAX_BYTES];
	struct connection connection, back;
	if (size >= sizeof line || memchr(data, '\0', size))
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (connection_parse(line, &connection))
		return 0;
	if (!name_is_bank(connection.bank) || connection.at_ms < 0 || !connection.source.port ||
	    !connection.destination.port)
		abort();
	struct writer w = writer_over(wire, sizeof wire);
	connection_write(&w, &connection);
	struct reader r = reader_over(wire, w.size);
	connection_read(&r, &back);
	struct writer second = writer_over(again, sizeof again);
	connection_write(&second, &back);
	if (w.failed || !reader_done(&r) || second.size != w.size || memcmp(wire, again, w.size) != 0)
		abort();
	return 0;
}

#include "launcher/statement.h"

#include <errno.h>
#include <string.h>

#include "firmware/lib/buf.h"

int statement_read(const void *payload, size_t size, struct statement *statement)
{
	struct reader r = reader_over(payload, size);
	read_str(&r, statement->device, sizeof statement->device);
	read_str(&r, statement->boot_id, sizeof statement->boot_id);
	statement->sequence = read_u64(&r);
	read_str(&r, statement->image_version, sizeof statement->image_version);
	return reader_done(&r) && statement->device[0] && statement->boot_id[0] ? 0 : -EINVAL;
}

int statement_encode(const struct statement *statement, uint8_t out[STATEMENT_MAX_BYTES])
{
	static const char context[] = STATEMENT_CONTEXT;
	memcpy(out, context, sizeof context);
	struct writer w = writer_over(out + sizeof context, STATEMENT_MAX_BYTES - sizeof context);
	write_str(&w, statement->device);
	write_str(&w, statement->boot_id);
	write_str(&w, statement->image_version);
	write_u64(&w, statement->sequence);
	return w.failed ? -EMSGSIZE : (int)(sizeof context + w.size);
}

#include "launcher/broker_memory.h"

#include <mbedtls/platform.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "launcher/broker_limits.h"

/* In front of what the caller gets; as large as the strictest alignment. */
union header {
	size_t mapped; /* bytes of its pages, this included; 0: of the heap */
	max_align_t align;
};

static void *get(size_t count, size_t size)
{
	if (size > 0 && count > (SIZE_MAX - sizeof(union header)) / size)
		return NULL;
	size_t bytes = count * size + sizeof(union header);
	union header *header;
	if (bytes < LIMIT_RECORD_BYTES) {
		header = calloc(1, bytes);
		return header ? header + 1 : NULL;
	}
	header = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (header == MAP_FAILED)
		return NULL;
	header->mapped = bytes;
	return header + 1;
}

static void put(void *data)
{
	if (!data)
		return;
	union header *header = (union header *)data - 1;
	if (header->mapped > 0)
		munmap(header, header->mapped);
	else
		free(header);
}

void memory_use_pages(void) { (void)mbedtls_platform_set_calloc_free(get, put); }

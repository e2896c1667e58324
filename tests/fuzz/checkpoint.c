/* its lines are read, behind a good signature, by functions of its own */
#include "vpn/gateway/checkpoint.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made for this, and no gateway's. */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4dzCbcgin4QRzImDuUsy5lep5F1b\n"
			  "QDWBZhlRSCZRMel+1cJgUkU8StENltQE0vzpNPoTftMpT6/3fnfF4PU5wg==\n"
			  "-----END PUBLIC KEY-----\n";

/* A text of a log that somebody else keeps: without its signature nothing of it is said, and what is read is written
 * the one way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct checkpoint_key *key;
	static const struct checkpoint nothing;
	char root[BASE64_ENCODED_SIZE(MERKLE_BYTES)], again[CHECKPOINT_TEXT_SIZE];
	struct checkpoint read;
	if (!key && checkpoint_key_public(pem, &key))
		abort();
	char *text = strndup((const char *)data, size);
	if (!text)
		abort();
	if (checkpoint_open(key, text, &read) && memcmp(&read, &nothing, sizeof read) != 0)
		abort();
	char *empty = strstr(text, "\n\n");
	if (empty && read_lines(text, &read) == 0) {
		base64_encode(read.root.bytes, sizeof read.root.bytes, root);
		int made = snprintf(again, sizeof again, "%s\n%" PRIu64 "\n%s\ntime %" PRId64 "\n", read.origin,
				    read.size, root, read.time);
		if (made != empty + 1 - text || memcmp(again, text, (size_t)made) != 0)
			abort();
	}
	free(text);
	return 0;
}

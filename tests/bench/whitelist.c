/*
 * bench whitelist [INDICATORS] - how long the whitelist's three look-ups take on this machine, as one JSON object:
 * a host among 10,000 of a policy, the verification of an envelope of a policy with some hundred hosts and of one as
 * large as they get, and a host among INDICATORS known bad ones (10,000,000). Medians over batches of processor time,
 * in the units of their names. Names are made up by a fixed rule.
 */
#include <inttypes.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "firmware/lib/envelope.h"
#include "firmware/lib/log.h"
#include "whitelist/indicators.h"
#include "whitelist/whitelist.h"

enum {
	HOSTS = 10000,
	BATCHES = 21,
	LOOK_UPS = 100000, /* of a batch */
	VERIFICATIONS = 10,
	USUAL_BYTES = 36000,
	LARGEST_BYTES = 3140000, /* in base64 with its signatures just under WHITELIST_ENVELOPE_MAX_BYTES */
	SEARCHES = 20000,
	NAMES = 4096, /* looked up, made beforehand */
	LINE_BYTES = 96,
};

static uint64_t state = 88172645463325252;

/* xorshift64: the same names at every run */
static uint64_t random_number(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* of this process on the processor: other work on the machine is not counted */
static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, by_size);
	return values[count / 2];
}

static void *must(void *memory)
{
	if (!memory)
		fatal("out of memory");
	return memory;
}

/* --- a host among those of a policy --- */

/* More than the format takes in one policy: the look-up itself is measured, not the parser. */
static struct whitelist *make_policy(void)
{
	struct whitelist *whitelist = must(calloc(1, sizeof *whitelist));
	whitelist->expires = INT64_MAX;
	whitelist->bank_count = (HOSTS + WHITELIST_HOSTS_MAX - 1) / WHITELIST_HOSTS_MAX;
	whitelist->banks = must(calloc(whitelist->bank_count, sizeof *whitelist->banks));
	for (size_t i = 0; i < HOSTS; i++) {
		struct whitelist_bank *bank = &whitelist->banks[i / WHITELIST_HOSTS_MAX];
		if (bank->host_count == 0) {
			snprintf(bank->id, sizeof bank->id, "bank-%zu", i / WHITELIST_HOSTS_MAX);
			bank->hosts = must(calloc(WHITELIST_HOSTS_MAX, sizeof *bank->hosts));
		}
		struct whitelist_host *host = &bank->hosts[bank->host_count++];
		snprintf(host->name, sizeof host->name, "%sh%zu.%s.example", i % 8 == 7 ? "*." : "", i, bank->id);
		host->ports[host->port_count++] = 443;
	}
	if (whitelist_index(whitelist))
		fatal("out of memory");
	return whitelist;
}

/* Half of the names are listed, an eighth of them by a wildcard. */
static double look_up_ns(const struct whitelist *whitelist)
{
	static char names[NAMES][LINE_BYTES];
	const char *banks[NAMES];
	double batches[BATCHES];
	size_t found = 0;
	for (size_t i = 0; i < NAMES; i++) {
		const size_t nth = random_number() % HOSTS;
		const char *bank = whitelist->banks[nth / WHITELIST_HOSTS_MAX].id;
		banks[i] = bank;
		snprintf(names[i], LINE_BYTES, "%s%s%zu.%s.example", nth % 8 == 7 ? "www." : "", i % 2 ? "h" : "no",
			 nth, bank);
	}
	for (size_t b = 0; b < BATCHES; b++) {
		const double start = now_s();
		for (size_t i = 0; i < LOOK_UPS; i++)
			found += whitelist_look_up(whitelist, banks[i % NAMES], names[i % NAMES], 443, 0, NULL) ==
				 WHITELIST_YES;
		batches[b] = (now_s() - start) / LOOK_UPS * 1e9;
	}
	if (found < (size_t)BATCHES * (LOOK_UPS / NAMES) * (NAMES / 2))
		fatal("the policy's hosts are not found");
	return median(batches, BATCHES);
}

/* --- an envelope --- */

static double verify_ms(size_t payload_size, size_t *size)
{
	char private_pem[2][ENVELOPE_PEM_MAX], public_pem[ENVELOPE_PEM_MAX];
	struct envelope_roots roots = {.threshold = 2, .key_count = 2};
	double batches[BATCHES];
	uint8_t *payload = must(malloc(payload_size)), *read;
	char *once = NULL, *envelope = NULL;
	size_t read_size;
	memset(payload, 'x', payload_size);
	for (size_t i = 0; i < 2; i++)
		if (envelope_key_generate(private_pem[i], public_pem) || envelope_key_parse(public_pem, &roots.keys[i]))
			fatal("no key could be made");
	if (envelope_sign(NULL, ENVELOPE_TYPE_POLICY, payload, payload_size, private_pem[0], &once) ||
	    envelope_sign(once, ENVELOPE_TYPE_POLICY, payload, payload_size, private_pem[1], &envelope))
		fatal("the envelope could not be signed");
	*size = strlen(envelope);
	for (size_t b = 0; b < BATCHES; b++) {
		const double start = now_s();
		for (size_t i = 0; i < VERIFICATIONS; i++) {
			if (envelope_verify(envelope, *size, ENVELOPE_TYPE_POLICY, &roots, &read, &read_size))
				fatal("the envelope is not believed");
			free(read);
		}
		batches[b] = (now_s() - start) / VERIFICATIONS * 1e3;
	}
	free(once);
	free(envelope);
	free(payload);
	return median(batches, BATCHES);
}

/* --- known bad hosts --- */

static int listed_name(uint64_t nth, char *name)
{
	const uint64_t mixed = nth * 0x9e3779b97f4a7c15;
	return snprintf(name, LINE_BYTES, "%s%" PRIx64 "-login.%s", nth % 3 == 0 ? "www." : "", mixed >> 20,
			nth % 16 == 0  ? "pages.example"
			: nth % 5 == 0 ? "example.net"
				       : "example");
}

static void no_fault(size_t line, const char *what, void *context)
{
	(void)context;
	fatal("line %zu: %s", line, what);
}

static uint8_t *make_indicators(uint64_t count, struct indicators *indicators)
{
	char line[LINE_BYTES];
	uint8_t *data;
	size_t size, wrong = 0;
	struct indicator_list *list = must(indicator_list_new());
	for (uint64_t i = 0; i < count; i++)
		if (indicator_list_add(list, line, (size_t)listed_name(i, line), INDICATOR_PHISHING, "bench", no_fault,
				       NULL, &wrong))
			fatal("out of memory");
	if (indicator_list_build(list, 0, &data, &size) || indicators_read(data, size, indicators))
		fatal("the file of known bad hosts could not be made");
	indicator_list_free(list);
	return data;
}

/* Half of the names are listed; in a random order, so that no bucket is in the processor's cache. */
static double search_us(const struct indicators *indicators, uint64_t count)
{
	double batches[BATCHES];
	char(*names)[LINE_BYTES] = must(malloc((size_t)SEARCHES * LINE_BYTES));
	for (size_t b = 0; b < BATCHES; b++) {
		const char *source;
		size_t found = 0;
		for (size_t i = 0; i < SEARCHES; i++)
			listed_name(i % 2 ? random_number() % count : count + random_number() % count, names[i]);
		const double start = now_s();
		for (size_t i = 0; i < SEARCHES; i++)
			found += indicators_find(indicators, names[i], &source) != INDICATOR_NONE;
		batches[b] = (now_s() - start) / SEARCHES * 1e6;
		if (found < SEARCHES / 2)
			fatal("known bad hosts are not found");
	}
	free(names);
	return median(batches, BATCHES);
}

static size_t largest_bucket(const struct indicators *indicators)
{
	size_t size, largest = 0;
	for (unsigned prefix = 0; prefix < INDICATOR_BUCKETS; prefix++) {
		indicators_bucket(indicators, prefix, &size);
		largest = size > largest ? size : largest;
	}
	return largest;
}

int main(int argc, char **argv)
{
	const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	struct indicators indicators;
	struct rusage usage;
	size_t envelope_size, largest_size;
	log_open("bench");
	if (count == 0 || psa_crypto_init() != PSA_SUCCESS)
		fatal("the number of known bad hosts must be a whole number from 1 on");
	struct whitelist *whitelist = make_policy();
	const double host_ns = look_up_ns(whitelist);
	whitelist_free(whitelist);
	const double envelope_ms = verify_ms(USUAL_BYTES, &envelope_size);
	const double largest_ms = verify_ms(LARGEST_BYTES, &largest_size);
	if (largest_size > WHITELIST_ENVELOPE_MAX_BYTES)
		fatal("no stick takes an envelope of %zu bytes", largest_size);
	const double start = now_s();
	uint8_t *data = make_indicators(count, &indicators);
	const double made_s = now_s() - start;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"look_up_ns\": %.0f, \"look_up_hosts\": %d, \"envelope_ms\": %.2f, \"envelope_bytes\": %zu, "
	       "\"largest_envelope_ms\": %.1f, \"largest_envelope_bytes\": %zu, "
	       "\"indicator_us\": %.2f, \"indicators\": %" PRIu64 ", \"indicators_bytes\": %zu, "
	       "\"indicators_answer_bytes\": %zu, \"indicators_import_s\": %.0f, \"indicators_import_bytes\": %ld}\n",
	       host_ns, HOSTS, envelope_ms, envelope_size, largest_ms, largest_size, search_us(&indicators, count),
	       indicators.count, indicators.size, largest_bucket(&indicators), made_s, usage.ru_maxrss * 1024);
	free(data);
	return 0;
}

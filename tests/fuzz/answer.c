#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "launcher/broker_policy.h"
#include "launcher/policy_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The two ends between which a broker that was taken over and the policy process speak. */

static struct whitelist *whitelist;
static struct mint *mint;

static void prepare(void)
{
	static uint8_t policy[65536];
	struct whitelist_fault fault;
	FILE *file = fopen("tests/fuzz/corpus/policy/good", "rb");
	size_t size = file ? fread(policy, 1, sizeof policy, file) : 0;
	if (!file || psa_crypto_init() != PSA_SUCCESS || whitelist_parse(policy, size, &whitelist, &fault) ||
	    mint_new(&mint))
		abort();
	fclose(file);
}

/* A broker's question. What policy answers with yes the broker can read, and is of that session's bank. */
static void ask(uint16_t type, const uint8_t *data, size_t size)
{
	static struct answer answer;
	char host[HOST_MAX_BYTES + 1];
	if (answer_query(whitelist, "alpha", mint, whitelist->issued, type, data, size, &answer))
		return;
	struct reader r = reader_over(data, size);
	read_str(&r, host, sizeof host);
	if (answer.type == MSG_ANSWER_NO)
		return;
	if (strcmp(host, "www.alpha.example") != 0 && !strstr(host, ".cdn.alpha.example"))
		abort();
	if (answer.type != MSG_ANSWER_YES)
		return;
	struct bank_host *read = bank_host_read(host, read_u16(&r), answer.payload, answer.size);
	if (!read || read->pin_count == 0)
		abort();
	bank_host_drop(read);
}

/* First byte: a question about a host or a name, or an answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!whitelist)
		prepare();
	if (size < 1)
		return 0;
	if (data[0] < 2)
		ask(data[0] ? MSG_QUERY_HOST : MSG_QUERY_NAME, data + 1, size - 1);
	else
		bank_host_drop(bank_host_read("www.alpha.example", 443, data + 1, size - 1));
	return 0;
}

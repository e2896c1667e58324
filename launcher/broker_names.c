#include "launcher/broker_names.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { HEADER_BYTES = 12, FLAG_ANSWER = 0x80, FLAG_RECURSION = 0x01 };

/* One question, nothing in the other sections but at most one OPT (RFC 6891), not a byte behind it. */
static bool sections_good(const ares_dns_record_t *record, size_t size, bool *edns)
{
	size_t extra = ares_dns_record_rr_cnt(record, ARES_SECTION_ADDITIONAL);
	if (ares_dns_record_query_cnt(record) != 1 || ares_dns_record_rr_cnt(record, ARES_SECTION_ANSWER) != 0 ||
	    ares_dns_record_rr_cnt(record, ARES_SECTION_AUTHORITY) != 0 || extra > 1)
		return false;
	if (extra == 1) {
		const ares_dns_rr_t *rr = ares_dns_record_rr_get_const(record, ARES_SECTION_ADDITIONAL, 0);
		if (ares_dns_rr_get_type(rr) != ARES_REC_TYPE_OPT)
			return false;
		*edns = true;
	}
	/* c-ares does not say where it stopped; what it would write for the same content is as long */
	unsigned char *written = NULL;
	size_t written_size = 0;
	bool whole = ares_dns_write(record, &written, &written_size) == ARES_SUCCESS && written_size == size;
	ares_free_string(written);
	return whole;
}

static bool read_question(const ares_dns_record_t *record, struct names_query *query)
{
	const char *name = NULL;
	ares_dns_rec_type_t type;
	ares_dns_class_t class;
	if (ares_dns_record_query_get(record, 0, &name, &type, &class) != ARES_SUCCESS ||
	    strlen(name) >= sizeof query->asked)
		return false;
	memcpy(query->asked, name, strlen(name) + 1);
	query->type = (unsigned)type;
	if (class != ARES_CLASS_IN)
		query->rcode = ARES_RCODE_REFUSED;
	/* an escaped byte in the name is a backslash here, which no host name has */
	if (host_read(name, strlen(name), query->host) != HOST_NAME)
		query->host[0] = '\0';
	return true;
}

/* What is wrong is answered without its question: nothing of it is known to be well-formed. */
static enum names_verdict answer_bare(struct names_query *query, unsigned rcode)
{
	query->rcode = rcode;
	query->type = 0;
	query->edns = false;
	return NAMES_ANSWER;
}

enum names_verdict names_read(const uint8_t *data, size_t size, struct names_query *query)
{
	*query = (struct names_query){0};
	if (size < HEADER_BYTES || size > NAMES_QUERY_MAX_BYTES || (data[2] & FLAG_ANSWER))
		return NAMES_DROP;
	query->id = (uint16_t)(data[0] << 8 | data[1]);
	query->recursion_desired = data[2] & FLAG_RECURSION;
	query->opcode = data[2] >> 3 & 15;
	if (query->opcode != ARES_OPCODE_QUERY)
		return answer_bare(query, ARES_RCODE_NOTIMP);

	ares_dns_record_t *record = NULL;
	bool good = ares_dns_parse(data, size, 0, &record) == ARES_SUCCESS &&
		    sections_good(record, size, &query->edns) && read_question(record, query);
	ares_dns_record_destroy(record);
	if (!good)
		return answer_bare(query, ARES_RCODE_FORMERR);
	return query->rcode || query->host[0] == '\0' ? NAMES_ANSWER : NAMES_ASK;
}

static bool add_address(ares_dns_record_t *record, const char *name)
{
	const struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
	ares_dns_rr_t *rr = NULL;
	return ares_dns_record_rr_add(&rr, record, ARES_SECTION_ANSWER, name, ARES_REC_TYPE_A, ARES_CLASS_IN,
				      NAMES_TTL_S) == ARES_SUCCESS &&
	       ares_dns_rr_set_addr(rr, ARES_RR_A_ADDR, &loopback) == ARES_SUCCESS;
}

/* Without it a negative answer may not be kept (RFC 2308 section 5), and the browser would ask again for each link. */
static bool add_soa(ares_dns_record_t *record)
{
	static const struct {
		ares_dns_rr_key_t key;
		unsigned value;
	} numbers[] = {{ARES_RR_SOA_SERIAL, 1},
		       {ARES_RR_SOA_REFRESH, 3600},
		       {ARES_RR_SOA_RETRY, 600},
		       {ARES_RR_SOA_EXPIRE, 86400},
		       {ARES_RR_SOA_MINIMUM, NAMES_TTL_S}};
	ares_dns_rr_t *rr = NULL;
	bool good = ares_dns_record_rr_add(&rr, record, ARES_SECTION_AUTHORITY, "", ARES_REC_TYPE_SOA, ARES_CLASS_IN,
					   NAMES_TTL_S) == ARES_SUCCESS &&
		    ares_dns_rr_set_str(rr, ARES_RR_SOA_MNAME, "localhost") == ARES_SUCCESS &&
		    ares_dns_rr_set_str(rr, ARES_RR_SOA_RNAME, "nobody.invalid") == ARES_SUCCESS;
	for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++)
		good = ares_dns_rr_set_u32(rr, numbers[i].key, numbers[i].value) == ARES_SUCCESS;
	return good;
}

static bool add_edns(ares_dns_record_t *record)
{
	ares_dns_rr_t *rr = NULL;
	return ares_dns_record_rr_add(&rr, record, ARES_SECTION_ADDITIONAL, "", ARES_REC_TYPE_OPT, ARES_CLASS_IN, 0) ==
		   ARES_SUCCESS &&
	       ares_dns_rr_set_u16(rr, ARES_RR_OPT_UDP_SIZE, NAMES_QUERY_MAX_BYTES) == ARES_SUCCESS &&
	       ares_dns_rr_set_u8(rr, ARES_RR_OPT_VERSION, 0) == ARES_SUCCESS &&
	       ares_dns_rr_set_u16(rr, ARES_RR_OPT_FLAGS, 0) == ARES_SUCCESS;
}

static bool fill(ares_dns_record_t *record, const struct names_query *query, unsigned rcode)
{
	if (ares_dns_record_query_add(record, query->asked, (ares_dns_rec_type_t)query->type, ARES_CLASS_IN) !=
	    ARES_SUCCESS)
		return false;
	bool address = rcode == ARES_RCODE_NOERROR && query->type == ARES_REC_TYPE_A;
	if (address && !add_address(record, query->asked))
		return false;
	bool negative = !address && (rcode == ARES_RCODE_NOERROR || rcode == ARES_RCODE_NXDOMAIN);
	if (negative && !add_soa(record))
		return false;
	return !query->edns || add_edns(record);
}

static unsigned decide(const struct names_query *query, enum names_outcome outcome)
{
	if (query->rcode)
		return query->rcode;
	if (outcome == NAMES_FAILED)
		return ARES_RCODE_SERVFAIL;
	return outcome == NAMES_LISTED && query->host[0] ? ARES_RCODE_NOERROR : ARES_RCODE_NXDOMAIN;
}

/* A header alone is written by hand: c-ares writes no message without a question. */
static void write_header(const struct names_query *query, unsigned rcode, uint8_t *out)
{
	memset(out, 0, HEADER_BYTES);
	out[0] = (uint8_t)(query->id >> 8);
	out[1] = (uint8_t)query->id;
	out[2] = (uint8_t)(FLAG_ANSWER | query->opcode << 3 | (query->recursion_desired ? FLAG_RECURSION : 0));
	out[3] = (uint8_t)rcode;
}

int names_answer(const struct names_query *query, enum names_outcome outcome, uint8_t out[NAMES_ANSWER_MAX_BYTES],
		 size_t *size)
{
	ares_dns_record_t *record = NULL;
	unsigned char *written = NULL;
	int error = -ENOMEM;
	unsigned rcode = decide(query, outcome);
	unsigned flags = ARES_FLAG_QR | ARES_FLAG_RA | (query->recursion_desired ? (unsigned)ARES_FLAG_RD : 0);

	if (query->type == 0) {
		write_header(query, rcode, out);
		*size = HEADER_BYTES;
		return 0;
	}
	if (ares_dns_record_create(&record, query->id, (unsigned short)flags, ARES_OPCODE_QUERY,
				   (ares_dns_rcode_t)rcode) != ARES_SUCCESS ||
	    !fill(record, query, rcode) || ares_dns_write(record, &written, size) != ARES_SUCCESS)
		goto out;
	error = *size > NAMES_ANSWER_MAX_BYTES ? -EMSGSIZE : 0;
	if (!error)
		memcpy(out, written, *size);
out:
	ares_free_string(written);
	ares_dns_record_destroy(record);
	return error;
}

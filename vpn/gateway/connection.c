#include "vpn/gateway/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { END_TEXT_SIZE = 24, NUMBER_SIZE = 20 };

/* Decimal digits alone: strtoull would take signs and blanks. */
static int parse_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EBADMSG;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno || *end || number > most)
		return -EBADMSG;
	*value = number;
	return 0;
}

int connection_end_parse(const char *text, struct connection_end *end)
{
	char address[INET_ADDRSTRLEN];
	uint64_t port;
	const char *colon = strchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof address)
		return -EBADMSG;
	memcpy(address, text, (size_t)(colon - text));
	address[colon - text] = '\0';
	if (inet_pton(AF_INET, address, &end->address) != 1 || parse_number(colon + 1, 65535, &port) || port == 0)
		return -EBADMSG;
	end->port = (uint16_t)port;
	return 0;
}

void connection_end_text(const struct connection_end *end, char out[ENDPOINT_SIZE])
{
	char address[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &end->address, address, sizeof address);
	snprintf(out, ENDPOINT_SIZE, "%s:%u", address, end->port);
}

int connection_parse(const char *line, struct connection *c)
{
	char kind[5], born[NUMBER_SIZE + 1], at[NUMBER_SIZE + 1], stick[INET_ADDRSTRLEN], source[END_TEXT_SIZE],
	    destination[END_TEXT_SIZE], bank[BANK_ID_SIZE + 5];
	int end = 0;
	*c = (struct connection){0};
	if (sscanf(line, "%4s %20s %20s %15s %23s %23s %37s%n", kind, born, at, stick, source, destination, bank,
		   &end) != 7 ||
	    line[end] != '\0')
		return -EBADMSG;
	c->open = strcmp(kind, "open") == 0;
	if (!c->open && strcmp(kind, "end") != 0)
		return -EBADMSG;
	/* Nobody it could have gone to: what haproxy turned away is logged when it ends, too. */
	if (!c->open && source[0] == '-')
		return -ENODATA;
	uint64_t at_ms;
	if (parse_number(born, INT64_MAX, &c->proxy_us) || parse_number(at, INT64_MAX, &at_ms) ||
	    inet_pton(AF_INET, stick, &c->stick) != 1 || connection_end_parse(source, &c->source) ||
	    connection_end_parse(destination, &c->destination) || strncmp(bank, "bank_", 5) != 0 ||
	    !name_is_bank(bank + 5))
		return -EBADMSG;
	c->at_ms = (int64_t)at_ms;
	snprintf(c->bank, sizeof c->bank, "%s", bank + 5);
	return 0;
}

static void write_end(struct writer *w, const struct connection_end *end)
{
	write_u32(w, end->address.s_addr);
	write_u16(w, end->port);
}

static void read_end(struct reader *r, struct connection_end *end)
{
	end->address.s_addr = read_u32(r);
	end->port = read_u16(r);
}

void connection_write(struct writer *w, const struct connection *c)
{
	write_u8(w, c->open);
	write_u64(w, c->proxy_us);
	write_u64(w, (uint64_t)c->at_ms);
	write_u32(w, c->stick.s_addr);
	write_end(w, &c->source);
	write_end(w, &c->destination);
	write_str(w, c->bank);
}

void connection_read(struct reader *r, struct connection *c)
{
	c->open = read_u8(r);
	c->proxy_us = read_u64(r);
	c->at_ms = (int64_t)read_u64(r);
	c->stick.s_addr = read_u32(r);
	read_end(r, &c->source);
	read_end(r, &c->destination);
	read_str(r, c->bank, sizeof c->bank);
	if (!name_is_bank(c->bank) || c->at_ms < 0)
		r->failed = true;
}

void question_write(struct writer *w, const struct question *q)
{
	write_u32(w, q->id);
	write_str(w, q->bank);
	write_end(w, &q->source);
	write_end(w, &q->destination);
	write_u64(w, (uint64_t)q->at_ms);
}

void question_read(struct reader *r, struct question *q)
{
	q->id = read_u32(r);
	read_str(r, q->bank, sizeof q->bank);
	read_end(r, &q->source);
	read_end(r, &q->destination);
	q->at_ms = (int64_t)read_u64(r);
	if (!name_is_bank(q->bank) || q->at_ms < 0)
		r->failed = true;
}

void answer_write(struct writer *w, const struct answer_about *a)
{
	write_u32(w, a->id);
	write_u8(w, (uint8_t)a->verdict);
	write_str(w, a->stick);
	write_str(w, a->image_version);
	write_str(w, a->state);
	write_u8(w, a->image_in_order);
	write_u64(w, (uint64_t)a->since);
	write_u64(w, (uint64_t)a->opened_ms);
	write_u64(w, (uint64_t)a->closed_ms);
}

void answer_read(struct reader *r, struct answer_about *a)
{
	a->id = read_u32(r);
	uint8_t verdict = read_u8(r);
	read_str(r, a->stick, sizeof a->stick);
	read_str(r, a->image_version, sizeof a->image_version);
	read_str(r, a->state, sizeof a->state);
	a->image_in_order = read_u8(r);
	a->since = (int64_t)read_u64(r);
	a->opened_ms = (int64_t)read_u64(r);
	a->closed_ms = (int64_t)read_u64(r);
	if (verdict >= ANSWER_VERDICTS)
		r->failed = true;
	else
		a->verdict = (enum answer_verdict)verdict;
}

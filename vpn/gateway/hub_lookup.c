/* Connections to banks as the proxy tells of them, and what banks ask about them: each question with its entry in the
 * audit log, before it is answered. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/hub.h"

enum { FORGET_S = 3600, DAY_MS = 86400000, BATCH_MAX = 256 };

const char *const hub_answers[ANSWER_VERDICTS] = {"none", "stick", "ambiguous", "not_kept"};

static int opened(struct hub *hub, const struct connection *connection)
{
	const struct stick *stick = fleet_by_address(hub->fleet, connection->stick);
	struct store_connection row = {.gateway = hub->config.id, .connection = *connection};
	int error = 0;
	if (!stick) {
		log_error("the proxy tells of a connection of no registered stick: it is not kept");
		return 0;
	}
	if (connection->proxy_us != hub->proxy_us)
		error = store_connections_ended(hub->store, hub->config.id, connection->proxy_us, connection->at_ms);
	if (error)
		return error;
	hub->proxy_us = connection->proxy_us;
	row.since = stick->row.since;
	memcpy(row.stick, stick->row.id, sizeof row.stick);
	memcpy(row.image_version, stick->row.image_version, sizeof row.image_version);
	memcpy(row.root_hash, stick->root_hash, sizeof row.root_hash);
	return store_connection_opened(hub->store, &row);
}

void hub_connections(struct hub *hub, struct reader *r)
{
	uint32_t count = read_u32(r);
	int error = store_begin(hub->store);
	for (uint32_t i = 0; i < count && !r->failed && !error; i++) {
		struct connection connection;
		connection_read(r, &connection);
		if (r->failed)
			break;
		error = connection.open ? opened(hub, &connection) : store_connection_ended(hub->store, &connection);
	}
	if (!error)
		error = store_commit(hub->store);
	if (!error)
		return;
	store_rollback(hub->store);
	hub->proxy_us = 0; /* that earlier ones have ended may have been undone as well */
	log_error("%u connections to banks could not be kept (%s): a bank that asks about them is told that there were "
		  "none",
		  count, strerror(-error));
}

/* --- questions --- */

struct finding {
	struct hub *hub;
	struct answer_about *answer;
};

static void found(const struct store_connection *row, void *context)
{
	struct finding *finding = context;
	struct answer_about *answer = finding->answer;
	if (answer->verdict == ANSWER_STICK && strcmp(answer->stick, row->stick) != 0)
		answer->verdict = ANSWER_AMBIGUOUS;
	if (answer->verdict != ANSWER_NONE)
		return; /* the newest of one stick's is the one that is spoken of */
	const struct stick *stick = fleet_by_id(finding->hub->fleet, row->stick);
	answer->verdict = ANSWER_STICK;
	memcpy(answer->stick, row->stick, sizeof answer->stick);
	memcpy(answer->image_version, row->image_version, sizeof answer->image_version);
	snprintf(answer->state, sizeof answer->state, "%s", stick ? health_name(stick->health.state) : "");
	answer->image_in_order = images_judge(&finding->hub->images, row->image_version, row->root_hash) == IMAGE_GOOD;
	answer->since = row->since;
	answer->opened_ms = row->opened_ms;
	answer->closed_ms = row->closed_ms;
}

static int answer_one(struct hub *hub, const struct question *question, struct answer_about *answer)
{
	char source[ENDPOINT_SIZE], detail[ENDPOINT_SIZE + 64];
	struct finding finding = {hub, answer};
	*answer = (struct answer_about){.id = question->id};
	int error = store_each_connection(hub->store, question, found, &finding);
	if (error)
		return error;
	if (answer->verdict != ANSWER_STICK)
		answer->stick[0] = '\0';
	connection_end_text(&question->source, source);
	snprintf(detail, sizeof detail, "%s at %" PRId64 ": %s", source, question->at_ms / 1000,
		 hub_answers[answer->verdict]);
	return audit_add(hub->audit, hub_now(), question->bank, "bank_asked", answer->stick, detail);
}

/* All in one transaction: a busy bank's questions share the wait for the disk. */
static int answer_all(struct hub *hub, struct reader *r, struct answer_about *answers, uint32_t count)
{
	int error = hub_begin(hub);
	for (uint32_t i = 0; i < count && !error; i++) {
		struct question question;
		question_read(r, &question);
		answers[i].id = question.id;
		if (!r->failed)
			error = answer_one(hub, &question, &answers[i]);
	}
	if (!error && !reader_done(r))
		error = -EBADMSG;
	return hub_settle(hub, error);
}

void hub_lookup(struct hub *hub, struct reader *r)
{
	static uint8_t data[BATCH_MAX * ANSWER_WIRE_MAX_BYTES + 4];
	static struct answer_about answers[BATCH_MAX];
	uint32_t count = read_u32(r);
	if (r->failed || count > BATCH_MAX) {
		log_error("a batch of banks' questions could not be read: the ones in it time out");
		return;
	}
	memset(answers, 0, sizeof answers);
	int error = answer_all(hub, r, answers, count);
	if (error)
		log_error("%u questions of banks could not be put into the audit log and are not answered: %s", count,
			  strerror(-error));
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, count);
	for (uint32_t i = 0; i < count; i++) {
		if (error)
			answers[i] = (struct answer_about){.id = answers[i].id, .verdict = ANSWER_UNKEPT};
		hub->answers[answers[i].verdict]++;
		answer_write(&w, &answers[i]);
	}
	hub->send(hub, ROLE_LOOKUP, GW_LOOKUP_REPLY, 0, &w);
}

void hub_lookup_refused(struct hub *hub, struct reader *r)
{
	char code[CODE_SIZE];
	read_str(r, code, sizeof code);
	if (reader_done(r))
		hub->lookups_refused++;
}

void hub_lookup_tick(struct hub *hub)
{
	int64_t now = hub_now();
	if (now - hub->forgotten < FORGET_S)
		return;
	hub->forgotten = now;
	store_connections_forget(hub->store, now * 1000 - (int64_t)hub->config.connection_days * DAY_MS);
}

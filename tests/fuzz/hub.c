#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/envelope.h"
#include "vpn/gateway/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The gateway's store process: what the other processes, one of which was taken over, tell it, and the control
 * socket. The database is in memory and lives as long as this does. */

static struct hub hub;

static bool drop(struct hub *h, enum gateway_role role, uint16_t type, uint32_t id, const struct writer *payload)
{
	(void)h, (void)role, (void)type, (void)id;
	if (payload->failed)
		abort();
	return true;
}

static void prepare(void)
{
	static struct store_stick row = {.id = "ST-000001", .name = "one", .key = {7}};
	const uint16_t ports[] = {443};
	char why[256];
	hub.send = drop;
	if (config_parse(
		"id = gw1\ntenant = demo\ninner = 10.77.0.1/16\negress = alpha 203.0.113.101\nadmission-time = 600\n",
		&hub.config, why, sizeof why))
		abort();
	snprintf(hub.config.database, sizeof hub.config.database, ":memory:");
	char key[ENVELOPE_PEM_MAX], unused[ENVELOPE_PEM_MAX];
	if (envelope_key_generate(key, unused) || hub_open(&hub, key, -1) ||
	    plan_add(&hub.plan, "alpha", "www.alpha.example", ports, 1) ||
	    hub_stick_add(&hub, &row, "test", why, sizeof why))
		abort();
	hub.policy.version = 3;
	hub.policy.expires = hub_now() + 100000;
}

static void control(const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t text_size = 0;
	/* a password takes Argon2id's time and memory, and nothing of the request but the name */
	if (memmem(data, size, "password", 8))
		return;
	FILE *out = open_memstream(&text, &text_size);
	if (!out)
		abort();
	hub_control(&hub, "root", (const char *)data, size, out);
	fclose(out);
	if (text_size == 0)
		abort();
	free(text);
}

static void session_done(struct hub *h, uint32_t id, struct reader *r) { hub_session_done(h, id, r); }
static void peer_status(struct hub *h, uint32_t id, struct reader *r)
{
	(void)id;
	hub_peer_status(h, r);
}
static void policy(struct hub *h, uint32_t id, struct reader *r)
{
	(void)id;
	hub_policy(h, r);
}
static void plan(struct hub *h, uint32_t id, struct reader *r)
{
	(void)id;
	hub_plan(h, r);
}
static void gateways(struct hub *h, uint32_t id, struct reader *r)
{
	(void)id;
	hub_gateways(h, r);
}
static void refused(struct hub *h, uint32_t id, struct reader *r)
{
	(void)id;
	hub_document_refused(h, r);
}

static void requests(struct hub *h, uint32_t id, struct reader *r)
{
	(void)h, (void)id;
	control(r->data, r->size);
}

/* First byte: whose message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const messages[])(struct hub *h, uint32_t id, struct reader *r) = {
	    hub_beacon, hub_open_request, hub_fetch, session_done, peer_status, policy,
	    plan,       gateways,         refused,   requests,     hub_nonce,   hub_statement};
	static const size_t count = sizeof messages / sizeof messages[0];
	if (!hub.store)
		prepare();
	if (size < 1)
		return 0;
	struct reader r = reader_over(data + 1, size - 1);
	messages[data[0] % count](&hub, 1, &r);
	hub_tick(&hub);
	return 0;
}

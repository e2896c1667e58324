#include "vpn/gateway/hub_desk.h"

#include <errno.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"

int64_t hub_now(void) { return (int64_t)time(NULL); }

static void load_session(const char *bank, void *context) { stick_open(context, bank); }

/* A restart of the gateway is not the stick's trouble: one that was up gets a beacon's grace, in state and admission.
 */
static void restore_health(struct stick *stick)
{
	int64_t now = now_ms();
	enum health state = health_from_name(stick->row.state);
	enum health_cause cause = health_cause_from_name(stick->row.cause);
	stick->health.state = state < HEALTH_COUNT ? state : HEALTH_NEVER;
	stick->health.cause = cause < CAUSE_COUNT ? cause : CAUSE_REGISTERED;
	memcpy(stick->health.boot, stick->row.boot, sizeof stick->health.boot);
	stick->last_beacon = stick->row.last_beacon;
	int64_t age_ms = (hub_now() - stick->row.last_beacon) * 1000;
	stick->health.last_beacon_ms = now - (age_ms > 0 ? age_ms : 0);
	if (stick->row.revoked)
		stick->health = (struct health_record){.state = HEALTH_REVOKED, .cause = CAUSE_REVOKED};
	if (health_is_held(stick->health.state))
		stick->health.last_beacon_ms = now;
	if (stick->health.state == HEALTH_UP || stick->health.state == HEALTH_LATE) {
		stick->health.last_beacon_ms = now;
	}
}

/* Who was in when this gateway went down is in again, for no longer than its statement holds. */
static void restore_admissions(struct hub *hub)
{
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		struct stick *stick = fleet_at(hub->fleet, i);
		bool up = stick->health.state == HEALTH_UP || stick->health.state == HEALTH_LATE;
		int64_t lease_s = hub_lease_s(stick);
		if (up && images_judge(&hub->images, stick->row.image_version, "") != IMAGE_OLD &&
		    hub_standing(hub, stick, stick->health.boot) == REASON_NONE)
			stick->admitted_until_ms = now_ms() + (lease_s < HUB_VALID_S ? lease_s : HUB_VALID_S) * 1000;
	}
}

struct loading {
	struct hub *hub;
	int error;
};

static void load_stick(const struct store_stick *row, void *context)
{
	struct loading *loading = context;
	struct stick *stick = fleet_add(loading->hub->fleet, row);
	if (!stick) {
		loading->error = -errno;
		return;
	}
	if (!stick->row.state[0])
		stick->row.since = stick->row.created;
	restore_health(stick);
}

static void load_document(struct hub *hub, const char *kind, struct hub_document *document)
{
	/* Kept as it was accepted; whether it is good under today's roots the policy process says before it is used. */
	int error = store_document(hub->store, kind, &document->envelope, &document->size);
	if (error && error != -ENOENT)
		log_error("the last good %s cannot be read back from the database", kind);
	document->serial = 1;
}

int hub_open(struct hub *hub, const char *audit_pem, int witness)
{
	hub->started = hub_now();
	hub->has_work = true; /* what a restart cut short is found out */
	if (psa_crypto_init() != PSA_SUCCESS)
		return -EIO;
	hub->fleet = fleet_new();
	if (!hub->fleet)
		return -ENOMEM;
	int error = store_open(hub->config.database, hub->config.tenant, &hub->store);
	if (error)
		return error;
	error = hub->alone ? store_claim(hub->store) : 0;
	if (error)
		return error;
	struct loading loading = {.hub = hub};
	error = audit_open(hub->store, hub->config.tenant, hub->config.id, audit_pem, witness, &hub->audit);
	if (!error)
		audit_review(hub->audit, AUDIT_REVIEW_FIRST);
	if (!error)
		error = hub_images_load(hub);
	if (!error)
		error = hub_drain_load(hub);
	if (!error)
		error = store_each_stick(hub->store, load_stick, &loading);
	if (!error)
		error = loading.error;
	if (!error)
		error = hub_admissions_load(hub);
	restore_admissions(hub);
	for (size_t i = 0; i < fleet_count(hub->fleet) && !error; i++) {
		struct stick *stick = fleet_at(hub->fleet, i);
		error = store_sessions_of(hub->store, stick->row.id, load_session, stick);
	}
	load_document(hub, "policy", &hub->policy);
	load_document(hub, "gateways", &hub->gateways);
	if (!error)
		error = hub_alarms_load(hub);
	return error ? error : hub_first_operator(hub);
}

void hub_close(struct hub *hub)
{
	if (hub->audit)
		audit_checkpoint(hub->audit, hub_now(), true);
	hub_alarms_free(hub);
	audit_close(hub->audit);
	store_close(hub->store);
	fleet_free(hub->fleet);
	plan_free(&hub->plan);
	buf_free(&hub->plan_wire);
	free(hub->policy.envelope);
	free(hub->gateways.envelope);
	config_free(&hub->config);
}

#include "vpn/gateway/store_schema.h"

/* Each entry takes the schema one version further; entries are never changed once released, only added. */
const char *const store_migrations[] = {
    "CREATE TABLE sticks ("
    " tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL,"
    " public_key TEXT NOT NULL, address TEXT NOT NULL, identity_key TEXT,"
    " created BIGINT NOT NULL, revoked BIGINT,"
    " PRIMARY KEY (tenant, id));"
    "CREATE UNIQUE INDEX sticks_by_key ON sticks (tenant, public_key);"
    "CREATE UNIQUE INDEX sticks_by_address ON sticks (tenant, address);"
    "CREATE TABLE states ("
    " tenant TEXT NOT NULL, stick TEXT NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL, since BIGINT NOT NULL,"
    " last_beacon BIGINT NOT NULL, boot TEXT NOT NULL, image_version TEXT NOT NULL, policy_version BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, stick));"
    "CREATE TABLE transitions ("
    " tenant TEXT NOT NULL, id BIGINT NOT NULL, at BIGINT NOT NULL, stick TEXT NOT NULL,"
    " from_state TEXT NOT NULL, to_state TEXT NOT NULL, cause TEXT NOT NULL,"
    " PRIMARY KEY (tenant, id));"
    "CREATE INDEX transitions_by_stick ON transitions (tenant, stick, at);"
    "CREATE TABLE events ("
    " tenant TEXT NOT NULL, id BIGINT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL,"
    " stick TEXT NOT NULL, who TEXT NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY (tenant, id));"
    "CREATE TABLE operators ("
    " tenant TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL, created BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, name));"
    "CREATE TABLE sessions ("
    " tenant TEXT NOT NULL, stick TEXT NOT NULL, bank TEXT NOT NULL, opened BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, stick, bank));"
    "CREATE TABLE documents ("
    " tenant TEXT NOT NULL, kind TEXT NOT NULL, version BIGINT NOT NULL, accepted BIGINT NOT NULL,"
    " envelope TEXT NOT NULL,"
    " PRIMARY KEY (tenant, kind));",

    "CREATE TABLE images ("
    " tenant TEXT NOT NULL, version BIGINT NOT NULL, root_hash TEXT NOT NULL, added BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, version, root_hash));"
    "CREATE TABLE numbers ("
    " tenant TEXT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, name));",

    "CREATE TABLE audit ("
    " tenant TEXT NOT NULL, id BIGINT NOT NULL, at BIGINT NOT NULL, stick TEXT NOT NULL, entry TEXT NOT NULL,"
    " leaf TEXT NOT NULL,"
    " PRIMARY KEY (tenant, id));"
    "CREATE INDEX audit_by_stick ON audit (tenant, stick, id);"
    "CREATE TABLE checkpoints ("
    " tenant TEXT NOT NULL, size BIGINT NOT NULL, at BIGINT NOT NULL, note TEXT NOT NULL,"
    " PRIMARY KEY (tenant, size));",

    "CREATE TABLE connections ("
    " tenant TEXT NOT NULL, source TEXT NOT NULL, port BIGINT NOT NULL, opened BIGINT NOT NULL,"
    " destination TEXT NOT NULL, closed BIGINT, gateway TEXT NOT NULL, proxy BIGINT NOT NULL, bank TEXT NOT NULL,"
    " stick TEXT NOT NULL, since BIGINT NOT NULL, image_version TEXT NOT NULL, root_hash TEXT NOT NULL,"
    " PRIMARY KEY (tenant, source, port, opened, destination));"
    "CREATE INDEX connections_by_time ON connections (tenant, opened);"
    "CREATE INDEX connections_open ON connections (tenant, gateway, proxy) WHERE closed IS NULL;",

    "CREATE TABLE admissions ("
    " tenant TEXT NOT NULL, stick TEXT NOT NULL, pin_key TEXT NOT NULL,"
    " duress_key TEXT NOT NULL, token TEXT NOT NULL, next_token TEXT NOT NULL, adopt BIGINT NOT NULL,"
    " copied BIGINT NOT NULL, pin_failures BIGINT NOT NULL, at BIGINT NOT NULL, until BIGINT NOT NULL,"
    " place TEXT NOT NULL, boot TEXT NOT NULL, duress_at BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, stick));",

    /* Who was an operator until now could do everything there was, and still can. */
    "CREATE INDEX events_by_stick ON events (tenant, stick, id);"
    "ALTER TABLE operators ADD COLUMN role TEXT NOT NULL DEFAULT 'supervisor';"
    "ALTER TABLE operators ADD COLUMN totp TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE operators ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE operators ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE operators ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE operators ADD COLUMN locked BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE operators ADD COLUMN disabled BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE alarms ("
    " tenant TEXT NOT NULL, id BIGINT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,"
    " opened BIGINT NOT NULL, ended BIGINT NOT NULL, closed BIGINT NOT NULL, sticks BIGINT NOT NULL,"
    " owner TEXT NOT NULL, acknowledged BIGINT NOT NULL, escalated BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, id));"
    "CREATE INDEX alarms_by_closed ON alarms (tenant, closed, id);"
    "CREATE TABLE alarm_notes ("
    " tenant TEXT NOT NULL, alarm BIGINT NOT NULL, id BIGINT NOT NULL, at BIGINT NOT NULL, who TEXT NOT NULL,"
    " what TEXT NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (tenant, alarm, id));"
    "CREATE TABLE requests ("
    " tenant TEXT NOT NULL, id BIGINT NOT NULL, kind TEXT NOT NULL, asked_by TEXT NOT NULL, asked BIGINT NOT NULL,"
    " reason TEXT NOT NULL, sticks TEXT NOT NULL, decided_by TEXT NOT NULL, decided BIGINT NOT NULL,"
    " state TEXT NOT NULL, answer TEXT NOT NULL,"
    " PRIMARY KEY (tenant, id));",

    "ALTER TABLE checkpoints ADD COLUMN peaks TEXT NOT NULL DEFAULT '';",

    "ALTER TABLE operators ADD COLUMN password_by TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE operators ADD COLUMN totp_by TEXT NOT NULL DEFAULT '';",

    "CREATE TABLE shelves ("
    " tenant TEXT NOT NULL, alarm BIGINT NOT NULL, until BIGINT NOT NULL,"
    " PRIMARY KEY (tenant, alarm));"
    "CREATE TABLE handovers ("
    " tenant TEXT NOT NULL, id BIGINT NOT NULL, given BIGINT NOT NULL, given_by TEXT NOT NULL, text TEXT NOT NULL,"
    " info BIGINT NOT NULL, warning BIGINT NOT NULL, critical BIGINT NOT NULL, taken BIGINT NOT NULL,"
    " taken_by TEXT NOT NULL,"
    " PRIMARY KEY (tenant, id));",
};

const int store_migration_count = sizeof store_migrations / sizeof store_migrations[0];

/*
 * fleet - a whole fleet of sticks in one program, for `make bench-gateway`: what a gateway cannot tell from as many
 * sticks behind its tunnel. Each has an inner address of its own, speaks the control API with the stick's own code
 * (launcher/agent_talk.h), TLS by mbedTLS as the stick's agent, and signs its statements. WireGuard is not in it: the
 * addresses are the namespace's own (see tests/bench/gateway).
 *
 *   fleet registry DATABASE TENANT COUNT    COUNT sticks as a gateway has them that ran before: admitted, up
 *   fleet load OPTIONS                      see usage in fleet_load.c
 *   fleet day OPTIONS                       a day's troubles and the alarms made of them: see fleet_day.c
 */
#ifndef TESTS_BENCH_FLEET_FLEET_H
#define TESTS_BENCH_FLEET_FLEET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "vpn/admission/statement.h"

enum { FLEET_ID_SIZE = 16, FLEET_BOOT_SIZE = 33, FLEET_MAX = 2000000 };

#define FLEET_FIRST_ADDRESS 0x0a600000u /* 10.96.0.0, and on from there */
#define FLEET_IMAGE         "7"
#define FLEET_TUNNEL        "{\"gateway\":\"gw1\",\"handshake_ms\":41,\"rtt_ms\":%u,\"loss_permille\":0}"

void fleet_id(size_t index, char id[FLEET_ID_SIZE]);
void fleet_boot(size_t index, char boot[FLEET_BOOT_SIZE]);
struct in_addr fleet_address(size_t index);
/* One identity for all: what it costs to sign and to check does not depend on whose it is. */
void fleet_identity(uint8_t private_key[STATEMENT_PRIVATE_BYTES]);

int fleet_registry(int argc, char **argv);
int fleet_load(int argc, char **argv);
int fleet_day(int argc, char **argv);

#endif

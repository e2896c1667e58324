/*
 * broker_policy - what this session's broker knows of its bank: the policy process' answers, each kept for a minute.
 *
 * The policy process alone says which hosts exist, on which ports, under which anchors and pins, and mints the leaf the
 * browser sees. An answer that is older is asked for again, so that a policy that expires in a session closes it to new
 * connections. When the channel ends, nothing is known any more and `lost` is called.
 */
#ifndef LAUNCHER_BROKER_POLICY_H
#define LAUNCHER_BROKER_POLICY_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/loop.h"
#include "launcher/broker_cert.h"
#include "launcher/broker_host.h"
#include "launcher/messages.h"

#define BANK_SESSIONS_MAX 4

/* To resume with the bank, without its certificates: as long as those stand that it was made with, both included. */
struct bank_session {
	mbedtls_ssl_session tls;
	int64_t from, until;
};

/* One host and port of the bank. Shared by its connections: bank_host_keep() and bank_host_drop(). */
struct bank_host {
	char name[HOST_MAX_BYTES + 1];
	uint16_t port;
	unsigned references;
	mbedtls_x509_crt anchors;
	struct pin pins[PINS_MAX];
	size_t pin_count;
	struct pin revoked[REVOKED_MAX];
	size_t revoked_count;
	mbedtls_x509_crt leaf; /* minted: what the browser sees */
	mbedtls_pk_context key;
	uint8_t trust[PIN_BYTES]; /* SHA-256 over anchors, pins and revoked keys: sessions outlive an answer that
				     changed neither */
	struct bank_session sessions[BANK_SESSIONS_MAX]; /* those below session_count */
	size_t session_count;
	struct chain_memory chains; /* of the bank's, that were good */
	bool without_pss;           /* this bank speaks TLS 1.2 and answers an offer of RSA-PSS with it */
};

struct bank_host *bank_host_keep(struct bank_host *host);
void bank_host_drop(struct bank_host *host); /* NULL is fine */

struct policy;
typedef void policy_lost_fn(const char *why, void *context);
typedef void policy_name_fn(enum refusal refusal, void *context);
/* `host` only with REFUSAL_NONE; keep it to use it after the call. */
typedef void policy_host_fn(enum refusal refusal, struct bank_host *host, void *context);

/* `channel` becomes the policy's own. NULL with errno on failure. */
struct policy *policy_new(struct loop *loop, int channel, policy_lost_fn *lost, void *context);
void policy_free(struct policy *policy);

/* Another policy stands: nothing is known any more, and what was granted is to be asked for again. */
typedef void policy_changed_fn(void *context);
void policy_on_change(struct policy *policy, policy_changed_fn *fn, void *context);

/*
 * May a connection that was made under `before` go on under `after`? If all its anchors and pins are still there; where
 * one was taken away the chain is to be judged anew, on a new connection.
 */
bool bank_host_still_grants(const struct bank_host *before, const struct bank_host *after);

/* fn may be called before these return. A question not answered in 5 s is answered REFUSAL_NO_SESSION. */
void policy_ask_name(struct policy *policy, const char *name, policy_name_fn *fn, void *context);
void policy_ask_host(struct policy *policy, const char *name, uint16_t port, policy_host_fn *fn, void *context);
/* Forget the questions asked with this context. */
void policy_cancel(struct policy *policy, const void *context);

/* Read MSG_ANSWER_YES into a new host with one reference. NULL: the peer is broken. */
struct bank_host *bank_host_read(const char *name, uint16_t port, const void *payload, size_t size);

#endif

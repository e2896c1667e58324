/*
 * keyholder_clients - the certificates and keys that customers log in to their bank with, one for each bank, and the
 * sessions of brokers that may have a handshake proved with them.
 *
 * A session has the bank that the launcher began it for, and the hosts that the policy names for a certificate. A
 * signature is made over a whole handshake of TLS (keyholder_transcript.h) with one of those hosts and with this
 * certificate, and over nothing else; whatever else is asked is answered with none. Keys are wiped with the process;
 * one that is in a PKCS#11 token never comes here (keyholder_token.h).
 */
#ifndef LAUNCHER_KEYHOLDER_CLIENTS_H
#define LAUNCHER_KEYHOLDER_CLIENTS_H

#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "whitelist/whitelist.h"

#define CLIENTS_MAX          8
#define CLIENT_CHAIN_MAX     4 /* certificates */
#define CLIENT_HOSTS_MAX     WHITELIST_CLIENT_HOSTS_MAX
#define CLIENT_SESSIONS_MAX  4
#define CLIENT_NAME_BYTES    129
#define CLIENT_SIGNATURE_MAX 512 /* RSA of 4096 bits */

/* MSG_KEY_CLIENT, MSG_KEY_SESSION and MSG_KEY_SESSION_END of the launcher: rows of its table. -EBADMSG: broken. */
int clients_take(struct msg *m);
int clients_token(struct msg *m); /* MSG_KEY_TOKEN */
int clients_begin(struct loop *loop, struct msg *m);
int clients_end(const struct msg *m);
void clients_free(void);

#endif

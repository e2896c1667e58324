/*
 * login - the console's sessions and the limit on guessing, in memory. Pure: time comes in.
 *
 * A session is a random token in a cookie; only its SHA-256 is kept, and it is compared in constant time. After five
 * wrong passwords an address waits a minute; the store limits all addresses together (hub_login.c).
 */
#ifndef VPN_GATEWAY_LOGIN_H
#define VPN_GATEWAY_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/gateway/names.h"

enum {
	LOGIN_SESSIONS_MAX = 128,
	LOGIN_SESSION_S = 12 * 3600, /* a shift; then the password is asked for again */
	LOGIN_ADDRESSES_MAX = 256,
	LOGIN_TRIES = 5,
	LOGIN_WAIT_S = 60,
	LOGIN_TOKEN_SIZE = 65, /* hex */
	LOGIN_CALLS = 60,      /* a session may act so often in LOGIN_WAIT_S */
	LOGIN_VIEWS = 600,     /* and look: five open consoles, each answer of which costs the store's process */
};

struct login_session {
	uint8_t digest[32];
	char name[OPERATOR_SIZE]; /* "": free */
	char role[CODE_SIZE];
	bool second_factor;
	int64_t changed; /* for the store: an account that was changed since ends it (store_desk.h) */
	int64_t ends_s;
	struct login_ration {
		unsigned used; /* since from_s */
		int64_t from_s;
	} calls, views;
};

struct login_address {
	char text[ENDPOINT_SIZE];
	unsigned failures;
	int64_t last_s;
};

struct login {
	struct login_session sessions[LOGIN_SESSIONS_MAX];
	struct login_address addresses[LOGIN_ADDRESSES_MAX];
};

/* Open a session of who->name, role, second_factor, changed; when all are taken the one that ends first gives way. 0 or
 * -errno. */
int login_open(struct login *login, const struct login_session *who, int64_t now_s, char token[LOGIN_TOKEN_SIZE]);
/* NULL: there is none. `token` may be NULL. */
const struct login_session *login_find(struct login *login, const char *token, int64_t now_s);
/* One more act, or look, of a session: 0, or the seconds it has to wait. */
unsigned login_count_call(struct login *login, const char *token, int64_t now_s);
unsigned login_count_view(struct login *login, const char *token, int64_t now_s);
void login_close(struct login *login, const char *token);

/* Seconds this address has to wait before another try, 0: none. */
unsigned login_wait(const struct login *login, const char *address, int64_t now_s);
void login_failed(struct login *login, const char *address, int64_t now_s);
void login_succeeded(struct login *login, const char *address);

#endif

#include "vpn/gateway/login.h"

#include <errno.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "firmware/lib/buf.h"

static bool digest_of(const char *token, uint8_t digest[32])
{
	return strlen(token) == LOGIN_TOKEN_SIZE - 1 &&
	       mbedtls_sha256((const unsigned char *)token, LOGIN_TOKEN_SIZE - 1, digest, 0) == 0;
}

static bool is_equal(const uint8_t a[32], const uint8_t b[32])
{
	uint8_t difference = 0;
	for (int i = 0; i < 32; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

int login_open(struct login *login, const struct login_session *who, int64_t now_s, char token[LOGIN_TOKEN_SIZE])
{
	uint8_t random[(LOGIN_TOKEN_SIZE - 1) / 2];
	struct login_session *place = &login->sessions[0];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -EIO;
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(token + 2 * i, 3, "%02x", random[i]);
	wipe(random, sizeof random);
	for (size_t i = 0; i < LOGIN_SESSIONS_MAX; i++)
		if (login->sessions[i].ends_s < place->ends_s)
			place = &login->sessions[i];
	*place = *who;
	place->ends_s = now_s + LOGIN_SESSION_S;
	place->calls = place->views = (struct login_ration){0};
	return digest_of(token, place->digest) ? 0 : -EIO;
}

static struct login_session *find(struct login *login, const char *token)
{
	uint8_t digest[32];
	if (!token || !digest_of(token, digest))
		return NULL;
	for (size_t i = 0; i < LOGIN_SESSIONS_MAX; i++)
		if (login->sessions[i].name[0] && is_equal(login->sessions[i].digest, digest))
			return &login->sessions[i];
	return NULL;
}

const struct login_session *login_find(struct login *login, const char *token, int64_t now_s)
{
	const struct login_session *session = find(login, token);
	return session && session->ends_s > now_s ? session : NULL;
}

static unsigned count(struct login_ration *ration, unsigned most, int64_t now_s)
{
	if (ration->used == 0 || now_s >= ration->from_s + LOGIN_WAIT_S)
		*ration = (struct login_ration){.from_s = now_s};
	if (ration->used >= most)
		return (unsigned)(ration->from_s + LOGIN_WAIT_S - now_s);
	ration->used++;
	return 0;
}

unsigned login_count_call(struct login *login, const char *token, int64_t now_s)
{
	struct login_session *session = find(login, token);
	return session ? count(&session->calls, LOGIN_CALLS, now_s) : LOGIN_WAIT_S;
}

unsigned login_count_view(struct login *login, const char *token, int64_t now_s)
{
	struct login_session *session = find(login, token);
	return session ? count(&session->views, LOGIN_VIEWS, now_s) : LOGIN_WAIT_S;
}

void login_close(struct login *login, const char *token)
{
	struct login_session *session = find(login, token);
	if (session)
		*session = (struct login_session){0};
}

unsigned login_wait(const struct login *login, const char *address, int64_t now_s)
{
	for (size_t i = 0; i < LOGIN_ADDRESSES_MAX; i++) {
		const struct login_address *row = &login->addresses[i];
		if (strcmp(row->text, address) == 0 && row->failures >= LOGIN_TRIES &&
		    now_s < row->last_s + LOGIN_WAIT_S)
			return (unsigned)(row->last_s + LOGIN_WAIT_S - now_s);
	}
	return 0;
}

void login_failed(struct login *login, const char *address, int64_t now_s)
{
	struct login_address *place = &login->addresses[0];
	for (size_t i = 0; i < LOGIN_ADDRESSES_MAX; i++) {
		struct login_address *row = &login->addresses[i];
		if (strcmp(row->text, address) == 0) {
			place = row;
			break;
		}
		if (row->last_s < place->last_s)
			place = row;
	}
	if (strcmp(place->text, address) != 0 || now_s >= place->last_s + LOGIN_WAIT_S)
		*place = (struct login_address){0};
	snprintf(place->text, sizeof place->text, "%s", address);
	place->failures++;
	place->last_s = now_s;
}

void login_succeeded(struct login *login, const char *address)
{
	for (size_t i = 0; i < LOGIN_ADDRESSES_MAX; i++)
		if (strcmp(login->addresses[i].text, address) == 0)
			login->addresses[i] = (struct login_address){0};
}

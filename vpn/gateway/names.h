/*
 * names - sizes of the names the gateway keeps, and what may stand in them.
 *
 * Everything that reaches an nftables rule, a dnsmasq line, a metric or the database goes through one of these checks
 * first, so that no place needs quoting rules of its own.
 */
#ifndef VPN_GATEWAY_NAMES_H
#define VPN_GATEWAY_NAMES_H

#include <stdbool.h>

enum {
	TENANT_SIZE = 33, /* with the NUL, here and below */
	STICK_ID_SIZE = 33,
	STICK_NAME_SIZE = 129,
	REGION_SIZE = 65,
	BANK_ID_SIZE = 33,
	HOST_SIZE = 256,
	ENDPOINT_SIZE = 64,
	VERSION_SIZE = 33,
	BOOT_SIZE = 65,
	ROOT_HASH_SIZE = 65,
	CODE_SIZE = 33,
	OPERATOR_SIZE = 33,
	WG_KEY_BYTES = 32,
};

/* 1 to 32 of A-Z a-z 0-9 . _ - ; not starting with . or - (tenants, sticks, operators). */
bool name_is_id(const char *text);
/* 1 to 32 of a-z 0-9 - ; starting with a letter or digit (banks). */
bool name_is_bank(const char *text);
/* 1 to 32 of a-z 0-9 _ (reason and cause codes). */
bool name_is_code(const char *text);
/* Valid UTF-8 without control characters or signs of direction, at most max_bytes; the empty text is allowed. */
bool name_is_text(const char *text, unsigned max_bytes);

#endif

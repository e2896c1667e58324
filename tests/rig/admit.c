/*
 * admit - a stick's share of an admission, on a real device record, for tests without a stick around it:
 *
 *   admit state RECORD GATEWAY BOOT NONCE [PIN]   the body for POST /v1/admission: the record's token, image 7, root
 * hash abab..., policy 3, signed by the record's keys admit store RECORD TOKEN                      the token of the
 * answer, stored as the stick does admit key RECORD                              its WireGuard private key
 *
 * NONCE and TOKEN in base64.
 */
#include <fcntl.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/boot/record.h"
#include "firmware/lib/base64.h"
#include "firmware/lib/log.h"
#include "launcher/agent_talk.h"
#include "launcher/provision.h"
#include "vpn/admission/pin.h"

static struct record record;
static struct provision provision;

static int open_record(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0 || record_load(fd, &record) != RECORD_OK ||
	    provision_parse(record.immutable, record.immutable_size, record.changing ? record.changing : "",
			    record.changing_size, &provision) != 0 ||
	    (record.token && provision_take_token(&provision, record.token, record.token_size) != 0))
		fatal("%s is no record", path);
	return fd;
}

static void take_32(const char *text, uint8_t out[32])
{
	size_t size = 0;
	if (base64_decode(text, strlen(text), out, 32, &size) || size != 32)
		fatal("%s is not 32 bytes in base64", text);
}

static int state(const char *gateway, const char *boot, const char *nonce, const char *pin)
{
	uint8_t bytes[STATEMENT_MAX_BYTES], signature[STATEMENT_SIGNATURE_BYTES], second[STATEMENT_SIGNATURE_BYTES];
	uint8_t pin_key[STATEMENT_PRIVATE_BYTES];
	struct statement statement = {.policy_version = 3};
	snprintf(statement.gateway, sizeof statement.gateway, "%s", gateway);
	snprintf(statement.device, sizeof statement.device, "%s", provision.device);
	snprintf(statement.boot, sizeof statement.boot, "%s", boot);
	take_32(nonce, statement.nonce);
	memcpy(statement.token, provision.token, sizeof statement.token);
	const char *image = getenv("IMAGE"), *hash = getenv("HASH");
	snprintf(statement.image_version, sizeof statement.image_version, "%s", image ? image : "7");
	memset(statement.root_hash, hash ? (int)strtol(hash, NULL, 16) : 0xab, sizeof statement.root_hash);
	int size = statement_encode(&statement, bytes);
	if (size < 0 || statement_sign(&statement, SIGNER_IDENTITY, provision.identity_key, signature))
		fatal("the statement cannot be signed");
	if (pin &&
	    (pin_derive(pin, provision.pin_secret, pin_key) || statement_sign(&statement, SIGNER_PIN, pin_key, second)))
		fatal("the PIN's key cannot be made");
	const struct talk_statement said = {.bytes = bytes,
					    .size = (size_t)size,
					    .signature = signature,
					    .signature_size = sizeof signature,
					    .pin_signature = second,
					    .pin_signature_size = pin ? sizeof second : 0};
	char *json = talk_write_statement(&said);
	puts(json ? json : "");
	free(json);
	return json ? 0 : 1;
}

static int store(int fd, const char *token)
{
	take_32(token, provision.token);
	char *json = provision_token(provision.token);
	return json && record_store_token(fd, &record, json, strlen(json)) == RECORD_OK ? 0 : 1;
}

static int print_key(void)
{
	char text[BASE64_ENCODED_SIZE(sizeof provision.wireguard_key)];
	base64_encode(provision.wireguard_key, sizeof provision.wireguard_key, text);
	return puts(text) < 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[1] : "";
	log_open("admit");
	if (psa_crypto_init() != PSA_SUCCESS || argc < 3)
		fatal("usage: admit state|store|key RECORD ...");
	int fd = open_record(argv[2], strcmp(command, "store") == 0 ? O_RDWR : O_RDONLY);
	if (strcmp(command, "key") == 0 && argc == 3)
		return print_key();
	if (strcmp(command, "store") == 0 && argc == 4)
		return store(fd, argv[3]);
	if (strcmp(command, "state") == 0 && (argc == 6 || argc == 7))
		return state(argv[3], argv[4], argv[5], argc == 7 ? argv[6] : NULL);
	fatal("usage: admit state|store|key RECORD ...");
}

#include "tests/bench/fleet/fleet.h"

#include <arpa/inet.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/log.h"

void fleet_id(size_t index, char id[FLEET_ID_SIZE]) { snprintf(id, FLEET_ID_SIZE, "F-%07zu", index); }

void fleet_boot(size_t index, char boot[FLEET_BOOT_SIZE])
{
	snprintf(boot, FLEET_BOOT_SIZE, "%016zx%016zx", index * 0x9e3779b97f4a7c15u, index);
}

struct in_addr fleet_address(size_t index)
{
	return (struct in_addr){.s_addr = htonl(FLEET_FIRST_ADDRESS + (uint32_t)index)};
}

void fleet_identity(uint8_t private_key[STATEMENT_PRIVATE_BYTES])
{
	memset(private_key, 0x5e, STATEMENT_PRIVATE_BYTES);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {{"registry", fleet_registry}, {"load", fleet_load}, {"day", fleet_day}};
	log_open("fleet");
	if (psa_crypto_init() != PSA_SUCCESS)
		fatal("the cryptographic library cannot be started");
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fatal("usage: fleet registry|load|day ...");
}

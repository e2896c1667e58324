/* device_clients - a customer's certificate and key from the files that bank IT has, for the device record. */
#ifndef IMAGE_CLI_DEVICE_CLIENTS_H
#define IMAGE_CLI_DEVICE_CLIENTS_H

#include <jansson.h>

/*
 * Add to `clients` what `argument` names: BANK:FILE, a PKCS #12 file, or PEM with certificate and key; BANK:FILE:KEY,
 * both PEM, the key in a file of its own; BANK:FILE:pkcs11:..., PEM without a key and the name of the key in a token.
 * `password` (NULL: none) opens it. CLI_GOOD, or CLI_REFUSED after saying why.
 * The JSON holds the key: wipe what is made of it (json_set_alloc_funcs()).
 */
int device_add_client(json_t *clients, const char *argument, const char *password);

/* A line of what an operator may see: the bank, whose it is, until when, and where the key is. */
void device_print_client(const char *bank, const json_t *client);

#endif

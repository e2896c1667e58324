/* device_clients - a customer's certificate and key from the files that bank IT has, for the device record. */
#ifndef IMAGE_CLI_DEVICE_CLIENTS_H
#define IMAGE_CLI_DEVICE_CLIENTS_H

#include <jansson.h>

/*
 * Add to `clients` what `argument` names: BANK:FILE, a PKCS #12 file, or PEM with certificate and key; BANK:FILE:KEY,
 * both PEM, the key in a file of its own. `password` (NULL: none) opens it. CLI_GOOD, or CLI_REFUSED after saying why.
 * The JSON holds the key: wipe what is made of it (json_set_alloc_funcs()).
 */
int device_add_client(json_t *clients, const char *argument, const char *password);

#endif

/*
 * gateway - how the commands of `sekisho gateway` speak to gatewayd on the same machine: its control socket.
 */
#ifndef IMAGE_CLI_GATEWAY_H
#define IMAGE_CLI_GATEWAY_H

#include <jansson.h>

#define GATEWAY_SOCKET_PATH "/run/sekisho/control.sock"
#define GATEWAY_CONFIG_PATH "/etc/sekisho/gateway.conf"

/* Ask, and wait for the answer, the caller's. NULL after saying why. `request` is released. */
json_t *gateway_ask(const char *socket_path, json_t *request);

/* Who types, as far as we know: gatewayd keeps it as a note behind the account that asks. */
const char *gateway_who(void);

/* gateway_policy.c */
int cmd_gateway_policy(int argc, char **argv);

/* gateway_audit.c, gateway_account.c */
int cmd_gateway_audit(int argc, char **argv);
int cmd_gateway_account(int argc, char **argv);

/* gateway_drain.c */
int cmd_gateway_drain(int argc, char **argv);
int cmd_gateway_open(int argc, char **argv);

#endif

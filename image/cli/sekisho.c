/* sekisho(1): what bank IT and operators type. */
#include <stdio.h>

#include "image/cli/cli.h"

/* A package may leave out what its machine has no use for; such a row is not shown. */
#pragma weak cmd_device
#pragma weak cmd_gateway

static const struct command commands[] = {
    {"policy", cmd_policy, "keygen|roots|pin|lint|sign|verify|show ...",
     "make, check and sign the whitelist of banks and the list of gateways"},
    {"device", cmd_device, "new|show ...", "make the record that makes one stick different from another"},
    {"gateway", cmd_gateway, "stick|operator|events|init ...",
     "look after a gateway: its sticks, its operators, its keys"},
    {0},
};

int main(int argc, char **argv) { return command_run(commands, "sekisho", argc, argv); }

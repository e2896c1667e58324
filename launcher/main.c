#include <stddef.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "launcher/children.h"

/* Until every process has its file: a name without one is NULL here and refused below. */
#pragma weak launcher_main
#pragma weak record_main
#pragma weak link_main
#pragma weak tunnel_main
#pragma weak keyholder_main
#pragma weak policy_main
#pragma weak broker_main
#pragma weak agent_main

static const struct role {
	const char *name;
	int (*main)(void);
} roles[] = {
    {"record", record_main}, {"link", link_main},     {"tunnel", tunnel_main}, {"keyholder", keyholder_main},
    {"policy", policy_main}, {"broker", broker_main}, {"agent", agent_main},
};

static int enter_role(const char *name)
{
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		if (strcmp(roles[i].name, name) != 0)
			continue;
		if (!roles[i].main)
			fatal("this build has no process \"%s\"", name);
		log_open(roles[i].name);
		return roles[i].main();
	}
	fatal("there is no process \"%s\"", name);
}

int main(int argc, char **argv)
{
	log_open("launcher");
	if (argc == 3 && strcmp(argv[1], "--as") == 0)
		return enter_role(argv[2]);
	if (argc != 1)
		fatal("usage: launcher [--as NAME]");
	if (!launcher_main)
		fatal("this build has no parent process");
	return launcher_main();
}

#include "vpn/gateway/roles.h"

#include <string.h>

static const char *const names[ROLES_COUNT] = {"operator", "supervisor", "bank_it", "auditor"};

enum { OPERATOR = 1 << ROLE_IS_OPERATOR, SUPERVISOR = 1 << ROLE_IS_SUPERVISOR, BANK_IT = 1 << ROLE_IS_BANK_IT };
enum { AUDITOR = 1 << ROLE_IS_AUDITOR, ALL = OPERATOR | SUPERVISOR | BANK_IT | AUDITOR };

static const struct {
	unsigned roles;
	bool second_factor;
} rights[RIGHTS_COUNT] = {
    [RIGHT_WATCH] = {ALL, false},
    [RIGHT_ALARMS] = {OPERATOR | SUPERVISOR, false},
    [RIGHT_STICK] = {OPERATOR | SUPERVISOR, true},
    [RIGHT_ASK] = {OPERATOR | SUPERVISOR | BANK_IT, true},
    [RIGHT_DECIDE] = {SUPERVISOR | BANK_IT, true},
    [RIGHT_GATEWAY] = {SUPERVISOR, true},
    [RIGHT_ACCOUNTS] = {SUPERVISOR, true},
    [RIGHT_REVIEW] = {SUPERVISOR | AUDITOR, false},
};

const char *role_name(enum role role) { return role < ROLES_COUNT ? names[role] : ""; }

enum role role_from_name(const char *name)
{
	int i = 0;
	while (i < ROLES_COUNT && strcmp(names[i], name) != 0)
		i++;
	return (enum role)i;
}

bool role_may(enum role role, enum right right)
{
	return role < ROLES_COUNT && right < RIGHTS_COUNT && (rights[right].roles >> role & 1);
}

bool right_needs_second_factor(enum right right) { return right >= RIGHTS_COUNT || rights[right].second_factor; }

/*
 * roles - who may do what at the desk. One table; the store asks it for every request, whoever sent it on. Pure.
 *
 * operator    watches, handles alarms, revokes one stick
 * supervisor  the same, accounts, and the second voice for what one role may not do alone
 * bank_it     watches its tenant, answers what a bank has to answer, is the other voice
 * auditor     sees everything, changes nothing
 */
#ifndef VPN_GATEWAY_ROLES_H
#define VPN_GATEWAY_ROLES_H

#include <stdbool.h>

enum role { ROLE_IS_OPERATOR, ROLE_IS_SUPERVISOR, ROLE_IS_BANK_IT, ROLE_IS_AUDITOR, ROLES_COUNT };

enum right {
	RIGHT_WATCH,    /* sticks, alarms, events, requests */
	RIGHT_ALARMS,   /* acknowledge, assign, comment, close */
	RIGHT_STICK,    /* unlock, release, revoke one */
	RIGHT_ASK,      /* propose what needs two roles */
	RIGHT_DECIDE,   /* on what another role has proposed */
	RIGHT_GATEWAY,  /* empty one for maintenance, and open it again */
	RIGHT_ACCOUNTS, /* make, change, switch off */
	RIGHT_REVIEW,   /* see accounts and the audit log */
	RIGHTS_COUNT
};

/* "operator", "supervisor", "bank_it", "auditor"; ROLES_COUNT if it is none of them. */
const char *role_name(enum role role);
enum role role_from_name(const char *name);

bool role_may(enum role role, enum right right);

/* May this account have that right only with a second factor? What cannot be taken back does. */
bool right_needs_second_factor(enum right right);

#endif

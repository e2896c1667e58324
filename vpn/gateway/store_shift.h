/*
 * store_shift - what one shift leaves the next in the same database (store.h): hand-overs, and alarms put on a shelf.
 * Errors as in store.h.
 */
#ifndef VPN_GATEWAY_STORE_SHIFT_H
#define VPN_GATEWAY_STORE_SHIFT_H

#include "vpn/gateway/store_desk.h"

/* --- alarms that wait on a shelf --- */

/* Until then (unix seconds); 0 takes it from the shelf. */
int store_shelf_set(struct store *store, int64_t alarm, int64_t until);
int store_each_shelf(struct store *store, void (*fn)(int64_t alarm, int64_t until, void *context), void *context);

/* --- hand-overs --- */

struct store_handover {
	int64_t id;
	int64_t given, taken; /* taken 0: nobody has signed for it yet */
	char given_by[OPERATOR_SIZE], taken_by[OPERATOR_SIZE];
	char text[DESK_TEXT_SIZE];
	int64_t open[ALARM_SEVERITIES]; /* alarms when it was given */
};

/* Gives it the next number. */
int store_handover_add(struct store *store, const struct store_handover *handover);
int store_handover_set(struct store *store, const struct store_handover *handover);
/* Newest first, at most `limit`. */
int store_each_handover(struct store *store, unsigned limit,
			void (*fn)(const struct store_handover *handover, void *context), void *context);

#endif

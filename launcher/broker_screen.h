/*
 * broker_screen - the sockets of the screen's resolver: UDP, and TCP with the two-byte length of RFC 1035
 * section 4.2.2, one question at a time on each of a few connections. What is asked and answered is broker_names.h'
 * matter, who is listed broker_policy.h's.
 */
#ifndef LAUNCHER_BROKER_SCREEN_H
#define LAUNCHER_BROKER_SCREEN_H

#include <stdbool.h>

#include "firmware/lib/loop.h"
#include "launcher/broker_policy.h"
#include "launcher/messages.h"

struct screen;

/* `host` is "" with REFUSAL_BAD_QUESTION. */
typedef void screen_refused_fn(const char *host, enum refusal refusal, void *context);

/* Both sockets, bound and listening, become the screen's own. NULL on failure. */
struct screen *screen_new(struct loop *loop, struct policy *policy, int udp, int tcp, screen_refused_fn *refused,
			  void *context);
void screen_free(struct screen *screen);

/* While frozen every question is answered SERVFAIL, which nobody keeps. */
void screen_freeze(struct screen *screen, bool frozen);

#endif

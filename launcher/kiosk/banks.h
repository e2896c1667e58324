/*
 * banks - the list of banks as the kiosk sees it (MSG_KIOSK_BANKS), and whether an address is a page of a bank.
 *
 * The policy process has verified and linted the policy; here only shape and bounds are checked, and what does not fit
 * is a broken peer. This look-up decides what is shown and explained; the wall itself is the broker's.
 */
#ifndef LAUNCHER_KIOSK_BANKS_H
#define LAUNCHER_KIOSK_BANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/kiosk/strings.h"

enum { BANKS_MAX = 128, BANK_HOSTS_MAX = 128, HOST_NAME_BYTES = 254 };

struct bank {
	char *id;
	char *name[LANGUAGE_COUNT];
	char *start;   /* https URL */
	char *support; /* telephone, "" none */
	char **hosts;  /* exact names, or "*.rest" for exactly one label more */
	size_t host_count;
};

struct banks {
	struct bank *list;
	size_t count;
};

/* Replace `banks` (zeroed, or filled before). 0, or -EBADMSG, -ENOMEM; then `banks` is as it was. */
int banks_parse(struct banks *banks, const void *json, size_t size);
void banks_free(struct banks *banks);

/* NULL if there is none of that id. */
const struct bank *banks_find(const struct banks *banks, const char *id);

/* A copy of its own, for a session that outlives a change of the list. 0 or -ENOMEM. bank_free() wants a zeroed or
 * filled one. */
int bank_copy(struct bank *to, const struct bank *from);
void bank_free(struct bank *bank);

enum page_verdict {
	PAGE_ALLOWED,
	PAGE_BLANK,    /* about:blank and about:srcdoc: nothing is loaded, the frame is its parent's */
	PAGE_INSECURE, /* not https */
	PAGE_NUMBER,   /* an address, not a name */
	PAGE_ELSEWHERE /* not a page of this bank, or not to be read */
};

/* `host` gets the name inside the URL, lower case, "" where there is none to be read. */
enum page_verdict bank_judge(const struct bank *bank, const char *url, char host[HOST_NAME_BYTES]);

#endif

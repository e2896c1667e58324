/*
 * agent_inquiry - which refused hosts the gateway is asked about, and what it answered: is a name known to be bad?
 *
 * One question at a time, so many in so much time, and none twice: what was answered is remembered. A name that finds
 * no room is not asked about; nothing ever waits for an answer. What the gateway learns: whitelist/indicators.h. Pure.
 */
#ifndef LAUNCHER_AGENT_INQUIRY_H
#define LAUNCHER_AGENT_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/base64.h"
#include "whitelist/indicators.h"

#define INQUIRY_WAITING_MAX 16
#define INQUIRY_REMEMBERED  128
#define INQUIRY_REMEMBER_MS 1800000
#define INQUIRY_NO_LIST_MS  600000 /* a gateway without a list is not asked again for so long */
#define INQUIRY_BURST       8      /* questions at once */
#define INQUIRY_REFILL_MS   2000   /* and one more for each of these */

/* Of an answer. */
#define INQUIRY_ENTRIES_MAX_BYTES ((size_t)INDICATOR_BUCKET_MAX * INDICATOR_ENTRY_BYTES)
#define INQUIRY_REPLY_MAX_BYTES   (BASE64_ENCODED_SIZE(INQUIRY_ENTRIES_MAX_BYTES) + 256)

struct inquirer {
	struct indicator_question waiting[INQUIRY_WAITING_MAX]; /* the first is the one under way */
	size_t count;
	bool asking;
	struct {
		char host[WHITELIST_HOST_BYTES];
		enum indicator_category category;
		int64_t until_ms;
	} known[INQUIRY_REMEMBERED];
	size_t next;
	int64_t credit_ms, last_ms, silent_until_ms;
};

/* A host was refused. 1: *category is remembered. 0: it will be asked about, or is already. -EAGAIN: there is no room.
 * -EINVAL: it is no host name. `now` never goes back. */
int inquiry_add(struct inquirer *inquirer, const char *host, int64_t now, enum indicator_category *category);

/* The prefix to ask for now; or -EAGAIN, and *wait_ms says in how long to look again, -1 if nothing waits. After a
 * prefix one of the two below must follow. */
int inquiry_next(struct inquirer *inquirer, int64_t now, int64_t *wait_ms);

/* The answer's entries. 1: settled, `host` (WHITELIST_HOST_BYTES) and *category are filled. 0: the same name goes on.
 * -EBADMSG: not an answer, the name is given up. */
int inquiry_answer(struct inquirer *inquirer, const uint8_t *entries, size_t size, int64_t now, char *host,
		   enum indicator_category *category);
/* No answer came, or the gateway has no list: then all that wait are given up. */
void inquiry_failed(struct inquirer *inquirer, bool no_list, int64_t now);

/* The request's body, the caller's; NULL: no memory. */
char *inquiry_write(unsigned prefix);
/* The reply's entries into `entries` (INQUIRY_ENTRIES_MAX_BYTES). 0, or -EINVAL with *wrong saying what. */
int inquiry_read(const void *json, size_t json_size, uint8_t *entries, size_t *size, const char **wrong);

#endif

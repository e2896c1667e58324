#include "launcher/agent_inquiry.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static bool is_waiting(const struct inquirer *inquirer, const char *host)
{
	for (size_t i = 0; i < inquirer->count; i++)
		if (strcmp(inquirer->waiting[i].host, host) == 0)
			return true;
	return false;
}

static void remember(struct inquirer *inquirer, const char *host, enum indicator_category category, int64_t now)
{
	const size_t at = inquirer->next;
	inquirer->next = (at + 1) % INQUIRY_REMEMBERED;
	memcpy(inquirer->known[at].host, host, strlen(host) + 1);
	inquirer->known[at].category = category;
	inquirer->known[at].until_ms = now + INQUIRY_REMEMBER_MS;
}

int inquiry_add(struct inquirer *inquirer, const char *host, int64_t now, enum indicator_category *category)
{
	*category = INDICATOR_NONE;
	for (size_t i = 0; i < INQUIRY_REMEMBERED; i++)
		if (inquirer->known[i].until_ms > now && strcmp(inquirer->known[i].host, host) == 0) {
			*category = inquirer->known[i].category;
			return 1;
		}
	if (is_waiting(inquirer, host))
		return 0;
	if (inquirer->count == INQUIRY_WAITING_MAX || inquirer->silent_until_ms > now)
		return -EAGAIN;
	int error = indicator_ask(&inquirer->waiting[inquirer->count], host);
	if (!error)
		inquirer->count++;
	return error;
}

/* In how long there is credit for a question; 0: there is, and it is spent. */
static int64_t spend(struct inquirer *inquirer, int64_t now)
{
	const int64_t full = (int64_t)INQUIRY_BURST * INQUIRY_REFILL_MS;
	int64_t credit = inquirer->last_ms == 0 ? full : inquirer->credit_ms + now - inquirer->last_ms;
	inquirer->last_ms = now;
	inquirer->credit_ms = credit > full ? full : credit;
	if (inquirer->credit_ms < INQUIRY_REFILL_MS)
		return INQUIRY_REFILL_MS - inquirer->credit_ms;
	inquirer->credit_ms -= INQUIRY_REFILL_MS;
	return 0;
}

int inquiry_next(struct inquirer *inquirer, int64_t now, int64_t *wait_ms)
{
	*wait_ms = -1;
	if (inquirer->asking || inquirer->count == 0)
		return -EAGAIN;
	int64_t wait = spend(inquirer, now);
	if (wait > 0) {
		*wait_ms = wait;
		return -EAGAIN;
	}
	inquirer->asking = true;
	return (int)indicator_prefix(&inquirer->waiting[0]);
}

static void give_up(struct inquirer *inquirer)
{
	inquirer->asking = false;
	if (inquirer->count == 0)
		return;
	inquirer->count--;
	memmove(&inquirer->waiting[0], &inquirer->waiting[1], inquirer->count * sizeof inquirer->waiting[0]);
}

int inquiry_answer(struct inquirer *inquirer, const uint8_t *entries, size_t size, int64_t now, char *host,
		   enum indicator_category *category)
{
	*category = INDICATOR_NONE;
	if (!inquirer->asking)
		return -EBADMSG;
	inquirer->asking = false;
	struct indicator_question *question = &inquirer->waiting[0];
	int settled = indicator_take(question, entries, size, category);
	if (settled == 0)
		return 0;
	memcpy(host, question->host, strlen(question->host) + 1);
	if (settled == 1)
		remember(inquirer, host, *category, now);
	give_up(inquirer);
	return settled;
}

void inquiry_failed(struct inquirer *inquirer, bool no_list, int64_t now)
{
	give_up(inquirer);
	if (!no_list)
		return;
	inquirer->count = 0;
	inquirer->silent_until_ms = now + INQUIRY_NO_LIST_MS;
}

char *inquiry_write(unsigned prefix)
{
	json_t *object = json_pack("{s:i}", "prefix", (int)prefix);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return text;
}

int inquiry_read(const void *json, size_t json_size, uint8_t *entries, size_t *size, const char **wrong)
{
	*size = 0;
	json_t *object =
	    json_size <= INQUIRY_REPLY_MAX_BYTES ? json_loadb(json, json_size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *text = json_object_get(object, "entries");
	*wrong = NULL;
	if (!json_is_string(text))
		*wrong = "the reply has no entries";
	else if (base64_decode(json_string_value(text), json_string_length(text), entries, INQUIRY_ENTRIES_MAX_BYTES,
			       size) ||
		 *size % INDICATOR_ENTRY_BYTES != 0)
		*wrong = "the reply's entries cannot be read";
	json_decref(object);
	if (!*wrong)
		return 0;
	*size = 0;
	return -EINVAL;
}

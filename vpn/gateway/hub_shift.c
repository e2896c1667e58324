/* One shift hands the desk to the next: one person writes what the other has to know, and both sign with their
 * accounts.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/store_shift.h"

enum { SHOWN = 30 };

static void put_handover(const struct store_handover *h, void *list)
{
	json_array_append_new(list,
			      json_pack("{s:I, s:I, s:s, s:s, s:I, s:s, s:I, s:I, s:I}", "id", (json_int_t)h->id,
					"given", (json_int_t)h->given, "given_by", h->given_by, "text", h->text,
					"taken", (json_int_t)h->taken, "taken_by", h->taken_by, "info",
					(json_int_t)h->open[ALARM_INFO], "warning", (json_int_t)h->open[ALARM_WARNING],
					"critical", (json_int_t)h->open[ALARM_CRITICAL]));
}

void hub_report_shifts(struct hub *hub, FILE *out)
{
	json_t *list = json_array();
	store_each_handover(hub->store, SHOWN, put_handover, list);
	json_t *answer = json_pack("{s:o}", "handovers", list);
	if (answer)
		json_dumpf(answer, out, JSON_COMPACT);
	json_decref(answer);
}

/* The newest, if nobody has signed for it yet: there is one at a time. */
static void take_untaken(const struct store_handover *handover, void *context)
{
	if (!handover->taken)
		*(struct store_handover *)context = *handover;
}

static void keep(struct hub *hub, struct desk_call *call, const struct store_handover *handover, const char *kind)
{
	char detail[DESK_TEXT_SIZE + 64];
	snprintf(detail, sizeof detail, "%s%s%s", handover->given_by, strcmp(kind, "shift_given") == 0 ? ": " : "",
		 strcmp(kind, "shift_given") == 0 ? handover->text : "");
	int error = hub_begin(hub);
	if (!error) {
		error =
		    handover->id ? store_handover_set(hub->store, handover) : store_handover_add(hub->store, handover);
		error = hub_end(hub, error, kind, "", call->who, detail);
	}
	if (error)
		desk_failed(call, error);
	else
		desk_done(call, NULL);
}

/* Written anew by the same hand, it replaces what nobody has signed for. */
void desk_shift_give(struct hub *hub, struct desk_call *call)
{
	struct store_handover handover = {0};
	const struct alarm_counts counts = hub_alarm_counts(hub);
	int error = store_each_handover(hub->store, 1, take_untaken, &handover);
	if (error) {
		desk_failed(call, error);
		return;
	}
	if (!desk_text(call, "text")[0]) {
		desk_refuse(call, 400, "no_text", "a hand-over wants words");
		return;
	}
	if (handover.id && strcmp(handover.given_by, call->who) != 0) {
		desk_refuse(call, 409, "handover_open", "the one before has not been taken yet: sign for it first");
		return;
	}
	handover.given = hub_now();
	snprintf(handover.given_by, sizeof handover.given_by, "%s", call->who);
	snprintf(handover.text, sizeof handover.text, "%s", desk_text(call, "text"));
	for (int i = 0; i < ALARM_SEVERITIES; i++)
		handover.open[i] = counts.open[i];
	keep(hub, call, &handover, "shift_given");
}

/* `given` is when the text was written that the taker has read: another one since then wants to be read first. */
void desk_shift_take(struct hub *hub, struct desk_call *call)
{
	struct store_handover handover = {0};
	int error = store_each_handover(hub->store, 1, take_untaken, &handover);
	if (error)
		desk_failed(call, error);
	else if (!handover.id || handover.id != strtoll(desk_text(call, "id"), NULL, 10))
		desk_refuse(call, 404, "no_handover", "no hand-over of this number waits to be taken");
	else if (handover.given != strtoll(desk_text(call, "given"), NULL, 10))
		desk_refuse(call, 409, "handover_changed", "it was written anew: read it again");
	else if (strcmp(handover.given_by, call->who) == 0)
		desk_refuse(call, 409, "own_handover", "another person takes the shift over");
	else {
		handover.taken = hub_now();
		snprintf(handover.taken_by, sizeof handover.taken_by, "%s", call->who);
		keep(hub, call, &handover, "shift_taken");
	}
}

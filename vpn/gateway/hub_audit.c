/* Changes and views, each with its line in the events and its entry in the audit log. */
#include <errno.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/hub.h"

enum { SAME_VIEW_S = 600 };

int hub_begin(struct hub *hub) { return store_begin(hub->store); }

int hub_settle(struct hub *hub, int error)
{
	if (!error)
		error = store_commit(hub->store);
	if (!error) {
		audit_committed(hub->audit);
		return 0;
	}
	store_rollback(hub->store);
	audit_undone(hub->audit);
	return error;
}

int hub_end_quietly(struct hub *hub, int error, const char *kind, const char *stick, const char *who,
		    const char *detail)
{
	if (!error && who[0])
		error = audit_add(hub->audit, hub_now(), who, kind, stick, detail);
	error = hub_settle(hub, error);
	hub->revision += !error;
	return error;
}

int hub_end(struct hub *hub, int error, const char *kind, const char *stick, const char *who, const char *detail)
{
	if (!error)
		error = store_event(hub->store, hub_now(), kind, stick, who, detail);
	return hub_end_quietly(hub, error, kind, stick, who, detail);
}

bool hub_batch(struct hub *hub) { return hub_begin(hub) == 0; }

void hub_batch_end(struct hub *hub, bool batch)
{
	int error = batch ? hub_settle(hub, 0) : 0;
	if (error)
		log_error("what changed just now is in force but not in the database: %s", strerror(-error));
}

int hub_note(struct hub *hub, const char *kind, const char *stick, const char *who, const char *detail)
{
	int error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, 0, kind, stick, who, detail);
	if (error)
		log_error("the event %s of %s%s%s could not be kept: %s", kind, who, stick[0] ? " about " : "", stick,
			  strerror(-error));
	return error;
}

/* A page that is kept open asks every few seconds: one look in ten minutes is one view. */
static bool is_new_view(struct hub *hub, const char *who, const char *what, const char *stick, int64_t now)
{
	struct hub_view *oldest = &hub->views[0];
	for (size_t i = 0; i < HUB_VIEWS; i++) {
		struct hub_view *view = &hub->views[i];
		if (now - view->at < SAME_VIEW_S && strcmp(view->who, who) == 0 && strcmp(view->what, what) == 0 &&
		    strcmp(view->stick, stick) == 0)
			return false;
		if (view->at < oldest->at)
			oldest = view;
	}
	oldest->at = now;
	snprintf(oldest->who, sizeof oldest->who, "%s", who);
	snprintf(oldest->what, sizeof oldest->what, "%s", what);
	snprintf(oldest->stick, sizeof oldest->stick, "%s", stick);
	return true;
}

int hub_viewed(struct hub *hub, const char *who, const char *what, const char *stick)
{
	int64_t now = hub_now();
	if (!who[0] || !is_new_view(hub, who, what, stick, now))
		return 0;
	int error = hub_begin(hub);
	if (!error)
		error = audit_add(hub->audit, now, who, what, stick, "");
	error = hub_settle(hub, error);
	if (!error)
		return 0;
	for (size_t i = 0; i < HUB_VIEWS; i++)
		if (hub->views[i].at == now && strcmp(hub->views[i].who, who) == 0)
			hub->views[i].at = 0; /* it was not kept: the next look is a new one */
	log_error("a view of %s could not be put into the audit log (%s), so it is not shown", who, strerror(-error));
	return error;
}

/*
 * web - one bank session's browser: an ephemeral network session, a fresh web context and view, and all the settings
 * that take away what a terminal for one bank does not need.
 *
 * It answers WebKit's questions itself, mostly with no: only https pages of the session's bank are loaded, in any
 * frame and pop-up; no file is opened, saved or printed; no permission is given. What the customer should know goes
 * to the caller by `struct web_calls`.
 */
#ifndef LAUNCHER_KIOSK_WEB_H
#define LAUNCHER_KIOSK_WEB_H

#include <gtk/gtk.h>
#include <stdbool.h>

#include "launcher/kiosk/banks.h"
#include "launcher/messages.h"

enum web_trouble {
	WEB_REFUSED,  /* decided here; the refusal says why */
	WEB_INSECURE, /* not https */
	WEB_TLS,
	WEB_FAILED, /* not loaded; the broker may have said why */
	WEB_FILE,   /* something to save or open elsewhere */
	WEB_LOGIN,  /* HTTP authentication */
	WEB_CRASHED
};

enum web_question { WEB_ALERT, WEB_CONFIRM, WEB_PROMPT, WEB_LEAVE };

struct web_calls {
	/* Loading began or ended, another page is there, back became possible. */
	void (*changed)(gpointer context);
	/* A load of the main page began: what was said about the one before is over. */
	void (*began)(gpointer context);
	void (*trouble)(gpointer context, enum web_trouble trouble, enum refusal refusal, const char *host);
	/* A part of the page was not let in, and the broker, which tells of refused names, never hears of it. */
	void (*left_out)(gpointer context, enum refusal refusal, const char *host);
	/* The page's script asks; it waits until web_answer(). */
	void (*asked)(gpointer context, enum web_question question, const char *text, const char *proposal);
};

struct web;

/*
 * The browser is a module of its own (kiosk-web.so), loaded while the first screen is already shown: WebKit is by far
 * the largest thing on the stick and takes seconds to load. This table is all that the kiosk knows of it.
 */
struct web_api {
	/* `bank` is copied. NULL only when a feature that must be off is not known to this WebKit (logged). */
	struct web *(*create)(const struct bank *bank, enum language language, const struct web_calls *calls,
			      gpointer context);
	/* Ends the web process and forgets everything; NULL is fine. */
	void (*destroy)(struct web *web);
	GtkWidget *(*widget)(struct web *web);

	void (*load_start)(struct web *web);
	void (*reload)(struct web *web); /* after a failure: what failed, once more */
	void (*back)(struct web *web);
	/* Held, the page stays as it is: loading stops and nothing new is loaded until it is released. */
	void (*hold)(struct web *web, bool held);
	void (*zoom)(struct web *web, int direction);
	void (*set_base_zoom)(struct web *web, double zoom); /* what "normal" is on this screen */

	bool (*can_back)(const struct web *web);
	bool (*loading)(const struct web *web, double *progress);
	/* The page now shown, by its host if that is one of the bank's; "" before the first. */
	const char *(*host)(const struct web *web);
	/* The host a main load is under way to, or "". */
	const char *(*pending_host)(const struct web *web);

	/* Answer web_calls.asked. `text` matters for WEB_PROMPT. Nothing if nothing is asked. */
	void (*answer)(struct web *web, bool yes, const char *text);
};

/* The module's one exported symbol. */
extern const struct web_api web_api;

#endif

/*
 * web_settings - what WebKit is told to leave out: every feature, cache, device and file a bank's page does without.
 *
 * What is returned is the caller's to unref or g_free().
 */
#ifndef LAUNCHER_KIOSK_WEB_SETTINGS_H
#define LAUNCHER_KIOSK_WEB_SETTINGS_H

#include <webkit/webkit.h>

#include "launcher/kiosk/banks.h"

/* NULL, and a line in the log, when this WebKit does not know a feature that has to be off. */
WebKitSettings *web_settings_new(void);
WebKitNetworkSession *web_session_new(void);
WebKitWebContext *web_context_new_for(enum language language);

/* Names of WebKit features that are switched off; NULL after the last. */
const char *web_feature_off(size_t nth);

/* A Content-Security-Policy on top of the page's own: frames only from the bank's pages, no plug-in objects. */
char *web_content_policy(const struct bank *bank);

/*
 * What that policy keeps out of a frame WebKit tells the page and nobody else. A script in a world of its own, where
 * the page's scripts neither see nor stop it, asks for such a place as any part of a page would: the name goes to the
 * session's resolver, which refuses it, counts it and has the customer told. Only the place's root is asked for,
 * without cookies, and never a host of the bank's.
 */
WebKitUserContentManager *web_content_new(void);

#endif

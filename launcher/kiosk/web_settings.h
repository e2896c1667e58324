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

#endif

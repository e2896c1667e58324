/*
 * module - loads the browser (kiosk-web.so, beside this program) while the first screen is already shown.
 */
#ifndef LAUNCHER_KIOSK_MODULE_H
#define LAUNCHER_KIOSK_MODULE_H

#include "launcher/kiosk/web.h"

/* Begin, in a thread of its own, once the first picture is on the screen. */
void module_load(void);

/* The module's table, waiting for it if need be. NULL, and a line in the log, if it cannot be loaded. */
const struct web_api *module_wait(void);

#endif

/*
 * house - the screens outside a bank: our panel with the gate, and beside it the start screen, the list of banks or
 * the goodbye, over a line with language and power off.
 */
#ifndef LAUNCHER_KIOSK_HOUSE_H
#define LAUNCHER_KIOSK_HOUSE_H

#include "launcher/kiosk/app.h"

GtkWidget *house_new(struct app *app);
void house_draw(struct app *app);

#endif

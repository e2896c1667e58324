/*
 * glyph - the few signs the kiosk draws itself, so that no icon theme and no image loader is needed.
 *
 * A glyph takes the widget's text colour and its size from the style (class "glyph", min-width and min-height).
 */
#ifndef LAUNCHER_KIOSK_GLYPH_H
#define LAUNCHER_KIOSK_GLYPH_H

#include <gtk/gtk.h>

enum glyph {
	GLYPH_IDLE,    /* an empty ring */
	GLYPH_WAITING, /* a ring on its way; turns by glyph_tick() */
	GLYPH_DONE,    /* a check mark */
	GLYPH_ALERT,   /* an exclamation mark */
	GLYPH_STOP,    /* a crossed ring */
	GLYPH_QUESTION,
	GLYPH_GATE /* the checkpoint's gate, our mark */
};

GtkWidget *glyph_new(enum glyph glyph);
void glyph_set(GtkWidget *widget, enum glyph glyph);

/* Turn a waiting glyph by one step. */
void glyph_tick(GtkWidget *widget);

#endif

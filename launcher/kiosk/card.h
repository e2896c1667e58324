/*
 * card - a box of words and buttons over a page or over everything: questions, explanations, the frozen page.
 *
 * While it is shown what lies under it gets neither pointer nor keys.
 */
#ifndef LAUNCHER_KIOSK_CARD_H
#define LAUNCHER_KIOSK_CARD_H

#include <gtk/gtk.h>
#include <stdbool.h>

#include "launcher/kiosk/glyph.h"

enum { CARD_BUTTONS_MAX = 3 };

typedef void card_fn(gpointer context);

struct card_button {
	const char *label;
	const char *css_class; /* "primary", "power", ""; the first primary one gets the focus */
	card_fn *clicked;
};

struct card_content {
	enum glyph glyph;
	bool warn;   /* in the colour of warning */
	bool danger; /* all of it in that colour */
	bool solid;  /* nothing under it shines through */
	const char *title;
	const char *what;
	const char *host_label, *host; /* an address of outside, shown as plain text; NULL none */
	bool code;                     /* it is a number to be typed: in large digits */
	const char *todo_label, *todo;
	const char *phone;
	const char *note;
	bool entry; /* a line to type in */
	const char *entry_text;
	struct card_button buttons[CARD_BUTTONS_MAX];
	gpointer context;
};

struct card;

/* `under` is what it covers; the card's widget is to be put over it in a GtkOverlay. */
struct card *card_new(GtkWidget *under);
GtkWidget *card_widget(struct card *card);
/* Strings are copied. Showing the same content again changes nothing, so that focus and typing stay. */
void card_show(struct card *card, const struct card_content *content);
void card_hide(struct card *card);
bool card_shown(const struct card *card);
const char *card_entry_text(struct card *card);
/* Move one waiting glyph on. */
void card_tick(struct card *card);

#endif

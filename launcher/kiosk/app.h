/*
 * app - the one kiosk: the model, its channel to the launcher, and the screens that show it.
 *
 * Every screen has NAME_new(), which makes its widgets, and NAME_draw(), which brings them to what the model says, in
 * the model's language. Nothing else changes a label. What the customer does becomes one of the app_ calls.
 */
#ifndef LAUNCHER_KIOSK_APP_H
#define LAUNCHER_KIOSK_APP_H

#include <gtk/gtk.h>

#include "launcher/kiosk/card.h"
#include "launcher/kiosk/model.h"

struct start_screen;
struct list_screen;
struct network_screen;
struct bank_screen;

struct app {
	struct model model;
	int channel;
	GMainLoop *loop;
	GtkWidget *window;
	GtkWidget *screens; /* stack: house (panel with start, list or goodbye) and bank */
	struct house *house;
	struct start_screen *start;
	struct list_screen *list;
	struct network_screen *network;
	bool looking; /* the launcher knows that the list of networks is shown */
	struct bank_screen *bank;
	struct card *token;    /* over the screens */
	struct card *pin;      /* and over that */
	struct card *question; /* over everything */
	struct card *usb;      /* and over that */
	enum { ASK_NOTHING, ASK_POWER_OFF, ASK_FINISH } ask;
};

/* The window and all screens; shows it. */
void app_open(struct app *app);
/* Bring the screen to the model. */
void app_draw(struct app *app);
/* After a message: act on what changed (enum change), then draw. */
void app_changed(struct app *app, unsigned changes);

/* What the customer does. */
void app_switch_language(struct app *app);
void app_choose(struct app *app, const struct bank *bank);
void app_leave(struct app *app); /* the bank, without asking */
void app_ask_finish(struct app *app);
void app_ask_power_off(struct app *app);

/* This network is to be joined. */
void app_join(struct app *app, const struct wifi_credential *credential);

/* A page led where this bank does not: the desk counts it. */
void app_turned_away(struct app *app, const char *host, enum refusal reason);

/* text_of() in the language now chosen. */
const char *app_text(const struct app *app, enum text text);
/* What marks an image that is not for customers; "": it is. */
const char *app_mark(const struct app *app);

/* Small builders shared by the screens. */
GtkWidget *label_new(const char *css_class);
GtkWidget *wrapped_label_new(const char *css_class);
GtkWidget *box_new(GtkOrientation orientation, const char *css_class);
GtkWidget *button_new(const char *css_class, GCallback clicked, gpointer data);
/* Where the screen is small or the words are many, `content` is scrolled to and what is below it stays. */
GtkWidget *scrolled_new(GtkWidget *content);
/* Show `text`, or nothing at all if it is "". */
void label_show(GtkWidget *label, const char *text);
/* Add or remove a style class. */
void class_set(GtkWidget *widget, const char *css_class, gboolean on);

GtkWidget *start_new(struct app *app);
void start_draw(struct app *app);

GtkWidget *list_new(struct app *app);
void list_draw(struct app *app);
void list_focus(struct app *app);
/* The nth tile was asked for by its digit; nothing if there is none. */
void list_choose(struct app *app, size_t nth);

GtkWidget *network_new(struct app *app);
/* After network_new(): the card that asks about one of them, to be put over `under`. */
GtkWidget *network_card_new(struct app *app, GtkWidget *under);
void network_draw(struct app *app);
void network_focus(struct app *app);
/* Open or close it; opens only where model_network_possible(). */
void network_show(struct app *app, bool shown);
bool network_escape(struct app *app); /* Escape closes its card, or itself; true if there was one */

/* The question for a token's PIN, or what is wrong with the token (tokencard.c). */
void app_send_token_pin(struct app *app);
void token_draw(struct app *app);
gboolean token_typed(struct app *app, guint keyval, GdkModifierType state); /* TRUE: the key was for it */

GtkWidget *bank_new(struct app *app);
void bank_draw(struct app *app);
void bank_open(struct app *app);    /* the session is there: make a fresh browser, load the start page */
void bank_close(struct app *app);   /* destroy the browser and all it knew */
void bank_freeze(struct app *app);  /* stop loading, and hold or release the page as the model says */
void bank_refused(struct app *app); /* the broker named a host it refused */
void bank_back(struct app *app);
void bank_reload(struct app *app);
gboolean bank_escape(struct app *app);          /* Escape says no to a question of the page; TRUE if there was one */
void bank_zoom(struct app *app, int direction); /* -1, +1, 0: back to normal */

#endif

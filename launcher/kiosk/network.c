#include "launcher/kiosk/app.h"

#include <string.h>

#include "firmware/lib/buf.h"

/* The networks near, strongest first: chosen by pointer, arrows or Tab. A card asks for the password, or says what a
 * network without one means. Names are strangers' bytes, drawn by wifi_ssid_text() alone. */

enum { BARS = 4 };

struct network_screen {
	GtkWidget *heading, *hint, *state, *list, *back;
	GtkWidget *rows[WIFI_NETWORKS_MAX];
	struct wifi_network shown[WIFI_NETWORKS_MAX];
	size_t row_count;
	char *drawn;
	struct card *card;
	bool asking; /* about this one: */
	struct wifi_network chosen;
	bool too_short;
};

static void on_back(GtkButton *button, struct app *app)
{
	(void)button;
	network_show(app, false);
}

static void on_row(GtkButton *button, struct app *app)
{
	struct network_screen *screen = app->network;
	for (size_t i = 0; i < screen->row_count; i++)
		if (screen->rows[i] == GTK_WIDGET(button)) {
			screen->chosen = screen->shown[i];
			screen->asking = true;
			screen->too_short = false;
		}
	app_draw(app);
}

GtkWidget *network_new(struct app *app)
{
	struct network_screen *screen = g_new0(struct network_screen, 1);
	app->network = screen;
	GtkWidget *box = box_new(GTK_ORIENTATION_VERTICAL, "network");
	gtk_box_set_spacing(GTK_BOX(box), 10);
	screen->heading = label_new("heading");
	screen->hint = wrapped_label_new("hint");
	screen->state = wrapped_label_new("phone");
	screen->list = box_new(GTK_ORIENTATION_VERTICAL, "rows");
	gtk_box_set_spacing(GTK_BOX(screen->list), 8);
	screen->back = button_new(NULL, G_CALLBACK(on_back), app);
	gtk_widget_set_halign(screen->back, GTK_ALIGN_START);
	GtkWidget *const parts[] = {screen->heading, screen->hint, screen->state, scrolled_new(screen->list),
				    screen->back};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		gtk_box_append(GTK_BOX(box), parts[i]);
	return box;
}

GtkWidget *network_card_new(struct app *app, GtkWidget *under)
{
	app->network->card = card_new(under);
	return card_widget(app->network->card);
}

/* --- the list --- */

static const char *protection(const struct app *app, enum wifi_security security)
{
	static const enum text texts[WIFI_SECURITY_COUNT] = {[WIFI_OPEN] = TEXT_WIFI_OPEN,
							     [WIFI_WPA2] = TEXT_WIFI_WPA2,
							     [WIFI_WPA3] = TEXT_WIFI_WPA3,
							     [WIFI_UNUSABLE] = TEXT_WIFI_UNUSABLE};
	return app_text(app, texts[security]);
}

static GtkWidget *row_new(struct app *app, const struct wifi_network *network)
{
	char name[WIFI_TEXT_BYTES], bars[BARS * 4 + 1] = "";
	wifi_ssid_text(&network->ssid, name);
	for (int i = 0; i < BARS; i++)
		g_strlcat(bars, network->strength * BARS > i * 100 ? "■" : "□", sizeof bars);
	GtkWidget *button = button_new("tile network", G_CALLBACK(on_row), app);
	GtkWidget *row = box_new(GTK_ORIENTATION_HORIZONTAL, NULL);
	gtk_box_set_spacing(GTK_BOX(row), 18);
	GtkWidget *const labels[] = {label_new("other"), wrapped_label_new("name"), label_new("call")};
	const char *const words[] = {bars, name, protection(app, network->security)};
	for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
		gtk_label_set_text(GTK_LABEL(labels[i]), words[i]);
		gtk_box_append(GTK_BOX(row), labels[i]);
	}
	gtk_widget_set_hexpand(labels[1], TRUE);
	gtk_button_set_child(GTK_BUTTON(button), row);
	return button;
}

static char *content_of(const struct model *model)
{
	GString *all = g_string_new(NULL);
	char name[WIFI_TEXT_BYTES];
	g_string_append_printf(all, "%d\n", (int)model->language);
	for (size_t i = 0; i < model->wifi.count; i++) {
		const struct wifi_network *network = &model->wifi.list[i];
		wifi_ssid_text(&network->ssid, name);
		g_string_append_printf(all, "%s %d %d\n", name, (int)network->security,
				       (network->strength * BARS + 99) / 100);
	}
	return g_string_free(all, FALSE);
}

/* The row that has the focus, or -1. */
static int focused_row(const struct network_screen *screen)
{
	for (size_t i = 0; i < screen->row_count; i++)
		if (gtk_widget_has_focus(screen->rows[i]))
			return (int)i;
	return -1;
}

/* The place of a network in the list, or 0. */
static size_t place_of(const struct network_screen *screen, const struct wifi_network *network)
{
	for (size_t i = 0; i < screen->row_count; i++)
		if (screen->shown[i].security == network->security &&
		    wifi_ssid_same(&screen->shown[i].ssid, &network->ssid))
			return i;
	return 0;
}

/* The one that has the focus keeps it, by its name, where the list is made anew under the customer's hands. */
static void draw_list(struct app *app)
{
	struct network_screen *screen = app->network;
	const int focused = focused_row(screen);
	const struct wifi_network before = screen->shown[focused < 0 ? 0 : focused];
	char *content = content_of(&app->model);
	if (screen->drawn && strcmp(screen->drawn, content) == 0) {
		g_free(content);
		return;
	}
	g_free(screen->drawn);
	screen->drawn = content;
	if (focused >= 0)
		gtk_widget_grab_focus(screen->back); /* a widget that goes takes the focus with it */
	for (size_t i = 0; i < screen->row_count; i++)
		gtk_box_remove(GTK_BOX(screen->list), screen->rows[i]);
	screen->row_count = app->model.wifi.count;
	for (size_t i = 0; i < screen->row_count; i++) {
		screen->shown[i] = app->model.wifi.list[i];
		screen->rows[i] = row_new(app, &screen->shown[i]);
		gtk_box_append(GTK_BOX(screen->list), screen->rows[i]);
	}
	if (screen->row_count > 0 && !screen->asking)
		gtk_widget_grab_focus(screen->rows[focused < 0 ? 0 : place_of(screen, &before)]);
}

/* --- what is going on, and what did not work --- */

/* The step that does not go on, if any does not. */
static const struct step *step_in_trouble(const struct app *app)
{
	const int current = model_current_step(&app->model);
	const struct step *step = current < 0 ? NULL : &app->model.steps[current];
	return step && (step->outcome == STEP_TROUBLE || step->outcome == STEP_FAILED) ? step : NULL;
}

/* As the start screen has it, but for the key that leads here. */
static char *trouble_text(const struct app *app, const struct step *step, const char *name)
{
	const struct advice *advice = advice_for(ABOUT_STEP, step->code);
	const enum language language = app->model.language;
	GString *text = g_string_new(NULL);
	g_string_printf(text, "%s: %s %s", name, advice->what[language], advice->todo[language]);
	g_string_replace(text, "（F3）", "", 0);
	g_string_replace(text, " (F3)", "", 0);
	return g_string_free(text, FALSE);
}

static char *state_text(const struct app *app, bool *trouble)
{
	const struct wifi_report *wifi = &app->model.wifi;
	const struct step *step = step_in_trouble(app);
	char name[WIFI_TEXT_BYTES];
	wifi_ssid_text(&wifi->ssid, name);
	*trouble = false;
	if (wifi->state == WIFI_JOINING)
		return g_strdup_printf("%s: %s", app_text(app, TEXT_WIFI_JOINING), name);
	*trouble = step && (wifi->trouble != WIFI_FINE || wifi->state == WIFI_JOINED);
	if (*trouble)
		return trouble_text(app, step, name);
	if (wifi->state == WIFI_JOINED)
		return g_strdup_printf("%s: %s", app_text(app, TEXT_WIFI_JOINED), name);
	return g_strdup(wifi->count > 0 ? "" : app_text(app, TEXT_WIFI_SEARCHING));
}

/* --- the card --- */

/* Back to where the customer was, also where the list is another one by now. */
static void close_card(struct app *app)
{
	struct network_screen *screen = app->network;
	screen->asking = false;
	app_draw(app);
	if (focused_row(screen) < 0)
		network_focus(app);
}

static void answer_back(gpointer data) { close_card(data); }

static void answer_join(gpointer data)
{
	struct app *app = data;
	struct network_screen *screen = app->network;
	struct wifi_credential credential = {.ssid = screen->chosen.ssid, .security = screen->chosen.security};
	if (credential.security != WIFI_OPEN)
		g_strlcpy(credential.password, card_entry_text(screen->card), sizeof credential.password);
	const size_t typed = credential.security == WIFI_OPEN ? 0 : strlen(card_entry_text(screen->card));
	screen->too_short = typed >= sizeof credential.password || !wifi_credential_fits(&credential);
	if (screen->too_short) {
		app_draw(app);
	} else {
		app_join(app, &credential);
		close_card(app);
	}
	wipe(&credential, sizeof credential);
}

static void draw_card(struct app *app)
{
	struct network_screen *screen = app->network;
	const enum wifi_security security = screen->chosen.security;
	static const enum text whats[WIFI_SECURITY_COUNT] = {[WIFI_OPEN] = TEXT_WIFI_OPEN_EXPLAINED,
							     [WIFI_WPA2] = TEXT_WIFI_PASSWORD_EXPLAINED,
							     [WIFI_WPA3] = TEXT_WIFI_PASSWORD_EXPLAINED,
							     [WIFI_UNUSABLE] = TEXT_WIFI_UNUSABLE_EXPLAINED};
	if (!screen->asking || model_screen(&app->model) != SCREEN_NETWORK) {
		screen->asking = false;
		card_hide(screen->card);
		return;
	}
	char name[WIFI_TEXT_BYTES];
	wifi_ssid_text(&screen->chosen.ssid, name);
	struct card_content content = {
	    .glyph = security == WIFI_OPEN || security == WIFI_UNUSABLE ? GLYPH_ALERT : GLYPH_QUESTION,
	    .warn = security == WIFI_OPEN || security == WIFI_UNUSABLE,
	    .title = app_text(app, security == WIFI_WPA2 || security == WIFI_WPA3 ? TEXT_WIFI_PASSWORD_TITLE
										  : TEXT_WIFI_CAREFUL_TITLE),
	    .what = app_text(app, whats[security]),
	    .host_label = app_text(app, TEXT_WIFI_NETWORK),
	    .host = name,
	    .note = screen->too_short ? app_text(app, TEXT_WIFI_PASSWORD_LENGTH) : NULL,
	    .entry = security == WIFI_WPA2 || security == WIFI_WPA3,
	    .entry_text = screen->too_short ? card_entry_text(screen->card) : "",
	    .buttons = {{app_text(app, TEXT_WIFI_JOIN), security == WIFI_OPEN ? "power" : "primary", answer_join},
			{app_text(app, TEXT_CANCEL), security == WIFI_OPEN ? "primary" : "", answer_back}},
	    .context = app,
	};
	if (security == WIFI_UNUSABLE) {
		content.buttons[0] = (struct card_button){app_text(app, TEXT_OK), "primary", answer_back};
		content.buttons[1] = (struct card_button){0};
	}
	char *typed = g_strdup(content.entry_text);
	content.entry_text = typed;
	card_show(screen->card, &content);
	wipe(typed, strlen(typed));
	g_free(typed);
}

void network_draw(struct app *app)
{
	struct network_screen *screen = app->network;
	gtk_label_set_text(GTK_LABEL(screen->heading), app_text(app, TEXT_WIFI_HEADING));
	gtk_label_set_text(GTK_LABEL(screen->hint), app_text(app, TEXT_WIFI_HINT));
	gtk_button_set_label(GTK_BUTTON(screen->back), app_text(app, TEXT_WIFI_BACK));
	bool trouble;
	char *state = state_text(app, &trouble);
	label_show(screen->state, state);
	if (trouble)
		gtk_widget_add_css_class(screen->state, "trouble");
	else
		gtk_widget_remove_css_class(screen->state, "trouble");
	g_free(state);
	draw_list(app);
	draw_card(app);
}

void network_show(struct app *app, bool shown)
{
	if (shown == app->model.network_shown || (shown && !model_network_possible(&app->model)))
		return;
	app->model.network_shown = shown;
	app_draw(app);
}

void network_focus(struct app *app)
{
	struct network_screen *screen = app->network;
	if (screen->row_count > 0 && !screen->asking)
		gtk_widget_grab_focus(screen->rows[place_of(screen, &screen->chosen)]);
}

bool network_escape(struct app *app)
{
	if (model_screen(&app->model) != SCREEN_NETWORK)
		return false;
	if (app->network->asking)
		answer_back(app);
	else
		network_show(app, false);
	return true;
}

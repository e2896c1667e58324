#include <malloc.h>
#include <string.h>

#include "launcher/kiosk/app.h"
#include "launcher/kiosk/module.h"
#include "launcher/kiosk/web.h"

/*
 * A bank's page under the trust bar. Over the page lies one card at a time, the gravest first: the frozen page, a
 * question of the page's script, an explanation, or the wait for the first page.
 */

static const struct web_api *browser; /* NULL until the first bank is opened */

struct bank_screen {
	GtkWidget *bar, *name, *site, *client, *devel, *tunnel, *tunnel_glyph, *tunnel_word;
	GtkWidget *back, *reload, *finish, *language, *power;
	GtkWidget *progress;
	GtkWidget *holder; /* of the web view, under the card */
	struct card *card;
	GtkWidget *strip, *strip_text, *strip_hide;

	struct web *web;
	bool shown; /* the first page has come */

	bool noticed; /* an explanation lies over the page: */
	enum web_trouble trouble;
	enum refusal refusal;
	char notice_host[HOST_NAME_BYTES];

	bool asked; /* a question of the page's script: */
	enum web_question question;
	char *question_text, *question_proposal;

	char left_out[HOST_NAME_BYTES]; /* a part of the page that was refused, "" none */
	enum refusal left_out_reason;
	char left_out_told[HOST_NAME_BYTES]; /* of what was seen here alone, the last that the launcher was told of */
};

/* The bar */

static void on_back(GtkButton *button, struct app *app)
{
	(void)button;
	bank_back(app);
}

static void on_reload(GtkButton *button, struct app *app)
{
	(void)button;
	bank_reload(app);
}

static void on_finish(GtkButton *button, struct app *app)
{
	(void)button;
	app_ask_finish(app);
}

static void on_language(GtkButton *button, struct app *app)
{
	(void)button;
	app_switch_language(app);
}

static void on_power(GtkButton *button, struct app *app)
{
	(void)button;
	app_ask_power_off(app);
}

static GtkWidget *tunnel_new(struct bank_screen *screen)
{
	screen->tunnel = box_new(GTK_ORIENTATION_HORIZONTAL, "tunnel");
	gtk_box_set_spacing(GTK_BOX(screen->tunnel), 6);
	gtk_widget_set_valign(screen->tunnel, GTK_ALIGN_CENTER);
	screen->tunnel_glyph = glyph_new(GLYPH_DONE);
	screen->tunnel_word = label_new(NULL);
	gtk_box_append(GTK_BOX(screen->tunnel), screen->tunnel_glyph);
	gtk_box_append(GTK_BOX(screen->tunnel), screen->tunnel_word);
	return screen->tunnel;
}

static GtkWidget *bar_new(struct app *app, struct bank_screen *screen)
{
	screen->bar = box_new(GTK_ORIENTATION_HORIZONTAL, "bar");
	gtk_box_set_spacing(GTK_BOX(screen->bar), 8);
	GtkWidget *crest = glyph_new(GLYPH_GATE);
	gtk_widget_add_css_class(crest, "crest");
	GtkWidget *words = box_new(GTK_ORIENTATION_VERTICAL, NULL);
	gtk_widget_set_hexpand(words, TRUE);
	gtk_widget_set_valign(words, GTK_ALIGN_CENTER);
	screen->name = label_new("bank");
	screen->site = label_new("site");
	gtk_label_set_ellipsize(GTK_LABEL(screen->name), PANGO_ELLIPSIZE_END);
	gtk_label_set_ellipsize(GTK_LABEL(screen->site), PANGO_ELLIPSIZE_START);
	screen->client = label_new("site");
	gtk_label_set_ellipsize(GTK_LABEL(screen->client), PANGO_ELLIPSIZE_END);
	/* Where there is not room for both, the place is read whole: the shorter one is given what it wants first. */
	GtkWidget *row = box_new(GTK_ORIENTATION_HORIZONTAL, NULL);
	gtk_box_set_spacing(GTK_BOX(row), 14);
	gtk_box_append(GTK_BOX(row), screen->site);
	gtk_box_append(GTK_BOX(row), screen->client);
	gtk_box_append(GTK_BOX(words), screen->name);
	gtk_box_append(GTK_BOX(words), row);
	screen->back = button_new(NULL, G_CALLBACK(on_back), app);
	screen->reload = button_new(NULL, G_CALLBACK(on_reload), app);
	screen->finish = button_new(NULL, G_CALLBACK(on_finish), app);
	screen->language = button_new(NULL, G_CALLBACK(on_language), app);
	screen->power = button_new(NULL, G_CALLBACK(on_power), app);
	screen->devel = label_new("devel");
	GtkWidget *const parts[] = {crest,          words,          screen->devel,    tunnel_new(screen), screen->back,
				    screen->reload, screen->finish, screen->language, screen->power};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		gtk_widget_set_valign(parts[i], GTK_ALIGN_CENTER);
		gtk_box_append(GTK_BOX(screen->bar), parts[i]);
	}
	return screen->bar;
}

static void on_strip_hide(GtkButton *button, struct app *app)
{
	(void)button;
	app->bank->left_out[0] = '\0';
	app_draw(app);
}

static GtkWidget *strip_new(struct app *app, struct bank_screen *screen)
{
	screen->strip = box_new(GTK_ORIENTATION_HORIZONTAL, "strip");
	gtk_box_set_spacing(GTK_BOX(screen->strip), 12);
	screen->strip_text = label_new(NULL);
	gtk_label_set_ellipsize(GTK_LABEL(screen->strip_text), PANGO_ELLIPSIZE_END);
	gtk_label_set_wrap(GTK_LABEL(screen->strip_text), TRUE);
	gtk_label_set_lines(GTK_LABEL(screen->strip_text), 2);
	gtk_widget_set_hexpand(screen->strip_text, TRUE);
	screen->strip_hide = button_new(NULL, G_CALLBACK(on_strip_hide), app);
	gtk_box_append(GTK_BOX(screen->strip), screen->strip_text);
	gtk_box_append(GTK_BOX(screen->strip), screen->strip_hide);
	return screen->strip;
}

static gboolean on_tick(gpointer data)
{
	card_tick(((struct bank_screen *)data)->card);
	return G_SOURCE_CONTINUE;
}

GtkWidget *bank_new(struct app *app)
{
	struct bank_screen *screen = g_new0(struct bank_screen, 1);
	app->bank = screen;
	GtkWidget *box = box_new(GTK_ORIENTATION_VERTICAL, "paper");
	gtk_box_append(GTK_BOX(box), bar_new(app, screen));
	screen->progress = gtk_progress_bar_new();
	gtk_box_append(GTK_BOX(box), screen->progress);
	GtkWidget *overlay = gtk_overlay_new();
	screen->holder = box_new(GTK_ORIENTATION_VERTICAL, "holder");
	screen->card = card_new(screen->holder);
	gtk_overlay_set_child(GTK_OVERLAY(overlay), screen->holder);
	gtk_overlay_add_overlay(GTK_OVERLAY(overlay), card_widget(screen->card));
	gtk_widget_set_vexpand(overlay, TRUE);
	gtk_box_append(GTK_BOX(box), overlay);
	gtk_box_append(GTK_BOX(box), strip_new(app, screen));
	g_timeout_add(500, on_tick, screen);
	return box;
}

/* Keys go to the page again, after a card or a button of the bar had them. */
static void focus_page(struct app *app)
{
	if (app->bank->web && !card_shown(app->bank->card) && !card_shown(app->question))
		gtk_widget_grab_focus(browser->widget(app->bank->web));
}

/* What the customer answers on a card */

static void answer_list(gpointer data) { app_leave(data); }

static void answer_page(gpointer data)
{
	struct app *app = data;
	app->bank->noticed = false;
	app_draw(app);
	focus_page(app);
}

static void answer_again(gpointer data)
{
	struct app *app = data;
	app->bank->noticed = false;
	browser->reload(app->bank->web);
	app_draw(app);
	focus_page(app);
}

static void answer_question(struct app *app, bool yes)
{
	struct bank_screen *screen = app->bank;
	char *typed = g_strdup(card_entry_text(screen->card));
	screen->asked = false;
	app_draw(app);
	browser->answer(screen->web, yes, typed);
	g_free(typed);
	focus_page(app);
}

static void answer_yes(gpointer data) { answer_question(data, true); }

static void answer_no(gpointer data) { answer_question(data, false); }

/* The cards */

static char *phone_of(const struct app *app)
{
	const char *support = app->model.bank.support;
	if (!support || !support[0])
		return NULL;
	return g_strdup_printf("%s  %s  %s", app_text(app, TEXT_CALL), app->model.bank.name[app->model.language],
			       support);
}

static void show_frozen(struct app *app)
{
	const enum language language = app->model.language;
	const struct advice *advice = advice_for(ABOUT_FREEZE, app->model.frozen_code);
	char *phone = phone_of(app);
	const struct card_content content = {
	    .glyph = GLYPH_ALERT,
	    .warn = true,
	    .title = app_text(app, TEXT_FROZEN_TITLE),
	    .what = advice->what[language],
	    .todo_label = app_text(app, TEXT_WHAT_TO_DO),
	    .todo = advice->todo[language],
	    .phone = phone,
	    .context = app,
	};
	card_show(app->bank->card, &content);
	g_free(phone);
}

static void show_question(struct app *app)
{
	struct bank_screen *screen = app->bank;
	const bool leave = screen->question == WEB_LEAVE;
	const bool alert = screen->question == WEB_ALERT;
	const char *bank = app->model.bank.name[app->model.language];
	char *title = g_strconcat(bank, app_text(app, alert ? TEXT_SAYS : TEXT_ASKS), NULL);
	const struct card_content content = {
	    .glyph = alert ? GLYPH_ALERT : GLYPH_QUESTION,
	    .title = title,
	    .what = leave ? app_text(app, TEXT_LEAVE_PAGE) : screen->question_text,
	    .entry = screen->question == WEB_PROMPT,
	    .entry_text = screen->question_proposal,
	    .buttons = {{app_text(app, leave ? TEXT_LEAVE : TEXT_OK), "primary", answer_yes},
			{alert ? NULL : app_text(app, leave ? TEXT_STAY : TEXT_CANCEL), "", answer_no}},
	    .context = app,
	};
	card_show(screen->card, &content);
	g_free(title);
}

/* The broker knows better than WebKit why a host could not be reached, and may say so later than WebKit does. */
static const struct advice *advice_of_notice(const struct app *app, enum web_trouble *trouble)
{
	const struct bank_screen *screen = app->bank;
	const bool named = screen->notice_host[0] && strcmp(screen->notice_host, app->model.refused_host) == 0;
	*trouble = screen->trouble;
	if ((screen->trouble == WEB_FAILED || screen->trouble == WEB_TLS) && named) {
		if (app->model.refused_reason == REFUSAL_NOT_LISTED)
			*trouble = WEB_REFUSED;
		return advice_for_refusal(app->model.refused_reason);
	}
	switch (screen->trouble) {
	case WEB_REFUSED:
		return advice_for_refusal(screen->refusal);
	case WEB_INSECURE:
		return advice_for(ABOUT_PAGE, "insecure");
	case WEB_TLS:
		return advice_for(ABOUT_PAGE, "tls");
	case WEB_FILE:
		return advice_for(ABOUT_PAGE, "download");
	case WEB_LOGIN:
		return advice_for(ABOUT_PAGE, "login");
	case WEB_CRASHED:
		return advice_for(ABOUT_PAGE, "crashed");
	case WEB_FAILED:
		break;
	}
	return advice_for(ABOUT_PAGE, "");
}

/* There is a page under the explanation to go back to. */
static bool may_return(const struct bank_screen *screen)
{
	return screen->noticed && screen->shown && screen->trouble != WEB_CRASHED;
}

/* Whoever answered is not who the bank says it is: trying again is no advice. */
static bool is_identity(enum refusal refusal) { return refusal_chain(refusal) != CHAIN_GOOD; }

/* Not the plain refusal: this place is known, and what the customer typed there or was told by a caller is in danger.
 */
static bool is_known_bad(const struct app *app, const char *host)
{
	return host[0] && strcmp(host, app->model.bad_host) == 0;
}

static void show_notice(struct app *app)
{
	struct bank_screen *screen = app->bank;
	const enum language language = app->model.language;
	enum web_trouble trouble;
	const struct advice *advice = advice_of_notice(app, &trouble);
	const bool refused = trouble == WEB_REFUSED || trouble == WEB_INSECURE;
	const bool bad = refused && is_known_bad(app, screen->notice_host);
	if (bad)
		advice = advice_for(ABOUT_DANGER, indicator_word(app->model.bad_category));
	const bool false_name =
	    strcmp(screen->notice_host, app->model.refused_host) == 0 && is_identity(app->model.refused_reason);
	const bool again = (trouble == WEB_FAILED && !false_name) || trouble == WEB_CRASHED;
	char *phone = phone_of(app);
	struct card_content content = {
	    .glyph = GLYPH_ALERT,
	    .warn = true,
	    .danger = bad,
	    .solid = true,
	    .title = app_text(app, bad       ? TEXT_DANGER_TITLE
				   : refused ? TEXT_REFUSED_TITLE
					     : TEXT_PAGE_FAILED_TITLE),
	    .what = advice->what[language],
	    .host_label = app_text(app, TEXT_REFUSED_HOST),
	    .host = screen->notice_host[0] ? screen->notice_host : NULL,
	    .todo_label = app_text(app, TEXT_WHAT_TO_DO),
	    .todo = advice->todo[language],
	    .phone = phone,
	    .context = app,
	};
	size_t n = 0;
	if (again)
		content.buttons[n++] = (struct card_button){app_text(app, TEXT_TRY_AGAIN), "primary", answer_again};
	if (may_return(screen))
		content.buttons[n++] =
		    (struct card_button){app_text(app, TEXT_BACK_TO_PAGE), again ? "" : "primary", answer_page};
	else
		content.buttons[n++] =
		    (struct card_button){app_text(app, TEXT_BACK_TO_LIST), again ? "" : "primary", answer_list};
	card_show(screen->card, &content);
	g_free(phone);
}

static void show_session_refused(struct app *app)
{
	const enum language language = app->model.language;
	const struct advice *advice = advice_for(ABOUT_SESSION, app->model.session_code);
	char *phone = phone_of(app);
	char *note = app->model.session_detail[0]
			 ? g_strdup_printf("%s: %s", app_text(app, TEXT_DETAIL), app->model.session_detail)
			 : NULL;
	const struct card_content content = {
	    .glyph = GLYPH_ALERT,
	    .warn = true,
	    .solid = true,
	    .title = app_text(app, TEXT_SESSION_FAILED_TITLE),
	    .what = advice->what[language],
	    .todo_label = app_text(app, TEXT_WHAT_TO_DO),
	    .todo = advice->todo[language],
	    .phone = phone,
	    .note = note,
	    .buttons = {{app_text(app, TEXT_BACK_TO_LIST), "primary", answer_list}},
	    .context = app,
	};
	card_show(app->bank->card, &content);
	g_free(phone);
	g_free(note);
}

static void show_wait(struct app *app, const char *title, const char *what)
{
	const struct card_content content = {
	    .glyph = GLYPH_WAITING, .solid = true, .title = title, .what = what, .context = app};
	card_show(app->bank->card, &content);
}

static void draw_card(struct app *app)
{
	struct bank_screen *screen = app->bank;
	const struct model *model = &app->model;
	if (model->session == SESSION_REFUSED)
		show_session_refused(app);
	else if (model->session == SESSION_OPENING)
		show_wait(app, app_text(app, TEXT_OPENING), app_text(app, TEXT_OPENING_HINT));
	else if (model->frozen)
		show_frozen(app);
	else if (screen->asked)
		show_question(app);
	else if (screen->noticed)
		show_notice(app);
	else if (!screen->shown)
		show_wait(app, app_text(app, TEXT_LOADING), "");
	else if (card_shown(screen->card)) {
		card_hide(screen->card);
		focus_page(app);
	}
}

/* Drawing */

/* In columns, of which a Japanese character takes two: so much is whole beside the bar's buttons in the large letters.
 */
static gboolean is_long(const char *name)
{
	enum { LARGE_COLUMNS = 16 };
	int columns = 0;
	for (; *name; name = g_utf8_next_char(name))
		columns += g_unichar_iswide(g_utf8_get_char(name)) ? 2 : 1;
	return columns > LARGE_COLUMNS;
}

static void draw_bar(struct app *app)
{
	struct bank_screen *screen = app->bank;
	const struct model *model = &app->model;
	const char *host = screen->web ? browser->host(screen->web) : "";
	const char *name = model->bank.name[model->language] ?: "";
	gtk_label_set_text(GTK_LABEL(screen->name), name);
	class_set(screen->name, "long", is_long(name));
	char *site = g_strdup_printf("%s  %s", app_text(app, TEXT_SITE), host);
	char *valid = g_utf8_make_valid(model->client, -1);
	char *client = g_strdup_printf("%s  %s", app_text(app, TEXT_CERTIFICATE), valid);
	label_show(screen->site, host[0] ? site : "");
	label_show(screen->client, host[0] && valid[0] ? client : "");
	g_free(client);
	g_free(valid);
	g_free(site);
	label_show(screen->devel, app_mark(app));
	const bool up = model->tunnel_up && !model->frozen;
	class_set(screen->tunnel, "cut", !up);
	class_set(screen->bar, "cut", !up);
	glyph_set(screen->tunnel_glyph, up ? GLYPH_DONE : GLYPH_ALERT);
	gtk_label_set_text(GTK_LABEL(screen->tunnel_word), app_text(app, up ? TEXT_TUNNEL_UP : TEXT_TUNNEL_DOWN));
	gtk_button_set_label(GTK_BUTTON(screen->back), app_text(app, TEXT_BACK));
	gtk_button_set_label(GTK_BUTTON(screen->reload), app_text(app, TEXT_RELOAD));
	gtk_button_set_label(GTK_BUTTON(screen->finish), app_text(app, TEXT_FINISH));
	gtk_button_set_label(GTK_BUTTON(screen->language), model->language == LANGUAGE_JA ? "English" : "日本語");
	gtk_button_set_label(GTK_BUTTON(screen->power), app_text(app, TEXT_POWER_OFF));
}

static void draw_loading(struct app *app)
{
	struct bank_screen *screen = app->bank;
	double progress = 0;
	const bool loading = screen->web && browser->loading(screen->web, &progress);
	const bool free = screen->web && !app->model.frozen && !screen->asked;
	gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(screen->progress), loading ? progress : 0);
	gtk_widget_set_sensitive(screen->back, free && (may_return(screen) || browser->can_back(screen->web)));
	gtk_widget_set_sensitive(screen->reload, free);
}

static void draw_strip(struct app *app)
{
	struct bank_screen *screen = app->bank;
	const enum refusal reason = screen->left_out_reason;
	const bool foreign = reason == REFUSAL_NOT_LISTED || reason == REFUSAL_PORT || reason == REFUSAL_IP_LITERAL;
	const bool bad = foreign && is_known_bad(app, screen->left_out);
	char *phone = bad ? phone_of(app) : NULL;
	char *text = g_strdup_printf(app->model.language == LANGUAGE_JA ? "%s（%s）  %s" : "%s (%s)  %s",
				     app_text(app, bad       ? TEXT_PART_DANGEROUS
						   : foreign ? TEXT_PART_LEFT_OUT
							     : TEXT_PART_NOT_LOADED),
				     screen->left_out, phone ? phone : "");
	g_free(phone);
	class_set(screen->strip, "danger", bad);
	gtk_label_set_text(GTK_LABEL(screen->strip_text), text);
	gtk_button_set_label(GTK_BUTTON(screen->strip_hide), app_text(app, TEXT_HIDE));
	gtk_widget_set_visible(screen->strip, screen->left_out[0] != '\0');
	g_free(text);
}

void bank_draw(struct app *app)
{
	draw_bar(app);
	draw_loading(app);
	draw_strip(app);
	if (app->model.session != SESSION_NONE)
		draw_card(app);
}

/* What the browser tells */

static void on_changed(gpointer data)
{
	struct app *app = data;
	if (browser->host(app->bank->web)[0] && !app->bank->shown) {
		app->bank->shown = true;
		bank_draw(app);
		focus_page(app);
		return;
	}
	draw_bar(app);
	draw_loading(app);
}

static void on_began(gpointer data)
{
	struct app *app = data;
	app->bank->noticed = false;
	app->bank->left_out[0] = app->bank->left_out_told[0] = '\0';
	app->model.refused_host[0] = '\0';
	bank_draw(app);
}

static void on_trouble(gpointer data, enum web_trouble trouble, enum refusal refusal, const char *host)
{
	struct app *app = data;
	struct bank_screen *screen = app->bank;
	/* What was decided here the broker never hears of. A page that tries again and again is told of once. */
	const bool told = screen->noticed && screen->trouble == trouble && screen->refusal == refusal &&
			  strcmp(screen->notice_host, host ? host : "") == 0;
	if ((trouble == WEB_REFUSED || trouble == WEB_INSECURE) && !told)
		app_turned_away(app, host ? host : "", refusal);
	screen->noticed = true;
	screen->trouble = trouble;
	screen->refusal = refusal;
	g_strlcpy(screen->notice_host, host ? host : "", sizeof screen->notice_host);
	/* The broker may have been quicker, when it looked as if a part of the page was meant. */
	if (strcmp(screen->left_out, screen->notice_host) == 0)
		screen->left_out[0] = '\0';
	bank_draw(app);
}

static void leave_out(struct bank_screen *screen, const char *host, enum refusal reason)
{
	g_strlcpy(screen->left_out, host, sizeof screen->left_out);
	screen->left_out_reason = reason;
}

/* A page that tries again and again is told of once. */
static void on_left_out(gpointer data, enum refusal refusal, const char *host)
{
	struct app *app = data;
	struct bank_screen *screen = app->bank;
	if (strcmp(screen->left_out_told, host) == 0)
		return;
	g_strlcpy(screen->left_out_told, host, sizeof screen->left_out_told);
	app_turned_away(app, host, refusal);
	leave_out(screen, host, refusal);
	draw_strip(app);
}

static void on_asked(gpointer data, enum web_question question, const char *text, const char *proposal)
{
	struct app *app = data;
	struct bank_screen *screen = app->bank;
	g_free(screen->question_text);
	g_free(screen->question_proposal);
	screen->question = question;
	screen->question_text = g_strdup(text);
	screen->question_proposal = g_strdup(proposal);
	screen->asked = true;
	bank_draw(app);
}

/* What the app asks for */

static const struct web_calls calls = {
    .changed = on_changed, .began = on_began, .trouble = on_trouble, .left_out = on_left_out, .asked = on_asked};

/* Pages are laid out for screens about this high; larger ones show the same page larger. */
static double base_zoom(const struct app *app)
{
	const int height = gtk_widget_get_height(app->window);
	return height > 800 ? height / 800.0 : 1.0;
}

void bank_open(struct app *app)
{
	struct bank_screen *screen = app->bank;
	bank_close(app);
	browser = module_wait();
	screen->web = browser ? browser->create(&app->model.bank, app->model.language, &calls, app) : NULL;
	if (!screen->web) {
		app->model.session = SESSION_REFUSED;
		g_strlcpy(app->model.session_code, "internal", sizeof app->model.session_code);
		return;
	}
	GtkWidget *widget = browser->widget(screen->web);
	gtk_widget_set_vexpand(widget, TRUE);
	gtk_widget_set_hexpand(widget, TRUE);
	gtk_box_append(GTK_BOX(screen->holder), widget);
	browser->set_base_zoom(screen->web, base_zoom(app));
	browser->load_start(screen->web);
}

static void clear_clipboards(struct app *app)
{
	GdkDisplay *display = gtk_widget_get_display(app->window);
	gdk_clipboard_set_text(gdk_display_get_clipboard(display), "");
	gdk_clipboard_set_text(gdk_display_get_primary_clipboard(display), "");
}

void bank_close(struct app *app)
{
	struct bank_screen *screen = app->bank;
	if (screen->web) {
		gtk_box_remove(GTK_BOX(screen->holder), browser->widget(screen->web));
		browser->destroy(screen->web);
		clear_clipboards(app);
		malloc_trim(0); /* given back, so that the kernel wipes it */
	}
	screen->web = NULL;
	screen->shown = screen->noticed = screen->asked = false;
	screen->left_out[0] = screen->left_out_told[0] = screen->notice_host[0] = '\0';
	g_clear_pointer(&screen->question_text, g_free);
	g_clear_pointer(&screen->question_proposal, g_free);
	card_hide(screen->card);
}

void bank_freeze(struct app *app)
{
	if (app->bank->web)
		browser->hold(app->bank->web, app->model.frozen);
	/* The page itself is what the customer goes on with. */
	if (!app->model.frozen)
		focus_page(app);
}

gboolean bank_escape(struct app *app)
{
	if (!app->bank->asked || app->model.frozen)
		return FALSE;
	answer_question(app, false);
	return TRUE;
}

void bank_refused(struct app *app)
{
	struct bank_screen *screen = app->bank;
	const char *host = app->model.refused_host;
	/* The page's own host is explained when its load fails; other hosts are parts left out. */
	if (!screen->web || strcmp(host, browser->pending_host(screen->web)) == 0 ||
	    strcmp(host, browser->host(screen->web)) == 0 ||
	    (screen->noticed && strcmp(host, screen->notice_host) == 0))
		return;
	leave_out(screen, host, app->model.refused_reason);
}

void bank_back(struct app *app)
{
	if (!app->bank->web || app->model.frozen || app->bank->asked)
		return;
	if (may_return(app->bank)) {
		answer_page(app); /* from the explanation to the page it lies over */
		return;
	}
	browser->back(app->bank->web);
	focus_page(app);
}

void bank_reload(struct app *app)
{
	if (app->bank->web && !app->model.frozen && !app->bank->asked)
		answer_again(app);
}

void bank_zoom(struct app *app, int direction)
{
	if (app->bank->web && !app->model.frozen)
		browser->zoom(app->bank->web, direction);
}

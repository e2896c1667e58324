#include "launcher/kiosk/app.h"

#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/kiosk/house.h"
#include "launcher/kiosk/keys.h"

/* Forty lines of text fit on any screen: readable from a chair, whatever the panel. */
enum { LINES_ON_SCREEN = 40, COLUMNS_ON_SCREEN = 62, FONT_PX_MIN = 13, FONT_PX_MAX = 80 };

const char *app_text(const struct app *app, enum text text) { return text_of(text, app->model.language); }

const char *app_mark(const struct app *app)
{
	if (app->model.devel)
		return app_text(app, TEXT_DEVEL);
	return app->model.development_keys ? app_text(app, TEXT_KEYS) : "";
}

static void send_launcher(struct app *app, uint16_t type, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(app->channel, type, 0, w->data, w->size);
	if (error) {
		log_error("the launcher cannot be told message %u: %s", (unsigned)type, g_strerror(-error));
		g_main_loop_quit(app->loop);
	}
}

static void tell_launcher(struct app *app, uint16_t type, const char *text)
{
	uint8_t payload[DETAIL_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	if (text)
		write_str(&w, text);
	send_launcher(app, type, &w);
	wipe(payload, sizeof payload); /* a PIN may be in it */
}

/* Networks are searched for while their list is shown. */
static void tell_looking(struct app *app)
{
	const bool looking = model_screen(&app->model) == SCREEN_NETWORK;
	uint8_t payload[1];
	struct writer w = writer_over(payload, sizeof payload);
	if (app->looking == looking)
		return;
	app->looking = looking;
	write_u8(&w, looking);
	send_launcher(app, MSG_KIOSK_WIFI_LOOK, &w);
}

void app_join(struct app *app, const struct wifi_credential *credential)
{
	uint8_t payload[256];
	struct writer w = writer_over(payload, sizeof payload);
	wifi_credential_write(&w, credential);
	send_launcher(app, MSG_KIOSK_WIFI_JOIN, &w);
	wipe(payload, sizeof payload);
}

void app_turned_away(struct app *app, const char *host, enum refusal reason)
{
	uint8_t payload[HOST_NAME_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, host);
	write_u8(&w, (uint8_t)reason);
	send_launcher(app, MSG_KIOSK_TURNED_AWAY, &w);
}

/* The customer's own acts */

void app_switch_language(struct app *app)
{
	app->model.language = app->model.language == LANGUAGE_JA ? LANGUAGE_EN : LANGUAGE_JA;
	app_draw(app);
}

void app_choose(struct app *app, const struct bank *bank)
{
	if (model_screen(&app->model) != SCREEN_LIST || model_choose(&app->model, bank) < 0)
		return;
	tell_launcher(app, MSG_KIOSK_OPEN, app->model.bank.id);
	app_draw(app);
}

void app_leave(struct app *app)
{
	if (app->model.session == SESSION_NONE)
		return;
	tell_launcher(app, MSG_KIOSK_CLOSE, NULL);
	model_leave(&app->model);
	bank_close(app);
	app_draw(app);
}

void app_ask_finish(struct app *app)
{
	if (app->model.session != SESSION_OPEN) {
		app_leave(app);
		return;
	}
	app->ask = ASK_FINISH;
	app_draw(app);
}

void app_ask_power_off(struct app *app)
{
	if (app->model.going_down)
		return;
	app->ask = ASK_POWER_OFF;
	app_draw(app);
}

static void answer_no(gpointer data)
{
	struct app *app = data;
	app->ask = ASK_NOTHING;
	app_draw(app);
}

static void answer_finish(gpointer data)
{
	struct app *app = data;
	app->ask = ASK_NOTHING;
	app_leave(app);
}

static void answer_power_off(gpointer data)
{
	struct app *app = data;
	app->ask = ASK_NOTHING;
	model_leave(&app->model);
	app->model.going_down = true;
	bank_close(app);
	tell_launcher(app, MSG_KIOSK_POWER_OFF, NULL);
	app_draw(app);
}

/* Drawing */

static void draw_question(struct app *app)
{
	const bool power = app->ask == ASK_POWER_OFF;
	if (app->ask == ASK_NOTHING || app->model.going_down ||
	    (app->ask == ASK_FINISH && app->model.session == SESSION_NONE)) {
		app->ask = ASK_NOTHING;
		card_hide(app->question);
		return;
	}
	const struct card_content content = {
	    .glyph = GLYPH_QUESTION,
	    .title = app_text(app, power ? TEXT_POWER_OFF_QUESTION : TEXT_FINISH_QUESTION),
	    .what = app_text(app, power ? TEXT_POWER_OFF_EXPLAINED : TEXT_FINISH_EXPLAINED),
	    .buttons = {{app_text(app, power ? TEXT_POWER_OFF : TEXT_FINISH), power ? "primary power" : "primary",
			 power ? answer_power_off : answer_finish},
			{app_text(app, TEXT_CANCEL), "", answer_no}},
	    .context = app,
	};
	card_show(app->question, &content);
}

static void send_pin(struct app *app)
{
	tell_launcher(app, MSG_KIOSK_PIN, app->model.pin.digits);
	pin_wipe(&app->model.pin);
	app->model.pin.ask = PIN_ASK_CHECKING;
	app_draw(app);
}

void app_send_token_pin(struct app *app)
{
	uint8_t payload[TOKEN_PIN_MAX + 16];
	struct writer w = writer_over(payload, sizeof payload);
	write_u32(&w, app->model.token.wrong);
	write_str(&w, app->model.token.pin);
	send_launcher(app, MSG_KIOSK_TOKEN_PIN, &w);
	wipe(payload, sizeof payload);
	token_sent(&app->model.token);
	app_draw(app);
}

static void answer_pin(gpointer data)
{
	struct app *app = data;
	if (pin_takes(&app->model.pin) && app->model.pin.typed >= PIN_DIGITS_MIN)
		send_pin(app);
}

static void draw_pin(struct app *app)
{
	const struct model *model = &app->model;
	char dots[PIN_DIGITS_MAX * 4 + 1], wrong[DETAIL_BYTES] = "";
	if (model->pin.ask == PIN_ASK_NOT || model->going_down) {
		card_hide(app->pin);
		return;
	}
	const bool checking = model->pin.ask == PIN_ASK_CHECKING;
	pin_dots(&model->pin, dots, sizeof dots);
	/* while one is being checked, what was said of the one before would be taken for its answer */
	const bool tell_wrong = model->pin.wrong && !checking;
	if (tell_wrong && model->pin.tries_left != PIN_TRIES_NOT_SAID)
		g_snprintf(wrong, sizeof wrong, "%s %s %u", app_text(app, TEXT_PIN_WRONG), app_text(app, TEXT_PIN_LEFT),
			   model->pin.tries_left);
	else if (tell_wrong)
		g_snprintf(wrong, sizeof wrong, "%s", app_text(app, TEXT_PIN_WRONG));
	const struct card_content content = {
	    .glyph = GLYPH_QUESTION,
	    .title = app_text(app, TEXT_PIN_TITLE),
	    .what = app_text(app, checking ? TEXT_PIN_CHECKING : TEXT_PIN_EXPLAINED),
	    .host_label = app_text(app, TEXT_PIN_TYPED),
	    .host = checking ? NULL : dots,
	    .code = true,
	    .phone = wrong[0] ? wrong : NULL,
	    .note = app_text(app, TEXT_PIN_NOBODY_ASKS),
	    .buttons = {{checking ? NULL : app_text(app, TEXT_PIN_DONE), "primary", answer_pin}},
	    .context = app,
	};
	card_show(app->pin, &content);
}

/* Digits as they are read out: in threes. What was typed is not shown, only how much. */
static void draw_usb_question(struct app *app)
{
	const struct model *model = &app->model;
	char code[CODE_BYTES + 2], typed[CODE_BYTES * 4] = "";
	g_snprintf(code, sizeof code, "%.3s %s", model->usb_code, model->usb_code + 3);
	for (size_t i = 0; i < strlen(model->usb_code); i++)
		g_strlcat(typed, i < model->usb_typed ? "● " : "○ ", sizeof typed);
	const struct card_content content = {
	    .glyph = GLYPH_QUESTION,
	    .solid = true, /* keys are the guard's now: the page must not seem to be there */
	    .title = app_text(app, model->usb_what == USB_KEYBOARD ? TEXT_USB_KEYBOARD_TITLE : TEXT_USB_POINTER_TITLE),
	    .what = app_text(app, model->usb_on_new ? TEXT_USB_ON_NEW : TEXT_USB_ON_TRUSTED),
	    .host_label = app_text(app, TEXT_USB_CODE),
	    .host = code,
	    .code = true,
	    .todo_label = app_text(app, TEXT_USB_TYPED),
	    .todo = typed,
	    .phone = model->usb_wrong > 0 && model->usb_typed == 0 ? app_text(app, TEXT_USB_WRONG) : NULL,
	    .note = app_text(app, TEXT_USB_IF_NOT_YOU),
	    .context = app,
	};
	card_show(app->usb, &content);
}

static void answer_usb_seen(gpointer data)
{
	struct app *app = data;
	if (app->model.usb_refused)
		app->model.usb_refused = false;
	else
		app->model.notice[0] = '\0';
	app_draw(app);
}

static void draw_usb_refused(struct app *app)
{
	const struct advice *advice = advice_for(ABOUT_USB, usb_word(app->model.usb_refused_what));
	const struct card_content content = {
	    .glyph = GLYPH_ALERT,
	    .warn = true,
	    .title = app_text(app, TEXT_USB_REFUSED_TITLE),
	    .what = advice->what[app->model.language],
	    .todo_label = app_text(app, TEXT_WHAT_TO_DO),
	    .todo = advice->todo[app->model.language],
	    .buttons = {{app_text(app, TEXT_OK), "primary", answer_usb_seen}},
	    .context = app,
	};
	card_show(app->usb, &content);
}

static void draw_notice(struct app *app)
{
	const struct advice *advice = advice_for(ABOUT_NOTICE, app->model.notice);
	const struct card_content content = {
	    .glyph = GLYPH_ALERT,
	    .warn = true,
	    .title = app_text(app, TEXT_NOTICE_TITLE),
	    .what = advice->what[app->model.language],
	    .todo_label = app_text(app, TEXT_WHAT_TO_DO),
	    .todo = advice->todo[app->model.language],
	    .note = app->model.notice,
	    .buttons = {{app_text(app, TEXT_OK), "primary", answer_usb_seen}},
	    .context = app,
	};
	card_show(app->usb, &content);
}

static void draw_usb(struct app *app)
{
	if (app->model.going_down)
		card_hide(app->usb);
	else if (app->model.usb_code[0])
		draw_usb_question(app);
	else if (app->model.usb_refused)
		draw_usb_refused(app);
	else if (app->model.notice[0])
		draw_notice(app);
	else
		card_hide(app->usb);
}

void app_draw(struct app *app)
{
	const bool bank = model_screen(&app->model) == SCREEN_BANK;
	tell_looking(app);
	class_set(app->window, "ja", app->model.language == LANGUAGE_JA);
	class_set(app->window, "en", app->model.language == LANGUAGE_EN);
	house_draw(app);
	bank_draw(app);
	const char *name = bank ? "bank" : "house";
	const bool turned = strcmp(gtk_stack_get_visible_child_name(GTK_STACK(app->screens)), name) != 0;
	gtk_stack_set_visible_child_name(GTK_STACK(app->screens), name);
	if (turned && model_screen(&app->model) == SCREEN_LIST)
		list_focus(app);
	token_draw(app);
	draw_pin(app);
	draw_question(app);
	draw_usb(app);
}

void app_changed(struct app *app, unsigned changes)
{
	if (changes & CHANGE_SESSION_ENDED)
		bank_close(app);
	if (changes & CHANGE_SESSION_OPENED)
		bank_open(app);
	if (changes & (CHANGE_FROZEN | CHANGE_THAWED))
		bank_freeze(app);
	if (changes & CHANGE_REFUSED)
		bank_refused(app);
	if (changes & (CHANGE_DRAW | CHANGE_REFUSED))
		app_draw(app);
	if (changes & CHANGE_TOKEN_OPEN)
		bank_reload(app);
}

/* Keys */

/* Digits go to the PIN while it is asked for and nothing lies over its card. */
static gboolean type_pin(struct app *app, guint keyval)
{
	if (!card_shown(app->pin) || card_shown(app->question) || card_shown(app->usb))
		return FALSE;
	const enum pin_press press = pin_key(&app->model.pin, keyval);
	if (press == PIN_PRESS_DONE)
		send_pin(app);
	else if (press == PIN_PRESS_TAKEN)
		draw_pin(app);
	return press != PIN_PRESS_OTHER;
}

/* What lies over its card is answered first. */
static gboolean type_token(struct app *app, guint keyval, GdkModifierType state)
{
	return !card_shown(app->pin) && !card_shown(app->question) && !card_shown(app->usb) &&
	       token_typed(app, keyval, state);
}

static gboolean choose_by_digit(struct app *app, guint keyval)
{
	if (model_screen(&app->model) != SCREEN_LIST || card_shown(app->pin) || card_shown(app->question) ||
	    card_shown(app->usb))
		return FALSE;
	const gunichar digit = gdk_keyval_to_unicode(keyval);
	if (digit < '1' || digit > '9')
		return FALSE;
	list_choose(app, digit - '1');
	return TRUE;
}

static gboolean on_key(GtkEventControllerKey *controller, guint keyval, guint code, GdkModifierType state,
		       struct app *app)
{
	(void)controller;
	(void)code;
	switch (key_judge(keyval, state)) {
	case KEY_PASS:
		/* what is typed while a device is asked about is the guard's, which reads it itself */
		if (app->model.usb_code[0])
			return TRUE;
		if (keyval == GDK_KEY_Escape && card_shown(app->usb)) {
			answer_usb_seen(app);
			return TRUE;
		}
		if (keyval == GDK_KEY_Escape && card_shown(app->question)) {
			answer_no(app);
			return TRUE;
		}
		if (type_pin(app, keyval) || type_token(app, keyval, state))
			return TRUE;
		if (keyval == GDK_KEY_Escape && (network_escape(app) || bank_escape(app)))
			return TRUE;
		return choose_by_digit(app, keyval);
	case KEY_SWALLOW:
		return TRUE;
	case KEY_LANGUAGE:
		app_switch_language(app);
		return TRUE;
	case KEY_POWER_OFF:
		app_ask_power_off(app);
		return TRUE;
	case KEY_NETWORK:
		if (!card_shown(app->question) && !card_shown(app->usb) && !network_escape(app))
			network_show(app, true);
		return TRUE;
	case KEY_RELOAD:
		bank_reload(app);
		return TRUE;
	case KEY_BACK:
		bank_back(app);
		return TRUE;
	case KEY_ZOOM_IN:
		bank_zoom(app, 1);
		return TRUE;
	case KEY_ZOOM_OUT:
		bank_zoom(app, -1);
		return TRUE;
	case KEY_ZOOM_RESET:
		bank_zoom(app, 0);
		return TRUE;
	}
	return TRUE;
}

/* The window */

static void set_font_size(int width, int height)
{
	static GtkCssProvider *provider;
	if (width < 1 || height < 1)
		return;
	const int px = CLAMP(MIN(height / LINES_ON_SCREEN, width / COLUMNS_ON_SCREEN), FONT_PX_MIN, FONT_PX_MAX);
	char css[64];
	g_snprintf(css, sizeof css, "window { font-size: %dpx; }", px);
	if (!provider) {
		provider = gtk_css_provider_new();
		gtk_style_context_add_provider_for_display(gdk_display_get_default(), GTK_STYLE_PROVIDER(provider),
							   GTK_STYLE_PROVIDER_PRIORITY_APPLICATION + 1);
	}
	gtk_css_provider_load_from_string(provider, css);
}

static void on_layout(GdkSurface *surface, int width, int height, gpointer data)
{
	static int last_width, last_height;
	(void)surface;
	(void)data;
	if (width == last_width && height == last_height)
		return;
	last_width = width;
	last_height = height;
	set_font_size(width, height);
}

static void on_realize(GtkWidget *window, gpointer data)
{
	GdkSurface *surface = gtk_native_get_surface(GTK_NATIVE(window));
	g_signal_connect(surface, "layout", G_CALLBACK(on_layout), data);
}

static void load_style(void)
{
	GtkCssProvider *provider = gtk_css_provider_new();
	gtk_css_provider_load_from_resource(provider, "/sekisho/kiosk/style.css");
	gtk_style_context_add_provider_for_display(gdk_display_get_default(), GTK_STYLE_PROVIDER(provider),
						   GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
	g_object_unref(provider);
	g_object_set(gtk_settings_get_default(), "gtk-enable-animations", FALSE, "gtk-cursor-blink", TRUE,
		     "gtk-enable-primary-paste", FALSE, NULL);
}

static gboolean on_close_request(GtkWindow *window, gpointer data)
{
	(void)window;
	(void)data;
	return TRUE; /* there is nothing behind it */
}

void app_open(struct app *app)
{
	load_style();
	app->window = gtk_window_new();
	gtk_window_set_decorated(GTK_WINDOW(app->window), FALSE);
	g_signal_connect(app->window, "close-request", G_CALLBACK(on_close_request), NULL);
	g_signal_connect(app->window, "realize", G_CALLBACK(on_realize), app);
	GtkEventController *keys = gtk_event_controller_key_new();
	gtk_event_controller_set_propagation_phase(keys, GTK_PHASE_CAPTURE);
	g_signal_connect(keys, "key-pressed", G_CALLBACK(on_key), app);
	gtk_widget_add_controller(app->window, keys);

	GtkWidget *overlay = gtk_overlay_new();
	app->screens = gtk_stack_new();
	gtk_stack_add_named(GTK_STACK(app->screens), house_new(app), "house");
	gtk_stack_add_named(GTK_STACK(app->screens), bank_new(app), "bank");
	app->token = card_new(app->screens);
	GtkWidget *lowest = gtk_overlay_new();
	gtk_overlay_set_child(GTK_OVERLAY(lowest), app->screens);
	gtk_overlay_add_overlay(GTK_OVERLAY(lowest), card_widget(app->token));
	app->pin = card_new(lowest);
	GtkWidget *lower = gtk_overlay_new();
	gtk_overlay_set_child(GTK_OVERLAY(lower), lowest);
	gtk_overlay_add_overlay(GTK_OVERLAY(lower), card_widget(app->pin));
	app->question = card_new(lower);
	gtk_overlay_set_child(GTK_OVERLAY(overlay), lower);
	gtk_overlay_add_overlay(GTK_OVERLAY(overlay), network_card_new(app, lower));
	gtk_overlay_add_overlay(GTK_OVERLAY(overlay), card_widget(app->question));
	GtkWidget *over = gtk_overlay_new();
	app->usb = card_new(overlay);
	gtk_overlay_set_child(GTK_OVERLAY(over), overlay);
	gtk_overlay_add_overlay(GTK_OVERLAY(over), card_widget(app->usb));
	gtk_window_set_child(GTK_WINDOW(app->window), over);
	app_draw(app);
	gtk_window_fullscreen(GTK_WINDOW(app->window));
	gtk_window_present(GTK_WINDOW(app->window));
}

/* Builders */

GtkWidget *label_new(const char *css_class)
{
	GtkWidget *label = gtk_label_new(NULL);
	gtk_label_set_xalign(GTK_LABEL(label), 0);
	if (css_class)
		gtk_widget_add_css_class(label, css_class);
	return label;
}

GtkWidget *wrapped_label_new(const char *css_class)
{
	GtkWidget *label = label_new(css_class);
	gtk_label_set_wrap(GTK_LABEL(label), TRUE);
	gtk_label_set_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
	gtk_label_set_max_width_chars(GTK_LABEL(label), 44);
	return label;
}

GtkWidget *box_new(GtkOrientation orientation, const char *css_class)
{
	GtkWidget *box = gtk_box_new(orientation, 0);
	if (css_class)
		gtk_widget_add_css_class(box, css_class);
	return box;
}

GtkWidget *button_new(const char *css_class, GCallback clicked, gpointer data)
{
	GtkWidget *button = gtk_button_new();
	if (css_class)
		gtk_widget_add_css_class(button, css_class);
	g_signal_connect(button, "clicked", clicked, data);
	return button;
}

GtkWidget *scrolled_new(GtkWidget *content)
{
	GtkWidget *scrolled = gtk_scrolled_window_new();
	gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
	gtk_scrolled_window_set_overlay_scrolling(GTK_SCROLLED_WINDOW(scrolled), FALSE);
	gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled), content);
	gtk_widget_set_vexpand(scrolled, TRUE);
	return scrolled;
}

void label_show(GtkWidget *label, const char *text)
{
	const gboolean some = text && text[0];
	gtk_label_set_text(GTK_LABEL(label), some ? text : "");
	gtk_widget_set_visible(label, some);
}

void class_set(GtkWidget *widget, const char *css_class, gboolean on)
{
	if (on)
		gtk_widget_add_css_class(widget, css_class);
	else
		gtk_widget_remove_css_class(widget, css_class);
}

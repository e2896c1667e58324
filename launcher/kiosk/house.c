#include "launcher/kiosk/house.h"

struct house {
	GtkWidget *stack;
	GtkWidget *product, *tagline, *version, *devel, *devel_explained;
	GtkWidget *network, *language, *power, *footer;
	GtkWidget *goodbye_title, *goodbye_text, *goodbye_glyph;
};

static GtkWidget *panel_new(struct house *house)
{
	GtkWidget *panel = box_new(GTK_ORIENTATION_VERTICAL, "panel");
	gtk_box_set_spacing(GTK_BOX(panel), 12);
	GtkWidget *gate = glyph_new(GLYPH_GATE);
	gtk_widget_add_css_class(gate, "gate");
	house->product = label_new("product");
	house->tagline = wrapped_label_new("tagline");
	gtk_label_set_max_width_chars(GTK_LABEL(house->tagline), 24);
	GtkWidget *space = box_new(GTK_ORIENTATION_VERTICAL, NULL);
	gtk_widget_set_vexpand(space, TRUE);
	house->devel = label_new("devel");
	gtk_widget_set_halign(house->devel, GTK_ALIGN_START);
	house->devel_explained = wrapped_label_new("version");
	gtk_label_set_max_width_chars(GTK_LABEL(house->devel_explained), 24);
	house->version = wrapped_label_new("version");
	GtkWidget *const parts[] = {gate,         house->product,         house->tagline, space,
				    house->devel, house->devel_explained, house->version};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		gtk_box_append(GTK_BOX(panel), parts[i]);
	gtk_widget_set_halign(house->product, GTK_ALIGN_CENTER);
	gtk_label_set_justify(GTK_LABEL(house->tagline), GTK_JUSTIFY_CENTER);
	gtk_label_set_xalign(GTK_LABEL(house->tagline), 0.5f);
	return panel;
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

static void on_network(GtkButton *button, struct app *app)
{
	(void)button;
	network_show(app, true);
}

static GtkWidget *footer_new(struct app *app, struct house *house)
{
	house->footer = box_new(GTK_ORIENTATION_HORIZONTAL, "footer");
	gtk_box_set_spacing(GTK_BOX(house->footer), 14);
	gtk_widget_set_halign(house->footer, GTK_ALIGN_END);
	house->network = button_new("primary", G_CALLBACK(on_network), app);
	house->language = button_new(NULL, G_CALLBACK(on_language), app);
	house->power = button_new("power", G_CALLBACK(on_power), app);
	gtk_box_append(GTK_BOX(house->footer), house->network);
	gtk_box_append(GTK_BOX(house->footer), house->language);
	gtk_box_append(GTK_BOX(house->footer), house->power);
	return house->footer;
}

static GtkWidget *goodbye_new(struct house *house)
{
	GtkWidget *box = box_new(GTK_ORIENTATION_VERTICAL, "goodbye");
	gtk_box_set_spacing(GTK_BOX(box), 18);
	gtk_widget_set_valign(box, GTK_ALIGN_CENTER);
	house->goodbye_title = label_new("heading");
	house->goodbye_text = wrapped_label_new("phone");
	gtk_box_append(GTK_BOX(box), house->goodbye_title);
	gtk_box_append(GTK_BOX(box), house->goodbye_text);
	return box;
}

GtkWidget *house_new(struct app *app)
{
	struct house *house = g_new0(struct house, 1);
	app->house = house;
	GtkWidget *box = box_new(GTK_ORIENTATION_HORIZONTAL, "house");
	GtkWidget *content = box_new(GTK_ORIENTATION_VERTICAL, "content");
	gtk_widget_set_hexpand(content, TRUE);
	house->stack = gtk_stack_new();
	gtk_widget_set_vexpand(house->stack, TRUE);
	gtk_stack_add_named(GTK_STACK(house->stack), scrolled_new(start_new(app)), "start");
	gtk_stack_add_named(GTK_STACK(house->stack), network_new(app), "network");
	gtk_stack_add_named(GTK_STACK(house->stack), list_new(app), "list");
	gtk_stack_add_named(GTK_STACK(house->stack), goodbye_new(house), "goodbye");
	gtk_box_append(GTK_BOX(content), house->stack);
	gtk_box_append(GTK_BOX(content), footer_new(app, house));
	gtk_box_append(GTK_BOX(box), panel_new(house));
	gtk_box_append(GTK_BOX(box), content);
	return box;
}

static void draw_panel(struct app *app)
{
	struct house *house = app->house;
	gtk_label_set_text(GTK_LABEL(house->product), app_text(app, TEXT_PRODUCT));
	gtk_label_set_text(GTK_LABEL(house->tagline), app_text(app, TEXT_TAGLINE));
	const char *mark = app_mark(app);
	label_show(house->devel, mark);
	label_show(house->devel_explained,
		   mark[0] ? app_text(app, app->model.devel ? TEXT_DEVEL_EXPLAINED : TEXT_KEYS_EXPLAINED) : "");
	char *version = g_strdup_printf("%s %s", app_text(app, TEXT_VERSION), app->model.image);
	label_show(house->version, app->model.image[0] ? version : "");
	g_free(version);
}

static void draw_stack(struct app *app)
{
	static const char *const names[] = {[SCREEN_START] = "start",
					    [SCREEN_NETWORK] = "network",
					    [SCREEN_LIST] = "list",
					    [SCREEN_GOODBYE] = "goodbye"};
	const enum screen screen = model_screen(&app->model);
	if (screen == SCREEN_BANK)
		return;
	GtkStack *stack = GTK_STACK(app->house->stack);
	const bool turned = g_strcmp0(gtk_stack_get_visible_child_name(stack), names[screen]) != 0;
	gtk_stack_set_visible_child_name(stack, names[screen]);
	if (turned && screen == SCREEN_LIST)
		list_focus(app);
	if (turned && screen == SCREEN_NETWORK)
		network_focus(app);
}

void house_draw(struct app *app)
{
	struct house *house = app->house;
	draw_panel(app);
	start_draw(app);
	network_draw(app);
	list_draw(app);
	gtk_label_set_text(GTK_LABEL(house->goodbye_title), app_text(app, TEXT_GOING_DOWN));
	gtk_label_set_text(GTK_LABEL(house->goodbye_text), app_text(app, TEXT_GOING_DOWN_EXPLAINED));
	gtk_button_set_label(GTK_BUTTON(house->language), app_text(app, TEXT_OTHER_LANGUAGE));
	char *power = g_strdup_printf(app->model.language == LANGUAGE_JA ? "%s（F10）" : "%s (F10)",
				      app_text(app, TEXT_POWER_OFF));
	gtk_button_set_label(GTK_BUTTON(house->power), power);
	g_free(power);
	gtk_button_set_label(GTK_BUTTON(house->network), app_text(app, TEXT_WIFI_CHOOSE));
	gtk_widget_set_visible(house->network,
			       model_network_possible(&app->model) && model_screen(&app->model) == SCREEN_START);
	gtk_widget_set_visible(house->footer, !app->model.going_down);
	draw_stack(app);
}

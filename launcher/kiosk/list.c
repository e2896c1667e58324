#include "launcher/kiosk/app.h"

/* The banks as tiles: large, in both languages, reachable by pointer, arrows, Tab and digits. */

enum { COLUMNS = 1, DIGITS = 9 };

struct list_screen {
	GtkWidget *heading, *hint, *grid;
	GtkWidget *tiles[BANKS_MAX];
	size_t tile_count;
	char *drawn; /* what the tiles show, so that they are made anew only when that changes */
};

static void on_tile(GtkButton *button, struct app *app)
{
	for (size_t i = 0; i < app->list->tile_count; i++)
		if (app->list->tiles[i] == GTK_WIDGET(button))
			list_choose(app, i);
}

GtkWidget *list_new(struct app *app)
{
	struct list_screen *screen = g_new0(struct list_screen, 1);
	app->list = screen;
	GtkWidget *box = box_new(GTK_ORIENTATION_VERTICAL, "list");
	gtk_box_set_spacing(GTK_BOX(box), 12);
	screen->heading = label_new("heading");
	screen->hint = wrapped_label_new("hint");
	screen->grid = gtk_grid_new();
	gtk_widget_add_css_class(screen->grid, "rows");
	gtk_grid_set_row_spacing(GTK_GRID(screen->grid), 16);
	gtk_grid_set_column_spacing(GTK_GRID(screen->grid), 16);
	gtk_box_append(GTK_BOX(box), screen->heading);
	gtk_box_append(GTK_BOX(box), screen->hint);
	gtk_box_append(GTK_BOX(box), scrolled_new(screen->grid));
	return box;
}

static GtkWidget *number_new(size_t nth)
{
	GtkWidget *number = gtk_label_new(NULL);
	gtk_widget_add_css_class(number, "number");
	gtk_widget_set_valign(number, GTK_ALIGN_CENTER);
	char text[8];
	g_snprintf(text, sizeof text, "%zu", nth + 1);
	gtk_label_set_text(GTK_LABEL(number), text);
	return number;
}

static GtkWidget *tile_new(struct app *app, const struct bank *bank, size_t nth)
{
	const enum language language = app->model.language;
	GtkWidget *tile = button_new("tile", G_CALLBACK(on_tile), app);
	GtkWidget *row = box_new(GTK_ORIENTATION_HORIZONTAL, NULL);
	gtk_box_set_spacing(GTK_BOX(row), 18);
	GtkWidget *words = box_new(GTK_ORIENTATION_VERTICAL, NULL);
	gtk_box_set_spacing(GTK_BOX(words), 4);
	GtkWidget *name = wrapped_label_new("name"), *other = wrapped_label_new("other");
	gtk_label_set_text(GTK_LABEL(name), bank->name[language]);
	gtk_label_set_text(GTK_LABEL(other), bank->name[language == LANGUAGE_JA ? LANGUAGE_EN : LANGUAGE_JA]);
	gtk_box_append(GTK_BOX(words), name);
	gtk_box_append(GTK_BOX(words), other);
	if (bank->support[0]) {
		GtkWidget *call = wrapped_label_new("call");
		char *text = g_strdup_printf("%s  %s", app_text(app, TEXT_CALL), bank->support);
		gtk_label_set_text(GTK_LABEL(call), text);
		g_free(text);
		gtk_box_append(GTK_BOX(words), call);
	}
	if (nth < DIGITS)
		gtk_box_append(GTK_BOX(row), number_new(nth));
	gtk_box_append(GTK_BOX(row), words);
	gtk_button_set_child(GTK_BUTTON(tile), row);
	gtk_widget_set_hexpand(tile, TRUE);
	return tile;
}

static char *content_of(const struct model *model)
{
	GString *all = g_string_new(NULL);
	g_string_append_printf(all, "%d\n", (int)model->language);
	for (size_t i = 0; i < model->banks.count; i++)
		g_string_append_printf(all, "%s\n%s\n%s\n%s\n", model->banks.list[i].id, model->banks.list[i].name[0],
				       model->banks.list[i].name[1], model->banks.list[i].support);
	return g_string_free(all, FALSE);
}

static void draw_tiles(struct app *app)
{
	struct list_screen *screen = app->list;
	char *content = content_of(&app->model);
	if (screen->drawn && strcmp(screen->drawn, content) == 0) {
		g_free(content);
		return;
	}
	g_free(screen->drawn);
	screen->drawn = content;
	for (size_t i = 0; i < screen->tile_count; i++)
		gtk_grid_remove(GTK_GRID(screen->grid), screen->tiles[i]);
	screen->tile_count = app->model.banks.count;
	const size_t columns = screen->tile_count > 4 ? COLUMNS + 1 : COLUMNS;
	for (size_t i = 0; i < screen->tile_count; i++) {
		screen->tiles[i] = tile_new(app, &app->model.banks.list[i], i);
		gtk_grid_attach(GTK_GRID(screen->grid), screen->tiles[i], (int)(i % columns), (int)(i / columns), 1, 1);
	}
	if (model_screen(&app->model) == SCREEN_LIST)
		list_focus(app);
}

void list_draw(struct app *app)
{
	const bool some = app->model.banks.count > 0;
	gtk_label_set_text(GTK_LABEL(app->list->heading), app_text(app, some ? TEXT_CHOOSE_BANK : TEXT_NO_BANKS));
	gtk_label_set_text(GTK_LABEL(app->list->hint), app_text(app, some ? TEXT_CHOOSE_HINT : TEXT_NO_BANKS_HINT));
	draw_tiles(app);
}

void list_focus(struct app *app)
{
	if (app->list->tile_count > 0)
		gtk_widget_grab_focus(app->list->tiles[0]);
}

void list_choose(struct app *app, size_t nth)
{
	if (nth < app->model.banks.count)
		app_choose(app, &app->model.banks.list[nth]);
}

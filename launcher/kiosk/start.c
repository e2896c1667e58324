#include "launcher/kiosk/app.h"

/* One line per step, and under them what the customer should know about the step in trouble. */

enum { SHOW_SECONDS_AFTER = 4, PHONES_MAX = 3 };

struct row {
	GtkWidget *line, *glyph, *name, *state;
	bool waiting;
	gint64 since_us;
};

struct start_screen {
	struct app *app;
	GtkWidget *heading, *steps;
	struct row rows[STATE_COUNT];
	GtkWidget *advice, *what, *todo, *detail;
	GtkWidget *phones;
};

static void row_new(struct start_screen *screen, struct row *row)
{
	row->line = box_new(GTK_ORIENTATION_HORIZONTAL, "step");
	gtk_box_set_spacing(GTK_BOX(row->line), 14);
	row->glyph = glyph_new(GLYPH_IDLE);
	row->name = label_new("name");
	gtk_widget_set_hexpand(row->name, TRUE);
	row->state = label_new("state");
	gtk_box_append(GTK_BOX(row->line), row->glyph);
	gtk_box_append(GTK_BOX(row->line), row->name);
	gtk_box_append(GTK_BOX(row->line), row->state);
	gtk_box_append(GTK_BOX(screen->steps), row->line);
}

static GtkWidget *advice_new(struct start_screen *screen)
{
	screen->advice = box_new(GTK_ORIENTATION_VERTICAL, "advice");
	gtk_box_set_spacing(GTK_BOX(screen->advice), 6);
	screen->what = wrapped_label_new("what");
	screen->todo = wrapped_label_new("todo");
	screen->detail = wrapped_label_new("small");
	gtk_box_append(GTK_BOX(screen->advice), screen->what);
	gtk_box_append(GTK_BOX(screen->advice), screen->todo);
	gtk_box_append(GTK_BOX(screen->advice), screen->detail);
	return screen->advice;
}

static const struct {
	const char *css_class;
	enum glyph glyph;
	enum text text;
} looks[] = {
    [STEP_WAITING] = {"waiting", GLYPH_WAITING, TEXT_STATE_WAITING},
    [STEP_DONE] = {"done", GLYPH_DONE, TEXT_STATE_DONE},
    [STEP_TROUBLE] = {"trouble", GLYPH_ALERT, TEXT_STATE_TROUBLE},
    [STEP_FAILED] = {"failed", GLYPH_STOP, TEXT_STATE_FAILED},
};

static void row_state(const struct app *app, const struct row *row, const struct step *step)
{
	const char *word = app_text(app, step->begun ? looks[step->outcome].text : TEXT_STATE_IDLE);
	const long seconds = (long)((g_get_monotonic_time() - row->since_us) / G_USEC_PER_SEC);
	if (!row->waiting || seconds < SHOW_SECONDS_AFTER) {
		gtk_label_set_text(GTK_LABEL(row->state), word);
		return;
	}
	char *text = g_strdup_printf("%s  %ld %s", word, seconds, app_text(app, TEXT_SECONDS));
	gtk_label_set_text(GTK_LABEL(row->state), text);
	g_free(text);
}

static void row_draw(const struct app *app, struct row *row, enum stick_state state)
{
	const struct step *step = &app->model.steps[state];
	const bool waiting = step->begun && step->outcome == STEP_WAITING;
	if (waiting && !row->waiting)
		row->since_us = g_get_monotonic_time();
	row->waiting = waiting;
	class_set(row->line, "idle", !step->begun);
	for (size_t i = 0; i < G_N_ELEMENTS(looks); i++)
		class_set(row->line, looks[i].css_class, step->begun && step->outcome == i);
	glyph_set(row->glyph, step->begun ? looks[step->outcome].glyph : GLYPH_IDLE);
	gtk_label_set_text(GTK_LABEL(row->name), step_name(state, app->model.language));
	row_state(app, row, step);
	/* The PIN is asked for only where the policy wants one; no line for what will not happen. */
	const bool wanted = state != STATE_UNLOCK || (step->begun && step->outcome != STEP_DONE);
	gtk_widget_set_visible(row->line, wanted && step_name(state, app->model.language)[0] != '\0');
}

static gboolean on_tick(gpointer data)
{
	struct start_screen *screen = data;
	for (int i = 0; i < STATE_COUNT; i++) {
		glyph_tick(screen->rows[i].glyph);
		if (screen->rows[i].waiting && gtk_widget_get_mapped(screen->rows[i].line))
			row_state(screen->app, &screen->rows[i], &screen->app->model.steps[i]);
	}
	return G_SOURCE_CONTINUE;
}

GtkWidget *start_new(struct app *app)
{
	struct start_screen *screen = g_new0(struct start_screen, 1);
	app->start = screen;
	screen->app = app;
	GtkWidget *box = box_new(GTK_ORIENTATION_VERTICAL, "start");
	gtk_box_set_spacing(GTK_BOX(box), 10);
	screen->heading = label_new("heading");
	screen->steps = box_new(GTK_ORIENTATION_VERTICAL, "steps");
	for (int i = 0; i < STATE_COUNT; i++)
		row_new(screen, &screen->rows[i]);
	screen->phones = wrapped_label_new("phone");
	gtk_box_append(GTK_BOX(box), screen->heading);
	gtk_box_append(GTK_BOX(box), screen->steps);
	gtk_box_append(GTK_BOX(box), advice_new(screen));
	gtk_box_append(GTK_BOX(box), screen->phones);
	g_timeout_add(500, on_tick, screen);
	return box;
}

static void draw_advice(struct app *app, const struct step *step)
{
	struct start_screen *screen = app->start;
	const enum language language = app->model.language;
	const bool trouble = step && (step->outcome == STEP_TROUBLE || step->outcome == STEP_FAILED);
	gtk_widget_set_visible(screen->advice, trouble);
	if (!trouble)
		return;
	const struct advice *advice = advice_for(ABOUT_STEP, step->code);
	gtk_label_set_text(GTK_LABEL(screen->what), advice->what[language]);
	gtk_label_set_text(GTK_LABEL(screen->todo), advice->todo[language]);
	char *detail = NULL;
	if (step->code[0] || step->detail[0])
		detail = g_strdup_printf("%s: %s%s%s", app_text(app, TEXT_DETAIL), step->code,
					 step->code[0] && step->detail[0] ? " - " : "", step->detail);
	label_show(screen->detail, detail);
	g_free(detail);
}

/* Telephones are shown once something is in trouble; until then the screen stays calm. */
static void draw_phones(struct app *app, bool trouble)
{
	const struct banks *banks = &app->model.banks;
	GString *text = g_string_new(NULL);
	for (size_t i = 0; trouble && i < banks->count && i < PHONES_MAX; i++)
		if (banks->list[i].support[0])
			g_string_append_printf(text, "%s%s  %s  %s", text->len ? "\n" : "", app_text(app, TEXT_CALL),
					       banks->list[i].support, banks->list[i].name[app->model.language]);
	label_show(app->start->phones, text->str);
	g_string_free(text, TRUE);
}

void start_draw(struct app *app)
{
	struct start_screen *screen = app->start;
	const int current = model_current_step(&app->model);
	const struct step *step = current >= 0 ? &app->model.steps[current] : NULL;
	enum text heading = TEXT_PREPARING;
	if (step && step->outcome == STEP_TROUBLE)
		heading = TEXT_PREPARING_TROUBLE;
	if (step && step->outcome == STEP_FAILED)
		heading = TEXT_PREPARING_FAILED;
	gtk_label_set_text(GTK_LABEL(screen->heading), app_text(app, heading));
	for (int i = 0; i < STATE_COUNT; i++)
		row_draw(app, &screen->rows[i], (enum stick_state)i);
	draw_advice(app, step);
	draw_phones(app, heading != TEXT_PREPARING);
}

/* The card over a bank's page that asks for a token's PIN, or says why the token cannot be used. */
#include "launcher/kiosk/app.h"

static void answer_done(gpointer data)
{
	struct app *app = data;
	const struct token_entry *token = &app->model.token;
	if (token_takes(token) && token->typed >= TOKEN_PIN_MIN)
		app_send_token_pin(app);
}

static void answer_without(gpointer data)
{
	struct app *app = data;
	token_hide(&app->model.token);
	app_draw(app);
}

static void answer_again(gpointer data)
{
	struct app *app = data;
	token_hide(&app->model.token);
	app_draw(app);
	bank_reload(app);
}

/* What is asked, behind what the token says of the tries that are left. */
static char *explain(const struct app *app)
{
	static const enum text texts[TOKEN_TRIES_COUNT] = {
	    [TOKEN_TRIES_FEW] = TEXT_TOKEN_FEW, [TOKEN_TRIES_LAST] = TEXT_TOKEN_LAST};
	const struct token_entry *token = &app->model.token;
	if (token->checking)
		return g_strdup(app_text(app, TEXT_PIN_CHECKING));
	if (token->tries == TOKEN_TRIES_NOT_SAID)
		return g_strdup(app_text(app, TEXT_TOKEN_EXPLAINED));
	return g_strconcat(app_text(app, texts[token->tries]), "\n", app_text(app, TEXT_TOKEN_EXPLAINED), NULL);
}

static void draw_question(struct app *app)
{
	const struct token_entry *token = &app->model.token;
	const bool checking = token->checking, wrong = token->state == TOKEN_WRONG_PIN && !checking;
	char dots[TOKEN_PIN_MAX * 4 + 8];
	char *what = explain(app);
	token_dots(token, dots, sizeof dots);
	const struct card_content content = {
	    .glyph = GLYPH_QUESTION,
	    .warn = !checking && (wrong || token->tries != TOKEN_TRIES_NOT_SAID),
	    .title = app_text(app, TEXT_TOKEN_TITLE),
	    .what = what,
	    .host_label = app_text(app, TEXT_TOKEN_NAME),
	    .host = token->label,
	    .todo_label = app_text(app, TEXT_TOKEN_TYPED),
	    .todo = checking ? NULL : dots,
	    .phone = wrong ? app_text(app, TEXT_PIN_WRONG) : NULL,
	    .note = app_text(app, TEXT_TOKEN_NOT_OTHERS),
	    .buttons = {{checking ? NULL : app_text(app, TEXT_PIN_DONE), "primary", answer_done},
			{checking ? NULL : app_text(app, TEXT_TOKEN_WITHOUT), "", answer_without}},
	    .context = app,
	};
	card_show(app->token, &content);
	g_free(what);
}

static void draw_trouble(struct app *app)
{
	const enum language language = app->model.language;
	const struct advice *advice = advice_for(ABOUT_TOKEN, token_code(app->model.token.state));
	const struct card_content content = {
	    .glyph = GLYPH_ALERT,
	    .warn = true,
	    .title = app_text(app, TEXT_TOKEN_TROUBLE_TITLE),
	    .what = advice->what[language],
	    .host_label = app_text(app, TEXT_TOKEN_NAME),
	    .host = app->model.token.label,
	    .todo_label = app_text(app, TEXT_WHAT_TO_DO),
	    .todo = advice->todo[language],
	    .buttons = {{app_text(app, TEXT_TRY_AGAIN), "primary", answer_again},
			{app_text(app, TEXT_TOKEN_WITHOUT), "", answer_without}},
	    .context = app,
	};
	card_show(app->token, &content);
}

void token_draw(struct app *app)
{
	const struct token_entry *token = &app->model.token;
	if (!token->shown || app->model.frozen || model_screen(&app->model) != SCREEN_BANK)
		card_hide(app->token);
	else if (token_takes(token) || token->checking)
		draw_question(app);
	else
		draw_trouble(app);
}

gboolean token_typed(struct app *app, guint keyval, GdkModifierType state)
{
	if (!card_shown(app->token))
		return FALSE;
	if (keyval == GDK_KEY_Escape && !app->model.token.checking) {
		answer_without(app);
		return TRUE;
	}
	if (state & GDK_CONTROL_MASK)
		return TRUE; /* nothing to be copied or pasted */
	switch (token_key(&app->model.token, keyval)) {
	case PIN_PRESS_DONE:
		app_send_token_pin(app);
		return TRUE;
	case PIN_PRESS_TAKEN:
		token_draw(app);
		return TRUE;
	case PIN_PRESS_OTHER:
		break;
	}
	return FALSE;
}

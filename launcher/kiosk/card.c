#include "launcher/kiosk/card.h"

#include "launcher/kiosk/app.h"

struct card {
	GtkWidget *under;
	GtkWidget *layer; /* the scrim */
	GtkWidget *box, *glyph, *title, *what, *host_label, *host, *todo_label, *todo, *phone, *note, *entry;
	GtkWidget *row;
	GtkWidget *buttons[CARD_BUTTONS_MAX];
	card_fn *clicked[CARD_BUTTONS_MAX];
	gpointer context;
	GtkWidget *focus_before; /* weak */
	char *shown;             /* all that is written on it, to know the same content again */
};

static void on_clicked(GtkButton *button, struct card *card)
{
	for (size_t i = 0; i < CARD_BUTTONS_MAX; i++)
		if (card->buttons[i] == GTK_WIDGET(button) && card->clicked[i]) {
			card->clicked[i](card->context);
			return;
		}
}

static void on_entry(GtkEntry *entry, struct card *card)
{
	(void)entry;
	if (card->clicked[0])
		card->clicked[0](card->context);
}

static void append(GtkWidget *box, GtkWidget *child) { gtk_box_append(GTK_BOX(box), child); }

static void build_head(struct card *card)
{
	GtkWidget *head = box_new(GTK_ORIENTATION_HORIZONTAL, "head");
	gtk_box_set_spacing(GTK_BOX(head), 14);
	card->glyph = glyph_new(GLYPH_QUESTION);
	card->title = wrapped_label_new("title");
	append(head, card->glyph);
	append(head, card->title);
	append(card->box, head);
}

static void build_body(struct card *card)
{
	card->what = wrapped_label_new("what");
	card->host_label = label_new("label");
	card->host = wrapped_label_new("host");
	card->todo_label = label_new("label");
	card->todo = wrapped_label_new("todo");
	card->phone = label_new("phone");
	card->note = wrapped_label_new("small");
	card->entry = gtk_entry_new();
	g_signal_connect(card->entry, "activate", G_CALLBACK(on_entry), card);
	GtkWidget *const parts[] = {card->what, card->host_label, card->host, card->todo_label,
				    card->todo, card->phone,      card->note, card->entry};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		append(card->box, parts[i]);
}

struct card *card_new(GtkWidget *under)
{
	struct card *card = g_new0(struct card, 1);
	card->under = under;
	card->layer = box_new(GTK_ORIENTATION_VERTICAL, "scrim");
	gtk_widget_set_focusable(card->layer, TRUE);
	card->box = box_new(GTK_ORIENTATION_VERTICAL, "box");
	gtk_box_set_spacing(GTK_BOX(card->box), 12);
	gtk_widget_set_halign(card->box, GTK_ALIGN_CENTER);
	gtk_widget_set_valign(card->box, GTK_ALIGN_CENTER);
	gtk_widget_set_vexpand(card->box, TRUE);
	append(card->layer, card->box);
	build_head(card);
	build_body(card);
	card->row = box_new(GTK_ORIENTATION_HORIZONTAL, "row");
	gtk_box_set_spacing(GTK_BOX(card->row), 14);
	gtk_widget_set_halign(card->row, GTK_ALIGN_END);
	append(card->box, card->row);
	for (size_t i = 0; i < CARD_BUTTONS_MAX; i++) {
		card->buttons[i] = button_new(NULL, G_CALLBACK(on_clicked), card);
		append(card->row, card->buttons[i]);
	}
	gtk_widget_set_visible(card->layer, FALSE);
	return card;
}

GtkWidget *card_widget(struct card *card) { return card->layer; }

static void fill_buttons(struct card *card, const struct card_content *content)
{
	GtkWidget *first = NULL;
	for (size_t i = 0; i < CARD_BUTTONS_MAX; i++) {
		const struct card_button *button = &content->buttons[i];
		card->clicked[i] = button->clicked;
		gtk_widget_set_visible(card->buttons[i], button->label != NULL);
		if (!button->label)
			continue;
		gtk_button_set_label(GTK_BUTTON(card->buttons[i]), button->label);
		class_set(card->buttons[i], "primary", strstr(button->css_class, "primary") != NULL);
		class_set(card->buttons[i], "power", strstr(button->css_class, "power") != NULL);
		if (!first && strstr(button->css_class, "primary"))
			first = card->buttons[i];
	}
	gtk_widget_set_visible(card->row, content->buttons[0].label != NULL);
	if (content->entry)
		gtk_widget_grab_focus(card->entry);
	else /* never left where it was: what is covered must not be typed into */
		gtk_widget_grab_focus(first ? first : card->layer);
}

static char *written(const struct card_content *c)
{
	GString *all = g_string_new(NULL);
	const char *const parts[] = {c->title, c->what,  c->host_label, c->host,      c->todo_label,
				     c->todo,  c->phone, c->note,       c->entry_text};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		g_string_append_printf(all, "%s\n", parts[i] ? parts[i] : "");
	for (size_t i = 0; i < CARD_BUTTONS_MAX; i++)
		g_string_append_printf(all, "%s\n", c->buttons[i].label ? c->buttons[i].label : "");
	g_string_append_printf(all, "%d%d%d%d%d", (int)c->glyph, c->warn, c->danger, c->solid, c->entry);
	return g_string_free(all, FALSE);
}

static void set_under(struct card *card, gboolean free)
{
	gtk_widget_set_can_target(card->under, free);
	gtk_widget_set_can_focus(card->under, free);
}

static void focus_remember(struct card *card)
{
	GtkRoot *root = gtk_widget_get_root(card->layer);
	g_set_weak_pointer(&card->focus_before, root ? gtk_root_get_focus(root) : NULL);
}

static void focus_return(struct card *card)
{
	if (card->focus_before && gtk_widget_get_mapped(card->focus_before))
		gtk_widget_grab_focus(card->focus_before);
	g_clear_weak_pointer(&card->focus_before);
}

void card_show(struct card *card, const struct card_content *c)
{
	char *all = written(c);
	card->context = c->context;
	if (card->shown && strcmp(card->shown, all) == 0) {
		g_free(all);
		return;
	}
	if (!card->shown)
		focus_remember(card);
	g_free(card->shown);
	card->shown = all;
	set_under(card, FALSE);
	class_set(card->layer, "solid", c->solid);
	class_set(card->box, "warn", c->warn);
	class_set(card->box, "danger", c->danger);
	class_set(card->host, "code", c->code);
	glyph_set(card->glyph, c->glyph);
	label_show(card->title, c->title);
	label_show(card->what, c->what);
	label_show(card->host_label, c->host ? c->host_label : "");
	label_show(card->host, c->host);
	label_show(card->todo_label, c->todo ? c->todo_label : "");
	label_show(card->todo, c->todo);
	label_show(card->phone, c->phone);
	label_show(card->note, c->note);
	gtk_widget_set_visible(card->entry, c->entry);
	gtk_editable_set_text(GTK_EDITABLE(card->entry), c->entry_text ? c->entry_text : "");
	gtk_widget_set_visible(card->layer, TRUE);
	fill_buttons(card, c);
}

void card_hide(struct card *card)
{
	if (!card->shown)
		return;
	g_clear_pointer(&card->shown, g_free);
	gtk_editable_set_text(GTK_EDITABLE(card->entry), "");
	set_under(card, TRUE);
	focus_return(card);
	gtk_widget_set_visible(card->layer, FALSE);
}

bool card_shown(const struct card *card) { return card->shown != NULL; }

const char *card_entry_text(struct card *card) { return gtk_editable_get_text(GTK_EDITABLE(card->entry)); }

void card_tick(struct card *card) { glyph_tick(card->glyph); }

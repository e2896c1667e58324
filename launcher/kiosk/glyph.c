#include "launcher/kiosk/glyph.h"

#include <math.h>

enum { TURN_STEPS = 8 };

struct sign {
	enum glyph glyph;
	int turn;
};

static void stroke_round(cairo_t *cr, double width)
{
	cairo_set_line_width(cr, width);
	cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
	cairo_stroke(cr);
}

static void set_rgb(cairo_t *cr, unsigned rgb, double alpha)
{
	cairo_set_source_rgba(cr, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0, alpha);
}

static void draw_disc(cairo_t *cr)
{
	cairo_arc(cr, 50, 50, 44, 0, 2 * G_PI);
	cairo_fill(cr);
}

static void draw_idle(cairo_t *cr)
{
	cairo_arc(cr, 50, 50, 38, 0, 2 * G_PI);
	stroke_round(cr, 7);
}

static void draw_waiting(cairo_t *cr, const GdkRGBA *color, int turn)
{
	for (int i = 0; i < TURN_STEPS; i++) {
		const double angle = 2 * G_PI * i / TURN_STEPS - G_PI / 2;
		const int age = (turn - i + 2 * TURN_STEPS) % TURN_STEPS;
		cairo_set_source_rgba(cr, color->red, color->green, color->blue, age < 5 ? 1.0 - 0.17 * age : 0.16);
		cairo_arc(cr, 50 + 36 * cos(angle), 50 + 36 * sin(angle), 9, 0, 2 * G_PI);
		cairo_fill(cr);
	}
}

static void draw_done(cairo_t *cr)
{
	draw_disc(cr);
	cairo_move_to(cr, 28, 52);
	cairo_line_to(cr, 44, 68);
	cairo_line_to(cr, 73, 34);
	set_rgb(cr, 0xffffff, 1);
	stroke_round(cr, 10);
}

/* What stands on a disc: white, and on a light disc dark. */
static void set_mark(cairo_t *cr, const GdkRGBA *disc)
{
	const bool light = disc->red > 0.7F && disc->green > 0.7F && disc->blue > 0.7F;
	set_rgb(cr, light ? 0x7c2c0a : 0xffffff, 1);
}

static void draw_alert(cairo_t *cr, const GdkRGBA *color)
{
	draw_disc(cr);
	set_mark(cr, color);
	cairo_move_to(cr, 50, 25);
	cairo_line_to(cr, 50, 56);
	stroke_round(cr, 11);
	cairo_arc(cr, 50, 75, 6.5, 0, 2 * G_PI);
	cairo_fill(cr);
}

static void draw_stop(cairo_t *cr, const GdkRGBA *color)
{
	draw_disc(cr);
	set_mark(cr, color);
	cairo_move_to(cr, 34, 34);
	cairo_line_to(cr, 66, 66);
	cairo_move_to(cr, 66, 34);
	cairo_line_to(cr, 34, 66);
	stroke_round(cr, 10);
}

static void draw_question(cairo_t *cr, const GdkRGBA *color)
{
	draw_disc(cr);
	set_mark(cr, color);
	cairo_arc(cr, 50, 39, 15, -G_PI * 0.95, G_PI * 0.4);
	cairo_line_to(cr, 50, 60);
	stroke_round(cr, 9);
	cairo_arc(cr, 50, 76, 6, 0, 2 * G_PI);
	cairo_fill(cr);
}

static void draw_beam(cairo_t *cr, double x, double y, double width, double height)
{
	cairo_rectangle(cr, x, y, width, height);
	cairo_fill(cr);
}

/* A post-and-beam gate on the road, its doors open, the sun behind it: the way through is free. */
static void draw_gate(cairo_t *cr, const GdkRGBA *color)
{
	cairo_set_source_rgba(cr, color->red, color->green, color->blue, 0.95);
	cairo_arc(cr, 50, 55, 14, 0, 2 * G_PI);
	cairo_fill(cr);
	/* the road, from here to the horizon */
	set_rgb(cr, 0xffffff, 0.22);
	cairo_move_to(cr, 49, 69);
	cairo_line_to(cr, 51, 69);
	cairo_line_to(cr, 68, 96);
	cairo_line_to(cr, 32, 96);
	cairo_close_path(cr);
	cairo_fill(cr);
	set_rgb(cr, 0xffffff, 1);
	/* roof: a shallow curve over the ridge */
	cairo_move_to(cr, 4, 20);
	cairo_curve_to(cr, 30, 17, 40, 10, 50, 6);
	cairo_curve_to(cr, 60, 10, 70, 17, 96, 20);
	cairo_line_to(cr, 94, 27);
	cairo_curve_to(cr, 70, 23, 30, 23, 6, 27);
	cairo_close_path(cr);
	cairo_fill(cr);
	draw_beam(cr, 14, 33, 72, 6);
	draw_beam(cr, 20, 46, 60, 3.4);
	draw_beam(cr, 22, 25, 7, 71);
	draw_beam(cr, 71, 25, 7, 71);
	/* the open doors, seen from the side */
	set_rgb(cr, 0xffffff, 0.55);
	cairo_move_to(cr, 30, 50);
	cairo_line_to(cr, 37, 53);
	cairo_line_to(cr, 37, 87);
	cairo_line_to(cr, 30, 95);
	cairo_close_path(cr);
	cairo_move_to(cr, 70, 50);
	cairo_line_to(cr, 63, 53);
	cairo_line_to(cr, 63, 87);
	cairo_line_to(cr, 70, 95);
	cairo_close_path(cr);
	cairo_fill(cr);
}

static void draw(GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
	const struct sign *sign = data;
	const double side = MIN(width, height);
	GdkRGBA color;
	gtk_widget_get_color(GTK_WIDGET(area), &color);
	cairo_translate(cr, (width - side) / 2, (height - side) / 2);
	cairo_scale(cr, side / 100, side / 100);
	gdk_cairo_set_source_rgba(cr, &color);
	switch (sign->glyph) {
	case GLYPH_IDLE:
		draw_idle(cr);
		break;
	case GLYPH_WAITING:
		draw_waiting(cr, &color, sign->turn);
		break;
	case GLYPH_DONE:
		draw_done(cr);
		break;
	case GLYPH_ALERT:
		draw_alert(cr, &color);
		break;
	case GLYPH_STOP:
		draw_stop(cr, &color);
		break;
	case GLYPH_QUESTION:
		draw_question(cr, &color);
		break;
	case GLYPH_GATE:
		draw_gate(cr, &color);
		break;
	}
}

static struct sign *sign_of(GtkWidget *widget) { return g_object_get_data(G_OBJECT(widget), "sign"); }

GtkWidget *glyph_new(enum glyph glyph)
{
	GtkWidget *area = gtk_drawing_area_new();
	struct sign *sign = g_new0(struct sign, 1);
	sign->glyph = glyph;
	g_object_set_data_full(G_OBJECT(area), "sign", sign, g_free);
	gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(area), draw, sign, NULL);
	gtk_widget_add_css_class(area, "glyph");
	gtk_widget_set_valign(area, GTK_ALIGN_CENTER);
	return area;
}

void glyph_set(GtkWidget *widget, enum glyph glyph)
{
	struct sign *sign = sign_of(widget);
	if (sign->glyph == glyph)
		return;
	sign->glyph = glyph;
	gtk_widget_queue_draw(widget);
}

void glyph_tick(GtkWidget *widget)
{
	struct sign *sign = sign_of(widget);
	if (sign->glyph != GLYPH_WAITING || !gtk_widget_get_mapped(widget))
		return;
	sign->turn = (sign->turn + 1) % TURN_STEPS;
	gtk_widget_queue_draw(widget);
}

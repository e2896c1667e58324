/*
 * script FILE - open a page of ours in the same WebKit as the stick's, with the kiosk's settings, and print its title
 * when it has one. The environment says whether its script is compiled (JSC_useJIT). Wants a compositor.
 */
#include <stdio.h>
#include <stdlib.h>

#include "launcher/kiosk/web_settings.h"

enum { LONGEST_S = 300 };

static void on_title(WebKitWebView *view, GParamSpec *property, GMainLoop *loop)
{
	(void)property;
	const char *title = webkit_web_view_get_title(view);
	if (!title || !*title)
		return;
	puts(title);
	g_main_loop_quit(loop);
}

static gboolean on_too_long(gpointer unused)
{
	(void)unused;
	fputs("script: the page does not come to its end\n", stderr);
	exit(1);
}

int main(int argc, char **argv)
{
	char *html = NULL;
	if (argc != 2 || !g_file_get_contents(argv[1], &html, NULL, NULL) || !gtk_init_check()) {
		fputs("usage: script FILE, under a compositor\n", stderr);
		return 2;
	}
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	WebKitWebView *view = g_object_new(WEBKIT_TYPE_WEB_VIEW, "settings", web_settings_new(), NULL);
	GtkWidget *window = gtk_window_new();
	gtk_window_set_default_size(GTK_WINDOW(window), 1280, 760);
	gtk_window_set_child(GTK_WINDOW(window), GTK_WIDGET(view));
	gtk_window_present(GTK_WINDOW(window));
	g_signal_connect(view, "notify::title", G_CALLBACK(on_title), loop);
	g_timeout_add_seconds(LONGEST_S, on_too_long, NULL);
	webkit_web_view_load_html(view, html, "https://www.bank.example/");
	g_main_loop_run(loop);
	return 0;
}

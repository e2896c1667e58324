/*
 * page - a customer's browser that tells how long its pages took: the same WebKit as the stick's, with the kiosk's
 * settings, for `make bench-page`. Wants a compositor.
 *
 * Standard input has an address a line; each is loaded when it has come, the first into a web process that is not there
 * yet, as the kiosk's. For each one line of JSON is printed:
 *
 *   ms        from the order to load until all of the page has come, scripts have run, and WebKit says so
 *   page_ms   the same by the page's own clock (Navigation Timing: from navigationStart to loadEventEnd)
 *   objects   what it loaded beside itself; scripts: how many of its scripts ran
 *   asked_ms, html_ms, last_ms, ready_ms   by that clock: the page was asked for, has come, the last of its objects has
 *             come, and its scripts have run
 *   error     why it did not load, else absent
 *
 * and what the machine did meanwhile (cost.h).
 *
 * Ends with standard input, or when the line is "end".
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher/kiosk/web_settings.h"
#include "tests/bench/cost.h"

enum { LONGEST_S = 300, AFTER_MS = 20, COST_BYTES = 4096 };

static struct {
	WebKitWebView *view;
	GIOChannel *input;
	gint64 began_us, ended_us;
	char cost[COST_BYTES];
	guint too_long;
} page;

static const char timing[] = "const n = performance.getEntriesByType('navigation')[0];"
			     "const r = performance.getEntriesByType('resource');"
			     "return JSON.stringify({page_ms: n.loadEventEnd, objects: r.length,"
			     " asked_ms: n.requestStart, html_ms: n.responseEnd, ready_ms: n.domContentLoadedEventEnd,"
			     " last_ms: Math.max(...r.map(e => e.responseEnd)),"
			     " protocols: [...new Set(r.map(e => e.nextHopProtocol))].join(' '),"
			     " scripts: window.scripts || 0});";

static void say(const char *rest)
{
	g_source_remove(page.too_long);
	printf("{\"ms\": %.1f, %s, %s\n", (double)(page.ended_us - page.began_us) / 1000, page.cost, rest);
	fflush(stdout);
}

static void on_timing(GObject *view, GAsyncResult *result, gpointer unused)
{
	GError *error = NULL;
	(void)unused;
	JSCValue *value = webkit_web_view_call_async_javascript_function_finish(WEBKIT_WEB_VIEW(view), result, &error);
	char *text = value ? jsc_value_to_string(value) : NULL;
	say(text ? text + 1 : "\"error\": \"the page does not tell\"}");
	g_free(text);
	g_clear_object(&value);
	g_clear_error(&error);
}

/* Not at once: the page's load event must have ended for its end to be told. */
static gboolean ask(gpointer unused)
{
	(void)unused;
	webkit_web_view_call_async_javascript_function(page.view, timing, -1, NULL, NULL, NULL, NULL, on_timing, NULL);
	return G_SOURCE_REMOVE;
}

static void on_load(WebKitWebView *view, WebKitLoadEvent event, gpointer unused)
{
	(void)view;
	(void)unused;
	if (event != WEBKIT_LOAD_FINISHED || page.ended_us)
		return;
	page.ended_us = g_get_monotonic_time();
	cost_say(page.cost, sizeof page.cost);
	g_timeout_add(AFTER_MS, ask, NULL);
}

static gboolean on_failed(WebKitWebView *view, WebKitLoadEvent event, const char *uri, GError *error, gpointer unused)
{
	(void)view;
	(void)event;
	(void)unused;
	fprintf(stderr, "page: %s: %s\n", uri, error->message);
	exit(1);
}

static gboolean on_failed_tls(WebKitWebView *view, const char *uri, GTlsCertificate *certificate,
			      GTlsCertificateFlags flags, gpointer unused)
{
	(void)view;
	(void)certificate;
	(void)unused;
	fprintf(stderr, "page: %s: certificate (0x%x)\n", uri, (unsigned)flags);
	exit(1);
}

static gboolean on_too_long(gpointer unused)
{
	(void)unused;
	fputs("page: it does not come to its end\n", stderr);
	exit(1);
}

static gboolean on_line(GIOChannel *input, GIOCondition condition, gpointer unused)
{
	char *line = NULL;
	gsize end = 0;
	(void)condition;
	(void)unused;
	if (g_io_channel_read_line(input, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL)
		exit(0);
	line[end] = '\0';
	if (strcmp(line, "end") == 0)
		exit(0);
	page.too_long = g_timeout_add_seconds(LONGEST_S, on_too_long, NULL);
	page.ended_us = 0;
	cost_begin();
	page.began_us = g_get_monotonic_time();
	webkit_web_view_load_uri(page.view, line);
	g_free(line);
	return G_SOURCE_CONTINUE;
}

static gboolean on_end(GIOChannel *input, GIOCondition condition, gpointer unused)
{
	(void)input;
	(void)condition;
	(void)unused;
	exit(0);
}

int main(void)
{
	if (!gtk_init_check()) {
		fputs("page: wants a compositor\n", stderr);
		return 2;
	}
	page.input = g_io_channel_unix_new(STDIN_FILENO);
	page.view = g_object_new(WEBKIT_TYPE_WEB_VIEW, "web-context", web_context_new_for(LANGUAGE_JA),
				 "network-session", web_session_new(), "settings", web_settings_new(), NULL);
	GtkWidget *window = gtk_window_new();
	gtk_window_set_default_size(GTK_WINDOW(window), 1280, 760);
	gtk_window_set_child(GTK_WINDOW(window), GTK_WIDGET(page.view));
	gtk_window_present(GTK_WINDOW(window));
	g_signal_connect(page.view, "load-changed", G_CALLBACK(on_load), NULL);
	g_signal_connect(page.view, "load-failed", G_CALLBACK(on_failed), NULL);
	g_signal_connect(page.view, "load-failed-with-tls-errors", G_CALLBACK(on_failed_tls), NULL);
	puts("ready");
	fflush(stdout);
	g_io_add_watch(page.input, G_IO_IN, on_line, NULL);
	g_io_add_watch(page.input, G_IO_HUP, on_end, NULL);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return 0;
}

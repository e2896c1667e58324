/*
 * page - in place of the kiosk in tests/rig/stick: the same walls and the same browser module, and a bank's page opened
 * at once, so that WebKit's processes run. There is no broker: the page is one that cannot be reached.
 */
#include "firmware/lib/log.h"
#include "launcher/kiosk/module.h"
#include "launcher/kiosk/walls.h"
#include "launcher/kiosk/web.h"

static void on_trouble(gpointer context, enum web_trouble trouble, enum refusal refusal, const char *host)
{
	(void)context;
	log_info("trouble %d, refusal %d, %s", (int)trouble, (int)refusal, host);
}

static void on_left_out(gpointer context, enum refusal refusal, const char *host)
{
	on_trouble(context, WEB_REFUSED, refusal, host);
}

static void on_change(gpointer context) { (void)context; }

static void on_question(gpointer context, enum web_question question, const char *text, const char *proposal)
{
	(void)context;
	(void)question;
	(void)text;
	(void)proposal;
}

int main(void)
{
	static char id[] = "bank", start[] = "https://www.bank.example/", host[] = "www.bank.example";
	static char *hosts[] = {host};
	static const struct web_calls calls = {on_change, on_change, on_trouble, on_left_out, on_question};
	struct bank bank = {.id = id, .name = {id, id}, .start = start, .support = id, .hosts = hosts, .host_count = 1};
	log_open("page");
	if (walls_enter())
		fatal("no walls");
	if (!gtk_init_check())
		fatal("no display");
	const struct web_api *browser = module_wait();
	if (!browser)
		fatal("no browser");
	struct web *web = browser->create(&bank, LANGUAGE_JA, &calls, NULL);
	if (!web)
		fatal("no page");
	GtkWidget *window = gtk_window_new();
	gtk_window_set_child(GTK_WINDOW(window), browser->widget(web));
	gtk_window_present(GTK_WINDOW(window));
	browser->load_start(web);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return 0;
}

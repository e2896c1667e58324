/*
 * kiosk - the stick's one window: start screen, list of banks, a bank's page under the trust bar.
 *
 * Holds nothing. Reads the bank's pages (through WebKit) and image.json. Speaks to the launcher: over the descriptor
 * named in SEKISHO_CHANNEL, or the socket named in SEKISHO_SOCKET (cage starts us, so that a descriptor of the
 * launcher's does not always reach us). The end of the channel is the end of the kiosk.
 */
#include <errno.h>
#include <glib-unix.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "launcher/kiosk/app.h"
#include "launcher/kiosk/module.h"
#include "launcher/kiosk/walls.h"

static const char IMAGE_FILE[] = "/sekisho/etc/image.json";

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int open_channel(void)
{
	const char *number = getenv("SEKISHO_CHANNEL"), *path = getenv("SEKISHO_SOCKET");
	int fd = -EDESTADDRREQ;
	if (number) {
		char *end = NULL;
		const long value = strtol(number, &end, 10);
		fd = *number != '\0' && *end == '\0' && value > 2 && value < 1024 ? (int)value : -EBADF;
	} else if (path) {
		fd = connect_to(path);
	}
	/* WebKit's processes inherit neither the descriptor nor its name. */
	if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0))
		fd = -errno;
	unsetenv("SEKISHO_CHANNEL");
	unsetenv("SEKISHO_SOCKET");
	return fd;
}

static void read_image_file(struct model *model)
{
	json_t *image = json_load_file(IMAGE_FILE, 0, NULL);
	const json_int_t version = json_integer_value(json_object_get(image, "version"));
	const gint64 date = json_integer_value(json_object_get(image, "date"));
	GDateTime *day = date > 0 ? g_date_time_new_from_unix_utc(date) : NULL;
	if (day) {
		char *text = g_date_time_format(day, "%Y-%m-%d");
		g_snprintf(model->image, sizeof model->image, "%" JSON_INTEGER_FORMAT " (%s)", version, text);
		g_free(text);
		g_date_time_unref(day);
	}
	model->devel = json_is_true(json_object_get(image, "devel"));
	const char *by = json_string_value(json_object_get(image, "signed"));
	model->development_keys = !by || strcmp(by, "owner") != 0;
	const char *language = json_string_value(json_object_get(image, "language"));
	model->language = language && strcmp(language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_JA;
	json_decref(image);
}

static gboolean on_channel(gint fd, GIOCondition condition, gpointer data)
{
	static struct msg m = {.most_bytes = KIOSK_BANKS_MAX_BYTES};
	struct app *app = data;
	(void)condition;
	for (;;) {
		int got = msg_receive(fd, &m);
		if (got == -EAGAIN)
			return G_SOURCE_CONTINUE;
		unsigned changes = 0;
		if (got == 1)
			got = model_apply(&app->model, &m, &changes) == 0 ? 1 : -EBADMSG;
		if (got != 1) {
			log_error("the launcher's channel ended: %s", got == 0 ? "closed" : g_strerror(-got));
			g_main_loop_quit(app->loop);
			return G_SOURCE_REMOVE;
		}
		app_changed(app, changes);
	}
}

int main(void)
{
	log_open("kiosk");
	int error = walls_enter();
	if (error)
		fatal("the kiosk's walls cannot be set up: %s", strerror(-error));
	struct app app = {.channel = open_channel()};
	if (app.channel < 0)
		fatal("no channel to the launcher (SEKISHO_CHANNEL or SEKISHO_SOCKET): %s", strerror(-app.channel));
	if (!gtk_init_check())
		fatal("no display to draw on: is cage running, and is WAYLAND_DISPLAY set?");
	read_image_file(&app.model);
	app.loop = g_main_loop_new(NULL, FALSE);
	app_open(&app);
	g_unix_fd_add(app.channel, G_IO_IN, on_channel, &app);
	error = msg_send(app.channel, MSG_READY, 0, NULL, 0);
	if (error)
		fatal("the launcher does not listen: %s", strerror(-error));
	module_load();
	g_main_loop_run(app.loop);
	bank_close(&app);
	return EXIT_FAILURE; /* nobody ends the kiosk but the launcher */
}

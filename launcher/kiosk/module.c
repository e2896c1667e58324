#include "launcher/kiosk/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/log.h"

/* The first frames are drawn before the disk and a processor are busy with WebKit. */
enum { LOAD_AFTER_MS = 400 };

static GThread *loading;
static const struct web_api *loaded;

/* Beside the program, wherever that is: both lie in the verified root. */
static int module_path(char *path, size_t size)
{
	char program[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	if (length < 0)
		return -errno;
	program[length] = '\0';
	const char *slash = strrchr(program, '/');
	if (!slash)
		return -ENOENT;
	const int written = snprintf(path, size, "%.*s/kiosk-web.so", (int)(slash - program), program);
	return written > 0 && (size_t)written < size ? 0 : -ENAMETOOLONG;
}

static gpointer load(gpointer data)
{
	char path[PATH_MAX];
	(void)data;
	int error = module_path(path, sizeof path);
	if (error) {
		log_error("where the browser's module lies is not known: %s", strerror(-error));
		return NULL;
	}
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const void *table = module ? dlsym(module, "web_api") : NULL;
	if (!table)
		log_error("the browser's module cannot be loaded: %s", dlerror());
	return (gpointer)table;
}

static gboolean begin(gpointer data)
{
	if (!loading && !loaded)
		loading = g_thread_new("browser", load, data);
	return G_SOURCE_REMOVE;
}

void module_load(void) { g_timeout_add(LOAD_AFTER_MS, begin, NULL); }

const struct web_api *module_wait(void)
{
	if (!loaded)
		begin(NULL);
	if (loading)
		loaded = g_thread_join(g_steal_pointer(&loading));
	return loaded;
}

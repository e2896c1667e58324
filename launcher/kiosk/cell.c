/*
 * cell - what WebKit starts in place of its web process and its network process: it shuts itself in and becomes the
 * real one, which lies beside it under the name with ".own" behind (image/usr/celled). What is decided here holds for a
 * process that a page has taken over, together with the lock (lock.c), which is loaded into it first: WebKit's own
 * sandbox, where it has one, was made by the process that starts us.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/sandbox.h"
#include "launcher/foreign.h"

#define WEBKIT "/usr/lib/x86_64-linux-gnu/webkitgtk-6.0/"
#define LOCK   "/sekisho/lock.so"
#define LOADER "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"

static const struct cell {
	const char *program, *own; /* called as, becomes */
	enum foreign foreign;
	struct self self;
} cells[] = {
    {WEBKIT "WebKitWebProcess",
     WEBKIT "WebKitWebProcess.own",
     FOREIGN_PAGE,
     {.name = "web process",
      .holds = "one bank's page",
      .reads = "the page's bytes",
      .speaks_to = "kiosk, network process: over the sockets it is given",
      /* its root is bubblewrap's: what is not bound into it is not there */
      .paths = {{"/usr", ACCESS_READ},
		{"/etc", ACCESS_READ},
		{"/proc", ACCESS_READ},
		{"/sys", ACCESS_READ},
		{LOCK, ACCESS_READ},
		{"/dev/null", ACCESS_READ | ACCESS_WRITE},
		{"/dev/urandom", ACCESS_READ},
		{WEBKIT "WebKitWebProcess.own", ACCESS_EXECUTE},
		{LOADER, ACCESS_EXECUTE}},
      .open_files_max = 1024}},
    {WEBKIT "WebKitNetworkProcess",
     WEBKIT "WebKitNetworkProcess.own",
     FOREIGN_FETCH,
     {.name = "network process",
      .holds = "one session's cookies and connections to its broker",
      .reads = "the bank's bytes",
      .speaks_to = "kiosk, web process: over the sockets it is given; the broker's listeners",
      .promises = PROMISE_INET,
      .paths = {{"/usr", ACCESS_READ},
		{"/etc", ACCESS_READ},
		{"/proc", ACCESS_READ},
		{"/run/sekisho", ACCESS_READ}, /* the authority of this start */
		{LOCK, ACCESS_READ},
		{"/dev/null", ACCESS_READ | ACCESS_WRITE},
		{"/dev/urandom", ACCESS_READ},
		{WEBKIT "WebKitNetworkProcess.own", ACCESS_EXECUTE},
		{LOADER, ACCESS_EXECUTE}},
      .open_files_max = 1024}},
};

static const struct cell *find(const char *program)
{
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
		if (strcmp(cells[i].program, program) == 0)
			return &cells[i];
	fatal("%s has no cell", program);
}

int main(int argc, char **argv)
{
	log_open("cell");
	const struct cell *cell = find(argc > 0 ? argv[0] : "");
	log_open(cell->self.name);
	int error = sandbox_enter_files(&cell->self);
	if (!error)
		error = foreign_enter(cell->foreign);
	/* The loader only warns where what it should load first is not there. */
	if (!error && (access(LOCK, R_OK) < 0 || setenv("LD_PRELOAD", LOCK, 1) < 0))
		error = -errno;
	if (error)
		fatal("the cell cannot be entered: %s", strerror(-error));
	execv(cell->own, argv);
	fatal("%s: %s", cell->own, strerror(errno));
}

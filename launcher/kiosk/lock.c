/*
 * lock - loaded into WebKit's web and network processes by the cell, before their own first instruction and after all
 * the libraries they are linked with: whatever they would load later is loaded now, and then no further page becomes
 * executable, no program is started and no process made. A process that cannot be locked does not run.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "launcher/foreign.h"

/* Where a process cannot see one, it does not use it either. */
static const char *const late[] = {
    "/usr/lib/x86_64-linux-gnu/gio/modules/libgiognutls.so",
    "/usr/lib/x86_64-linux-gnu/webkitgtk-6.0/injected-bundle/libwebkitgtkinjectedbundle.so",
};

__attribute__((constructor)) static void lock(void)
{
	for (size_t i = 0; i < sizeof late / sizeof late[0]; i++)
		(void)dlopen(late[i], RTLD_LAZY | RTLD_LOCAL);
	unsetenv("LD_PRELOAD");
	int error = foreign_enter(FOREIGN_LOCKED);
	if (!error)
		return;
	log_error("the process cannot be locked: %s", strerror(-error));
	_exit(1);
}

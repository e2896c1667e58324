#include "launcher/kiosk/walls.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "launcher/foreign.h"

/* Script is interpreted, never compiled; no assistive bus, no settings store, no file-system daemon to speak to. */
static const char *const settings[][2] = {
    {"JSC_useJIT", "0"},
    {"JSC_useWasm", "0"},
    {"JSC_useSharedArrayBuffer", "0"},
    {"GTK_A11Y", "none"},
    {"GSETTINGS_BACKEND", "memory"},
    {"GIO_USE_VFS", "local"},
    {"GSK_RENDERER", "cairo"},
    {"GDK_DISABLE", "gl,vulkan,dmabuf"},
    {"GTK_IM_MODULE", "simple"},
    {"GTK_CSD", "0"},
    {"GIO_USE_PROXY_RESOLVER", "dummy"},
};

int walls_enter(void)
{
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		if (setenv(settings[i][0], settings[i][1], 1) < 0)
			return -errno;
	/* The spawner has done both for the compositor that starts us; a kiosk that is started in another way has them
	 * too. Kernels before 6.3 do not know the second; ours does. */
	int error = foreign_enter(FOREIGN_SCREEN);
	if (!error && prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		error = -errno;
	return error;
}

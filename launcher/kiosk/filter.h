/*
 * filter - the walls around the kiosk and all of WebKit's processes, entered before the first thread exists and
 * inherited by every process they start.
 *
 * An allow-list as for our own processes (sandbox.h) is not possible here: WebKit's bubblewrap makes namespaces and
 * mounts inside them, which Landlock forbids and a narrow filter would kill. So: what no browser needs kills, and
 * memory never becomes executable, for there is no script compiler.
 */
#ifndef LAUNCHER_KIOSK_FILTER_H
#define LAUNCHER_KIOSK_FILTER_H

#include <stddef.h>

/* 0 or -errno. */
int filter_enter(void);

/* The system calls that kill, by name; NULL after the last. For reports and tests. */
const char *filter_forbidden(size_t nth);

#endif

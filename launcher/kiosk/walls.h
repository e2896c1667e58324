/*
 * walls - what the kiosk shuts itself in with before it does anything else, for itself and all that WebKit starts below
 * it: the screen's filter of system calls, memory that never becomes executable, and settings of the libraries.
 */
#ifndef LAUNCHER_KIOSK_WALLS_H
#define LAUNCHER_KIOSK_WALLS_H

/* Before the first thread exists. 0 or -errno. */
int walls_enter(void);

#endif

/*
 * foreign - the filter for programs that are not ours: what no program on the stick has any business asking, whoever
 * wrote it. They change with Debian's packages, so an allow-list of ours would break them at some update, on some
 * customer's network; this deny-list holds the kernel's administration back and leaves the rest to their own filters.
 */
#ifndef LAUNCHER_FOREIGN_H
#define LAUNCHER_FOREIGN_H

/* Install it for this process and all it will start; cannot be left. no_new_privs is set. 0 or -errno. */
int foreign_enter(void);

#endif

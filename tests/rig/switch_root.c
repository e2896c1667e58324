/*
 * switch_root ROOT PROGRAM [ARGUMENT...] - make the mounted folder ROOT the root of this mount namespace and become
 * PROGRAM in it, with nothing of the environment.
 *
 * The tests run in a chroot, and a chrooted process may make no user namespace, which bubblewrap needs: so the way
 * leads over the namespace's own root, to which setns(2) goes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "firmware/lib/log.h"

int main(int argc, char **argv)
{
	char *const nothing[] = {NULL};
	log_open("switch_root");
	if (argc < 3)
		fatal("usage: switch_root ROOT PROGRAM [ARGUMENT...]");
	int root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (root < 0 || own < 0)
		fatal("%s: %s", argv[1], strerror(errno));
	/* private before anything is moved: nothing of it may reach the namespaces this one was copied from */
	if (setns(own, CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || fchdir(root) < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		fatal("%s cannot be the root: %s", argv[1], strerror(errno));
	execve(argv[2], argv + 2, nothing);
	fatal("%s: %s", argv[2], strerror(errno));
}

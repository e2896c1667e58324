/*
 * early - first process of the test machines: loads the few modules the disks and network cards need, mounts the root
 * (vda) and the seed (vdb), and becomes the seed's own /seed/init or, where there is none, systemd.
 *
 * In the place of Debian's initramfs, whose scripts take several seconds under emulation.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fatal(const char *what)
{
	printf("early: %s: %s\n", what, strerror(errno));
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void module_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fatal(path);
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		fatal(path);
	close(fd);
}

/* The files' names begin with their place in the order of loading. */
static void modules_load(void)
{
	struct dirent **names = NULL;
	char path[300];
	int n = scandir("/modules", &names, NULL, alphasort);

	if (n < 0)
		fatal("/modules");
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
			module_load(path);
		}
		free(names[i]);
	}
	free(names);
}

int main(void)
{
	if (mount("dev", "/dev", "devtmpfs", MS_NOSUID, NULL) && errno != EBUSY)
		fatal("/dev");
	modules_load();
	if (mount("/dev/vda", "/root", "ext4", MS_NOATIME, NULL))
		fatal("root disk /dev/vda");
	if (mount("/dev/vdb", "/root/seed", "ext4", MS_RDONLY, NULL))
		fatal("seed disk /dev/vdb");
	if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL))
		fatal("moving /dev");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fatal("entering the root");
	if (!access("/seed/init", X_OK))
		execl("/seed/init", "/seed/init", (char *)NULL);
	else
		execl("/sbin/init", "/sbin/init", (char *)NULL);
	fatal("starting the first process");
}

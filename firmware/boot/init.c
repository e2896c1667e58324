/*
 * init - PID 1. It prepares the machine, starts the guard, the wall and then the launcher, and only waits: for their
 * death, for the stick's removal, for a damaged block, for the power button, for the launcher's word. Each of these
 * ends the same way: every process is killed, what was written in memory is given back (the kernel zeroes what is
 * freed) and overwritten once more, and the PC is off.
 *
 * Static and locked in memory: it must still run when the stick it came from is gone. Nothing is ever written to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firmware/boot/button.h"
#include "firmware/boot/messages.h"
#include "firmware/boot/picture.h"
#include "firmware/boot/radios.h"
#include "firmware/boot/rootdisk.h"
#include "firmware/boot/setup.h"
#include "firmware/boot/uevent.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"

/* Unmounting is how written pages are given back. */
static const struct self self = {
    .name = "init",
    .holds = "PID 1, every capability, the uevent socket",
    .reads = "nothing from outside",
    .speaks_to = "launcher, wall, guard",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_READ_FILE | PROMISE_WRITE_FILE | PROMISE_REAP | PROMISE_CLOCK |
		PROMISE_POWER,
    .mounts = true,
    .open_files_max = 64,
};

#define CAP(name) (UINT64_C(1) << (name))

/* What the spawner (SYS_ADMIN: to enter namespaces) and the programs below it need between them; not one of them may
 * load code into the kernel, reach hardware, set the clock or end the machine: those are init's alone. */
#define LAUNCHER_CAPABILITIES                                                                                          \
	(CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FOWNER) | CAP(CAP_KILL) | CAP(CAP_SETGID) |                  \
	 CAP(CAP_SETUID) | CAP(CAP_SETPCAP) | CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_NET_ADMIN) | CAP(CAP_NET_RAW) |      \
	 CAP(CAP_SYS_CHROOT) | CAP(CAP_SYS_ADMIN))

/* Why the machine ends. The ones with a picture are those the person did not ask for. */
enum end { END_OFF, END_REBOOT, END_PULLED, END_DAMAGED, END_FAILED };

enum { CHILD_START_MS = 30000, REAP_MS = 3000, PICTURE_MS = 30000, IMAGE_JSON_MAX = 4096, BUTTONS_MAX = 4 };

struct init {
	struct loop *loop;
	struct child wall, guard, launcher;
	int uevents, signals;
	int buttons[BUTTONS_MAX];
	size_t button_count;
	char disk[ROOTDISK_NAME_BYTES];
	int64_t image_date;
	struct msg message;
	struct picture damaged, failed; /* read at the start: there may be nothing to read from at the end */
};

static struct init init;

/* --- the end --- */

static void reap_all(void)
{
	struct timespec left = {.tv_nsec = 100000000};
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (int64_t deadline = now_ms() + REAP_MS; now_ms() < deadline;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);
		if (pid < 0)
			return; /* none left */
		if (pid == 0)
			(void)sigtimedwait(&child, NULL, &left);
	}
	log_warn("some processes did not end");
}

/* Whether there is something to be read. */
static bool show(enum end how)
{
	const struct picture *picture = how == END_DAMAGED ? &init.damaged : how == END_FAILED ? &init.failed : NULL;
	if (!picture)
		return false;
	int error = picture->rows ? picture_show(picture) : -ENOENT;
	if (error)
		log_error("the picture cannot be shown: %s", strerror(-error));
	return true;
}

/* A press of Ctrl-Alt-Del cuts the wait short. */
static void wait_until_read(void)
{
	struct timespec wait = {.tv_sec = PICTURE_MS / 1000};
	sigset_t keys;
	sigemptyset(&keys);
	sigaddset(&keys, SIGINT);
	(void)sigtimedwait(&keys, NULL, &wait);
}

/* Nothing waits for the wipe but the power: a picture stands while it is done, and is read after it. */
static _Noreturn void end(enum end how)
{
	(void)kill(-1, SIGKILL);
	reap_all();
	bool shown = show(how);
	setup_wipe();
	if (shown)
		wait_until_read();
	(void)reboot(how == END_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
	for (;;) /* a PC that cannot switch itself off */
		(void)poll(NULL, 0, -1);
}

static _Noreturn void end_for(enum end how, const char *reason)
{
	log_error("%s: powering off", reason);
	end(how);
}

/* --- what ends it --- */

static bool is_our_disk(const struct uevent *event)
{
	const char *name = strrchr(event->path, '/');
	return init.disk[0] && name && strcmp(name + 1, init.disk) == 0;
}

/* For when events were lost: is it still there? */
static void look_for_the_stick(void)
{
	char path[sizeof "/sys/block/" + ROOTDISK_NAME_BYTES];
	snprintf(path, sizeof path, "/sys/block/%s", init.disk);
	if (init.disk[0] && access(path, F_OK) < 0)
		end_for(END_PULLED, "the stick is not there any more");
}

static void take_uevents(void)
{
	static char datagram[UEVENT_MAX_BYTES];
	long size;
	while ((size = uevent_receive(init.uevents, datagram)) != 0) {
		struct uevent event;
		if (size == -ENOBUFS) {
			look_for_the_stick();
			continue;
		}
		if (size < 0)
			end_for(END_FAILED, "the kernel's events cannot be read");
		if (uevent_parse(datagram, (size_t)size, &event) || strcmp(event.subsystem, "block") != 0)
			continue;
		if (event.verity_error)
			end_for(END_DAMAGED, "a block of the system is not what was signed");
		if (strcmp(event.action, "remove") == 0 && is_our_disk(&event))
			end_for(END_PULLED, "the stick was removed");
	}
}

static void on_uevent(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	take_uevents();
}

static void on_button(uint32_t events, void *context)
{
	(void)events;
	if (!button_pressed(*(const int *)context))
		return;
	log_info("powering off: the PC's button was pressed");
	end(END_OFF);
}

static void reap(void)
{
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
		const char *reason = pid == init.wall.pid       ? "the wall died"
				     : pid == init.guard.pid    ? "the guard died"
				     : pid == init.launcher.pid ? "the launcher died"
								: NULL;
		if (!reason)
			continue;
		/* Removal and damage first show as the death of whoever touched the missing page. */
		take_uevents();
		end_for(END_FAILED, reason);
	}
}

static void on_signal(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	struct signalfd_siginfo info;
	while (read(init.signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD) {
			reap();
		} else {
			log_info("powering off: it was asked for");
			end(END_OFF);
		}
	}
}

/* --- what the launcher may ask --- */

static int take_power_off(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	uint8_t restart = read_u8(&r);
	log_info(restart ? "restarting" : "powering off");
	end(restart ? END_REBOOT : END_OFF);
}

static int take_clock(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	struct timespec then = {.tv_sec = (time_t)read_u64(&r)};
	if (then.tv_sec < init.image_date)
		log_warn("refusing to set the clock to before the image was made");
	else if (clock_settime(CLOCK_REALTIME, &then) < 0)
		log_error("the clock cannot be set: %s", strerror(errno));
	return 0;
}

static int take_gateways(struct msg *m, void *context)
{
	(void)context;
	return msg_send(init.wall.channel, MSG_WALL_GATEWAYS, m->id, m->payload, m->size);
}

static int take_ready(struct msg *m, void *context)
{
	(void)m, (void)context;
	return 0;
}

static int take_wall_stands(struct msg *m, void *context)
{
	(void)context;
	return msg_send(init.launcher.channel, MSG_WALL_STANDS, m->id, NULL, 0);
}

/* What the guard says of USB devices is for the launcher, who has the screen and the desk. */
static int take_usb(struct msg *m, void *context)
{
	(void)context;
	return msg_send(init.launcher.channel, m->type, 0, m->payload, m->size);
}

static void on_launcher_ended(int error, void *context)
{
	(void)error, (void)context;
	reap();
	take_uevents();
	end_for(END_FAILED, "the launcher is gone");
}

static void on_wall_ended(int error, void *context)
{
	(void)error, (void)context;
	reap();
	end_for(END_FAILED, "the wall is gone");
}

static void on_guard_ended(int error, void *context)
{
	(void)error, (void)context;
	reap();
	end_for(END_FAILED, "the guard is gone");
}

static const struct channel_row launcher_rows[] = {
    {MSG_READY, 0, 0, take_ready},
    {MSG_INIT_POWER_OFF, sizeof(uint8_t), sizeof(uint8_t), take_power_off},
    {MSG_INIT_SET_CLOCK, sizeof(uint64_t), sizeof(uint64_t), take_clock},
    {MSG_WALL_GATEWAYS, 1, CHANNEL_ANY_BYTES, take_gateways},
};

static const struct channel_row wall_rows[] = {{MSG_WALL_STANDS, 0, 0, take_wall_stands}};

static const struct channel_row guard_rows[] = {
    {MSG_USB_QUESTION, 1, USB_QUESTION_MAX_BYTES, take_usb},
    {MSG_USB_REFUSED, 1, 1, take_usb},
};

static struct channel launcher_channel = CHANNEL("the launcher", launcher_rows),
		      guard_channel = CHANNEL("the guard", guard_rows), wall_channel = CHANNEL("the wall", wall_rows);

/* --- the start --- */

/* Log lines go to the kernel's buffer, so that a person sees pictures and not lines; without it, to the console. */
static void open_log(void)
{
	/* Not a line in ten seconds but all of them; where the command line said so it is so already. */
	int rate = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY | O_CLOEXEC);
	if (rate >= 0) {
		(void)!write(rate, "on\n", 3); /* the kernel counts the newline */
		close(rate);
	}
	int fd = open("/dev/kmsg", O_WRONLY);
	for (int i = 1; i <= 2 && fd >= 0; i++)
		dup2(fd, i);
	int nothing = open("/dev/null", O_RDONLY);
	if (nothing >= 0)
		dup2(nothing, 0);
	if (nothing > 2)
		close(nothing);
	if (fd > 2)
		close(fd);
}

static size_t read_file(const char *path, uint8_t *data, size_t capacity)
{
	size_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (ssize_t got = 1; fd >= 0 && got > 0 && size < capacity; size += got > 0 ? (size_t)got : 0)
		got = read(fd, data + size, capacity - size);
	if (fd >= 0)
		close(fd);
	return size;
}

static void load_picture(const char *path, struct picture *picture)
{
	uint8_t *file = malloc(PICTURE_MAX_BYTES);
	size_t size = file ? read_file(path, file, PICTURE_MAX_BYTES) : 0;
	if (!file || picture_parse(file, size, picture)) {
		log_warn("%s is no picture", path);
		free(file);
	}
}

static void set_clock_floor(void)
{
	char json[IMAGE_JSON_MAX + 1];
	json[read_file("/sekisho/etc/image.json", (uint8_t *)json, IMAGE_JSON_MAX)] = '\0';
	if (setup_clock(json, &init.image_date))
		end_for(END_FAILED, "the clock cannot be set");
}

static void watch_the_stick(void)
{
	init.uevents = uevent_open();
	if (init.uevents < 0)
		end_for(END_FAILED, "the kernel's events cannot be heard");
	int error = rootdisk_name("/sys", init.disk);
	if (error) {
		init.disk[0] = '\0';
		log_error("the disk of the root is not found (%s): its removal will not be seen", strerror(-error));
	}
}

static void block_signals(void)
{
	sigset_t set;
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT); /* Ctrl-Alt-Del */
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGPWR);
	init.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init.signals < 0)
		end_for(END_FAILED, "signals cannot be read");
}

/* Start one that must stand before anything else happens, and wait until it does. */
static void start_first(const struct child_spec *spec, struct child *child, const char *trouble)
{
	int error = child_start(spec, child);
	if (!error) {
		int got = msg_wait(child->channel, &init.message, CHILD_START_MS);
		error = got == 1 && init.message.type == MSG_READY ? 0 : -ETIMEDOUT;
	}
	if (error) {
		take_uevents();
		end_for(END_FAILED, trouble);
	}
}

static void start_guard(void)
{
	const char *const argv[] = {"/sekisho/guard", init.disk, NULL};
	struct child_spec spec = {
	    .argv = argv, .netns_fd = -1, .uid = GUARD_UID, .gid = GUARD_UID, .capabilities = CAP(CAP_DAC_OVERRIDE)};
	start_first(&spec, &init.guard, "the guard of USB devices does not stand");
}

static void start_wall(void)
{
	static const char *const argv[] = {"/sekisho/wall", NULL};
	static const char *const hidden[] = {"/dev/shm", "/tmp", "/run", "/dev", "/sys", "/proc", NULL};
	struct child_spec spec = {.argv = argv,
				  .netns_fd = -1,
				  .uid = WALL_UID,
				  .gid = WALL_UID,
				  .capabilities = CAP(CAP_NET_ADMIN),
				  .hidden = hidden};
	start_first(&spec, &init.wall, "the wall does not stand");
}

/* A card may take seconds, and nobody waits for it: what it brings is an interface like any that comes later. */
static void wake_radios(void)
{
	pid_t pid = fork();
	if (pid < 0)
		log_warn("Wi-Fi cards are not asked again: %s", strerror(errno));
	if (pid != 0)
		return;
	int count = radios_offer("/sys");
	if (count > 0)
		log_info("%d Wi-Fi card%s asked again, now that there is firmware", count,
			 count == 1 ? " is" : "s are");
	_exit(0);
}

static void start_launcher(void)
{
	static const char *const argv[] = {"/sekisho/launcher", NULL};
	static const char *const envp[] = {"PATH=/usr/bin:/usr/sbin", "LANG=C.UTF-8", NULL};
	struct child_spec spec = {.argv = argv,
				  .envp = envp,
				  .netns_fd = -1,
				  .capabilities = LAUNCHER_CAPABILITIES,
				  .keep_privileges = 1,
				  .locked_max_bytes = PROC_LOCKED_MAX_BYTES};
	if (child_start(&spec, &init.launcher)) {
		take_uevents();
		end_for(END_FAILED, "the launcher does not start");
	}
}

static void prepare(void)
{
	if (setup_mounts())
		end_for(END_FAILED, "a file system is missing");
	open_log();
	log_open(self.name);
	load_picture("/sekisho/pictures/damaged.pbm", &init.damaged);
	load_picture("/sekisho/pictures/failed.pbm", &init.failed);
	watch_the_stick();
	if (setup_usr()) {
		take_uevents();
		end_for(END_DAMAGED, "the system's larger half is missing");
	}
	if (setup_settings() || setup_names())
		end_for(END_FAILED, "the kernel refuses a setting");
	set_clock_floor();
}

int main(void)
{
	log_open(self.name);
	if (getpid() != 1)
		fatal("only the kernel starts this");
	close_above(2);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warn("not locked in memory: %s", strerror(errno));
	block_signals();
	prepare();
	start_guard();
	start_wall();
	wake_radios();
	start_launcher();
	init.loop = loop_new();
	guard_channel.ended = on_guard_ended;
	wall_channel.ended = on_wall_ended;
	launcher_channel.ended = on_launcher_ended;
	if (!init.loop || !loop_watch(init.loop, init.signals, EPOLLIN, on_signal, NULL) ||
	    !loop_watch(init.loop, init.uevents, EPOLLIN, on_uevent, NULL) ||
	    channel_watch(init.loop, init.guard.channel, &guard_channel, NULL) ||
	    channel_watch(init.loop, init.wall.channel, &wall_channel, NULL) ||
	    channel_watch(init.loop, init.launcher.channel, &launcher_channel, NULL))
		end_for(END_FAILED, "no event loop");
	init.button_count = button_open_all(init.buttons, BUTTONS_MAX);
	for (size_t i = 0; i < init.button_count; i++)
		if (!loop_watch(init.loop, init.buttons[i], EPOLLIN, on_button, &init.buttons[i]))
			end_for(END_FAILED, "no event loop");
	if (sandbox_enter(&self))
		end_for(END_FAILED, "no sandbox");
	loop_run(init.loop);
	end_for(END_FAILED, "the event loop ended");
}

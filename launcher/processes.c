#include "launcher/processes.h"

#include <linux/capability.h>
#include <stddef.h>

#include "launcher/ids.h"
#include "launcher/link_wifi.h"
#include "launcher/messages.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

#define OURS(process)                                                                                                  \
	(const char *const[]) { "/sekisho/launcher", "--as", process, NULL }

/* Software rendering on the firmware's framebuffer; no bus, no settings store; the kiosk finds us at descriptor 3. */
static const char *const screen_environment[] = {
    "SEKISHO_CHANNEL=3",
    "XDG_RUNTIME_DIR=/run/user/1000",
    "HOME=/run/user/1000",
    "USER=kiosk",
    "PATH=/usr/bin:/sekisho",
    "LANG=C.UTF-8",
    "LIBSEAT_BACKEND=seatd",
    "XKB_DEFAULT_LAYOUT=us",
    "WLR_RENDERER=pixman",
    "WLR_RENDERER_ALLOW_SOFTWARE=1",
    "WLR_NO_HARDWARE_CURSORS=1",
    "WLR_LIBINPUT_NO_DEVICES=1",
    "GDK_BACKEND=wayland",
    "GDK_DISABLE=gl,vulkan,dmabuf",
    "GSK_RENDERER=cairo",
    "GTK_A11Y=none",
    "GSETTINGS_BACKEND=memory",
    "GIO_USE_VFS=local",
    "NO_AT_BRIDGE=1",
    NULL,
};

/* The kernel has no virtual terminals: the seat is not bound to one. */
static const char *const seatd_environment[] = {"SEATD_VTBOUND=0", NULL};

/* It says READY=1 there (sd_notify(3)) when it listens: only then are the devices announced to it again. */
static const char *const udevd_environment[] = {"NOTIFY_SOCKET=/run/sekisho/udevd.notify", "LANG=C.UTF-8", NULL};

#define LOADER "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"

/* What these reach of the files. */
static const struct self udevd_files = {
    .name = "udevd",
    .holds = "the names, owners and modes of device nodes",
    .reads = "what devices say of themselves",
    .speaks_to = "the kernel; the compositor, by multicast",
    .paths = {{"/usr", ACCESS_READ},
	      {"/etc", ACCESS_READ},
	      {"/proc", ACCESS_READ | ACCESS_WRITE}, /* its workers' own oom_score_adj */
	      {"/sys", ACCESS_READ | ACCESS_WRITE},
	      {"/dev", ACCESS_READ | ACCESS_WRITE},
	      {"/run/udev", ACCESS_READ | ACCESS_WRITE},
	      {"/run/sekisho", ACCESS_READ},
	      {"/usr/lib/systemd/systemd-udevd", ACCESS_EXECUTE},
	      {"/usr/bin/udevadm", ACCESS_EXECUTE}, /* the same program by its other name */
	      {"/usr/lib/udev", ACCESS_EXECUTE},
	      {LOADER, ACCESS_EXECUTE}},
    .open_files_max = 1024,
};

static const struct self seatd_files = {
    .name = "seatd",
    .holds = "input and display devices, for the compositor that asks",
    .reads = "what the compositor asks",
    .speaks_to = "the compositor",
    .paths = {{"/usr", ACCESS_READ},
	      {"/etc", ACCESS_READ},
	      {"/dev", ACCESS_READ | ACCESS_WRITE},
	      {"/run", ACCESS_READ | ACCESS_WRITE},
	      {"/usr/sbin/seatd", ACCESS_EXECUTE},
	      {LOADER, ACCESS_EXECUTE}},
    .open_files_max = 256,
};

/* Above bubblewrap, which mounts: its files are those of its view (places), and WebKit's processes have cells. What is
 * left for Landlock: nobody is listened to over TCP, and nobody outside of the screen is signalled. */
static const struct self screen_files = {
    .name = "screen",
    .holds = "what is on the screen; one bank's session",
    .reads = "what the customer types; by WebKit's processes, the bank's pages",
    .speaks_to = "launcher; seatd; the broker's listeners",
    .promises = PROMISE_INET,
    .mounts = true,
    .open_files_max = 4096,
};

/* It has no configuration file: link says all of it over the control socket, which only link's group reaches. */
static const struct self wifi_files = {
    .name = "wpa_supplicant",
    .holds = "passwords of Wi-Fi networks, their keys; CAP_NET_ADMIN and CAP_NET_RAW in underlay",
    .reads = "what radios near say; nl80211",
    .speaks_to = "access points; link",
    .paths = {{"/usr", ACCESS_READ},
	      {"/etc", ACCESS_READ},
	      {"/proc", ACCESS_READ | ACCESS_WRITE}, /* settings of the interface */
	      {"/sys", ACCESS_READ},
	      {"/dev", ACCESS_READ | ACCESS_WRITE}, /* rfkill */
	      {LINK_WIFI_FOLDER, ACCESS_READ | ACCESS_WRITE},
	      {"/usr/sbin/wpa_supplicant", ACCESS_EXECUTE},
	      {LOADER, ACCESS_EXECUTE}},
    .abstract_sockets = true,
    .open_files_max = 64,
    .memory_max_bytes = 256 << 20,
};

/* The folder is in no image: a module that keeps keys in files has none to keep on a stick. */
static const char *const token_command[] = {"/sekisho/token", "/sekisho/token-module.so", "/sekisho/token.d", NULL};

/* clang-format off */
static const struct process_row rows[PROCESS_COUNT] = {
	[PROCESS_RECORD] = {
		.name = "record", .argv = OURS("record"),
		.namespace = NAMESPACE_NOWHERE, .uid = ID_RECORD, .locks = true,
		.says_most_bytes = RECORD_CONTENT_MAX_BYTES,
	},
	/* Its starter (link_starter.h) keeps these for dhcpcd, which separates its privileges itself; the half that
	 * hears from outside has none. */
	[PROCESS_LINK] = {
		.name = "link", .argv = OURS("link"),
		.namespace = NAMESPACE_UNDERLAY, .uid = ID_LINK, .restart = true,
		.places = PLACE_PROC | PLACE_SYS | PLACE_DEV | PLACE_RUN,
		.capabilities = CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(NET_BIND_SERVICE) | CAP(SETUID) | CAP(SETGID) |
				CAP(KILL) | CAP(SYS_CHROOT),
	},
	[PROCESS_TUNNEL] = {
		.name = "tunnel", .argv = OURS("tunnel"),
		.namespace = NAMESPACE_TUNNEL, .uid = ID_TUNNEL, .locks = true, .restart = true,
		.capabilities = CAP(NET_ADMIN),
	},
	[PROCESS_KEYHOLDER] = {
		.name = "keyholder", .argv = OURS("keyholder"),
		.namespace = NAMESPACE_NOWHERE, .uid = ID_KEYHOLDER, .locks = true, .restart = true,
	},
	[PROCESS_POLICY] = {
		.name = "policy", .argv = OURS("policy"),
		.namespace = NAMESPACE_NOWHERE, .uid = ID_POLICY, .locks = true, .restart = true,
		.says_most_bytes = POLICY_LOADED_MAX_BYTES,
	},
	/* one for each session, and dead with it */
	[PROCESS_BROKER] = {
		.name = "broker", .argv = OURS("broker"),
		.namespace = NAMESPACE_TUNNEL, .uid = ID_BROKER, .locks = true,
	},
	[PROCESS_AGENT] = {
		.name = "agent", .argv = OURS("agent"),
		.namespace = NAMESPACE_TUNNEL, .uid = ID_AGENT, .restart = true,
		.says_most_bytes = AGENT_FETCHED_MAX_BYTES, .ready_again = true,
	},
	/* In the screen's namespace, because what it multicasts about new input devices stays in its own, and the
	 * compositor listens there. NET_ADMIN is what sending that multicast takes; there is nothing else to administer. */
	[PROCESS_UDEVD] = {
		.name = "udevd", .argv = (const char *const[]){"/usr/lib/systemd/systemd-udevd", NULL},
		.foreign = FOREIGN_DEVICES, .files = &udevd_files,
		.places = PLACE_PROC | PLACE_SYS | PLACE_DEV | PLACE_RUN,
		.envp = udevd_environment, .namespace = NAMESPACE_SCREEN, .drops_itself = true, .restart = true,
		.capabilities = CAP(NET_ADMIN) | CAP(CHOWN) | CAP(FOWNER),
	},
	[PROCESS_SEATD] = {
		.name = "seatd", .argv = (const char *const[]){"/usr/sbin/seatd", "-n", "4", "-u", "kiosk", "-l", "error", NULL},
		.foreign = FOREIGN_SEAT, .files = &seatd_files, .places = PLACE_DEV | PLACE_RUN,
		.envp = seatd_environment, .namespace = NAMESPACE_NOWHERE, .drops_itself = true, .restart = true,
		.capabilities = CAP(CHOWN) | CAP(FOWNER),
	},
	/* Its control socket is its own and, by its group, link's. */
	[PROCESS_WIFI] = {
		.name = "wpa_supplicant",
		.argv = (const char *const[]){"/usr/sbin/wpa_supplicant", "-qq", "-g", LINK_WIFI_SOCKET, "-G", "link", NULL},
		.foreign = FOREIGN_WIFI, .files = &wifi_files,
		.places = PLACE_PROC | PLACE_SYS | PLACE_DEV | PLACE_RUN,
		.namespace = NAMESPACE_UNDERLAY, .uid = ID_WIFI, .group = ID_LINK, .restart = true,
		.capabilities = CAP(NET_ADMIN) | CAP(NET_RAW),
	},
	/* One for each session whose certificate's key is in a token, and dead with it. Its walls are its own
	 * (launcher/token/main.c): they stand before the module is loaded. */
	[PROCESS_TOKEN] = {
		.name = "token", .argv = token_command,
		.namespace = NAMESPACE_NOWHERE, .uid = ID_TOKEN, .places = PLACE_DEV | PLACE_SYS,
		.restart = true,
	},
	[PROCESS_SCREEN] = {
		.name = "screen", .argv = (const char *const[]){"/usr/bin/cage", "-d", "--", "/sekisho/kiosk", NULL},
		.foreign = FOREIGN_SCREEN, .files = &screen_files, .screen = true,
		.places = PLACE_PROC | PLACE_SYS | PLACE_DEV | PLACE_RUN | PLACE_TMP,
		.envp = screen_environment, .namespace = NAMESPACE_SCREEN, .uid = ID_KIOSK, .restart = true,
	},
};
/* clang-format on */

const struct process_row *process_row(enum stick_process which) { return &rows[which]; }

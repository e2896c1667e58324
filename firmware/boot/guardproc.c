/*
 * guard - the USB devices that may be used. It judges those that are there at the start, closes the door of every bus,
 * and from then on lets in hubs, and input devices whose owner types a code from the screen. Everything else after the
 * start, storage above all, is never configured, and said on the screen and to the desk.
 *
 * The code is typed on a keyboard that is trusted already, and read by this process alone: no page and no other program
 * can let a device in. Where there is no such keyboard (a switch for two PCs, another socket) it is typed on the new
 * one, whose events nobody else gets until then: udevd hides from the compositor what has no mark in TRUST_FOLDER
 * (image/root/etc/udev/rules.d), and the guard holds the device (EVIOCGRAB).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/boot/messages.h"
#include "firmware/boot/uevent.h"
#include "firmware/boot/usbquestion.h"
#include "firmware/boot/usbtree.h"
#include "firmware/boot/usbtrust.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"

#define SYS          "/sys"
#define TRUST_FOLDER "/run/guard"
/* Who would use a reader of smart cards, in an image that has it (launcher/token). */
#define READERS_USER "/sekisho/token"

static const struct self self = {
    .name = "guard",
    .holds = "who among the USB devices may have a driver; CAP_DAC_OVERRIDE for the kernel's switches",
    .reads = "what USB devices say of themselves; keyboards, while a code is to be typed",
    .speaks_to = "init",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_READ_FILE | PROMISE_WRITE_FILE | PROMISE_INPUT,
    .paths = {{"/sys/bus/usb", ACCESS_READ | ACCESS_WRITE},
	      {"/sys/devices", ACCESS_READ | ACCESS_WRITE},
	      {"/sys/class/input", ACCESS_READ},
	      {"/sys/module/usbcore/parameters", ACCESS_READ | ACCESS_WRITE},
	      {"/dev/input", ACCESS_READ | ACCESS_WRITE},
	      {TRUST_FOLDER, ACCESS_READ | ACCESS_WRITE}},
    .open_files_max = 64,
    .memory_max_bytes = 64 << 20,
};

enum {
	DEVICES_MAX = 64,
	LISTENERS_MAX = 32,
	SETTLE_MS = 3000,         /* without a device that comes: then all that were plugged in have come */
	START_LONGEST_MS = 15000, /* ... and no longer than this */
	ANSWER_MS = 60000,
	REFUSALS_MAX = 20, /* of input devices; then none is asked about any more */
};

enum standing { STANDS_NOWHERE, STANDS_TRUSTED, STANDS_WAITING, STANDS_ASKED, STANDS_REFUSED };

struct device {
	char name[USB_NAME_BYTES]; /* "": free */
	enum usb_what what;
	enum standing standing;
};

struct listener {
	int fd;
	struct loop_watch *watch; /* NULL: free */
	char event[USB_NAME_BYTES];
};

static struct guard {
	struct loop *loop;
	struct loop_timer *settle, *answer;
	int uevents;
	bool at_start;
	bool reads_cards; /* the image can use a reader */
	int64_t began_ms;
	char stick[USB_NAME_BYTES];
	struct device devices[DEVICES_MAX];
	struct device *asked; /* NULL: nobody */
	bool on_new;
	struct usb_question question;
	struct listener listeners[LISTENERS_MAX];
	unsigned input_refusals;
} guard;

static void ask_next(void);
static void on_answer_late(void *unused);

/* --- init --- */

static void tell(uint16_t type, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, type, 0, w->data, w->size);
	if (error)
		fatal("init does not take message %u: %s", type, strerror(-error));
}

static void tell_refused(enum usb_what what)
{
	uint8_t payload[1];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, (uint8_t)what);
	tell(MSG_USB_REFUSED, &w);
}

static void tell_question(void)
{
	uint8_t payload[USB_QUESTION_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, guard.asked ? (uint8_t)guard.asked->what : 0);
	write_u8(&w, guard.on_new);
	write_u8(&w, guard.question.count);
	write_u8(&w, guard.question.wrong);
	write_str(&w, guard.asked ? guard.question.code : "");
	tell(MSG_USB_QUESTION, &w);
	wipe(payload, sizeof payload);
}

/* --- marks of trust --- */

static void mark(const char *interface, void *unused)
{
	(void)unused;
	int error = usbtrust_mark(TRUST_FOLDER, interface);
	if (error)
		log_error("%s cannot be marked as trusted: %s", interface, strerror(-error));
}

static void unmark(const char *device)
{
	int error = usbtrust_drop(TRUST_FOLDER, device);
	if (error)
		fatal("the trust in %s cannot be taken back: %s", device, strerror(-error));
}

/* --- devices --- */

static struct device *find(const char *name)
{
	for (size_t i = 0; i < DEVICES_MAX; i++)
		if (strcmp(guard.devices[i].name, name) == 0)
			return &guard.devices[i];
	return NULL;
}

static void set_refused(struct device *device)
{
	int error = usbtree_refuse(SYS, device->name);
	if (error && error != -ENOENT && error != -ENODEV)
		fatal("%s cannot be refused: %s", device->name, strerror(-error));
	unmark(device->name);
	device->standing = STANDS_REFUSED;
}

/* Not used, and said so. What was there at the start, a camera say, is nobody's news. */
static void refuse(struct device *device)
{
	set_refused(device);
	log_warn("USB %s: %s, refused", device->name, usb_word(device->what));
	if (!guard.at_start)
		tell_refused(device->what);
}

static void admit(struct device *device, enum usb_what as)
{
	int error = usbtree_admit(SYS, device->name, as, mark, NULL);
	device->standing = STANDS_TRUSTED;
	if (error == -ENOENT || error == -ENODEV)
		return; /* it went meanwhile, and will be forgotten */
	if (error) {
		log_error("USB %s: %s", device->name, strerror(-error));
		set_refused(device);
		return;
	}
	log_info("USB %s: %s", device->name, usb_word(device->what));
}

/*
 * A network adapter that was plugged in when the PC was started is a network like the PC's own. Many say nothing of it
 * in their class, so what counts is whether a driver, of the few there are, makes a network interface of it.
 */
static void admit_network(struct device *device)
{
	if (!usbtree_is_authorized(SYS, device->name))
		(void)usbtree_admit(SYS, device->name, USB_NETWORK, NULL, NULL);
	if (!usbtree_is_network(SYS, device->name)) {
		refuse(device);
		return;
	}
	device->what = USB_NETWORK;
	device->standing = STANDS_TRUSTED;
	log_info("USB %s: network, there at the start", device->name);
}

/*
 * A reader of smart cards may come at any time, as its owner pulls it out and plugs it in again, and nobody is asked:
 * nothing is typed on it, the kernel has no driver for it, and what it says is read by one process alone, which has no
 * key of ours. One that is a keyboard too, or anything else, is judged as that.
 */
static bool is_reader(const struct device *device) { return device->what == USB_READER && guard.reads_cards; }

static void judge_new(struct device *device)
{
	if (device->what == USB_HUB || is_reader(device)) {
		admit(device, device->what);
		return;
	}
	if ((device->what != USB_KEYBOARD && device->what != USB_POINTER) || guard.input_refusals >= REFUSALS_MAX) {
		refuse(device);
		return;
	}
	log_info("USB %s: %s, waits for its code", device->name, usb_word(device->what));
	device->standing = STANDS_WAITING;
	ask_next();
}

static void judge_at_start(struct device *device)
{
	if (strcmp(device->name, guard.stick) == 0)
		device->standing = STANDS_TRUSTED; /* as it is: the root is on it */
	else if (device->what == USB_STORAGE || device->what == USB_PHONE ||
		 (device->what == USB_READER && !is_reader(device)))
		refuse(device);
	else if (device->what == USB_NETWORK || device->what == USB_OTHER)
		admit_network(device);
	else
		admit(device, device->what);
}

static void judge(const char *name, void *unused)
{
	(void)unused;
	struct device *device = find("");
	/* One that the kernel is not done with cannot be configured yet; it tells ("bind") when it is. */
	if (find(name) || !usbtree_is_settled(SYS, name))
		return;
	if (!device) {
		log_error("more than %d USB devices: %s is not used", DEVICES_MAX, name);
		(void)usbtree_refuse(SYS, name);
		return;
	}
	*device = (struct device){.what = usbtree_judge(SYS, name)};
	snprintf(device->name, sizeof device->name, "%s", name);
	unmark(name);
	if (guard.at_start)
		judge_at_start(device);
	else
		judge_new(device);
}

/* --- the question --- */

static void listener_close(struct listener *listener)
{
	if (!listener->watch)
		return;
	loop_unwatch(listener->watch);
	close(listener->fd); /* what was grabbed is free again */
	*listener = (struct listener){.fd = -1};
}

static void listeners_close(void)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++)
		listener_close(&guard.listeners[i]);
}

/* Nobody is asked any more; the next one may be. */
static void question_over(void)
{
	listeners_close();
	guard.asked = NULL;
	wipe(&guard.question, sizeof guard.question);
	loop_timer_set(guard.answer, -1);
	tell_question();
}

/* Its marks first; then udevd looks at its events again and shows them to the compositor. */
static void answered_right(void)
{
	struct device *device = guard.asked;
	char events[LISTENERS_MAX][USB_NAME_BYTES] = {{0}};
	for (size_t i = 0; i < LISTENERS_MAX && guard.on_new; i++)
		memcpy(events[i], guard.listeners[i].event, USB_NAME_BYTES);
	question_over();
	admit(device, device->what);
	for (size_t i = 0; i < LISTENERS_MAX; i++)
		if (events[i][0] && usbtree_announce(SYS, events[i]) < 0)
			log_warn("%s is not announced", events[i]);
	ask_next();
}

static void answered_no(void)
{
	struct device *device = guard.asked;
	question_over();
	guard.input_refusals++;
	refuse(device);
	ask_next();
}

static void on_key(unsigned key)
{
	switch (question_key(&guard.question, key)) {
	case QUESTION_NOTHING:
		return;
	case QUESTION_TYPED:
		tell_question();
		return;
	case QUESTION_RIGHT:
		answered_right();
		return;
	case QUESTION_REFUSED:
		answered_no();
		return;
	}
}

/* NULL: any */
static bool is_heard(const char *event)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++)
		if (guard.listeners[i].watch && (!event || strcmp(guard.listeners[i].event, event) == 0))
			return true;
	return false;
}

static void on_listener(uint32_t events, void *context)
{
	(void)events;
	struct listener *listener = context;
	struct input_event event;
	ssize_t got;
	while (listener->watch && (got = read(listener->fd, &event, sizeof event)) == sizeof event)
		if (event.type == EV_KEY && event.value == 1)
			on_key(event.code);
	if (!listener->watch || got >= 0 || errno == EAGAIN || errno == EINTR)
		return;
	listener_close(listener); /* unplugged */
	if (!guard.on_new && !is_heard(NULL))
		on_answer_late(NULL); /* nor will it come from there any more */
}

static int listen_to(const char *event, bool alone)
{
	char path[64];
	struct listener *listener = guard.listeners;
	while (listener < guard.listeners + LISTENERS_MAX && listener->watch)
		listener++;
	if (listener == guard.listeners + LISTENERS_MAX)
		return -ENFILE;
	snprintf(path, sizeof path, "/dev/input/%s", event);
	*listener = (struct listener){.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
	if (listener->fd < 0)
		return -errno;
	int error = alone && ioctl(listener->fd, EVIOCGRAB, 1) < 0 ? -errno : 0;
	if (!error)
		listener->watch = loop_watch(guard.loop, listener->fd, EPOLLIN, on_listener, listener);
	if (!error && !listener->watch)
		error = -ENOMEM;
	if (error)
		close(listener->fd);
	else
		snprintf(listener->event, sizeof listener->event, "%s", event);
	return error;
}

/* An event that the question's answer may come from: the new device's own, or one of a keyboard that is trusted. */
static bool counts(const char *event)
{
	char interface[USB_NAME_BYTES];
	int error = usbtree_of_event(SYS, event, interface);
	if (guard.on_new) {
		size_t size = strlen(guard.asked->name);
		return !error && strncmp(interface, guard.asked->name, size) == 0 && interface[size] == ':';
	}
	/* the PC's own keyboard is not on USB */
	return (error == -ENODEV || (!error && usbtrust_is_marked(TRUST_FOLDER, interface))) &&
	       usbtree_has_digits(SYS, event);
}

static size_t listen_all(void)
{
	DIR *folder = opendir(SYS "/class/input");
	size_t count = 0;
	for (const struct dirent *entry; folder && (entry = readdir(folder));) {
		if (strncmp(entry->d_name, "event", 5) != 0 || strlen(entry->d_name) >= USB_NAME_BYTES ||
		    is_heard(entry->d_name) || !counts(entry->d_name))
			continue;
		int error = listen_to(entry->d_name, guard.on_new);
		if (error)
			log_warn("%s cannot be listened to: %s", entry->d_name, strerror(-error));
		else
			count++;
	}
	if (folder)
		closedir(folder);
	return count;
}

/* It gets its drivers and no mark: what it types reaches nobody but us. */
static void ask_on_new(void)
{
	guard.on_new = true;
	int error = usbtree_admit(SYS, guard.asked->name, guard.asked->what, NULL, NULL);
	if (error)
		log_warn("USB %s: %s", guard.asked->name, strerror(-error));
	(void)listen_all(); /* more may come: on_input_event() */
}

static bool ask(struct device *device)
{
	uint64_t random;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		fatal("no random numbers");
	question_begin(&guard.question, random);
	guard.asked = device;
	guard.on_new = false;
	if (listen_all() == 0) {
		if (device->what != USB_KEYBOARD) {
			guard.asked = NULL; /* it waits until there is a keyboard */
			return false;
		}
		ask_on_new();
	}
	device->standing = STANDS_ASKED;
	loop_timer_set(guard.answer, ANSWER_MS);
	tell_question();
	return true;
}

/* Keyboards first: the others need one. */
static void ask_next(void)
{
	static const enum usb_what order[] = {USB_KEYBOARD, USB_POINTER};
	for (size_t i = 0; !guard.asked && i < sizeof order / sizeof order[0]; i++)
		for (size_t j = 0; j < DEVICES_MAX; j++) {
			struct device *device = &guard.devices[j];
			if (device->name[0] && device->standing == STANDS_WAITING && device->what == order[i] &&
			    ask(device))
				return;
		}
}

/* A keyboard that is trusted and was not used: perhaps it only seems to be there. Then the new one may answer itself.
 */
static void on_answer_late(void *unused)
{
	(void)unused;
	if (guard.on_new || guard.asked->what != USB_KEYBOARD || guard.question.count > 0 || guard.question.wrong > 0) {
		answered_no();
		return;
	}
	listeners_close();
	ask_on_new();
	loop_timer_set(guard.answer, ANSWER_MS);
	tell_question();
}

/* --- what comes and goes --- */

static void forget(const char *name)
{
	struct device *device = find(name);
	unmark(name);
	if (!device)
		return;
	bool was_asked = device == guard.asked;
	if (was_asked)
		question_over();
	*device = (struct device){0};
	if (was_asked)
		ask_next();
}

/* Gone, or another one is at its place: a new device is never authorised but by us. */
static void forget_missing(void)
{
	for (size_t i = 0; i < DEVICES_MAX; i++) {
		const struct device *device = &guard.devices[i];
		char name[USB_NAME_BYTES];
		memcpy(name, device->name, sizeof name);
		if (name[0] && (device->standing != STANDS_TRUSTED || !usbtree_is_authorized(SYS, name)))
			forget(name);
	}
}

static void settle_later(void)
{
	int64_t left = guard.began_ms + START_LONGEST_MS - now_ms();
	if (guard.at_start)
		loop_timer_set(guard.settle, left < SETTLE_MS ? left : SETTLE_MS);
}

static void on_settled(void *unused)
{
	(void)unused;
	guard.at_start = false;
	log_info("the start is over: what is plugged in from now on is new");
}

static void on_usb_event(const char *action, const char *name)
{
	if (strcmp(action, "remove") == 0 && usbtree_is_device(name)) {
		forget(name);
	} else if (strcmp(action, "add") == 0) {
		usbtree_close_bus(SYS, name);
		settle_later();
		if (usbtree_is_device(name))
			forget(name); /* whose going was not heard */
	} else if (strcmp(action, "bind") == 0 && usbtree_is_device(name)) {
		judge(name, NULL);
	}
}

static void take_uevent(const char *datagram, size_t size)
{
	struct uevent event;
	if (uevent_parse(datagram, size, &event))
		return;
	const char *name = strrchr(event.path, '/');
	if (name && strcmp(event.subsystem, "usb") == 0)
		on_usb_event(event.action, name + 1);
	else if (guard.asked && guard.on_new && strcmp(event.subsystem, "input") == 0 &&
		 strcmp(event.action, "add") == 0)
		(void)listen_all();
}

static void on_uevents(uint32_t events, void *unused)
{
	(void)events;
	(void)unused;
	static char datagram[UEVENT_MAX_BYTES];
	for (long size; (size = uevent_receive(guard.uevents, datagram)) != 0;) {
		if (size == -ENOBUFS) { /* events were lost: look at everything again */
			forget_missing();
			(void)usbtree_each(SYS, judge, NULL);
		} else if (size < 0) {
			fatal("the kernel's events cannot be read: %s", strerror((int)-size));
		} else {
			take_uevent(datagram, (size_t)size);
		}
	}
}

static void on_init_ended(int error, void *unused)
{
	(void)error, (void)unused;
	fatal("init is gone");
}

static struct channel init = {.peer = "init", .ended = on_init_ended}; /* it never says anything */

/* --- the start --- */

static void open_everything(const char *disk)
{
	int error = usbtree_of_disk(SYS, disk, guard.stick);
	if (error)
		fatal("the stick is not found among the USB devices: %s", strerror(-error));
	/* The second one is the kernel's to fill; it may be empty still. */
	if ((mkdir(TRUST_FOLDER, 0755) < 0 || mkdir("/dev/input", 0755) < 0) && errno != EEXIST)
		fatal("a folder cannot be made: %s", strerror(errno));
	guard.uevents = uevent_open();
	if (guard.uevents < 0)
		fatal("the kernel's events cannot be heard: %s", strerror(-guard.uevents));
	guard.loop = loop_new();
	if (!guard.loop)
		fatal("no event loop: %s", strerror(errno));
	guard.settle = loop_timer(guard.loop, on_settled, NULL);
	guard.answer = loop_timer(guard.loop, on_answer_late, NULL);
	if (!guard.settle || !guard.answer || !loop_watch(guard.loop, guard.uevents, EPOLLIN, on_uevents, NULL) ||
	    channel_watch(guard.loop, CHILD_CHANNEL_FD, &init, NULL))
		fatal("no event loop: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	log_open(self.name);
	close_above(CHILD_CHANNEL_FD);
	if (argc != 2)
		fatal("usage: guard DISK");
	open_everything(argv[1]);
	guard.reads_cards = access(READERS_USER, X_OK) == 0;
	if (sandbox_enter(&self))
		return 1;
	/* The door first: what comes between the two is seen by its event. */
	int error = usbtree_close_door(SYS);
	guard.at_start = true;
	guard.began_ms = now_ms();
	if (!error)
		error = usbtree_each(SYS, judge, NULL);
	if (error)
		fatal("the USB devices cannot be judged: %s", strerror(-error));
	settle_later();
	if (msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0))
		fatal("init is gone");
	return loop_run(guard.loop) ? 1 : 0;
}

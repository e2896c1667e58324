#include "launcher/link_radio.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "launcher/ids.h"
#include "launcher/link_wifi.h"
#include "launcher/messages.h"

static struct {
	int fd;
	struct loop_timer *timer;
	struct wifi_client client;
	void (*changed)(const struct wifi_report *report);
} radio = {.fd = -1};

static void set_timer(void)
{
	if (radio.client.interface[0])
		loop_timer_set(radio.timer,
			       wifi_client_unheard(&radio.client) ? LINK_WIFI_RETRY_MS : LINK_WIFI_TICK_MS);
}

static void on_timer(void *context)
{
	(void)context;
	wifi_client_tick(&radio.client);
	set_timer();
}

static int send_command(void *context, const char *text, size_t size)
{
	(void)context;
	const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = LINK_WIFI_SOCKET};
	ssize_t sent = sendto(radio.fd, text, size, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
	return sent < 0 ? -errno : 0;
}

static void on_change(void *context)
{
	(void)context;
	radio.changed(&radio.client.report);
}

/* A datagram with a NUL after it, from wpa_supplicant's uid only: anybody in this namespace can send here. Its size, 0:
 * not that; negative: nothing there. */
static ssize_t receive(char *text, size_t capacity)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = capacity - 1};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(radio.fd, &message, MSG_DONTWAIT);
	if (got < 0)
		return got;
	const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	struct ucred sender = {.uid = (uid_t)-1};
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(c), sizeof sender);
	text[got] = '\0';
	return sender.uid == ID_WIFI ? got : 0;
}

static void on_datagram(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	static char text[LINK_WIFI_ANSWER_BYTES];
	if (receive(text, sizeof text) > 0)
		wifi_client_take(&radio.client, text);
	if (wifi_client_unheard(&radio.client)) /* else the clock goes on, however much is said */
		set_timer();
}

int radio_open(struct loop *loop, void (*changed)(const struct wifi_report *report))
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	memcpy(own.sun_path + 1, LINK_WIFI_ADDRESS, sizeof LINK_WIFI_ADDRESS - 1);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof LINK_WIFI_ADDRESS);
	int yes = 1;
	radio.changed = changed;
	radio.client.send = send_command;
	radio.client.changed = on_change;
	radio.timer = loop_timer(loop, on_timer, NULL);
	radio.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (radio.fd < 0 || setsockopt(radio.fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0 ||
	    bind(radio.fd, (struct sockaddr *)&own, size) < 0)
		return -errno;
	return radio.timer && loop_watch(loop, radio.fd, EPOLLIN, on_datagram, NULL) ? 0 : -ENOMEM;
}

void radio_see(const struct link_view *view)
{
	const struct link_interface *first = NULL;
	bool cable = false;
	for (size_t i = 0; i < view->count; i++) {
		const struct link_interface *interface = &view->list[i];
		cable = cable || (!interface->wireless && interface->up && interface->carrier);
		/* Up: the wall has covered it. Afterwards wpa_supplicant takes it down to change its address. */
		bool known = strcmp(interface->name, radio.client.interface) == 0;
		if (interface->wireless && (known || (!first && interface->up)))
			first = interface;
	}
	wifi_client_radio(&radio.client, first ? first->name : "");
	wifi_client_hold(&radio.client, cable);
}

/* --- the launcher's words --- */

static int take_kept(struct msg *m, void *context)
{
	(void)context;
	struct wifi_kept kept = {0};
	struct reader r = reader_over(m->payload, m->size);
	size_t count = read_u8(&r);
	bool good = count <= WIFI_KEPT_MAX;
	for (size_t i = 0; i < count && good; i++)
		good = wifi_credential_read(&r, &kept.list[i]);
	kept.count = count;
	if (good && reader_done(&r))
		wifi_client_begin(&radio.client, &kept);
	else
		good = false;
	wipe(&kept, sizeof kept);
	set_timer();
	return good ? 0 : -EBADMSG;
}

static int take_look(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	bool looking = read_u8(&r) != 0;
	if (!reader_done(&r))
		return -EBADMSG;
	wifi_client_look(&radio.client, looking);
	set_timer();
	return 0;
}

static int take_join(struct msg *m, void *context)
{
	(void)context;
	struct wifi_credential credential;
	struct reader r = reader_over(m->payload, m->size);
	bool good = wifi_credential_read(&r, &credential) && reader_done(&r);
	if (good)
		wifi_client_join(&radio.client, &credential);
	wipe(&credential, sizeof credential);
	set_timer();
	return good ? 0 : -EBADMSG;
}

const struct channel_row radio_rows[RADIO_ROWS] = {
    {MSG_LINK_WIFI_KEPT, 1, CHANNEL_ANY_BYTES, take_kept},
    {MSG_LINK_WIFI_LOOK, 1, 1, take_look},
    {MSG_LINK_WIFI_JOIN, 1, CHANNEL_ANY_BYTES, take_join},
};

#include <stdlib.h>
#include <sys/types.h>

static pid_t begin_child(void);
static int signal_to(pid_t pid, int number);
static pid_t ended_child(pid_t pid, int *status, int options);

/* the half with the capabilities whole: what it is told is read by functions of its own */
#define fork    begin_child
#define kill    signal_to
#define waitpid ended_child
#include "launcher/link_starter.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The starter of dhcpcd under a link that was taken over: a name that it takes is a word that no program reads as an
 * option or a path, each has one dhcpcd, and only these are ended.
 */

static struct {
	bool runs[CLIENTS_MAX];
	pid_t ends;
} world;

static pid_t begin_child(void)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!world.runs[i]) {
			world.runs[i] = true;
			return (pid_t)i + 100;
		}
	abort(); /* more than there are places */
}

static int signal_to(pid_t pid, int number)
{
	if (pid < 100 || pid >= 100 + CLIENTS_MAX || !world.runs[pid - 100] || number != SIGTERM)
		abort();
	return 0;
}

static pid_t ended_child(pid_t pid, int *status, int options)
{
	(void)status;
	pid_t which = world.ends;
	if (pid != -1 || options != WNOHANG)
		abort();
	world.ends = 0;
	if (which < 100 || which >= 100 + CLIENTS_MAX || !world.runs[which - 100])
		return 0;
	world.runs[which - 100] = false;
	return which;
}

static void check_name(const char *name)
{
	size_t size = strlen(name);
	if (size == 0 || size >= IFNAMSIZ || name[0] == '-' || name[0] == '.' || strpbrk(name, "/= \n"))
		abort();
}

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)fd, (void)id;
	if (type != STARTER_ENDED || size != strlen(payload))
		abort();
	check_name(payload);
	return 0;
}
int channel_watch(struct loop *loop, int fd, struct channel *channel, void *context)
{
	(void)loop, (void)fd, (void)channel, (void)context;
	return 0;
}
int sandbox_enter_files(const struct self *of) { return of ? 0 : -EINVAL; }
int foreign_enter(enum foreign which) { return (int)which < 0; }

/* Again and again: a byte, 0 and 1 an order, otherwise the child that ends; one of size, and the payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct starter s;
	static uint8_t payload[256];
	s = (struct starter){.signals = -1};
	memset(&world, 0, sizeof world);
	for (int broken = 0; size >= 2 && !broken;) {
		const struct channel_row *row = data[0] < 2 ? &orders[data[0]] : NULL;
		size_t given = data[1] < size - 2 ? data[1] : size - 2;
		memcpy(payload, data + 2, given);
		payload[given] = 0;
		if (!row) {
			world.ends = data[0];
			on_signal(EPOLLIN, &s);
		} else if (given >= row->least_bytes && given <= row->most_bytes) {
			broken = row->take(&(struct msg){.type = row->type, .size = given, .payload = payload}, &s);
		}
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			for (size_t j = 0; s.clients[i].pid && j < CLIENTS_MAX; j++) {
				check_name(s.clients[i].name);
				if (i != j && s.clients[j].pid && strcmp(s.clients[i].name, s.clients[j].name) == 0)
					abort();
			}
		data += 2 + given;
		size -= 2 + given;
	}
	return 0;
}

/*
 * customer - in the kiosk's place: a screen that a test drives (driven.h), and a browser that never stops trying. Forty
 * times a second it goes to where the bank's page would be fetched from and says the hello in /sekisho/hello, whether
 * there is a session or not.
 *
 * Words: 0 the demonstration's bank is chosen, 1 the bank is left, 2 power off.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "launcher/messages.h"
#include "tests/rig/driven.h"

enum { PORT = 443, TRIES_MAX = 16, EVERY_MS = 25, HELLO_MAX_BYTES = 4096 };

static uint8_t hello[HELLO_MAX_BYTES];
static size_t hello_size;
static int tries[TRIES_MAX];
static size_t nth;

static void word(int n)
{
	static const uint16_t types[] = {MSG_KIOSK_OPEN, MSG_KIOSK_CLOSE, MSG_KIOSK_POWER_OFF};
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	if (n == 0)
		write_str(&w, "sekisho-demo");
	if (n < 3)
		driven_say(types[n], 0, &w);
}

/* The oldest try is given up for it; what was never answered stays until then. */
static void try_once(void)
{
	const struct sockaddr_in bank = {
	    .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int *place = &tries[nth++ % TRIES_MAX];
	if (*place >= 0)
		close(*place);
	*place = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* loopback: connected or refused at once */
	if (*place >= 0 && connect(*place, (const struct sockaddr *)&bank, sizeof bank) == 0)
		(void)send(*place, hello, hello_size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int main(void)
{
	log_open("customer");
	int fd = open("/sekisho/hello", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, hello, sizeof hello);
	if (got <= 0)
		fatal("/sekisho/hello: %s", strerror(errno));
	close(fd);
	hello_size = (size_t)got;
	for (int i = 0; i < TRIES_MAX; i++)
		tries[i] = -1;
	return driven_run(
	    &(const struct driven){.name = "customer", .word = word, .every = try_once, .every_ms = EVERY_MS});
}

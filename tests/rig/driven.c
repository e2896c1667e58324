#include "tests/rig/driven.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/proc.h"
#include "launcher/messages.h"

enum { WORDS = 8 };

void driven_say(uint16_t type, uint32_t id, const struct writer *w)
{
	if ((w && w->failed) || msg_send(CHILD_CHANNEL_FD, type, id, w ? w->data : NULL, w ? w->size : 0))
		fatal("the launcher does not take message %u", type);
}

static int open_words(void)
{
	sigset_t words;
	sigemptyset(&words);
	for (int n = 0; n < WORDS; n++)
		sigaddset(&words, SIGRTMIN + n);
	sigprocmask(SIG_BLOCK, &words, NULL);
	return signalfd(-1, &words, SFD_CLOEXEC);
}

static void take_word(const struct driven *driven, int words)
{
	struct signalfd_siginfo info;
	if (read(words, &info, sizeof info) != sizeof info)
		return;
	driven->word((int)info.ssi_signo - SIGRTMIN);
}

int driven_run(const struct driven *driven)
{
	static struct msg m;
	int words = open_words();
	signal(SIGPIPE, SIG_IGN);
	if (words < 0)
		fatal("signals: %s", strerror(errno));
	driven_say(MSG_READY, 0, NULL);
	log_info("driven");
	for (;;) {
		struct pollfd on[] = {{CHILD_CHANNEL_FD, POLLIN, 0}, {words, POLLIN, 0}};
		if (poll(on, 2, driven->every ? driven->every_ms : -1) < 0 && errno != EINTR)
			return 1;
		if (on[1].revents)
			take_word(driven, words);
		int got = on[0].revents ? msg_receive(CHILD_CHANNEL_FD, &m) : -EAGAIN;
		if (got == 0 || (got < 0 && got != -EAGAIN))
			return 0;
		if (got == 1 && driven->hear)
			driven->hear(&m);
		if (driven->every)
			driven->every();
	}
}

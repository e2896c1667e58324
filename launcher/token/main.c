/*
 * token - the process between the key holder and a PKCS#11 module, which is not our code: what the module does with its
 * token, its files and its memory, it does here, where there is no key of ours and nobody's page. One for each session
 * of a bank whose certificate's key is in a token, and dead with it.
 *
 *   token MODULE [FOLDER]
 *
 * Descriptor 3 is the launcher's channel: it hands in the PIN that the customer typed on the screen, and is told what
 * stands. Descriptor 4 is the key holder's: digests of handshakes that it has read (keyholder_transcript.h), signed by
 * the key that the record names. FOLDER is where a module that keeps keys in files keeps them; without one it writes
 * nothing.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/foreign.h"
#include "launcher/keyholder_token.h"
#include "launcher/messages.h"
#include "launcher/token/card.h"

enum { LAUNCHER_FD = 3, KEYHOLDER_FD = 4, MODULE_PATH = 5, FOLDER_PATH };

/* Of USB devices it can open those that udevd gives to its group: readers that the guard let in
 * (image/root/etc/udev/rules.d), and none that anything is typed on. */
static struct self self = {
    .name = "token",
    .holds = "the session with the customer's token, once the PIN was given",
    .reads = "what the token answers",
    .speaks_to = "key holder, launcher; the token",
    .paths = {{"/usr", ACCESS_READ},
	      {"/etc", ACCESS_READ}, /* the libraries' list, the module's settings */
	      {"/dev/bus/usb", ACCESS_READ | ACCESS_WRITE},
	      {"/sys/bus/usb", ACCESS_READ},
	      {"/sys/devices", ACCESS_READ},
	      /* the module, and FOLDER */},
    .open_files_max = 64,
    .memory_max_bytes = 256 << 20,
    .processes_max = 16, /* a module's threads */
    /* Not locked: how large a stranger's libraries are nobody here knows, and the stick's kernel cannot swap. */
};

static int tell(enum token_state state)
{
	const uint8_t payload[] = {(uint8_t)state, (uint8_t)card_tries()};
	return msg_send(LAUNCHER_FD, MSG_TOKEN_STATE, 0, payload, sizeof payload);
}

static int take_pin(struct msg *m, void *context)
{
	char pin[TOKEN_PIN_MAX + 1];
	struct reader r = reader_over(m->payload, m->size);
	(void)context;
	read_str(&r, pin, sizeof pin);
	wipe(m->payload, m->size);
	const bool good = reader_done(&r);
	enum token_state state = good ? card_unlock(pin, strlen(pin)) : TOKEN_ABSENT;
	wipe(pin, sizeof pin);
	return good ? tell(state) : -EBADMSG;
}

static int read_question(const struct msg *m, struct card_question *question)
{
	char uri[TOKEN_URI_BYTES];
	const char *wrong;
	size_t wrong_size, size;
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, uri, sizeof uri);
	question->scheme = read_u16(&r);
	const uint8_t *digest = read_blob(&r, &size);
	if (!reader_done(&r) || size == 0 || size > sizeof question->digest ||
	    pkcs11_uri_read(uri, &question->key, &wrong, &wrong_size) != PKCS11_GOOD)
		return -EBADMSG;
	memcpy(question->digest, digest, size);
	question->digest_size = size;
	return 0;
}

static int take_question(struct msg *m, void *context)
{
	struct card_question question;
	uint8_t signature[CARD_SIGNATURE_MAX], payload[CARD_SIGNATURE_MAX + 8];
	size_t size;
	(void)context;
	int error = read_question(m, &question);
	if (error)
		return error;
	enum token_state state = card_sign(&question, signature, &size);
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, signature, size);
	error = msg_send(KEYHOLDER_FD, MSG_TOKEN_SIGNATURE, m->id, payload, w.size);
	return error || state == TOKEN_OPEN ? error : tell(state);
}

static const struct channel_row from_launcher[] = {{MSG_TOKEN_PIN, 4, TOKEN_PIN_MAX + 4, take_pin}};
static const struct channel_row from_keyholder[] = {{MSG_TOKEN_SIGN, 12, CHANNEL_ANY_BYTES, take_question}};
static struct channel launcher = CHANNEL("the launcher", from_launcher);
static struct channel keyholder = CHANNEL("the key holder", from_keyholder);

/* Calls of a module that is not ours cannot be listed: it is held back as other programs of strangers are, by files and
 * by groups of calls. Before the module is loaded all but one wall stands; once it is, no more code comes in. */
static int load_behind_walls(const char *module)
{
	int error = sandbox_enter_files(&self);
	if (!error)
		error = foreign_enter(FOREIGN_TOKEN);
	if (error)
		fatal("the walls cannot be set up: %s", strerror(-error));
	error = card_open(module);
	return error ? error : foreign_enter(FOREIGN_LOCKED);
}

int main(int argc, char **argv)
{
	log_open("token");
	close_above(KEYHOLDER_FD);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || argc > 3)
		fatal("usage: token MODULE [FOLDER]");
	self.paths[MODULE_PATH] = (struct self_path){argv[1], ACCESS_READ};
	if (argc == 3)
		self.paths[FOLDER_PATH] = (struct self_path){argv[2], ACCESS_READ | ACCESS_WRITE};
	int error = load_behind_walls(argv[1]);
	if (error)
		fatal("without its module: %s", strerror(-error));
	struct loop *loop = loop_new();
	if (!loop || channel_watch(loop, LAUNCHER_FD, &launcher, NULL) ||
	    channel_watch(loop, KEYHOLDER_FD, &keyholder, NULL))
		fatal("no event loop: %s", strerror(errno));
	error = msg_send(LAUNCHER_FD, MSG_READY, 0, NULL, 0);
	if (!error)
		error = loop_run(loop);
	return error || launcher.error || keyholder.error ? 1 : 0;
}

/* The certificates that customers log in with: to the key holder, a session's channel to it, and a word on the screen.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/keyholder_clients.h"
#include "launcher/stick.h"

static uint8_t scratch[MSG_PAYLOAD_MAX_BYTES];

/* With its NUL, so that the receiver need not copy it. */
static void write_text(struct writer *w, const char *text) { write_blob(w, text, strlen(text) + 1); }

void stick_brief_clients(struct stick *s)
{
	s->client_count = 0; /* the key holder says which of them it can use */
	for (size_t i = 0; i < s->provision.client_count; i++) {
		const struct provision_client *client = &s->provision.clients[i];
		struct writer w = writer_over(scratch, sizeof scratch);
		write_str(&w, client->bank);
		write_text(&w, client->certificates);
		write_text(&w, client->key);
		int error =
		    w.failed ? -EMSGSIZE : crew_send(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_CLIENT, 0, w.data, w.size);
		wipe(scratch, w.size);
		if (error)
			log_error("the certificate for %s was not given to the key holder: %s", client->bank,
				  strerror(-error));
	}
}

int stick_hear_client(struct stick *s, struct msg *m)
{
	struct stick_client client;
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, client.bank, sizeof client.bank);
	read_str(&r, client.subject, sizeof client.subject);
	if (!reader_done(&r) || s->client_count == PROVISION_CLIENTS_MAX)
		return -EBADMSG;
	s->clients[s->client_count++] = client;
	return 0;
}

static const struct stick_client *find_client(const struct stick *s, const char *bank)
{
	for (size_t i = 0; i < s->client_count; i++)
		if (strcmp(s->clients[i].bank, bank) == 0)
			return &s->clients[i];
	return NULL;
}

static const struct provision_client *find_kept(const struct stick *s, const char *bank)
{
	for (size_t i = 0; i < s->provision.client_count; i++)
		if (strcmp(s->provision.clients[i].bank, bank) == 0)
			return &s->provision.clients[i];
	return NULL;
}

const char *stick_client_of(const struct stick *s, const struct whitelist_bank *bank)
{
	const struct stick_client *client = find_client(s, bank->id);
	for (size_t i = 0; client && i < bank->host_count; i++)
		if (bank->hosts[i].client_certificate)
			return client->subject;
	return "";
}

static bool write_hosts(struct writer *w, const struct whitelist_bank *bank)
{
	size_t count = 0;
	for (size_t i = 0; i < bank->host_count; i++)
		count += bank->hosts[i].client_certificate;
	write_u8(w, (uint8_t)count);
	for (size_t i = 0; i < bank->host_count; i++)
		if (bank->hosts[i].client_certificate)
			write_str(w, bank->hosts[i].name);
	return count <= CLIENT_HOSTS_MAX;
}

int stick_open_client(struct stick *s, const struct whitelist_bank *bank)
{
	int channel[2];
	if (!stick_client_of(s, bank)[0])
		return 0;
	struct writer w = writer_over(scratch, sizeof scratch);
	write_str(&w, bank->id);
	if (!write_hosts(&w, bank) || w.failed)
		return -EMSGSIZE;
	int error = msg_pair(channel);
	if (error)
		return error;
	const struct provision_client *kept = find_kept(s, bank->id);
	stick_token_label(kept ? kept->key : NULL, s->session.token);
	if (s->session.token[0])
		stick_start(s, PROCESS_TOKEN); /* without it the bank's other pages open all the same */
	/* The key holder's word is in the channel before the broker looks for it. */
	error =
	    crew_send_fds(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_SESSION, s->session.id, w.data, w.size, &channel[0], 1);
	if (!error)
		error =
		    crew_send_fds(&s->crew, PROCESS_BROKER, MSG_BROKER_CLIENT, s->session.id, NULL, 0, &channel[1], 1);
	close(channel[0]);
	close(channel[1]);
	return error;
}

void stick_close_client(struct stick *s)
{
	if (s->client_count > 0)
		crew_send(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_SESSION_END, s->session.id, NULL, 0);
}

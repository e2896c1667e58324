/*
 * In the place of link, tunnel and agent in a launcher whose way up is driven by a test (driven.h): there is no cable,
 * no WireGuard in this machine's kernel, and no gateway. They keep to the words that the real ones have for it.
 *
 * link: 0 up, 1 no carrier. tunnel: 0 up, 1 down. agent: 0 a beacon's answer, by a gateway that admits by the first
 * good statement it is brought and says so from then on; 1 refused, 2 admitted and a newer policy announced, 3 from now
 * on nothing is said about a bank, 4 yes to the last bank asked for, and to the next ones. It never says that the
 * goodbye is said.
 */
#include <stdbool.h>
#include <time.h>

#include "launcher/children.h"
#include "launcher/messages.h"
#include "tests/rig/driven.h"
#include "vpn/admission/statement.h"

enum { LEASE_S = 600, NEWER = 1000 };

static void link_word(int n)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, n == 0 ? LINK_UP : LINK_NO_CARRIER);
	write_str(&w, "eth0");
	write_str(&w, n == 0 ? "192.0.2.10" : "");
	driven_say(MSG_LINK_STATE, 0, &w);
}

static void tunnel_word(int n)
{
	uint8_t payload[128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, n == 0 ? TUNNEL_UP : TUNNEL_DOWN);
	write_str(&w, "gw1");
	write_str(&w, "203.0.113.11:51820");
	for (int i = 0; i < 3; i++)
		write_u32(&w, 1);
	write_str(&w, "");
	driven_say(MSG_TUNNEL_STATE, 0, &w);
}

static bool holds_back;
static uint32_t asked;

static void answer_bank(uint32_t question)
{
	uint8_t payload[16];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 1);
	write_str(&w, "");
	driven_say(MSG_AGENT_SESSION_REPLY, question, &w);
}

static bool stated;

static void say_admission(enum admission admission, const char *reason, uint64_t newest, bool to_statement)
{
	static const uint8_t token[STATEMENT_TOKEN_BYTES] = {7};
	uint8_t payload[128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, (uint8_t)admission);
	write_str(&w, reason);
	write_u64(&w, (uint64_t)time(NULL));
	write_u32(&w, LEASE_S);
	write_u64(&w, newest);
	write_u64(&w, 0);
	write_u32(&w, LEASE_S);
	write_u8(&w, to_statement);
	write_blob(&w, token, to_statement && stated ? sizeof token : 0);
	write_u8(&w, 255);
	driven_say(MSG_AGENT_ADMISSION, 0, &w);
}

static void agent_word(int n)
{
	if (n == 3 || n == 4) {
		holds_back = n == 3;
		if (!holds_back && asked)
			answer_bank(asked);
		return;
	}
	bool in = n == 2 || (n == 0 && stated);
	say_admission(in ? ADMISSION_ADMITTED : ADMISSION_REFUSED, n == 0 && !stated ? "no_statement" : "",
		      n == 2 ? NEWER : 0, false);
}

static void say_nonce(void)
{
	static const uint8_t nonce[STATEMENT_NONCE_BYTES] = "as good as random";
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, "");
	write_blob(&w, nonce, sizeof nonce);
	driven_say(MSG_AGENT_NONCE, 0, &w);
}

/* Signed it is at least; whether by the right key is the gateway's to say, which is not here. */
static void take_statement(struct reader *r)
{
	struct statement statement;
	size_t size, signature_size;
	const uint8_t *bytes = read_blob(r, &size);
	(void)read_blob(r, &signature_size);
	stated = bytes && statement_decode(bytes, size, &statement) == 0 && signature_size == STATEMENT_SIGNATURE_BYTES;
	say_admission(stated ? ADMISSION_ADMITTED : ADMISSION_REFUSED, stated ? "" : "signature", 0, true);
}

static void agent_hear(struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	if (m->type == MSG_AGENT_ASK_NONCE)
		say_nonce();
	if (m->type == MSG_AGENT_STATEMENT)
		take_statement(&r);
	if (m->type != MSG_AGENT_SESSION)
		return;
	asked = m->id;
	if (!holds_back || read_u8(&r) == 0)
		answer_bank(asked);
}

int link_main(void) { return driven_run(&(const struct driven){.name = "link", .word = link_word}); }
int tunnel_main(void) { return driven_run(&(const struct driven){.name = "tunnel", .word = tunnel_word}); }
int agent_main(void)
{
	return driven_run(&(const struct driven){.name = "agent", .word = agent_word, .hear = agent_hear});
}

/*
 * In the place of link, tunnel and agent in a launcher whose way up is driven by a test (driven.h): there is no cable,
 * no WireGuard in this machine's kernel, and no gateway. They keep to the words that the real ones have for it.
 *
 * link: 0 up, 1 no carrier. tunnel: 0 up, 1 down. agent: 0 admitted, 1 refused, 2 admitted and a newer policy
 * announced, 3 from now on nothing is said about a bank, 4 yes to the last bank asked for, and to the next ones. It
 * never says that the goodbye is said.
 */
#include <stdbool.h>
#include <time.h>

#include "launcher/children.h"
#include "launcher/messages.h"
#include "tests/rig/driven.h"

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

static void agent_word(int n)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	if (n == 3 || n == 4) {
		holds_back = n == 3;
		if (!holds_back && asked)
			answer_bank(asked);
		return;
	}
	write_u8(&w, n == 1 ? ADMISSION_REFUSED : ADMISSION_ADMITTED);
	write_str(&w, "");
	write_u64(&w, (uint64_t)time(NULL));
	write_u32(&w, LEASE_S);
	write_u64(&w, n == 2 ? NEWER : 0);
	write_u64(&w, 0);
	driven_say(MSG_AGENT_ADMISSION, 0, &w);
}

static void agent_hear(struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
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

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/msg.h"
#include "launcher/broker_policy.h"

/* The policy process, as a script: it answers each question with what is set here. */
static struct {
	struct loop *loop;
	struct policy *policy;
	struct loop_watch *watch;
	int channel;
	struct msg message;
	uint16_t answer;
	uint8_t payload[64];
	size_t size;
	int asked, lost, answered;
	enum refusal refusal;
} t;

static void on_question(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	if (msg_receive(t.channel, &t.message) != 1)
		return;
	t.asked++;
	msg_send(t.channel, t.answer, t.message.id, t.payload, t.size);
}

static void on_lost(const char *why, void *context)
{
	(void)context;
	assert_non_null(why);
	t.lost++;
	loop_stop(t.loop);
}

static void on_name(enum refusal refusal, void *context)
{
	(void)context;
	t.answered++;
	t.refusal = refusal;
	loop_stop(t.loop);
}

static void on_host(enum refusal refusal, struct bank_host *host, void *context)
{
	assert_true((refusal == REFUSAL_NONE) == (host != NULL));
	on_name(refusal, context);
}

static int begin(void **state)
{
	int ends[2];
	(void)state;
	memset(&t, 0, sizeof t);
	assert_int_equal(msg_pair(ends), 0);
	t.channel = ends[1];
	t.loop = loop_new();
	t.policy = policy_new(t.loop, ends[0], on_lost, NULL);
	t.watch = loop_watch(t.loop, t.channel, EPOLLIN, on_question, NULL);
	return t.policy && t.watch ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	policy_free(t.policy);
	msg_free(&t.message);
	loop_unwatch(t.watch);
	loop_free(t.loop);
	if (t.channel >= 0)
		close(t.channel);
	return 0;
}

static void set_answer(uint16_t type, const void *payload, size_t size)
{
	t.answer = type;
	if (size > 0)
		memcpy(t.payload, payload, size);
	t.size = size;
}

static void ask_name(const char *name)
{
	int before = t.answered + t.lost;
	policy_ask_name(t.policy, name, on_name, &t);
	if (t.answered + t.lost == before)
		loop_run(t.loop);
}

static void a_name_is_asked_for_once(void **state)
{
	(void)state;
	const uint8_t no = REFUSAL_NOT_LISTED;
	set_answer(MSG_ANSWER_NAME, NULL, 0);
	ask_name("www.bank.example");
	assert_int_equal(t.refusal, REFUSAL_NONE);
	ask_name("www.bank.example");
	assert_int_equal(t.asked, 1);
	set_answer(MSG_ANSWER_NO, &no, 1);
	ask_name("phish.example");
	assert_int_equal(t.refusal, REFUSAL_NOT_LISTED);
	ask_name("phish.example");
	assert_int_equal(t.asked, 2);
	ask_name("www.bank.example");
	assert_int_equal(t.refusal, REFUSAL_NONE);
}

static void many_refused_names_forget_no_listed_one_for_long(void **state)
{
	(void)state;
	const uint8_t no = REFUSAL_NOT_LISTED;
	set_answer(MSG_ANSWER_NO, &no, 1);
	for (int i = 0; i < 600; i++) {
		char name[32];
		snprintf(name, sizeof name, "h%d.example", i);
		ask_name(name);
		assert_int_equal(t.refusal, REFUSAL_NOT_LISTED);
	}
	set_answer(MSG_ANSWER_NAME, NULL, 0);
	ask_name("www.bank.example");
	assert_int_equal(t.refusal, REFUSAL_NONE);
}

static void a_refused_host_is_asked_for_again(void **state)
{
	(void)state;
	const uint8_t no = REFUSAL_PORT;
	set_answer(MSG_ANSWER_NO, &no, 1);
	for (int i = 1; i <= 2; i++) {
		policy_ask_host(t.policy, "www.bank.example", 8443, on_host, &t);
		loop_run(t.loop);
		assert_int_equal(t.refusal, REFUSAL_PORT);
		assert_int_equal(t.asked, i);
	}
}

static void a_cancelled_question_calls_nobody(void **state)
{
	(void)state;
	set_answer(MSG_ANSWER_NAME, NULL, 0);
	policy_ask_name(t.policy, "www.bank.example", on_name, t.payload);
	policy_cancel(t.policy, t.payload);
	ask_name("other.bank.example");
	assert_int_equal(t.answered, 1);
	assert_int_equal(t.asked, 2);
}

static void an_answer_that_cannot_be_read_ends_the_session(void **state)
{
	static const struct {
		uint16_t type;
		const char *payload;
		size_t size;
	} wrong[] = {
	    {MSG_ANSWER_NO, "\0", 1},          {MSG_ANSWER_NO, "\xff", 1}, {MSG_ANSWER_NO, "", 0},
	    {MSG_ANSWER_NO, "\1\1", 2},        {MSG_ANSWER_NAME, "x", 1},  {MSG_ANSWER_YES, "", 0},
	    {MSG_ANSWER_YES, "\0\0\0\0\0", 5}, {MSG_BROKER_START, "", 0},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		set_answer(wrong[i].type, wrong[i].payload, wrong[i].size);
		ask_name("www.bank.example");
		assert_int_equal(t.lost, 1);
		assert_int_equal(t.answered, 0);
		/* and from then on the answer is no, at once */
		ask_name("www.bank.example");
		assert_int_equal(t.refusal, REFUSAL_NO_SESSION);
		end(state);
		begin(state);
	}
}

static void a_channel_that_ends_ends_the_session(void **state)
{
	(void)state;
	set_answer(MSG_ANSWER_NAME, NULL, 0);
	ask_name("www.bank.example");
	loop_unwatch(t.watch);
	t.watch = NULL;
	close(t.channel);
	t.channel = -1;
	loop_run(t.loop);
	assert_int_equal(t.lost, 1);
	ask_name("www.bank.example");
	assert_int_equal(t.refusal, REFUSAL_NO_SESSION); /* though it was known */
}

static void a_host_is_read_whole_or_not(void **state)
{
	(void)state;
	uint8_t payload[256];
	struct writer w = writer_over(payload, sizeof payload);
	static const uint8_t pin[PIN_BYTES], anchors[] = {4, 0, 0, 0, 0x30, 0, 0, 0};
	write_blob(&w, anchors, sizeof anchors);
	write_u8(&w, 1);
	write_blob(&w, pin, sizeof pin);
	write_u8(&w, 0);
	write_blob(&w, "", 0);
	write_blob(&w, "", 0);
	for (size_t size = 0; size <= w.size; size++)
		assert_null(bank_host_read("www.bank.example", 443, payload, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_name_is_asked_for_once, begin, end),
	    cmocka_unit_test_setup_teardown(many_refused_names_forget_no_listed_one_for_long, begin, end),
	    cmocka_unit_test_setup_teardown(a_refused_host_is_asked_for_again, begin, end),
	    cmocka_unit_test_setup_teardown(a_cancelled_question_calls_nobody, begin, end),
	    cmocka_unit_test_setup_teardown(an_answer_that_cannot_be_read_ends_the_session, begin, end),
	    cmocka_unit_test_setup_teardown(a_channel_that_ends_ends_the_session, begin, end),
	    cmocka_unit_test(a_host_is_read_whole_or_not),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

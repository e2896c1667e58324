/*
 * The launcher and a device record that cannot be written: whatever goes wrong, whoever waits for the record goes on,
 * with the token that certainly lies there, and customer and desk are told.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/boot/rootdisk.h"
#include "firmware/lib/buf.h"
#include "launcher/stick.h"

#define KEY "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define IMMUTABLE                                                                                                      \
	"{\"format\":1,\"device\":\"ST-000001\",\"tenant\":\"demo\",\"wireguard_key\":\"" KEY                          \
	"\",\"address\":\"10.77.0.2/32\",\"gateways\":\"{}\",\"mutable_key\":\"" KEY "\"}"

static struct {
	struct stick stick;
	char *medium; /* the mutable half that lies there */
	bool runs, no_memory, no_message, steps_told;
	int open_error;
	unsigned reads, writes, tokens, notices, asked;
	char *slot; /* the token in its own place, NULL none */
} world;

char *__real_provision_changing(const struct provision *provision);
char *__wrap_provision_changing(const struct provision *provision);
char *__wrap_provision_changing(const struct provision *provision)
{
	return world.no_memory ? NULL : __real_provision_changing(provision);
}
int rootdisk_open_record(int flags)
{
	(void)flags;
	return world.open_error ? world.open_error : dup(STDIN_FILENO);
}
void stick_start(struct stick *s, enum stick_process which)
{
	int error = record_start(s);
	if (error && error != -EALREADY)
		record_not_started(s, error);
	(void)which;
}
bool crew_runs(const struct crew *crew, enum stick_process which)
{
	(void)crew, (void)which;
	return world.runs;
}
int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count)
{
	(void)crew, (void)which, (void)fds, (void)fd_count;
	world.runs = true;
	world.writes += (world.stick.record.pending || world.stick.record.token_pending) && !world.stick.record.doubted;
	world.reads += world.stick.record.doubted;
	return 0;
}
void crew_stop(struct crew *crew, enum stick_process which)
{
	(void)crew, (void)which;
	world.runs = false;
}
int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)crew, (void)which, (void)id;
	world.tokens += type == MSG_RECORD_STORE_TOKEN;
	assert_true((type == MSG_RECORD_STORE || type == MSG_RECORD_STORE_TOKEN) && size > 0 && payload);
	return world.no_message ? -ENOMEM : 0;
}
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms) { (void)timer, (void)delay_ms; }
void admission_ask(struct stick *s)
{
	assert_false(s->record.storing);
	world.asked++;
}
void stick_notice(struct stick *s, const char *code)
{
	(void)s;
	assert_string_equal(code, "record_not_kept");
	world.notices++;
}
void stick_raise(struct stick *s, enum stick_event event) { (void)s, (void)event; }
void stick_raise_clock(struct stick *s) { (void)s; }
void tell_step(struct stick *s, enum stick_state state, enum step_outcome outcome, const char *code, const char *detail)
{
	(void)s, (void)state, (void)outcome, (void)detail;
	world.steps_told = strcmp(code, "record_slow") == 0;
}

/* --- the record process --- */

static void say(int (*hear)(struct stick *s, struct msg *m), struct writer *w)
{
	struct msg m = {.payload = w->data, .size = w->size};
	assert_false(w->failed);
	assert_int_equal(hear(&world.stick, &m), 0);
}

static void process_ends(void)
{
	world.runs = false;
	record_died(&world.stick);
}

static void listens(void)
{
	struct writer none = writer_over(NULL, 0);
	say(record_hear_ready, &none);
}

static void fails(void)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, "the device record cannot be read or written");
	say(record_hear_failed, &w);
	process_ends();
}

static void stores(void)
{
	uint8_t payload[8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u64(&w, 7);
	say(record_hear_stored, &w);
	process_ends();
}

static void reads(void)
{
	static uint8_t payload[4096];
	struct writer w = writer_over(payload, sizeof payload);
	if (world.slot) {
		write_str(&w, world.slot);
		say(record_hear_token, &w);
		w = writer_over(payload, sizeof payload);
	}
	write_str(&w, IMMUTABLE);
	write_str(&w, world.medium);
	say(record_hear_content, &w);
	process_ends();
}

static void lies_there(uint8_t token)
{
	struct provision p = world.stick.provision;
	memset(p.token, token, sizeof p.token);
	free(world.medium);
	world.medium = __real_provision_changing(&p);
	assert_non_null(world.medium);
}

/* --- a stick with token 1, which the gateway has let in and given token 2 --- */

static int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	lies_there(1);
	world.runs = true;
	world.stick.record.task = RECORD_READS;
	reads();
	assert_true(world.stick.provisioned);
	memset(world.stick.provision.token, 2, sizeof world.stick.provision.token);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	provision_free(&world.stick.provision);
	free(world.stick.record.pending);
	free(world.stick.record.text);
	free(world.medium);
	free(world.slot);
	return 0;
}

static void slot_holds(uint8_t token)
{
	uint8_t bytes[32];
	memset(bytes, token, sizeof bytes);
	free(world.slot);
	world.slot = provision_token(bytes);
	assert_non_null(world.slot);
}

static void store_token(uint8_t token)
{
	memset(world.stick.provision.token, token, sizeof world.stick.provision.token);
	stick_store_token(&world.stick);
	world.stick.stating_waits = world.stick.record.storing;
}

static void store(void)
{
	stick_store(&world.stick);
	world.stick.stating_waits = world.stick.record.storing;
}

/* Nothing is under way any more, and a statement would show this token. */
static void goes_on_with(uint8_t token, unsigned asked)
{
	assert_false(world.stick.record.storing);
	assert_false(world.stick.record.doubted);
	assert_false(world.runs);
	assert_int_equal(world.stick.token[0], token);
	assert_int_equal(world.stick.provision.token[31], token);
	assert_int_equal(world.asked, asked);
}

static void what_is_stored_is_shown(void **state)
{
	(void)state;
	store();
	assert_true(world.stick.record.storing);
	assert_int_equal(world.stick.token[0], 1);
	listens();
	stores();
	goes_on_with(2, 1);
	assert_int_equal(world.notices, 0);
}

static void a_failed_write_goes_on_with_what_is_there(void **state)
{
	(void)state;
	store();
	listens();
	fails();
	assert_int_equal(world.reads, 1); /* looked at, before anything is shown */
	assert_true(world.stick.record.storing);
	reads();
	goes_on_with(1, 1);
	assert_int_equal(world.notices, 1);
	/* and the next change is tried again */
	store();
	listens();
	stores();
	goes_on_with(1, 2);
	assert_int_equal(world.writes, 2);
}

/* A policy that an older, smaller record has no room for must not be in the way of what is written later. */
static void what_has_no_room_is_let_go(void **state)
{
	(void)state;
	assert_int_equal(provision_keep(&world.stick.provision.kept_policy, "three", 5), 0);
	world.stick.provision.kept_policy_version = 3;
	lies_there(1);
	assert_int_equal(provision_keep(&world.stick.provision.kept_policy, "large", 5), 0);
	world.stick.provision.kept_policy_version = 4;
	store();
	listens();
	fails();
	reads();
	goes_on_with(1, 1);
	assert_string_equal(world.stick.provision.kept_policy, "three");
	assert_int_equal(world.stick.provision.kept_policy_version, 3);
}

/* Neither copy can be read: what we know is all there is. */
static void what_is_not_there_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(provision_keep(&world.stick.provision.kept_policy, "three", 5), 0);
	store();
	listens();
	fails();
	world.medium[0] = '\0';
	reads();
	goes_on_with(1, 1);
	assert_string_equal(world.stick.provision.kept_policy, "three");
}

/* The medium took it and said no all the same: the gateway is shown what the next start will show. */
static void a_failed_write_may_be_there(void **state)
{
	(void)state;
	store();
	listens();
	lies_there(2);
	fails();
	reads();
	goes_on_with(2, 1);
}

static void a_process_that_dies_is_a_failed_write(void **state)
{
	(void)state;
	store();
	process_ends(); /* before it listened */
	assert_int_equal(world.reads, 1);
	process_ends(); /* and the one that looks, too */
	goes_on_with(1, 1);
	assert_int_equal(world.notices, 1);
}

static void what_cannot_be_read_again_is_left(void **state)
{
	(void)state;
	store();
	listens();
	fails();
	fails();
	goes_on_with(1, 1);
}

static void a_record_that_cannot_be_opened_holds_nobody(void **state)
{
	(void)state;
	world.open_error = -EROFS;
	store();
	goes_on_with(1, 0);
	assert_int_equal(world.notices, 1);
}

static void a_record_that_cannot_be_opened_again_holds_nobody(void **state)
{
	(void)state;
	store();
	world.open_error = -EIO;
	listens();
	fails();
	goes_on_with(1, 1);
}

static void no_memory_holds_nobody(void **state)
{
	(void)state;
	world.no_memory = true;
	store();
	goes_on_with(1, 0);
	assert_int_equal(world.notices, 1);
	world.no_memory = false;
	world.no_message = true;
	store();
	listens();
	assert_int_equal(world.reads, 1);
	reads();
	goes_on_with(1, 1);
}

/* A newer change waited behind the one that failed: it is tried once more, and no statement shows a token before. */
static void what_waits_behind_a_failed_write_is_written(void **state)
{
	(void)state;
	store();
	store();
	listens();
	fails();
	assert_int_equal(world.reads, 1);
	reads();
	assert_true(world.stick.record.storing);
	assert_int_equal(world.writes, 2);
	assert_int_equal(world.asked, 0);
	listens();
	stores();
	goes_on_with(2, 1);
}

/* Without memory for the next one, the one under way is what will lie there. */
static void no_memory_beside_a_write(void **state)
{
	(void)state;
	store();
	listens();
	memset(world.stick.provision.token, 3, sizeof world.stick.provision.token);
	world.no_memory = true;
	store();
	assert_true(world.stick.record.storing);
	stores();
	goes_on_with(2, 1);
}

/* An older record has it in its mutable half, which keeps it until it lies apart. */
static void the_token_is_stored_alone(void **state)
{
	(void)state;
	store_token(2);
	assert_null(world.stick.record.pending);
	assert_int_equal(world.stick.token[0], 1);
	listens();
	assert_int_equal(world.tokens, 1);
	stores();
	goes_on_with(2, 1);
	assert_true(world.stick.provision.token_apart);
	store();
	assert_null(strstr(world.stick.record.pending ? world.stick.record.pending : world.stick.record.text, "token"));
	listens();
	stores();
	goes_on_with(2, 2);
}

static void a_token_that_is_not_written_is_not_shown(void **state)
{
	(void)state;
	store_token(2);
	listens();
	fails();
	reads(); /* the half with token 1 */
	goes_on_with(1, 1);
	assert_false(world.stick.provision.token_apart);
	/* and one that lay apart before */
	store_token(2);
	listens();
	stores();
	slot_holds(2);
	store_token(3);
	listens();
	fails();
	reads();
	goes_on_with(2, 3);
	assert_true(world.stick.provision.token_apart);
	/* or is there all the same */
	store_token(4);
	listens();
	slot_holds(4);
	fails();
	reads();
	goes_on_with(4, 4);
}

/* A policy and a token at once: both are written, the token first, and the newest token is shown. */
static void both_are_written(void **state)
{
	(void)state;
	store();
	store_token(3);
	listens();
	stores();
	assert_true(world.stick.record.storing);
	listens();
	assert_int_equal(world.tokens, 1);
	stores();
	goes_on_with(3, 1);
	assert_int_equal(world.writes, 2);
}

static void a_token_apart_is_what_a_start_begins_with(void **state)
{
	finish(state);
	memset(&world, 0, sizeof world);
	lies_there(1);
	slot_holds(5);
	world.runs = true;
	world.stick.record.task = RECORD_READS;
	reads();
	assert_int_equal(world.stick.token[0], 5);
	assert_true(world.stick.provision.token_apart);
}

static void one_that_hangs_is_told_of(void **state)
{
	(void)state;
	store();
	world.stick.machine.state = STATE_ADMITTED;
	record_late(&world.stick);
	assert_true(world.steps_told);
	assert_true(world.stick.record.storing); /* it may be written yet */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_stored_is_shown, begin, finish),
	    cmocka_unit_test_setup_teardown(a_failed_write_goes_on_with_what_is_there, begin, finish),
	    cmocka_unit_test_setup_teardown(what_has_no_room_is_let_go, begin, finish),
	    cmocka_unit_test_setup_teardown(what_is_not_there_is_not_taken, begin, finish),
	    cmocka_unit_test_setup_teardown(a_failed_write_may_be_there, begin, finish),
	    cmocka_unit_test_setup_teardown(a_process_that_dies_is_a_failed_write, begin, finish),
	    cmocka_unit_test_setup_teardown(what_cannot_be_read_again_is_left, begin, finish),
	    cmocka_unit_test_setup_teardown(a_record_that_cannot_be_opened_holds_nobody, begin, finish),
	    cmocka_unit_test_setup_teardown(a_record_that_cannot_be_opened_again_holds_nobody, begin, finish),
	    cmocka_unit_test_setup_teardown(no_memory_holds_nobody, begin, finish),
	    cmocka_unit_test_setup_teardown(what_waits_behind_a_failed_write_is_written, begin, finish),
	    cmocka_unit_test_setup_teardown(no_memory_beside_a_write, begin, finish),
	    cmocka_unit_test_setup_teardown(the_token_is_stored_alone, begin, finish),
	    cmocka_unit_test_setup_teardown(a_token_that_is_not_written_is_not_shown, begin, finish),
	    cmocka_unit_test_setup_teardown(both_are_written, begin, finish),
	    cmocka_unit_test_setup_teardown(a_token_apart_is_what_a_start_begins_with, begin, finish),
	    cmocka_unit_test_setup_teardown(one_that_hangs_is_told_of, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "launcher/kiosk/model.h"

static const char banks_json[] =
    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\",\"en\":\"A\"},\"start\":\"https://a.example/\",\"hosts\":[\"a.example\"]}]";

static uint8_t space[4096];
static struct writer w;

static void begin(void) { w = writer_over(space, sizeof space); }

static int apply(struct model *model, uint16_t type, uint32_t id, unsigned *changes)
{
	struct msg m = {.type = type, .id = id, .size = w.size, .payload = space};
	return model_apply(model, &m, changes);
}

static void step(struct model *model, enum stick_state state, enum step_outcome outcome, const char *code)
{
	unsigned changes;
	begin();
	write_u8(&w, state);
	write_u8(&w, outcome);
	write_str(&w, code);
	write_str(&w, "");
	assert_int_equal(apply(model, MSG_KIOSK_STEP, 0, &changes), 0);
	assert_int_equal(changes, CHANGE_DRAW);
}

static void give_banks(struct model *model)
{
	unsigned changes;
	begin();
	write_blob(&w, banks_json, strlen(banks_json));
	write_u8(&w, 0);
	assert_int_equal(apply(model, MSG_KIOSK_BANKS, 0, &changes), 0);
}

static unsigned session(struct model *model, const char *bank, uint32_t id)
{
	unsigned changes;
	begin();
	write_str(&w, bank);
	write_str(&w, "CN=Yamada");
	assert_int_equal(apply(model, MSG_KIOSK_SESSION, id, &changes), 0);
	return changes;
}

static unsigned freeze(struct model *model, bool frozen)
{
	unsigned changes;
	begin();
	write_u8(&w, frozen);
	write_str(&w, frozen ? "tunnel_lost" : "");
	assert_int_equal(apply(model, MSG_KIOSK_FREEZE, 0, &changes), 0);
	return changes;
}

static void make_ready(struct model *model)
{
	give_banks(model);
	step(model, STATE_READY, STEP_DONE, "");
}

static void open_session(struct model *model)
{
	make_ready(model);
	assert_int_equal(model_choose(model, banks_find(&model->banks, "a")), 0);
	assert_int_equal(session(model, "a", 7), CHANGE_DRAW | CHANGE_SESSION_OPENED);
}

static void test_steps_lead_to_the_list(void **state)
{
	struct model model = {0};
	(void)state;
	assert_int_equal(model_screen(&model), SCREEN_START);
	step(&model, STATE_LINK, STEP_WAITING, "");
	assert_int_equal(model_current_step(&model), STATE_LINK);
	assert_true(model.steps[STATE_START].begun); /* what was passed in silence counts as done */
	step(&model, STATE_LINK, STEP_DONE, "");
	step(&model, STATE_READY, STEP_DONE, "");
	assert_int_equal(model_screen(&model), SCREEN_START); /* no banks yet */
	give_banks(&model);
	assert_int_equal(model_screen(&model), SCREEN_LIST);
	model_free(&model);
}

static void test_a_step_back_takes_the_list_away(void **state)
{
	struct model model = {0};
	(void)state;
	make_ready(&model);
	step(&model, STATE_TUNNEL, STEP_TROUBLE, "tunnel_lost");
	assert_int_equal(model_screen(&model), SCREEN_START);
	assert_int_equal(model_current_step(&model), STATE_TUNNEL);
	assert_false(model.steps[STATE_ADMITTED].begun);
	assert_string_equal(model.steps[STATE_TUNNEL].code, "tunnel_lost");
	model_free(&model);
}

static void test_trying_again_leaves_the_explanation(void **state)
{
	struct model model = {0};
	(void)state;
	step(&model, STATE_TUNNEL, STEP_TROUBLE, "no_answer");
	step(&model, STATE_TUNNEL, STEP_WAITING, "trying_next");
	step(&model, STATE_TUNNEL, STEP_WAITING, "");
	assert_int_equal(model.steps[STATE_TUNNEL].outcome, STEP_TROUBLE);
	assert_string_equal(model.steps[STATE_TUNNEL].code, "no_answer");
	step(&model, STATE_TUNNEL, STEP_DONE, "");
	assert_int_equal(model.steps[STATE_TUNNEL].outcome, STEP_DONE);
	step(&model, STATE_LINK, STEP_TROUBLE, "no_carrier");
	step(&model, STATE_LINK, STEP_WAITING, "no_address");
	assert_string_equal(model.steps[STATE_LINK].code, "no_address");
	model_free(&model);
}

static void test_a_session_from_choice_to_end(void **state)
{
	struct model model = {0};
	unsigned changes;
	(void)state;
	open_session(&model);
	assert_int_equal(model_screen(&model), SCREEN_BANK);
	assert_int_equal(model.session_id, 7);
	begin();
	assert_int_equal(apply(&model, MSG_KIOSK_SESSION_ENDED, 0, &changes), 0);
	assert_true(changes & CHANGE_SESSION_ENDED);
	assert_int_equal(model_screen(&model), SCREEN_LIST);
	model_free(&model);
}

static void test_a_session_nobody_waits_for_is_not_shown(void **state)
{
	struct model model = {0};
	(void)state;
	make_ready(&model);
	assert_int_equal(session(&model, "a", 1), 0);
	assert_int_equal(model_choose(&model, banks_find(&model.banks, "a")), 0);
	assert_int_equal(session(&model, "b", 2), 0);
	model_leave(&model);
	assert_int_equal(session(&model, "a", 3), 0);
	assert_int_equal(model_screen(&model), SCREEN_LIST);
	model_free(&model);
}

static void test_a_failed_session_stays_to_be_read(void **state)
{
	struct model model = {0};
	unsigned changes;
	(void)state;
	open_session(&model);
	begin();
	write_str(&w, "a");
	write_str(&w, "gateway_refused");
	write_str(&w, "not today");
	assert_int_equal(apply(&model, MSG_KIOSK_SESSION_FAILED, 0, &changes), 0);
	assert_true(changes & CHANGE_SESSION_ENDED);
	begin();
	assert_int_equal(apply(&model, MSG_KIOSK_SESSION_ENDED, 0, &changes), 0);
	assert_false(changes & CHANGE_SESSION_ENDED);
	assert_int_equal(model.session, SESSION_REFUSED);
	assert_string_equal(model.session_code, "gateway_refused");
	model_free(&model);
}

static void test_freeze_and_thaw(void **state)
{
	struct model model = {0};
	(void)state;
	open_session(&model);
	assert_int_equal(freeze(&model, true), CHANGE_FROZEN | CHANGE_DRAW);
	assert_int_equal(freeze(&model, true), CHANGE_DRAW);
	assert_int_equal(freeze(&model, false), CHANGE_THAWED | CHANGE_DRAW);
	assert_int_equal(model_screen(&model), SCREEN_BANK);
	model_free(&model);
}

static void test_power_off_ends_all(void **state)
{
	struct model model = {0};
	unsigned changes;
	(void)state;
	open_session(&model);
	begin();
	assert_int_equal(apply(&model, MSG_KIOSK_POWER_OFF, 0, &changes), 0);
	assert_true(changes & CHANGE_SESSION_ENDED);
	assert_int_equal(model_screen(&model), SCREEN_GOODBYE);
	model_free(&model);
}

static int usb_question(struct model *model, uint8_t what, uint8_t typed, const char *code)
{
	unsigned changes;
	begin();
	write_u8(&w, what);
	write_u8(&w, 1);
	write_u8(&w, typed);
	write_u8(&w, 0);
	write_str(&w, code);
	return apply(model, MSG_KIOSK_USB_QUESTION, 0, &changes);
}

static void test_a_notice_stays_until_it_is_read(void **state)
{
	(void)state;
	struct model model = {0};
	unsigned changes;
	begin();
	write_str(&w, "record_not_kept");
	assert_int_equal(apply(&model, MSG_KIOSK_NOTICE, 0, &changes), 0);
	assert_int_equal(changes, CHANGE_DRAW);
	assert_string_equal(model.notice, "record_not_kept");
	begin();
	write_u8(&w, 1);
	assert_int_equal(apply(&model, MSG_KIOSK_NOTICE, 0, &changes), -EBADMSG);
}

static void test_usb_devices(void **state)
{
	unsigned changes;
	struct model model = {0};
	(void)state;
	open_session(&model);
	assert_int_equal(usb_question(&model, USB_KEYBOARD, 2, "123456"), 0);
	assert_int_equal(model.usb_what, USB_KEYBOARD);
	assert_true(model.usb_on_new);
	assert_int_equal(model.usb_typed, 2);
	assert_string_equal(model.usb_code, "123456");
	assert_int_equal(usb_question(&model, USB_WHAT_COUNT, 0, "654321"), -EBADMSG);
	assert_int_equal(usb_question(&model, USB_KEYBOARD, 7, "654321"), -EBADMSG);
	assert_string_equal(model.usb_code, "123456");
	assert_int_equal(usb_question(&model, 0, 0, ""), 0);
	assert_string_equal(model.usb_code, "");
	begin();
	write_u8(&w, USB_STORAGE);
	assert_int_equal(apply(&model, MSG_KIOSK_USB_REFUSED, 0, &changes), 0);
	assert_true(model.usb_refused);
	assert_int_equal(model.usb_refused_what, USB_STORAGE);
	begin();
	write_u8(&w, USB_WHAT_COUNT);
	assert_int_equal(apply(&model, MSG_KIOSK_USB_REFUSED, 0, &changes), -EBADMSG);
	/* the page stays where it was */
	assert_int_equal(model.session, SESSION_OPEN);
	assert_int_equal(model_screen(&model), SCREEN_BANK);
	model_free(&model);
}

static void test_a_refused_host_turns_out_to_be_bad(void **state)
{
	unsigned changes;
	struct model model = {0};
	(void)state;
	open_session(&model);
	begin();
	write_str(&w, "phish.example");
	write_u8(&w, REFUSAL_NOT_LISTED);
	assert_int_equal(apply(&model, MSG_KIOSK_REFUSED, 0, &changes), 0);
	assert_string_equal(model.bad_host, "");
	begin();
	write_str(&w, "phish.example");
	write_u8(&w, INDICATOR_PHISHING);
	assert_int_equal(apply(&model, MSG_KIOSK_KNOWN_BAD, 0, &changes), 0);
	assert_int_equal(changes, CHANGE_DRAW); /* the page is drawn anew, and nothing else happens */
	assert_string_equal(model.bad_host, "phish.example");
	assert_int_equal(model.bad_category, INDICATOR_PHISHING);
	assert_int_equal(model.session, SESSION_OPEN);
	for (unsigned wrong = 0; wrong < 256; wrong++) {
		if (wrong > INDICATOR_NONE && wrong < INDICATOR_CATEGORIES)
			continue;
		begin();
		write_str(&w, "other.example");
		write_u8(&w, (uint8_t)wrong);
		assert_int_equal(apply(&model, MSG_KIOSK_KNOWN_BAD, 0, &changes), -EBADMSG);
	}
	assert_string_equal(model.bad_host, "phish.example");
	model_leave(&model);
	assert_string_equal(model.bad_host, "");
	model_free(&model);
}

static void test_broken_messages_change_nothing(void **state)
{
	static const uint16_t types[] = {MSG_KIOSK_STEP,           MSG_KIOSK_BANKS,   MSG_KIOSK_SESSION,
					 MSG_KIOSK_SESSION_FAILED, MSG_KIOSK_REFUSED, MSG_KIOSK_TUNNEL,
					 MSG_KIOSK_FREEZE,         MSG_POLICY_LOAD};
	struct model model = {0};
	unsigned changes;
	(void)state;
	open_session(&model);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		begin();
		assert_int_equal(apply(&model, types[i], 0, &changes), -EBADMSG);
		for (int n = 0; n < 9; n++)
			write_u8(&w, 0xff);
		assert_int_equal(apply(&model, types[i], 0, &changes), -EBADMSG);
		assert_int_equal(changes, 0);
	}
	begin();
	write_u8(&w, 0);
	assert_int_equal(apply(&model, MSG_KIOSK_SESSION_ENDED, 0, &changes), -EBADMSG);
	begin();
	write_str(&w, "host.example");
	write_u8(&w, REFUSAL_COUNT);
	assert_int_equal(apply(&model, MSG_KIOSK_REFUSED, 0, &changes), -EBADMSG);
	assert_int_equal(model.session, SESSION_OPEN);
	model_free(&model);
}

static void wifi(struct model *model, enum wifi_state state)
{
	unsigned changes;
	const struct wifi_report report = {.state = state, .count = 1, .list = {{.ssid = {1, "x"}, .strength = 50}}};
	begin();
	wifi_report_write(&w, &report);
	assert_int_equal(apply(model, MSG_KIOSK_WIFI, 0, &changes), 0);
	assert_int_equal(changes, CHANGE_DRAW);
	w.size--;
	assert_int_equal(apply(model, MSG_KIOSK_WIFI, 0, &changes), -EBADMSG);
}

static void test_networks_are_shown_while_there_is_no_way_out(void **state)
{
	(void)state;
	struct model model = {0};
	model.network_shown = true;
	step(&model, STATE_LINK, STEP_TROUBLE, "no_carrier");
	assert_int_equal(model_screen(&model), SCREEN_START);
	wifi(&model, WIFI_IDLE);
	assert_int_equal(model_screen(&model), SCREEN_NETWORK);
	wifi(&model, WIFI_JOINED);
	step(&model, STATE_LINK, STEP_DONE, "");
	assert_int_equal(model_screen(&model), SCREEN_START);
	/* it may lead nowhere: another one can be chosen */
	step(&model, STATE_TUNNEL, STEP_TROUBLE, "wifi_no_answer");
	model.network_shown = true;
	step(&model, STATE_TUNNEL, STEP_WAITING, "trying_next");
	assert_int_equal(model_screen(&model), SCREEN_NETWORK);
	wifi(&model, WIFI_IDLE); /* a cable came */
	assert_false(model_network_possible(&model));
	wifi(&model, WIFI_JOINED);
	step(&model, STATE_READY, STEP_DONE, "");
	assert_false(model_network_possible(&model));
	model_free(&model);
}

static unsigned ask_pin(struct model *model, enum pin_ask ask, uint8_t tries_left, bool wrong)
{
	unsigned changes;
	begin();
	write_u8(&w, (uint8_t)ask);
	write_u8(&w, tries_left);
	write_u8(&w, wrong);
	assert_int_equal(apply(model, MSG_KIOSK_PIN_ASK, 0, &changes), 0);
	return changes;
}

static void test_a_pin_is_typed_and_forgotten(void **state)
{
	(void)state;
	struct model model = {0};
	char dots[PIN_DIGITS_MAX * 4 + 1];
	assert_int_equal(pin_key(&model.pin, '1'), PIN_PRESS_OTHER);
	assert_int_equal(ask_pin(&model, PIN_ASK_NOW, PIN_TRIES_NOT_SAID, false), CHANGE_DRAW);
	for (const char *c = "12x34"; *c; c++)
		assert_int_equal(pin_key(&model.pin, (unsigned)*c), *c == 'x' ? PIN_PRESS_OTHER : PIN_PRESS_TAKEN);
	assert_int_equal(pin_key(&model.pin, 0xff08), PIN_PRESS_TAKEN); /* BackSpace */
	assert_int_equal(pin_key(&model.pin, 0xff0d), PIN_PRESS_TAKEN); /* Return: too short */
	assert_int_equal(pin_key(&model.pin, 0xffb9), PIN_PRESS_TAKEN); /* 9 of the key pad */
	assert_string_equal(model.pin.digits, "1239");
	pin_dots(&model.pin, dots, sizeof dots);
	assert_string_equal(dots, "● ● ● ● ○ ○ ");
	assert_int_equal(pin_key(&model.pin, 0xff0d), PIN_PRESS_DONE);
	pin_wipe(&model.pin);
	const char none[sizeof model.pin.digits] = {0};
	assert_memory_equal(model.pin.digits, none, sizeof none);
	ask_pin(&model, PIN_ASK_NOW, 4, true);
	assert_true(model.pin.wrong);
	for (int i = 0; i < 20; i++)
		assert_int_equal(pin_key(&model.pin, '7'), PIN_PRESS_TAKEN);
	assert_int_equal(model.pin.typed, PIN_DIGITS_MAX);
	assert_false(model.pin.wrong);
	ask_pin(&model, PIN_ASK_CHECKING, PIN_TRIES_NOT_SAID, false);
	assert_memory_equal(model.pin.digits, none, sizeof none);
	assert_int_equal(pin_key(&model.pin, '7'), PIN_PRESS_OTHER);
}

static unsigned tell_token(struct model *model, uint32_t id, unsigned state, enum token_tries tries)
{
	unsigned changes;
	begin();
	write_u8(&w, (uint8_t)state);
	write_u8(&w, (uint8_t)tries);
	write_u32(&w, state == TOKEN_WRONG_PIN ? 1 : 0);
	write_str(&w, "firm");
	assert_int_equal(apply(model, MSG_KIOSK_TOKEN, id, &changes), 0);
	return changes;
}

static enum pin_press type_token(struct model *model, const char *text)
{
	enum pin_press press = PIN_PRESS_OTHER;
	for (const char *c = text; *c; c++)
		press = token_key(&model->token, (unsigned)*c);
	return press;
}

static void assert_typed_nothing(const struct model *model)
{
	const char none[sizeof model->token.pin] = {0};
	assert_memory_equal(model->token.pin, none, sizeof none);
	assert_int_equal(model->token.typed, 0);
}

static void test_a_tokens_pin_is_asked_for_and_forgotten(void **state)
{
	(void)state;
	struct model model = {0};
	enum { RETURN = 0xff0d, BACKSPACE = 0xff08 };
	assert_int_equal(tell_token(&model, 7, TOKEN_WANTS_PIN, TOKEN_TRIES_NOT_SAID), 0); /* of no session */
	open_session(&model);
	assert_int_equal(tell_token(&model, 6, TOKEN_WANTS_PIN, TOKEN_TRIES_NOT_SAID), 0); /* of another one */
	assert_int_equal(type_token(&model, "1"), PIN_PRESS_OTHER);
	assert_int_equal(tell_token(&model, 7, TOKEN_WANTS_PIN, TOKEN_TRIES_FEW), CHANGE_DRAW);
	assert_string_equal(model.token.label, "firm");
	assert_int_equal(type_token(&model, "aB-"), PIN_PRESS_TAKEN);
	assert_int_equal(token_key(&model.token, RETURN), PIN_PRESS_TAKEN); /* too short */
	assert_int_equal(type_token(&model, " "), PIN_PRESS_OTHER);
	assert_int_equal(type_token(&model, "9x"), PIN_PRESS_TAKEN);
	assert_int_equal(token_key(&model.token, BACKSPACE), PIN_PRESS_TAKEN);
	/* another connection asks: nothing that was typed is lost */
	assert_int_equal(tell_token(&model, 7, TOKEN_WANTS_PIN, TOKEN_TRIES_FEW), CHANGE_DRAW);
	assert_string_equal(model.token.pin, "aB-9");
	assert_int_equal(token_key(&model.token, RETURN), PIN_PRESS_DONE);
	token_sent(&model.token);
	assert_typed_nothing(&model);
	assert_int_equal(type_token(&model, "1"), PIN_PRESS_OTHER); /* it is being checked */
	tell_token(&model, 7, TOKEN_WANTS_PIN, TOKEN_TRIES_FEW);
	assert_true(model.token.checking);
	tell_token(&model, 7, TOKEN_WRONG_PIN, TOKEN_TRIES_LAST);
	assert_int_equal(model.token.tries, TOKEN_TRIES_LAST);
	assert_int_equal(type_token(&model, "0123456789012345678901234567890123456789"), PIN_PRESS_TAKEN);
	assert_int_equal(model.token.typed, TOKEN_PIN_MAX);
	assert_int_equal(tell_token(&model, 7, TOKEN_OPEN, TOKEN_TRIES_NOT_SAID), CHANGE_DRAW | CHANGE_TOKEN_OPEN);
	assert_typed_nothing(&model);
	assert_false(model.token.shown);
	assert_int_equal(tell_token(&model, 7, TOKEN_OPEN, TOKEN_TRIES_NOT_SAID), CHANGE_DRAW); /* nobody was asked */
	model_free(&model);
}

static void test_a_tokens_trouble_has_words_and_ends_with_the_session(void **state)
{
	(void)state;
	struct model model = {0};
	unsigned changes;
	open_session(&model);
	for (unsigned each = TOKEN_LOCKED; each < TOKEN_STATES; each++) {
		assert_int_equal(tell_token(&model, 7, each, TOKEN_TRIES_NOT_SAID), CHANGE_DRAW);
		assert_true(model.token.shown && !token_takes(&model.token));
		assert_ptr_not_equal(advice_for(ABOUT_TOKEN, token_code(each)), advice_for(ABOUT_TOKEN, ""));
		for (unsigned other = TOKEN_LOCKED; other < each; other++)
			assert_string_not_equal(token_code(each), token_code(other));
	}
	tell_token(&model, 7, TOKEN_WANTS_PIN, TOKEN_TRIES_NOT_SAID);
	type_token(&model, "secret");
	begin();
	assert_int_equal(apply(&model, MSG_KIOSK_SESSION_ENDED, 0, &changes), 0);
	assert_typed_nothing(&model);
	assert_false(model.token.shown);
	begin();
	write_u8(&w, TOKEN_STATES);
	write_u8(&w, TOKEN_TRIES_NOT_SAID);
	write_u32(&w, 0);
	write_str(&w, "firm");
	assert_int_equal(apply(&model, MSG_KIOSK_TOKEN, 7, &changes), -EBADMSG);
	model_free(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_steps_lead_to_the_list),
	    cmocka_unit_test(test_a_step_back_takes_the_list_away),
	    cmocka_unit_test(test_trying_again_leaves_the_explanation),
	    cmocka_unit_test(test_a_session_from_choice_to_end),
	    cmocka_unit_test(test_a_session_nobody_waits_for_is_not_shown),
	    cmocka_unit_test(test_a_failed_session_stays_to_be_read),
	    cmocka_unit_test(test_freeze_and_thaw),
	    cmocka_unit_test(test_power_off_ends_all),
	    cmocka_unit_test(test_a_notice_stays_until_it_is_read),
	    cmocka_unit_test(test_usb_devices),
	    cmocka_unit_test(test_a_refused_host_turns_out_to_be_bad),
	    cmocka_unit_test(test_broken_messages_change_nothing),
	    cmocka_unit_test(test_networks_are_shown_while_there_is_no_way_out),
	    cmocka_unit_test(test_a_pin_is_typed_and_forgotten),
	    cmocka_unit_test(test_a_tokens_pin_is_asked_for_and_forgotten),
	    cmocka_unit_test(test_a_tokens_trouble_has_words_and_ends_with_the_session),
	};
	return cmocka_run_group_tests_name("kiosk_model", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "launcher/kiosk/strings.h"
#include "vpn/admission/reasons.h"
#include "whitelist/indicators.h"

static void assert_speaks(const char *text)
{
	assert_non_null(text);
	assert_true(strlen(text) > 0);
	assert_true(g_utf8_validate(text, -1, NULL));
}

static bool is_japanese(const char *text)
{
	for (const char *p = text; *p; p = g_utf8_next_char(p))
		if (g_utf8_get_char(p) >= 0x3040 && g_utf8_get_char(p) < 0xa000)
			return true;
	return false;
}

static void assert_advice(const struct advice *advice)
{
	assert_non_null(advice);
	for (int language = 0; language < LANGUAGE_COUNT; language++) {
		assert_speaks(advice->what[language]);
		assert_speaks(advice->todo[language]);
		assert_int_equal(is_japanese(advice->what[language]), language == LANGUAGE_JA);
		assert_int_equal(is_japanese(advice->todo[language]), language == LANGUAGE_JA);
	}
}

static void test_every_text_in_both_languages(void **state)
{
	(void)state;
	for (int text = 0; text < TEXT_COUNT; text++)
		for (int language = 0; language < LANGUAGE_COUNT; language++)
			assert_speaks(text_of((enum text)text, (enum language)language));
}

static void test_every_code_says_what_and_what_to_do(void **state)
{
	size_t count = 0, general = 0;
	enum advice_about about;
	const char *code;
	(void)state;
	for (; (code = advice_code(count, &about)); count++) {
		assert_advice(advice_for(about, code));
		general += code[0] == '\0';
	}
	assert_true(count > 20);
	assert_int_equal(general, ABOUT_COUNT);
}

/* A warning is another page than the plain refusal, for each category that can be told. */
static void test_warnings_are_their_own(void **state)
{
	(void)state;
	for (int i = INDICATOR_NONE + 1; i < INDICATOR_CATEGORIES; i++) {
		const struct advice *advice = advice_for(ABOUT_DANGER, indicator_word((enum indicator_category)i));
		assert_ptr_not_equal(advice, advice_for(ABOUT_DANGER, ""));
		assert_string_not_equal(advice->what[0], advice_for_refusal(REFUSAL_NOT_LISTED)->what[0]);
	}
	assert_string_not_equal(text_of(TEXT_DANGER_TITLE, LANGUAGE_JA), text_of(TEXT_REFUSED_TITLE, LANGUAGE_JA));
}

static void test_no_code_twice(void **state)
{
	enum advice_about about, other;
	const char *code, *later;
	(void)state;
	for (size_t i = 0; (code = advice_code(i, &about)); i++)
		for (size_t j = i + 1; (later = advice_code(j, &other)); j++)
			assert_false(about == other && strcmp(code, later) == 0);
}

static void test_every_refusal_in_both_languages(void **state)
{
	(void)state;
	for (int refusal = 0; refusal < REFUSAL_COUNT; refusal++) {
		assert_advice(advice_for_refusal((enum refusal)refusal));
		for (int other = refusal + 1; other < REFUSAL_COUNT; other++) {
			assert_string_not_equal(refusal_code((enum refusal)refusal), refusal_code((enum refusal)other));
			assert_string_not_equal(advice_for_refusal((enum refusal)refusal)->what[0],
						advice_for_refusal((enum refusal)other)->what[0]);
		}
	}
	assert_ptr_equal(advice_for_refusal((enum refusal)4711), advice_for_refusal(REFUSAL_NONE));
	assert_ptr_equal(advice_for_refusal((enum refusal) - 1), advice_for_refusal(REFUSAL_NONE));
}

static void test_unknown_code_is_never_silent(void **state)
{
	(void)state;
	for (int about = 0; about < ABOUT_COUNT; about++) {
		assert_advice(advice_for((enum advice_about)about, "no such code"));
		assert_ptr_equal(advice_for((enum advice_about)about, "no such code"),
				 advice_for((enum advice_about)about, ""));
	}
}

/* One table speaks for both ends. */
static void test_every_reason_of_the_gateway_has_its_own_words(void **state)
{
	(void)state;
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		const char *code = admission_reason_code((enum admission_reason)i);
		assert_int_equal(admission_reason_from(code), i);
		if (i != REASON_NOT_REGISTERED) /* which is the answer `unknown' */
			assert_ptr_not_equal(advice_for(ABOUT_STEP, code), advice_for(ABOUT_STEP, ""));
	}
}

static void test_session_knows_refusals_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(advice_for(ABOUT_SESSION, "expired_policy"), advice_for_refusal(REFUSAL_EXPIRED_POLICY));
	assert_ptr_equal(advice_for(ABOUT_PAGE, "expired_policy"), advice_for(ABOUT_PAGE, ""));
}

static void test_steps_have_names(void **state)
{
	(void)state;
	for (int i = STATE_START; i <= STATE_ADMITTED; i++) {
		assert_speaks(step_name((enum stick_state)i, LANGUAGE_JA));
		assert_speaks(step_name((enum stick_state)i, LANGUAGE_EN));
	}
	assert_string_equal(step_name(STATE_SESSION, LANGUAGE_EN), "");
	assert_string_equal(step_name(STATE_COUNT, LANGUAGE_EN), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_text_in_both_languages),
	    cmocka_unit_test(test_every_code_says_what_and_what_to_do),
	    cmocka_unit_test(test_warnings_are_their_own),
	    cmocka_unit_test(test_no_code_twice),
	    cmocka_unit_test(test_every_refusal_in_both_languages),
	    cmocka_unit_test(test_unknown_code_is_never_silent),
	    cmocka_unit_test(test_every_reason_of_the_gateway_has_its_own_words),
	    cmocka_unit_test(test_session_knows_refusals_by_name),
	    cmocka_unit_test(test_steps_have_names),
	};
	return cmocka_run_group_tests_name("kiosk_strings", tests, NULL, NULL);
}

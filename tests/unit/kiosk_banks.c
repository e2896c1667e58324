#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "launcher/kiosk/banks.h"

static const char two[] =
    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\",\"en\":\"A\"},\"start\":\"https://www.bank.example/\","
    "\"support\":\"+81-3-0000-0000\",\"hosts\":[\"www.bank.example\",\"*.pay.bank.example\"]},"
    "{\"id\":\"b\",\"name\":{\"ja\":\"乙\",\"en\":\"B\"},\"start\":\"https://b.example/start\","
    "\"hosts\":[\"B.example\"]}]";

static struct banks two_banks(void)
{
	struct banks banks = {0};
	assert_int_equal(banks_parse(&banks, two, strlen(two)), 0);
	return banks;
}

static void test_list_is_read(void **state)
{
	struct banks banks = two_banks();
	(void)state;
	assert_int_equal(banks.count, 2);
	assert_string_equal(banks.list[0].name[LANGUAGE_JA], "甲");
	assert_string_equal(banks.list[0].name[LANGUAGE_EN], "A");
	assert_string_equal(banks.list[1].support, "");
	assert_string_equal(banks.list[1].hosts[0], "b.example");
	assert_ptr_equal(banks_find(&banks, "b"), &banks.list[1]);
	assert_null(banks_find(&banks, "c"));
	banks_free(&banks);
}

static void test_empty_list(void **state)
{
	struct banks banks = two_banks();
	(void)state;
	assert_int_equal(banks_parse(&banks, "[]", 2), 0);
	assert_int_equal(banks.count, 0);
	banks_free(&banks);
}

static void test_bad_lists_change_nothing(void **state)
{
	static const char *const bad[] = {
	    "",
	    "{}",
	    "[1]",
	    "[{}]",
	    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\"},\"start\":\"https://x.example/\",\"hosts\":[\"x.example\"]}]",
	    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\",\"en\":\"A\"},\"start\":\"https://x.example/\",\"hosts\":[]}]",
	    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\",\"en\":\"A\"},\"start\":\"https://x.example/\",\"hosts\":[7]}]",
	    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\",\"en\":\"A\"},\"start\":\"http://x.jp/\",\"hosts\":[\"x.jp\"]}]",
	    "[{\"id\":\"a\",\"name\":{\"ja\":\"甲\",\"en\":\"A\"},\"start\":\"https://y.jp/\",\"hosts\":[\"x.jp\"]}]",
	    "[{\"id\":\"a\",\"id\":\"a\"}]",
	    "[{\"id\":\"a\"",
	};
	struct banks banks = two_banks();
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(banks_parse(&banks, bad[i], strlen(bad[i])), -EBADMSG);
		assert_int_equal(banks.count, 2);
	}
	banks_free(&banks);
}

static void test_copy_outlives_the_list(void **state)
{
	struct banks banks = two_banks();
	struct bank copy = {0};
	char host[HOST_NAME_BYTES];
	(void)state;
	assert_int_equal(bank_copy(&copy, &banks.list[1]), 0);
	assert_int_equal(bank_copy(&copy, &banks.list[0]), 0);
	banks_free(&banks);
	assert_int_equal(bank_judge(&copy, "https://www.bank.example/x", host), PAGE_ALLOWED);
	bank_free(&copy);
	bank_free(&copy);
}

static void test_where_a_page_may_lead(void **state)
{
	static const struct {
		const char *url;
		enum page_verdict verdict;
		const char *host;
	} cases[] = {
	    {"https://www.bank.example/", PAGE_ALLOWED, "www.bank.example"},
	    {"https://WWW.Bank.Example/a?b#c", PAGE_ALLOWED, "www.bank.example"},
	    {"https://www.bank.example:8443/", PAGE_ALLOWED, "www.bank.example"},
	    {"https://one.pay.bank.example/", PAGE_ALLOWED, "one.pay.bank.example"},
	    {"about:blank", PAGE_BLANK, ""},
	    {"about:srcdoc", PAGE_BLANK, ""},
	    {"https://pay.bank.example/", PAGE_ELSEWHERE, "pay.bank.example"},
	    {"https://.pay.bank.example/", PAGE_ELSEWHERE, ".pay.bank.example"},
	    {"https://two.one.pay.bank.example/", PAGE_ELSEWHERE, "two.one.pay.bank.example"},
	    {"https://bank.example/", PAGE_ELSEWHERE, "bank.example"},
	    {"https://www.bank.example.evil.example/", PAGE_ELSEWHERE, "www.bank.example.evil.example"},
	    {"https://evilwww.bank.example/", PAGE_ELSEWHERE, "evilwww.bank.example"},
	    {"https://www.bank.example./", PAGE_ELSEWHERE, "www.bank.example."},
	    {"https://www.bank.example@phish.example/", PAGE_ELSEWHERE, "phish.example"},
	    {"https://phish.example@www.bank.example/", PAGE_ELSEWHERE, "www.bank.example"},
	    {"http://www.bank.example/", PAGE_INSECURE, "www.bank.example"},
	    {"ftp://www.bank.example/", PAGE_INSECURE, "www.bank.example"},
	    {"data:text/html,hello", PAGE_INSECURE, ""},
	    {"file:///etc/passwd", PAGE_INSECURE, ""},
	    {"javascript:alert(1)", PAGE_INSECURE, ""},
	    {"blob:https://www.bank.example/1", PAGE_INSECURE, ""},
	    {"about:config", PAGE_INSECURE, ""},
	    {"https://198.51.100.40/", PAGE_NUMBER, "198.51.100.40"},
	    {"https://3325256744/", PAGE_NUMBER, "3325256744"},
	    {"https://[2001:db8::1]/", PAGE_NUMBER, "2001:db8::1"},
	    {"www.bank.example", PAGE_ELSEWHERE, ""},
	    {"https:///", PAGE_ELSEWHERE, ""},
	    {"", PAGE_ELSEWHERE, ""},
	};
	struct banks banks = two_banks();
	char host[HOST_NAME_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (bank_judge(&banks.list[0], cases[i].url, host) != cases[i].verdict)
			fail_msg("%s judged %d", cases[i].url, bank_judge(&banks.list[0], cases[i].url, host));
		assert_string_equal(host, cases[i].host);
	}
	banks_free(&banks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list_is_read),
	    cmocka_unit_test(test_empty_list),
	    cmocka_unit_test(test_bad_lists_change_nothing),
	    cmocka_unit_test(test_copy_outlives_the_list),
	    cmocka_unit_test(test_where_a_page_may_lead),
	};
	return cmocka_run_group_tests_name("kiosk_banks", tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/foreign.h"
#include "launcher/kiosk/keys.h"
#include "launcher/kiosk/walls.h"
#include "launcher/kiosk/web_settings.h"

/* WebKit and fontconfig keep what they made until the process ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

/* Run `attempt` inside the filter; how it ended, as waitpid() says. */
static int status_of(void (*attempt)(long), long argument)
{
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (walls_enter() < 0)
			_exit(99);
		attempt(argument);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void call(long number) { (void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L); }

static void make_executable(long unused)
{
	(void)unused;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		_exit(98);
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0)
		_exit(97);
	_exit(errno == EACCES ? 0 : 96);
}

static void test_forbidden_calls_kill(void **state)
{
	size_t count = 0;
	(void)state;
	for (int number; (number = foreign_killed(FOREIGN_SCREEN, count)) != -1; count++) {
		int status = number < 0 ? SIGSYS : status_of(call, number);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("call %d does not kill: status %#x", number, (unsigned)status);
	}
	assert_true(count > 30);
}

static void test_other_calls_do_not(void **state)
{
	(void)state;
	assert_int_equal(status_of(call, seccomp_syscall_resolve_name("getpid")), 0);
	assert_int_equal(status_of(call, seccomp_syscall_resolve_name("unshare")), 0);
	assert_int_equal(status_of(call, seccomp_syscall_resolve_name("mount")), 0);
}

static void test_memory_never_becomes_executable(void **state)
{
	int status = status_of(make_executable, 0);
	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 97)
		skip(); /* a kernel before 6.3 */
	assert_int_equal(status, 0);
}

/* The settings themselves want a display; the names are what an update of WebKit may take away. */
static void test_features_to_be_off_are_known(void **state)
{
	WebKitFeatureList *list = webkit_settings_get_all_features();
	size_t count = 0;
	(void)state;
	for (; web_feature_off(count); count++)
		if (!webkit_feature_list_find(list, web_feature_off(count)))
			fail_msg("this WebKit knows no feature %s", web_feature_off(count));
	assert_true(count > 20);
	webkit_feature_list_unref(list);
}

static void test_frames_only_from_the_bank(void **state)
{
	static char one[] = "www.bank.example", many[] = "*.pay.bank.example";
	char *hosts[] = {one, many};
	const struct bank bank = {.hosts = hosts, .host_count = 2};
	char *policy = web_content_policy(&bank);
	(void)state;
	assert_string_equal(policy, "object-src 'none'; frame-src https://www.bank.example https://*.pay.bank.example");
	g_free(policy);
}

static void test_keys(void **state)
{
	static const struct {
		guint keyval;
		unsigned state; /* GdkModifierType bits */
		enum key_action action;
	} cases[] = {
	    {GDK_KEY_a, 0, KEY_PASS},
	    {GDK_KEY_A, GDK_SHIFT_MASK, KEY_PASS},
	    {GDK_KEY_Return, 0, KEY_PASS},
	    {GDK_KEY_Tab, GDK_SHIFT_MASK, KEY_PASS},
	    {GDK_KEY_F2, 0, KEY_LANGUAGE},
	    {GDK_KEY_F3, 0, KEY_NETWORK},
	    {GDK_KEY_F3, GDK_SHIFT_MASK, KEY_SWALLOW},
	    {GDK_KEY_F10, 0, KEY_POWER_OFF},
	    {GDK_KEY_F10, GDK_SHIFT_MASK, KEY_SWALLOW},
	    {GDK_KEY_F5, 0, KEY_RELOAD},
	    {GDK_KEY_r, GDK_CONTROL_MASK, KEY_RELOAD},
	    {GDK_KEY_Left, GDK_ALT_MASK, KEY_BACK},
	    {GDK_KEY_plus, GDK_CONTROL_MASK | GDK_SHIFT_MASK, KEY_ZOOM_IN},
	    {GDK_KEY_minus, GDK_CONTROL_MASK, KEY_ZOOM_OUT},
	    {GDK_KEY_0, GDK_CONTROL_MASK, KEY_ZOOM_RESET},
	    {GDK_KEY_c, GDK_CONTROL_MASK, KEY_PASS},
	    {GDK_KEY_C, GDK_CONTROL_MASK | GDK_LOCK_MASK, KEY_PASS},
	    {GDK_KEY_p, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_s, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_o, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_u, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_n, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_t, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_w, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_I, GDK_CONTROL_MASK | GDK_SHIFT_MASK, KEY_SWALLOW},
	    {GDK_KEY_C, GDK_CONTROL_MASK | GDK_SHIFT_MASK, KEY_SWALLOW},
	    {GDK_KEY_Tab, GDK_CONTROL_MASK, KEY_SWALLOW},
	    {GDK_KEY_F12, 0, KEY_SWALLOW},
	    {GDK_KEY_F11, 0, KEY_SWALLOW},
	    {GDK_KEY_F7, 0, KEY_SWALLOW},
	    {GDK_KEY_F4, GDK_ALT_MASK, KEY_SWALLOW},
	    {GDK_KEY_Escape, GDK_ALT_MASK, KEY_SWALLOW},
	    {GDK_KEY_Delete, GDK_CONTROL_MASK | GDK_ALT_MASK, KEY_SWALLOW},
	    {GDK_KEY_Menu, 0, KEY_SWALLOW},
	    {GDK_KEY_l, GDK_SUPER_MASK, KEY_SWALLOW},
	    {GDK_KEY_WWW, 0, KEY_SWALLOW},
	    {GDK_KEY_Control_L, 0, KEY_PASS},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (key_judge(cases[i].keyval, cases[i].state) != cases[i].action)
			fail_msg("%s with %#x does %d", gdk_keyval_name(cases[i].keyval), cases[i].state,
				 key_judge(cases[i].keyval, cases[i].state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forbidden_calls_kill),
	    cmocka_unit_test(test_other_calls_do_not),
	    cmocka_unit_test(test_memory_never_becomes_executable),
	    cmocka_unit_test(test_features_to_be_off_are_known),
	    cmocka_unit_test(test_frames_only_from_the_bank),
	    cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests_name("kiosk_walls", tests, NULL, NULL);
}

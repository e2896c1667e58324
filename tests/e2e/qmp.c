/*
 * qmp - a person at an emulated PC, by QEMU's machine protocol: look at the screen, press keys, pull cables.
 *
 * usage: qmp SOCKET COMMAND [ARGUMENT...]; see `commands` below. Ends with 0 when QEMU said yes.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	HOLD_MS = 40,          /* a key's way down; QEMU queues what we send faster */
	TABLET_RANGE = 0x7fff, /* of QEMU's absolute pointer */
	SCREEN_WIDTH = 1280,   /* of OVMF's framebuffer on -vga std */
	SCREEN_HEIGHT = 800,
};

static FILE *from_qemu, *to_qemu;

__attribute__((noreturn, format(printf, 1, 2))) static void fatal(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("qmp: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static void dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		fatal("%s: too long for a socket's name", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fatal("%s: %s", path, strerror(errno));
	from_qemu = fdopen(fd, "r");
	int second = dup(fd);
	to_qemu = second < 0 ? NULL : fdopen(second, "w");
	if (!from_qemu || !to_qemu)
		fatal("%s: %s", path, strerror(errno));
}

/* The next message, one to a line; the caller's. */
static json_t *receive(void)
{
	char *line = NULL;
	size_t size = 0;
	if (getline(&line, &size, from_qemu) < 0)
		fatal("the machine has ended");
	json_t *message = json_loads(line, 0, NULL);
	free(line);
	if (!message)
		fatal("QEMU sent something that is not JSON");
	return message;
}

/* Run one command; events that come in between are not ours. `arguments` is taken. The result is the caller's. */
static json_t *execute(const char *command, json_t *arguments)
{
	json_t *request =
	    json_pack("{s:s, s:o}", "execute", command, "arguments", arguments ? arguments : json_object());
	if (!request)
		fatal("out of memory");
	json_dumpf(request, to_qemu, JSON_COMPACT);
	fputc('\n', to_qemu);
	if (fflush(to_qemu))
		fatal("the machine has ended");
	json_decref(request);
	for (;;) {
		json_t *reply = receive(), *result = json_object_get(reply, "return");
		const char *complaint = json_string_value(json_object_get(json_object_get(reply, "error"), "desc"));
		if (complaint)
			fatal("%s: %s", command, complaint);
		json_incref(result);
		json_decref(reply);
		if (result)
			return result;
	}
}

static void perform(const char *command, json_t *arguments) { json_decref(execute(command, arguments)); }

/* Whole or not at all: who looks at the file while we write sees the picture before. */
static void do_screendump(char **argument)
{
	char path[PATH_MAX], absolute[PATH_MAX];
	if (snprintf(path, sizeof path, "%s.new", argument[0]) >= (int)sizeof path)
		fatal("%s: name too long", argument[0]);
	FILE *file = fopen(path, "w");
	if (!file || fclose(file) || !realpath(path, absolute))
		fatal("%s: %s", path, strerror(errno));
	perform("screendump", json_pack("{s:s, s:s}", "filename", absolute, "format", "png"));
	if (rename(absolute, argument[0]))
		fatal("%s: %s", argument[0], strerror(errno));
}

/* `name` is QEMU's, several joined by '-': ret, f2, ctrl-alt-delete. */
static void press(const char *name)
{
	json_t *keys = json_array();
	for (const char *at = name; *at;) {
		size_t size = strcspn(at, "-");
		json_array_append_new(keys, json_pack("{s:s, s:s%}", "type", "qcode", "data", at, size));
		at += size + (at[size] == '-');
	}
	perform("send-key", json_pack("{s:o, s:i}", "keys", keys, "hold-time", HOLD_MS));
}

static void do_key(char **argument)
{
	for (; *argument; argument++)
		press(*argument);
}

/* A US keyboard, which the stick's is. */
static const struct {
	char character;
	const char *key;
} marks[] = {
    {' ', "spc"},
    {'\n', "ret"},
    {'\t', "tab"},
    {'-', "minus"},
    {'=', "equal"},
    {',', "comma"},
    {'.', "dot"},
    {'/', "slash"},
    {';', "semicolon"},
    {'\'', "apostrophe"},
    {'[', "bracket_left"},
    {']', "bracket_right"},
    {'\\', "backslash"},
    {'`', "grave_accent"},
    {'_', "shift-minus"},
    {'+', "shift-equal"},
    {':', "shift-semicolon"},
    {'?', "shift-slash"},
    {'!', "shift-1"},
    {'@', "shift-2"},
    {'&', "shift-7"},
    {'#', "shift-3"},
    {'%', "shift-5"},
    {'*', "shift-8"},
};

static void press_character(char character)
{
	char name[] = "shift-x";
	if (islower((unsigned char)character) || isdigit((unsigned char)character)) {
		name[6] = character;
		return press(name + 6);
	}
	if (isupper((unsigned char)character)) {
		name[6] = (char)tolower((unsigned char)character);
		return press(name);
	}
	/* '-' joins keys in press(), so that the key of that name never meets it */
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (marks[i].character == character)
			return press(marks[i].key);
	fatal("no key for '%c'", character);
}

static void do_type(char **argument)
{
	for (const char *at = argument[0]; *at; at++)
		press_character(*at);
}

static json_t *pointer_axis(const char *axis, const char *pixels, int extent)
{
	char *end;
	long at = strtol(pixels, &end, 10);
	if (*end || end == pixels || at < 0 || at >= extent)
		fatal("%s is not a place between 0 and %d", pixels, extent - 1);
	return json_pack("{s:s, s:{s:s, s:i}}", "type", "abs", "data", "axis", axis, "value",
			 (int)(at * TABLET_RANGE / (extent - 1)));
}

static void pointer_button(const char *button, bool down)
{
	perform("input-send-event", json_pack("{s:[{s:s, s:{s:s, s:b}}]}", "events", "type", "btn", "data", "button",
					      button, "down", down));
}

static void do_mouse(char **argument)
{
	perform("input-send-event", json_pack("{s:[o, o]}", "events", pointer_axis("x", argument[0], SCREEN_WIDTH),
					      pointer_axis("y", argument[1], SCREEN_HEIGHT)));
	if (!argument[2])
		return;
	static const char *const buttons[] = {"left", "right", "middle"};
	size_t i = 0;
	while (i < sizeof buttons / sizeof buttons[0] && strcmp(argument[2], buttons[i]) != 0)
		i++;
	if (i == sizeof buttons / sizeof buttons[0])
		fatal("%s: a button is left, right or middle", argument[2]);
	pointer_button(buttons[i], true);
	pointer_button(buttons[i], false);
}

static void do_set_link(char **argument)
{
	bool up = strcmp(argument[1], "on") == 0;
	if (!up && strcmp(argument[1], "off") != 0)
		fatal("%s: a cable is on or off", argument[1]);
	perform("set_link", json_pack("{s:s, s:b}", "name", argument[0], "up", up));
}

/* Wait for an event of this name; the caller bounds the time, with timeout(1). */
static void do_wait(char **argument)
{
	for (;;) {
		json_t *message = receive();
		const char *event = json_string_value(json_object_get(message, "event"));
		bool found = event && strcmp(event, argument[0]) == 0;
		if (found)
			json_dumpf(message, stdout, 0);
		json_decref(message);
		if (found)
			break;
	}
	putchar('\n');
}

static void do_execute(char **argument)
{
	json_t *arguments = argument[1] ? json_loads(argument[1], 0, NULL) : NULL;
	if (argument[1] && !arguments)
		fatal("%s: not JSON", argument[1]);
	json_t *result = execute(argument[0], arguments);
	json_dumpf(result, stdout, JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(result);
}

static void do_powerdown(char **argument)
{
	(void)argument;
	perform("system_powerdown", NULL);
}

static void do_quit(char **argument)
{
	(void)argument;
	perform("quit", NULL);
}

static const struct {
	const char *name, *arguments;
	void (*run)(char **argument);
	int least, most;
} commands[] = {
    {"screendump", "FILE.png", do_screendump, 1, 1},
    {"key", "KEY[-KEY...]...", do_key, 1, INT_MAX},
    {"type", "TEXT", do_type, 1, 1},
    {"mouse", "X Y [left|right|middle]", do_mouse, 2, 3},
    {"set_link", "NETDEV on|off", do_set_link, 2, 2},
    {"wait", "EVENT", do_wait, 1, 1},
    {"execute", "COMMAND [JSON]", do_execute, 1, 2},
    {"powerdown", "", do_powerdown, 0, 0},
    {"quit", "", do_quit, 0, 0},
};

static int explain(void)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		fprintf(stderr, "%s qmp SOCKET %s %s\n", i ? "      " : "usage:", commands[i].name,
			commands[i].arguments);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return explain();
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[2], commands[i].name) != 0)
			continue;
		if (argc - 3 < commands[i].least || argc - 3 > commands[i].most)
			return explain();
		dial(argv[1]);
		json_decref(receive());
		perform("qmp_capabilities", NULL);
		commands[i].run(argv + 3);
		fclose(to_qemu);
		fclose(from_qemu);
		return 0;
	}
	return explain();
}

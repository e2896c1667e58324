#include "launcher/kiosk/token.h"

#include <gdk/gdk.h>
#include <string.h>

#include "firmware/lib/buf.h"

static bool asks(enum token_state state) { return state == TOKEN_WANTS_PIN || state == TOKEN_WRONG_PIN; }

bool token_takes(const struct token_entry *entry) { return entry->shown && asks(entry->state) && !entry->checking; }

/* The letters and signs of a keyboard; what the key pad gives without Num Lock is none. */
static char character_of(unsigned keyval)
{
	const gunichar c = gdk_keyval_to_unicode(keyval);
	return c > ' ' && c <= '~' ? (char)c : '\0';
}

enum pin_press token_key(struct token_entry *entry, unsigned keyval)
{
	const bool enter = keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter;
	const char c = character_of(keyval);
	if (!token_takes(entry))
		return PIN_PRESS_OTHER;
	if (enter)
		return entry->typed >= TOKEN_PIN_MIN ? PIN_PRESS_DONE : PIN_PRESS_TAKEN;
	if (keyval == GDK_KEY_BackSpace) {
		if (entry->typed > 0)
			entry->pin[--entry->typed] = '\0';
		return PIN_PRESS_TAKEN;
	}
	if (!c)
		return PIN_PRESS_OTHER;
	if (entry->typed < TOKEN_PIN_MAX) {
		entry->pin[entry->typed++] = c;
		entry->pin[entry->typed] = '\0';
	}
	return PIN_PRESS_TAKEN;
}

static void forget(struct token_entry *entry)
{
	wipe(entry->pin, sizeof entry->pin);
	entry->typed = 0;
}

void token_sent(struct token_entry *entry)
{
	forget(entry);
	entry->checking = true;
}

void token_hide(struct token_entry *entry)
{
	forget(entry);
	entry->shown = entry->checking = false;
}

bool token_told(struct token_entry *entry, enum token_state state, enum token_tries tries, uint32_t wrong,
		const char *label)
{
	const bool was_shown = entry->shown;
	/* Another connection of the page asked meanwhile: what is being typed or checked goes on. */
	if (was_shown && state == TOKEN_WANTS_PIN && asks(entry->state))
		return false;
	token_hide(entry);
	entry->shown = state != TOKEN_OPEN;
	entry->state = state;
	entry->tries = tries;
	entry->wrong = wrong;
	g_strlcpy(entry->label, label, sizeof entry->label);
	return was_shown && state == TOKEN_OPEN;
}

void token_dots(const struct token_entry *entry, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < entry->typed; i++)
		g_strlcat(out, "● ", size);
	if (entry->typed == 0)
		g_strlcat(out, "○ ", size);
}

const char *token_code(enum token_state state)
{
	static const char *const codes[TOKEN_STATES] = {
	    [TOKEN_LOCKED] = "locked",       [TOKEN_ABSENT] = "absent", [TOKEN_FAILED] = "failed",
	    [TOKEN_OTHER_KEY] = "other_key", [TOKEN_SILENT] = "silent", [TOKEN_NONE] = "none"};
	return codes[state] ? codes[state] : "";
}

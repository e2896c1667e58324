#include "launcher/kiosk/keys.h"

static const struct {
	guint keyval;
	enum key_action action;
} plain_keys[] = {
    {GDK_KEY_F2, KEY_LANGUAGE},     {GDK_KEY_F3, KEY_NETWORK},    {GDK_KEY_F5, KEY_RELOAD},
    {GDK_KEY_F10, KEY_POWER_OFF},   {GDK_KEY_Menu, KEY_SWALLOW},  {GDK_KEY_Print, KEY_SWALLOW},
    {GDK_KEY_Sys_Req, KEY_SWALLOW}, {GDK_KEY_Help, KEY_SWALLOW},  {GDK_KEY_Find, KEY_SWALLOW},
    {GDK_KEY_Open, KEY_SWALLOW},    {GDK_KEY_Pause, KEY_SWALLOW}, {GDK_KEY_Scroll_Lock, KEY_PASS},
};

/* With Ctrl: editing only. */
static const struct {
	guint keyval;
	enum key_action action;
} control_keys[] = {
    {GDK_KEY_a, KEY_PASS},
    {GDK_KEY_c, KEY_PASS},
    {GDK_KEY_v, KEY_PASS},
    {GDK_KEY_x, KEY_PASS},
    {GDK_KEY_z, KEY_PASS},
    {GDK_KEY_y, KEY_PASS},
    {GDK_KEY_Left, KEY_PASS},
    {GDK_KEY_Right, KEY_PASS},
    {GDK_KEY_Home, KEY_PASS},
    {GDK_KEY_End, KEY_PASS},
    {GDK_KEY_BackSpace, KEY_PASS},
    {GDK_KEY_Delete, KEY_PASS},
    {GDK_KEY_r, KEY_RELOAD},
    {GDK_KEY_plus, KEY_ZOOM_IN},
    {GDK_KEY_KP_Add, KEY_ZOOM_IN},
    {GDK_KEY_equal, KEY_ZOOM_IN},
    {GDK_KEY_semicolon, KEY_ZOOM_IN}, /* + on a Japanese keyboard */
    {GDK_KEY_minus, KEY_ZOOM_OUT},
    {GDK_KEY_KP_Subtract, KEY_ZOOM_OUT},
    {GDK_KEY_0, KEY_ZOOM_RESET},
    {GDK_KEY_KP_0, KEY_ZOOM_RESET},
};

static enum key_action judge_control(guint keyval, GdkModifierType state)
{
	const guint key = gdk_keyval_to_lower(keyval);
	/* Shift turns editing letters into other commands (paste unstyled, inspect); with it only moving stays. */
	const gboolean letter = key >= GDK_KEY_a && key <= GDK_KEY_z;
	if (letter && (state & GDK_SHIFT_MASK))
		return KEY_SWALLOW;
	for (size_t i = 0; i < G_N_ELEMENTS(control_keys); i++)
		if (control_keys[i].keyval == key)
			return control_keys[i].action;
	return KEY_SWALLOW;
}

static gboolean is_modifier(guint keyval)
{
	return (keyval >= GDK_KEY_Shift_L && keyval <= GDK_KEY_Hyper_R) || keyval == GDK_KEY_ISO_Level3_Shift;
}

enum key_action key_judge(guint keyval, GdkModifierType state)
{
	if (is_modifier(keyval))
		return KEY_PASS;
	if (state & (GDK_SUPER_MASK | GDK_HYPER_MASK | GDK_META_MASK))
		return KEY_SWALLOW;
	if (state & GDK_ALT_MASK) {
		if (keyval == GDK_KEY_Left && !(state & GDK_CONTROL_MASK))
			return KEY_BACK;
		return KEY_SWALLOW;
	}
	if (state & GDK_CONTROL_MASK)
		return judge_control(keyval, state);
	for (size_t i = 0; i < G_N_ELEMENTS(plain_keys); i++)
		if (plain_keys[i].keyval == keyval)
			/* Shift+F10 is the context menu, and so on: only the bare key is ours. */
			return state & GDK_SHIFT_MASK ? KEY_SWALLOW : plain_keys[i].action;
	if (keyval >= GDK_KEY_F1 && keyval <= GDK_KEY_F35)
		return KEY_SWALLOW;
	/* Browser, mail, search, power and the other keys of multimedia keyboards. */
	if (keyval >= 0x1008ff01 && keyval <= 0x1008ffff)
		return keyval == GDK_KEY_Back ? KEY_BACK : KEY_SWALLOW;
	return KEY_PASS;
}

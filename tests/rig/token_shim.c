/*
 * token_shim - a PKCS#11 module that is SoftHSM, with a person's hand on it: TOKEN_SHIM names a file whose words say
 * what happens to the token. Nothing: all goes through. Without an environment, as in tests/rig/stick, that file and
 * SoftHSM's settings are in /sekisho/token.d.
 *
 *   absent  it is not in its slot, and what is under way ends as if it had been pulled out
 *   few, last, locked  what it says of the PIN's tries
 *
 * Each log-in that arrives leaves a byte in the file beside it, TOKEN_SHIM.logins.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

#define FOLDER "/sekisho/token.d/"

static CK_FUNCTION_LIST *real, shim;

static const char *hand(void)
{
	const char *path = getenv("TOKEN_SHIM");
	return path ? path : FOLDER "shim";
}

static bool said(const char *word)
{
	char text[64] = "";
	FILE *file = fopen(hand(), "re");
	if (!file)
		return false;
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return strstr(text, word) != NULL;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	CK_RV result = real->C_GetSlotList(present, slots, count);
	if (result == CKR_OK && said("absent"))
		*count = 0;
	return result;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV result = said("absent") ? CKR_TOKEN_NOT_PRESENT : real->C_GetTokenInfo(slot, info);
	if (result != CKR_OK)
		return result;
	info->flags |= (said("few") ? CKF_USER_PIN_COUNT_LOW : 0U) | (said("last") ? CKF_USER_PIN_FINAL_TRY : 0U) |
		       (said("locked") ? CKF_USER_PIN_LOCKED : 0U);
	return result;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG size)
{
	char path[512];
	snprintf(path, sizeof path, "%s.logins", hand());
	FILE *file = fopen(path, "ae");
	if (file) {
		fputc('x', file);
		fclose(file);
	}
	return real->C_Login(session, user, pin, size);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *signature, CK_ULONG *made)
{
	return said("absent") ? CKR_DEVICE_REMOVED : real->C_Sign(session, data, size, signature, made);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	CK_C_GetFunctionList get = NULL;
	setenv("SOFTHSM2_CONF", FOLDER "softhsm2.conf", 0);
	void *library = dlopen(SOFTHSM, RTLD_NOW | RTLD_LOCAL);
	if (library)
		*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK) {
		fprintf(stderr, "token_shim: %s: %s\n", SOFTHSM, library ? "no list of functions" : dlerror());
		return CKR_GENERAL_ERROR;
	}
	shim = *real;
	shim.C_GetSlotList = get_slot_list;
	shim.C_GetTokenInfo = get_token_info;
	shim.C_Login = login;
	shim.C_Sign = sign;
	*list = &shim;
	return CKR_OK;
}

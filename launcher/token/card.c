#include "launcher/token/card.h"

#include <dlfcn.h>
#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <string.h>

#include "firmware/lib/log.h"

enum { SLOTS_MAX = 32, INFO_BYTES = 19 };

static struct {
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	bool open;
	char label[PKCS11_FIELD_BYTES];
} card;

int card_open(const char *module)
{
	CK_C_GetFunctionList list = NULL;
	void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	if (library)
		*(void **)&list = dlsym(library, "C_GetFunctionList");
	if (!list) {
		log_error("%s is no PKCS#11 module: %s", module, library ? "it has no C_GetFunctionList" : dlerror());
		return -ENOENT;
	}
	CK_RV result = list(&card.f);
	if (result != CKR_OK || !card.f) {
		log_error("%s does not say what it can do (%#lx)", module, result);
		return -EIO;
	}
	result = card.f->C_Initialize(NULL);
	if (result == CKR_OK)
		return 0;
	log_error("%s does not start (%#lx)", module, result);
	return -EIO;
}

static void forget(void)
{
	if (card.open)
		card.f->C_CloseSession(card.session);
	card.open = false;
}

/* --- the token --- */

static bool find_slot(CK_TOKEN_INFO *info)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	if (card.f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < count; i++)
		if (card.f->C_GetTokenInfo(slots[i], info) == CKR_OK && pkcs11_is_label(info->label, card.label)) {
			card.slot = slots[i];
			return true;
		}
	return false;
}

/* Whether it is there, open, and logged in to. */
static enum token_state look(void)
{
	CK_TOKEN_INFO info;
	CK_SESSION_INFO session;
	if (!find_slot(&info)) {
		forget();
		return TOKEN_ABSENT;
	}
	if (card.open && card.f->C_GetSessionInfo(card.session, &session) != CKR_OK)
		forget();
	if (!card.open && card.f->C_OpenSession(card.slot, CKF_SERIAL_SESSION, NULL, NULL, &card.session) != CKR_OK)
		return TOKEN_ABSENT;
	if (!card.open)
		card.f->C_Logout(card.session); /* what another session left open: the PIN is asked for */
	card.open = true;
	if (card.f->C_GetSessionInfo(card.session, &session) != CKR_OK)
		return TOKEN_ABSENT;
	if (session.state == CKS_RO_USER_FUNCTIONS || session.state == CKS_RW_USER_FUNCTIONS)
		return TOKEN_OPEN;
	return info.flags & CKF_USER_PIN_LOCKED ? TOKEN_LOCKED : TOKEN_WANTS_PIN;
}

enum token_tries card_tries(void)
{
	CK_TOKEN_INFO info;
	if (!card.label[0] || !find_slot(&info))
		return TOKEN_TRIES_NOT_SAID;
	if (info.flags & CKF_USER_PIN_FINAL_TRY)
		return TOKEN_TRIES_LAST;
	return info.flags & CKF_USER_PIN_COUNT_LOW ? TOKEN_TRIES_FEW : TOKEN_TRIES_NOT_SAID;
}

enum token_state card_unlock(const char *pin, size_t size)
{
	enum token_state state = card.label[0] ? look() : TOKEN_ABSENT;
	if (state != TOKEN_WANTS_PIN)
		return state;
	switch (card.f->C_Login(card.session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, size)) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return TOKEN_OPEN;
	case CKR_PIN_LOCKED:
		return TOKEN_LOCKED;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return look() == TOKEN_LOCKED ? TOKEN_LOCKED : TOKEN_WRONG_PIN;
	default:
		forget();
		return TOKEN_ABSENT;
	}
}

/* --- the key --- */

static bool find_key(const struct pkcs11_uri *uri, CK_KEY_TYPE type, CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[4] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
	CK_OBJECT_HANDLE both[2];
	CK_ULONG count = 2, found = 0;
	if (uri->object[0])
		wanted[count++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)uri->object, strlen(uri->object)};
	if (uri->id_size)
		wanted[count++] = (CK_ATTRIBUTE){CKA_ID, (void *)(uintptr_t)uri->id, uri->id_size};
	if (card.f->C_FindObjectsInit(card.session, wanted, count) != CKR_OK)
		return false;
	CK_RV result = card.f->C_FindObjects(card.session, both, 2, &found);
	card.f->C_FindObjectsFinal(card.session);
	*key = both[0];
	return result == CKR_OK && found == 1;
}

/* --- signing --- */

static CK_RSA_PKCS_PSS_PARAMS pss[] = {
    {CKM_SHA256, CKG_MGF1_SHA256, 32}, {CKM_SHA384, CKG_MGF1_SHA384, 48}, {CKM_SHA512, CKG_MGF1_SHA512, 64}};

/* DigestInfo up to its digest (RFC 8017 section 9.2, note 1) */
static const uint8_t info256[INFO_BYTES] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
static const uint8_t info384[INFO_BYTES] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					    0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};

static const struct scheme {
	uint16_t scheme;
	size_t digest_size;
	CK_KEY_TYPE type;
	CK_MECHANISM mechanism;
	const uint8_t *info;
} schemes[] = {
    {0x0403, 32, CKK_EC, {CKM_ECDSA, NULL, 0}, NULL},
    {0x0503, 48, CKK_EC, {CKM_ECDSA, NULL, 0}, NULL},
    {0x0804, 32, CKK_RSA, {CKM_RSA_PKCS_PSS, &pss[0], sizeof pss[0]}, NULL},
    {0x0805, 48, CKK_RSA, {CKM_RSA_PKCS_PSS, &pss[1], sizeof pss[1]}, NULL},
    {0x0806, 64, CKK_RSA, {CKM_RSA_PKCS_PSS, &pss[2], sizeof pss[2]}, NULL},
    {0x0401, 32, CKK_RSA, {CKM_RSA_PKCS, NULL, 0}, info256},
    {0x0501, 48, CKK_RSA, {CKM_RSA_PKCS, NULL, 0}, info384},
};

static enum token_state sign_with(const struct scheme *scheme, const struct card_question *question, uint8_t *signature,
				  size_t *size)
{
	uint8_t data[INFO_BYTES + CARD_DIGEST_MAX];
	const size_t before = scheme->info ? INFO_BYTES : 0;
	CK_MECHANISM mechanism = scheme->mechanism;
	CK_OBJECT_HANDLE key;
	CK_ULONG made = CARD_SIGNATURE_MAX;
	if (scheme->info)
		memcpy(data, scheme->info, INFO_BYTES);
	memcpy(data + before, question->digest, question->digest_size);
	if (!find_key(&question->key, scheme->type, &key)) {
		log_error("the token %s has not exactly one such key as the record names", card.label);
		return TOKEN_FAILED;
	}
	CK_RV result = card.f->C_SignInit(card.session, &mechanism, key);
	if (result == CKR_OK)
		result = card.f->C_Sign(card.session, data, before + question->digest_size, signature, &made);
	if (result == CKR_OK) {
		*size = made;
		return TOKEN_OPEN;
	}
	log_error("the token %s does not sign (%#lx)", card.label, result);
	/* Whatever it was, what stands now is what the customer is told. */
	enum token_state now = look();
	return now == TOKEN_OPEN ? TOKEN_FAILED : now;
}

enum token_state card_sign(const struct card_question *question, uint8_t signature[CARD_SIGNATURE_MAX], size_t *size)
{
	const struct scheme *scheme = NULL;
	*size = 0;
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (schemes[i].scheme == question->scheme && schemes[i].digest_size == question->digest_size)
			scheme = &schemes[i];
	if (!scheme)
		return TOKEN_FAILED;
	if (strcmp(card.label, question->key.token) != 0)
		forget();
	memcpy(card.label, question->key.token, sizeof card.label);
	enum token_state state = look();
	return state == TOKEN_OPEN ? sign_with(scheme, question, signature, size) : state;
}

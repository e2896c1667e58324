#include "image/cli/token.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/pkcs11uri.h"
#include "image/cli/cli.h"

#define MODULE_DEFAULT "p11-kit-proxy.so"

enum { SLOTS_MAX = 32, PIN_MAX_BYTES = 256, POINT_BYTES = 65, SPKI_BYTES = 91 };

struct token {
	void *library;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	bool started, open;
};

bool token_is_uri(const char *key) { return pkcs11_is_uri(key); }

/* --- the URI --- */

static int read_uri(const char *text, struct pkcs11_uri *uri)
{
	const char *wrong;
	size_t size;
	switch (pkcs11_uri_read(text, uri, &wrong, &size)) {
	case PKCS11_GOOD:
		return CLI_GOOD;
	case PKCS11_TOO_LONG:
		return refuse("%.*s: longer than such a name is", (int)size, wrong);
	case PKCS11_PIN_INSIDE:
		return refuse(
		    "a PIN in an argument can be read by everybody on this machine: put it into a file and write "
		    "pin-source=file:PATH");
	case PKCS11_UNKNOWN:
		return refuse("%.*s: not token, object, id, type=private, pin-source or module-path", (int)size, wrong);
	case PKCS11_INCOMPLETE:
		break;
	}
	return refuse("%s: must name the token and the key, as pkcs11:token=bank;object=aoki?pin-source=file:PATH",
		      text);
}

/* --- module, slot, session --- */

static int open_module(struct token *t, const struct pkcs11_uri *uri)
{
	const char *environment = getenv("PKCS11_MODULE");
	const char *path = uri->module[0] ? uri->module : environment && *environment ? environment : MODULE_DEFAULT;
	CK_C_GetFunctionList list = NULL;
	t->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (t->library)
		*(void **)&list = dlsym(t->library, "C_GetFunctionList");
	if (!list || list(&t->f) != CKR_OK || !t->f) {
		refuse("no PKCS#11 module at %s: install p11-kit-modules, or name the token's own in PKCS11_MODULE",
		       path);
		return CLI_REFUSED;
	}
	if (t->f->C_Initialize(NULL) != CKR_OK)
		return refuse("%s does not start", path);
	t->started = true;
	return CLI_GOOD;
}

static int open_session(struct token *t, const struct pkcs11_uri *uri)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	if (t->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return refuse("the slots of the PKCS#11 module cannot be read");
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;
		if (t->f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !pkcs11_is_label(info.label, uri->token))
			continue;
		if (t->f->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &t->session) != CKR_OK)
			return refuse("the token %s cannot be opened", uri->token);
		t->open = true;
		return CLI_GOOD;
	}
	return refuse("there is no token %s: is it plugged in?", uri->token);
}

static int log_in(struct token *t, const struct pkcs11_uri *uri)
{
	size_t size;
	const char *path = uri->pin_source;
	if (!*path)
		return refuse("the token %s wants its PIN: put it into a file that only you can read and write "
			      "?pin-source=file:PATH",
			      uri->token);
	char *pin = file_read(strncmp(path, "file:", 5) ? path : path + 5, PIN_MAX_BYTES, &size);
	if (!pin)
		return CLI_REFUSED;
	size_t length = strcspn(pin, "\r\n");
	CK_RV result = t->f->C_Login(t->session, CKU_USER, (CK_UTF8CHAR *)pin, length);
	wipe(pin, size);
	free(pin);
	if (result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN)
		return CLI_GOOD;
	return refuse(result == CKR_PIN_INCORRECT ? "the token %s refuses the PIN; a few wrong ones lock it"
		      : result == CKR_PIN_LOCKED  ? "the token %s is locked after wrong PINs; its officer can unlock it"
						  : "the token %s does not let us in",
		      uri->token);
}

static void token_close(struct token *t)
{
	if (t->open)
		t->f->C_CloseSession(t->session);
	if (t->started)
		t->f->C_Finalize(NULL);
	if (t->library)
		dlclose(t->library);
}

/* --- the key --- */

static int find(struct token *t, const struct pkcs11_uri *uri, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *object)
{
	CK_KEY_TYPE type = CKK_EC;
	CK_ATTRIBUTE wanted[4] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
	CK_ULONG count = 2, found = 0;
	if (uri->object[0])
		wanted[count++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)uri->object, strlen(uri->object)};
	if (uri->id_size)
		wanted[count++] = (CK_ATTRIBUTE){CKA_ID, (void *)(uintptr_t)uri->id, uri->id_size};
	CK_OBJECT_HANDLE both[2];
	CK_RV result = t->f->C_FindObjectsInit(t->session, wanted, count);
	if (result == CKR_OK) {
		result = t->f->C_FindObjects(t->session, both, 2, &found);
		t->f->C_FindObjectsFinal(t->session);
	}
	if (result != CKR_OK || found == 0)
		return refuse("the token %s has no EC %s key %s", uri->token,
			      class == CKO_PRIVATE_KEY ? "private" : "public", uri->object);
	*object = both[0];
	return found == 1 ? CLI_GOOD
			  : refuse("the token %s has several keys %s: name one by id=", uri->token, uri->object);
}

/* CKA_EC_POINT is an OCTET STRING around the point, or, from some modules, the point. */
static int read_point(struct token *t, const struct pkcs11_uri *uri, uint8_t point[POINT_BYTES])
{
	uint8_t value[POINT_BYTES + 2];
	CK_ATTRIBUTE wanted = {CKA_EC_POINT, value, sizeof value};
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
	int code = find(t, uri, CKO_PUBLIC_KEY, &object);
	if (code)
		return code;
	bool got = t->f->C_GetAttributeValue(t->session, object, &wanted, 1) == CKR_OK;
	bool wrapped = got && wanted.ulValueLen == POINT_BYTES + 2 && value[0] == 0x04 && value[1] == POINT_BYTES;
	if (!wrapped && !(got && wanted.ulValueLen == POINT_BYTES))
		return refuse("the key %s in the token %s is not a P-256 key", uri->object, uri->token);
	memcpy(point, value + (wrapped ? 2 : 0), POINT_BYTES);
	return CLI_GOOD;
}

static void point_pem(const uint8_t point[POINT_BYTES], char pem[ENVELOPE_PEM_MAX])
{
	/* SubjectPublicKeyInfo of every P-256 key up to its point (RFC 5480) */
	static const uint8_t prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
					 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
	uint8_t spki[SPKI_BYTES];
	char text[BASE64_ENCODED_SIZE(SPKI_BYTES)];
	_Static_assert(sizeof prefix + POINT_BYTES == SPKI_BYTES, "a P-256 key");
	memcpy(spki, prefix, sizeof prefix);
	memcpy(spki + sizeof prefix, point, POINT_BYTES);
	base64_encode(spki, sizeof spki, text);
	snprintf(pem, ENVELOPE_PEM_MAX, "-----BEGIN PUBLIC KEY-----\n%.64s\n%s\n-----END PUBLIC KEY-----\n", text,
		 text + 64);
}

/* Open, log in, and read the key's public half. */
static int token_open(struct token *t, const struct pkcs11_uri *uri, char pem[ENVELOPE_PEM_MAX])
{
	uint8_t point[POINT_BYTES];
	int code = open_module(t, uri);
	if (!code)
		code = open_session(t, uri);
	if (!code)
		code = log_in(t, uri);
	if (!code)
		code = read_point(t, uri, point);
	if (!code)
		point_pem(point, pem);
	return code;
}

int token_public(const char *text, char pem[ENVELOPE_PEM_MAX])
{
	struct token t = {0};
	struct pkcs11_uri uri;
	int code = read_uri(text, &uri);
	if (!code)
		code = token_open(&t, &uri, pem);
	token_close(&t);
	return code;
}

/* --- signing --- */

/* One INTEGER of an ECDSA-Sig-Value (RFC 3279 section 2.2.3) from 32 bytes; its size. */
static size_t der_integer(const uint8_t *value, uint8_t *out)
{
	size_t skip = 0;
	while (skip < 31 && value[skip] == 0)
		skip++;
	size_t pad = value[skip] >> 7, size = 32 - skip;
	out[0] = 0x02;
	out[1] = (uint8_t)(size + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, value + skip, size);
	return 2 + pad + size;
}

static int sign(struct token *t, const struct pkcs11_uri *uri, const uint8_t digest[32],
		struct envelope_signature *signature)
{
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	uint8_t raw[64];
	CK_ULONG size = sizeof raw;
	int code = find(t, uri, CKO_PRIVATE_KEY, &key);
	if (code)
		return code;
	if (t->f->C_SignInit(t->session, &mechanism, key) != CKR_OK ||
	    t->f->C_Sign(t->session, (CK_BYTE *)(uintptr_t)digest, 32, raw, &size) != CKR_OK || size != sizeof raw)
		return refuse("the token %s does not sign with %s", uri->token, uri->object);
	size_t first = der_integer(raw, signature->der + 2), second = der_integer(raw + 32, signature->der + 2 + first);
	signature->der[0] = 0x30;
	signature->der[1] = (uint8_t)(first + second);
	signature->der_size = 2 + first + second;
	return CLI_GOOD;
}

int token_sign(const char *text, const uint8_t digest[32], struct envelope_signature *signature)
{
	struct token t = {0};
	struct pkcs11_uri uri;
	struct envelope_key key;
	char pem[ENVELOPE_PEM_MAX];
	*signature = (struct envelope_signature){0};
	int code = read_uri(text, &uri);
	if (!code)
		code = token_open(&t, &uri, pem);
	if (!code && envelope_key_parse(pem, &key))
		code = refuse("the key %s in the token %s is not a P-256 key", uri.object, uri.token);
	if (!code) {
		memcpy(signature->keyid, key.keyid, sizeof key.keyid);
		code = sign(&t, &uri, digest, signature);
	}
	token_close(&t);
	return code;
}

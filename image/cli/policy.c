/* sekisho policy - make, check and sign the whitelist of banks and the list of gateways: sekisho-policy(1). */
#include "image/cli/policy.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "image/cli/cli.h"
#include "image/cli/token.h"
#include "whitelist/date.h"

/* --- options, the same letters in all of them --- */

static const struct option long_options[] = {
    {"key", required_argument, NULL, 'k'},
    {"output", required_argument, NULL, 'o'},
    {"roots", required_argument, NULL, 'r'},
    {"type", required_argument, NULL, 't'},
    {"at", required_argument, NULL, 'a'},
    {"json", no_argument, NULL, 'j'},
    {"threshold", required_argument, NULL, 'n'},
    {"force", no_argument, NULL, 'f'},
    {"resolve", no_argument, NULL, 'R'},
    {"version", required_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int take_option(int letter, struct policy_options *o)
{
	switch (letter) {
	case 'k':
		o->key = optarg;
		return 0;
	case 'o':
		o->output = optarg;
		return 0;
	case 'r':
		o->roots = optarg;
		return 0;
	case 'a':
		o->at = optarg;
		return 0;
	case 'j':
		o->json = true;
		refuse_in_json();
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case 'R':
		o->resolve = true;
		return 0;
	case 'v':
		o->version = strtol(optarg, NULL, 10);
		return o->version > 0 ? 0 : -1;
	case 'n':
		o->threshold = strtol(optarg, NULL, 10);
		return 0;
	case 't':
		o->type = type_of_word(optarg);
		return o->type ? 0 : -1;
	default:
		return -1;
	}
}

int policy_options_read(int argc, char **argv, const char *letters, const char *usage, int least, int most,
			struct policy_options *o)
{
	*o = (struct policy_options){0};
	opterr = 0;
	optind = 1;
	for (int letter; (letter = getopt_long(argc, argv, "k:o:r:t:a:jn:fh", long_options, NULL)) != -1;) {
		if (letter == 'h') {
			printf("usage: sekisho policy %s\n", usage);
			return CLI_GOOD;
		}
		if (!strchr(letters, letter) || take_option(letter, o)) {
			fprintf(stderr, "usage: sekisho policy %s\n", usage);
			return CLI_USAGE;
		}
	}
	o->count = argc - optind;
	o->files = argv + optind;
	if (o->count >= least && o->count <= most)
		return -1;
	fprintf(stderr, "usage: sekisho policy %s\n", usage);
	return CLI_USAGE;
}

/* --- keys --- */

static void say_keyid(const char *what, const uint8_t keyid[ENVELOPE_KEYID_BYTES])
{
	char text[ENVELOPE_KEYID_TEXT];
	envelope_keyid_text(keyid, text);
	fprintf(stderr, "%s %s\n", what, text);
}

static int keygen_write(const char *name, const char *private_pem, const char *public_pem)
{
	char path[4096];
	if ((size_t)snprintf(path, sizeof path, "%s.key", name) >= sizeof path)
		return refuse("%s: %s", name, strerror(ENAMETOOLONG));
	int code = file_create(path, 0600, private_pem, strlen(private_pem));
	if (code)
		return code;
	snprintf(path, sizeof path, "%s.pub", name);
	return file_create(path, 0644, public_pem, strlen(public_pem));
}

static int keygen_of_token(const struct policy_options *o)
{
	char pem[ENVELOPE_PEM_MAX], path[4096];
	struct envelope_key key;
	if (!token_is_uri(o->key))
		return refuse("%s: not a PKCS#11 URI; `sekisho policy keygen NAME' makes a key in a file", o->key);
	int code = token_public(o->key, pem);
	if (!code && envelope_key_parse(pem, &key))
		code = refuse("the key in the token is not a P-256 key");
	if (!code && (size_t)snprintf(path, sizeof path, "%s.pub", o->files[0]) >= sizeof path)
		code = refuse("%s: %s", o->files[0], strerror(ENAMETOOLONG));
	if (!code)
		code = file_create(path, 0644, pem, strlen(pem));
	if (!code)
		say_keyid("key id", key.keyid);
	return code;
}

static int policy_keygen(int argc, char **argv)
{
	struct policy_options o;
	int code =
	    policy_options_read(argc, argv, "k",
				"keygen NAME    (makes NAME.key and NAME.pub)\n"
				"       sekisho policy keygen --key pkcs11:token=T;object=O?pin-source=file:PATH NAME\n"
				"                      (writes NAME.pub of a key in a token)",
				1, 1, &o);
	if (code >= 0)
		return code;
	if (o.key)
		return keygen_of_token(&o);
	char private_pem[ENVELOPE_PEM_MAX], public_pem[ENVELOPE_PEM_MAX];
	struct envelope_key key;
	if (envelope_key_generate(private_pem, public_pem) || envelope_key_parse(public_pem, &key))
		code = refuse("no key could be made: the system's random numbers failed");
	else
		code = keygen_write(o.files[0], private_pem, public_pem);
	wipe(private_pem, sizeof private_pem);
	if (!code)
		say_keyid("key id", key.keyid);
	return code;
}

/* --- signing --- */

static int sign_failed(int error, const struct policy_options *o)
{
	switch (error) {
	case -EEXIST:
		return refuse("%s signed %s already; the next signature must be by another person's key", o->key,
			      o->files[0]);
	case -EKEYREJECTED:
		return refuse("%s: not a P-256 private key in PEM (NAME.key of `sekisho policy keygen')", o->key);
	case -EFBIG:
		return refuse("%s: too large for a signed object, or signed too often", o->files[0]);
	default:
		return refuse("%s: signing failed: %s", o->files[0], strerror(-error));
	}
}

/* 0, -errno, or 1: refused, and said. */
static int sign_by_token(const struct document *document, const struct policy_options *o, char **text)
{
	uint8_t digest[32];
	struct envelope_signature signature;
	int error = envelope_digest(document->type, document->payload, document->payload_size, digest);
	if (!error)
		error = token_sign(o->key, digest, &signature);
	return error ? error
		     : envelope_attach(document->is_envelope ? document->text : NULL, document->type, document->payload,
				       document->payload_size, &signature, text);
}

static int sign_by_file(const struct document *document, const struct policy_options *o, char **text)
{
	size_t size;
	char *pem = file_read(o->key, PEM_FILE_MAX_BYTES, &size);
	if (!pem)
		return 1;
	int error = envelope_sign(document->is_envelope ? document->text : NULL, document->type, document->payload,
				  document->payload_size, pem, text);
	wipe(pem, size);
	free(pem);
	return error;
}

static int sign_document(const struct document *document, const struct policy_options *o)
{
	char *text = NULL;
	int error = token_is_uri(o->key) ? sign_by_token(document, o, &text) : sign_by_file(document, o, &text);
	if (error > 0)
		return CLI_REFUSED;
	if (error)
		return sign_failed(error, o);
	int code = file_replace(o->output, text, strlen(text));
	free(text);
	size_t count = document->envelope.signature_count + 1;
	if (!code && o->json && o->output)
		print_json(json_pack("{s:s, s:I, s:I}", "type", word_of_type(document->type), "version",
				     (json_int_t)document_version(document), "signatures", (json_int_t)count));
	if (!code)
		fprintf(stderr, "sekisho: version %llu of the %s has %zu signature%s now\n",
			(unsigned long long)document_version(document), word_of_type(document->type), count,
			count > 1 ? "s" : "");
	return code;
}

static int policy_sign(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(argc, argv, "kotafj",
				       "sign --key NAME.key [--type policy|gateways|roots] [--at DATE] [--force] "
				       "[--json] [-o FILE] PAYLOAD-OR-ENVELOPE",
				       1, 1, &o);
	if (code >= 0)
		return code;
	if (!o.key) {
		fputs("sekisho: sign needs --key, the signer's private key\n", stderr);
		return CLI_USAGE;
	}
	struct document document = {0};
	int64_t now;
	code = time_of(o.at, &now);
	if (!code)
		code = document_open(&document, o.files[0], o.type, NULL);
	if (!code)
		code = document_locks_out(&document, now, o.force);
	if (!code)
		code = sign_document(&document, &o);
	document_close(&document);
	return code;
}

/* --- verifying --- */

static int check_expiry(const struct document *document, int64_t now)
{
	if (document->whitelist && now >= document->whitelist->expires)
		return refuse("%s: %s", document->path, whitelist_verdict_text(WHITELIST_OUT_OF_DATE));
	return CLI_GOOD;
}

static void say_verified(const struct document *document, bool json)
{
	char expires[DATE_BYTES] = "never";
	if (document->whitelist)
		date_format(document->whitelist->expires, expires);
	printf(json ? "{\"type\": \"%s\", \"version\": %llu, \"expires\": \"%s\"}\n"
		    : "good: %s version %llu, expires %s\n",
	       word_of_type(document->type), (unsigned long long)document_version(document), expires);
}

static int policy_verify(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(
	    argc, argv, "rtaj", "verify --roots ROOTS [--type policy|gateways|roots] [--at DATE] [--json] ENVELOPE", 1,
	    1, &o);
	if (code >= 0)
		return code;
	if (!o.roots) {
		fputs("sekisho: verify needs --roots, the file of the keys that count\n", stderr);
		return CLI_USAGE;
	}
	struct document document = {0};
	struct envelope_roots roots;
	int64_t now;
	code = roots_open(o.roots, &roots);
	if (!code)
		code = time_of(o.at, &now);
	if (!code)
		code = document_open(&document, o.files[0], o.type ? o.type : ENVELOPE_TYPE_POLICY, &roots);
	if (!code)
		code = check_expiry(&document, now);
	if (!code)
		say_verified(&document, o.json);
	document_close(&document);
	return code;
}

static const struct command commands[] = {
    {"keygen", policy_keygen, "NAME", "make a signing key: NAME.key (keep it secret) and NAME.pub"},
    {"roots", policy_roots, "--threshold N [--version V] [-o FILE] [HOLDER=]PUBLIC-KEY ...",
     "make the file of the keys whose signatures count, and of how many people's are needed"},
    {"bundle", policy_bundle, "--roots ROOTS [-o FILE] ENVELOPE LINK ...",
     "put the signed chain of newer roots to what they signed"},
    {"init", policy_init, "(--tenant ID | --next OLD) [--days N] [-o FILE]",
     "begin a policy, or the next version of one"},
    {"add", policy_add, "POLICY authority|bank|host|pin ...", "put something into a policy that is not signed yet"},
    {"remove", policy_remove, "POLICY authority|bank|host|pin ...", "take something out of it"},
    {"pin", policy_pin, "CERTIFICATE-OR-PUBLIC-KEY ... | [--anchors FILE] [--reserve PUBLIC-KEY] HOST",
     "print the pin of a key; or ask a server once, judge what it shows, and propose pins"},
    {"lint", policy_lint, "[--type policy|gateways|roots] [--at DATE] [--json] FILE", "say what is wrong or unwise"},
    {"diff", policy_diff, "[--type policy|gateways|roots] [--json] OLD NEW",
     "say in words what a new version opens and closes"},
    {"sign", policy_sign, "--key NAME.key [--type policy|gateways|roots] [-o FILE] PAYLOAD-OR-ENVELOPE",
     "add one person's signature"},
    {"verify", policy_verify, "--roots ROOTS [--type policy|gateways|roots] [--at DATE] [--json] ENVELOPE",
     "check the signatures and the dates as a stick does"},
    {"show", policy_show, "[--roots ROOTS] [--type policy|gateways|roots] [--json] FILE",
     "show what is in it and who signed it"},
    {0},
};

int cmd_policy(int argc, char **argv) { return command_run(commands, "sekisho policy", argc, argv); }

/* sekisho device - make and show device records: sekisho-device(1), record(5). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/boot/record.h"
#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/envelope.h"
#include "image/cli/cli.h"
#include "image/cli/device_clients.h"
#include "vpn/admission/pin.h"

enum { KEY_TEXT = BASE64_ENCODED_SIZE(RECORD_KEY_BYTES) };

struct new_options {
	const char *device, *tenant, *address, *gateways, *roots, *public, *identity, *output, *password_file;
	json_t *clients; /* the customer's certificates, by bank */
};

struct secrets {
	uint8_t wireguard[RECORD_KEY_BYTES], identity[RECORD_KEY_BYTES], pin[RECORD_KEY_BYTES],
	    mutable[RECORD_KEY_BYTES];
	uint8_t wireguard_public[RECORD_KEY_BYTES], identity_public[STATEMENT_PUBLIC_BYTES];
};

static int make_key_pair(uint8_t private_key[RECORD_KEY_BYTES], uint8_t public_key[RECORD_KEY_BYTES])
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY));
	psa_set_key_bits(&attributes, 255);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
	psa_key_id_t key = 0;
	size_t size;
	psa_status_t status = psa_crypto_init();
	if (status == PSA_SUCCESS)
		status = psa_generate_key(&attributes, &key);
	if (status == PSA_SUCCESS)
		status = psa_export_key(key, private_key, RECORD_KEY_BYTES, &size);
	if (status == PSA_SUCCESS)
		status = psa_export_public_key(key, public_key, RECORD_KEY_BYTES, &size);
	psa_destroy_key(key);
	return status == PSA_SUCCESS ? CLI_GOOD : refuse("making keys: the system's source of randomness failed");
}

/* A stick made with a list nobody signed would refuse it at every start: better to say so here. */
static int check_gateways(const char *path, const char *envelope, size_t size, const char *roots_path)
{
	if (!roots_path) {
		fprintf(stderr, "sekisho: note: %s was not verified (no --roots)\n", path);
		return CLI_GOOD;
	}
	size_t roots_size, payload_size;
	uint8_t *payload = NULL;
	struct envelope_roots roots;
	char *text = file_read(roots_path, ENVELOPE_MAX_BYTES, &roots_size);
	if (!text)
		return CLI_REFUSED;
	enum envelope_error error = envelope_roots_parse(text, roots_size, &roots);
	free(text);
	if (error)
		return refuse("%s: %s", roots_path, envelope_error_text(error));
	error = envelope_verify(envelope, size, ENVELOPE_TYPE_GATEWAYS, &roots, &payload, &payload_size);
	free(payload);
	return error ? refuse("%s: %s", path, envelope_error_text(error)) : CLI_GOOD;
}

static int make_secrets(struct secrets *secrets)
{
	if (make_key_pair(secrets->wireguard, secrets->wireguard_public))
		return CLI_REFUSED;
	if (statement_new_key(secrets->identity, secrets->identity_public) ||
	    psa_generate_random(secrets->pin, sizeof secrets->pin) != PSA_SUCCESS ||
	    psa_generate_random(secrets->mutable, sizeof secrets->mutable) != PSA_SUCCESS)
		return refuse("making keys: the system's source of randomness failed");
	return CLI_GOOD;
}

/* The immutable half as JSON, to be wiped and freed by the caller; NULL if memory ran out. */
static char *compose(const struct new_options *options, const char *gateways, const struct secrets *secrets)
{
	const uint8_t *const keys[] = {secrets->wireguard, secrets->identity, secrets->pin, secrets->mutable};
	char texts[4][KEY_TEXT];
	char *json = NULL;
	for (size_t i = 0; i < 4; i++)
		base64_encode(keys[i], RECORD_KEY_BYTES, texts[i]);
	json_t *root =
	    json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", 1, "device", options->device, "tenant",
		      options->tenant, "wireguard_key", texts[0], "identity_key", texts[1], "pin_secret", texts[2],
		      "mutable_key", texts[3], "address", options->address, "gateways", gateways);
	if (root && json_object_size(options->clients) > 0)
		json_object_set(root, "client_certificates", options->clients);
	if (root)
		json = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	wipe(texts, sizeof texts);
	return json;
}

static int write_record(const char *path, const char *json)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return refuse("%s: %s", path,
			      errno == EEXIST ? "is there already, and a record is never overwritten"
					      : strerror(errno));
	enum record_error error = record_create(fd, json, strlen(json));
	if (close(fd) < 0 && !error)
		error = RECORD_IO;
	if (!error)
		return CLI_GOOD;
	unlink(path);
	return refuse("%s: %s", path,
		      error == RECORD_SIZE ? "the gateways' list and the certificates are too long for a device record"
					   : record_error_text(error));
}

static int publish(const char *path, const uint8_t *public_key, size_t size)
{
	char text[BASE64_ENCODED_SIZE(STATEMENT_PUBLIC_BYTES) + 1];
	base64_encode(public_key, size, text);
	size_t length = strlen(text);
	text[length] = '\n';
	return file_replace(path, text, length + 1);
}

static int make_record(const struct new_options *options)
{
	struct secrets secrets = {0};
	size_t size;
	char *json = NULL;
	int status = CLI_REFUSED;
	char *gateways = file_read(options->gateways, ENVELOPE_MAX_BYTES, &size);
	if (!gateways || check_gateways(options->gateways, gateways, size, options->roots))
		goto out;
	if (make_secrets(&secrets))
		goto out;
	json = compose(options, gateways, &secrets);
	if (!json) {
		refuse("%s: is not UTF-8 text", options->gateways);
		goto out;
	}
	status = write_record(options->output, json);
	if (!status)
		status = publish(options->public, secrets.wireguard_public, sizeof secrets.wireguard_public);
	if (!status && options->identity)
		status = publish(options->identity, secrets.identity_public, sizeof secrets.identity_public);
out:
	wipe(&secrets, sizeof secrets);
	if (json)
		wipe(json, strlen(json));
	free(json);
	free(gateways);
	return status;
}

static int missing_options(void)
{
	refuse("device new: --device, --tenant, --address, --gateways and -o are needed, and nothing else");
	return CLI_USAGE;
}

enum { CLIENT_OPTION = 100, CLIENTS_MOST = 8 };

/* The first line of a file: a password is no argument, which others see in the list of processes. */
static int read_password(const char *path, char *password, size_t capacity)
{
	size_t size;
	char *text = path ? file_read(path, capacity - 1, &size) : NULL;
	if (path && !text)
		return CLI_REFUSED;
	password[0] = '\0';
	if (text) {
		text[strcspn(text, "\r\n")] = '\0';
		memcpy(password, text, strlen(text) + 1);
		wipe(text, size);
	}
	free(text);
	return CLI_GOOD;
}

static int add_clients(struct new_options *options, const char *const *arguments, size_t count)
{
	char password[256];
	int status = read_password(options->password_file, password, sizeof password);
	options->clients = json_object();
	for (size_t i = 0; i < count && !status; i++)
		status = device_add_client(options->clients, arguments[i], options->password_file ? password : NULL);
	wipe(password, sizeof password);
	return status;
}

static int device_new(int argc, char **argv)
{
	struct new_options options = {0};
	const char *clients[CLIENTS_MOST];
	size_t client_count = 0;
	const char **const targets[] = {&options.device,   &options.tenant,        &options.address,
					&options.gateways, &options.roots,         &options.public,
					&options.identity, &options.password_file, &options.output};
	enum { OUTPUT = sizeof targets / sizeof targets[0] - 1 };
	static const struct option longs[] = {{"device", required_argument, NULL, 0},
					      {"tenant", required_argument, NULL, 1},
					      {"address", required_argument, NULL, 2},
					      {"gateways", required_argument, NULL, 3},
					      {"roots", required_argument, NULL, 4},
					      {"public", required_argument, NULL, 5},
					      {"identity", required_argument, NULL, 6},
					      {"client-password", required_argument, NULL, 7},
					      {"client-certificate", required_argument, NULL, CLIENT_OPTION},
					      {"output", required_argument, NULL, OUTPUT},
					      {0}};
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) {
		if (option == '?' || (option == CLIENT_OPTION && client_count == CLIENTS_MOST))
			return CLI_USAGE;
		if (option == CLIENT_OPTION) {
			clients[client_count++] = optarg;
			continue;
		}
		*targets[option == 'o' ? OUTPUT : option] = optarg;
	}
	if (optind != argc || !options.device || !options.tenant || !options.address || !options.gateways ||
	    !options.output)
		return missing_options();
	json_set_alloc_funcs(malloc, wipe_free); /* keys pass through it */
	int status = add_clients(&options, clients, client_count);
	if (!status)
		status = make_record(&options);
	json_decref(options.clients);
	return status;
}

/* What an operator may see: neither key, and of the envelopes only their size. */
static void print_record(const struct record *record)
{
	json_t *root = json_loadb(record->immutable, record->immutable_size, 0, NULL);
	static const char *const shown[] = {"device", "tenant", "address"};
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		printf("%-10s %s\n", shown[i], json_string_value(json_object_get(root, shown[i])));
	printf("%-10s %zu bytes\n", "gateways", json_string_length(json_object_get(root, "gateways")));
	const char *bank;
	json_t *client;
	json_object_foreach(json_object_get(root, "client_certificates"), bank, client)
	{
		device_print_client(bank, client);
	}
	json_decref(root);
	for (int nth = 0; nth < RECORD_COPIES; nth++)
		printf("copy %d     %s%s\n", nth, record_error_text(record->copies[nth]),
		       nth == record->newest ? ", in use" : "");
	if (!record->changing)
		return;
	printf("%-10s %llu\n", "sequence", (unsigned long long)record->sequence);
	root = json_loadb(record->changing, record->changing_size, 0, NULL);
	static const char *const numbers[] = {"policy_version", "time_floor", "time_last", "image_floor"};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (json_is_integer(json_object_get(root, numbers[i])))
			printf("%s %lld\n", numbers[i],
			       (long long)json_integer_value(json_object_get(root, numbers[i])));
	json_decref(root);
}

static int device_show(int argc, char **argv)
{
	if (argc != 2) {
		refuse("device show: name one record");
		return CLI_USAGE;
	}
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse("%s: %s", argv[1], strerror(errno));
	struct record record;
	enum record_error error = record_load(fd, &record);
	close(fd);
	if (error)
		return refuse("%s: %s", argv[1], record_error_text(error));
	print_record(&record);
	record_free(&record);
	return CLI_GOOD;
}

/* --- PIN letters --- */

struct pin_options {
	const char *device_record, *public, *output;
	bool duress;
};

/* A PIN made up, and the public half of its key. */
static int make_pin(const uint8_t secret[PIN_SECRET_BYTES], char pin[PIN_DIGITS_LETTER + 1], char *public_text)
{
	uint8_t private_key[STATEMENT_PRIVATE_BYTES], public_key[STATEMENT_PUBLIC_BYTES];
	int error = pin_new(pin);
	if (!error)
		error = pin_derive(pin, secret, private_key);
	if (!error)
		error = statement_public(private_key, public_key);
	wipe(private_key, sizeof private_key);
	if (error)
		return refuse("the PIN's key cannot be made: %s", strerror(-error));
	base64_encode(public_key, sizeof public_key, public_text);
	return CLI_GOOD;
}

static int write_letter(const char *path, const char *device, const char *pin, const char *duress)
{
	char text[1536];
	int size = snprintf(
	    text, sizeof text,
	    "暗証番号のお知らせ / Your PIN\n\nスティック / stick: %s\n\n    暗証番号 / PIN:  %s\n\n"
	    "パソコンをスティックから起動すると、暗証番号を聞かれます。銀行の職員も、警察も、電話で聞くことはありません"
	    "。\n"
	    "5回まちがえると止まります。そのときは窓口にお電話ください。\n\n"
	    "You are asked for it when the PC has started from the stick. Nobody, no bank and no police, asks for "
	    "it by telephone.\nAfter five wrong tries it is locked. Please call the desk then.\n",
	    device, pin);
	if (duress[0])
		size += snprintf(
		    text + size, sizeof text - (size_t)size,
		    "\n    助けを呼ぶ番号 / PIN that calls for help:  %s\n\n"
		    "おどされて使わされるときは、こちらを入れてください。画面は同じですが、監視センターに知らされます。"
		    "\n"
		    "If somebody forces you, type this one. The screen shows nothing of it, and the desk is told.\n",
		    duress);
	int status = file_create(path, 0600, text, (size_t)size);
	wipe(text, sizeof text);
	return status;
}

static int write_public(const char *path, const char *device, const char *pin_key, const char *duress_key)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "device", device, "pin_key", pin_key, "duress_key", duress_key);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	int status = text ? file_replace(path, text, strlen(text)) : refuse("out of memory");
	free(text);
	json_decref(json);
	return status;
}

static int make_letter(const struct pin_options *o, const char *device, const uint8_t secret[PIN_SECRET_BYTES])
{
	char pin[PIN_DIGITS_LETTER + 1] = "", duress[PIN_DIGITS_LETTER + 1] = "";
	char keys[2][BASE64_ENCODED_SIZE(STATEMENT_PUBLIC_BYTES)] = {"", ""};
	int status = make_pin(secret, pin, keys[0]);
	/* a letter with the same PIN twice would call for help every day */
	do
		status = status || !o->duress ? status : make_pin(secret, duress, keys[1]);
	while (!status && strcmp(pin, duress) == 0);
	if (!status)
		status = write_letter(o->output, device, pin, duress);
	if (!status)
		status = write_public(o->public, device, keys[0], keys[1]);
	wipe(pin, sizeof pin);
	wipe(duress, sizeof duress);
	return status;
}

static int letter_of_record(const struct pin_options *o, const struct record *record)
{
	uint8_t secret[PIN_SECRET_BYTES];
	size_t size = 0;
	json_t *root = json_loadb(record->immutable, record->immutable_size, 0, NULL);
	const char *text = json_string_value(json_object_get(root, "pin_secret"));
	const char *device = json_string_value(json_object_get(root, "device"));
	int status = CLI_REFUSED;
	if (!text || base64_decode(text, strlen(text), secret, sizeof secret, &size) || size != sizeof secret)
		refuse("%s: has no secret for a PIN: make a new record", o->device_record);
	else if (psa_crypto_init() != PSA_SUCCESS)
		refuse("making keys: the system's source of randomness failed");
	else
		status = make_letter(o, device, secret);
	wipe(secret, sizeof secret);
	json_decref(root);
	return status;
}

static int device_pin(int argc, char **argv)
{
	struct pin_options o = {0};
	static const struct option longs[] = {{"public", required_argument, NULL, 'p'},
					      {"output", required_argument, NULL, 'o'},
					      {"duress", no_argument, NULL, 'd'},
					      {0}};
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) {
		if (option == '?')
			return CLI_USAGE;
		if (option == 'd')
			o.duress = true;
		else
			*(option == 'p' ? &o.public : &o.output) = optarg;
	}
	if (optind + 1 != argc || !o.public || !o.output) {
		refuse("device pin: --public FILE, -o LETTER and one record are needed");
		return CLI_USAGE;
	}
	o.device_record = argv[optind];
	int fd = open(o.device_record, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse("%s: %s", o.device_record, strerror(errno));
	json_set_alloc_funcs(malloc, wipe_free);
	struct record record;
	enum record_error error = record_load(fd, &record);
	close(fd);
	if (error)
		return refuse("%s: %s", o.device_record, record_error_text(error));
	int status = letter_of_record(&o, &record);
	record_free(&record);
	return status;
}

int cmd_device(int argc, char **argv)
{
	static const struct command commands[] = {
	    {"new", device_new,
	     "--device ID --tenant NAME --address ADDRESS/PREFIX --gateways FILE [--roots FILE] [--public FILE] "
	     "[--identity FILE] [--client-certificate BANK:FILE[:KEY|:pkcs11:NAME]]... [--client-password FILE] -o "
	     "RECORD",
	     "make a stick's keys and its record"},
	    {"pin", device_pin, "[--duress] --public FILE -o LETTER RECORD", "make a PIN letter for a stick"},
	    {"show", device_show, "RECORD", "what an operator may see of a record"},
	    {0},
	};
	return command_run(commands, "sekisho device", argc, argv);
}

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

enum { KEY_TEXT = BASE64_ENCODED_SIZE(RECORD_KEY_BYTES) };

struct new_options {
	const char *device, *tenant, *address, *gateways, *roots, *public, *output, *password_file;
	json_t *clients; /* the customer's certificates, by bank */
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

/* The immutable half as JSON, to be wiped and freed by the caller; NULL if memory ran out. */
static char *compose(const struct new_options *options, const char *gateways, const uint8_t *private_key)
{
	uint8_t mutable_key[RECORD_KEY_BYTES];
	char wireguard_text[KEY_TEXT], mutable_text[KEY_TEXT];
	char *json = NULL;
	if (psa_generate_random(mutable_key, sizeof mutable_key) != PSA_SUCCESS)
		return NULL;
	base64_encode(private_key, RECORD_KEY_BYTES, wireguard_text);
	base64_encode(mutable_key, sizeof mutable_key, mutable_text);
	json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "format", 1, "device", options->device,
				 "tenant", options->tenant, "wireguard_key", wireguard_text, "address",
				 options->address, "gateways", gateways, "mutable_key", mutable_text);
	if (root && json_object_size(options->clients) > 0)
		json_object_set(root, "client_certificates", options->clients);
	if (root)
		json = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	wipe(mutable_key, sizeof mutable_key);
	wipe(wireguard_text, sizeof wireguard_text);
	wipe(mutable_text, sizeof mutable_text);
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

static int publish(const char *path, const uint8_t *public_key)
{
	char text[KEY_TEXT + 1];
	base64_encode(public_key, RECORD_KEY_BYTES, text);
	text[KEY_TEXT - 1] = '\n';
	return file_replace(path, text, KEY_TEXT);
}

static int make_record(const struct new_options *options)
{
	uint8_t private_key[RECORD_KEY_BYTES] = {0}, public_key[RECORD_KEY_BYTES];
	size_t size;
	char *json = NULL;
	int status = CLI_REFUSED;
	char *gateways = file_read(options->gateways, ENVELOPE_MAX_BYTES, &size);
	if (!gateways || check_gateways(options->gateways, gateways, size, options->roots))
		goto out;
	if (make_key_pair(private_key, public_key))
		goto out;
	json = compose(options, gateways, private_key);
	if (!json) {
		refuse("%s: is not UTF-8 text", options->gateways);
		goto out;
	}
	status = write_record(options->output, json);
	if (!status)
		status = publish(options->public, public_key);
out:
	wipe(private_key, sizeof private_key);
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
	const char **const targets[] = {&options.device, &options.tenant, &options.address,       &options.gateways,
					&options.roots,  &options.public, &options.password_file, &options.output};
	enum { OUTPUT = sizeof targets / sizeof targets[0] - 1 };
	static const struct option longs[] = {{"device", required_argument, NULL, 0},
					      {"tenant", required_argument, NULL, 1},
					      {"address", required_argument, NULL, 2},
					      {"gateways", required_argument, NULL, 3},
					      {"roots", required_argument, NULL, 4},
					      {"public", required_argument, NULL, 5},
					      {"client-password", required_argument, NULL, 6},
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
		printf("%-10s for %s\n", "customer", bank);
	}
	json_decref(root);
	for (int nth = 0; nth < RECORD_COPIES; nth++)
		printf("copy %d     %s%s\n", nth, record_error_text(record->copies[nth]),
		       nth == record->newest ? ", in use" : "");
	if (!record->changing)
		return;
	printf("%-10s %llu\n", "sequence", (unsigned long long)record->sequence);
	root = json_loadb(record->changing, record->changing_size, 0, NULL);
	static const char *const numbers[] = {"policy_version", "time_floor", "image_floor"};
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

int cmd_device(int argc, char **argv)
{
	static const struct command commands[] = {
	    {"new", device_new,
	     "--device ID --tenant NAME --address ADDRESS/PREFIX --gateways FILE [--roots FILE] [--public FILE] "
	     "[--client-certificate BANK:FILE[:KEY]]... [--client-password FILE] -o RECORD",
	     "make a stick's keys and its record"},
	    {"show", device_show, "RECORD", "what an operator may see of a record"},
	    {0},
	};
	return command_run(commands, "sekisho device", argc, argv);
}

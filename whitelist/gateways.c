#include "whitelist/gateways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/certificate.h"
#include "whitelist/names.h"
#include "whitelist/place.h"

#define VERSION_MOST ((INT64_C(1) << 53) - 1)

/* The stick's wall opens for these, so they must be one host's: not this host, not many, not whoever is on the link. */
static bool is_one_remote_host(const struct gateway_address *address)
{
	const uint8_t *b = address->bytes;
	if (address->family == 4)
		return b[0] != 0 && b[0] != 127 && b[0] < 224 && !(b[0] == 169 && b[1] == 254);
	struct in6_addr six;
	memcpy(&six, b, sizeof six);
	return !IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_LOOPBACK(&six) && !IN6_IS_ADDR_MULTICAST(&six) &&
	       !IN6_IS_ADDR_LINKLOCAL(&six) && !IN6_IS_ADDR_V4MAPPED(&six) && !IN6_IS_ADDR_V4COMPAT(&six);
}

/* One spelling only: what inet_ntop() gives back. */
static bool address_read(const char *text, struct gateway_address *address)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	address->family = family == AF_INET6 ? 6 : 4;
	return inet_pton(family, text, address->bytes) == 1 &&
	       inet_ntop(family, address->bytes, address->text, sizeof address->text) && !strcmp(address->text, text) &&
	       is_one_remote_host(address);
}

static bool port_read(const char *text, uint16_t *port)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[digits] || text[0] == '0')
		return false;
	unsigned long number = strtoul(text, NULL, 10);
	*port = (uint16_t)number;
	return number <= UINT16_MAX;
}

/* "203.0.113.11:51820" or "[2001:db8::11]:51820" */
static bool endpoint_read(const char *text, struct gateway_address *address)
{
	char host[GATEWAY_ADDRESS_BYTES];
	const char *colon = strrchr(text, ':');
	if (!colon)
		return false;
	const char *start = text, *end = colon;
	if (*start == '[') {
		if (end - start < 2 || end[-1] != ']')
			return false;
		start++;
		end--;
	}
	size_t size = (size_t)(end - start);
	if (size == 0 || size >= sizeof host)
		return false;
	memcpy(host, start, size);
	host[size] = '\0';
	return address_read(host, address) && (address->family == 6) == (*text == '[') &&
	       port_read(colon + 1, &address->port);
}

static int take_address(const struct place *item, struct gateway *gateway)
{
	const char *text;
	if (place_string(item, &text))
		return -EINVAL;
	struct gateway_address *address = &gateway->addresses[gateway->address_count];
	if (!endpoint_read(text, address))
		return place_fail(item, WHITELIST_BAD_ADDRESS);
	for (size_t earlier = 0; earlier < gateway->address_count; earlier++)
		if (!strcmp(gateway->addresses[earlier].text, address->text) &&
		    gateway->addresses[earlier].port == address->port)
			return place_fail(item, WHITELIST_DUPLICATE);
	gateway->address_count++;
	return 0;
}

static void parse_addresses(const struct place *at, struct gateway *gateway)
{
	size_t count = place_array(at, 1, GATEWAY_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		take_address(&item, gateway);
	}
}

static int parse_inner(const struct place *at, struct gateway *gateway)
{
	struct gateway_address address;
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	if (!address_read(text, &address))
		return place_fail(at, WHITELIST_BAD_ADDRESS);
	memcpy(gateway->inner, address.text, sizeof gateway->inner);
	return 0;
}

static int parse_key(const struct place *at, struct gateway *gateway)
{
	static const uint8_t none[GATEWAY_KEY_BYTES];
	int error = place_base64(at, gateway->key, sizeof gateway->key, WHITELIST_BAD_KEY);
	return !error && !memcmp(gateway->key, none, sizeof none) ? place_fail(at, WHITELIST_BAD_KEY) : error;
}

static int parse_control_name(const struct place *at, struct gateway *gateway)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	if (!name_is_host(text))
		return place_fail(at, WHITELIST_BAD_HOST);
	memcpy(gateway->control_name, text, strlen(text) + 1);
	return 0;
}

static void parse_control(const struct place *at, struct gateway *gateway)
{
	static const char *const members[] = {"port", "name", "certificate", "pin", NULL};
	if (place_object(at, members))
		return;
	struct place port = place_member(at, "port"), name = place_member(at, "name"),
		     certificate = place_member(at, "certificate"), pin = place_member(at, "pin");
	struct certificate parsed;
	int64_t number = 0;
	place_integer(&port, 1, UINT16_MAX, WHITELIST_BAD_PORT, &number);
	gateway->control_port = (uint16_t)number;
	parse_control_name(&name, gateway);
	certificate_parse(&certificate, &parsed);
	gateway->control_der = parsed.der;
	gateway->control_der_size = parsed.der_size;
	place_base64(&pin, gateway->control_pin, sizeof gateway->control_pin, WHITELIST_BAD_PIN);
}

static void parse_id(const struct place *at, const struct gateways *gateways, struct gateway *gateway)
{
	if (place_id(at, gateway->id))
		return;
	for (const struct gateway *g = gateways->list; g != gateway; g++)
		if (!strcmp(g->id, gateway->id))
			place_fail(at, WHITELIST_DUPLICATE);
}

static void parse_gateway(const struct place *at, const struct gateways *gateways, struct gateway *gateway)
{
	static const char *const members[] = {"id", "addresses", "key", "inner", "control", NULL};
	if (place_object(at, members))
		return;
	struct place id = place_member(at, "id"), addresses = place_member(at, "addresses"),
		     key = place_member(at, "key"), inner = place_member(at, "inner"),
		     control = place_member(at, "control");
	parse_id(&id, gateways, gateway);
	parse_addresses(&addresses, gateway);
	parse_key(&key, gateway);
	parse_inner(&inner, gateway);
	parse_control(&control, gateway);
}

static int parse_list(const struct place *at, struct gateways *gateways)
{
	size_t count = place_array(at, 1, GATEWAYS_MAX);
	gateways->list = count > 0 ? calloc(count, sizeof *gateways->list) : NULL;
	if (count > 0 && !gateways->list)
		return place_fail(at, WHITELIST_NO_MEMORY);
	for (size_t i = 0; i < count; i++) {
		struct place item = place_item(at, i);
		gateways->count++;
		parse_gateway(&item, gateways, &gateways->list[i]);
	}
	return 0;
}

static int parse_root(const struct place *root, struct gateways *gateways)
{
	static const char *const members[] = {"format", "version", "gateways", NULL};
	struct place format = place_member(root, "format"), version = place_member(root, "version"),
		     list = place_member(root, "gateways");
	int64_t number = 0;
	if (!root->json)
		return -EINVAL;
	if (!json_is_object(root->json))
		return place_fail(root, WHITELIST_NOT_JSON);
	if (place_integer(&format, 1, 1, WHITELIST_FORMAT, &number) || place_object(root, members))
		return -EINVAL;
	number = 0;
	place_integer(&version, 1, VERSION_MOST, WHITELIST_BAD_VERSION, &number);
	gateways->version = (uint64_t)number;
	return parse_list(&list, gateways);
}

static int read_gateways(const uint8_t *payload, size_t size, struct gateways **out, struct complaints *complaints)
{
	*out = NULL;
	struct gateways *gateways = calloc(1, sizeof *gateways);
	json_t *tree = place_load(payload, size, complaints);
	struct place root = place_root(tree, complaints);
	if (gateways)
		parse_root(&root, gateways);
	else
		place_fail(&root, WHITELIST_NO_MEMORY);
	json_decref(tree);
	int error = place_verdict(complaints);
	if (error)
		gateways_free(gateways);
	else
		*out = gateways;
	return error;
}

int gateways_parse(const uint8_t *payload, size_t size, struct gateways **out, struct whitelist_fault *fault)
{
	struct whitelist_faults faults = {.list = fault, .capacity = 1};
	struct complaints complaints = {.faults = &faults};
	*fault = (struct whitelist_fault){0};
	return read_gateways(payload, size, out, &complaints);
}

int gateways_check(const uint8_t *payload, size_t size, struct whitelist_faults *faults)
{
	struct complaints complaints = {.faults = faults, .explain = true};
	struct gateways *gateways;
	faults->count = 0;
	int error = read_gateways(payload, size, &gateways, &complaints);
	gateways_free(gateways);
	place_find_lines(payload, size, &complaints);
	return error;
}

void gateways_free(struct gateways *gateways)
{
	if (!gateways)
		return;
	for (size_t i = 0; i < gateways->count; i++)
		free(gateways->list[i].control_der);
	free(gateways->list);
	free(gateways);
}

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

static int parse_addresses(const struct place *at, struct gateway *gateway)
{
	size_t count;
	int error = place_array(at, 1, GATEWAY_ADDRESSES_MAX, &count);
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		const char *text;
		if (place_string(&item, &text))
			return -EINVAL;
		struct gateway_address *address = &gateway->addresses[i];
		if (!endpoint_read(text, address))
			return place_fail(&item, WHITELIST_BAD_ADDRESS);
		for (size_t earlier = 0; earlier < i; earlier++)
			if (!strcmp(gateway->addresses[earlier].text, address->text) &&
			    gateway->addresses[earlier].port == address->port)
				return place_fail(&item, WHITELIST_DUPLICATE);
		gateway->address_count++;
	}
	return error;
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

static int parse_control(const struct place *at, struct gateway *gateway)
{
	static const char *const members[] = {"port", "name", "certificate", "pin", NULL};
	if (place_object(at, members))
		return -EINVAL;
	struct place port = place_member(at, "port"), name = place_member(at, "name"),
		     certificate = place_member(at, "certificate"), pin = place_member(at, "pin");
	struct certificate parsed;
	const char *text;
	int64_t number;
	if (place_integer(&port, 1, UINT16_MAX, WHITELIST_BAD_PORT, &number) || place_string(&name, &text))
		return -EINVAL;
	gateway->control_port = (uint16_t)number;
	if (!name_is_host(text))
		return place_fail(&name, WHITELIST_BAD_HOST);
	memcpy(gateway->control_name, text, strlen(text) + 1);
	int error = certificate_parse(&certificate, &parsed);
	gateway->control_der = parsed.der;
	gateway->control_der_size = parsed.der_size;
	return error ? error : place_base64(&pin, gateway->control_pin, sizeof gateway->control_pin, WHITELIST_BAD_PIN);
}

static int parse_gateway(const struct place *at, const struct gateways *gateways, struct gateway *gateway)
{
	static const char *const members[] = {"id", "addresses", "key", "inner", "control", NULL};
	if (place_object(at, members))
		return -EINVAL;
	struct place id = place_member(at, "id"), addresses = place_member(at, "addresses"),
		     key = place_member(at, "key"), inner = place_member(at, "inner"),
		     control = place_member(at, "control");
	int error = place_id(&id, gateway->id);
	for (const struct gateway *g = gateways->list; !error && g != gateway; g++)
		if (!strcmp(g->id, gateway->id))
			error = place_fail(&id, WHITELIST_DUPLICATE);
	if (!error)
		error = parse_addresses(&addresses, gateway);
	if (!error)
		error = parse_key(&key, gateway);
	if (!error)
		error = parse_inner(&inner, gateway);
	return error ? error : parse_control(&control, gateway);
}

static int parse_list(const struct place *at, struct gateways *gateways)
{
	size_t count;
	int error = place_array(at, 1, GATEWAYS_MAX, &count);
	if (error)
		return error;
	gateways->list = calloc(count, sizeof *gateways->list);
	if (!gateways->list)
		return -ENOMEM;
	for (size_t i = 0; !error && i < count; i++) {
		struct place item = place_item(at, i);
		gateways->count++;
		error = parse_gateway(&item, gateways, &gateways->list[i]);
	}
	return error;
}

static int parse_root(const struct place *root, struct gateways *gateways)
{
	static const char *const members[] = {"format", "version", "gateways", NULL};
	struct place format = place_member(root, "format"), version = place_member(root, "version"),
		     list = place_member(root, "gateways");
	int64_t number;
	if (!json_is_object(root->json))
		return place_fail(root, WHITELIST_NOT_JSON);
	if (place_integer(&format, 1, 1, WHITELIST_FORMAT, &number) || place_object(root, members) ||
	    place_integer(&version, 1, VERSION_MOST, WHITELIST_BAD_VERSION, &number))
		return -EINVAL;
	gateways->version = (uint64_t)number;
	return parse_list(&list, gateways);
}

int gateways_parse(const uint8_t *payload, size_t size, struct gateways **out, struct whitelist_fault *fault)
{
	*out = NULL;
	*fault = (struct whitelist_fault){0};
	struct gateways *gateways = calloc(1, sizeof *gateways);
	json_t *tree = json_loadb((const char *)payload, size, JSON_REJECT_DUPLICATES, NULL);
	struct place root = place_root(tree, fault);
	int error = gateways ? parse_root(&root, gateways) : -ENOMEM;
	json_decref(tree);
	if (error == -ENOMEM)
		fault->error = WHITELIST_NO_MEMORY;
	if (error)
		gateways_free(gateways);
	else
		*out = gateways;
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

#include "launcher/kiosk/banks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 200, URL_BYTES_MAX = 2000 };

static char *copied_text(const json_t *object, const char *key, size_t limit)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value) || json_string_length(value) > limit)
		return NULL;
	const char *text = json_string_value(value);
	if (strlen(text) != json_string_length(value))
		return NULL;
	return strdup(text);
}

static int hosts_parse(struct bank *bank, const json_t *array)
{
	const size_t count = json_array_size(array);
	if (count < 1 || count > BANK_HOSTS_MAX)
		return -EBADMSG;
	bank->hosts = calloc(count, sizeof *bank->hosts);
	if (!bank->hosts)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const json_t *host = json_array_get(array, i);
		if (!json_is_string(host) || json_string_length(host) < 1 ||
		    json_string_length(host) >= HOST_NAME_BYTES)
			return -EBADMSG;
		bank->hosts[bank->host_count] = g_ascii_strdown(json_string_value(host), -1);
		bank->host_count++;
	}
	return 0;
}

static int bank_parse(struct bank *bank, const json_t *object)
{
	const json_t *names = json_object_get(object, "name");
	bank->id = copied_text(object, "id", NAME_BYTES_MAX);
	bank->name[LANGUAGE_JA] = copied_text(names, "ja", NAME_BYTES_MAX);
	bank->name[LANGUAGE_EN] = copied_text(names, "en", NAME_BYTES_MAX);
	bank->start = copied_text(object, "start", URL_BYTES_MAX);
	bank->support = copied_text(object, "support", NAME_BYTES_MAX);
	if (!bank->support)
		bank->support = strdup("");
	if (!bank->id || !bank->name[LANGUAGE_JA] || !bank->name[LANGUAGE_EN] || !bank->start || !bank->support)
		return -EBADMSG;
	int error = hosts_parse(bank, json_object_get(object, "hosts"));
	if (error)
		return error;
	char host[HOST_NAME_BYTES];
	return bank_judge(bank, bank->start, host) == PAGE_ALLOWED ? 0 : -EBADMSG;
}

int banks_parse(struct banks *banks, const void *json, size_t size)
{
	struct banks fresh = {0};
	int error = -EBADMSG;
	json_t *array = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	const size_t count = json_array_size(array);
	if (!json_is_array(array) || count > BANKS_MAX)
		goto out;
	fresh.list = calloc(count + 1, sizeof *fresh.list);
	if (!fresh.list) {
		error = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		fresh.count = i + 1;
		error = bank_parse(&fresh.list[i], json_array_get(array, i));
		if (error)
			goto out;
	}
	error = 0;
	struct banks old = *banks;
	*banks = fresh;
	fresh = old;
out:
	banks_free(&fresh);
	json_decref(array);
	return error;
}

void bank_free(struct bank *bank)
{
	for (size_t i = 0; i < bank->host_count; i++)
		free(bank->hosts[i]);
	free(bank->hosts);
	free(bank->id);
	for (int i = 0; i < LANGUAGE_COUNT; i++)
		free(bank->name[i]);
	free(bank->start);
	free(bank->support);
	*bank = (struct bank){0};
}

void banks_free(struct banks *banks)
{
	for (size_t i = 0; i < banks->count; i++)
		bank_free(&banks->list[i]);
	free(banks->list);
	*banks = (struct banks){0};
}

const struct bank *banks_find(const struct banks *banks, const char *id)
{
	for (size_t i = 0; i < banks->count; i++)
		if (strcmp(banks->list[i].id, id) == 0)
			return &banks->list[i];
	return NULL;
}

int bank_copy(struct bank *to, const struct bank *from)
{
	struct bank copy = {
	    .id = strdup(from->id),
	    .name = {strdup(from->name[LANGUAGE_JA]), strdup(from->name[LANGUAGE_EN])},
	    .start = strdup(from->start),
	    .support = strdup(from->support),
	    .hosts = calloc(from->host_count, sizeof *from->hosts),
	};
	bool whole =
	    copy.id && copy.name[LANGUAGE_JA] && copy.name[LANGUAGE_EN] && copy.start && copy.support && copy.hosts;
	for (size_t i = 0; whole && i < from->host_count; i++, copy.host_count++) {
		copy.hosts[i] = strdup(from->hosts[i]);
		whole = copy.hosts[i] != NULL;
	}
	if (!whole) {
		bank_free(&copy);
		return -ENOMEM;
	}
	bank_free(to);
	*to = copy;
	return 0;
}

static bool host_matches(const char *pattern, const char *host)
{
	if (strncmp(pattern, "*.", 2) != 0)
		return strcmp(pattern, host) == 0;
	const char *rest = strchr(host, '.');
	return rest && rest > host && strcmp(rest + 1, pattern + 2) == 0;
}

static bool is_number(const char *host)
{
	struct in6_addr address;
	/* What ends in a digit is read as an IPv4 address by the URL standard, however it is written. */
	const size_t size = strlen(host);
	return inet_pton(AF_INET6, host, &address) == 1 || (size > 0 && g_ascii_isdigit(host[size - 1]));
}

enum page_verdict bank_judge(const struct bank *bank, const char *url, char host[HOST_NAME_BYTES])
{
	enum page_verdict verdict = PAGE_ELSEWHERE;
	host[0] = '\0';
	if (strcmp(url, "about:blank") == 0 || strcmp(url, "about:srcdoc") == 0)
		return PAGE_BLANK;
	GUri *uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
	if (!uri)
		return PAGE_ELSEWHERE;
	if (g_uri_get_host(uri) && strlen(g_uri_get_host(uri)) < HOST_NAME_BYTES) {
		char *lower = g_ascii_strdown(g_uri_get_host(uri), -1);
		memcpy(host, lower, strlen(lower) + 1);
		g_free(lower);
	}
	if (strcmp(g_uri_get_scheme(uri), "https") != 0)
		verdict = PAGE_INSECURE;
	else if (is_number(host))
		verdict = PAGE_NUMBER;
	/* A name and password inside an address serve only to make it look like another one. */
	else if (!g_uri_get_userinfo(uri))
		for (size_t i = 0; i < bank->host_count && verdict != PAGE_ALLOWED; i++)
			if (host_matches(bank->hosts[i], host))
				verdict = PAGE_ALLOWED;
	g_uri_unref(uri);
	return verdict;
}

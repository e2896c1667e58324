/*
 * sekisho policy pin: the pins of keys in files, and of the keys a server uses now. A server is asked once, and its
 * certificates are judged as strictly as on a stick (whitelist/chain.h), which says what would be refused there.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/loop.h"
#include "image/cli/cli.h"
#include "image/cli/policy.h"
#include "whitelist/chain_checks.h"
#include "whitelist/date.h"
#include "whitelist/names.h"

#define ANCHORS_DEFAULT "/etc/ssl/certs/ca-certificates.crt"

enum { TIMEOUT_MS = 10000, NAME_BYTES = 512, ANCHORS_FILE_MAX = 4 << 20, PIN_TEXT = BASE64_ENCODED_SIZE(PIN_BYTES) };

struct pinning {
	const char *anchors, *connect, *at, *reserve;
	bool json;
	int count;
	char **operands;
};

/* What a server showed. */
struct server {
	char host[WHITELIST_HOST_BYTES], port[8];
	char address[INET6_ADDRSTRLEN + 8];
	const char *protocol;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	int fd;
	int64_t give_up_ms;
	const mbedtls_x509_crt *sent; /* the ssl context's */
	mbedtls_x509_crt store;       /* the authorities of the file that may be its */
	struct chain_answer answer;
};

/* --- keys in files --- */

/* The SPKI of a certificate or of a public key, whichever the file holds first. 0 or -1. */
static int spki_read(const char *pem, uint8_t *spki, size_t capacity, size_t *size)
{
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	mbedtls_x509_crt_init(&certificate);
	mbedtls_pk_init(&key);
	int got = -1;
	if (strstr(pem, "-----BEGIN CERTIFICATE-----")) {
		if (mbedtls_x509_crt_parse(&certificate, (const uint8_t *)pem, strlen(pem) + 1) == 0)
			got = mbedtls_pk_write_pubkey_der(&certificate.pk, spki, capacity);
	} else if (mbedtls_pk_parse_public_key(&key, (const uint8_t *)pem, strlen(pem) + 1) == 0) {
		got = mbedtls_pk_write_pubkey_der(&key, spki, capacity);
	}
	mbedtls_pk_free(&key);
	mbedtls_x509_crt_free(&certificate);
	if (got <= 0)
		return -1;
	memmove(spki, spki + capacity - (size_t)got, (size_t)got); /* mbedTLS writes to the end */
	*size = (size_t)got;
	return 0;
}

static int pin_file(const char *path, char text[PIN_TEXT])
{
	uint8_t spki[2048], digest[PIN_BYTES];
	size_t size;
	char *pem = file_read(path, PEM_FILE_MAX_BYTES, &size);
	if (!pem)
		return CLI_REFUSED;
	int bad = spki_read(pem, spki, sizeof spki, &size) ||
		  psa_hash_compute(PSA_ALG_SHA_256, spki, size, digest, sizeof digest, &size) != PSA_SUCCESS;
	free(pem);
	if (bad)
		return refuse("%s: neither a certificate nor a public key in PEM", path);
	base64_encode(digest, sizeof digest, text);
	return CLI_GOOD;
}

static int pin_files(const struct pinning *p)
{
	json_t *list = json_array();
	int code = CLI_GOOD;
	for (int i = 0; i < p->count && !code; i++) {
		char text[PIN_TEXT];
		code = pin_file(p->operands[i], text);
		if (!code && p->json)
			json_array_append_new(list, json_pack("{s:s, s:s}", "file", p->operands[i], "pin", text));
		else if (!code)
			puts(text);
	}
	if (!code && p->json)
		print_json(json_incref(list));
	json_decref(list);
	return code;
}

/* --- one connection --- */

/* 0, or -errno. */
static int wait_for(const struct server *s, short events)
{
	struct pollfd ready = {.fd = s->fd, .events = events};
	int64_t left = s->give_up_ms - now_ms();
	int got = left > 0 ? poll(&ready, 1, (int)left) : 0;
	return got > 0 ? 0 : got == 0 ? -ETIMEDOUT : -errno;
}

static int try_address(struct server *s, const struct addrinfo *address)
{
	int error = 0;
	socklen_t size = sizeof error;
	s->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	if (connect(s->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		error = -errno;
	if (!error)
		error = wait_for(s, POLLOUT);
	if (!error && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0)
		error = -error;
	if (!error) {
		getnameinfo(address->ai_addr, address->ai_addrlen, s->address, sizeof s->address, NULL, 0,
			    NI_NUMERICHOST);
		return 0;
	}
	close(s->fd);
	s->fd = -1;
	return error;
}

static int reach(struct server *s, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int error = getaddrinfo(host, port, &hints, &list);
	if (error)
		return refuse(
		    "%s cannot be reached: its name has no address (%s); is this machine on the network, and is "
		    "the name right?",
		    host, gai_strerror(error));
	error = -ENOENT;
	for (const struct addrinfo *at = list; at && error; at = at->ai_next)
		error = try_address(s, at);
	freeaddrinfo(list);
	return error ? refuse("%s cannot be reached on port %s: %s; is there a firewall between?", host, port,
			      strerror(-error))
		     : CLI_GOOD;
}

static int on_send(void *context, const unsigned char *data, size_t size)
{
	const struct server *s = context;
	ssize_t sent = send(s->fd, data, size, MSG_NOSIGNAL);
	return sent >= 0 ? (int)sent : errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_SEND_FAILED;
}

static int on_receive(void *context, unsigned char *data, size_t size)
{
	const struct server *s = context;
	ssize_t got = recv(s->fd, data, size, 0);
	return got >= 0 ? (int)got : errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_RECV_FAILED;
}

/* The certificates are judged afterwards, all of them; mbedTLS would end at its own first doubt. */
static int set_up(struct server *s)
{
	int error = mbedtls_ssl_config_defaults(&s->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
						MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_authmode(&s->config, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_min_tls_version(&s->config, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_rng(&s->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	if (!error)
		error = mbedtls_ssl_setup(&s->ssl, &s->config);
	if (!error)
		error = mbedtls_ssl_set_hostname(&s->ssl, s->host);
	mbedtls_ssl_set_bio(&s->ssl, s, on_send, on_receive, NULL);
	return error;
}

static int shake_hands(struct server *s)
{
	int error = set_up(s);
	while (!error || error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE) {
		error = mbedtls_ssl_handshake(&s->ssl);
		if (!error)
			break;
		short events = error == MBEDTLS_ERR_SSL_WANT_WRITE ? POLLOUT : POLLIN;
		if ((error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE) && wait_for(s, events))
			return refuse("%s does not finish the TLS handshake in %d s", s->host, TIMEOUT_MS / 1000);
	}
	/* mbedTLS' X.509 errors; it reads no certificate further than to a critical extension that it does not know */
	bool unreadable = -error >= 0x2080 && -error < 0x3000;
	if (error && unreadable)
		return refuse(
		    "%s sent a certificate that a stick refuses to read: it breaks the form of X.509, or has a "
		    "critical extension that is not evaluated, such as nameConstraints (mbedTLS -0x%04x)",
		    s->host, (unsigned)-error);
	if (error)
		return refuse("%s does not speak TLS 1.2 or 1.3 as a stick does (mbedTLS -0x%04x)", s->host,
			      (unsigned)-error);
	s->protocol = mbedtls_ssl_get_version(&s->ssl);
	s->sent = mbedtls_ssl_get_peer_cert(&s->ssl);
	return s->sent ? CLI_GOOD : refuse("%s sent no certificate", s->host);
}

/* --- whose authority --- */

static bool is_named(const mbedtls_x509_crt *sent, const mbedtls_x509_buf *subject)
{
	for (; sent; sent = sent->next)
		if (sent->issuer_raw.len == subject->len && !memcmp(sent->issuer_raw.p, subject->p, subject->len))
			return true;
	return false;
}

/* Of a file of many, those that a certificate sent names as its issuer: the judge looks at a few only. */
static int take_anchors(struct server *s, const char *path)
{
	size_t size;
	char *pem = file_read(path, ANCHORS_FILE_MAX, &size);
	mbedtls_x509_crt all;
	if (!pem)
		return CLI_REFUSED;
	mbedtls_x509_crt_init(&all);
	/* what it cannot parse of a machine's store is no reason to stop */
	int code = mbedtls_x509_crt_parse(&all, (const uint8_t *)pem, size + 1) < 0
		       ? refuse("%s: no certificates in PEM", path)
		       : CLI_GOOD;
	for (const mbedtls_x509_crt *c = &all; c && c->raw.p; c = c->next)
		if (is_named(s->sent, &c->subject_raw))
			mbedtls_x509_crt_parse_der(&s->store, c->raw.p, c->raw.len);
	mbedtls_x509_crt_free(&all);
	free(pem);
	return code;
}

/* --- what is shown --- */

static json_t *certificate_json(const mbedtls_x509_crt *c, bool anchor)
{
	char subject[NAME_BYTES], issuer[NAME_BYTES], until[96], pin[PIN_TEXT], key[32];
	struct pin hash;
	mbedtls_x509_dn_gets(subject, sizeof subject, &c->subject);
	mbedtls_x509_dn_gets(issuer, sizeof issuer, &c->issuer);
	snprintf(until, sizeof until, "%04d-%02d-%02dT%02d:%02d:%02dZ", c->valid_to.year, c->valid_to.mon,
		 c->valid_to.day, c->valid_to.hour, c->valid_to.min, c->valid_to.sec);
	snprintf(key, sizeof key, "%s %zu", mbedtls_pk_get_name(&c->pk), mbedtls_pk_get_bitlen(&c->pk));
	if (chain_key(c, &hash))
		return NULL;
	base64_encode(hash.sha256, PIN_BYTES, pin);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "subject", subject, "issuer", issuer, "until", until, "key",
			 key, "pin", pin, "anchor", anchor);
}

static bool is_self_signed(const mbedtls_x509_crt *c)
{
	return c->subject_raw.len == c->issuer_raw.len &&
	       !memcmp(c->subject_raw.p, c->issuer_raw.p, c->subject_raw.len);
}

/* Every fault of every certificate by itself: the judge ends at the first of a path. */
static json_t *faults_json(const struct server *s, const struct chain_question *question)
{
	json_t *list = json_array();
	int nth = 0;
	for (const mbedtls_x509_crt *c = s->sent; c && nth < CHAIN_SENT_MAX; c = c->next, nth++) {
		struct chain_view view;
		enum chain_role role = nth == 0 ? ROLE_LEAF : is_self_signed(c) ? ROLE_ANCHOR : ROLE_INTERMEDIATE;
		chain_view(&view, c, role, question);
		for (int fault = CHAIN_GOOD + 1; fault < CHAIN_FAULT_COUNT; fault++)
			if (view.faults & CHAIN_BIT(fault))
				json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "certificate", nth, "code",
								      chain_fault_code((enum chain_fault)fault), "text",
								      chain_fault_text((enum chain_fault)fault)));
	}
	if (s->answer.fault != CHAIN_GOOD && json_array_size(list) == 0)
		json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "certificate", 0, "code",
						      chain_fault_code(s->answer.fault), "text",
						      chain_fault_text(s->answer.fault)));
	return list;
}

static json_t *pins_json(const struct pin *first, const char *reserve, const struct pin *second)
{
	char one[PIN_TEXT], two[PIN_TEXT];
	base64_encode(first->sha256, PIN_BYTES, one);
	base64_encode(second->sha256, PIN_BYTES, two);
	return json_pack("[s, s]", one, reserve[0] ? reserve : two);
}

/*
 * Two ways to pin, each with a backup. By the server's own key: narrow; the backup is a key in reserve, or else the
 * issuer's. By the issuer's key: the server may change its key; the backup is the server's. The anchor's own key is
 * never proposed: it is believed already.
 */
static json_t *proposals_json(const struct server *s, const char *reserve)
{
	json_t *list = json_array();
	const struct chain_answer *a = &s->answer;
	if (a->fault != CHAIN_GOOD)
		return list;
	bool issuer = a->count > 2;
	if (reserve[0] || issuer)
		json_array_append_new(list, json_pack("{s:s, s:o}", "by", "leaf", "pins",
						      pins_json(&a->keys[0], reserve, &a->keys[issuer ? 1 : 0])));
	if (issuer)
		json_array_append_new(list, json_pack("{s:s, s:o}", "by", "issuer", "pins",
						      pins_json(&a->keys[1], reserve, &a->keys[0])));
	return list;
}

static json_t *anchor_json(const struct server *s)
{
	if (s->answer.fault != CHAIN_GOOD)
		return json_null();
	const mbedtls_x509_crt *anchor = s->answer.path[s->answer.count - 1];
	unsigned char pem[16384];
	size_t size = 0;
	int error = mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n",
					     anchor->raw.p, anchor->raw.len, pem, sizeof pem, &size);
	return error ? json_null() : json_string((const char *)pem);
}

static void print_certificates(const json_t *chain)
{
	size_t i;
	json_t *c;
	json_array_foreach((json_t *)(uintptr_t)chain, i, c)
	{
		printf("  %zu %s%s\n    %s, until %s\n    pin %s\n", i,
		       json_string_value(json_object_get(c, "subject")),
		       json_is_true(json_object_get(c, "anchor")) ? "  (anchor)" : "",
		       json_string_value(json_object_get(c, "key")), json_string_value(json_object_get(c, "until")),
		       json_string_value(json_object_get(c, "pin")));
	}
}

static void print_answer(const json_t *answer, const char *host)
{
	size_t i;
	json_t *item;
	printf("%s at %s, %s: %s\n", host, json_string_value(json_object_get(answer, "address")),
	       json_string_value(json_object_get(answer, "protocol")),
	       json_string_value(json_object_get(answer, "state")));
	print_certificates(json_object_get(answer, "chain"));
	json_array_foreach(json_object_get(answer, "refused"), i, item) printf(
	    "a stick refuses certificate %lld: %s (%s)\n", json_integer_value(json_object_get(item, "certificate")),
	    json_string_value(json_object_get(item, "text")), json_string_value(json_object_get(item, "code")));
	json_array_foreach(json_object_get(answer, "proposals"), i, item)
	{
		const json_t *pins = json_object_get(item, "pins");
		bool leaf = !strcmp(json_string_value(json_object_get(item, "by")), "leaf");
		printf("%s\n  --pin %s --pin %s\n",
		       leaf ? "pinned by the server's own key:"
			    : "pinned by its issuer's key, so that the server's may change:",
		       json_string_value(json_array_get(pins, 0)), json_string_value(json_array_get(pins, 1)));
	}
}

static json_t *answer_json(const struct server *s, const struct chain_question *question, const char *reserve)
{
	json_t *chain = json_array();
	const struct chain_answer *a = &s->answer;
	for (size_t i = 0; i < a->count && a->fault == CHAIN_GOOD; i++)
		json_array_append_new(chain, certificate_json(a->path[i], i + 1 == a->count));
	for (const mbedtls_x509_crt *c = s->sent; c && a->fault != CHAIN_GOOD; c = c->next)
		json_array_append_new(chain, certificate_json(c, false));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "host", s->host, "address", s->address, "protocol",
			 s->protocol, "state", chain_fault_code(a->fault), "chain", chain, "refused",
			 faults_json(s, question), "proposals", proposals_json(s, reserve), "anchor", anchor_json(s));
}

static int judge(struct server *s, const struct pinning *p, const char *reserve)
{
	struct chain_question question = {.sent = s->sent, .anchors = &s->store, .host = s->host, .unpinned = true};
	int code = time_of(p->at, &question.now);
	if (code)
		return code;
	chain_verify(&question, &s->answer);
	json_t *answer = answer_json(s, &question, reserve);
	bool alone = s->answer.fault == CHAIN_GOOD && json_array_size(json_object_get(answer, "proposals")) == 0;
	if (p->json)
		print_json(json_incref(answer));
	else
		print_answer(answer, s->host);
	json_decref(answer);
	if (s->answer.fault != CHAIN_GOOD)
		fprintf(stderr, "sekisho: a stick would not open %s: %s%s\n", s->host,
			chain_fault_text(s->answer.fault),
			s->answer.fault == CHAIN_CHAIN ? "; name the bank's authority with --anchors" : "");
	else if (alone)
		fprintf(stderr,
			"sekisho: the anchor itself issued the certificate, so that only a key in reserve can be the "
			"backup: name its public key with --reserve\n");
	return s->answer.fault == CHAIN_GOOD && !alone ? CLI_GOOD : CLI_REFUSED;
}

/* --- the command --- */

static int read_host(struct server *s, const char *word)
{
	const char *colon = strchr(word, ':');
	size_t size = colon ? (size_t)(colon - word) : strlen(word);
	if (size >= sizeof s->host || (colon && strlen(colon + 1) >= sizeof s->port))
		return refuse("%s: neither a file nor a host name", word);
	memcpy(s->host, word, size);
	s->host[size] = '\0';
	snprintf(s->port, sizeof s->port, "%s", colon ? colon + 1 : "443");
	return name_is_host(s->host) ? CLI_GOOD
				     : refuse("%s: neither a file nor a host name in lower-case letters", word);
}

static int reach_as_told(struct server *s, const char *connect)
{
	char host[256];
	const char *colon = connect ? strrchr(connect, ':') : NULL;
	if (!connect)
		return reach(s, s->host, s->port);
	snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - connect) : (int)strlen(connect), connect);
	return reach(s, host, colon ? colon + 1 : s->port);
}

static int pin_server(const struct pinning *p)
{
	struct server s = {.fd = -1, .give_up_ms = now_ms() + TIMEOUT_MS};
	char reserve[PIN_TEXT] = "";
	mbedtls_ssl_init(&s.ssl);
	mbedtls_ssl_config_init(&s.config);
	mbedtls_x509_crt_init(&s.store);
	int code = read_host(&s, p->operands[0]);
	if (!code && p->reserve)
		code = pin_file(p->reserve, reserve);
	if (!code)
		code = reach_as_told(&s, p->connect);
	if (!code)
		code = shake_hands(&s);
	if (!code)
		code = take_anchors(&s, p->anchors);
	if (!code)
		code = judge(&s, p, reserve);
	mbedtls_x509_crt_free(&s.store);
	mbedtls_ssl_free(&s.ssl);
	mbedtls_ssl_config_free(&s.config);
	if (s.fd >= 0)
		close(s.fd);
	return code;
}

static const char usage[] = "pin [--json] CERTIFICATE-OR-PUBLIC-KEY ...\n"
			    "       sekisho policy pin [--anchors FILE] [--reserve PUBLIC-KEY] [--connect "
			    "ADDRESS[:PORT]] [--at DATE] [--json] HOST[:PORT]";

static int read_options(int argc, char **argv, struct pinning *p)
{
	static const struct option longs[] = {
	    {"anchors", required_argument, NULL, 'A'},
	    {"connect", required_argument, NULL, 'c'},
	    {"reserve", required_argument, NULL, 'r'},
	    {"at", required_argument, NULL, 'a'},
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	*p = (struct pinning){.anchors = ANCHORS_DEFAULT};
	opterr = 0;
	optind = 1;
	for (int letter; (letter = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		if (letter == 'A')
			p->anchors = optarg;
		else if (letter == 'c')
			p->connect = optarg;
		else if (letter == 'r')
			p->reserve = optarg;
		else if (letter == 'a')
			p->at = optarg;
		else if (letter == 'j')
			p->json = true;
		else
			return letter == 'h' ? CLI_GOOD : CLI_USAGE;
	}
	p->count = argc - optind;
	p->operands = argv + optind;
	return p->count > 0 ? -1 : CLI_USAGE;
}

int policy_pin(int argc, char **argv)
{
	struct pinning p;
	int code = read_options(argc, argv, &p);
	if (code >= 0) {
		fprintf(code ? stderr : stdout, "usage: sekisho policy %s\n", usage);
		return code;
	}
	if (p.json)
		refuse_in_json();
	psa_crypto_init();
	bool file = access(p.operands[0], F_OK) == 0 || strchr(p.operands[0], '/') || p.count > 1;
	return file ? pin_files(&p) : pin_server(&p);
}

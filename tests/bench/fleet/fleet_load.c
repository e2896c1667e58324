/*
 * The load: sticks that beacon, each over a connection of its own. Prints one line of JSON when the first round is
 * through ("begin") and one when the time is over ("end").
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "launcher/agent_talk.h"
#include "tests/bench/fleet/fleet.h"

static const char usage[] =
    "usage: fleet load --to ADDRESS:PORT --ca FILE --name NAME --sticks N --rate BEACONS_PER_S --seconds S\n"
    "  --first N        the first stick's number\n"
    "  --ramp PER_S     how many begin in a second (default 200)\n"
    "  --new            a connection and a whole handshake for each beacon; without it they are kept\n"
    "  --statements PER_S  of these sticks so many are admitted anew in a second: a nonce, a signed statement\n"
    "  --empty          what answers is not a gateway: 204 and nothing else is good\n";

enum { ANSWER_BYTES = 2048, EVENTS = 256, TIMEOUT_MS = 20000, BODY_BYTES = 3072, LATENCY_MAX_MS = 60000 };

enum step { STEP_NONE, STEP_CONNECT, STEP_SHAKE, STEP_WRITE, STEP_READ };
enum ask { ASK_BEACON, ASK_NONCE, ASK_STATEMENT };

static const char *const paths[] = {"/v1/beacon", "/v1/nonce", "/v1/admission"};

struct client {
	size_t index;
	int fd;
	bool good; /* had an answer */
	enum step step;
	enum ask ask;
	uint64_t sequence;
	int64_t asked_us;
	mbedtls_ssl_context *tls;
	char *request;
	size_t request_size, request_at, answer_size;
	char answer[ANSWER_BYTES];
	uint8_t token[STATEMENT_TOKEN_BYTES], nonce[STATEMENT_NONCE_BYTES];
};

static struct {
	struct sockaddr_in to;
	const char *ca, *name;
	size_t first, sticks;
	double rate, ramp, seconds, statements;
	bool fresh, empty;
} plan = {.ramp = 200};

static struct client *clients;
static int epoll = -1;
static mbedtls_ssl_config tls;
static mbedtls_x509_crt anchor;
static uint8_t identity[STATEMENT_PRIVATE_BYTES];
static uint32_t *latencies_us; /* of the measured beacons */
static size_t latency_count, latency_room;
static struct {
	uint64_t beacons, admitted, statements, handshakes, failed, late;
} done;

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- one client --- */

static void hang_up(struct client *c)
{
	if (c->tls)
		mbedtls_ssl_free(c->tls);
	free(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->request);
	c->request = NULL;
	c->step = STEP_NONE;
}

static void fail(struct client *c, const char *what, int code)
{
	static int said;
	if (said++ < 10)
		log_warn("stick %zu: %s (%d)", c->index, what, code);
	done.failed++;
	hang_up(c);
}

static void watch(const struct client *c, uint32_t events, int how)
{
	struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - clients)};
	if (epoll_ctl(epoll, how, c->fd, &event) < 0)
		fatal("epoll: %s", strerror(errno));
}

static char *beacon_body(struct client *c)
{
	char health[512];
	struct talk_self self = {.policy_version = 1, .image_version = FLEET_IMAGE};
	fleet_id(c->index, self.device);
	fleet_boot(c->index, self.boot);
	memset(self.root_hash, 0xab, sizeof self.root_hash);
	snprintf(health, sizeof health,
		 "{\"uptime_s\":%llu,\"link\":\"wired\",\"tunnel\":" FLEET_TUNNEL
		 ",\"session\":false,\"refused\":{\"not_listed\":3,\"usb_storage\":1}}",
		 (unsigned long long)c->sequence * 30, 20 + (unsigned)(c->sequence % 17));
	return talk_write_beacon(&self, ++c->sequence, health, strlen(health), false);
}

static char *statement_body(const struct client *c)
{
	uint8_t bytes[STATEMENT_MAX_BYTES], signature[STATEMENT_SIGNATURE_BYTES], pin[STATEMENT_SIGNATURE_BYTES];
	char id[FLEET_ID_SIZE];
	struct statement statement = {.policy_version = 1, .gateway = "gw1", .image_version = FLEET_IMAGE};
	fleet_id(c->index, id);
	memcpy(statement.device, id, sizeof id);
	fleet_boot(c->index, statement.boot);
	memcpy(statement.nonce, c->nonce, sizeof statement.nonce);
	memcpy(statement.token, c->token, sizeof statement.token);
	memset(statement.root_hash, 0xab, sizeof statement.root_hash);
	int size = statement_encode(&statement, bytes);
	if (size < 0 || statement_sign(&statement, SIGNER_IDENTITY, identity, signature) ||
	    statement_sign(&statement, SIGNER_PIN, identity, pin))
		fatal("a statement cannot be signed");
	const struct talk_statement said = {.bytes = bytes,
					    .size = (size_t)size,
					    .signature = signature,
					    .signature_size = sizeof signature,
					    .pin_signature = pin,
					    .pin_signature_size = sizeof pin};
	return talk_write_statement(&said);
}

/* As libcurl writes it for the stick's agent. */
static void write_request(struct client *c)
{
	char *body = c->ask == ASK_BEACON ? beacon_body(c) : c->ask == ASK_NONCE ? strdup("{}") : statement_body(c);
	int size = body ? asprintf(&c->request,
				   "POST %s HTTP/1.1\r\nHost: %s:%u\r\nAccept: application/json\r\n"
				   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
				   paths[c->ask], plan.name, ntohs(plan.to.sin_port), strlen(body), body)
			: -1;
	free(body);
	if (size < 0)
		fatal("out of memory");
	c->request_size = (size_t)size;
	c->request_at = c->answer_size = 0;
	c->step = STEP_WRITE;
}

static void go_on(struct client *c);

static int write_socket(void *context, const unsigned char *data, size_t size)
{
	ssize_t sent = send(*(const int *)context, data, size, MSG_NOSIGNAL);
	return sent >= 0 ? (int)sent : errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int read_socket(void *context, unsigned char *data, size_t size)
{
	ssize_t got = recv(*(const int *)context, data, size, 0);
	return got >= 0 ? (int)got : errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static void start_tls(struct client *c)
{
	c->tls = calloc(1, sizeof *c->tls);
	if (!c->tls)
		fatal("out of memory");
	mbedtls_ssl_init(c->tls);
	if (mbedtls_ssl_setup(c->tls, &tls) || mbedtls_ssl_set_hostname(c->tls, plan.name))
		fatal("a TLS session cannot be made");
	mbedtls_ssl_set_bio(c->tls, &c->fd, write_socket, read_socket, NULL);
	c->step = STEP_SHAKE;
}

static void connect_out(struct client *c)
{
	int one = 1;
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = fleet_address(c->index)};
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) < 0 ||
	    bind(c->fd, (const struct sockaddr *)&from, sizeof from) < 0)
		fatal("stick %zu has no address: %s", c->index, strerror(errno));
	if (connect(c->fd, (const struct sockaddr *)&plan.to, sizeof plan.to) < 0 && errno != EINPROGRESS) {
		fail(c, strerror(errno), errno);
		return;
	}
	c->step = STEP_CONNECT;
	watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void ask(struct client *c, enum ask what)
{
	c->ask = what;
	c->asked_us = now_us();
	if (c->fd < 0) {
		connect_out(c);
		return;
	}
	write_request(c);
	go_on(c);
}

static void note_latency(const struct client *c)
{
	if (latency_count < latency_room)
		latencies_us[latency_count++] = (uint32_t)(now_us() - c->asked_us);
}

static bool take_beacon_answer(const char *body, size_t size)
{
	struct talk_admission admission;
	const char *wrong;
	if (talk_read_admission(body, size, &admission, &wrong))
		return false;
	done.admitted += admission.state == ADMISSION_ADMITTED;
	return true;
}

/* True: it is all there. The status and the length are the gateway's own HTTP server's: nothing here is hostile. */
static bool answered(struct client *c, const char **body, size_t *size, unsigned *status)
{
	c->answer[c->answer_size] = '\0';
	char *end = strstr(c->answer, "\r\n\r\n");
	if (!end)
		return false;
	const char *length = strcasestr(c->answer, "content-length:");
	*status = (unsigned)strtoul(c->answer + strlen("HTTP/1.1 "), NULL, 10);
	*body = end + 4;
	*size = length && length < end ? strtoul(length + strlen("content-length:"), NULL, 10) : 0;
	return c->answer_size >= (size_t)(*body - c->answer) + *size;
}

static void take_answer(struct client *c, const char *body, size_t size, unsigned status)
{
	struct talk_admission admission;
	char reason[TALK_REASON_MAX_BYTES];
	const char *wrong = "";
	c->step = STEP_NONE;
	free(c->request);
	c->request = NULL;
	if (status != (plan.empty ? 204 : 200)) {
		fail(c, "a refusal", (int)status);
		return;
	}
	if (c->ask == ASK_BEACON) {
		if (!plan.empty && !take_beacon_answer(body, size))
			fail(c, "an answer that cannot be read", 0);
		note_latency(c);
		done.beacons++;
		c->good = true;
		if (plan.fresh)
			hang_up(c);
	} else if (c->ask == ASK_NONCE) {
		if (talk_read_nonce(body, size, c->nonce, reason, &wrong) || reason[0])
			fail(c, "no nonce", 0);
		else
			ask(c, ASK_STATEMENT);
	} else if (talk_read_admission(body, size, &admission, &wrong) || admission.state != ADMISSION_ADMITTED) {
		fail(c, admission.reason, 0);
	} else {
		memcpy(c->token, admission.token, sizeof c->token);
		done.statements++;
	}
}

/* One step; false: wait for the socket. */
static bool step(struct client *c)
{
	const char *body;
	size_t size;
	unsigned status;
	int got = 0;
	switch (c->step) {
	case STEP_NONE:
		return false;
	case STEP_CONNECT:
		start_tls(c);
		watch(c, EPOLLIN | EPOLLOUT | EPOLLET, EPOLL_CTL_MOD);
		return true;
	case STEP_SHAKE:
		got = mbedtls_ssl_handshake(c->tls);
		if (got == 0) {
			done.handshakes++;
			write_request(c);
		}
		break;
	case STEP_WRITE:
		got = mbedtls_ssl_write(c->tls, (const uint8_t *)c->request + c->request_at,
					c->request_size - c->request_at);
		if (got > 0 && (c->request_at += (size_t)got) == c->request_size)
			c->step = STEP_READ;
		break;
	case STEP_READ:
		got = mbedtls_ssl_read(c->tls, (uint8_t *)c->answer + c->answer_size,
				       sizeof c->answer - 1 - c->answer_size);
		if (got > 0) {
			c->answer_size += (size_t)got;
			if (answered(c, &body, &size, &status))
				take_answer(c, body, size, status);
		} else if (got == 0) {
			got = MBEDTLS_ERR_SSL_CONN_EOF;
		}
		break;
	}
	if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
		return true;
	if (got == MBEDTLS_ERR_SSL_WANT_READ || got == MBEDTLS_ERR_SSL_WANT_WRITE)
		return false;
	if (got < 0)
		fail(c, "the connection failed", got);
	return got >= 0;
}

static void go_on(struct client *c)
{
	while (c->step != STEP_NONE && step(c))
		;
}

/* An end that comes between two requests is the server's right. */
static void on_event(struct client *c, uint32_t events)
{
	char byte;
	if (c->fd < 0)
		return;
	if (c->step == STEP_NONE && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		hang_up(c);
	else
		go_on(c);
}

/* --- all of them --- */

static void turn(int64_t until_us)
{
	struct epoll_event events[EVENTS];
	int64_t wait_us = until_us - now_us();
	int count = epoll_wait(epoll, events, EVENTS, wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0);
	for (int i = 0; i < count; i++)
		on_event(&clients[events[i].data.u32], events[i].events);
}

static void due(struct client *c, enum ask what)
{
	if (c->step != STEP_NONE) {
		done.late++;
		if (now_us() - c->asked_us > (int64_t)TIMEOUT_MS * 1000)
			fail(c, "no answer", 0);
		return;
	}
	ask(c, what);
}

/* So many in a second, one after the other, `count` in all. */
static void pace(double rate, uint64_t count, bool statements)
{
	const int64_t start = now_us();
	const size_t sticks = plan.sticks ? plan.sticks : 1;
	uint64_t stated = 0;
	for (uint64_t i = 0; i < count;) {
		int64_t now = now_us(), next = start + (int64_t)((double)i * 1e6 / rate);
		if (next > now) {
			turn(next);
			continue;
		}
		due(&clients[i % sticks], ASK_BEACON);
		i++;
		/* in the middle between two beacons of the same stick */
		if (statements && (double)stated < plan.statements * (double)(now - start) / 1e6)
			due(&clients[(stated++ * 7919 + i + sticks / 2) % sticks], ASK_NONCE);
		if (i % 32 == 0)
			turn(now);
	}
}

static void drain(void)
{
	int64_t end = now_us() + (int64_t)TIMEOUT_MS * 1000;
	size_t busy = 1;
	while (busy > 0 && now_us() < end) {
		busy = 0;
		for (size_t i = 0; i < plan.sticks; i++)
			busy += clients[i].step != STEP_NONE;
		if (busy)
			turn(now_us() + 50000);
	}
}

static int compare(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

static double percentile_ms(double part)
{
	return latency_count ? latencies_us[(size_t)(part * (double)(latency_count - 1))] / 1000.0 : 0;
}

static void begin_tls(void)
{
	mbedtls_ssl_config_init(&tls);
	mbedtls_x509_crt_init(&anchor);
	if (mbedtls_ssl_config_defaults(&tls, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT) ||
	    mbedtls_x509_crt_parse_file(&anchor, plan.ca))
		fatal("%s is no certificate", plan.ca);
	mbedtls_ssl_conf_authmode(&tls, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&tls, &anchor, NULL);
	mbedtls_ssl_conf_rng(&tls, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
	    {"to", required_argument, NULL, 't'},    {"ca", required_argument, NULL, 'c'},
	    {"name", required_argument, NULL, 'n'},  {"sticks", required_argument, NULL, 's'},
	    {"rate", required_argument, NULL, 'r'},  {"seconds", required_argument, NULL, 'd'},
	    {"first", required_argument, NULL, 'f'}, {"ramp", required_argument, NULL, 'p'},
	    {"new", no_argument, NULL, 'N'},         {"statements", required_argument, NULL, 'S'},
	    {"empty", no_argument, NULL, 'e'},       {0}};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *colon = option == 't' ? strchr(optarg, ':') : NULL;
		double number = optarg ? strtod(optarg, NULL) : 0;
		if (colon) {
			*colon = '\0';
			plan.to = (struct sockaddr_in){.sin_family = AF_INET,
						       .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
			if (inet_pton(AF_INET, optarg, &plan.to.sin_addr) != 1)
				fatal("%s", usage);
		}
		plan.ca = option == 'c' ? optarg : plan.ca;
		plan.name = option == 'n' ? optarg : plan.name;
		plan.sticks = option == 's' ? (size_t)number : plan.sticks;
		plan.first = option == 'f' ? (size_t)number : plan.first;
		plan.rate = option == 'r' ? number : plan.rate;
		plan.seconds = option == 'd' ? number : plan.seconds;
		plan.ramp = option == 'p' ? number : plan.ramp;
		plan.statements = option == 'S' ? number : plan.statements;
		plan.fresh |= option == 'N';
		plan.empty |= option == 'e';
		if (option == '?')
			fatal("%s", usage);
	}
	if (!plan.ca || !plan.name || !plan.to.sin_port || plan.sticks == 0 || plan.sticks > FLEET_MAX ||
	    plan.rate <= 0 || plan.ramp <= 0)
		fatal("%s", usage);
}

static void prepare(void)
{
	const struct rlimit files = {plan.sticks + 64, plan.sticks + 64};
	(void)setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	clients = calloc(plan.sticks, sizeof *clients);
	latency_room = (size_t)(plan.rate * plan.seconds) + 16;
	latencies_us = calloc(latency_room, sizeof *latencies_us);
	if (epoll < 0 || !clients || !latencies_us)
		fatal("out of memory");
	for (size_t i = 0; i < plan.sticks; i++)
		clients[i] = (struct client){.index = plan.first + i, .fd = -1};
	fleet_identity(identity);
	begin_tls();
}

int fleet_load(int argc, char **argv)
{
	size_t good = 0;
	read_options(argc, argv);
	prepare();
	pace(plan.ramp, plan.sticks, false);
	drain();
	for (size_t i = 0; i < plan.sticks; i++)
		good += clients[i].good;
	printf("{\"phase\":\"begin\",\"sticks\":%zu,\"good\":%zu,\"handshakes\":%llu,\"failed\":%llu}\n", plan.sticks,
	       good, (unsigned long long)done.handshakes, (unsigned long long)done.failed);
	fflush(stdout);
	if (getchar() == EOF) /* the other side has looked at what the first round left behind */
		return 1;
	memset(&done, 0, sizeof done);
	latency_count = 0;
	int64_t start = now_us();
	pace(plan.rate, (uint64_t)(plan.rate * plan.seconds), true);
	drain();
	double seconds = (double)(now_us() - start) / 1e6;
	if (latency_count > 0)
		qsort(latencies_us, latency_count, sizeof *latencies_us, compare);
	printf("{\"phase\":\"end\",\"seconds\":%.3f,\"beacons\":%llu,\"admitted\":%llu,\"statements\":%llu,"
	       "\"handshakes\":%llu,\"failed\":%llu,\"late\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
	       seconds, (unsigned long long)done.beacons, (unsigned long long)done.admitted,
	       (unsigned long long)done.statements, (unsigned long long)done.handshakes,
	       (unsigned long long)done.failed, (unsigned long long)done.late, percentile_ms(0.5), percentile_ms(0.99));
	fflush(stdout);
	(void)getchar();
	return 0;
}

/*
 * client - the one client of `make bench-broker`: what a browser does to a TLS proxy, by OpenSSL, for broker and peers
 * alike. HTTP/1.1, TLS 1.3, X25519.
 *
 * usage: client MODE ADDRESS PORT CA COUNT [--threads N] [--hosts N] [--resume] [--connect] [--full]
 *
 * connect    COUNT connections, one after the other in each thread: handshake, one small request, good end. --resume
 *            offers the ticket of the thread's last one.
 * requests   COUNT small requests over a connection for each thread
 * bulk       COUNT megabytes over a connection for each thread
 * idle       COUNT connections with one small request each; then says so and holds them until standard input ends
 *
 * Hosts are b0.bench.example and on, in turn (--full: f0, whose bank never resumes); --connect asks a forward proxy.
 * Prints one line of JSON: count, seconds, resumed, p50_ms, p99_ms, bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, HOST_BYTES = 64, READ_BYTES = 1 << 17, SMALL_BYTES = 4096 };

static struct {
	const char *mode, *address, *ca;
	uint16_t port;
	long count, threads, hosts;
	bool resume, connect, full;
	SSL_CTX *tls;
} plan = {.threads = 1, .hosts = 1};

struct worker {
	pthread_t thread;
	long number, share;
	SSL_SESSION *session;
	double *took_ms;
	long done, resumed;
	unsigned long long bytes;
};

static struct worker workers[THREADS_MAX];

static void fail(const char *what)
{
	unsigned long error = ERR_peek_error();
	fprintf(stderr, "client: %s: %s\n", what, error ? ERR_error_string(error, NULL) : strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_tcp(const char *host)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(plan.port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || inet_pton(AF_INET, plan.address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		fail("connecting");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!plan.connect)
		return fd;
	char line[256];
	int size = snprintf(line, sizeof line, "CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n", host, host);
	if (write(fd, line, (size_t)size) != size)
		fail("CONNECT");
	/* to the empty line and no further: what follows is TLS */
	for (size_t at = 0; at < sizeof line; at++) {
		if (read(fd, line + at, 1) != 1)
			fail("CONNECT's answer");
		if (at >= 3 && memcmp(line + at - 3, "\r\n\r\n", 4) == 0)
			return fd;
	}
	fail("CONNECT's answer is too long");
	return -1;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct worker *w = SSL_get_app_data(ssl);
	SSL_SESSION_free(w->session);
	w->session = session;
	return 1;
}

static SSL *open_tls(struct worker *w, long number)
{
	char host[HOST_BYTES];
	snprintf(host, sizeof host, "%c%ld.bench.example", plan.full ? 'f' : 'b', number % plan.hosts);
	SSL *ssl = SSL_new(plan.tls);
	if (!ssl || !SSL_set_tlsext_host_name(ssl, host) || !SSL_set1_host(ssl, host) ||
	    !SSL_set_fd(ssl, open_tcp(host)))
		fail("TLS");
	SSL_set_app_data(ssl, w);
	if (plan.resume && w->session)
		SSL_set_session(ssl, w->session);
	if (SSL_connect(ssl) != 1)
		fail("the handshake");
	w->resumed += SSL_session_reused(ssl);
	return ssl;
}

static void close_tls(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* Ask, and read the head; what came of the body behind it is counted in *body. The body's length is returned. */
static unsigned long long ask(SSL *ssl, const char *path, size_t *body)
{
	char data[SMALL_BYTES];
	int size = snprintf(data, sizeof data, "GET %s HTTP/1.1\r\nHost: b0.bench.example\r\n\r\n", path);
	if (SSL_write(ssl, data, size) != size)
		fail("asking");
	for (size_t at = 0; at < sizeof data - 1;) {
		int got = SSL_read(ssl, data + at, (int)(sizeof data - 1 - at));
		if (got <= 0)
			fail("the answer");
		at += (size_t)got;
		data[at] = '\0';
		const char *end = strstr(data, "\r\n\r\n");
		if (!end)
			continue;
		const char *length = strcasestr(data, "content-length:");
		if (!length || strncmp(data, "HTTP/1.1 200", 12) != 0)
			fail("the answer's head");
		*body = at - (size_t)(end + 4 - data);
		return strtoull(length + strlen("content-length:"), NULL, 10);
	}
	fail("the answer's head is too long");
	return 0;
}

static void take(struct worker *w, SSL *ssl, const char *path)
{
	static _Thread_local char data[READ_BYTES];
	size_t got = 0;
	unsigned long long length = ask(ssl, path, &got), left = length - got;
	while (left > 0) {
		int more = SSL_read(ssl, data, (int)(left < sizeof data ? left : sizeof data));
		if (more <= 0)
			fail("the answer's body");
		left -= (unsigned long long)more;
	}
	w->bytes += length;
}

static void *run_connect(void *worker)
{
	struct worker *w = worker;
	for (; w->done < w->share; w->done++) {
		double begin = now();
		SSL *ssl = open_tls(w, w->number + w->done);
		take(w, ssl, "/small");
		close_tls(ssl);
		w->took_ms[w->done] = (now() - begin) * 1000;
	}
	return NULL;
}

static void *run_requests(void *worker)
{
	struct worker *w = worker;
	SSL *ssl = open_tls(w, w->number);
	for (; w->done < w->share; w->done++) {
		double begin = now();
		take(w, ssl, "/small");
		w->took_ms[w->done] = (now() - begin) * 1000;
	}
	close_tls(ssl);
	return NULL;
}

static void *run_bulk(void *worker)
{
	struct worker *w = worker;
	SSL *ssl = open_tls(w, w->number);
	for (; w->done < w->share; w->done++) {
		double begin = now();
		take(w, ssl, "/large");
		w->took_ms[w->done] = (now() - begin) * 1000;
	}
	close_tls(ssl);
	return NULL;
}

/* They stay open: the process' end closes them. */
static void *run_idle(void *worker)
{
	struct worker *w = worker;
	for (; w->done < w->share; w->done++)
		take(w, open_tls(w, w->number + w->done), "/small");
	return NULL;
}

static const struct {
	const char *name;
	void *(*run)(void *worker);
} modes[] = {{"connect", run_connect}, {"requests", run_requests}, {"bulk", run_bulk}, {"idle", run_idle}};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void say(double seconds)
{
	long done = 0, resumed = 0;
	unsigned long long bytes = 0;
	double *all = calloc((size_t)plan.count + 1, sizeof *all);
	if (!all)
		fail("memory");
	for (long i = 0; i < plan.threads; i++) {
		memcpy(all + done, workers[i].took_ms, (size_t)workers[i].done * sizeof *all);
		done += workers[i].done;
		resumed += workers[i].resumed;
		bytes += workers[i].bytes;
	}
	qsort(all, (size_t)done, sizeof *all, compare);
	printf("{\"count\": %ld, \"seconds\": %.6f, \"resumed\": %ld, \"p50_ms\": %.4f, \"p99_ms\": %.4f, "
	       "\"bytes\": %llu}\n",
	       done, seconds, resumed, all[done / 2], all[done * 99 / 100], bytes);
	fflush(stdout);
	free(all);
}

static void prepare(void)
{
	plan.tls = SSL_CTX_new(TLS_client_method());
	if (!plan.tls || !SSL_CTX_set_min_proto_version(plan.tls, TLS1_3_VERSION) ||
	    !SSL_CTX_set1_groups_list(plan.tls, "X25519:P-256") || SSL_CTX_load_verify_file(plan.tls, plan.ca) != 1)
		fail(plan.ca);
	SSL_CTX_set_verify(plan.tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(plan.tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(plan.tls, keep_session);
}

static void parse(int argc, char **argv)
{
	if (argc < 6) {
		fprintf(stderr, "usage: client MODE ADDRESS PORT CA COUNT [--threads N] [--hosts N] [--resume] "
				"[--connect] [--full]\n");
		exit(2);
	}
	plan.mode = argv[1];
	plan.address = argv[2];
	plan.port = (uint16_t)strtoul(argv[3], NULL, 10);
	plan.ca = argv[4];
	plan.count = strtol(argv[5], NULL, 10);
	for (int i = 6; i < argc; i++) {
		if (strcmp(argv[i], "--resume") == 0)
			plan.resume = true;
		else if (strcmp(argv[i], "--connect") == 0)
			plan.connect = true;
		else if (strcmp(argv[i], "--full") == 0)
			plan.full = true;
		else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
			plan.threads = strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--hosts") == 0 && i + 1 < argc)
			plan.hosts = strtol(argv[++i], NULL, 10);
	}
	if (plan.count < 1 || plan.threads < 1 || plan.threads > THREADS_MAX || plan.hosts < 1)
		exit(2);
}

static void run(void *(*mode)(void *worker))
{
	double begin = now();
	for (long i = 0; i < plan.threads; i++) {
		struct worker *w = &workers[i];
		w->number = i;
		w->share = plan.count / plan.threads;
		w->took_ms = calloc((size_t)w->share + 1, sizeof *w->took_ms);
		if (!w->took_ms || pthread_create(&w->thread, NULL, mode, w))
			fail("a thread");
	}
	for (long i = 0; i < plan.threads; i++)
		pthread_join(workers[i].thread, NULL);
	say(now() - begin);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	parse(argc, argv);
	prepare();
	const char *mode = plan.mode ? plan.mode : "";
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(modes[i].name, mode) == 0)
			run(modes[i].run);
	if (strcmp(mode, "idle") == 0)
		while (getchar() != EOF)
			;
	return 0;
}

#include "launcher/broker_tls.h"

#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl_ticket.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

/* ChaCha20 first: mbedTLS does AES-GCM a block at a time, at two thirds of its speed even with the processor's AES. */
static const int suites[] = {
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

/* mbedTLS as a server takes the client's first that it has, and WebKit's first is AES-256. */
static const int browser_suites[] = {
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    0,
};

static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
				  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

/*
 * mbedTLS takes no RSA-PSS in TLS 1.2, which RFC 8446 section 4.2.3 lets a server answer with that was offered it: so
 * PSS comes last, where a server follows our order, and is left out after one that does not (broker_policy.h).
 */
static const uint16_t signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,    MBEDTLS_TLS1_3_SIG_NONE,
};
static const uint16_t signatures_without_pss[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_NONE,
};

enum { TICKET_LIFE_S = 3600, HELD_MAX = 16, READ_AHEAD_BYTES = 2048 };

/* For browsers that come back, all hosts alike: a resumed browser is still let to the bank by the bank's end alone. The
 * key is this process', and dies with the session. */
static mbedtls_ssl_ticket_context tickets;

int tls_start(void)
{
	mbedtls_ssl_ticket_init(&tickets);
	return mbedtls_ssl_ticket_setup(&tickets, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE,
					MBEDTLS_CIPHER_AES_256_GCM, TICKET_LIFE_S);
}

void tls_init(struct tls_end *end)
{
	*end = (struct tls_end){.fd = -1};
	mbedtls_ssl_init(&end->ssl);
	mbedtls_ssl_config_init(&end->config);
}

void tls_free(struct tls_end *end)
{
	mbedtls_ssl_free(&end->ssl);
	mbedtls_ssl_config_free(&end->config);
	buf_free(&end->early);
	client_record_free(end->client);
	end->client = NULL;
	end->fd = -1;
}

static int send_bytes(void *context, const unsigned char *data, size_t size)
{
	struct tls_end *end = context;
	ssize_t sent = send(end->fd, data, size, MSG_NOSIGNAL);
	if (sent > 0)
		client_passed(end, 1, data, (size_t)sent);
	if (sent >= 0)
		return (int)sent;
	if (errno == EAGAIN || errno == EINTR)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* From the socket into the caller's place or, where that is a record's head, into ours with what came behind it. */
static ssize_t receive_now(struct tls_end *end, unsigned char *data, size_t size)
{
	uint8_t ahead[READ_AHEAD_BYTES];
	bool direct = size >= sizeof ahead;
	size_t room = direct ? size : sizeof ahead;
	ssize_t got = recv(end->fd, direct ? data : ahead, room, 0);
	end->drained = got >= 0 && (size_t)got < room;
	if (direct || got <= 0)
		return got;
	size_t take = (size_t)got < size ? (size_t)got : size;
	memcpy(data, ahead, take);
	if (buf_append(&end->early, ahead + take, (size_t)got - take, sizeof ahead) == 0)
		return (ssize_t)take;
	errno = ENOMEM; /* bytes are lost: the connection is */
	return -1;
}

/* A record can be opened only when it is whole. Over a slow line it comes in a dozen packets: nobody is woken for each.
 */
static int wait_for(struct tls_end *end, size_t size)
{
	int bytes = size >= READ_AHEAD_BYTES ? (int)size : 1;
	if (bytes != end->waits_for && (bytes > 1 || end->waits_for > 1) &&
	    setsockopt(end->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0)
		end->waits_for = bytes;
	return MBEDTLS_ERR_SSL_WANT_READ;
}

static int take_bytes(struct tls_end *end, unsigned char *data, size_t size)
{
	if (end->early.size > 0) {
		size_t take = size < end->early.size ? size : end->early.size;
		memcpy(data, end->early.data, take);
		buf_consume(&end->early, take);
		if (end->early.size == 0)
			buf_free(&end->early);
		return (int)take;
	}
	if (end->drained && !end->hung_up)
		return wait_for(end, size);
	ssize_t got = receive_now(end, data, size);
	if (got >= 0)
		return (int)got;
	if (errno == EAGAIN || errno == EINTR)
		return wait_for(end, size);
	return MBEDTLS_ERR_SSL_CONN_EOF;
}

static int receive_bytes(void *context, unsigned char *data, size_t size)
{
	struct tls_end *end = context;
	int got = take_bytes(end, data, size);
	if (got > 0)
		client_passed(end, 0, data, (size_t)got);
	return got;
}

static int configure(struct tls_end *end, int role, int fd)
{
	int error =
	    mbedtls_ssl_config_defaults(&end->config, role, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (error)
		return error;
	mbedtls_ssl_conf_rng(&end->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	mbedtls_ssl_conf_min_tls_version(&end->config, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(&end->config, MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_conf_ciphersuites(&end->config, suites);
	mbedtls_ssl_conf_groups(&end->config, groups);
	mbedtls_ssl_conf_sig_algs(&end->config, signatures);
	end->fd = fd;
	return end->protocols[0] ? mbedtls_ssl_conf_alpn_protocols(&end->config, end->protocols) : 0;
}

static int set_up(struct tls_end *end)
{
	int error = mbedtls_ssl_setup(&end->ssl, &end->config);
	if (!error)
		mbedtls_ssl_set_bio(&end->ssl, end, send_bytes, receive_bytes, NULL);
	return error;
}

static bool stands(int64_t from, int64_t until)
{
	int64_t now = time(NULL);
	return now >= from && now <= until;
}

/* The newest session is taken out: a TLS 1.3 ticket is for one use (RFC 8446 appendix C.4). It outlives none of the
 * certificates that it was made with: a bank that resumes shows none, and nobody would ask for their dates again. */
static void resume(struct tls_end *end)
{
	struct bank_host *host = end->host;
	while (host->session_count > 0 && !end->resuming) {
		struct bank_session *session = &host->sessions[--host->session_count];
		if (stands(session->from, session->until))
			end->resuming = mbedtls_ssl_set_session(&end->ssl, &session->tls) == 0;
		end->check.from = session->from;
		end->check.until = session->until;
		mbedtls_ssl_session_free(&session->tls);
	}
}

static void keep_session(struct tls_end *end)
{
	struct bank_host *host = end->host;
	if (host->session_count == BANK_SESSIONS_MAX) {
		mbedtls_ssl_session_free(&host->sessions[0].tls);
		memmove(&host->sessions[0], &host->sessions[1], sizeof host->sessions[0] * (BANK_SESSIONS_MAX - 1));
		host->session_count--;
	}
	struct bank_session *session = &host->sessions[host->session_count];
	*session = (struct bank_session){.from = end->check.from, .until = end->check.until};
	mbedtls_ssl_session_init(&session->tls);
	if (mbedtls_ssl_get_session(&end->ssl, &session->tls) == 0)
		host->session_count++;
	else
		mbedtls_ssl_session_free(&session->tls);
}

/*
 * RFC 8446 section 4.1.3: a server that could speak TLS 1.3 says so in the end of its random bytes, which its signature
 * covers. mbedTLS looks there only where it offered 1.3 itself; who brought about an offer of 1.2 alone, by an answer
 * in RSA-PSS that was not the server's, would have won. Told before anything of ours is signed or enciphered.
 */
static void note_downgrade(void *context, mbedtls_ssl_key_export_type type, const unsigned char *secret,
			   size_t secret_size, const unsigned char client_random[32],
			   const unsigned char server_random[32], mbedtls_tls_prf_types prf)
{
	static const unsigned char sentinel[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
	struct tls_end *end = context;
	(void)secret, (void)secret_size, (void)client_random, (void)prf;
	if (type == MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET &&
	    memcmp(server_random + 32 - sizeof sentinel, sentinel, sizeof sentinel) == 0)
		end->downgraded = true;
}

int tls_open_bank(struct tls_end *end, int fd, struct bank_host *host, const struct hello *hello)
{
	for (size_t i = 0; i < hello->protocol_count; i++)
		end->protocols[i] = hello->protocols[i];
	int error = configure(end, MBEDTLS_SSL_IS_CLIENT, fd);
	if (error)
		return error;
	end->host = host;
	/* mbedTLS' own verification knows one way up and would be a second one: ours is made in its place, in judge()
	 */
	mbedtls_ssl_conf_authmode(&end->config, MBEDTLS_SSL_VERIFY_NONE);
	/* RFC 5746 section 4.1: a server that does not know it may take a stranger's words for the beginning of ours */
	mbedtls_ssl_conf_legacy_renegotiation(&end->config, MBEDTLS_SSL_LEGACY_BREAK_HANDSHAKE);
	if (host->without_pss) {
		mbedtls_ssl_conf_max_tls_version(&end->config, MBEDTLS_SSL_VERSION_TLS1_2);
		mbedtls_ssl_conf_sig_algs(&end->config, signatures_without_pss);
	}
	mbedtls_ssl_conf_session_tickets(&end->config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&end->config,
								 MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
	client_offer(end);
	error = set_up(end);
	mbedtls_ssl_set_export_keys_cb(&end->ssl, note_downgrade, end);
	if (!error)
		error = mbedtls_ssl_set_hostname(&end->ssl, host->name);
	if (!error)
		resume(end);
	return error;
}

int tls_open_browser(struct tls_end *end, int fd, struct bank_host *host, const char *protocol)
{
	end->protocols[0] = protocol;
	int error = configure(end, MBEDTLS_SSL_IS_SERVER, fd);
	/* WebKit needs no more: TLS 1.3, no early data, one certificate with a P-256 key */
	mbedtls_ssl_conf_min_tls_version(&end->config, MBEDTLS_SSL_VERSION_TLS1_3);
	if (!error)
		error = mbedtls_ssl_conf_own_cert(&end->config, &host->leaf, &host->key);
	mbedtls_ssl_conf_authmode(&end->config, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_ciphersuites(&end->config, browser_suites);
	mbedtls_ssl_conf_session_tickets_cb(&end->config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, &tickets);
	return error ? error : set_up(end);
}

static enum tls_result outcome(struct tls_end *end, int result)
{
	switch (result) {
	case MBEDTLS_ERR_SSL_WANT_READ:
		end->wants |= EPOLLIN;
		return TLS_WAIT;
	case MBEDTLS_ERR_SSL_WANT_WRITE:
		end->wants |= EPOLLOUT;
		return TLS_WAIT;
	case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
		return TLS_CLOSED;
	case MBEDTLS_ERR_SSL_CONN_EOF:
		return TLS_CUT;
	default:
		end->error = result;
		return TLS_FAILED;
	}
}

/* The bank's own certificate, where mbedTLS cannot read it, ends the handshake before we see it. */
static bool is_unreadable(int error)
{
	int high = -(-error & 0xff80); /* the low bits are ASN.1's or the key's own */
	return (high <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && high >= MBEDTLS_ERR_X509_FATAL_ERROR) ||
	       (high <= MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE && high >= MBEDTLS_ERR_PK_TYPE_MISMATCH) ||
	       error == MBEDTLS_ERR_SSL_BAD_CERTIFICATE;
}

/* mbedTLS' own name, which the linker leads here (broker.mk): mbedtls/x509_crt.h. */
int __real_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *chain, const unsigned char *der, size_t size);
int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *chain, const unsigned char *der, size_t size);

static bool certificates_come; /* a bank's, in the handshake under way */

/* Behind the bank's own certificate, one that cannot be read is part of no path: the others are judged as if it had not
 * been sent (whitelist/chain.h). What is answered so mbedTLS passes over, in TLS 1.2 and 1.3. */
int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *chain, const unsigned char *der, size_t size)
{
	const bool behind = certificates_come && chain && chain->version != 0;
	int error = __real_mbedtls_x509_crt_parse_der(chain, der, size);
	if (behind && error != MBEDTLS_ERR_X509_ALLOC_FAILED && is_unreadable(error))
		return MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG + MBEDTLS_ERR_OID_NOT_FOUND;
	return error;
}

static void judge(struct tls_end *end)
{
	const struct bank_host *host = end->host;
	const mbedtls_ssl_session *session = end->ssl.MBEDTLS_PRIVATE(session_negotiate);
	const struct chain_question question = {
	    .sent = session ? session->MBEDTLS_PRIVATE(peer_cert) : NULL,
	    .anchors = &host->anchors,
	    .host = host->name,
	    .now = time(NULL),
	    .pins = host->pins,
	    .pin_count = host->pin_count,
	    .revoked = host->revoked,
	    .revoked_count = host->revoked_count,
	};
	certificate_judge(&question, &end->host->chains, &end->check);
}

/* A bank that goes on without certificates is one that resumes what was judged when it was made, under the same anchors
 * and pins. Nothing else passes unjudged. */
static bool is_the_bank(const struct tls_end *end)
{
	return end->check.judged ? end->check.refusal == REFUSAL_NONE
				 : end->resuming && stands(end->check.from, end->check.until);
}

/* Step by step, so that the certificates are judged as soon as they have come: before the bank's signature is looked
 * at, and before anything of ours, a certificate of the customer's say, goes out to whoever it is. */
static int handshake_with_bank(struct tls_end *end)
{
	while (!mbedtls_ssl_is_handshake_over(&end->ssl)) {
		bool certificates = end->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE;
		certificates_come = certificates;
		int result = mbedtls_ssl_handshake_step(&end->ssl);
		certificates_come = false;
		if (end->downgraded) {
			mbedtls_ssl_send_alert_message(&end->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
						       MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
			return MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;
		}
		if (result != 0)
			return result;
		if (!certificates)
			continue;
		judge(end);
		if (is_the_bank(end))
			continue;
		mbedtls_ssl_send_alert_message(&end->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
					       MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
		return MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
	}
	return is_the_bank(end) ? 0 : MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
}

/* Nobody looks at them again: not this connection, and not one that resumes it. They are a tenth of its memory. */
static void forget_certificates(struct tls_end *end)
{
	mbedtls_ssl_session *session = end->ssl.MBEDTLS_PRIVATE(session);
	mbedtls_x509_crt *certificates = session ? session->MBEDTLS_PRIVATE(peer_cert) : NULL;
	if (!certificates)
		return;
	session->MBEDTLS_PRIVATE(peer_cert) = NULL;
	mbedtls_x509_crt_free(certificates);
	mbedtls_free(certificates);
}

enum tls_result tls_handshake(struct tls_end *end)
{
	client_turn(end);
	int result = end->host ? handshake_with_bank(end) : mbedtls_ssl_handshake(&end->ssl);
	client_turn(NULL);
	end->asked_in_vain = client_asked_in_vain(end);
	if (result != 0)
		return outcome(end, result);
	client_record_free(end->client);
	end->client = NULL;
	forget_certificates(end);
	/* TLS 1.3 sends its tickets later (tls_read) */
	if (end->host && mbedtls_ssl_get_version_number(&end->ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
		keep_session(end);
	return TLS_DONE;
}

/* A ticket is told of by whichever call comes upon it, a write too; the call is then made again. */
static bool was_ticket(struct tls_end *end, int result)
{
	if (result != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
		return false;
	keep_session(end);
	return true;
}

/*
 * mbedTLS says "more" also when it holds a ticket that it has read and not yet taken: no socket will wake us for that,
 * and one that has hung up is not watched at all. Bounded, should it ever hold one for good.
 */
static bool holds_message(const struct tls_end *end, int result, int turn)
{
	return result == MBEDTLS_ERR_SSL_WANT_READ && turn < HELD_MAX && mbedtls_ssl_check_pending(&end->ssl);
}

int tls_read(struct tls_end *end, void *data, size_t size)
{
	int got, turn = 0;
	do
		got = mbedtls_ssl_read(&end->ssl, data, size);
	while (was_ticket(end, got) || holds_message(end, got, turn++));
	if (got > 0)
		return got;
	return outcome(end, got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got);
}

int tls_write(struct tls_end *end, const void *data, size_t size)
{
	int put;
	do
		put = mbedtls_ssl_write(&end->ssl, data, size);
	while (was_ticket(end, put));
	return put >= 0 ? put : (int)outcome(end, put);
}

enum tls_result tls_close(struct tls_end *end)
{
	int result = mbedtls_ssl_close_notify(&end->ssl);
	return result == 0 ? TLS_DONE : outcome(end, result);
}

enum refusal tls_bank_refusal(const struct tls_end *end, char *detail, size_t capacity)
{
	if (end->check.judged && end->check.refusal != REFUSAL_NONE) {
		snprintf(detail, capacity, "%s", refusal_text(end->check.refusal));
		return end->check.refusal;
	}
	mbedtls_strerror(end->error, detail, capacity);
	return end->host && is_unreadable(end->error) ? refusal_of_chain(CHAIN_UNREADABLE) : REFUSAL_TLS;
}

bool tls_try_without_pss(struct tls_end *end)
{
	const bool was_without = end->host->without_pss;
	end->host->without_pss = false; /* it failed so too: the next connection begins with everything again */
	/* Only after the bank's certificate was found good: a ServerHello alone is anybody's. */
	if (was_without || end->error != MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER || !end->check.judged ||
	    end->check.refusal != REFUSAL_NONE ||
	    mbedtls_ssl_get_version_number(&end->ssl) != MBEDTLS_SSL_VERSION_TLS1_2)
		return false;
	end->host->without_pss = true;
	return true;
}

void tls_send_plain_alert(int fd, uint8_t description)
{
	const uint8_t alert[] = {21, 3, 3, 0, 2, 2, description};
	(void)send(fd, alert, sizeof alert, MSG_NOSIGNAL | MSG_DONTWAIT);
}

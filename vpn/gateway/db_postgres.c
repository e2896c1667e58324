/*
 * PostgreSQL behind db.h, by libpq's asynchronous calls: no call waits longer than the limits below for a server that
 * hangs. Nothing of one product only: no LISTEN, no procedures; a claim is the one exception, and is asked for apart.
 */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/db_engine.h"

enum {
	OPEN_MS = 15000,     /* at the start; a server that starts as well is waited for */
	CONNECT_MS = 5000,   /* one attempt later on, */
	CONNECT_WAIT_MS = 5, /* which holds up each call for no longer than this */
	BACK_OFF_MS = 500,
	BACK_OFF_MAX_MS = 15000,
	STATEMENT_MS = 4000, /* the server gives up */
	ANSWER_MS = 6000,    /* and has said so until then, or is not there */
	RUN_MS = 3600000,    /* steps of the schema */
	CLAIM_MS = 3000,
	AGAIN_MAX = 3,
	VALUES_MAX = 20,
	FILES_MAX = 4,
	OID_INT8 = 20, /* pg_type.dat: these two never change */
	OID_TEXT = 25
};

struct postgres {
	struct db base;
	PGconn *conn; /* NULL: none */
	bool ready;   /* false: it is being made */
	bool told;    /* that there is none */
	bool broken;  /* the transaction went with the connection */
	bool unsure;  /* whether a change was kept that the connection went with */
	bool stale;   /* and now there is another connection */
	int64_t deadline_ms, retry_ms, back_off_ms;
	char *where, *claim;
	char *user, *password; /* as the first connection found them: a later one reads no file for them */
	char *files[FILES_MAX];
};

struct postgres_rows {
	struct db_rows base;
	PGresult *result;
	int at;
};

static struct postgres *of(struct db *db) { return (struct postgres *)db; }

/* libpq's sentences end with a line feed, and some have several lines. */
static void keep_why(struct postgres *db, const char *text)
{
	size_t used = 0;
	for (; *text && used + 1 < sizeof db->base.why; text++)
		if (*text != '\n' || text[1])
			db->base.why[used++] = (char)(iscntrl((unsigned char)*text) ? ' ' : *text);
	db->base.why[used] = '\0';
}

/* --- what `where` says --- */

/* NULL: no such word, or a `where` that libpq cannot read. */
static char *word_of(const char *where, const char *keyword)
{
	PQconninfoOption *options = PQconninfoParse(where, NULL);
	char *value = NULL;
	for (PQconninfoOption *o = options; o && o->keyword && !value; o++)
		if (strcmp(o->keyword, keyword) == 0 && o->val && o->val[0])
			value = strdup(o->val);
	PQconninfoFree(options);
	return value;
}

enum db_place db_postgres_place(const char *where)
{
	char *host = word_of(where, "host"), *address = word_of(where, "hostaddr");
	bool local = !address;
	for (const char *at = host; at && local; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		local = *at == '/' || *at == '@' || *at == ',' || !*at;
	free(host);
	free(address);
	return local ? DB_LOCAL_SERVER : DB_NETWORK_SERVER;
}

bool db_postgres_has_password(const char *where)
{
	char *password = word_of(where, "password");
	bool has = password != NULL;
	free(password);
	return has;
}

static int resolve(const char *host, FILE *out, char *why, size_t why_size)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char text[64];
	int error = getaddrinfo(host, NULL, &hints, &found);
	if (!error)
		error = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
	if (found)
		freeaddrinfo(found);
	if (error) {
		snprintf(why, why_size, "the database's server %s cannot be found: %s", host, gai_strerror(error));
		return -EHOSTUNREACH;
	}
	fprintf(out, "%s%s", ftell(out) > 0 ? "," : "", text);
	return 0;
}

static int resolve_all(char *hosts, char **addresses, char *why, size_t why_size)
{
	char *text = NULL, *rest = hosts;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int error = out ? 0 : -ENOMEM;
	for (const char *host; !error && (host = strsep(&rest, ","));)
		error = resolve(host, out, why, why_size);
	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (error)
		free(text);
	else
		*addresses = text;
	return error;
}

int db_postgres_settle(char *where, size_t size, char *why, size_t why_size)
{
	char *hosts = word_of(where, "host"), *given = word_of(where, "hostaddr"), *addresses = NULL;
	int error = 0;
	snprintf(why, why_size, "out of memory");
	if (db_postgres_place(where) == DB_NETWORK_SERVER && hosts && !given)
		error = resolve_all(hosts, &addresses, why, why_size);
	size_t used = strlen(where);
	if (addresses && used + strlen(addresses) + strlen("?hostaddr=") >= size) {
		snprintf(why, why_size, "the database's URL with its server's addresses is too long");
		error = -ENAMETOOLONG;
	} else if (addresses) {
		snprintf(where + used, size - used, "%chostaddr=%s", strchr(where, '?') ? '&' : '?', addresses);
	}
	free(hosts);
	free(given);
	free(addresses);
	return error;
}

uint16_t db_postgres_port(const char *where)
{
	char *port = word_of(where, "port");
	unsigned long number = port ? strtoul(port, NULL, 10) : 5432;
	free(port);
	return (uint16_t)number;
}

/* --- the connection --- */

/* What stands before "dbname" is ours where `where` says nothing else, what stands behind it holds in any case. */
static PGconn *start(const struct postgres *db)
{
	const char *keys[12] = {"sslmode",         "target_session_attrs", "application_name", "dbname",
				"client_encoding", "gssencmode",           "keepalives_idle",  "tcp_user_timeout"};
	const char *values[12] = {"verify-full", "read-write", "sekisho", db->where, "UTF8", "disable", "10", "10000"};
	size_t count = 8;
	if (db->user)
		keys[count] = "user", values[count++] = db->user;
	if (db->password)
		keys[count] = "password", values[count++] = db->password;
	return PQconnectStartParams(keys, values, 1);
}

static void drop(struct postgres *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	if (db->base.in_transaction)
		db->broken = true;
	db->ready = false;
	db->retry_ms = now_ms() + db->back_off_ms;
	db->back_off_ms = db->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : db->back_off_ms * 2;
}

static int lost(struct postgres *db, const char *why)
{
	keep_why(db, why);
	drop(db);
	if (!db->told)
		log_error("the database's server is not there: %s. What needs it is refused until it is; it is tried "
			  "again all the time",
			  db->base.why);
	db->told = true;
	return -EHOSTDOWN;
}

static int wait_for(PGconn *conn, short events, int64_t until_ms)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = events};
	int64_t left = until_ms - now_ms();
	if (fd.fd < 0)
		return -ENOTCONN;
	int got = poll(&fd, 1, left > 0 ? (int)left : 0);
	return got > 0 ? 0 : got == 0 ? -ETIMEDOUT : errno == EINTR ? 0 : -errno;
}

/* One result of what was sent; what else there is of it is thrown away. NULL: lost, or out of memory. */
static PGresult *answer(struct postgres *db, int64_t until_ms)
{
	PGresult *last = NULL;
	for (;;) {
		int left = PQflush(db->conn);
		while (left >= 0 && PQisBusy(db->conn)) {
			int error = wait_for(db->conn, (short)(left > 0 ? POLLIN | POLLOUT : POLLIN), until_ms);
			if (error == -ETIMEDOUT) {
				lost(db, "it does not answer");
				goto failed;
			}
			if (error || !PQconsumeInput(db->conn)) {
				lost(db, PQerrorMessage(db->conn));
				goto failed;
			}
			left = PQflush(db->conn);
		}
		if (left < 0) {
			lost(db, PQerrorMessage(db->conn));
			goto failed;
		}
		PGresult *next = PQgetResult(db->conn);
		if (!next)
			return last;
		/* of several statements, the first error is the one that counts */
		ExecStatusType status = PQresultStatus(last);
		if (last && status == PGRES_FATAL_ERROR) {
			PQclear(next);
		} else {
			PQclear(last);
			last = next;
		}
	}
failed:
	PQclear(last);
	return NULL;
}

static const struct {
	char state[6];
	int error;
} states[] = {
    {"23505", -EEXIST},    /* unique_violation */
    {"40001", -EAGAIN},    /* serialization_failure */
    {"40P01", -EAGAIN},    /* deadlock_detected */
    {"55P03", -ETIMEDOUT}, /* lock_not_available */
    {"57014", -ETIMEDOUT}, /* query_canceled: statement_timeout */
    {"53100", -ENOSPC},    /* disk_full */
    {"53200", -ENOMEM},    /* out_of_memory */
    {"25006", -EROFS},     /* read_only_sql_transaction */
};

static int judge(struct postgres *db, const PGresult *result)
{
	if (!result)
		return db->conn ? -ENOMEM : -EHOSTDOWN;
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return 0;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	keep_why(db, PQresultErrorMessage(result));
	if (PQstatus(db->conn) == CONNECTION_BAD || (state && strncmp(state, "57P", 3) == 0))
		return lost(db, PQresultErrorMessage(result));
	for (size_t i = 0; state && i < sizeof states / sizeof states[0]; i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].error;
	return -EIO;
}

/* On a connection that is there. Statements one after the other, without values. */
static int send_plain(struct postgres *db, const char *sql, int64_t limit_ms, PGresult **out)
{
	if (!PQsendQuery(db->conn, sql))
		return lost(db, PQerrorMessage(db->conn));
	PGresult *result = answer(db, now_ms() + limit_ms);
	int error = judge(db, result);
	if (out && !error)
		*out = result;
	else
		PQclear(result);
	return error;
}

static int send_claim(struct postgres *db)
{
	const char *const values[] = {db->claim};
	if (!db->claim)
		return 0;
	if (!PQsendQueryParams(db->conn, "SELECT pg_try_advisory_lock(hashtextextended($1, 7353))", 1, NULL, values,
			       NULL, NULL, 0))
		return lost(db, PQerrorMessage(db->conn));
	PGresult *result = answer(db, now_ms() + ANSWER_MS);
	int error = judge(db, result);
	if (!error && (PQntuples(result) != 1 || strcmp(PQgetvalue(result, 0, 0), "t") != 0))
		error = -EBUSY;
	PQclear(result);
	return error;
}

/* A commit that is answered has reached the server's disk, whatever the server is set to; whether its disk is believed
 * is the server's alone to say. */
static int want_kept(struct postgres *db)
{
	PGresult *result = NULL;
	int error =
	    send_plain(db,
		       "SELECT set_config('synchronous_commit', CASE s WHEN 'off' THEN 'on' ELSE s END, false),"
		       " current_setting('fsync') FROM (SELECT current_setting('synchronous_commit') AS s) AS t",
		       ANSWER_MS, &result);
	if (!error && !db->user && strcmp(PQgetvalue(result, 0, 1), "on") != 0)
		log_warn("the database's server runs with fsync off: what it kept is lost when its machine fails");
	PQclear(result);
	return error;
}

/* What holds for every statement of this connection. */
static int settle(struct postgres *db)
{
	char sql[200];
	snprintf(sql, sizeof sql,
		 "SET statement_timeout = %d; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d;"
		 " SET default_transaction_isolation = 'read committed'",
		 STATEMENT_MS, STATEMENT_MS, 2 * ANSWER_MS);
	int error = send_plain(db, sql, ANSWER_MS, NULL);
	if (!error)
		error = want_kept(db);
	if (!error)
		error = send_claim(db);
	if (error && error != -EHOSTDOWN)
		lost(db, error == -EBUSY ? "another gateway has taken this place in it" : db->base.why);
	return error;
}

static int came(struct postgres *db)
{
	PQsetnonblocking(db->conn, 1);
	if (settle(db))
		return -EHOSTDOWN;
	if (db->told)
		log_info("the database's server is there again");
	db->stale = db->unsure;
	db->ready = !db->stale;
	db->told = false;
	db->back_off_ms = BACK_OFF_MS;
	return 0;
}

/* Further with a connection that is being made, for no longer than until then. */
static int go_on(struct postgres *db, int64_t until_ms)
{
	for (;;) {
		PostgresPollingStatusType polled = PQconnectPoll(db->conn);
		if (polled == PGRES_POLLING_OK)
			return came(db);
		if (polled == PGRES_POLLING_FAILED)
			return lost(db, PQerrorMessage(db->conn));
		int error = wait_for(db->conn, polled == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ms);
		if (error == -ETIMEDOUT && now_ms() > db->deadline_ms)
			return lost(db, "it does not answer");
		if (error == -ETIMEDOUT)
			return -EHOSTDOWN;
		if (error)
			return lost(db, strerror(-error));
	}
}

static int connect_until(struct postgres *db, int64_t until_ms)
{
	if (!db->conn) {
		if (now_ms() < db->retry_ms)
			return -EHOSTDOWN;
		db->conn = start(db);
		if (!db->conn)
			return -ENOMEM;
		db->deadline_ms = now_ms() + CONNECT_MS;
		if (PQstatus(db->conn) == CONNECTION_BAD)
			return lost(db, PQerrorMessage(db->conn));
	}
	return go_on(db, until_ms);
}

/* 0: statements may be sent. */
static int ready(struct postgres *db)
{
	if (db->broken) {
		keep_why(db, "the connection was lost in this transaction");
		return -EHOSTDOWN;
	}
	if (db->stale) {
		keep_why(db, "whether the last change was kept is not known");
		return -EHOSTDOWN;
	}
	if (db->ready)
		return 0;
	return connect_until(db, now_ms() + CONNECT_WAIT_MS);
}

static void close_server(struct db *base)
{
	struct postgres *db = of(base);
	PQfinish(db->conn);
	if (db->password)
		explicit_bzero(db->password, strlen(db->password));
	explicit_bzero(db->where, strlen(db->where));
	for (size_t i = 0; i < FILES_MAX; i++)
		free(db->files[i]);
	free(db->where);
	free(db->claim);
	free(db->user);
	free(db->password);
	free(db);
}

static int keep_found(struct postgres *db)
{
	static const char *const words[FILES_MAX] = {"sslrootcert", "sslcert", "sslkey", "sslcrl"};
	db->user = strdup(PQuser(db->conn));
	db->password = PQpass(db->conn) && PQpass(db->conn)[0] ? strdup(PQpass(db->conn)) : NULL;
	for (size_t i = 0, used = 0; i < FILES_MAX; i++) {
		char *file = word_of(db->where, words[i]);
		if (file && file[0] == '/')
			db->files[used++] = file;
		else
			free(file);
	}
	return db->user ? 0 : -ENOMEM;
}

static int open_server(const char *where, struct db **out)
{
	struct postgres *db = calloc(1, sizeof *db);
	char *why = NULL;
	if (!db)
		return -ENOMEM;
	*db = (struct postgres){.base.engine = &db_postgres, .back_off_ms = BACK_OFF_MS, .where = strdup(where)};
	PQconninfoOption *options = PQconninfoParse(where, &why);
	int error = !db->where ? -ENOMEM : options ? 0 : -EINVAL;
	if (error == -EINVAL) {
		keep_why(db, why ? why : "not a URL");
		log_error("the database's place cannot be understood: %s", db->base.why);
	}
	PQconninfoFree(options);
	PQfreemem(why);
	setenv("HOME", "/nonexistent", 0); /* else libpq looks for ours each time, beyond the sandbox */
	for (int64_t until = now_ms() + OPEN_MS; !error;) {
		error = connect_until(db, until);
		if (error != -EHOSTDOWN || now_ms() >= until)
			break;
		poll(NULL, 0, 100);
		error = 0;
	}
	if (!error)
		error = keep_found(db);
	if (error) {
		if (db->where)
			close_server(&db->base);
		else
			free(db);
		return error;
	}
	*out = &db->base;
	return 0;
}

static const char *file(const struct db *db, size_t index)
{
	return index < FILES_MAX ? ((const struct postgres *)db)->files[index] : NULL;
}

static int look(struct db *base)
{
	int error = ready(of(base));
	return of(base)->stale ? -ESTALE : error;
}

/* The server may not have seen yet that the one before is gone. */
static int claim(struct db *base, const char *name)
{
	struct postgres *db = of(base);
	free(db->claim);
	db->claim = strdup(name);
	int error = db->claim ? ready(db) : -ENOMEM;
	for (int64_t until = now_ms() + CLAIM_MS; !error && (error = send_claim(db)) == -EBUSY && now_ms() < until;) {
		poll(NULL, 0, 50);
		error = 0;
	}
	if (error == -EBUSY) {
		free(db->claim);
		db->claim = NULL;
	}
	return error;
}

/* --- statements --- */

/* ?1 is $1 here. No statement of ours has a question mark in a text. */
static char *in_dialect(const char *sql)
{
	char *copy = strdup(sql);
	for (char *at = copy; at && (at = strchr(at, '?'));)
		*at = '$';
	return copy;
}

static int send_values(struct postgres *db, const char *sql, const struct db_value *values, size_t count,
		       PGresult **out)
{
	const char *texts[VALUES_MAX];
	char numbers[VALUES_MAX][24];
	Oid types[VALUES_MAX];
	if (count > VALUES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++) {
		snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)values[i].number);
		texts[i] = values[i].is_text ? values[i].text : values[i].is_null ? NULL : numbers[i];
		types[i] = values[i].is_text ? OID_TEXT : OID_INT8;
	}
	char *dialect = in_dialect(sql);
	if (!dialect)
		return -ENOMEM;
	int sent = PQsendQueryParams(db->conn, dialect, (int)count, types, texts, NULL, NULL, 0);
	free(dialect);
	if (!sent)
		return lost(db, PQerrorMessage(db->conn));
	PGresult *result = answer(db, now_ms() + ANSWER_MS);
	int error = judge(db, result);
	if (error)
		PQclear(result);
	else
		*out = result;
	return error;
}

/* Outside of a transaction, what collided is done again; and a question that found the connection gone. */
static int perform(struct postgres *db, const char *sql, const struct db_value *values, size_t count, bool question,
		   PGresult **out)
{
	int error = 0;
	for (int i = 0; i < AGAIN_MAX; i++) {
		bool was_ready = db->ready;
		error = ready(db);
		if (!error)
			error = send_values(db, sql, values, count, out);
		if (db->base.in_transaction || (error != -EAGAIN && !(error == -EHOSTDOWN && question && was_ready)))
			break;
		if (error == -EHOSTDOWN)
			db->retry_ms = now_ms();
	}
	return error;
}

static int change(struct db *base, const char *sql, const struct db_value *values, size_t count)
{
	PGresult *result = NULL;
	bool was_ready = of(base)->ready;
	int error = perform(of(base), sql, values, count, false, &result);
	if (error == -EHOSTDOWN && was_ready && !base->in_transaction)
		of(base)->unsure = true;
	base->changed = error ? 0 : strtoll(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	return error;
}

static int ask(struct db *base, const char *sql, const struct db_value *values, size_t count, struct db_rows **out)
{
	struct postgres_rows *rows = calloc(1, sizeof *rows);
	if (!rows)
		return -ENOMEM;
	*rows = (struct postgres_rows){.base.engine = &db_postgres, .at = -1};
	int error = perform(of(base), sql, values, count, true, &rows->result);
	if (error)
		free(rows);
	else
		*out = &rows->base;
	return error;
}

static int next(struct db_rows *base)
{
	struct postgres_rows *rows = (struct postgres_rows *)base;
	if (rows->at + 1 >= PQntuples(rows->result))
		return 0;
	rows->at++;
	return 1;
}

static const char *text(const struct db_rows *base, int column)
{
	const struct postgres_rows *rows = (const struct postgres_rows *)base;
	if (PQgetisnull(rows->result, rows->at, column))
		return NULL;
	return PQgetvalue(rows->result, rows->at, column);
}

static int64_t number(const struct db_rows *rows, int column)
{
	const char *value = text(rows, column);
	return value ? strtoll(value, NULL, 10) : 0;
}

static void rows_free(struct db_rows *rows)
{
	PQclear(((struct postgres_rows *)rows)->result);
	free(rows);
}

/* --- transactions --- */

static int begin(struct db *base, bool reading)
{
	const char *sql = reading ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN";
	struct postgres *db = of(base);
	bool was_ready = db->ready;
	int error = ready(db);
	if (!error)
		error = send_plain(db, sql, ANSWER_MS, NULL);
	if (error != -EHOSTDOWN || !was_ready || db->broken)
		return error;
	/* the server was started again in between: nothing is lost by a new connection now */
	db->retry_ms = now_ms();
	error = connect_until(db, now_ms() + CONNECT_WAIT_MS);
	return error ? error : send_plain(db, sql, ANSWER_MS, NULL);
}

/* The server answers COMMIT of a transaction that failed with "ROLLBACK" and calls that a success. */
static int commit(struct db *base)
{
	struct postgres *db = of(base);
	PGresult *result = NULL;
	int error = ready(db);
	if (!error && PQtransactionStatus(db->conn) != PQTRANS_INTRANS) {
		keep_why(db, "a statement of this transaction failed");
		return -EIO;
	}
	if (!error) {
		error = send_plain(db, "COMMIT", ANSWER_MS, &result);
		db->unsure = error == -EHOSTDOWN;
	}
	if (!error && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		keep_why(db, "the server undid the transaction");
		error = -EIO;
	}
	PQclear(result);
	return error;
}

static void rollback(struct db *base)
{
	struct postgres *db = of(base);
	if (!db->broken && db->ready && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		(void)send_plain(db, "ROLLBACK", ANSWER_MS, NULL);
	db->broken = false;
}

static int run(struct db *base, const char *sql)
{
	struct postgres *db = of(base);
	int error = ready(db);
	if (!error)
		error = send_plain(db, "SET statement_timeout = 0", ANSWER_MS, NULL);
	if (!error)
		error = send_plain(db, sql, RUN_MS, NULL);
	char back[48];
	snprintf(back, sizeof back, "SET statement_timeout = %d", STATEMENT_MS);
	/* of a transaction that failed, it is undone with it */
	int after = db->ready && !(error && base->in_transaction) ? send_plain(db, back, ANSWER_MS, NULL) : 0;
	return error ? error : after;
}

/* --- the schema's version --- */

static int schema_lock(struct db *base)
{
	return send_plain(of(base), "LOCK TABLE schema_version IN EXCLUSIVE MODE", ANSWER_MS, NULL);
}

static int schema_version(struct db *base, int64_t *version)
{
	struct db_rows *rows = NULL;
	int error = base->in_transaction
			? 0
			: run(base, "SET client_min_messages = warning;"
				    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)");
	if (error == -EEXIST)
		error = 0; /* another program made it at the same moment */
	if (!error)
		error = ask(base, "SELECT COALESCE(MAX(version), 0) FROM schema_version", NULL, 0, &rows);
	if (!error && next(rows) == 1)
		*version = number(rows, 0);
	if (rows)
		rows_free(rows);
	return error;
}

/* Texts are ordered by their bytes, as SQLite does and whatever the server's language is. */
static char *with_collation(const char *sql)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (const char *at; (at = strstr(sql, " TEXT")); sql = at + strlen(" TEXT"))
		fprintf(out, "%.*s TEXT COLLATE \"C\"", (int)(at - sql), sql);
	fputs(sql, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int schema_step(struct db *base, const char *sql, int64_t version)
{
	const struct db_value value = {.number = version};
	char *text = with_collation(sql);
	int error = text ? run(base, text) : -ENOMEM;
	free(text);
	return error ? error : change(base, "INSERT INTO schema_version (version) VALUES (?1)", &value, 1);
}

const struct db_engine db_postgres = {
    .shared = true,
    .open = open_server,
    .close = close_server,
    .file = file,
    .look = look,
    .claim = claim,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .change = change,
    .ask = ask,
    .next = next,
    .text = text,
    .number = number,
    .rows_free = rows_free,
    .schema_lock = schema_lock,
    .schema_version = schema_version,
    .schema_step = schema_step,
};

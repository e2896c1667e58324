/*
 * mhd - in libmicrohttpd's place, for the harnesses of what stands on it: requests come from the input, without
 * sockets and TLS, in the order in which the library calls (microhttpd.h), and what the server does with them is held
 * to the library's rules. One daemon, or several that are asked in turn.
 */
#ifndef TESTS_FUZZ_MHD_H
#define TESTS_FUZZ_MHD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mhd_answer {
	unsigned status;
	const char *type, *cookie; /* Content-Type and Set-Cookie, NULL: none */
	const uint8_t *body;
	size_t size;
};

/* What the harness does with each answer, before it is freed. */
void mhd_answered(const struct mhd_answer *answer);

/* Play a request: "METHOD PATH", a line for each header, an empty line, the body. In any value "@" stands for `token`.
 * What is no request is passed over. It is answered now, or waits. */
void mhd_request(const uint8_t *text, size_t size, const char *token);

/* The peer of the nth waiting request hangs up. Nothing where none waits. */
void mhd_hang_up(size_t nth);

#endif

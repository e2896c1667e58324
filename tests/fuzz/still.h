/*
 * still - in the event loop's and the log's place, for harnesses that hold a whole process: nothing happens by itself,
 * time passes when the harness says so, nothing is written.
 */
#ifndef TESTS_FUZZ_STILL_H
#define TESTS_FUZZ_STILL_H

#include <setjmp.h>
#include <stdint.h>

/* Where fatal() goes. NULL: nothing in the input may end the process, and fatal() is a crash. */
extern jmp_buf *still_fatal;

/* So many milliseconds pass; the timers that ran out meanwhile are called, each once. */
void still_pass(int64_t ms);

#endif

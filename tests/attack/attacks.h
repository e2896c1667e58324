/*
 * attacks - what a process that has turned against the stick would try, as a table, and how each try ended.
 *
 * The addresses are the demonstration's world (tests/demo, tests/vm/world-init); tests in namespaces lay the same ones.
 * A try is stopped when the kernel refuses it, or when nobody answers; what was handed to the kernel and not answered
 * is judged on the wire besides (wire.py), where nothing of it may be seen.
 */
#ifndef TESTS_ATTACK_ATTACKS_H
#define TESTS_ATTACK_ATTACKS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIGHT(name) (UINT64_C(1) << CAP_##name)

/* A try that opens something to listen at: the runner waits for an answer on it. */
#define ATTACK_WAITS 1

struct attack {
	const char *name;
	/* Who holds one of these may do it: no attack then, but what the capability is for. */
	uint64_t rights;
	/* ATTACK_WAITS with *fd set; 0: it succeeded; -errno: refused. */
	int (*run)(const struct attack *attack, int *fd);
	/* What run() needs; the meaning is its own. */
	const char *text;
	int number, other;
};

extern const struct attack network_attacks[], packet_attacks[], system_attacks[], exhausting_attacks[];
extern const size_t network_attack_count, packet_attack_count, system_attack_count, exhausting_attack_count;

/*
 * Try them as the process that this is, all at once or one after the other, and print a line for each: NAME TAB
 * OUTCOME. The outcome is one of "refused ERRNO", "killed SIGNAL", "unheard" after wait_ms, "answered", "done", "own"
 * (a right that it holds).
 */
void attacks_run(const struct attack *attacks, size_t count, bool at_once, uint64_t capabilities, int wait_ms);

#endif

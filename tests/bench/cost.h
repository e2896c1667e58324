/*
 * cost - which processes of this machine took how much processor time between two moments, so that a page which came
 * late can be told from a machine that was busy. Reads /proc; a process that ended in between is not counted.
 */
#ifndef TESTS_BENCH_COST_H
#define TESTS_BENCH_COST_H

#include <stddef.h>

void cost_begin(void);

/*
 * Since cost_begin(), as members of a JSON object without its braces, cut short where they do not fit:
 *
 *   idle_ms       that all processors had nothing to do, summed; with the time that passed, how busy the machine was
 *   faults        pages that had to be read from a disk, because memory was short or they were new
 *   free_mb       memory that is there to be had, now
 *   cpu_ms        by process name, those of COST_LEAST_MS and more; a launcher's child by its part
 */
enum { COST_LEAST_MS = 20 };
void cost_say(char *text, size_t size);

#endif

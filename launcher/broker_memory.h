/*
 * broker_memory - where mbedTLS' memory comes from in the broker: what is as large as a record gets pages of its own.
 *
 * A connection has four such buffers and mostly uses the beginning of each. From the heap they come wiped, that is
 * touched to the end, and stay the process' when they are freed; pages of their own are taken when they are used, and
 * go back, and with them whatever was in them.
 */
#ifndef LAUNCHER_BROKER_MEMORY_H
#define LAUNCHER_BROKER_MEMORY_H

/* Before mbedTLS' first allocation. */
void memory_use_pages(void);

#endif

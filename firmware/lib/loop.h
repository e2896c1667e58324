/*
 * loop - one event loop per process: descriptors and timers, over epoll. Single-threaded.
 */
#ifndef FIRMWARE_LIB_LOOP_H
#define FIRMWARE_LIB_LOOP_H

#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;

/* `events` is EPOLLIN, EPOLLOUT or both, as epoll_ctl(2) gives them (EPOLLHUP and EPOLLERR are always given). */
typedef void loop_fd_fn(uint32_t events, void *context);
typedef void loop_timer_fn(void *context);

/* NULL with errno set when it cannot be made. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Watch fd, which stays the caller's. NULL with errno set on failure. Callbacks may free any watch or timer. */
struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *context);
/* 0 or -errno. */
int loop_watch_events(struct loop_watch *watch, uint32_t events);
void loop_unwatch(struct loop_watch *watch); /* NULL is fine */

/* Call fn once after delay_ms of monotonic time; rearm from fn for a period. The timer exists, disarmed, until freed.
 */
struct loop_timer *loop_timer(struct loop *loop, loop_timer_fn *fn, void *context);
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms); /* < 0 disarms */
void loop_timer_free(struct loop_timer *timer);                  /* NULL is fine */

/* Run until loop_stop(). 0, or -errno if epoll itself fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* CLOCK_BOOTTIME in milliseconds. */
int64_t now_ms(void);

#endif

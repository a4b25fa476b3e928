/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_LOOP_POLL_H
#define OS_LOOP_POLL_H
/*
 * loop_poll - waits with poll(2) where epoll may not be used (-de, noepoll).
 *
 * Handlers expect edges, poll tells levels. A level that is told again does
 * not hurt them, but would be told without end. So what was told is masked:
 * "writable" at once, the others after a few times in a row; and all masks end
 * with the tick, a few milliseconds long. An edge comes a tick late at worst,
 * and none is lost. Each turn costs time for every descriptor: a means to see
 * whether epoll is at fault, not to run with.
 */
#include <os/loop.h>

struct epoll_event;

/* loop_poll_want - what a registered row waits for, in EPOLL flags. */
void loop_poll_want(struct loop_fd *, uint32_t events);

/* loop_poll_wait - as epoll_wait does, for the rows of this loop. */
int loop_poll_wait(struct loop *, struct epoll_event *, int max, int wait_ms);
#endif

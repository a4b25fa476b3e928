/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_INT_H
#define WORKER_INT_H
/*
 * worker, inside the room: what the files share.
 */
#include <stdbool.h>

#include <ipc/ipc.h>
#include <os/loop.h>
#include <worker/worker.h>

struct worker {
	const struct worker_start *start;
	struct loop loop;
	struct ipc_chan keeper;
	struct tmr check;               /* while leaving: is anything left? */
	struct tmr tidy;                /* a few times a second */
	bool leaving;
	bool reported;                  /* what the hand-over carried */
};

extern struct worker the_worker;

/* ---- worker_accept.c ---- */

/* worker_listen_open - know the sockets; nothing is accepted yet. */
void worker_listen_open(const struct worker_start *);
/* worker_accept - accept, or stop: paused may be undone, closed may not. */
void worker_accept(bool on);
void worker_accept_end(void);
/* worker_accept_last - take what waits, before the sockets are closed. */
void worker_accept_last(void);
/* worker_connections - client connections that are open here. */
unsigned worker_connections(void);
#endif

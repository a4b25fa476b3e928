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
	struct tmr untold;              /* the agent does not say a word */
	bool admitted;                  /* was told to accept */
	bool ready;                     /* knows all that it must know for it */
	bool in_service;                /* both */
	bool alone;                     /* its keeper has ended */
	bool told_to_go;                /* quiesce, or SIGUSR1 */
	bool told_to_leave;
	bool leaving;
	bool reported;                  /* what the hand-over carried */
};

extern struct worker the_worker;

/* worker_leave - soft stop: idle connections are closed, the process ends when
 * nothing is left. */
void worker_leave(void);
/* worker_close_idle - the first half of it, which does not end the process;
 * clients' connections are closed as mux_leave() says. */
void worker_close_idle(int64_t spread_ms);
/* worker_leave_if_empty - end as soon as nothing is left, without closing
 * anything for that. */
void worker_leave_if_empty(void);

/* ---- worker_report.c ---- */

/* worker_give - hand connections over on `fd` (owned), report, then leave. */
void worker_give(int fd);
/* worker_report_last - before the end: what is new since the last report.
 * worker_report_taken - count those that came from old workers. */
void worker_report_last(void);
void worker_report_taken(void);

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

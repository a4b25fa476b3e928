/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_TAKEOVER_H
#define IPC_TAKEOVER_H
/*
 * takeover - this process takes the place of a running one that it did not
 * start (-x SOCKET, -sf PID…).
 *
 * Behind the socket is a HAProxy, or an Écluse whose messages have another
 * format: it gives its listening sockets. Or it is an Écluse like this one, of
 * the same user: then it greets, and its state and connections come along.
 * doc/design/takeover.md has the whole exchange.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ipc/ipc.h>

/* A new number whenever the segment, the ledger or the messages T_… change so
 * that an older one can't read them. */
#define IPC_TAKEOVER_FORMAT 1
#define IPC_TAKEOVER_ASK    "_handover"         /* the command, its format */
#define IPC_TAKEOVER_MAGIC  UINT64_C(0x31304f4853434c45)        /* "ELCSHO01" */

struct ipc_greet {              /* with one end of the channel */
	uint64_t magic;
	uint32_t format;
	uint32_t bytes;                 /* of this struct */
	int32_t top_pid, keeper_pid;    /* as they see themselves */
	uint64_t pid_ns[2];             /* ipc_takeover_ns() */
	uint32_t gen;
	uint32_t n_workers;
};

/* ipc_takeover_ns - which PID namespace this process lives in; two zeros when
 * that can't be told, which equals none. */
void ipc_takeover_ns(uint64_t id[2]);

/* Whom -sf and -st name. */
struct ipc_takeover_who {
	const pid_t *pids;              /* as long as this process lives */
	size_t n;
	int signal;                     /* 0: neither was given */
};

/*
 * ipc_replace - before the first socket is opened: fetch what they give, by
 * `path` (-x), else by their numbers; ask them to let go of addresses that are
 * in use. False after an alert.
 * ipc_replace_state - what came besides sockets: returns the last generation
 * of a state that is to be used on, 0 when there is at most one to copy from.
 * ipc_replace_failed - we do not serve: those that let go listen again.
 * ipc_replace_done - we serve, and have what comes: tell them to go.
 */
struct ipc_heritage;
bool ipc_replace(const struct ipc_takeover_who *, const char *path);
uint32_t ipc_replace_state(struct ipc_heritage *);
void ipc_replace_failed(void);
void ipc_replace_done(void);

/*
 * ipc_takeover - fetch what the process behind `path` gives; its listening
 * sockets wait to be asked for (ipc/holder.h).
 *
 * Returns false with *err (static) when there are none.
 */
bool ipc_takeover(const char *path, const struct ipc_takeover_who *,
    const char **err);

/*
 * ipc_takeover_named - without a path: an Écluse is found by its number, from
 * the first of `pids` that has a door (below). All comes over, or nothing
 * does: from another program, network namespace or user. What stopped half
 * way is said. Returns whether it comes.
 */
bool ipc_takeover_named(const struct ipc_takeover_who *);

/*
 * A door - an abstract UNIX socket of a generation, named by its launched
 * process and its keeper. What comes in there may ask what can be asked on a
 * stats socket with "expose-fd listeners", if it is of the same user.
 */
struct ipc_door {
	char name[64];                  /* "abnsz@…", as a path is written */
};

/* ipc_door_open - listen, as the user that this process has now; the caller
 * owns the descriptor. -1: somebody has that name, which harms nobody. */
int ipc_door_open(pid_t top, pid_t keeper);

/* ipc_door_find - the nth door (from 0) of those that say they are of `top`;
 * whether they are is judged by who answers. False: there is none. */
bool ipc_door_find(pid_t top, size_t nth, struct ipc_door *);

/* What came besides sockets. */
struct ipc_heritage {
	int state_fd, ledger_fd;        /* owned by the caller; -1: nothing */
	bool share;                     /* use them; else take a copy: numbers
	                                 * of processes mean others here */
};
void ipc_takeover_heritage(struct ipc_heritage *);

/*
 * ipc_takeover_serve - this process accepts now: connections begin to come
 * over, and then the other one leaves.
 *
 * take   pass one end of a pair to our worker `no` (1..n)
 * done   called once, also at once: there was nothing to wait for
 */
struct loop;
struct ipc_takeover_ops {
	int n_workers;
	void (*take)(int32_t no, int fd);
	void (*done)(void);
};
void ipc_takeover_serve(struct loop *, const struct ipc_takeover_ops *);

/* ipc_takeover_busy - `done` is awaited. */
bool ipc_takeover_busy(void);

/* ipc_takeover_drop - forget it; in forked children, too. */
void ipc_takeover_drop(void);
#endif

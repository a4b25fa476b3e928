/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H
/*
 * worker - the process that carries traffic: one loop, one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct px_listen;

struct worker_listen {
	const struct px_listen *listen;
	int fd;
};

struct worker_start {
	int no;                         /* 1..n_workers */
	int n_workers;
	int proc_no;                    /* number in shared memory */
	uint32_t gen;
	pid_t keeper_pid;               /* what logs show */
	int keeper_fd;                  /* SOCK_SEQPACKET channel */
	int agent_fd;                   /* SOCK_SEQPACKET channel, or -1 */
	bool successor;                 /* of one that died in service */
	const struct worker_listen *listens;
	size_t n_listens;
};

/* worker_main - after fork; opens the loop, drops privileges, says that it is
 * ready to the keeper, serves until told to leave. Never returns. */
_Noreturn void worker_main(const struct worker_start *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H
/*
 * master - keeps its process number for ever, owns the listening sockets and
 * the shared memory, starts generations and brokers their hand-over.
 *
 * It parses no configuration and sees no byte of a peer. What it runs is the
 * program that is on disk now: a reload is also an upgrade. While that is what
 * it runs itself, a generation begins as its fork, which needs no loading and
 * no linking; else by exec.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The environment variables by which our own images tell each other what to
 * be; removed at start. "FD" is a descriptor. */
#define MASTER_ENV_KEEPER "ECLUSE_KEEPER_FD"
#define MASTER_ENV_RESUME "ECLUSE_MASTER_FD"

struct master_args {
	char **argv;                    /* as launched; argv[0] is resolved */
	const char *program;            /* absolute path of argv[0] */
	const char *version;            /* for show proc */
	const char *pidfile;            /* -p, or NULL: the configuration's */
	const char **sockets;           /* -S */
	size_t n_sockets;
	const char *getsocks;           /* -x */
	const pid_t *old_pids;
	size_t n_old_pids;
	int old_signal;
	bool notify, daemon, foreground, quiet;
	bool unlike;                    /* it did more than a master does: what
	                                 * it starts has to be loaded afresh */
	void (*be_keeper)(int fd);      /* in a fork; does not return */
};

/* master_main - run; `resume_fd` is -1, or the state of the image before.
 * Returns the exit status. */
int master_main(const struct master_args *, int resume_fd);
#endif

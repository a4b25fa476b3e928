/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H
/*
 * keeper - the pristine image of one generation: it parses the configuration,
 * gets the sockets, and then only forks workers and the agent, again and
 * again. Without a master it is the top process.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <conf/conf.h>

struct keeper_opts {            /* the command line */
	char **argv;
	int argc;
	const char *progname;           /* base name of argv[0] */
	struct conf_source *files;
	size_t n_files;
	const char *pidfile, *localpeer, *chdir, *getsocks;
	const char *condition;          /* -cc */
	const char *keywords;           /* -dK classes */
	const char **master_sockets;    /* -S */
	size_t n_master_sockets;
	pid_t *old_pids;                /* -sf, -st */
	size_t n_old_pids;
	int old_signal;
	long memory_mb;
	int maxconn, px_maxconn;        /* 0: not given */
	bool check, master, notify, daemon, debug, foreground, quiet, verbose;
	bool zero_warning, diagnostics, libraries;
	bool no_reuseport, no_splice, no_epoll, no_poll;
};

/*
 * keeper_cmdline - read the command line.
 *
 * Returns -1 to go on, or the exit status: it answered (-v, -cc) or refused.
 */
int keeper_cmdline(int argc, char **argv, struct keeper_opts *);

/* keeper_version - what -v, -vv print. `text` owned by the caller. */
struct text;
void keeper_version(struct text *, bool all);

/* keeper_check - load and judge the configuration (-c); the exit status. */
int keeper_check(const struct keeper_opts *);

/* keeper_top - run as the top process. Returns the exit status, or
 * KEEPER_WANTS_MASTER when the configuration says master-worker. */
#define KEEPER_WANTS_MASTER (-2)
int keeper_top(struct keeper_opts *);

/* keeper_candidate - run below a master, on its channel. */
_Noreturn void keeper_candidate(struct keeper_opts *, int master_fd);
#endif

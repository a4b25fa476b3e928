/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_MASTER_INT_H
#define MASTER_MASTER_INT_H
/*
 * The master's state, shared by its files.
 */
#include <base/text.h>
#include <ipc/ipc.h>
#include <ipc/takeover.h>
#include <master/master.h>
#include <os/loop.h>

enum gen_state {
	GEN_CANDIDATE,          /* parses, asks for sockets, forks */
	GEN_OPENING,            /* told to accept */
	GEN_SERVING,
	GEN_OLD,                /* replaced: hands over and leaves */
	GEN_ORPHANS             /* its keeper died, its workers serve on */
};

struct gen {                    /* a generation: a keeper and what it forked */
	struct list node;
	uint32_t no;
	pid_t pid;              /* of the keeper */
	enum gen_state state;
	struct ipc_chan chan;
	unsigned reloads;       /* that it has outlived */
	int64_t born_ms;
	struct ipc_ready procs; /* as it last said */
	int max_reloads;        /* -1: no limit given */
	bool quiet, drained;
	unsigned n_given;       /* workers that hand over, and that ended it */
	unsigned n_carried;
	uint32_t carried, lingering, refused;
	struct tmr drain;       /* when handing over took too long */
};

struct master_socket {          /* one -S */
	int fd;
	int level;              /* 1 user, 2 operator, 3 admin */
};

struct cli;                     /* a connection to one */

struct master {
	const struct master_args *a;
	struct loop loop;
	int life[2];
	int state_fd, ledger_fd;
	struct list gens;       /* struct gen, newest first */
	struct gen *current;    /* serving; NULL before the first */
	struct gen *candidate;
	uint32_t last_gen;
	unsigned reloads, failed;       /* of all; in a row */
	int64_t born_ms;
	int64_t wall_start_s;
	int64_t reload_began_us;
	struct text log;        /* start-up messages of the last attempt */
	bool last_failed;
	bool swapping;          /* gates are open, the old ones not told to go */
	bool again;             /* a reload was asked for during one */
	bool hard;              /* the one under way is a hard-reload */
	bool stopping, daemonized;
	int stop_signal, status;
	int ready_fd;
	char *pidfile;
	struct ipc_heritage copy;       /* another's state, to copy from */
	struct master_socket *sockets;
	size_t n_sockets;
	struct list clis;
	struct tmr stop_timer, candidate_timer, exec_timer, retry_timer;
	struct exe_id {
		uint64_t dev, ino, size, mtime_ns;
	} exe;
};

extern struct master the_master;

/* master_exec.c */
void master_exe_look(struct exe_id *);
void master_exec_if_new(struct master *);
bool master_resume(struct master *, int fd);

/* master_gen.c */
bool master_start_candidate(struct master *);
void master_drop_candidate(struct master *);
void master_on_keeper(struct ipc_chan *, struct ipc_msg *, void *gen);
void master_on_retry(struct tmr *);
void master_reap(struct master *);
struct gen *master_gen_of(pid_t);
void master_gen_attach(struct gen *, int fd);

/* master_swap.c: the gates */
void master_lock_gates(struct master *, struct gen *);
void master_gates_open(struct master *, struct gen *);
void master_gen_quiet(struct master *, struct gen *);
void master_gen_carried(struct master *, struct gen *, struct ipc_msg *);
void master_drain(struct master *, struct gen *);
void master_swap_done(struct master *);
void master_limit_reloads(struct master *);

/* master_takeover.c: from a process that is no child of ours */
bool master_takeover(struct master *);
void master_takeover_serve(struct master *);

/* master.c */
void master_stop(struct master *, int sig);
void master_reload(struct master *);
void master_reload_failed(struct master *, const char *why);
void master_note(struct span);
void master_into_background(struct master *);

/* master_cli.c: clients that wait for a reload hear of it. */
void master_cli_open(struct master *, bool first);
void master_cli_reloaded(struct master *, bool good);
bool master_cli_waiting(const struct master *);
#endif

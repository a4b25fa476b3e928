/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_MASTER_INT_H
#define MASTER_MASTER_INT_H
/*
 * The master's state, shared by its files.
 */
#include <base/text.h>
#include <ipc/ipc.h>
#include <ipc/report.h>
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

enum give_state {
	GIVE_NONE,
	GIVE_AGAIN,             /* to be paired when `when_ms` has come */
	GIVE_GOES,
	GIVE_STUCK,             /* at `when_ms` the other's keeper is ended */
	GIVE_TIRED,             /* tried often; the next generation may do */
	GIVE_DONE               /* what could go at once has gone */
};

struct give {                   /* an old worker hands over */
	enum give_state state;
	uint32_t to_gen;
	int32_t to;             /* worker of that generation */
	unsigned tries;         /* with that generation */
	int64_t when_ms;
	struct ipc_report report;
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
	uint32_t level;         /* IPC_LEVEL of the keeper */
	int state_fd, ledger_fd;        /* of its own; -1: the master's */
	bool quiet, drained;
	bool late;              /* nobody waits for its handing over any more */
	int64_t told_ms;        /* to stop accepting; then: when it had */
	uint32_t n_gives;
	struct give *gives;     /* by worker number - 1 */
	struct tmr tick;        /* while it hands over */
};

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
	bool impatient;         /* in tests: see master_patience() */
	int stop_signal, status;
	int ready_fd;
	char *pidfile;
	struct ipc_heritage copy;       /* another's state, to copy from */
	char *last_change;      /* the line that told of it; or NULL */
	struct tmr stop_timer, candidate_timer, exec_timer, retry_timer;
	struct exe_id {
		uint64_t dev, ino, size, mtime_ns;
	} exe;
};

extern struct master the_master;

/* GENS_EACH - newest first; the body may end the one it looks at. */
#define GENS_EACH(g, m)                                                      \
	for (struct gen *g = LIST_ITEM((m)->gens.next, struct gen, node),    \
	    *g##_next = LIST_ITEM(g->node.next, struct gen, node);           \
	    &g->node != &(m)->gens;                                          \
	    g = g##_next, g##_next = LIST_ITEM(g->node.next, struct gen, node))

/* master_exec.c */
void master_exe_look(struct exe_id *);
void master_exec_if_new(struct master *);
/* master_exe_is_ours - what a new image would run is what this one runs. */
bool master_exe_is_ours(const struct master *);
bool master_resume(struct master *, int fd);

/* master_gen.c */
bool master_start_candidate(struct master *);
void master_drop_candidate(struct master *);
void master_on_keeper(struct ipc_chan *, struct ipc_msg *, void *gen);
void master_on_retry(struct tmr *);
void master_reap(struct master *);
struct gen *master_gen_of(pid_t);
void master_gen_attach(struct gen *, int fd);
void master_orphans_go(struct gen *);
void master_gen_signal(struct gen *, int32_t sig);

/* master_swap.c: the gates */
void master_lock_gates(struct master *, struct gen *);
void master_gates_open(struct master *, struct gen *);
void master_gen_quiet(struct master *, struct gen *);
void master_drain(struct master *, struct gen *);
void master_swap_look(struct master *);
void master_swap_done(struct master *);
void master_limit_reloads(struct master *);

/* master_takeover.c: from a process that is no child of ours */
bool master_takeover(struct master *);
void master_takeover_serve(struct master *);
void master_taken(struct master *, const struct gen *, const struct ipc_msg *);

/* master_give.c: handing over */
void master_give_begin(struct master *, struct gen *);
void master_give_quiet(struct master *, struct gen *);
void master_give_again(struct master *, struct gen *);
void master_give_procs(struct master *, struct gen *);
void master_give_said(struct master *, struct gen *, struct span);
void master_on_give_tick(struct tmr *);
struct ipc_report master_give_sum(const struct gen *);  /* ipc_report_fini() */
void master_give_save(struct text *, const struct gen *);
void master_give_load(uint32_t gen, int32_t worker, struct span word,
    struct span rest);
void master_give_free(struct gen *);

/* master.c */
void master_stop(struct master *, int sig);
int64_t master_patience(int64_t ms);    /* how long to wait for others */
void master_reload(struct master *);
void master_reload_failed(struct master *, const char *why);
void master_note(struct span);
void master_into_background(struct master *);

/* master_listen - answer on the master's own sockets. */
void master_listen(struct master *);
#endif

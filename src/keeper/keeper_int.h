/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KEEPER_KEEPER_INT_H
#define KEEPER_KEEPER_INT_H
/*
 * The keeper's own state, shared by its files.
 */
#include <ipc/ipc.h>
#include <keeper/keeper.h>
#include <os/loop.h>
#include <shm/shm.h>

#include "keeper_watch.h"

struct px_listen;

struct keeper_sock {            /* one listening address */
	const struct px_listen *listen;
	bool stats;
	const char *interface;  /* as in ipc/holder.h, or NULL */
	int *fds;               /* shards; fds[0] alone when shared */
	size_t n;
	bool first;             /* fds[0] began the SO_REUSEPORT group */
	bool again;                     /* an address that stood before: copies */
};

struct keeper_proc {            /* agent (number 0) or worker */
	int no;
	pid_t pid;              /* 0: none now */
	int shm_no;
	struct ipc_chan chan;
	bool ready, quiet, told_to_go;
	int64_t born_ms;
	unsigned crashes;       /* in a row, each soon after its start */
	unsigned refused;       /* tries to fork it in a row */
	struct tmr again;       /* when it is forked again */
	struct keeper_watched watched;
	int64_t kill_ms;        /* told to end as it hung, SIGKILL then; or 0 */
	struct {                /* the one before, its successor is at work */
		pid_t pid;      /* 0: none, or it is waited for */
		int shm_no;
		int64_t kill_ms;
	} former;
};

enum keeper_phase {
	KEEPER_STARTING,        /* a child that ends now is a failed start */
	KEEPER_CLOSED,          /* ready, gates are closed */
	KEEPER_SERVING,
	KEEPER_QUIET,           /* the next generation accepts */
	KEEPER_GRACE,           /* told to leave, listeners stay for a while */
	KEEPER_LEAVING,         /* ends when the last connection has */
	KEEPER_STOPPING         /* ends now */
};

struct keeper {
	struct keeper_opts *o;
	struct loop loop;
	enum keeper_phase phase;
	bool has_master, paused, daemonized;
	bool taken, left;       /* another Écluse takes over; it has ended */
	bool opening;           /* the agent was told to open the gates */
	bool let_go;            /* leaving: workers were told */
	bool exported;          /* somebody has our listening sockets */
	struct ipc_chan master;
	uint32_t master_level;  /* IPC_LEVEL */
	uint32_t gen, reloads;
	int life[2];            /* [1] only in the top process */
	int status;             /* to exit with */
	int ready_fd;           /* -D: the launcher waits on it; -1 */
	struct keeper_sock *socks;
	size_t n_socks;
	struct keeper_proc *procs;      /* n + 1 */
	int n;                  /* workers */
	struct tmr grace, deadline, check, watch;
};

extern struct keeper the_keeper;

/* keeper_load - the configuration; false after the messages were printed. */
bool keeper_load(struct keeper_opts *, struct conf *);

/* keeper_log_begin - keep what is said from now on, for `show startup-logs`
 * and the master. keeper_log - all of it. */
void keeper_log_begin(void);
const char *keeper_log(void);

/* keeper_env - variables that a configuration may read. */
void keeper_env(const struct keeper_opts *);

/* keeper_state - map state and ledger, give every object its place, free what
 * no generation from `oldest_gen` on has used. */
bool keeper_state(struct keeper *, int state_fd, int ledger_fd,
    uint32_t oldest_gen);

/* keeper_state_watch - from now on, clear up after processes of earlier
 * generations whose keeper is gone, as long as there are any. */
void keeper_state_watch(struct keeper *);

/* keeper_sockets - get every listening socket, from ourselves or the master.
 * keeper_sockets_close - ours are not needed any more.
 * keeper_sockets_pause - stop or start listening (SIGTTOU, SIGTTIN). */
bool keeper_sockets(struct keeper *);
/* keeper_sockets_narrow - somebody took the first socket of each address: new
 * connections go to that one only; false: nobody did. keeper_sockets_widen -
 * the others were closed. */
void keeper_sockets_close(struct keeper *);
bool keeper_sockets_narrow(struct keeper *);
void keeper_sockets_widen(void);
void keeper_sockets_pause(struct keeper *, bool);

/* keeper_door_open - the agent gets the door (ipc/takeover.h) as well, once
 * agent_facts are known. keeper_door_close - in a worker; the keeper's is
 * closed with its sockets. */
void keeper_door_open(void);
void keeper_door_close(void);

/* keeper_takeover - our sockets, with those of a running process (-x).
 * keeper_takeover_state - keeper_state() with its state, or fresh.
 * keeper_takeover_serve - take its connections, and tell it to go. */
bool keeper_takeover(struct keeper *);
bool keeper_takeover_state(struct keeper *);
void keeper_takeover_serve(struct keeper *);

/* keeper_copy - take over what can be copied (owns the descriptors).
 * keeper_copy_follow - and what is counted there from now on. */
struct ipc_heritage;
bool keeper_copy(struct ipc_heritage *);
void keeper_copy_follow(struct keeper *);

/* keeper_taken_said - a message of the agent about one that takes over from
 * us; false: about something else. keeper_taken_carried - what a worker said
 * that it handed over. keeper_taken_left - that one has ended. */
bool keeper_taken_said(struct keeper *, struct ipc_msg *);
void keeper_taken_carried(struct keeper *, const void *, size_t n);
void keeper_taken_left(struct keeper *, bool well);
bool keeper_taken_waits(const struct keeper *);
bool keeper_taken_quiet(struct keeper *);

/* keeper_listens - the sockets of one worker; malloc'ed. */
struct worker_listen;
struct worker_listen *keeper_listens(const struct keeper *, int no,
    size_t *n);

/* keeper_fork_all, keeper_fork_one - start processes; `on_child` of keeper.c
 * hears of their messages. */
bool keeper_fork_all(struct keeper *);
bool keeper_fork_one(struct keeper *, struct keeper_proc *);
void keeper_reap(struct keeper *);
void keeper_on_child(struct ipc_chan *, struct ipc_msg *, void *proc);
void keeper_child_died(struct keeper *, struct keeper_proc *, int status);
/* keeper_agent_go - the last of the generation, but for the keeper. */
void keeper_agent_go(struct keeper *, struct keeper_proc *);
/* keeper_admit - a worker may accept, as soon as it knows all that it must. */
void keeper_admit(struct keeper *, struct keeper_proc *);
/* keeper_child_again - another one was forked in its place. */
void keeper_child_again(struct keeper *, const struct keeper_proc *);
/* keeper_child_cut_off - its channel has ended: its death follows, but only
 * when the kernel has closed its last connection. */
void keeper_child_cut_off(struct keeper *, struct keeper_proc *);
/* keeper_child_hangs - end it (SIGABRT) and replace it. */
void keeper_child_hangs(struct keeper *, struct keeper_proc *);
/* keeper_proc_name - how messages call it: "Agent", "Worker 2". */
#define KEEPER_NAME 24
void keeper_proc_name(const struct keeper_proc *, char dst[KEEPER_NAME]);
/* keeper_replaces - one that ends now is replaced. */
bool keeper_replaces(const struct keeper *);
void keeper_tell_workers(struct keeper *, enum ipc_type);
void keeper_kill_all(struct keeper *, int sig);
int  keeper_alive(const struct keeper *, bool agent_too);

/* keeper_report - tell the master which processes there are. */
void keeper_report(struct keeper *, enum ipc_type);

/* keeper_dump - SIGHUP, SIGQUIT of the top process. */
void keeper_dump(int sig);
#endif

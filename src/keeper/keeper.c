/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper - the life of a generation: ready, serving, quiet, gone.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/must.h>
#include <ipc/daemon.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/proc.h>
#include <px/px.h>
#include <shm/reap.h>
#include <srv/live.h>

#include "keeper_int.h"
#include "keeper_life.h"

#define AGENT_MS 1000           /* the agent gets to look at the servers */
#define QUIET_MS 2000           /* workers get to stop accepting */
#define STOP_MS  2000           /* and to end when told to, then SIGKILL */
#define LET_GO_MS 50            /* agent and master close their copies */
#define NARROW_MS 250           /* others have our sockets: handshakes end */
#define WIDEN_MS 2000           /* workers get to close their sockets */
#define PAUSE_MS 30             /* and to look away from a socket */

struct keeper the_keeper = { .ready_fd = -1, .life = { -1, -1 },
	.master = { .fd = -1 } };

/* ---- gates ---- */

static void
tell_agent(struct keeper *k, enum ipc_type type, int32_t v)
{
	if (k->procs[0].pid > 0)
		(void)ipc_send(&k->procs[0].chan, type, &v, sizeof v, NULL, 0);
}

static void
gates_open(struct keeper *k)
{
	k->opening = false;
	tmr_stop(&k->loop.wheel, &k->check);
	k->phase = KEEPER_SERVING;
	keeper_tell_workers(k, IPC_W_ACCEPT);
	keeper_copy_follow(k);
	keeper_state_watch(k);
	if (k->has_master) {
		if (fault_at("keeper.opened"))
			return;
		(void)ipc_send(&k->master, IPC_GATES_OPEN, NULL, 0, NULL, 0);
		if (px_model->global.daemon)
			ipc_daemon_to_null();
		return;
	}
	if (k->daemonized)
		(void)ipc_pidfile(px_model->global.pidfile, getpid());
	keeper_takeover_serve(k);
	ipc_daemon_serves(&k->ready_fd);
	if (k->daemonized)
		ipc_daemon_to_null();
}

/* The agent is first: it says which servers begin down, and that agents are
 * asked. Workers that accepted earlier would not know. */
void
keeper_open_gates(struct keeper *k)
{
	if (fault_at("keeper.gates"))
		return;
	k->opening = true;
	tell_agent(k, IPC_A_GATES, 1);
	tmr_stop(&k->loop.wheel, &k->check);
	tmr_arm(&k->loop.wheel, &k->check, k->loop.now_ms + AGENT_MS);
}

void
keeper_report(struct keeper *k, enum ipc_type type)
{
	struct ipc_ready r = { .agent = (int32_t)k->procs[0].pid,
		.n = (uint32_t)k->n };

	for (int i = 1; i <= k->n; i++) {
		r.worker[i - 1] = (int32_t)k->procs[i].pid;
		r.in_service += k->procs[i].ready;
	}
	if (k->has_master)
		(void)ipc_send(&k->master, type, &r, sizeof r, NULL, 0);
}

void
keeper_admit(struct keeper *k, struct keeper_proc *p)
{
	(void)ipc_send(&p->chan, IPC_W_ACCEPT, NULL, 0, NULL, 0);
	if (k->paused)
		(void)ipc_send(&p->chan, IPC_W_PAUSE, NULL, 0, NULL, 0);
}

static void
child_ready(struct keeper *k, struct keeper_proc *p)
{
	p->ready = true;
	if (p->no > 0 && (k->phase == KEEPER_SERVING ||
	    k->phase == KEEPER_GRACE)) {
		keeper_report(k, IPC_PROCS);
		return;
	}
	if (p->no == 0 && k->opening && k->phase == KEEPER_CLOSED)
		gates_open(k);
	if (k->phase != KEEPER_STARTING)
		return;
	for (int i = 0; i <= k->n; i++)
		if (!k->procs[i].ready)
			return;
	if (fault_at("keeper.ready"))
		return;
	k->phase = KEEPER_CLOSED;
	if (k->has_master)
		keeper_report(k, IPC_READY);
	else
		keeper_open_gates(k);
}

/* ---- leaving ---- */

static void
leave_now(struct keeper *k)
{
	int64_t hard = px_model->global.hard_stop_after_ms;

	tmr_stop(&k->loop.wheel, &k->grace);
	k->phase = KEEPER_LEAVING;
	tell_agent(k, IPC_A_GATES, 0);
	tmr_stop(&k->loop.wheel, &k->check);
	if (k->n_socks == 0)
		keeper_tell_workers(k, IPC_W_LEAVE);
	else    /* The workers let go last: they serve what waits in there. */
		tmr_arm(&k->loop.wheel, &k->check, k->loop.now_ms +
		    (keeper_sockets_narrow(k) ? NARROW_MS : LET_GO_MS));
	keeper_sockets_close(k);
	if (k->has_master)
		(void)ipc_send(&k->master, IPC_QUIET, NULL, 0, NULL, 0);
	if (hard > 0)
		tmr_arm(&k->loop.wheel, &k->deadline, k->loop.now_ms + hard);
	keeper_check_end(k);
}

void
keeper_leave(struct keeper *k)
{
	int64_t grace = px_model->global.grace_ms;

	if (k->phase >= KEEPER_GRACE)
		return;
	if (k->phase == KEEPER_QUIET || grace <= 0) {
		leave_now(k);
		return;
	}
	k->phase = KEEPER_GRACE;
	tmr_arm(&k->loop.wheel, &k->grace, k->loop.now_ms + grace);
}

void
keeper_stop(struct keeper *k, int status)
{
	if (k->phase == KEEPER_STOPPING) {
		keeper_kill_all(k, SIGKILL);
		return;
	}
	k->phase = KEEPER_STOPPING;
	k->status = status;
	keeper_tell_workers(k, IPC_W_STOP);
	if (k->procs[0].pid > 0)
		(void)ipc_send(&k->procs[0].chan, IPC_A_LEAVE, NULL, 0, NULL,
		    0);
	keeper_sockets_close(k);
	tmr_stop(&k->loop.wheel, &k->grace);
	tmr_stop(&k->loop.wheel, &k->deadline);
	tmr_arm(&k->loop.wheel, &k->deadline, k->loop.now_ms + STOP_MS);
	keeper_check_end(k);
}

static void
on_deadline(struct tmr *t)
{
	struct keeper *k = HOLDER(t, struct keeper, deadline);

	if (k->phase == KEEPER_STOPPING)
		keeper_kill_all(k, SIGKILL);
	else if (k->phase == KEEPER_LEAVING) {
		ipc_say(DIAG_WARNING, "soft stop took longer than "
		    "hard-stop-after, ending what is left");
		keeper_stop(k, 0);
	}
}

static void
on_grace(struct tmr *t)
{
	leave_now(HOLDER(t, struct keeper, grace));
}

/* The agent goes when the last worker has gone, then the keeper. */
void
keeper_check_end(struct keeper *k)
{
	if (k->phase < KEEPER_QUIET || k->phase == KEEPER_GRACE)
		return;
	if (keeper_alive(k, false) > 0 || keeper_taken_waits(k))
		return;
	if (k->procs[0].pid > 0)
		keeper_agent_go(k, &k->procs[0]);
	else
		k->loop.stop = true;
}

/* ---- the next generation takes over ---- */

static void
all_quiet(struct keeper *k)
{
	tmr_stop(&k->loop.wheel, &k->check);
	keeper_sockets_close(k);
	if (fault_at("keeper.quiet"))
		return;
	if (k->has_master)
		(void)ipc_send(&k->master, IPC_QUIET, NULL, 0, NULL, 0);
}

static void
on_check(struct tmr *t)
{
	struct keeper *k = HOLDER(t, struct keeper, check);

	if (k->phase == KEEPER_QUIET)
		all_quiet(k);
	else if (k->phase == KEEPER_CLOSED && k->opening)
		gates_open(k);
	else if (k->phase == KEEPER_LEAVING && !k->let_go) {
		k->let_go = true;
		keeper_tell_workers(k, IPC_W_LEAVE);
		tmr_arm(&k->loop.wheel, t, k->loop.now_ms + WIDEN_MS);
	} else if (k->phase == KEEPER_LEAVING)
		keeper_sockets_widen();
	else if (k->paused)
		keeper_sockets_pause(k, true);
}

void
keeper_quiesce(struct keeper *k)
{
	if (keeper_taken_quiet(k) || k->phase >= KEEPER_QUIET ||
	    fault_at("keeper.quiesce"))
		return;
	k->phase = KEEPER_QUIET;
	keeper_tell_workers(k, IPC_W_QUIESCE);
	tell_agent(k, IPC_A_GATES, 0);
	tmr_stop(&k->loop.wheel, &k->check);
	tmr_arm(&k->loop.wheel, &k->check, k->loop.now_ms + QUIET_MS);
}

/* It has closed its sockets, or has ended. */
static void
worker_quiet(struct keeper *k, struct keeper_proc *p)
{
	p->quiet = true;
	for (int i = 1; i <= k->n; i++)
		if (k->procs[i].pid > 0 && !k->procs[i].quiet)
			return;
	if (k->phase == KEEPER_QUIET && k->n_socks > 0)
		all_quiet(k);
	else if (k->phase == KEEPER_LEAVING && k->let_go)
		keeper_sockets_widen();
}

/* ---- pause ---- */

void
keeper_pause(struct keeper *k, bool pause)
{
	if (k->phase != KEEPER_SERVING || k->paused == pause)
		return;
	k->paused = pause;
	tmr_stop(&k->loop.wheel, &k->check);
	if (pause) {
		/* They look away first: a socket that is shut reports an
		 * error for ever. */
		keeper_tell_workers(k, IPC_W_PAUSE);
		tmr_arm(&k->loop.wheel, &k->check, k->loop.now_ms + PAUSE_MS);
	} else {
		keeper_sockets_pause(k, false);
		keeper_tell_workers(k, IPC_W_RESUME);
	}
	tell_agent(k, IPC_A_PAUSE, pause);
	PX_EACH(px, px_model)
		if ((px->kind & PX_FE) != 0 && !px->disabled)
			ipc_say(DIAG_WARNING, "%s frontend %s.",
			    pause ? "Paused" : "Resumed", px->name);
}

/* ---- children ---- */

/* A master of an older release, and who takes over from us, know one report of
 * each worker, the head. */
static void
pass_up(struct keeper *k, struct span report)
{
	struct ipc_rows rows;

	if (report.n < sizeof(struct ipc_carried) + sizeof rows)
		return;
	memcpy(&rows, report.p + sizeof(struct ipc_carried), sizeof rows);
	if (k->taken || k->master_level < 2) {
		if (rows.event != IPC_CARRY_PASSED &&
		    rows.event != IPC_CARRY_BROKEN)
			return;
		report.n = sizeof(struct ipc_carried);
	}
	if (k->taken)
		keeper_taken_carried(k, report.p, report.n);
	else if (k->has_master)
		(void)ipc_send(&k->master, IPC_CARRIED, report.p, report.n,
		    NULL, 0);
}

/* A server comes or goes: we know it before all others do. */
static void
change_servers(struct keeper_proc *p, struct span order)
{
	struct text answer;
	bool done;

	text_init(&answer);
	shm_keeper_lock(the_shm);
	done = srv_live_obey(order, &answer);
	shm_keeper_unlock(the_shm);
	if (!done) {
		struct text why = answer;

		text_init(&answer);
		text_addc(&answer, '\0');
		text_add(&answer, span_of(why.p, why.n));
		text_fini(&why);
	}
	(void)ipc_send(&p->chan, IPC_A_SERVER_IS, answer.p, answer.n, NULL,
	    0);
	text_fini(&answer);
}

void
keeper_on_child(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct keeper_proc *p = arg;
	struct keeper *k = &the_keeper;

	(void)c;
	if (m == NULL) {        /* its death comes as a signal */
		keeper_child_cut_off(k, p);
		return;
	}
	if (p->no == 0 && keeper_taken_said(k, m))
		return;
	switch (m->type) {
	case IPC_W_READY:
	case IPC_A_READY:
		child_ready(k, p);
		break;
	case IPC_W_QUIET:
		worker_quiet(k, p);
		break;
	case IPC_W_CARRIED:
		pass_up(k, m->data);
		break;
	case IPC_A_SERVER:
		change_servers(p, m->data);
		break;
	case IPC_A_KEEP:
		(void)agent_kept_put(m->flags, m->tag, m->data);
		break;
	default:
		break;
	}
}

void
keeper_child_again(struct keeper *k, const struct keeper_proc *p)
{
	if (p->no == 0 && (k->phase == KEEPER_SERVING ||
	    (k->phase == KEEPER_CLOSED && k->opening))) {
		tell_agent(k, IPC_A_GATES, 1);
		if (k->paused)
			tell_agent(k, IPC_A_PAUSE, 1);
	}
}

void
keeper_child_died(struct keeper *k, struct keeper_proc *p, int status)
{
	if (k->phase == KEEPER_STARTING) {
		if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
			ipc_say(DIAG_ALERT, "%s failed to start (%s %d)",
			    p->no == 0 ? "the agent" : "a worker",
			    WIFSIGNALED(status) ? "signal" : "exit code",
			    WIFSIGNALED(status) ? WTERMSIG(status) :
			    WEXITSTATUS(status));
		k->phase = KEEPER_STOPPING;
		keeper_kill_all(k, SIGKILL);
		ipc_replace_failed();
		exit(1);
	}
	if (p->no > 0 && (k->phase == KEEPER_QUIET ||
	    k->phase == KEEPER_LEAVING))
		worker_quiet(k, p);
	if (p->no == 0)
		keeper_taken_left(k, false);
	if (k->phase < KEEPER_LEAVING)
		keeper_report(k, IPC_PROCS);
	keeper_check_end(k);
}

/* ---- signals ---- */

void
keeper_signal(struct keeper *k, int sig)
{
	switch (sig) {
	case SIGCHLD:
		keeper_reap(k);
		break;
	case SIGUSR1:
		keeper_leave(k);
		break;
	case SIGTERM:
		keeper_stop(k, k->has_master ? 143 : 0);
		break;
	case SIGINT:
		keeper_stop(k, k->has_master ? 130 : 0);
		break;
	case SIGTTOU:
		keeper_pause(k, true);
		break;
	case SIGTTIN:
		keeper_pause(k, false);
		break;
	case SIGHUP:
	case SIGQUIT:
		keeper_dump(sig);
		break;
	default:
		break;
	}
}

static void
on_signal(void *arg, int sig, pid_t from)
{
	(void)from;
	keeper_signal(arg, sig);
}

static void
take_signals(struct keeper *k)
{
	static const int all[] = { SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM, SIGINT,
		SIGTTOU, SIGTTIN, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NELEM(all); i++)
		sigaddset(&set, all[i]);
	if (k->has_master)      /* from a terminal: the master tells us */
		sigdelset(&set, SIGINT);
	(void)proc_signals(&k->loop, &set, on_signal, k);
	(void)signal(SIGPIPE, SIG_IGN);
	if (k->has_master)
		(void)signal(SIGINT, SIG_IGN);
}

/* ---- running ---- */

void
keeper_run(struct keeper *k)
{
	loop_open(&k->loop);
	tmr_init(&k->grace, on_grace);
	tmr_init(&k->deadline, on_deadline);
	tmr_init(&k->check, on_check);
	take_signals(k);
	if (!keeper_fork_all(k)) {
		keeper_kill_all(k, SIGKILL);
		exit(1);
	}
	keeper_report(k, IPC_PROCS);    /* whom to end if this one dies */
	if (k->has_master)
		ipc_attach(&k->master, &k->loop, keeper_on_master, k);
	proc_title("ecluse keeper, generation %u", k->gen);
	loop_run(&k->loop);
	loop_close(&k->loop);
}

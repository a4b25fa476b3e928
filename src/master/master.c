/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master - start, signals, reload, stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <ipc/daemon.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <mcli/mcli.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/proc.h>
#include <os/sock.h>
#include <shm/shm.h>

#include "master_int.h"

#define LOG_MAX     (1u << 20)
#define KILL_MS     4000        /* keepers get to end everything */
#define EXEC_MS     20          /* until the next image, at least */
#define IMPATIENT_MS 2000       /* see master_patience() */
#define FDS_WANTED  1048576     /* all sockets of two generations */

struct master the_master;

/* ---- messages that `show startup-logs` repeats ---- */

void
master_note(struct span s)
{
	if (the_master.log.n + s.n <= LOG_MAX)
		text_add(&the_master.log, s);
}

/* With a fault at master.patience, tests need not wait for long; on a machine
 * that stalls a good generation is to be ready in this time as well. */
int64_t
master_patience(int64_t ms)
{
	/* The first generation is not what a test is about. */
	return (the_master.impatient && the_master.current != NULL &&
	    ms > IMPATIENT_MS ? IMPATIENT_MS : ms);
}

/* ---- reload ---- */

void
master_reload(struct master *m)
{
	char why[160];

	if (m->stopping)
		return;
	if (m->candidate != NULL || m->swapping) {
		m->again = true;
		return;
	}
	m->reload_began_us = clock_mono_us();
	m->reloads++;
	text_clear(&m->log);
	if (m->a->notify)
		proc_notify("RELOADING=1\nSTATUS=Reloading Configuration.\n"
		    "MONOTONIC_USEC=%lld", (long long)m->reload_began_us);
	ipc_say(DIAG_NOTICE, "Reloading");
	mcli_renew();
	if (!master_start_candidate(m)) {
		snprintf(why, sizeof why, "can't start a process: %s; look at "
		    "the limits of processes, memory and descriptors",
		    strerror(errno));
		master_reload_failed(m, why);
	}
}

static void
go_on(struct master *m)
{
	if (!m->again)
		return;
	m->again = false;
	master_reload(m);
}

void
master_reload_failed(struct master *m, const char *why)
{
	m->failed++;
	m->last_failed = true;
	m->hard = false;
	ipc_say(DIAG_WARNING, "Loading failure! %s; %s", why,
	    m->current != NULL ? "the current worker goes on" :
	    "nothing serves now");
	if (m->a->notify)
		proc_notify("READY=1\nSTATUS=Reload failed!");
	mcli_reloaded(false);
	go_on(m);
}

/* The first generation serves. */
static void
started(struct master *m)
{
	(void)ipc_pidfile(m->pidfile, getpid());
	master_takeover_serve(m);
	ipc_daemon_serves(&m->ready_fd);
	if (m->daemonized)
		ipc_daemon_to_null();
}

/* A generation serves and the one before it was told to go. */
void
master_swap_done(struct master *m)
{
	bool first = m->reload_began_us == 0 && m->reloads == 0;

	m->failed = 0;
	m->last_failed = m->swapping = false;
	ipc_say(DIAG_NOTICE, "Loading success.");
	if (first)
		started(m);
	master_limit_reloads(m);
	if (m->a->notify)
		proc_notify("READY=1\nMAINPID=%d\nSTATUS=Ready.",
		    (int)getpid());
	mcli_reloaded(true);
	tmr_arm(&m->loop.wheel, &m->exec_timer, m->loop.now_ms + EXEC_MS);
	go_on(m);
}

/* Nothing must be on its way in this image's memory. */
static void
on_exec_timer(struct tmr *t)
{
	struct master *m = HOLDER(t, struct master, exec_timer);
	bool busy = m->candidate != NULL || mcli_busy() ||
	    ipc_takeover_busy();

	GENS_EACH(g, m) {
		busy = busy || g->chan.out_bytes > 0 || (g->state == GEN_OLD &&
		    !g->drained);
	}
	if (m->stopping)
		return;
	if (!busy)
		master_exec_if_new(m);
	else
		tmr_arm(&m->loop.wheel, t, m->loop.now_ms + EXEC_MS);
}

/* ---- stop ---- */

static void
tell_all(struct master *m, int32_t sig)
{
	GENS_EACH(g, m) {
		if (g->state == GEN_CANDIDATE)
			(void)kill(g->pid, SIGKILL);
		else if (g->chan.fd >= 0)
			master_gen_signal(g, sig);
		for (uint32_t i = 0; g->state == GEN_ORPHANS &&
		    i < g->procs.n; i++)
			if (g->procs.worker[i] > 0)
				(void)kill(g->procs.worker[i], sig == SIGUSR1 ?
				    SIGUSR1 : SIGKILL);
	}
}

static void
on_stop_timer(struct tmr *t)
{
	struct master *m = HOLDER(t, struct master, stop_timer);

	/* All that lives follows the life pipe and ends with us. */
	m->loop.stop = true;
}

void
master_stop(struct master *m, int sig)
{
	if (!m->stopping) {
		ipc_say(DIAG_WARNING, "Exiting Master process...");
		if (m->a->notify)
			proc_notify("STOPPING=1");
	}
	m->stopping = true;
	m->stop_signal = sig;
	if (sig == SIGINT || sig == SIGTERM) {
		m->status = sig == SIGINT ? 130 : 143;
		tmr_stop(&m->loop.wheel, &m->stop_timer);
		tmr_arm(&m->loop.wheel, &m->stop_timer,
		    m->loop.now_ms + KILL_MS);
	}
	tell_all(m, sig);
	if (list_empty(&m->gens))
		m->loop.stop = true;
}

static void
on_signal(void *arg, int sig, pid_t from)
{
	struct master *m = arg;

	(void)from;
	switch (sig) {
	case SIGCHLD:
		master_reap(m);
		break;
	case SIGUSR2:
	case SIGHUP:
		master_reload(m);
		break;
	case SIGUSR1:
	case SIGTERM:
	case SIGINT:
		master_stop(m, sig);
		break;
	case SIGTTOU:
	case SIGTTIN:
	case SIGQUIT:
		if (m->current != NULL)
			master_gen_signal(m->current, sig);
		break;
	default:
		break;
	}
}

static void
take_signals(struct master *m)
{
	static const int all[] = { SIGCHLD, SIGUSR1, SIGUSR2, SIGHUP, SIGTERM,
		SIGINT, SIGTTOU, SIGTTIN, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NELEM(all); i++)
		sigaddset(&set, all[i]);
	(void)proc_signals(&m->loop, &set, on_signal, m);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* ---- start ---- */

static void
daemonize(struct master *m)
{
	m->ready_fd = ipc_daemon();
	m->daemonized = true;
}

/* The configuration says daemon, which is known only now: start over from the
 * background. Nothing has served yet. */
void
master_into_background(struct master *m)
{
	fd_close(&m->life[0]);
	fd_close(&m->life[1]);
	master_drop_candidate(m);
	proc_signals_reset();
	loop_close(&m->loop);
	daemonize(m);
	loop_open(&m->loop);
	take_signals(m);
	master_listen(m);
	if (!ipc_life_open(m->life) || !master_start_candidate(m))
		exit(1);
}

static bool
start_fresh(struct master *m)
{
	m->born_ms = m->loop.now_ms;
	m->wall_start_s = clock_wall_us() / 1000000;
	if (!mcli_open(m->a->sockets, m->a->n_sockets))
		return (false);
	master_listen(m);
	if (!master_takeover(m))
		return (false);
	if (m->state_fd < 0)
		m->state_fd = shm_create("ecluse-state");
	if (m->ledger_fd < 0)
		m->ledger_fd = fd_memfd("ecluse-counters");
	if (m->state_fd < 0 || m->ledger_fd < 0 || !ipc_life_open(m->life)) {
		ipc_say(DIAG_ALERT, "can't make shared memory: %s",
		    strerror(errno));
		return (false);
	}
	return (master_start_candidate(m));
}

static bool
start_again(struct master *m, int fd)
{
	if (!master_resume(m, fd) || fault_at("master.resume")) {
		ipc_say(DIAG_ALERT, "the state of the master before can't be "
		    "read; ending, so that a supervisor starts afresh");
		return (false);
	}
	ipc_say(DIAG_NOTICE, "the master runs the new program now");
	m->reload_began_us = clock_mono_us();
	master_listen(m);
	master_reap(m);         /* who died meanwhile */
	master_on_retry(&m->retry_timer);
	return (true);
}

int
master_main(const struct master_args *a, int resume_fd)
{
	struct master *m = &the_master;

	memset(m, 0, sizeof *m);
	m->a = a;
	fault_scope("master", 0);
	m->impatient = fault_at("master.patience");
	m->ready_fd = -1;
	m->life[0] = m->life[1] = -1;
	m->state_fd = m->ledger_fd = -1;
	m->copy = (struct ipc_heritage){ -1, -1, false };
	list_init(&m->gens);
	text_init(&m->log);
	ipc_say_also = master_note;
	ipc_say_hurries = true;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (a->daemon && !a->foreground && resume_fd < 0)
		daemonize(m);
	master_exe_look(&m->exe);
	loop_open(&m->loop);
	tmr_init(&m->stop_timer, on_stop_timer);
	tmr_init(&m->exec_timer, on_exec_timer);
	tmr_init(&m->retry_timer, master_on_retry);
	(void)fd_limit_raise(FDS_WANTED);
	take_signals(m);
	proc_title("ecluse master");
	if (!(resume_fd < 0 ? start_fresh(m) : start_again(m, resume_fd)))
		return (1);
	loop_run(&m->loop);
	if (m->stopping)
		ipc_say(DIAG_WARNING, "All workers exited. Exiting... (%d)",
		    m->status);
	return (m->status);
}

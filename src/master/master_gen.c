/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_gen - generations: started, heard, buried.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/proc.h>
#include <os/sock.h>

#include "master_int.h"

#define CANDIDATE_MS 120000     /* to parse, resolve and fork */
#define RETRY_MS     1000       /* when nothing serves */

struct gen *
master_gen_of(pid_t pid)
{
	GENS_EACH(g, &the_master) {
		if (g->pid == pid)
			return (g);
	}
	return (NULL);
}

/* ---- starting ---- */

/*
 * In the child. A fork of this process that forgets what the master had is as
 * good as a new image, at half of a reload's processor time: what the dynamic
 * linker writes, it wrote in the master.
 */
static _Noreturn void
become_keeper(struct master *m, int fd)
{
	char number[16];

	proc_signals_reset();
	if (!m->a->unlike && master_exe_is_ours(m) && fd_close_inherited(fd)) {
		ipc_say_also = NULL;
		/* at first an operator may look at errors page by page */
		ipc_say_hurries = m->current != NULL;
		the_loop = NULL;
		rand_seed();
		m->a->be_keeper(fd);
		_exit(1);
	}
	snprintf(number, sizeof number, "%d", fd);
	(void)sock_set_cloexec(fd, false);
	if (setenv(MASTER_ENV_KEEPER, number, 1) == 0)
		execv(m->a->program, m->a->argv);
	ipc_say(DIAG_ALERT, "can't run %s: %s", m->a->program,
	    strerror(errno));
	_exit(1);
}

void
master_gen_attach(struct gen *g, int fd)
{
	tmr_init(&g->tick, master_on_give_tick);
	ipc_open(&g->chan, fd, IPC_MASTER, IPC_KEEPER, &the_master.loop,
	    master_on_keeper, g);
}

static uint32_t
oldest_gen(const struct master *m)
{
	return (LIST_ITEM(m->gens.prev, struct gen, node)->no);
}

static void
send_start(struct master *m, struct gen *g)
{
	const struct ipc_start st = { .version = IPC_VERSION, .gen = g->no,
		.master_pid = (int32_t)getpid(), .reloads = m->reloads,
		.start_wall_s = m->wall_start_s,
		.flags = (m->current == NULL) | IPC_LEVEL << 8,
		.oldest_gen = oldest_gen(m) };
	const int fds[5] = { m->state_fd, m->ledger_fd, m->life[0],
		m->copy.state_fd, m->copy.ledger_fd };

	(void)ipc_send(&g->chan, IPC_START, &st, sizeof st, fds,
	    m->copy.state_fd >= 0 ? 5 : 3);
}

static void
on_candidate_timer(struct tmr *t)
{
	struct master *m = HOLDER(t, struct master, candidate_timer);

	if (m->candidate == NULL)
		return;
	ipc_say(DIAG_ALERT, "the new worker (%d) was not ready in time",
	    (int)m->candidate->pid);
	(void)kill(m->candidate->pid, SIGKILL);
}

bool
master_start_candidate(struct master *m)
{
	struct gen *g;
	int pair[2], e;
	pid_t pid;

	if (!sock_pair(SOCK_SEQPACKET, pair))
		return (false);
	if ((pid = fault_at("master.fork") ? -1 : fork()) == 0)
		become_keeper(m, pair[1]);
	e = errno;
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		errno = e;
		return (false);
	}
	g = must_alloc(sizeof *g);
	g->no = ++m->last_gen;
	g->pid = pid;
	g->state = GEN_CANDIDATE;
	g->born_ms = m->loop.now_ms;
	g->max_reloads = -1;
	g->state_fd = g->ledger_fd = -1;
	list_push_front(&m->gens, &g->node);
	m->candidate = g;
	master_gen_attach(g, pair[0]);
	send_start(m, g);
	tmr_init(&m->candidate_timer, on_candidate_timer);
	tmr_arm(&m->loop.wheel, &m->candidate_timer,
	    m->loop.now_ms + master_patience(CANDIDATE_MS));
	ipc_say(DIAG_NOTICE, "New worker (%d) forked", (int)pid);
	return (true);
}

static void
free_gen(struct master *m, struct gen *g)
{
	master_give_free(g);
	fd_close(&g->state_fd);
	fd_close(&g->ledger_fd);
	ipc_close(&g->chan);
	list_del(&g->node);
	if (m->current == g)
		m->current = NULL;
	if (m->candidate == g)
		m->candidate = NULL;
	free(g);
}

/* Not wanted after all (the first one, before going into the background). */
void
master_drop_candidate(struct master *m)
{
	struct gen *g = m->candidate;
	int status;

	(void)kill(g->pid, SIGKILL);
	(void)waitpid(g->pid, &status, 0);
	ipc_holder_cancel(g->no);
	free_gen(m, g);
}

/* ---- what keepers say ---- */

static void
give_sockets(struct master *m, struct gen *g, struct ipc_msg *msg)
{
	struct ipc_listen l;
	struct span rest;
	int fds[IPC_FDS_MAX];
	const char *err = "a request of a form that is not known";
	bool first, again;
	size_t n;

	(void)m;
	if (msg->data.n >= sizeof l && g->state == GEN_CANDIDATE) {
		memcpy(&l, msg->data.p, sizeof l);
		rest = span_skip(msg->data, sizeof l);
		if (rest.n == (size_t)l.host_n + l.interface_n &&
		    ipc_holder_get(&l, span_of(rest.p, l.host_n),
		    span_skip(rest, l.host_n), g->no, fds, &n, &first,
		    &again, &err)) {
			(void)ipc_send_tag(&g->chan, IPC_LISTEN_OK, first, 0,
			    NULL, 0, fds, n);
			return;
		}
	}
	(void)ipc_send(&g->chan, IPC_LISTEN_FAIL, err, strlen(err), NULL, 0);
}

static void
take_hello(struct master *m, struct gen *g, struct ipc_msg *msg)
{
	struct ipc_hello h;
	struct span path;

	if (msg->data.n < sizeof h || g->state != GEN_CANDIDATE)
		return;
	memcpy(&h, msg->data.p, sizeof h);
	g->max_reloads = h.max_reloads;
	g->level = h.level;
	path = span_skip(msg->data, sizeof h);
	free(m->pidfile);
	m->pidfile = m->a->pidfile != NULL ? must_strdup(m->a->pidfile) :
	    path.n > 0 ? span_dup(path) : NULL;
	if (h.want_daemon && !m->daemonized && m->current == NULL &&
	    !m->a->foreground)
		master_into_background(m);
}

static void
take_procs(struct gen *g, const struct ipc_msg *msg)
{
	struct ipc_ready r;

	if (msg->data.n != sizeof r)
		return;
	memcpy(&r, msg->data.p, sizeof r);
	if (r.n > IPC_PROCS_MAX)
		return;
	g->procs = r;
	master_give_procs(&the_master, g);
}

/* It can't use ours, of another release. They are the next ones' as well when
 * this one serves. */
static void
take_state(struct gen *g, struct ipc_msg *msg)
{
	if (g->state != GEN_CANDIDATE || msg->n_fds != 2)
		return;
	fd_close(&g->state_fd);
	fd_close(&g->ledger_fd);
	g->state_fd = msg->fds[0];
	g->ledger_fd = msg->fds[1];
	msg->fds[0] = msg->fds[1] = -1;
}

void
master_on_keeper(struct ipc_chan *c, struct ipc_msg *msg, void *arg)
{
	struct gen *g = arg;
	struct master *m = &the_master;

	(void)c;
	if (msg == NULL) {      /* its death comes as a signal */
		if (g->state == GEN_CANDIDATE && g->pid > 0)
			(void)kill(g->pid, SIGKILL);    /* broke the rules */
		return;
	}
	switch (msg->type) {
	case IPC_HELLO:
		take_hello(m, g, msg);
		break;
	case IPC_LISTEN:
		give_sockets(m, g, msg);
		break;
	case IPC_LOG:
		if (g == m->candidate)
			master_note(msg->data);
		break;
	case IPC_READY:
	case IPC_PROCS:
		take_procs(g, msg);
		if (msg->type == IPC_READY && g->state == GEN_CANDIDATE)
			master_lock_gates(m, g);
		break;
	case IPC_GATES_OPEN:
		if (g->state == GEN_OPENING)
			master_gates_open(m, g);
		break;
	case IPC_QUIET:
		master_gen_quiet(m, g);
		break;
	case IPC_STATE:
		take_state(g, msg);
		break;
	case IPC_CARRIED:
		master_give_said(m, g, msg->data);
		break;
	case IPC_TAKEN:
		master_taken(m, g, msg);
		break;
	default:
		break;
	}
}

/* ---- death ---- */

static int
exit_code(int status)
{
	return (WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status));
}

static const char *
exit_word(int code)
{
	return (code > 128 ? strsignal(code - 128) : "Exit");
}

/* An heir of a dead keeper that has not ended. Its number is nobody else's, as
 * nobody but us waits for it. */
static bool
is_ours(pid_t pid)
{
	siginfo_t si = { 0 };

	return (pid > 0 && waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG |
	    WNOWAIT) == 0 && si.si_pid == 0);
}

void
master_gen_signal(struct gen *g, int32_t sig)
{
	(void)ipc_send(&g->chan, IPC_SIGNAL, &sig, sizeof sig, NULL, 0);
}

/* They leave by themselves: nobody can tell them to hand over. */
void
master_orphans_go(struct gen *g)
{
	for (uint32_t i = 0; i < g->procs.n; i++)
		if (g->procs.worker[i] > 0)
			(void)kill(g->procs.worker[i], SIGUSR1);
}

/* Its keeper has died: what it forked is ours now. Workers that have never
 * accepted end. Those that have serve what they have, and accept as long as
 * nobody does in their place. */
static void
inherit(struct master *m, struct gen *g)
{
	int sig = g->state == GEN_CANDIDATE ? SIGKILL :
	    g->state == GEN_OPENING || g->state == GEN_OLD ? SIGUSR1 : 0;
	bool any = false;

	ipc_close(&g->chan);
	tmr_stop(&m->loop.wheel, &g->tick);
	if (m->current == g)
		m->current = NULL;
	if (m->candidate == g)
		m->candidate = NULL;
	g->state = GEN_ORPHANS;
	g->pid = -1;
	if (is_ours(g->procs.agent))
		(void)kill(g->procs.agent, SIGKILL);
	for (uint32_t i = 0; i < g->procs.n; i++) {
		if (!is_ours(g->procs.worker[i]))
			g->procs.worker[i] = 0;
		else if (sig != 0)
			(void)kill(g->procs.worker[i], sig);
		any = any || g->procs.worker[i] > 0;
	}
	if (!any)
		free_gen(m, g);
}

static void
current_died(struct master *m, struct gen *g, int code)
{
	ipc_say(DIAG_ALERT, "Current worker (%d) exited with code %d (%s)",
	    (int)g->pid, code, exit_word(code));
	if (m->stopping) {
		if (m->status == 0 && code != 0)
			m->status = code;
		free_gen(m, g);
		return;
	}
	inherit(m, g);
	if (m->candidate == NULL && !master_start_candidate(m)) {
		ipc_say(DIAG_ALERT, "can't start another: %s; its processes go "
		    "on, next try in %d ms", strerror(errno), RETRY_MS);
		tmr_arm(&m->loop.wheel, &m->retry_timer,
		    m->loop.now_ms + RETRY_MS);
	} else
		ipc_say(DIAG_WARNING, "its processes go on; a new worker is "
		    "starting");
}

static void
candidate_died(struct master *m, struct gen *g, int code)
{
	bool first = m->current == NULL && list_first(&m->gens) == &g->node &&
	    g->node.next == &m->gens;

	tmr_stop(&m->loop.wheel, &m->candidate_timer);
	ipc_holder_cancel(g->no);
	inherit(m, g);
	if (m->stopping)
		return;
	if (first) {            /* nothing ever served */
		ipc_replace_failed();
		m->status = code != 0 ? code : 1;
		m->loop.stop = true;
		return;
	}
	master_reload_failed(m, "the new worker ended before it was ready");
	if (m->current == NULL && m->candidate == NULL)
		tmr_arm(&m->loop.wheel, &m->retry_timer,
		    m->loop.now_ms + RETRY_MS);
}

/* The keeper died and the next one could not start: until one can. */
void
master_on_retry(struct tmr *t)
{
	struct master *m = HOLDER(t, struct master, retry_timer);

	if (m->current == NULL && m->candidate == NULL && !m->stopping &&
	    !master_start_candidate(m))
		tmr_arm(&m->loop.wheel, t, m->loop.now_ms + RETRY_MS);
}

static void
bury(struct master *m, struct gen *g, int status)
{
	int code = exit_code(status);

	if (g->state == GEN_OLD)
		ipc_hear(&g->chan);     /* its last words */
	switch (g->state) {
	case GEN_CANDIDATE:
	case GEN_OPENING:
		candidate_died(m, g, code);
		break;
	case GEN_SERVING:
		current_died(m, g, code);
		break;
	case GEN_OLD:
	case GEN_ORPHANS:
		ipc_say(DIAG_WARNING, "Former worker (%d) exited with code %d "
		    "(%s)", (int)g->pid, code, exit_word(code));
		/* It may have left before it said all it had to say. */
		if (g->state == GEN_OLD && !m->stopping)
			master_drain(m, g);
		inherit(m, g);
		master_swap_look(m);
		break;
	}
}

static void
forget_orphan(struct master *m, pid_t pid)
{
	GENS_EACH(g, m) {
		bool any = false;

		if (g->state != GEN_ORPHANS)
			continue;
		for (uint32_t i = 0; i < g->procs.n; i++) {
			if (g->procs.worker[i] == pid)
				g->procs.worker[i] = 0;
			any = any || g->procs.worker[i] > 0;
		}
		if (!any)
			free_gen(m, g);
	}
}

void
master_reap(struct master *m)
{
	struct gen *g;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if ((g = master_gen_of(pid)) != NULL)
			bury(m, g, status);
		else
			forget_orphan(m, pid);
	}
	if (m->stopping && list_empty(&m->gens))
		m->loop.stop = true;
}

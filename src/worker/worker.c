/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - the process that carries traffic: what is started in which order,
 * and what the keeper may ask of it.
 */
#include "worker_int.h"

#include <agent/agent.h>
#include <base/buf.h>
#include <base/must.h>
#include <base/pool.h>
#include <base/rand.h>
#include <cnt/cnt.h>
#include <expr/expr.h>
#include <hand/hand.h>
#include <http/http.h>
#include <ipc/say.h>
#include <log/log.h>
#include <mux/mux.h>
#include <os/fault.h>
#include <os/proc.h>
#include <px/px.h>
#include <shm/shm.h>
#include <srv/srv.h>
#include <strm/strm.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK_MS 20             /* while leaving */
#define TOLD_MS  2000           /* for the agent's first words */

struct worker the_worker;

/* ---- leaving ---- */

static void
look_if_empty(struct tmr *t)
{
	if (worker_connections() == 0 && strm_count() == 0) {
		worker_report_last();
		proc_step_back();
		exit(0);
	}
	tmr_arm(&the_loop->wheel, t, the_loop->now_ms + CHECK_MS);
}

void
worker_leave_if_empty(void)
{
	tmr_stop(&the_loop->wheel, &the_worker.check);
	look_if_empty(&the_worker.check);
}

void
worker_close_idle(int64_t spread_ms)
{
	the_worker.told_to_leave = true;
	the_worker.leaving = true;
	hand_take_end();
	worker_accept_last();
	worker_accept_end();
	(void)ipc_send(&the_worker.keeper, IPC_W_QUIET, NULL, 0, NULL, 0);
	mux_leave(spread_ms);
	srv_idle_close_all(NULL);
}

void
worker_leave(void)
{
	the_worker.told_to_leave = true;
	hand_take_end();
	if (the_worker.leaving || hand_giving)
		return;                 /* there is still somebody to give to */
	worker_close_idle(px_model->global.close_spread_ms);
	worker_leave_if_empty();
}

static void
stop(void)
{
	worker_accept_end();
	mux_leaving = mux_ending = true;
	strm_kill_all();
	worker_report_last();
	exit(0);
}

/* ---- a few times a second ---- */

#define TIDY_MS 250
#define TIDY_SOON_MS 50

static void
tidy(struct tmr *t)
{
	bool more = buf_trim();

	worker_report_taken();
	ipc_raise(&the_worker.keeper, loop_highest(the_loop));
	tmr_arm(&the_loop->wheel, t, the_loop->now_ms + (more ? TIDY_SOON_MS :
	    TIDY_MS));
}

static int
take_fd(struct ipc_msg *m)
{
	int fd = m->n_fds > 0 ? m->fds[0] : -1;

	if (m->n_fds > 0)
		m->fds[0] = -1;
	return (fd);
}

static void
dump_state(int sig)
{
	int no = the_worker.start->no;

	ipc_say(DIAG_NOTICE, "worker %d: process %u: %u connections, %u "
	    "streams", no, (unsigned)getpid(), worker_connections(),
	    strm_count());
	if (sig != SIGQUIT)
		return;
	for (const struct pool *p = pool_all; p != NULL; p = p->next)
		ipc_say(DIAG_NOTICE, "worker %d: pool %s: %zu of %zu objects "
		    "of %zu bytes in use, %zu times without memory", no,
		    p->name, p->n_used, p->n_total, p->size, p->n_failed);
}

/* The keeper has ended. In service, this process goes on: the master starts
 * another keeper, and when that one's workers accept, sends SIGUSR1, as there
 * is no channel any more. Without a master this process has ended by now
 * (ipc_life_follow). */
static void
serve_alone(struct worker *w)
{
	if (w->alone && w->told_to_go)
		worker_leave();
}

static void
on_signal(void *arg, int sig, pid_t from)
{
	(void)sig;
	(void)from;
	((struct worker *)arg)->told_to_go = true;
	serve_alone(arg);
}

/* warn-blocked-traffic-after */
static void
was_blocked(int64_t us)
{
	static int64_t said_us;

	if (said_us != 0 && the_loop->now_us - said_us < 1000000)
		return;
	said_us = the_loop->now_us;
	ipc_say(DIAG_WARNING, "worker %d (%d): traffic was blocked for %lld "
	    "ms: it has %u connections and %u streams; 'show activity' and "
	    "'perf record -p %d' tell more", the_worker.start->no,
	    (int)getpid(), (long long)(us / 1000), worker_connections(),
	    strm_count(), (int)getpid());
}

static void
hear_signals(struct worker *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	(void)proc_signals(&w->loop, &set, on_signal, w);
}

/* One that replaces another is told to accept at its birth, so that nothing but
 * what the agent has to say keeps it from that. */
static void
accept_if_ready(struct worker *w)
{
	if (!w->admitted || !w->ready)
		return;
	w->in_service = true;
	if (!w->leaving && !w->told_to_go && !fault_at("worker.accept"))
		worker_accept(true);
}

static void
on_keeper(struct ipc_chan *chan, struct ipc_msg *m, void *arg)
{
	int32_t sig;

	(void)arg;
	if (m == NULL) {                /* the keeper has ended */
		if (!the_worker.in_service)
			exit(1);
		the_worker.alone = true;
		serve_alone(&the_worker);
		return;
	}
	switch (m->type) {
	case IPC_W_ACCEPT:
	case IPC_W_RESUME:
		the_worker.admitted = true;
		accept_if_ready(&the_worker);
		break;
	case IPC_W_PAUSE:
		the_worker.admitted = false;
		worker_accept(false);
		break;
	case IPC_W_QUIESCE:
		the_worker.told_to_go = true;
		hand_take_end();
		worker_accept_end();
		if (fault_at("worker.quiesce"))
			break;
		(void)ipc_send(chan, IPC_W_QUIET, NULL, 0, NULL, 0);
		break;
	case IPC_W_GIVE:
		worker_accept_end();
		if (!fault_at("worker.give"))
			worker_give(take_fd(m));
		break;
	case IPC_W_TAKE:
		if (!fault_at("worker.take") && !the_worker.told_to_go)
			hand_take(the_loop, take_fd(m));
		break;
	case IPC_W_LEAVE:
		if (!fault_at("worker.leave"))
			worker_leave();
		break;
	case IPC_W_STOP:
		stop();
		break;
	case IPC_W_AGENT:
		agent_client_open(the_loop, take_fd(m));
		break;
	case IPC_W_DUMP:
		if (m->data.n == sizeof sig) {
			memcpy(&sig, m->data.p, sizeof sig);
			dump_state(sig);
		}
		break;
	default:
		break;
	}
}

/* ---- start ---- */

static void
drop_privileges(void)
{
	const struct px_global *g = &px_model->global;
	struct proc_identity id = {
		.set_uid = g->set_uid, .set_gid = g->set_gid,
		.uid = g->uid, .gid = g->gid, .chroot = g->chroot,
		.new_privs = g->insecure_setuid,
		.dumpable = g->set_dumpable, .caps = g->caps,
	};
	const char *what;

	if (proc_drop(&id, &what))
		return;
	ipc_say(DIAG_ALERT, "worker %d: cannot drop privileges: %s: %s; "
	    "check 'user', 'group' and 'chroot'", the_worker.start->no, what,
	    strerror(errno));
	exit(1);
}

static void
be_ready(void)
{
	the_worker.ready = true;
	accept_if_ready(&the_worker);
	if (!fault_at("worker.ready"))
		(void)ipc_send(&the_worker.keeper, IPC_W_READY, NULL, 0, NULL,
		    0);
}

static void
say_untold(void)
{
	ipc_say(DIAG_WARNING, "worker %d: the agent did not say in time what "
	    "the runtime API changed: serving what the files say until it "
	    "does", the_worker.start->no);
}

static void
told(void)
{
	tmr_stop(&the_loop->wheel, &the_worker.untold);
	be_ready();
}

static void
not_told(struct tmr *t)
{
	(void)t;
	agent_client_told(NULL);
	say_untold();
	be_ready();
}

static void
told_meanwhile(void)
{
	the_loop->woken = NULL;
}

/* Whoever changed something has no answer before it was told to all that the
 * agent knew. What came behind that answer must not be served before. */
static void
wait_if_news(void)
{
	if (!agent_news() || agent_client_wait(TOLD_MS))
		return;
	agent_client_told(NULL);
	told_meanwhile();
	say_untold();
}

/*
 * The first request must not meet a certificate or a list that the runtime
 * API replaced. What comes in the meantime waits at the listening sockets,
 * which are never closed. Nobody waits as long as nothing was ever changed.
 */
static void
ready_when_told(struct worker *w)
{
	if (!agent_news()) {
		w->loop.woken = wait_if_news;
		agent_client_told(told_meanwhile);
		be_ready();
		return;
	}
	tmr_init(&w->untold, not_told);
	tmr_arm(&w->loop.wheel, &w->untold, w->loop.now_ms + TOLD_MS);
	agent_client_told(told);
}

_Noreturn void
worker_main(const struct worker_start *s)
{
	struct worker *w = &the_worker;

	w->start = s;
	(void)signal(SIGPIPE, SIG_IGN);
	proc_title("ecluse worker %d, generation %u", s->no, s->gen);
	rand_seed();
	buf_setup(px_model->global.bufsize);
	http_setup(px_model->global.max_http_hdr);
	loop_open(&w->loop);
	w->loop.slow_us = px_model->global.warn_blocked_ms * INT64_C(1000);
	w->loop.slow = w->loop.slow_us == 0 ? NULL : was_blocked;
	shm_proc_no = s->proc_no;
	expr_worker_no = s->no - 1;
	MUST(cnt_bank_open(s->proc_no));
	MUST(srv_worker_start(s->proc_no));
	log_start(s->keeper_pid);
	strm_start();
	hear_signals(w);
	worker_listen_open(s);
	drop_privileges();
	tmr_init(&w->check, look_if_empty);
	tmr_init(&w->tidy, tidy);
	tmr_arm(&w->loop.wheel, &w->tidy, w->loop.now_ms + TIDY_MS);
	agent_kept_apply();
	if (s->agent_fd >= 0)
		agent_client_open(&w->loop, s->agent_fd);
	ipc_open(&w->keeper, s->keeper_fd, IPC_WORKER, IPC_KEEPER, &w->loop,
	    on_keeper, NULL);
	ipc_raise(&w->keeper, loop_highest(&w->loop));
	if (s->successor && s->agent_fd >= 0)
		ready_when_told(w);
	else
		be_ready();
	loop_run(&w->loop);
	exit(0);
}

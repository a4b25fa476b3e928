/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_proc - forking agent and workers, and again when they died.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>
#include <cnt/cnt.h>
#include <ipc/daemon.h>
#include <ipc/say.h>
#include <log/log.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/proc.h>
#include <os/sock.h>
#include <px/px.h>
#include <shm/reap.h>
#include <srv/srv.h>
#include <worker/worker.h>

#include "keeper_int.h"
#include "keeper_life.h"

#define SOON_MS     1000        /* died this soon: something is wrong */
#define SLOWEST_MS  10000
#define FIRST_MS    100
#define REFUSED_MS  1000        /* most, between tries to fork */
#define AGENT_GO_MS 4000        /* the agent gets to finish and leave */

KEEPER_REAP(srv, srv_worker_dead);

/* ---- in the child ---- */

static void
ignore_signals(void)
{
	static const int sigs[] = { SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
		SIGTTOU, SIGTTIN, SIGPIPE };

	/* They are meant for the top process, which tells us what to do. A
	 * terminal sends them to all. */
	for (size_t i = 0; i < NELEM(sigs); i++)
		(void)signal(sigs[i], SIG_IGN);
}

/* Give up what is the keeper's: its loop, its channels, its life. */
static void
become_child(struct keeper *k, int no, int shm_no)
{
	pid_t keeper = agent_facts.keeper_pid;

	proc_signals_reset();
	ignore_signals();
	loop_close(&k->loop);
	ipc_say_also = NULL;
	ipc_say_hurries = true;
	agent_facts.startup_log = keeper_log();
	if (k->has_master)
		ipc_abandon(&k->master);
	for (int i = 0; i <= k->n; i++)
		ipc_abandon(&k->procs[i].chan);
	fd_close(&k->ready_fd);
	if (k->life[1] >= 0)
		fd_close(&k->life[1]);
	ipc_life_follow(k->life[0]);
	if (k->daemonized || px_model->global.daemon)
		ipc_daemon_to_null();
	keeper_watch_forked(no);
	shm_lock_forked();
	shm_proc_no = shm_no;
	cnt_bank_open(shm_no);
	rand_seed();
	MUST(agent_facts.keeper_pid == keeper);
}

/* The agent drops what the workers drop. */
static void
settle_agent(void)
{
	const struct px_global *g = &px_model->global;
	const struct proc_identity id = {
		.set_uid = g->set_uid, .set_gid = g->set_gid, .uid = g->uid,
		.gid = g->gid, .chroot = g->chroot,
		.new_privs = g->insecure_setuid,
		.dumpable = g->set_dumpable, .caps = g->caps
	};
	const char *what;

	log_start(agent_facts.keeper_pid);      /* of state changes */
	if (proc_drop(&id, &what))
		return;
	ipc_say(DIAG_ALERT, "agent: %s: %s", what, strerror(errno));
	exit(1);
}

static _Noreturn void
run_agent(struct keeper *k, int shm_no, int keeper_fd)
{
	const struct agent_start start = { keeper_fd, settle_agent };

	become_child(k, 0, shm_no);
	fault_scope("agent", k->gen);
	if (fault_at("agent.start"))
		exit(1);
	proc_title("ecluse agent, generation %u", k->gen);
	agent_main(&start);
}

static void
close_others(struct keeper *k, const struct worker_listen *v, size_t n)
{
	for (size_t i = 0; i < k->n_socks; i++)
		for (size_t j = 0; j < k->socks[i].n; j++) {
			bool mine = false;

			for (size_t x = 0; x < n && !mine; x++)
				mine = v[x].fd == k->socks[i].fds[j];
			if (!mine)
				(void)close(k->socks[i].fds[j]);
		}
}

/* cpu-map */
static void
pin(int no)
{
	const struct px_global *g = &px_model->global;
	const cpu_set_t *set;

	if (g->cpu_map == NULL || no > g->n_cpu_map)
		return;
	set = &g->cpu_map[no - 1];
	if (CPU_COUNT(set) > 0 &&
	    sched_setaffinity(0, sizeof *set, set) != 0)
		ipc_say(DIAG_WARNING, "cpu-map: worker %d can't run on the "
		    "processors given: %s", no, strerror(errno));
}

static _Noreturn void
run_worker(struct keeper *k, int no, int shm_no, int keeper_fd, int agent_fd)
{
	struct worker_start s = {
		.no = no, .n_workers = k->n, .proc_no = shm_no, .gen = k->gen,
		.keeper_pid = agent_facts.keeper_pid, .keeper_fd = keeper_fd,
		.agent_fd = agent_fd,
		.successor = k->phase == KEEPER_SERVING
	};
	struct worker_listen *v = keeper_listens(k, no, &s.n_listens);

	become_child(k, no, shm_no);
	fault_scope("worker", k->gen);
	if (fault_at("worker.start"))
		exit(1);
	keeper_door_close();
	if (k->n_socks < 1000)          /* a square; they do no harm */
		close_others(k, v, s.n_listens);
	s.listens = v;
	pin(no);
	if (px_model->global.prealloc_fd)
		fd_prealloc();
	worker_main(&s);
}

/* ---- in the keeper ---- */

/* A new pair for the topics; the agent's end is sent as soon as it is there. */
static int
agent_pair(struct keeper *k, struct keeper_proc *p, int *worker_end)
{
	int pair[2];

	(void)k;
	(void)p;
	if (!sock_pair(SOCK_SEQPACKET, pair))
		return (-1);
	*worker_end = pair[1];
	return (pair[0]);
}

static void
tell_agent_of(struct keeper *k, struct keeper_proc *p, int *fd)
{
	struct ipc_worker w = { p->no, (int32_t)p->pid };

	(void)fault_at("keeper.introduce");
	if (k->procs[0].pid > 0)
		(void)ipc_send(&k->procs[0].chan, IPC_A_WORKER, &w, sizeof w,
		    fd, 1);
	fd_close(fd);
}

/* A new agent: every worker gets a channel to it. */
static void
introduce_workers(struct keeper *k)
{
	for (int i = 1; i <= k->n; i++) {
		struct keeper_proc *p = &k->procs[i];
		int mine, theirs;

		if (p->pid <= 0 || (mine = agent_pair(k, p, &theirs)) < 0)
			continue;
		(void)ipc_send(&p->chan, IPC_W_AGENT, NULL, 0, &theirs, 1);
		fd_close(&theirs);
		tell_agent_of(k, p, &mine);
	}
}

static void
after_fork(struct keeper *k, struct keeper_proc *p, pid_t pid, int shm_no,
    int chan_fd)
{
	p->pid = pid;
	p->shm_no = shm_no;
	p->ready = p->quiet = p->told_to_go = false;
	p->born_ms = clock_mono_us() / 1000;
	p->watched = (struct keeper_watched){ 0 };
	p->kill_ms = 0;
	shm_proc_set_pid(the_shm, shm_no, pid);
	ipc_open(&p->chan, chan_fd, IPC_KEEPER, p->no == 0 ? IPC_AGENT :
	    IPC_WORKER, &k->loop, keeper_on_child, p);
	if (p->no > 0 && (k->phase == KEEPER_SERVING ||
	    k->phase == KEEPER_GRACE))
		keeper_admit(k, p);
}

void
keeper_proc_name(const struct keeper_proc *p, char dst[KEEPER_NAME])
{
	snprintf(dst, KEEPER_NAME, p->no == 0 ? "Agent" : "Worker %d", p->no);
}

static void
say_refused(const struct keeper_proc *p, const char *reason)
{
	char name[KEEPER_NAME];

	keeper_proc_name(p, name);
	ipc_say(DIAG_ALERT, "%s can't be started: %s; look at the limits of "
	    "processes (ulimit -u, pids.max), memory and descriptors", name,
	    reason);
}

bool
keeper_fork_one(struct keeper *k, struct keeper_proc *p)
{
	int pair[2], mine = -1, theirs = -1;
	int shm_no = shm_proc_get(the_shm, k->gen, p->no == 0 ? 'a' : 'w');
	pid_t pid = -1;
	int e;

	if (shm_no < 0 || !sock_pair(SOCK_SEQPACKET, pair)) {
		say_refused(p, shm_no < 0 ? "too many processes of old "
		    "generations are left" : strerror(errno));
		if (shm_no >= 0)
			shm_proc_put(the_shm, shm_no);
		return (false);
	}
	if (p->no > 0)
		mine = agent_pair(k, p, &theirs);
	if ((pid = fault_at("keeper.fork") ? -1 : fork()) == 0) {
		(void)close(pair[0]);
		fd_close(&mine);
		if (p->no == 0)
			run_agent(k, shm_no, pair[1]);
		run_worker(k, p->no, shm_no, pair[1], theirs);
	}
	e = errno;
	(void)close(pair[1]);
	fd_close(&theirs);
	if (pid < 0) {
		say_refused(p, strerror(e));
		(void)close(pair[0]);
		fd_close(&mine);
		shm_proc_put(the_shm, shm_no);
		return (false);
	}
	after_fork(k, p, pid, shm_no, pair[0]);
	if (p->no == 0)
		introduce_workers(k);
	else
		tell_agent_of(k, p, &mine);
	return (true);
}

/* The delay behind the n-th failure in a row: each is twice the one before. */
static int64_t
slower(unsigned n, int64_t most)
{
	int64_t delay = FIRST_MS;

	while (n-- > 1 && delay < most)
		delay *= 2;
	return (delay < most ? delay : most);
}

/* What it would serve waits: that processes or memory are short may be over in
 * a moment, and a try costs nothing. */
static int64_t
fork_again(struct keeper *k, struct keeper_proc *p)
{
	int64_t delay;

	if (keeper_fork_one(k, p)) {
		p->refused = 0;
		keeper_child_again(k, p);
		return (0);
	}
	delay = slower(++p->refused, REFUSED_MS);
	ipc_say(DIAG_ALERT, "until then, %s; next try in %d ms",
	    p->no > 0 ? "its share of new connections waits" :
	    "nothing is checked and the runtime API is silent", (int)delay);
	return (delay);
}

static void
replace(struct keeper *k, struct keeper_proc *p, int64_t delay)
{
	if (delay == 0 && (delay = fork_again(k, p)) == 0)
		return;
	k->loop.now_ms = clock_mono_us() / 1000;
	tmr_arm(&k->loop.wheel, &p->again, k->loop.now_ms + delay);
}

static void
on_again(struct tmr *t)
{
	struct keeper_proc *p = HOLDER(t, struct keeper_proc, again);

	/* It left its channel, or was cut off or told to go, and did not
	 * end. */
	if (p->pid > 0 && (p->chan.fd < 0 || p->told_to_go)) {
		(void)kill(p->pid, SIGKILL);
		return;
	}
	if (p->pid == 0 && the_keeper.phase < KEEPER_QUIET) {
		replace(&the_keeper, p, 0);
		keeper_report(&the_keeper, IPC_PROCS);
	}
}

bool
keeper_fork_all(struct keeper *k)
{
	k->procs = must_alloc((size_t)(k->n + 1) * sizeof *k->procs);
	for (int i = 0; i <= k->n; i++) {
		k->procs[i].no = i;
		k->procs[i].chan.fd = -1;
		list_init(&k->procs[i].chan.out);
		tmr_init(&k->procs[i].again, on_again);
	}
	keeper_watch_begin(k);
	agent_news_open();
	for (int i = 0; i <= k->n; i++)
		if (!keeper_fork_one(k, &k->procs[i]))
			return (false);
	ipc_say_hurries = true;         /* what they need comes first */
	return (true);
}

void
keeper_agent_go(struct keeper *k, struct keeper_proc *p)
{
	if (p->told_to_go)
		return;
	p->told_to_go = true;
	(void)ipc_send(&p->chan, IPC_A_LEAVE, NULL, 0, NULL, 0);
	tmr_stop(&k->loop.wheel, &p->again);
	tmr_arm(&k->loop.wheel, &p->again, k->loop.now_ms + AGENT_GO_MS);
}

/* ---- death ---- */

/* What a dead one left in shared memory, and what the agent knows of it. */
static void
give_back(struct keeper *k, struct keeper_proc *p, pid_t pid, int shm_no)
{
	struct ipc_worker w = { p->no, (int32_t)pid };

	shm_keeper_lock(the_shm);
	if (shm_proc_is(the_shm, shm_no, pid)) {
		shm_reap(shm_no);
		cnt_bank_fold(shm_no);
		shm_proc_put(the_shm, shm_no);
	}
	shm_keeper_unlock(the_shm);
	if (p->no > 0 && k->procs[0].pid > 0)
		(void)ipc_send(&k->procs[0].chan, IPC_A_GONE, &w, sizeof w,
		    NULL, 0);
}

static void
say_death(const struct keeper_proc *p, pid_t pid, int status, int64_t delay)
{
	char name[KEEPER_NAME], again[64] = "";

	keeper_proc_name(p, name);
	if (delay > 0)
		snprintf(again, sizeof again,
		    "; it crashes again and again, next try in %d ms",
		    (int)delay);
	if (WIFSIGNALED(status))
		ipc_say(DIAG_ALERT, "%s (%d) ended by signal %d (%s)%s", name,
		    (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)),
		    again);
	else
		ipc_say(DIAG_ALERT, "%s (%d) exited with code %d%s", name,
		    (int)pid, WEXITSTATUS(status), again);
}

/* How long to wait before the next one: not at all, unless it crashes soon
 * after each start. */
static int64_t
slow_down(struct keeper *k, struct keeper_proc *p)
{
	int64_t delay = 0;

	k->loop.now_ms = clock_mono_us() / 1000;
	if (k->loop.now_ms - p->born_ms > SOON_MS)
		p->crashes = 0;
	if (p->crashes > 0)
		delay = slower(p->crashes, SLOWEST_MS);
	p->crashes++;
	return (delay);
}

/* Its successor begins before it has ended. False: not now. */
static bool
supersede(struct keeper *k, struct keeper_proc *p, int sig)
{
	if (p->no == 0 || k->phase != KEEPER_SERVING || p->former.pid > 0 ||
	    (p->crashes > 0 && clock_mono_us() / 1000 - p->born_ms <=
	    SOON_MS))
		return (false);
	(void)kill(p->pid, sig);
	proc_hold_back(p->pid);         /* the next one goes before its end */
	p->former.pid = p->pid;
	p->former.shm_no = p->shm_no;
	p->former.kill_ms = p->kill_ms;
	ipc_close(&p->chan);
	p->pid = 0;
	replace(k, p, slow_down(k, p));
	keeper_report(k, IPC_PROCS);
	return (true);
}

/*
 * A process that is killed takes its thousands of connections down one by one
 * before it is dead: some 10 us each. Its channel is among the first (worker,
 * ipc_raise()), and what comes to its listeners waits for its successor.
 */
void
keeper_child_cut_off(struct keeper *k, struct keeper_proc *p)
{
	/* If it was not killed: it is no use. */
	if (supersede(k, p, SIGKILL))
		return;
	tmr_stop(&k->loop.wheel, &p->again);
	tmr_arm(&k->loop.wheel, &p->again, k->loop.now_ms + SOON_MS);
}

bool
keeper_replaces(const struct keeper *k)
{
	return (k->phase == KEEPER_CLOSED || k->phase == KEEPER_SERVING ||
	    k->phase == KEEPER_GRACE);
}

/* A worker's successor need not wait for the core. An agent's does: two would
 * answer for one another. */
void
keeper_child_hangs(struct keeper *k, struct keeper_proc *p)
{
	pid_t pid = p->pid;

	if (!supersede(k, p, SIGABRT))
		(void)kill(pid, SIGABRT);
	(void)kill(pid, SIGCONT);       /* who is stopped takes it then */
}

static void
bury(struct keeper *k, struct keeper_proc *p, pid_t pid, int status)
{
	int64_t delay = 0;

	give_back(k, p, pid, p->shm_no);
	ipc_close(&p->chan);
	p->pid = 0;
	if (keeper_replaces(k)) {
		delay = slow_down(k, p);
		say_death(p, pid, status, delay);
		replace(k, p, delay);
	} else if (WIFSIGNALED(status) && k->phase != KEEPER_STOPPING)
		say_death(p, pid, status, 0);
	keeper_child_died(k, p, status);
}

static void
bury_former(struct keeper *k, struct keeper_proc *p, int status)
{
	pid_t pid = p->former.pid;

	p->former.pid = 0;
	give_back(k, p, pid, p->former.shm_no);
	if (k->phase != KEEPER_STOPPING)
		say_death(p, pid, status, 0);
	keeper_check_end(k);
}

static void
bury_any(struct keeper *k, pid_t pid, int status)
{
	for (int i = 0; i <= k->n; i++) {
		struct keeper_proc *p = &k->procs[i];

		if (p->pid == pid)
			ipc_hear(&p->chan);     /* it may have a former now */
		if (p->pid == pid)
			bury(k, p, pid, status);
		else if (p->former.pid == pid)
			bury_former(k, p, status);
	}
}

/* As waitpid(2) tells it. */
static int
wait_status(const siginfo_t *si)
{
	return (si->si_code == CLD_EXITED ? W_EXITCODE(si->si_status, 0) :
	    W_EXITCODE(0, si->si_status) |
	    (si->si_code == CLD_DUMPED ? WCOREFLAG : 0));
}

/*
 * The next one is started before the dead one is waited for: that takes
 * milliseconds when somebody looked at its thousands of descriptors in /proc.
 */
void
keeper_reap(struct keeper *k)
{
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    si.si_pid == 0)
			return;
		bury_any(k, si.si_pid, wait_status(&si));
		if (k->phase >= KEEPER_LEAVING)
			proc_step_back();
		(void)waitpid(si.si_pid, NULL, WNOHANG);
	}
}

void
keeper_tell_workers(struct keeper *k, enum ipc_type type)
{
	for (int i = 1; i <= k->n; i++)
		if (k->procs[i].pid > 0)
			(void)ipc_send(&k->procs[i].chan, type, NULL, 0, NULL,
			    0);
}

void
keeper_kill_all(struct keeper *k, int sig)
{
	for (int i = 0; i <= k->n && k->procs != NULL; i++)
		if (k->procs[i].pid > 0)
			(void)kill(k->procs[i].pid, sig);
}

int
keeper_alive(const struct keeper *k, bool agent_too)
{
	int n = 0;

	for (int i = agent_too ? 0 : 1; i <= k->n; i++)
		n += (k->procs[i].pid > 0) + (k->procs[i].former.pid > 0);
	return (n);
}

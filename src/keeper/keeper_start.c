/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_start - how a generation begins, alone or below a master, and what a
 * master tells it later.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>
#include <base/text.h>
#include <conf/level.h>
#include <ipc/daemon.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/proc.h>
#include <os/sock.h>
#include <px/px.h>
#include <version.h>

#include "keeper_int.h"
#include "keeper_life.h"

#define WORKERS_MAX     100     /* two generations in SHM_PROCS */
#define FD_HARD_MAX     1048576 /* more is not asked for without a maxconn */
#define FDS_OWN         60      /* of a process besides connections */
#define START_MS        30000

/* ---- limits ---- */

/* What is forked from here on runs so. */
static void
set_priority(void)
{
	const struct px_global *g = &px_model->global;
	int n = g->renice_runtime != PX_NICE_KEPT ? g->renice_runtime :
	    g->renice_startup != PX_NICE_KEPT ? g->nice_before : PX_NICE_KEPT;

	if (n != PX_NICE_KEPT && setpriority(PRIO_PROCESS, 0, n) != 0)
		ipc_say(DIAG_WARNING, "can't run at priority %d "
		    "(tune.renice.runtime): %s", n, strerror(errno));
}

/* False when a limit can't be set and 'strict-limits' is in force. */
static bool
set_limits(struct keeper *k)
{
	struct px_global *g = &px_model->global;
	size_t listens = px_model->n_listens, want, got, most;
	enum diag_level how = g->strict_limits ? DIAG_ALERT : DIAG_WARNING;
	struct rlimit rl;
	bool good = true;

	if (k->o->memory_mb > 0) {
		rl.rlim_cur = rl.rlim_max = (rlim_t)k->o->memory_mb << 20;
		if (!(good = setrlimit(RLIMIT_DATA, &rl) == 0))
			ipc_say(how, "can't limit memory to %ld MB: "
			    "%s", k->o->memory_mb, strerror(errno));
	}
	want = g->ulimit_n;
	if (want == 0)
		want = g->maxconn == 0 ? FD_HARD_MAX :
		    2 * (size_t)g->maxconn + listens + FDS_OWN +
		    (g->maxpipes > 0 ? 2 * (size_t)g->maxpipes : 0);
	most = g->fd_hard_limit == 0 ? SIZE_MAX : g->fd_hard_limit;
	if (g->ulimit_n == 0 && g->maxconn == 0 && want > most)
		want = most;
	got = fd_limit_raise(want < most ? want : most);
	if (got > most && getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		got = rl.rlim_cur = most;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	if (g->ulimit_n != 0 && g->ulimit_n <= most &&
	    getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur != g->ulimit_n && g->ulimit_n <= rl.rlim_max) {
		rl.rlim_cur = g->ulimit_n;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		got = g->ulimit_n;
	}
	if (got < want && (g->ulimit_n != 0 || g->maxconn != 0)) {
		ipc_say(how, "can't raise the limit of descriptors to %zu, it "
		    "stays at %zu; %s", want, got, g->strict_limits ?
		    "lower 'maxconn', or say 'no strict-limits'" :
		    "connections above that will wait");
		good = false;
	}
	set_priority();
	g->ulimit_n = (uint32_t)got;
	if (g->maxconn == 0)
		g->maxconn = got > 2 * (listens + FDS_OWN) ?
		    (uint32_t)((got - listens - FDS_OWN) / 2) : 10;
	return (good || !g->strict_limits);
}

static void
count_workers(struct keeper *k)
{
	struct px_global *g = &px_model->global;

	k->n = g->nbthread > 0 ? g->nbthread : proc_cpu_count();
	if (g->thread_hard_limit != 0 && k->n > g->thread_hard_limit) {
		if (g->nbthread > 0)
			ipc_say(DIAG_WARNING, "'nbthread %d' is more than "
			    "'thread-hard-limit %d', which counts",
			    g->nbthread, g->thread_hard_limit);
		k->n = g->thread_hard_limit;
	}
	if (k->n > WORKERS_MAX) {
		if (g->nbthread > 0)
			ipc_say(DIAG_WARNING, "'nbthread %d' is more than the "
			    "%d workers that a generation may have",
			    g->nbthread, WORKERS_MAX);
		k->n = WORKERS_MAX;
	}
	g->nbthread = k->n;
}

/* ---- what is true for all of the generation ---- */

static void
set_facts(struct keeper *k, pid_t top)
{
	static char host[HOST_NAME_MAX + 1] = "localhost";
	const struct px_global *g = &px_model->global;
	struct agent_facts *f = &agent_facts;

	(void)gethostname(host, sizeof host - 1);
	f->gen = k->gen;
	f->reloads = k->reloads;
	f->keeper_pid = getpid();
	f->top_pid = top != 0 ? top : getpid();
	f->top_uid = geteuid();
	ipc_takeover_ns(f->pid_ns);
	f->n_workers = k->n;
	f->has_master = k->has_master;
	f->start_wall_us = clock_wall_us();
	f->start_mono_us = clock_mono_us();
	f->node = g->node != NULL ? g->node : host;
	f->description = g->description;
	f->progname = k->o->progname;
	f->version = CONF_LEVEL_VERSION;
	f->date = ECLUSE_DATE;
	f->memory_mb = k->o->memory_mb;
}

/* Where an inherited socket listens, if it is one that has an address. */
static void
put_inherited(struct text *t, int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;
	char name[ADDR_TEXT];
	struct addr a;

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return;
	addr_from_sa(&a, (struct sockaddr *)&ss, n);
	if (a.family != ADDR_V4 && a.family != ADDR_V6)
		return;
	addr_print_port(&a, name);
	text_printf(t, "%s%s@%s", t->n > 0 ? ";" : "",
	    a.family == ADDR_V4 ? "ipv4" : "ipv6", name);
}

/* HAPROXY_CLI: where the runtime API listens. */
static void
set_cli_env(void)
{
	struct text t;

	text_init(&t);
	for (const struct px_listen *li = px_model->global.stats_listens;
	    li != NULL; li = li->next) {
		const char *prefix = "";

		if (li->addr.addr.family == ADDR_SOCKPAIR)
			continue;
		if (li->addr.addr.family == ADDR_FD) {
			put_inherited(&t, li->addr.fd);
			continue;
		}
		if (strchr(li->text, '@') == NULL)
			prefix = li->addr.addr.family == ADDR_V4 ? "ipv4@" :
			    li->addr.addr.family == ADDR_V6 ? "ipv6@" :
			    "unix@";
		text_printf(&t, "%s%s%s", t.n > 0 ? ";" : "", prefix,
		    li->text);
	}
	if (t.n > 0)
		setenv("HAPROXY_CLI", t.p, 1);
	text_fini(&t);
}

/* ---- alone ---- */

int
keeper_top(struct keeper_opts *o)
{
	struct keeper *k = &the_keeper;
	struct conf conf;

	k->o = o;
	k->gen = 1;
	keeper_log_begin();
	fault_scope("keeper", k->gen);
	keeper_env(o);
	if (!keeper_load(o, &conf))
		return (1);
	if (px_model->global.master_worker)
		return (KEEPER_WANTS_MASTER);
	if (o->n_master_sockets > 0) {
		ipc_say(DIAG_ALERT, "-S needs the master-worker mode: add -W");
		return (1);
	}
	count_workers(k);
	if (!set_limits(k) || !keeper_takeover(k))
		return (1);
	set_cli_env();
	if (px_model->global.daemon) {
		k->ready_fd = ipc_daemon();
		k->daemonized = true;
	}
	set_facts(k, 0);
	keeper_door_open();
	if (!ipc_life_open(k->life) || !keeper_takeover_state(k))
		return (1);
	keeper_run(k);
	return (k->status);
}

/* ---- below a master ---- */

static void
take_start(struct keeper *k, struct ipc_start *st, int fds[5])
{
	struct ipc_msg m;

	if (!ipc_wait(&k->master, &m, START_MS) || m.type != IPC_START ||
	    m.data.n != sizeof *st || (m.n_fds != 3 && m.n_fds != 5)) {
		ipc_say(DIAG_ALERT, "the master did not say how to start");
		exit(1);
	}
	memcpy(st, m.data.p, sizeof *st);
	memcpy(fds, m.fds, m.n_fds * sizeof *fds);
	if (st->version != IPC_VERSION) {
		ipc_say(DIAG_ALERT, "the master speaks version %u, expected "
		    "%d; restart it to change to this release", st->version,
		    IPC_VERSION);
		exit(1);
	}
}

static void
send_hello(struct keeper *k)
{
	const struct px_global *g = &px_model->global;
	struct ipc_hello h = { IPC_LEVEL, k->n, g->mworker_max_reloads,
		g->daemon, g->hard_stop_after_ms };
	struct text t;

	text_init(&t);
	text_add(&t, span_of((const char *)&h, sizeof h));
	if (g->pidfile != NULL)
		text_addz(&t, g->pidfile);
	if (t.n <= 4096)
		(void)ipc_send(&k->master, IPC_HELLO, t.p, t.n, NULL, 0);
	text_fini(&t);
}

void
keeper_candidate(struct keeper_opts *o, int master_fd)
{
	struct keeper *k = &the_keeper;
	struct ipc_start st;
	struct conf conf;
	int fds[5] = { -1, -1, -1, -1, -1 };
	struct ipc_heritage copy;

	k->o = o;
	k->has_master = o->master = true;
	(void)sock_set_cloexec(master_fd, true);
	ipc_open(&k->master, master_fd, IPC_KEEPER, IPC_MASTER, NULL, NULL,
	    NULL);
	take_start(k, &st, fds);
	keeper_log_begin();
	k->gen = st.gen;
	k->reloads = st.reloads;
	k->master_level = st.flags >> 8;
	k->life[0] = fds[2];
	ipc_life_follow(fds[2]);
	fault_scope("keeper", k->gen);
	keeper_env(o);
	if (!keeper_load(o, &conf) || fault_at("keeper.parse"))
		exit(1);
	count_workers(k);
	send_hello(k);
	if (!set_limits(k) || !keeper_sockets(k) ||
	    fault_at("keeper.sockets"))
		exit(1);
	set_cli_env();
	set_facts(k, st.master_pid);
	keeper_door_open();
	copy = (struct ipc_heritage){ fds[3], fds[4], false };
	if (!keeper_state(k, fds[0], fds[1], st.oldest_gen) ||
	    !keeper_copy(&copy) || fault_at("keeper.state"))
		exit(1);
	keeper_run(k);
	exit(k->status);
}

/* ---- what the master says ---- */

/* GIVE and TAKE carry one end of a pair for one worker. */
static void
pass_on(struct keeper *k, struct ipc_msg *m)
{
	enum ipc_type type = m->type == IPC_GIVE ? IPC_W_GIVE : IPC_W_TAKE;
	int32_t no;

	if (m->data.n != sizeof no || m->n_fds != 1)
		return;
	memcpy(&no, m->data.p, sizeof no);
	if (m->type == IPC_GIVE)        /* who gives accepts no more */
		keeper_quiesce(k);
	if (fault_at(m->type == IPC_GIVE ? "keeper.give" : "keeper.take"))
		return;
	if (!k->taken && no >= 1 && no <= k->n && k->procs[no].pid > 0)
		(void)ipc_send(&k->procs[no].chan, type, &no, sizeof no,
		    m->fds, 1);
}

static void
end_worker(const struct keeper *k, const struct ipc_msg *m)
{
	int32_t no;

	if (m->data.n != sizeof no)
		return;
	memcpy(&no, m->data.p, sizeof no);
	if (no < 1 || no > k->n || k->procs[no].pid <= 0)
		return;
	ipc_say(DIAG_ALERT, "Worker %d (%d) does not answer an old worker that "
	    "hands over; it is ended and replaced", (int)no,
	    (int)k->procs[no].pid);
	(void)kill(k->procs[no].pid, SIGKILL);
}

static void
obey_signal(struct keeper *k, const struct ipc_msg *m)
{
	int32_t sig;

	if (m->data.n != sizeof sig)
		return;
	memcpy(&sig, m->data.p, sizeof sig);
	keeper_signal(k, sig);
}

void
keeper_on_master(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct keeper *k = arg;

	(void)c;
	if (m == NULL) {
		keeper_kill_all(k, SIGKILL);
		exit(1);
	}
	switch (m->type) {
	case IPC_GATES:
		keeper_open_gates(k);
		break;
	case IPC_QUIESCE:
		keeper_quiesce(k);
		break;
	case IPC_DRAIN:
		if (!fault_at("keeper.drain"))
			keeper_leave(k);
		break;
	case IPC_SIGNAL:
		obey_signal(k, m);
		break;
	case IPC_GIVE:
	case IPC_TAKE:
		pass_on(k, m);
		break;
	case IPC_KILL:
		end_worker(k, m);
		break;
	case IPC_CLI:
		if (m->n_fds == 1 && k->procs[0].pid > 0)
			(void)ipc_send(&k->procs[0].chan, IPC_A_CLI, m->data.p,
			    m->data.n, m->fds, 1);
		break;
	default:
		break;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_info - "show info": the process group as a whole. What only a worker
 * knows of itself (memory, idle time) is asked for.
 *
 * Source: management manual 9.3: show info.
 */
#include "stat_int.h"

#include <agent/agent.h>
#include <base/clock.h>
#include <cnt/cnt.h>
#include <os/loop.h>
#include <tls/tls.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct info {
	struct cli_ctx *x;
	struct stat_opts opt;
	struct stat_val v[INFO_N];
	struct stat_load sum;
	uint32_t question;
	char uptime[32], tainted[4];
};

static bool gates_closed;

/* ---- rates of the process group, looked at once per second ---- */

struct pace {                           /* in the last second */
	uint64_t conn, sess;
};

static struct {
	uint64_t conn, sess;            /* most so far */
	uint64_t bytes, bytes_rate;
	struct tmr tmr;
} peak;

static struct pace
pace_now(void)
{
	struct pace p = { 0, 0 };

	PX_EACH(px, px_model) {
		const struct fe_shm *m;

		if (!(px->kind & PX_FE))
			continue;
		m = fe_of(px)->shm;
		p.conn += srv_rate_now(&m->conn_rate, the_loop->wall_us);
		p.sess += srv_rate_now(&m->sess_rate, the_loop->wall_us);
	}
	return (p);
}

static void
note_peaks(const struct pace *p)
{
	if (p->conn > peak.conn)
		peak.conn = p->conn;
	if (p->sess > peak.sess)
		peak.sess = p->sess;
}

static uint64_t
bytes_so_far(void)
{
	struct cnt_proc c;

	cnt_sum(cnt_proc_at, (uint64_t *)&c, sizeof c / sizeof(uint64_t));
	return (c.bytes_out);
}

static void
on_second(struct tmr *t)
{
	struct pace p = pace_now();
	uint64_t bytes = bytes_so_far();

	note_peaks(&p);
	peak.bytes_rate = bytes > peak.bytes ? bytes - peak.bytes : 0;
	peak.bytes = bytes;
	tmr_arm(&the_loop->wheel, t, the_loop->now_ms + 1000);
}

static void
start(struct loop *loop)
{
	stat_hard_maxconn = fe_conn_limit;
	peak.bytes = bytes_so_far();
	tmr_init(&peak.tmr, on_second);
	tmr_arm(&loop->wheel, &peak.tmr, loop->now_ms + 1000);
}

void
stat_clear_peaks(void)
{
	peak.conn = peak.sess = 0;
}

/* ---- the answer ---- */

static void
num(struct info *f, enum stat_info_col col, uint64_t n)
{
	f->v[col].set = true;
	f->v[col].n = (int64_t)n;
}

static void
str(struct info *f, enum stat_info_col col, const char *z)
{
	f->v[col].set = true;
	f->v[col].z = z;
}

static void
put_product(struct info *f)
{
	str(f, INFO_name, "HAProxy");   /* tools look for this name */
	str(f, INFO_version, agent_facts.version);
	str(f, INFO_release_date, agent_facts.date);
	str(f, INFO_buildinfo, agent_facts.version);
	num(f, INFO_nbthread, (uint64_t)agent_facts.n_workers);
	num(f, INFO_nbproc, 1);
	num(f, INFO_process_num, 1);
	num(f, INFO_pid, (uint64_t)agent_facts.keeper_pid);
	str(f, INFO_node, agent_facts.node);
	if (agent_facts.description != NULL)
		str(f, INFO_description, agent_facts.description);
	str(f, INFO_tainted, "0");
}

static void
put_times(struct info *f)
{
	int64_t s = (the_loop->now_us - agent_facts.start_mono_us) / 1000000;

	if (s < 0)
		s = 0;
	snprintf(f->uptime, sizeof f->uptime, "%dd %dh%02dm%02ds",
	    (int)(s / 86400), (int)(s / 3600 % 24), (int)(s / 60 % 60),
	    (int)(s % 60));
	str(f, INFO_uptime, f->uptime);
	num(f, INFO_uptime_sec, (uint64_t)s);
	num(f, INFO_start_time,
	    (uint64_t)(agent_facts.start_wall_us / 1000000));
}

static void
put_limits(struct info *f)
{
	struct rlimit files = { .rlim_cur = 0 };

	(void)getrlimit(RLIMIT_NOFILE, &files);
	num(f, INFO_ulimit_n, files.rlim_cur);
	num(f, INFO_maxsock, files.rlim_cur);
	num(f, INFO_maxconn, fe_conn_limit);
	num(f, INFO_hard_maxconn, stat_hard_maxconn);
	num(f, INFO_memmax_mb, (uint64_t)agent_facts.memory_mb);
	num(f, INFO_memmax_b, (uint64_t)agent_facts.memory_mb << 20);
}

/* What all frontends did in the last second. */
static void
put_rates(struct info *f)
{
	struct pace p = pace_now();

	note_peaks(&p);
	num(f, INFO_connrate, p.conn);
	num(f, INFO_connratelimit, fe_conn_rate_limit);
	num(f, INFO_maxconnrate, peak.conn);
	num(f, INFO_sessrate, p.sess);
	num(f, INFO_sessratelimit, fe_sess_rate_limit);
	num(f, INFO_maxsessrate, peak.sess);
	num(f, INFO_bytesoutrate, peak.bytes_rate);
}

static void
put_counts(struct info *f)
{
	struct cnt_proc c;
	unsigned sessions = cli_session_count();
	uint64_t lost;

	cnt_sum(cnt_proc_at, (uint64_t *)&c, sizeof c / sizeof(uint64_t));
	lost = c.log_lost;
	num(f, INFO_currconns, fe_conn_total() + sessions);
	num(f, INFO_cumconns, c.conn_tot);
	num(f, INFO_cumreq, c.req_tot);
	num(f, INFO_pipesused, c.pipes_used);
	num(f, INFO_pipesfree, 0);
	num(f, INFO_maxpipes, px_model->global.maxpipes >= 0 ?
	    (uint64_t)px_model->global.maxpipes : fe_conn_limit / 4);
	num(f, INFO_droppedlogs, lost);
	num(f, INFO_totalout, c.bytes_out);
	num(f, INFO_totalspliced, c.spliced_out);
	num(f, INFO_hung_agents, c.hung_agents);
	num(f, INFO_hung_workers, c.hung_workers);
	num(f, INFO_stopping, gates_closed);
	num(f, INFO_listeners, agent_n_sockets);
	num(f, INFO_jobs, fe_conn_total() + sessions + agent_n_sockets);
	num(f, INFO_unstoppable, 0);
}

static void
put_tls(struct info *f)
{
	struct tls_counts t;
	struct cnt_proc c;

	tls_count(&t);
	cnt_sum(cnt_proc_at, (uint64_t *)&c, sizeof c / sizeof(uint64_t));
	num(f, INFO_maxsslconns, t.conns_max);
	num(f, INFO_currsslconns, t.conns);
	num(f, INFO_cumsslconns, c.ssl_conn_tot);
	num(f, INFO_sslrate, t.rate);
	num(f, INFO_sslratelimit, t.rate_limit);
	num(f, INFO_maxsslrate, t.rate_max);
	num(f, INFO_sslfkeyrate, t.key_rate);
	num(f, INFO_sslfmaxkeyrate, t.key_rate_max);
	num(f, INFO_sslfreuse, t.rate <= t.key_rate ? 0 :
	    (t.rate - t.key_rate) * 100 / t.rate);
	num(f, INFO_sslcachelookups, c.ssl_cache_lookups);
	num(f, INFO_sslcachemisses, c.ssl_cache_misses);
}

/* What this program does not have, so that it is zero in truth. */
static void
put_absent(struct info *f)
{
	static const enum stat_info_col none[] = {
		INFO_sslbkeyrate, INFO_sslbmaxkeyrate,
		INFO_compressin, INFO_compressout,
		INFO_compresslim, INFO_activepeers, INFO_connpeers,
		INFO_busypolling, INFO_failedresol, INFO_debugcmds,
		INFO_cumrecvlogs,
	};

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		num(f, none[i], 0);
}

static void
put_load(struct info *f)
{
	uint64_t all = f->sum.busy_us + f->sum.idle_us;

	num(f, INFO_poolalloc_mb, f->sum.pool_bytes >> 20);
	num(f, INFO_poolused_mb, f->sum.pool_used >> 20);
	num(f, INFO_poolalloc_b, f->sum.pool_bytes);
	num(f, INFO_poolused_b, f->sum.pool_used);
	num(f, INFO_poolfailed, f->sum.pool_failed);
	num(f, INFO_tasks, f->sum.fds);
	num(f, INFO_run_queue, f->sum.tasks);
	num(f, INFO_idle_pct, all == 0 ? 100 :
	    f->sum.idle_us * 100 / all);
}

void
stat_info_here(struct stat_val v[INFO_N])
{
	static struct info f;

	put_product(&f);
	put_times(&f);
	put_limits(&f);
	put_rates(&f);
	put_counts(&f);
	put_tls(&f);
	memcpy(v, f.v, sizeof f.v);
}

static void
on_load(struct agent_worker *w, struct span data, void *arg)
{
	struct info *f = arg;
	struct stat_load l;

	(void)w;
	if (!stat_load_read(data, &l))
		return;
	f->sum.busy_us += l.busy_us;
	f->sum.idle_us += l.idle_us;
	f->sum.pool_bytes += l.pool_bytes;
	f->sum.pool_used += l.pool_used;
	f->sum.pool_failed += l.pool_failed;
	f->sum.fds += l.fds;
	f->sum.tasks += l.tasks;
}

static void
on_all_loads(int missing, void *arg)
{
	struct info *f = arg;

	(void)missing;          /* a busy worker's share is left out */
	f->question = 0;
	put_product(f);
	put_times(f);
	put_limits(f);
	put_rates(f);
	put_counts(f);
	put_tls(f);
	put_absent(f);
	put_load(f);
	stat_info_put(f->x->out, f->v, &f->opt);
	cli_finish(f->x);
}

static enum cli_done
run_info(struct cli_ctx *x)
{
	struct info *f = x->priv = cli_alloc(x, sizeof *f);

	f->x = x;
	f->opt = stat_opts_parse(x, x->at);
	f->question = stat_ask_load(on_load, on_all_loads, f);
	return (CLI_LATER);
}

static void
drop_info(struct cli_ctx *x)
{
	struct info *f = x->priv;

	agent_ask_drop(f->question);
}

CLI_COMMAND(show_info) = {
	.name = "show info", .args = "[desc|json|typed]*",
	.level = PX_LEVEL_USER, .run = run_info, .dropped = drop_info,
	.doc = "facts and counters of the process group",
};

static void
note_gates(bool open)
{
	gates_closed = !open;
}

AGENT_PART(stat) = {
	.name = "stat", .rank = 40, .start = start, .gates = note_gates
};

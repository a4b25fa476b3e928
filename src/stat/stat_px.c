/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_px - what is known about a frontend, a listener, a server or a backend,
 * as a row of "show stat". Counters are the sums of all workers.
 */
#include "stat_int.h"

#include <chk/chk.h>
#include <cnt/cnt.h>
#include <os/loop.h>
#include <srv/algo.h>
#include <srv/state.h>

#include <stdio.h>
#include <string.h>

static void
num(struct stat_row *r, enum stat_px_col col, uint64_t n)
{
	r->v[col].set = true;
	r->v[col].n = (int64_t)n;
}

static void
str(struct stat_row *r, enum stat_px_col col, const char *z)
{
	r->v[col].set = true;
	r->v[col].z = z;
}

static int64_t
wall_s(void)
{
	return (the_loop->wall_us / 1000000);
}

static void
begin(struct stat_row *r, char kind, const struct px *px, uint32_t sid)
{
	static const char *const modes[] = { "tcp", "http" };

	memset(r->v, 0, sizeof r->v);
	r->kind = kind;
	r->iid = px->id;
	r->sid = sid;
	str(r, COL_pxname, px->name);
	num(r, COL_pid, 1);
	num(r, COL_iid, px->id);
	num(r, COL_sid, sid);
	str(r, COL_mode, modes[px->mode == PX_HTTP]);
}

/* Counters that have the same name in every kind of object. */
#define BYTES(r, c)                                                          \
	do {                                                                 \
		num(r, COL_stot, (c).sess_tot);                              \
		num(r, COL_bin, (c).bytes_in);                               \
		num(r, COL_bout, (c).bytes_out);                             \
		num(r, COL_eint, (c).err_internal);                          \
	} while (0)

#define STATUSES(r, c)                                                       \
	do {                                                                 \
		num(r, COL_hrsp_1xx, (c).hrsp_1xx);                          \
		num(r, COL_hrsp_2xx, (c).hrsp_2xx);                          \
		num(r, COL_hrsp_3xx, (c).hrsp_3xx);                          \
		num(r, COL_hrsp_4xx, (c).hrsp_4xx);                          \
		num(r, COL_hrsp_5xx, (c).hrsp_5xx);                          \
		num(r, COL_hrsp_other, (c).hrsp_other);                      \
		num(r, COL_req_tot, (c).req_tot);                            \
	} while (0)

#define HANDSHAKES(r, c)                                                     \
	do {                                                                 \
		num(r, COL_ssl_sess, (c).ssl_sess);                          \
		num(r, COL_ssl_reused_sess, (c).ssl_reused);                 \
		num(r, COL_ssl_failed_handshake, (c).ssl_failed);            \
	} while (0)

#define SERVERWARD(r, c)                                                     \
	do {                                                                 \
		num(r, COL_econ, (c).err_conn);                              \
		num(r, COL_eresp, (c).err_resp);                             \
		num(r, COL_wretr, (c).retries);                              \
		num(r, COL_wredis, (c).redispatch);                          \
		num(r, COL_dresp, (c).denied_resp);                          \
		num(r, COL_lbtot, (c).lbtot);                                \
		num(r, COL_cli_abrt, (c).cli_abort);                         \
		num(r, COL_srv_abrt, (c).srv_abort);                         \
		num(r, COL_wrew, (c).rewrite_err);                           \
		num(r, COL_connect, (c).connect);                            \
		num(r, COL_reuse, (c).reuse);                                \
		num(r, COL_qtime, mean((c).qtime_sum, (c).time_n));          \
		num(r, COL_ctime, mean((c).ctime_sum, (c).time_n));          \
		num(r, COL_rtime, mean((c).rtime_sum, (c).time_n));          \
		num(r, COL_ttime, mean((c).ttime_sum, (c).time_n));          \
	} while (0)

/* What this program does not have, so that it is zero in truth. */
static void
put_absent(struct stat_row *r)
{
	num(r, COL_comp_in, 0);
	num(r, COL_comp_out, 0);
	num(r, COL_comp_byp, 0);
	num(r, COL_comp_rsp, 0);
	num(r, COL_cache_lookups, 0);
	num(r, COL_cache_hits, 0);
}

static uint64_t
mean(uint64_t sum, uint64_t n)
{
	return (n == 0 ? 0 : sum / n);
}

#define SUM(off, c) cnt_sum(off, (uint64_t *)&(c), sizeof(c) / sizeof(uint64_t))

static const char *
fe_status(const struct px *px, const struct fe *fe)
{
	uint32_t max = px->maxconn != 0 ? px->maxconn : fe_conn_limit;

	if (fe->run != FE_RUNS)
		return ("STOP");
	return (max != 0 && fe->shm->conn >= max ? "FULL" : "OPEN");
}

void
stat_fe(const struct px *px, struct stat_row *r)
{
	const struct fe *fe = fe_of(px);
	int64_t now = the_loop->wall_us;
	struct cnt_fe c;

	begin(r, 'F', px, 0);
	SUM(fe->cnt, c);
	BYTES(r, c);
	HANDSHAKES(r, c);
	str(r, COL_svname, "FRONTEND");
	num(r, COL_type, 0);
	num(r, COL_scur, fe->shm->conn);
	num(r, COL_smax, fe->shm->conn_max);
	num(r, COL_slim, px->maxconn != 0 ? px->maxconn : fe_conn_limit);
	num(r, COL_dreq, c.denied_req);
	num(r, COL_dresp, c.denied_resp);
	num(r, COL_ereq, c.err_req);
	str(r, COL_status, fe_status(px, fe));
	num(r, COL_rate, srv_rate_now(&fe->shm->sess_rate, now));
	num(r, COL_rate_lim, fe->sess_rate_limit);
	num(r, COL_rate_max, fe->shm->sess_rate.max);
	if (px->mode == PX_HTTP) {
		STATUSES(r, c);
		num(r, COL_req_rate, srv_rate_now(&fe->shm->req_rate, now));
		num(r, COL_req_rate_max, fe->shm->req_rate.max);
		num(r, COL_intercepted, c.intercepted);
	} else
		num(r, COL_req_tot, c.req_tot);
	num(r, COL_conn_rate, srv_rate_now(&fe->shm->conn_rate, now));
	num(r, COL_conn_rate_max, fe->shm->conn_rate.max);
	num(r, COL_conn_tot, c.conn_tot);
	put_absent(r);
	num(r, COL_dcon, c.denied_conn);
	num(r, COL_dses, c.denied_sess);
	num(r, COL_wrew, c.rewrite_err);
}

/* "10.0.0.1:80", "[2001:db8::1]:80", "unix". */
static const char *
address(const struct addr *a, char *dst, size_t size)
{
	char ip[ADDR_TEXT];

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return ("unix");
	addr_print(a, ip);
	snprintf(dst, size, a->family == ADDR_V6 ? "[%s]:%u" : "%s:%u", ip,
	    a->port);
	return (dst);
}

void
stat_listen(const struct px_listen *l, struct stat_row *r)
{
	struct cnt_li c;

	begin(r, 'L', l->bind->px, l->luid);
	SUM(l->cnt, c);
	BYTES(r, c);
	snprintf(r->name, sizeof r->name, "sock-%u", l->luid);
	str(r, COL_svname, l->bind->name != NULL ? l->bind->name : r->name);
	num(r, COL_type, 3);
	num(r, COL_dreq, c.denied_req);
	num(r, COL_dresp, c.denied_resp);
	num(r, COL_ereq, c.err_req);
	num(r, COL_dcon, c.denied_conn);
	num(r, COL_dses, c.denied_sess);
	str(r, COL_status, fe_status(l->bind->px, fe_of(l->bind->px)));
	str(r, COL_addr, address(&l->addr.addr, r->addr, sizeof r->addr));
}

static void
put_checks(const struct srv *srv, struct stat_row *r)
{
	const struct srv_shm *m = srv->shm;

	if (!chk_has(srv))
		return;
	num(r, COL_chkfail, m->chk_failed);
	num(r, COL_chkdown, m->chk_down);
	num(r, COL_downtime, (uint64_t)chk_down_s(srv));
	if (srv->cfg->observe != PX_OBSERVE_NONE)
		num(r, COL_hanafail, chk_observed_fails(srv));
	if ((m->chk_state & (CHK_ENABLED | CHK_PAUSED)) != CHK_ENABLED)
		return;
	num(r, COL_check_rise, (uint64_t)chk_rise(srv));
	num(r, COL_check_fall, (uint64_t)chk_fall(srv));
	num(r, COL_check_health, (uint64_t)m->chk_health);
	snprintf(r->check, sizeof r->check, "%s%s",
	    m->chk_state & CHK_RUNNING && m->chk_status != CHK_INI ?
	    "* " : "", chk_word(m->chk_status));
	str(r, COL_check_status, r->check);
	str(r, COL_check_desc, chk_desc(m->chk_status));
	if (m->chk_status <= CHK_INI)
		return;
	if (m->chk_status >= CHK_L7OK)
		num(r, COL_check_code, m->chk_code);
	num(r, COL_check_duration, (uint64_t)m->chk_ms);
	snprintf(r->info, sizeof r->info, "%s", chk_info(srv));
	str(r, COL_last_chk, r->info);
}

static void
put_agent(const struct srv *srv, struct stat_row *r)
{
	struct chk_agent_now now;

	if (!chk_has_agent(srv) || !(srv->shm->agent_state & CHK_ENABLED))
		return;
	now = chk_agent_now(srv);
	num(r, COL_agent_rise, 1);
	num(r, COL_agent_fall, 1);
	num(r, COL_agent_health, (uint64_t)now.health);
	snprintf(r->agent, sizeof r->agent, "%s%s",
	    srv->shm->agent_state & CHK_RUNNING ? "* " : "",
	    chk_word(now.status));
	str(r, COL_agent_status, r->agent);
	str(r, COL_agent_desc, chk_desc(now.status));
	num(r, COL_agent_duration, (uint64_t)now.ms);
	if (now.status >= CHK_L7OK)
		num(r, COL_agent_code, 0);
	snprintf(r->said, sizeof r->said, "%s", now.said);
	str(r, COL_last_agt, r->said);
}

static uint64_t
since(int64_t last_s)
{
	int64_t ago = wall_s() - last_s;

	return (last_s == 0 ? UINT64_MAX : ago < 0 ? 0 : (uint64_t)ago);
}

static void
put_throttle(const struct srv *srv, struct stat_row *r)
{
	uint32_t full = srv->shm->uweight;

	if (srv->shm->slow_from_ms != 0 && full != 0)
		num(r, COL_throttle, srv_weight(srv) * 100 / full);
}

void
stat_srv(const struct srv *srv, struct stat_row *r)
{
	const struct px_server *cfg = srv->cfg;
	const struct srv_shm *m = srv->shm;
	struct cnt_srv c;
	struct addr a;

	begin(r, 'S', srv->be->px, cfg->id);
	SUM(srv->cnt, c);
	BYTES(r, c);
	SERVERWARD(r, c);
	HANDSHAKES(r, c);
	if (srv->be->px->mode == PX_HTTP)
		STATUSES(r, c);
	str(r, COL_svname, cfg->name);
	num(r, COL_type, 2);
	num(r, COL_qcur, m->queued);
	num(r, COL_qmax, m->queued_max);
	num(r, COL_scur, m->inflight);
	num(r, COL_smax, m->inflight_max);
	if (srv_maxconn(srv) != 0)
		num(r, COL_slim, srv_maxconn(srv));
	if (cfg->maxqueue != 0)
		num(r, COL_qlimit, cfg->maxqueue);
	str(r, COL_status, chk_status_text(srv, r->status));
	num(r, COL_weight, srv_weight(srv));
	num(r, COL_uweight, m->uweight);
	num(r, COL_act, !cfg->backup);
	num(r, COL_bck, cfg->backup);
	num(r, COL_lastchg, since(m->changed_wall_s));
	num(r, COL_rate, srv_rate_now(&m->rate, the_loop->wall_us));
	num(r, COL_rate_max, m->rate.max);
	num(r, COL_lastsess, since(m->last_sess_wall_s));
	num(r, COL_srv_icur, m->idle);
	num(r, COL_used_conn_cur, m->inflight);
	put_throttle(srv, r);
	put_checks(srv, r);
	put_agent(srv, r);
	if (chk_tracked_name(srv, r->tracked)[0] != '\0')
		str(r, COL_tracked, r->tracked);
	srv_addr(srv, NULL, &a);
	str(r, COL_addr, address(&a, r->addr, sizeof r->addr));
}

/* The weights of the servers that get traffic. */
static void
put_weights(const struct be *be, struct stat_row *r)
{
	bool backups = be_active(be) == 0;
	uint64_t weight = 0, user = 0;

	for (uint32_t i = 0; i < be->n; i++) {
		const struct srv *srv = be->srv[i];

		if (srv->cfg->backup != backups || !srv_usable(srv))
			continue;
		weight += srv_weight(srv);
		user += srv->shm->uweight;
	}
	num(r, COL_weight, weight);
	num(r, COL_uweight, user);
}

static const char *
be_status(const struct be *be, const struct stat_opts *o, struct stat_row *r)
{
	unsigned n = be_count(be);
	bool up = n == 0 || be_usable_count(be) > 0;

	if (!o->no_maint && !o->up)
		return (up ? "UP" : "DOWN");
	snprintf(r->status, sizeof r->status, "%s (%u/%u)", up ? "UP" : "DOWN",
	    be_active(be) + be_backup(be), n);
	return (r->status);
}

void
stat_be(const struct be *be, const struct stat_opts *o, struct stat_row *r)
{
	struct be_shm *m = be->shm;
	struct cnt_be c;

	begin(r, 'B', be->px, 0);
	SUM(be->cnt, c);
	BYTES(r, c);
	SERVERWARD(r, c);
	HANDSHAKES(r, c);
	if (be->px->mode == PX_HTTP)
		STATUSES(r, c);
	str(r, COL_svname, "BACKEND");
	num(r, COL_type, 1);
	put_absent(r);
	num(r, COL_qcur, m->queued);
	num(r, COL_qmax, m->queued_max);
	num(r, COL_scur, m->inflight);
	num(r, COL_smax, m->inflight_max);
	num(r, COL_slim, be->fullconn);
	num(r, COL_dreq, c.denied_req);
	str(r, COL_status, be_status(be, o, r));
	put_weights(be, r);
	num(r, COL_act, be_active(be));
	num(r, COL_bck, be_backup(be));
	num(r, COL_chkdown, m->n_down);
	num(r, COL_lastchg, since(m->changed_wall_s));
	num(r, COL_downtime, (uint64_t)chk_be_down_s(be));
	num(r, COL_rate, srv_rate_now(&m->rate, the_loop->wall_us));
	num(r, COL_rate_max, m->rate.max);
	num(r, COL_lastsess, since(m->last_sess_wall_s));
	if (be->lb != NULL)
		str(r, COL_algo, be->lb->name);
}

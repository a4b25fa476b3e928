/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_count - connections and handshakes, of all workers together: for limits,
 * and for who asks.
 */
#include "tls_count.h"
#include "tls_sess.h"

#include <string.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <os/loop.h>
#include <shm/reap.h>
#include <shm/shm.h>

#ifdef USE_OPENSSL

/* Events in the current second and in the one before. */
struct rate {
	_Atomic uint32_t sec, cur, prev, max;
};

struct tls_shm {
	_Atomic uint32_t conns[SHM_PROCS];      /* each process writes its
	                                         * own */
	struct rate begun, full;        /* handshakes; of those not resumed */
};
_Static_assert(sizeof(struct tls_shm) == 1056, "see shm/layout.def");

static struct tls_shm *shared;

static uint32_t
rate_now(const struct rate *r, int64_t wall_us)
{
	uint32_t sec = (uint32_t)(wall_us / 1000000);
	uint64_t past = (uint64_t)(wall_us % 1000000);
	uint32_t at = r->sec;

	if (at == sec)
		return (r->cur + (uint32_t)(r->prev * (1000000 - past) /
		    1000000));
	return (at + 1 == sec ?
	    (uint32_t)(r->cur * (1000000 - past) / 1000000) : 0);
}

/* Lossy by design: two workers at the turn of a second. */
static void
rate_add(struct rate *r, int64_t wall_us)
{
	uint32_t sec = (uint32_t)(wall_us / 1000000), was = r->sec, now;

	if (was != sec && atomic_compare_exchange_strong(&r->sec, &was, sec)) {
		r->prev = was + 1 == sec ? r->cur : 0;
		r->cur = 0;
	}
	now = atomic_fetch_add(&r->cur, 1) + 1;
	if (now > r->max)
		r->max = now;
}

static uint32_t
conns_now(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < SHM_PROCS; i++)
		n += atomic_load_explicit(&shared->conns[i],
		    memory_order_relaxed);
	return (n);
}

static struct cnt_fe *
fe_cnt(const struct tls_conn *t)
{
	return (CNT_FE(t->bind->bind->px->cnt_fe));
}

/* Peers are of no proxy that has counters. */
static bool
has_counters(const struct tls_conn *t)
{
	return (t->server != NULL ? t->server->server->cnt != 0 :
	    t->bind->bind->px->cnt_fe != 0);
}

bool
tls_count_full(void)
{
	const struct tls_global *g = tls_global();

	if (shared == NULL)
		return (false);
	return ((g->max_conn != 0 && conns_now() >= g->max_conn) ||
	    (g->max_rate != 0 && rate_now(&shared->begun,
	    the_loop->wall_us) >= g->max_rate));
}

bool
tls_count_begin(struct tls_conn *t)
{
	const struct tls_global *g = tls_global();

	if (shared == NULL)
		return (true);
	if (g->max_conn != 0 && conns_now() >= g->max_conn)
		return (false);
	if (shm_proc_no >= 0)
		shared->conns[shm_proc_no]++;
	t->counted = true;
	if (t->server == NULL)
		rate_add(&shared->begun, the_loop->wall_us);
	CNT_PROC()->ssl_conn_tot++;
	return (true);
}

static void
server_done(const struct tls_conn *t)
{
	const struct px_server *sv = t->server->server;
	struct cnt_srv *srv = CNT_SRV(sv->cnt);
	struct cnt_be *be = CNT_BE(sv->px->cnt_be);

	if (SSL_session_reused(t->ssl)) {
		srv->ssl_reused++;
		be->ssl_reused++;
	} else {
		srv->ssl_sess++;
		be->ssl_sess++;
	}
}

void
tls_count_done(struct tls_conn *t)
{
	struct cnt_fe *fe;

	if (!has_counters(t))
		return;
	if (t->server != NULL) {
		server_done(t);
		return;
	}
	fe = fe_cnt(t);
	if (SSL_session_reused(t->ssl)) {
		fe->ssl_reused++;
		return;
	}
	fe->ssl_sess++;
	if (shared != NULL)
		rate_add(&shared->full, the_loop->wall_us);
}

void
tls_count_failed(struct tls_conn *t)
{
	const struct px_server *sv;

	if (!has_counters(t))
		return;
	if (t->server == NULL) {
		fe_cnt(t)->ssl_failed++;
		return;
	}
	sv = t->server->server;
	CNT_SRV(sv->cnt)->ssl_failed++;
	CNT_BE(sv->px->cnt_be)->ssl_failed++;
}

void
tls_count_end(struct tls_conn *t)
{
	if (t->counted && shm_proc_no >= 0)
		shared->conns[shm_proc_no]--;
	t->counted = false;
}

static void
give_back(int proc_no)
{
	if (shared != NULL)
		shared->conns[proc_no] = 0;
}
KEEPER_REAP(tls_conns, give_back);

static bool
listens(const struct px *chain)
{
	for (const struct px *px = chain; px != NULL; px = px->next)
		for (const struct px_bind *b = px->binds; b != NULL;
		    b = b->next)
			if (b->xprt != NULL)
				return (true);
	return (false);
}

static bool
has_clients(void)
{
	return (listens(px_model->all) || listens(px_model->hidden));
}

static bool
has_servers(void)
{
	if (!px_said(&tls_server_slot))
		return (false);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			if (sv->xprt != NULL)
				return (true);
	return (false);
}

bool
tls_setup(const char **err)
{
	void *at;

	const bool clients = has_clients();

	if (!clients && !has_servers())
		return (true);
	if (shm_slot(the_shm, SPAN("tls"), SHM_TLS, sizeof *shared, &at,
	    NULL) == SHM_FAILED) {
		*err = "no room in shared memory for counts of TLS";
		return (false);
	}
	shared = at;
	if (!clients || (tls_ticket_setup() && tls_cache_setup()))
		return (true);
	*err = "no room in shared memory for TLS sessions; lower "
	    "'tune.ssl.cachesize'";
	return (false);
}

void
tls_count(struct tls_counts *c)
{
	const struct tls_global *g = tls_global();

	memset(c, 0, sizeof *c);
	c->conns_max = g->max_conn;
	c->rate_limit = g->max_rate;
	if (shared == NULL)
		return;
	c->conns = conns_now();
	c->rate = rate_now(&shared->begun, the_loop->wall_us);
	c->rate_max = shared->begun.max;
	c->key_rate = rate_now(&shared->full, the_loop->wall_us);
	c->key_rate_max = shared->full.max;
}

#else

bool
tls_setup(const char **err)
{
	(void)err;
	return (true);
}

void
tls_count(struct tls_counts *c)
{
	memset(c, 0, sizeof *c);
}

#endif

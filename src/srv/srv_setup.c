/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_setup - the run-time objects of the whole model, and where their shared
 * halves lie.
 */
#include "srv_int.h"

#include <base/clock.h>
#include <base/must.h>
#include <base/rand.h>
#include <cnt/hist.h>
#include <px/live.h>
#include <srv/state.h>

#include <stdio.h>
#include <stdlib.h>

struct srv_glob *srv_glob;
struct be *srv_all_be;
struct fe *srv_all_fe;
uint32_t srv_n_be, srv_n_fe;
struct srv **srv_all;

extern const struct lb_algo *const __start_kw_balance[] __attribute__((weak));
extern const struct lb_algo *const __stop_kw_balance[] __attribute__((weak));

static struct srv *block;       /* those of the configuration */

PX_SLOT(PX_OBJ_PROXY, struct srv_balance, srv_balance_slot, NULL);

const struct lb_algo *
srv_algo_find(const char *name)
{
	for (const struct lb_algo *const *a = __start_kw_balance;
	    a < __stop_kw_balance; a++)
		if (span_is(span_str((*a)->name), name))
			return (*a);
	return (NULL);
}

struct srv *
srv_of(const struct px_server *sv)
{
	return (sv == NULL ? NULL : srv_all[sv->rt]);
}

struct srv *
srv_by_no(uint32_t px_no, uint32_t no)
{
	const struct px *px = px_by_no(px_no);

	return (px != NULL && (px->kind & PX_BE) != 0 && no < be_of(px)->n ?
	    be_of(px)->srv[no] : NULL);
}

struct span
srv_slot_name(char dst[SRV_SLOT_NAME], const char *kind, const char *a,
    const char *b)
{
	const size_t max = SRV_SLOT_NAME - 1;
	const struct span parts[] = { span_str(kind), SPAN("/"), span_str(a),
		SPAN("/"), span_str(b) };
	size_t n = span_join(dst, SRV_SLOT_NAME, parts, b == NULL ? 3 : 5);
	uint64_t hash;

	if (n <= max)
		return (span_of(dst, n));
	hash = span_hash(span_str(a)) * 31;
	if (b != NULL)
		hash ^= span_hash(span_str(b));
	snprintf(dst + max - 16, 17, "%016llx",
	    (unsigned long long)hash);
	return (span_of(dst, max));
}

static bool
open_glob(void)
{
	void *at;
	enum shm_found found = shm_slot(the_shm, SPAN("srv"), SHM_QUEUE,
	    sizeof *srv_glob, &at, NULL);

	if (found == SHM_FAILED)
		return (false);
	srv_glob = at;
	if (found == SHM_FRESH) {
		srv_glob->id = rand_u64();
		srv_glob->n_tickets = 1;
		srv_glob->counter_at[OWN_CONNS] = srv_off(&srv_glob->conns_word);
		atomic_store(&srv_glob->n_ids, OWN_FIRST);
	}
	return (true);
}

/* ---- one object ---- */

/* What a state file said of a server that no generation knows yet. What was
 * down for want of an address or by configuration is not down now. */
static void
apply_saved(struct srv *srv)
{
	struct srv_shm *sh = srv->shm;
	const struct px_server *cfg = srv->cfg;
	const struct px_state *st = cfg->saved;
	uint32_t admin = st->admin & SRV_FDRAIN;
	struct addr to = cfg->addr;

	if (st->iweight == cfg->weight)
		atomic_store(&sh->uweight, st->uweight);
	if (st->port != 0 && st->port != to.port &&
	    (to.family == ADDR_V4 || to.family == ADDR_V6)) {
		to.port = st->port;
		srv_addr_set(srv, &to);
	}
	if ((st->admin & (SRV_FMAINT | SRV_CMAINT)) == SRV_FMAINT)
		admin |= SRV_FMAINT;
	if (admin & SRV_FMAINT || (st->state == SRV_STOPPED &&
	    (st->admin & (SRV_CMAINT | SRV_RMAINT)) == 0))
		atomic_store(&sh->state, SRV_STOPPED);
	else if (st->state == SRV_STOPPING)
		atomic_store(&sh->state, SRV_STOPPING);
	atomic_store(&sh->admin, admin);
	sh->changed_wall_s = clock_wall_us() / 1000000 - st->age_s;
	sh->chk_status = st->chk_status;
	sh->chk_result = st->chk_result;
	sh->chk_health = st->chk_health;
	sh->chk_state = st->chk_state;
}

/* The configuration names another address than before. A new look-up of the
 * same name is no such thing where the last address is preferred. */
static void
apply_move(struct srv *srv, uint64_t host)
{
	struct srv_shm *sh = srv->shm;
	const struct px_server *cfg = srv->cfg;
	struct addr now = sh->addr_set ? sh->addr : sh->cfg_addr;

	if (host != sh->cfg_host || !px_server_keeps_addr(cfg) ||
	    now.family == ADDR_NONE) {
		srv_addr_set(srv, NULL);
		return;
	}
	if (sh->cfg_addr.port != cfg->addr.port)
		now.port = cfg->addr.port;
	srv_addr_set(srv, &now);
}

/* Without an address it waits for one; with a fixed one it need not. */
static void
apply_presence(struct srv *srv)
{
	_Atomic uint32_t *admin = &srv->shm->admin;
	struct addr at;

	srv_addr(srv, NULL, &at);
	if (at.family == ADDR_NONE) {
		atomic_fetch_or(admin, SRV_RMAINT);
		atomic_store(&srv->shm->state, SRV_STOPPED);
	} else if ((atomic_load(admin) & SRV_RMAINT) && !srv->cfg->dynamic) {
		atomic_fetch_and(admin, ~(uint32_t)SRV_RMAINT);
		if ((atomic_load(admin) & SRV_MAINT) == 0)
			atomic_store(&srv->shm->state, SRV_RUNNING);
	}
}

static void
apply_config(struct srv *srv, bool fresh)
{
	struct srv_shm *sh = srv->shm;
	const struct px_server *cfg = srv->cfg;
	uint64_t host = cfg->named == NULL ? 0 : span_hash(cfg->named->host);

	if (fresh || sh->cfg_weight != cfg->weight) {
		atomic_store(&sh->uweight, cfg->weight);
		sh->cfg_weight = cfg->weight;
	}
	if (sh->cfg_maxconn != cfg->maxconn) {
		atomic_store(&sh->maxconn, 0);
		sh->cfg_maxconn = cfg->maxconn;
	}
	if (fresh)
		atomic_store(&sh->state, SRV_RUNNING);
	if (fresh && cfg->saved != NULL)
		apply_saved(srv);
	if (fresh || sh->cfg_disabled != cfg->disabled) {
		if (cfg->disabled) {
			atomic_store(&sh->state, SRV_STOPPED);
			atomic_fetch_or(&sh->admin, SRV_CMAINT | SRV_FMAINT);
		} else if (!fresh) {
			atomic_fetch_and(&sh->admin,
			    ~(uint32_t)(SRV_CMAINT | SRV_FMAINT));
			atomic_store(&sh->state, SRV_RUNNING);
		}
		sh->cfg_disabled = cfg->disabled;
	}
	if (!fresh && !addr_eq(&sh->cfg_addr, &cfg->addr))
		apply_move(srv, host);
	/* A page that is only read is not this process's to map anew. */
	if (fresh || !addr_eq(&sh->cfg_addr, &cfg->addr))
		sh->cfg_addr = cfg->addr;
	if (fresh || sh->cfg_host != host)
		sh->cfg_host = host;
	apply_presence(srv);
}

void
srv_init(struct srv *srv, struct be *be, const struct px_server *cfg,
    uint32_t no)
{
	*srv = (struct srv){ .magic = SRV_MAGIC, .be = be, .cfg = cfg,
		.no = no };
	list_init(&srv->idle);
	list_init(&srv->strms);
}

bool
srv_place(struct srv *srv, bool *fresh)
{
	char text[SRV_SLOT_NAME];
	struct span name = srv_slot_name(text, "srv", srv->be->px->name,
	    srv->cfg->name);
	enum shm_found found;
	void *at;

	found = shm_slot(the_shm, name, SHM_SRV, sizeof(struct srv_shm), &at,
	    NULL);
	if (found == SHM_FAILED)
		return (false);
	*fresh = found == SHM_FRESH;
	srv->shm = at;
	srv->cnt = cnt_object(CNT_KIND_SRV, name);
	if (srv->shm->own == 0)
		srv->shm->own = srv_own_new(&srv->shm->inflight_word);
	if (srv->shm->own_idle == 0)
		srv->shm->own_idle = srv_own_new(&srv->shm->idle_word);
	return (srv->cnt != 0);
}

static bool
setup_server(struct be *be, struct srv *srv, struct px_server *cfg,
    uint32_t no)
{
	bool fresh;

	srv_init(srv, be, cfg, no);
	srv_all[cfg->rt] = be->srv[no] = srv;
	if (!srv_place(srv, &fresh) || !srv_strict_setup(srv))
		return (false);
	cfg->cnt = srv->cnt;
	if (fresh)
		apply_config(srv, true);
	return (true);
}

void
srv_config_fresh(struct srv *srv)
{
	apply_config(srv, true);
}

static void
apply_published(struct be *be)
{
	uint32_t says = be->px->unpublished + 1u;

	if (be->shm->cfg_unpublished == says)
		return;
	be->shm->cfg_unpublished = says;
	atomic_store(&be->shm->unpublished, be->px->unpublished);
}

void
srv_config_apply(struct be *be)
{
	apply_published(be);
	for (uint32_t i = 0; i < be->n; i++)
		apply_config(be->srv[i], false);
	be_refresh(be);
}

static bool
open_algo(struct be *be)
{
	char text[SRV_SLOT_NAME], list[32];
	const struct srv_balance *b = px_get(&be->px->slots,
	    &srv_balance_slot);
	uint64_t hash = 0;
	size_t bytes;

	be->lb = b->algo != NULL ? b->algo : srv_algo_find("roundrobin");
	if (be->lb == NULL)
		return (false);
	be->lb_room = be->n;
	bytes = be->lb->state_bytes == NULL ? 0 : be->lb->state_bytes(be->n);
	if (bytes == 0)
		return (true);
	/* What an algorithm knows by number belongs to one list of servers. */
	for (uint32_t i = 0; i < be->n; i++)
		hash = hash * 31 + span_hash(span_str(be->srv[i]->cfg->name));
	snprintf(list, sizeof list, "%s/%016llx", be->lb->name,
	    (unsigned long long)hash);
	return (shm_slot(the_shm, srv_slot_name(text, list, be->px->name, NULL),
	    SHM_LB, bytes, &be->lb_shm, NULL) != SHM_FAILED);
}

/*
 * Without "fullconn" a backend is full at a tenth of what may come in: the sum
 * of maxconn of the frontends that lead to it. All are summed in one walk.
 */
static struct inflow {                  /* by number of the proxy */
	uint64_t sum;
	const struct px *last;          /* was added last: once is enough */
} *inflow;
static uint64_t inflow_any;             /* of those that lead anywhere */

static void
flows(const struct px *from, const struct px *to, uint64_t n)
{
	if (to == NULL || inflow[to->no].last == from)
		return;
	inflow[to->no].last = from;
	inflow[to->no].sum += n;
}

static void
sum_inflow(void)
{
	inflow = must_alloc((px_model->n_px + 1u) * sizeof *inflow);
	inflow_any = 0;
	PX_EACH(px, px_model) {
		uint64_t n = px->maxconn != 0 ? px->maxconn : fe_conn_limit;
		bool any = false;

		if ((px->kind & PX_FE) == 0)
			continue;
		for (struct px_use_be *u = px->use_be; u != NULL; u = u->next)
			any |= u->fmt != NULL;
		if (any) {
			inflow_any += n;
			continue;
		}
		for (struct px_use_be *u = px->use_be; u != NULL; u = u->next)
			flows(px, u->be, n);
		flows(px, px->default_be, n);
		if (px->kind & PX_BE)
			flows(px, px, n);
	}
}

static uint32_t
fullconn_of(const struct px *be)
{
	uint64_t sum = inflow[be->no].sum + inflow_any;

	if (be->fullconn != 0)
		return (be->fullconn);
	return (sum == 0 ? 1 : (uint32_t)((sum + 9) / 10));
}

/* Times are counted where somebody shows them. */
static bool
place_hist(enum cnt_kind kind, const char *prefix, const struct px *px,
    uint32_t *off)
{
	char text[SRV_SLOT_NAME];

	if (!cnt_hist_wanted)
		return (true);
	*off = cnt_object(kind, srv_slot_name(text, prefix, px->name,
	    NULL));
	return (*off != 0);
}

static bool
setup_be(struct be *be, struct px *px, struct srv *srvs)
{
	char text[SRV_SLOT_NAME];
	struct span name = srv_slot_name(text, "be", px->name, NULL);
	uint32_t n = 0;
	void *at;

	if (shm_slot(the_shm, name, SHM_BE, sizeof(struct be_shm), &at,
	    NULL) == SHM_FAILED)
		return (false);
	be->magic = BE_MAGIC;
	be->px = px;
	be->shm = at;
	be->n = px->n_servers;
	be->srv = &srv_all[srvs - block];
	if (px->cnt_be == 0)
		px->cnt_be = cnt_object(CNT_KIND_BE, name);
	be->cnt = px->cnt_be;
	if (be->shm->own == 0)
		be->shm->own = srv_own_new(&be->shm->inflight_word);
	be->fullconn = fullconn_of(px);
	if (be->shm->cfg_unpublished == 0)
		apply_published(be);
	PX_EACH_SERVER(sv, px) {
		sv->rt = (uint32_t)(&srvs[n] - block);
		if (!setup_server(be, &srvs[n], sv, n))
			return (false);
		n++;
	}
	if (be->cnt == 0 || !open_algo(be) ||
	    !place_hist(CNT_KIND_BE_HIST, "bh", px, &be->hist))
		return (false);
	be_refresh(be);
	return (true);
}

/* Counters for each listening socket, where they are wanted. */
static bool
setup_listens(const struct px *px)
{
	char text[SRV_SLOT_NAME], no[16];

	if (!px_opt(px, PX_OPT_SOCKET_STATS))
		return (true);
	for (struct px_listen *l = px->listens; l != NULL; l = l->next) {
		snprintf(no, sizeof no, "%u", l->luid);
		l->cnt = cnt_object(CNT_KIND_LI, srv_slot_name(text, "li",
		    px->name, no));
		if (l->cnt == 0)
			return (false);
	}
	return (true);
}

static bool
setup_fe(struct fe *fe, struct px *px)
{
	char text[SRV_SLOT_NAME];
	struct span name = srv_slot_name(text, "fe", px->name, NULL);
	void *at;

	if (shm_slot(the_shm, name, SHM_FE, sizeof(struct fe_shm), &at,
	    NULL) == SHM_FAILED)
		return (false);
	fe->px = px;
	fe->shm = at;
	if (px->cnt_fe == 0)
		px->cnt_fe = cnt_object(CNT_KIND_FE, name);
	fe->cnt = px->cnt_fe;
	list_init(&fe->paused);
	if (fe->shm->own == 0)
		fe->shm->own = srv_own_new(&fe->shm->conn_word);
	return (fe->cnt != 0 && setup_listens(px) && srv_pace_setup_fe(fe) &&
	    place_hist(CNT_KIND_FE_HIST, "fh", px, &fe->hist));
}

/* Those that are both come first, at the same place in both arrays. */
static void
number(void)
{
	uint32_t both = 0;

	PX_EACH(px, px_model)
		if ((px->kind & (PX_FE | PX_BE)) == (PX_FE | PX_BE))
			px->rt = both++;
	srv_n_fe = srv_n_be = both;
	PX_EACH(px, px_model) {
		if ((px->kind & (PX_FE | PX_BE)) == PX_FE)
			px->rt = srv_n_fe++;
		else if ((px->kind & (PX_FE | PX_BE)) == PX_BE)
			px->rt = srv_n_be++;
	}
}

static bool
setup_all(void)
{
	struct srv *next = block;

	PX_EACH(px, px_model) {
		if (px->kind & PX_FE && !setup_fe(&srv_all_fe[px->rt], px))
			return (false);
		if ((px->kind & PX_BE) == 0)
			continue;
		if (!setup_be(&srv_all_be[px->rt], px, next))
			return (false);
		next += px->n_servers;
	}
	return (true);
}

bool
srv_setup(const char **err)
{
	size_t n = 0;
	bool done;

	*err = "no room left in shared memory for servers and their state";
	number();
	PX_EACH(px, px_model)
		n += px->kind & PX_BE ? px->n_servers : 0;
	block = must_alloc((n + 1) * sizeof *block);
	srv_all = must_alloc(px_rt_room() * sizeof *srv_all);
	srv_all_be = must_alloc((srv_n_be + 1u) * sizeof *srv_all_be);
	srv_all_fe = must_alloc((srv_n_fe + 1u) * sizeof *srv_all_fe);
	if (fe_conn_limit == 0)
		fe_conn_limit = px_model->global.maxconn;
	sum_inflow();
	done = open_glob() && srv_pace_setup() && setup_all() &&
	    srv_listen_setup();
	free(inflow);
	return (done);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_state - who is usable, with what weight and limit.
 */
#include "srv_int.h"

#include <base/clock.h>
#include <srv/state.h>

PX_SLOT_DECLARE(srv_balance_slot);

bool
srv_is_up(const struct srv *srv)
{
	return (atomic_load(&srv->shm->state) != SRV_STOPPED &&
	    (atomic_load(&srv->shm->admin) & SRV_MAINT) == 0);
}

bool
srv_usable(const struct srv *srv)
{
	uint32_t state = atomic_load(&srv->shm->state);

	return ((state == SRV_RUNNING || state == SRV_STARTING) &&
	    (atomic_load(&srv->shm->admin) & (SRV_MAINT | SRV_DRAIN)) == 0 &&
	    atomic_load(&srv->shm->uweight) > 0);
}

/* How far the slow start is, in percent; at least 1. */
static uint32_t
warmth(const struct srv *srv, int64_t from_ms)
{
	int64_t all = srv_cfg_of(srv)->slow_ms;
	int64_t passed = clock_mono_us() / 1000 - from_ms;

	if (all == 0 || passed >= all)
		return (100);
	return (passed * 100 / all < 1 ? 1 : (uint32_t)(passed * 100 / all));
}

uint32_t
srv_weight(const struct srv *srv)
{
	uint32_t w = atomic_load_explicit(&srv->shm->uweight,
	    memory_order_relaxed);
	int64_t from = atomic_load_explicit(&srv->shm->slow_from_ms,
	    memory_order_relaxed);

	if (__builtin_expect(from == 0 || w == 0, 1))
		return (w);
	w = w * warmth(srv, from) / 100;
	return (w == 0 ? 1 : w);
}

/* Between minconn and maxconn, as full as the backend is. */
static uint32_t
ramp(const struct srv *srv)
{
	uint32_t min = srv->cfg->minconn, max = srv_maxconn(srv);
	uint32_t full = srv->be->fullconn, n;

	n = atomic_load_explicit(&srv->be->shm->inflight,
	    memory_order_relaxed);
	if (max <= min)
		return (min);
	if (n >= full)
		return (max);
	n = (uint32_t)((uint64_t)max * n / full);
	return (n < min ? min : n);
}

uint32_t
srv_max(const struct srv *srv)
{
	uint32_t max = srv_maxconn(srv);
	int64_t from;

	if (srv->cfg->minconn != 0)
		max = ramp(srv);
	if (max == 0)
		return (UINT32_MAX);
	from = atomic_load_explicit(&srv->shm->slow_from_ms,
	    memory_order_relaxed);
	if (__builtin_expect(from == 0, 1))
		return (max);
	max = (uint32_t)((uint64_t)max * warmth(srv, from) / 100);
	return (max == 0 ? 1 : max);
}

bool
srv_has_room(const struct srv *srv)
{
	if (srv->cfg->minconn == 0 && srv_maxconn(srv) == 0)
		return (true);
	return (atomic_load_explicit(&srv->shm->inflight,
	    memory_order_relaxed) < srv_max(srv));
}

static unsigned
count_up(const struct be *be, bool backup)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < be->n; i++)
		n += be->srv[i]->cfg->backup == backup &&
		    srv_usable(be->srv[i]);
	return (n);
}

unsigned
be_active(const struct be *be)
{
	return (count_up(be, false));
}

unsigned
be_backup(const struct be *be)
{
	return (count_up(be, true));
}

unsigned
be_count(const struct be *be)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < be->n; i++)
		n += !be->srv[i]->gone;
	return (n);
}

unsigned
be_usable_count(const struct be *be)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < be->n; i++)
		n += atomic_load(&be->srv[i]->shm->in_set) != 0;
	return (n);
}

/* All usable servers; without any, the first usable backup, or all of them. */
static void
choose_set(struct be *be)
{
	bool backups = be_active(be) == 0, first = true, in;
	bool all = px_opt(be->px, PX_OPT_ALLBACKUPS);

	for (uint32_t i = 0; i < be->n; i++) {
		struct srv *srv = be->srv[i];

		in = srv->cfg->backup == backups && srv_usable(srv) &&
		    (!backups || all || first);
		if (in && backups)
			first = false;
		atomic_store(&srv->shm->in_set, in);
	}
}

void
be_refresh(struct be *be)
{
	(void)shm_lock(&be->shm->lock);
	choose_set(be);
	atomic_fetch_add(&be->shm->epoch, 1);
	if (be->lb->changed != NULL)
		be->lb->changed(be);
	shm_unlock(&be->shm->lock);
	queue_serve(be);
}

void
srv_addr_set(struct srv *srv, const struct addr *to)
{
	_Atomic uint32_t *seq = &srv->shm->addr_seq;

	/* Odd while we write, also after a writer that died half way. */
	atomic_store(seq, (atomic_load(seq) + 1) | 1);
	if (to != NULL)
		srv->shm->addr = *to;
	srv->shm->addr_set = to != NULL;
	atomic_fetch_add(seq, 1);
}

void
srv_slow_start(struct srv *srv)
{
	if (srv_cfg_of(srv)->slow_ms == 0)
		return;
	atomic_store(&srv->shm->slow_from_ms, clock_mono_us() / 1000);
	atomic_store(&srv->shm->state, SRV_STARTING);
}

bool
srv_slow_tick(struct srv *srv)
{
	int64_t from = atomic_load(&srv->shm->slow_from_ms);
	uint32_t starting = SRV_STARTING;
	bool on = from != 0 && srv_is_up(srv) && warmth(srv, from) < 100;

	if (from == 0)
		return (false);
	if (!on) {
		atomic_store(&srv->shm->slow_from_ms, 0);
		atomic_compare_exchange_strong(&srv->shm->state, &starting,
		    SRV_RUNNING);
	}
	be_refresh(srv->be);
	return (on);
}

bool
srv_down_shuts(const struct srv *srv)
{
	return (srv_cfg_of(srv)->down_shuts);
}

bool
srv_up_shuts_backup(const struct srv *srv)
{
	return (srv_cfg_of(srv)->up_shuts_backup);
}

void
srv_kill_strms(struct srv *srv, enum why why)
{
	struct list doomed = LIST_INIT(doomed), *node;

	/* Killing one may end others; those that can't be killed stay. */
	list_splice(&doomed, &srv->strms);
	while ((node = list_pop_front(&doomed)) != NULL) {
		struct srv_slot *slot = LIST_ITEM(node, struct srv_slot, node);

		list_push_back(&srv->strms, node);
		if (slot->kill != NULL)
			slot->kill(slot, why);
	}
}

void
srv_each_be(void (*fn)(struct be *, void *arg), void *arg)
{
	for (uint32_t i = 0; i < srv_n_be; i++)
		fn(&srv_all_be[i], arg);
}

/* ---- rates ---- */

static void
turn_second(struct srv_rate *r, uint32_t sec, uint32_t now)
{
	if (!atomic_compare_exchange_strong(&r->sec, &sec, now))
		return;                         /* another one did */
	atomic_store(&r->prev, now - sec == 1 ?
	    atomic_exchange(&r->cur, 0) : (atomic_store(&r->cur, 0), 0));
}

void
srv_rate_add(struct srv_rate *r, int64_t wall_us)
{
	uint32_t now = (uint32_t)(wall_us / 1000000);
	uint32_t sec = atomic_load_explicit(&r->sec, memory_order_relaxed);

	if (__builtin_expect(sec != now && (int32_t)(now - sec) > 0, 0))
		turn_second(r, sec, now);
	raise_max(&r->max, atomic_fetch_add_explicit(&r->cur, 1,
	    memory_order_relaxed) + 1);
}

uint32_t
srv_rate_now(const struct srv_rate *r, int64_t wall_us)
{
	uint32_t now = (uint32_t)(wall_us / 1000000);
	uint32_t left = 1000 - (uint32_t)(wall_us / 1000 % 1000);
	uint32_t sec = atomic_load(&r->sec), cur = atomic_load(&r->cur);

	if (now - sec > 1 && (int32_t)(now - sec) > 0)
		return (0);
	if (now != sec)
		return ((uint32_t)((uint64_t)cur * left / 1000));
	return (cur + (uint32_t)((uint64_t)atomic_load(&r->prev) * left /
	    1000));
}

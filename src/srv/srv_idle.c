/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_idle - connections of this worker to servers that wait for the next
 * request. The newest is used first. No more are kept than were in use at once
 * lately; each pool-purge-delay what was lately fades by half towards what is
 * now, and the oldest go, so that a pool follows the load.
 */
#include "srv_int.h"

#include <base/must.h>
#include <os/loop.h>
#include <srv/state.h>

#define LOOKED_AT 64            /* others that may be like it */

static struct tmr purge_tmr;
static bool purging;
static int64_t purging_since_ms;        /* intervals begin then, or later */
static uint32_t n_idle_all;

static uint32_t
max(uint32_t a, uint32_t b)
{
	return (a > b ? a : b);
}

static uint32_t
min(uint32_t a, uint32_t b)
{
	return (a < b ? a : b);
}

static void
note_use(struct srv *srv)
{
	srv->used_max = max(srv->used_max, srv->n_conns - srv->n_idle);
}

static void
count_opened(struct srv *srv)
{
	srv->n_conns++;
	note_use(srv);
}

bool
srv_conn_enter(struct srv *srv)
{
	if (__builtin_expect(srv->strict != NULL, 0) && !srv_strict_enter(srv))
		return (false);
	count_opened(srv);
	return (true);
}

void
srv_conn_adopt(struct srv *srv)
{
	if (srv->strict != NULL)
		srv_strict_adopt(srv);
	count_opened(srv);
}

void
srv_conn_closed(struct srv *srv)
{
	srv->n_conns--;
	if (__builtin_expect(srv->strict != NULL, 0))
		srv_strict_leave(srv);
}

/* What was in use at once fades by half towards what is now. */
static void
fade(struct srv *srv)
{
	srv->used_before = srv->used_max > srv->used_before ? srv->used_max :
	    (srv->used_before + srv->used_max) / 2;
	srv->used_max = srv->n_conns - srv->n_idle;
}

static uint32_t
needed(const struct srv *srv)
{
	return (max(srv->used_max, srv->used_before));
}

static bool
has_twin(const struct srv *srv, const struct srv_idle *i)
{
	unsigned n = 0;

	LIST_EACH(it, &srv->idle) {
		if (srv_idle_fits(LIST_ITEM(it, struct srv_idle, node),
		    i->name, i->pp_key))
			return (true);
		if (++n == LOOKED_AT)
			break;
	}
	return (false);
}

/* How many are in use at once says how many are of use, unless they differ:
 * then one of each is, and with http-reuse safe not more than there are clients
 * to take them. */
static bool
is_wanted(const struct srv *srv, const struct srv_idle *i)
{
	return (srv->n_conns <= needed(srv) ||
	    ((i->name.n > 0 || i->pp_key != 0) &&
	    (srv->be->px->reuse != PX_REUSE_SAFE ||
	    srv->n_idle < fe_conn_here) && !has_twin(srv, i)));
}

static void
take_out(struct srv_idle *i)
{
	struct srv *srv = i->srv;

	list_del(&i->node);
	srv->n_idle--;
	n_idle_all--;
	srv_count_down(&srv->shm->idle_word, srv->shm->own_idle);
}

static void
close_oldest(struct srv *srv, uint32_t n)
{
	while (n-- > 0 && !list_empty(&srv->idle)) {
		struct srv_idle *i = LIST_ITEM(srv->idle.prev, struct srv_idle,
		    node);

		take_out(i);
		i->close(i);
	}
}

bool
srv_idle_close_one(struct srv *srv)
{
	if (srv->n_idle == 0)
		return (false);
	close_oldest(srv, 1);
	return (true);
}

static void
purge_srv(struct srv *srv, int64_t now_ms)
{
	uint32_t need;

	if (srv->n_idle > 0 && !srv_is_up(srv))
		close_oldest(srv, srv->n_idle);
	if (srv->purged_ms < purging_since_ms)
		srv->purged_ms = purging_since_ms;
	if (now_ms - srv->purged_ms < srv_cfg_of(srv)->pool_purge_ms)
		return;
	srv->purged_ms = now_ms;
	fade(srv);
	need = needed(srv);
	if (srv->n_conns > need)
		close_oldest(srv, min(srv->n_conns - need,
		    (srv->n_idle + 1) / 2));
}

static void
on_purge(struct tmr *t)
{
	for (uint32_t b = 0; b < srv_n_be; b++)
		for (uint32_t i = 0; i < srv_all_be[b].n; i++)
			purge_srv(srv_all_be[b].srv[i], the_loop->now_ms);
	purging = n_idle_all > 0;
	if (purging)
		tmr_arm(&the_loop->wheel, t, the_loop->now_ms + 1000);
}

static void
start_purging(void)
{
	if (purging)
		return;
	purging = true;
	purging_since_ms = the_loop->now_ms;
	tmr_init(&purge_tmr, on_purge);
	tmr_arm(&the_loop->wheel, &purge_tmr, the_loop->now_ms + 1000);
}

static bool
put(struct srv *srv, struct srv_idle *i)
{
	const struct srv_cfg *cfg = srv_cfg_of(srv);
	uint32_t now;

	if (cfg->pool_purge_ms == 0 || !srv_is_up(srv) ||
	    i->moves != srv->moves || srv_conn_wanted(srv))
		return (false);
	/* the next client may want another address or port */
	if (srv->cfg->port_from_client || srv->cfg->ip_from_client)
		return (false);
	if (!srv_count_up(&srv->shm->idle_word, srv->shm->own_idle,
	    cfg->pool_max < 0 ? UINT32_MAX : (uint32_t)cfg->pool_max, &now))
		return (false);
	srv->n_idle++;
	n_idle_all++;
	i->srv = srv;
	list_push_front(&srv->idle, &i->node);
	start_purging();
	return (true);
}

bool
srv_idle_keep(struct srv *srv, struct srv_idle *i)
{
	return (is_wanted(srv, i) && put(srv, i));
}

bool
srv_idle_put(struct srv *srv, struct srv_idle *i)
{
	srv->used_max = max(srv->used_max, srv->n_conns);
	return (put(srv, i));
}

bool
srv_idle_fits(const struct srv_idle *i, struct span name, uint64_t pp_key)
{
	return (i->pp_key == pp_key && (span_eq(i->name, name) ||
	    srv_cfg_of(i->srv)->pool_name != NULL));
}

struct srv_idle *
srv_idle_get(struct srv *srv, struct span name, uint64_t pp_key,
    bool only_safe)
{
	LIST_EACH(it, &srv->idle) {
		struct srv_idle *i = LIST_ITEM(it, struct srv_idle, node);

		if ((only_safe && !i->safe) ||
		    !srv_idle_fits(i, name, pp_key))
			continue;
		take_out(i);
		note_use(srv);
		return (i);
	}
	return (NULL);
}

void
srv_idle_gone(struct srv_idle *i)
{
	if (list_linked(&i->node))
		take_out(i);
}

void
srv_idle_close_all(struct srv *srv)
{
	if (srv != NULL) {
		srv->moves++;
		close_oldest(srv, srv->n_idle);
		return;
	}
	for (uint32_t b = 0; b < srv_n_be; b++)
		for (uint32_t i = 0; i < srv_all_be[b].n; i++)
			srv_idle_close_all(srv_all_be[b].srv[i]);
}

int32_t
srv_pool_max(const struct srv *srv)
{
	return (srv_cfg_of(srv)->pool_max);
}

int32_t
srv_pool_purge_ms(const struct srv *srv)
{
	return (srv_cfg_of(srv)->pool_purge_ms);
}

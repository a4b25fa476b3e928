/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_idle - connections of this worker to servers that wait for the next
 * request. The newest is used first; each pool-purge-delay half of the others
 * go, oldest first, so that a pool follows the load.
 */
#include "srv_int.h"

#include <base/must.h>
#include <os/loop.h>
#include <srv/state.h>

static struct tmr purge_tmr;
static bool purging;
static uint32_t n_idle_all;

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

static void
purge_srv(struct srv *srv, int64_t now_ms)
{
	int32_t every = srv_cfg_of(srv)->pool_purge_ms;

	if (srv->n_idle == 0)
		return;
	if (!srv_is_up(srv))
		close_oldest(srv, srv->n_idle);
	else if (now_ms - srv->purged_ms >= every) {
		srv->purged_ms = now_ms;
		close_oldest(srv, (srv->n_idle + 1) / 2);
	}
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
	tmr_init(&purge_tmr, on_purge);
	tmr_arm(&the_loop->wheel, &purge_tmr, the_loop->now_ms + 1000);
}

bool
srv_idle_put(struct srv *srv, struct srv_idle *i)
{
	const struct srv_cfg *cfg = srv_cfg_of(srv);
	uint32_t now;

	if (cfg->pool_purge_ms == 0 || !srv_is_up(srv) ||
	    i->moves != srv->moves)
		return (false);
	/* the next client may want another address or port */
	if (srv->cfg->port_from_client || srv->cfg->ip_from_client)
		return (false);
	if (!srv_count_up(&srv->shm->idle_word, srv->shm->own_idle,
	    cfg->pool_max < 0 ? UINT32_MAX : (uint32_t)cfg->pool_max, &now))
		return (false);
	if (srv->n_idle++ == 0)
		srv->purged_ms = the_loop->now_ms;
	n_idle_all++;
	i->srv = srv;
	list_push_front(&srv->idle, &i->node);
	start_purging();
	return (true);
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

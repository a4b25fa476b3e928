/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_strict - strict-maxconn: a server's maxconn holds for connections of all
 * workers, idle ones included.
 *
 * A stream that has a slot and finds no room for a connection closes an idle
 * one of its own worker. Where there is none, all connections beyond those that
 * streams with slots have must be idle in other workers: the stream is counted
 * as waiting, and those workers are woken. They close one for each that waits,
 * keep none as long as somebody does, and wake the workers that wait. A bell
 * that is lost costs a moment, as who waits tries again by itself.
 *
 * Source: configuration manual 5.2 "strict-maxconn".
 */
#include "srv_int.h"

#include <base/must.h>
#include <srv/live.h>

struct srv_strict_shm {                 /* SHM_GLOBAL */
	SRV_COUNT(conns);               /* open ones, of all workers */
	SRV_COUNT(waiting);             /* streams, for room for one */
	uint32_t own_conns, own_waiting;
	uint8_t  spare[8];
};

static struct srv *all;                 /* by strict_next */

static uint32_t
limit_of(const struct srv *srv)
{
	uint32_t max = srv_maxconn(srv);

	return (max == 0 ? UINT32_MAX : max);
}

static uint32_t
room_of(const struct srv *srv)
{
	uint32_t max = limit_of(srv), n = atomic_load(&srv->strict->conns);

	return (n < max ? max - n : 0);
}

/* ---- connections ---- */

bool
srv_strict_enter(struct srv *srv)
{
	struct srv_strict_shm *sh = srv->strict;
	uint32_t now;

	while (!srv_count_up(&sh->conns_word, sh->own_conns, limit_of(srv),
	    &now))
		if (!srv_idle_close_one(srv))
			return (false);
	return (true);
}

void
srv_strict_adopt(struct srv *srv)
{
	uint32_t now;

	(void)srv_count_up(&srv->strict->conns_word, srv->strict->own_conns,
	    UINT32_MAX, &now);
}

void
srv_strict_leave(struct srv *srv)
{
	struct srv_strict_shm *sh = srv->strict;

	srv_count_down(&sh->conns_word, sh->own_conns);
	/* Whoever began to wait before the line above is counted. */
	if (atomic_load(&sh->waiting) > 0)
		queue_ring_owners(sh->own_waiting);
}

bool
srv_conn_wanted(const struct srv *srv)
{
	return (srv->strict != NULL && atomic_load_explicit(
	    &srv->strict->waiting, memory_order_relaxed) > 0);
}

/* ---- those that wait ---- */

bool
srv_conn_await(struct srv_slot *slot)
{
	struct srv *srv = slot->srv;
	struct srv_strict_shm *sh = srv->strict;
	uint32_t now;

	MUST(slot->state == SRV_SLOT_HELD && !slot->awaits && sh != NULL);
	(void)srv_count_up(&sh->waiting_word, sh->own_waiting, UINT32_MAX,
	    &now);
	slot->awaits = true;
	if (room_of(srv) > 0) {         /* it came before we were counted */
		srv_conn_await_end(slot);
		return (false);
	}
	queue_ring_owners(srv->shm->own_idle);
	return (true);
}

void
srv_conn_await_end(struct srv_slot *slot)
{
	if (!slot->awaits)
		return;
	slot->awaits = false;
	srv_count_down(&slot->srv->strict->waiting_word,
	    slot->srv->strict->own_waiting);
}

static struct srv_slot *
first_waiting(struct srv *srv)
{
	LIST_EACH(n, &srv->strms) {
		struct srv_slot *slot = LIST_ITEM(n, struct srv_slot, node);

		if (slot->awaits)
			return (slot);
	}
	return (NULL);
}

/* One idle connection for each that waits; then ours, as far as there is
 * room. */
static void
look_at(struct srv *srv)
{
	uint32_t waiting = atomic_load(&srv->strict->waiting), room;
	struct srv_slot *slot;

	for (room = room_of(srv); room < waiting; room++)
		if (!srv_idle_close_one(srv))
			break;
	room = room_of(srv);
	while (room-- > 0 && (slot = first_waiting(srv)) != NULL) {
		srv_conn_await_end(slot);
		slot->room(slot);
	}
}

void
srv_strict_rung(void)
{
	for (struct srv *srv = all; srv != NULL; srv = srv->strict_next)
		if (atomic_load(&srv->strict->waiting) > 0)
			look_at(srv);
}

/* ---- beginning ---- */

static bool
place(const struct srv *srv, void **at)
{
	char text[SRV_SLOT_NAME];
	struct srv_strict_shm *sh;

	if (!srv_cfg_of(srv)->strict)
		return (true);
	if (shm_slot(the_shm, srv_slot_name(text, "strict", srv->be->px->name,
	    srv->cfg->name), SHM_GLOBAL, sizeof *sh, at, NULL) == SHM_FAILED)
		return (false);
	sh = *at;
	if (sh->own_conns == 0)
		sh->own_conns = srv_own_new(&sh->conns_word);
	if (sh->own_waiting == 0)
		sh->own_waiting = srv_own_new(&sh->waiting_word);
	return (true);
}

static void
came(struct srv *srv, void *at)
{
	if (at == NULL)
		return;
	srv->strict = at;
	srv->strict_next = all;
	all = srv;
}

/* Its connections, which may outlive it, are counted until they end. */
static void
went(struct srv *srv)
{
	struct srv **p = &all;

	if (srv->strict == NULL)
		return;
	while (*p != srv)
		p = &(*p)->strict_next;
	*p = srv->strict_next;
}

SRV_LIVE_PART(strict) = { .place = place, .came = came, .went = went };

bool
srv_strict_setup(struct srv *srv)
{
	void *at = NULL;

	if (!place(srv, &at))
		return (false);
	came(srv, at);
	return (true);
}

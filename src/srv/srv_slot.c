/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_slot - a stream's place on a server: taken, given back, and given back
 * for a process that died.
 *
 * The count of a server is one number for all processes; what each of them
 * holds of it is known as well (srv_count.c).
 */
#include "srv_int.h"

#include <base/must.h>
#include <cnt/cnt.h>
#include <os/loop.h>
#include <shm/reap.h>
#include <srv/state.h>

bool
srv_reserve(struct srv *srv)
{
	uint32_t now;

	if (!srv_count_up(&srv->shm->inflight_word, srv->shm->own,
	    srv_max(srv), &now))
		return (false);
	raise_max(&srv->shm->inflight_max, now);
	if (srv->be->lb->taken != NULL)
		srv->be->lb->taken(srv);
	return (true);
}

void
srv_unreserve(struct srv *srv)
{
	srv_count_down(&srv->shm->inflight_word, srv->shm->own);
	if (srv->be->lb->given != NULL)
		srv->be->lb->given(srv);
}

static void
enter_backend(struct be *be)
{
	struct be_shm *sh = be->shm;
	uint32_t now;

	(void)srv_count_up(&sh->inflight_word, sh->own, UINT32_MAX, &now);
	raise_max(&sh->inflight_max, now);
}

static void
leave_backend(struct be *be)
{
	srv_count_down(&be->shm->inflight_word, be->shm->own);
}

/* `chosen`: by the algorithm, not by what the client was bound to. */
static void
count_session(struct srv *srv, bool chosen)
{
	int64_t wall_us = the_loop->wall_us;

	srv_rate_add(&srv->shm->rate, wall_us);
	srv_rate_add(&srv->be->shm->rate, wall_us);
	atomic_store_explicit(&srv->shm->last_sess_wall_s, wall_us / 1000000,
	    memory_order_relaxed);
	atomic_store_explicit(&srv->be->shm->last_sess_wall_s,
	    wall_us / 1000000, memory_order_relaxed);
	CNT_SRV(srv->cnt)->sess_tot++;
	if (chosen) {
		CNT_SRV(srv->cnt)->lbtot++;
		CNT_BE(srv->be->cnt)->lbtot++;
	}
}

void
srv_slot_take(struct srv_slot *slot, struct srv *srv, bool chosen)
{
	slot->srv = srv;
	slot->state = SRV_SLOT_HELD;
	list_push_back(&srv->strms, &slot->node);
	count_session(srv, chosen);
}

/* A server with a place that is now ours; NULL: none. */
static struct srv *
pick(struct be *be, struct txn *txn, struct srv *avoid)
{
	struct srv *srv;

	for (uint32_t tries = 0; tries <= be->n; tries++) {
		srv = be->lb->pick(be, txn, avoid);
		if (srv == NULL || srv_reserve(srv))
			return (srv);
	}
	return (NULL);
}

/* This server or none: wait for it when it is full. */
static enum why
acquire_wanted(struct srv *srv, struct srv_slot *slot, bool chosen)
{
	uint32_t max = srv->cfg->maxqueue;

	if (atomic_load(&srv->shm->queued) == 0 && srv_reserve(srv)) {
		srv_slot_take(slot, srv, chosen);
		return (WHY_OK);
	}
	if (max != 0 && atomic_load(&srv->shm->queued) >= max)
		return (WHY_QUEUE_FULL);
	return (queue_push(srv->be, srv, slot));
}

static enum why
acquire_any(struct be *be, struct txn *txn, struct srv *avoid,
    struct srv_slot *slot)
{
	struct srv *srv;
	enum why why;

	if (be->lb->sticks && (srv = be->lb->pick(be, txn, avoid)) != NULL) {
		why = acquire_wanted(srv, slot, true);
		if (why != WHY_QUEUE_FULL)
			return (why);
		txn = NULL;             /* "maxqueue": any other, in turn */
	}
	if (atomic_load(&be->shm->queued) == 0 &&
	    (srv = pick(be, txn, avoid)) != NULL) {
		srv_slot_take(slot, srv, true);
		return (WHY_OK);
	}
	return (queue_push(be, NULL, slot));
}

static void
look_again(struct be *be)
{
	be->lb_epoch = atomic_load(&be->shm->epoch);
	be->n_set = be_usable_count(be);
}

enum why
srv_acquire(struct be *be, struct txn *txn, struct srv *avoid,
    struct srv *want, struct srv_slot *slot)
{
	enum why why;

	MUST(slot->state == SRV_SLOT_NONE);
	if (be->lb_epoch != atomic_load_explicit(&be->shm->epoch,
	    memory_order_acquire))
		look_again(be);
	slot->be = be;
	slot->srv = NULL;
	enter_backend(be);
	if (want != NULL && (slot->even_down || srv_is_up(want))) {
		why = acquire_wanted(want, slot, false);
		if (why != WHY_QUEUE_FULL)
			return (why);
	}
	if (be->n_set == 0) {
		leave_backend(be);
		return (WHY_NO_SERVER);
	}
	why = acquire_any(be, txn, avoid, slot);
	if (why != WHY_OK && why != WHY_AGAIN)
		leave_backend(be);
	return (why);
}

static void
release_held(struct srv_slot *slot)
{
	struct srv *srv = slot->srv;

	list_del(&slot->node);
	if (atomic_load(&srv->be->shm->queued_all) > 0 && queue_pass(srv))
		return;
	srv_unreserve(srv);
	/* Whoever came to the queue before the line above did not see the
	 * free place; whoever comes after it does. */
	if (atomic_load(&srv->be->shm->queued_all) > 0)
		queue_serve(srv->be);
}

void
srv_release(struct srv_slot *slot)
{
	switch (slot->state) {
	case SRV_SLOT_HELD:
		if (__builtin_expect(slot->awaits, 0))
			srv_conn_await_end(slot);
		slot->state = SRV_SLOT_NONE;
		leave_backend(slot->be);
		release_held(slot);
		break;
	case SRV_SLOT_QUEUED:
		slot->state = SRV_SLOT_NONE;
		leave_backend(slot->be);
		queue_leave(slot);
		break;
	default:
		break;
	}
	slot->srv = NULL;
}

uint32_t
be_inflight(const struct be *be)
{
	return (atomic_load(&be->shm->inflight));
}

/* ---- the dead ---- */

void
srv_worker_dead(int proc_no)
{
	if (srv_glob == NULL)
		return;
	queue_reap(proc_no);
	srv_count_reap(proc_no);
	for (uint32_t i = 0; i < srv_n_be; i++) {
		struct be *be = &srv_all_be[i];

		if (atomic_load(&be->shm->queued_all) > 0)
			queue_serve(be);
	}
}

KEEPER_REAP(srv_slots, srv_worker_dead);

void
srv_adopt(struct srv *srv, struct srv_slot *slot)
{
	uint32_t now;

	MUST(slot->state == SRV_SLOT_NONE);
	slot->be = srv->be;
	/* Counted twice until the other one has let go: that is no peak. */
	(void)srv_count_up(&srv->be->shm->inflight_word, srv->be->shm->own,
	    UINT32_MAX, &now);
	(void)srv_count_up(&srv->shm->inflight_word, srv->shm->own, UINT32_MAX,
	    &now);
	if (srv->be->lb->taken != NULL)
		srv->be->lb->taken(srv);
	slot->srv = srv;
	slot->state = SRV_SLOT_HELD;
	list_push_back(&srv->strms, &slot->node);
}

enum why
srv_queue_join(struct be *be, struct srv *at, uint64_t place,
    struct srv_slot *slot)
{
	enum why why;

	MUST(slot->state == SRV_SLOT_NONE);
	slot->be = be;
	slot->srv = NULL;
	enter_backend(be);
	why = queue_push_at(be, at, slot, place);
	if (why != WHY_AGAIN)
		leave_backend(be);
	return (why);
}

uint32_t
be_queued(const struct be *be)
{
	return (atomic_load(&be->shm->queued));
}

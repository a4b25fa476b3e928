/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_copy - the state of an Écluse in another PID namespace: the numbers of
 * processes that own locks and places there mean others here, or nobody. So
 * nothing is shared. What outlives processes is copied, by name; counters
 * follow as long as somebody counts there.
 */
#include <stddef.h>
#include <string.h>

#include <cnt/copy.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fd.h>
#include <srv/srv.h>
#include <srv/state.h>
#include <stk/stk.h>

#include "keeper_int.h"

#define STEP_MS 500

static struct shm *from;
static struct cnt_copy *counters;
static struct ipc_heritage heritage = { -1, -1, false };
static struct tmr timer;

/* ---- states ---- */

static void *
ours(struct span name, enum shm_layout layout, size_t size)
{
	size_t n = 0;
	void *at = shm_peek(the_shm, name, layout, &n);

	return (at != NULL && n == size ? at : NULL);
}

/* Counts of what is open, queues and places in tables stay ours. */
static void
copy_srv(struct span name, void *at, size_t size, void *arg)
{
	const struct srv_shm *s = at;
	struct srv_shm *d = ours(name, SHM_SRV, sizeof *d), was;

	(void)arg;
	if (d == NULL || size != sizeof *s)
		return;
	was = *d;
	memcpy(d, s, sizeof *d);
	d->inflight_word = was.inflight_word;
	d->idle_word = was.idle_word;
	d->queued = 0;
	d->q_head = d->q_tail = 0;
	d->own = was.own;
	d->own_idle = was.own_idle;
	d->in_set = was.in_set;
	d->addr_seq = d->addr_seq & ~1u;
}

/* What agents said, and where checks go. */
static void
copy_chk(struct span name, void *at, size_t size, void *arg)
{
	void *d = ours(name, SHM_CHK, size);

	(void)arg;
	if (d != NULL)
		memcpy(d, at, size);
}

static void
copy_be(struct span name, void *at, size_t size, void *arg)
{
	const struct be_shm *s = at;
	struct be_shm *d = ours(name, SHM_BE, sizeof *d);

	(void)arg;
	if (d == NULL || size != sizeof *s)
		return;
	d->turn = s->turn;
	d->inflight_max = s->inflight_max;
	d->queued_max = s->queued_max;
	d->rate = s->rate;
	d->last_sess_wall_s = s->last_sess_wall_s;
	d->changed_wall_s = s->changed_wall_s;
	d->down_ms = s->down_ms;
	d->n_down = s->n_down;
}

static void
copy_fe(struct span name, void *at, size_t size, void *arg)
{
	const struct fe_shm *s = at;
	struct fe_shm *d = ours(name, SHM_FE, sizeof *d);

	(void)arg;
	if (d == NULL || size != sizeof *s)
		return;
	d->conn_max = s->conn_max;
	d->conn_rate = s->conn_rate;
	d->sess_rate = s->sess_rate;
	d->req_rate = s->req_rate;
}

static void
refresh(struct be *be, void *arg)
{
	(void)arg;
	be_refresh(be);
}

/* ---- all ---- */

static void
end_copy(void)
{
	cnt_copy_close(counters);
	shm_detach(from);
	counters = NULL;
	from = NULL;
	fd_close(&heritage.state_fd);
	fd_close(&heritage.ledger_fd);
}

bool
keeper_copy(struct ipc_heritage *h)
{
	const char *err = "the ledger has another layout";

	if (h->state_fd < 0)
		return (true);
	heritage = *h;
	from = shm_attach(h->state_fd, &err);
	counters = from == NULL ? NULL : cnt_copy_open(h->ledger_fd);
	if (counters == NULL) {
		ipc_say(DIAG_WARNING, "counters and states of servers start "
		    "afresh: %s", err);
		end_copy();
		return (true);
	}
	shm_each(from, SHM_SRV, copy_srv, NULL);
	shm_each(from, SHM_CHK, copy_chk, NULL);
	shm_each(from, SHM_BE, copy_be, NULL);
	shm_each(from, SHM_FE, copy_fe, NULL);
	srv_each_be(refresh, NULL);
	stk_copy(from);
	cnt_copy_find(counters, from);
	cnt_copy_step(counters);
	return (true);
}

/* Once all of their processes gave back their numbers, nobody counts there:
 * their banks were folded before. */
static void
on_timer(struct tmr *t)
{
	bool any = shm_proc_any(from, UINT32_MAX);

	cnt_copy_step(counters);
	if (any)
		tmr_arm(&the_keeper.loop.wheel, t,
		    the_keeper.loop.now_ms + STEP_MS);
	else
		end_copy();
}

void
keeper_copy_follow(struct keeper *k)
{
	if (from == NULL)
		return;
	tmr_init(&timer, on_timer);
	tmr_arm(&k->loop.wheel, &timer, k->loop.now_ms + STEP_MS);
}

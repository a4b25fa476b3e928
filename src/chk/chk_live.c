/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_live - checks of servers that come and go while the process runs. Both
 * kinds of checks are off at first: "enable health" and "enable agent" begin
 * them.
 *
 * Source: management manual 9.3 "add server".
 */
#include "chk_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>
#include <base/text.h>
#include <chk/live.h>
#include <srv/live.h>
#include <srv/state.h>

static void
came(struct srv *srv, void *at)
{
	chk_setup_came(srv, at);
	chk_part_came(srv);
	chk_track_came(srv);
}

static void
went(struct srv *srv)
{
	chk_track_went(srv);
	chk_part_went(srv);
	chk_setup_came(srv, NULL);
}

SRV_LIVE_PART(chk) = { .place = chk_setup_live, .came = came, .went = went };

static void
begin_state(struct srv *srv)
{
	struct srv_shm *sh = srv->shm;
	struct chk_shm *m = chk_shm_of(srv);

	sh->changed_wall_s = clock_wall_us() / 1000000;
	sh->chk_status = CHK_INI;
	if (chk_has(srv))
		sh->chk_state = CHK_CONFIGURED;
	if (srv_is_up(srv))
		sh->chk_health = (int16_t)chk_rise(srv);
	if (chk_has_agent(srv)) {
		sh->agent_state = CHK_AGENT | CHK_CONFIGURED;
		m->agent_status = CHK_INI;
		m->agent_health = 1;
	}
	chk_follow(srv);
	chk_setup_apply(srv);
}

/* ---- the agent: one change at a time ---- */

#define WORKERS_MS 2000         /* they get to do the same */

struct change {
	struct list node;
	uint32_t no;
	struct text order;
	struct be *be;
	chk_live_done_fn *done;         /* NULL: nobody waits */
	void *arg;
};

/* The first is on its way. */
static struct list changes = LIST_INIT(changes);
static uint32_t last_no;

static void told(struct span);
static void asked(struct agent_answer *, struct span);

AGENT_TOPIC(chk_live) = { .name = "live", .told = told, .asked = asked };

/* In a worker. */
static void
told(struct span record)
{
	struct be *be;
	struct srv *srv;

	(void)srv_live_apply(record, &be, &srv);
}

/* The answer is that there is one. */
static void
asked(struct agent_answer *answer, struct span record)
{
	(void)answer;
	told(record);
}

static void
ask_keeper(void)
{
	struct change *c;

	if (list_empty(&changes))
		return;
	c = LIST_ITEM(changes.next, struct change, node);
	(void)agent_tell_keeper(IPC_A_SERVER, c->order.p, c->order.n, NULL,
	    0);
}

static void
finish(const char *why)
{
	struct change *c = LIST_ITEM(changes.next, struct change, node);
	chk_live_done_fn *done = c->done;
	void *arg = c->arg;

	list_del(&c->node);
	text_fini(&c->order);
	free(c);
	ask_keeper();
	if (done != NULL)               /* may begin another one */
		done(why, arg);
}

static void
workers_did(int missing, void *arg)
{
	struct change *c = arg;

	(void)missing;
	be_refresh(c->be);
	finish(NULL);
}

static void
keeper_said(const struct ipc_msg *m)
{
	char why[512];
	struct srv *srv;
	struct change *c;

	if (m->type != IPC_A_SERVER_IS || list_empty(&changes))
		return;
	c = LIST_ITEM(changes.next, struct change, node);
	if (m->data.n == 0 || m->data.p[0] == '\0') {
		snprintf(why, sizeof why, "%.*s", m->data.n == 0 ? 0 :
		    (int)m->data.n - 1, m->data.p + 1);
		finish(why);
		return;
	}
	if (!srv_live_apply(m->data, &c->be, &srv)) {
		finish("The server is not known to all processes.");
		return;
	}
	if (srv != NULL)
		begin_state(srv);
	(void)agent_ask(&AGENT_TOPIC_OF(chk_live), m->data.p, m->data.n,
	    WORKERS_MS, NULL, workers_did, c);
}

/* One that was forked before the last changes, and came after them. */
static void
tell_record(struct span record, void *arg)
{
	agent_tell(arg, &AGENT_TOPIC_OF(chk_live), record.p, record.n);
}

static void
worker_came(struct agent_worker *w)
{
	srv_live_each(tell_record, w);
}

AGENT_PART(chk_live) = {
	.name = "live", .rank = 22, .keeper_said = keeper_said,
	.worker_came = worker_came,
};

/* ---- what people ask for ---- */

static struct change *
change_new(chk_live_done_fn *done, void *arg)
{
	struct change *c = must_alloc(sizeof *c);

	if (++last_no == 0)
		last_no = 1;
	c->no = last_no;
	c->done = done;
	c->arg = arg;
	text_init(&c->order);
	return (c);
}

static uint32_t
begin(struct change *c)
{
	list_push_back(&changes, &c->node);
	if (changes.next == &c->node)
		ask_keeper();
	return (c->no);
}

uint32_t
chk_live_add(const struct px *px, struct span name, const struct span *word,
    int n, chk_live_done_fn *done, void *arg)
{
	struct change *c = change_new(done, arg);

	srv_live_order_add(&c->order, px, name, word, n);
	return (begin(c));
}

uint32_t
chk_live_del(const struct srv *srv, chk_live_done_fn *done, void *arg)
{
	struct change *c = change_new(done, arg);

	srv_live_order_del(&c->order, srv);
	return (begin(c));
}

void
chk_live_drop(uint32_t no)
{
	LIST_EACH(it, &changes) {
		struct change *c = LIST_ITEM(it, struct change, node);

		if (c->no == no)
			c->done = NULL;
	}
}

const char *
chk_live_busy(const struct srv *srv)
{
	const struct srv_shm *sh = srv->shm;

	if (srv->cfg->referred)
		return ("This server cannot be removed at runtime due to "
		    "other configuration elements pointing to it.");
	if ((atomic_load(&sh->admin) & SRV_MAINT) == 0)
		return ("Only servers in maintenance mode can be deleted.");
	if (atomic_load(&sh->inflight) != 0 || atomic_load(&sh->idle) != 0)
		return ("Server still has connections attached to it, cannot "
		    "remove it.");
	if (atomic_load(&sh->queued) != 0)
		return ("Server still has streams in its queue, cannot remove "
		    "it.");
	return (NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_part - checks as a part of the agent: all of them begin when this
 * generation opens, spread over their interval, and end when the next one
 * takes over; and what the workers are told.
 */
#include "chk_int.h"

#include <string.h>

#include <agent/agent.h>
#include <base/must.h>
#include <os/loop.h>
#include <px/live.h>
#include <srv/state.h>

static struct chk *all;         /* this process's; the agent's only */
static uint32_t n_all;
static struct chk **by_rt;      /* by px_server.rt */
static struct chk **agent_by_rt;
static bool open_now;
static struct tmr slow_tmr;
static bool slow_armed;

struct notice {                 /* agent to workers */
	uint32_t px_no;                 /* struct px.no */
	uint32_t srv_no;                /* struct srv.no */
	uint32_t kill;                  /* enum why; WHY_OK: nobody */
};

static void told(struct span);

AGENT_TOPIC(chk_srv) = { .name = "srv", .told = told };

struct chk *
chk_of(const struct srv *srv)
{
	return (by_rt == NULL ? NULL : by_rt[srv->cfg->rt]);
}

struct chk *
chk_agent_of(const struct srv *srv)
{
	return (agent_by_rt == NULL ? NULL : agent_by_rt[srv->cfg->rt]);
}

bool
chk_is_open(void)
{
	return (open_now);
}

void
chk_tell(struct srv *srv, enum why kill)
{
	struct notice n = { srv->be->px->no, srv->no, (uint32_t)kill };

	agent_broadcast(&AGENT_TOPIC_OF(chk_srv), &n, sizeof n);
}

/* In a worker. */
static void
told(struct span data)
{
	struct notice n;
	struct srv *srv;

	if (data.n != sizeof n)
		return;
	memcpy(&n, data.p, sizeof n);
	if ((srv = srv_by_no(n.px_no, n.srv_no)) == NULL)
		return;
	if (n.kill != WHY_KILLED)
		srv_idle_close_all(srv);
	if (n.kill != WHY_OK && n.kill < WHY_N)
		srv_kill_strms(srv, (enum why)n.kill);
}

/* ---- slow start: weights grow while it lasts ---- */

static void
count_slow(struct be *be, void *arg)
{
	bool *any = arg;

	for (uint32_t i = 0; i < be->n; i++)
		if (srv_slow_tick(be->srv[i]))
			*any = true;
}

static void
on_slow(struct tmr *t)
{
	bool any = false;

	slow_armed = false;
	if (!open_now)
		return;
	srv_each_be(count_slow, &any);
	slow_armed = any;
	if (any)
		tmr_arm(&the_loop->wheel, t, the_loop->now_ms + 500);
}

void
chk_slow(struct srv *srv)
{
	if (slow_armed || atomic_load(&srv->shm->slow_from_ms) == 0)
		return;
	slow_armed = true;
	tmr_arm(&the_loop->wheel, &slow_tmr, the_loop->now_ms + 500);
}

/* ---- the part ---- */

static void
count_be(struct be *be, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < be->n; i++)
		n_all += chk_has(be->srv[i]) + chk_has_agent(be->srv[i]);
}

static void
adopt_health(struct chk *c, struct srv *srv)
{
	*c = (struct chk){ .magic = CHK_MAGIC, .srv = srv, .fd = -1,
		.conn = { .fd = -1 },
		.script = chk_px_of(srv)->script, .type = chk_px_of(srv)->type,
		.state = &srv->shm->chk_state };
	tmr_init(&c->tmr, chk_due);
	by_rt[srv->cfg->rt] = c;
}

void
chk_part_came(struct srv *srv)
{
	if (by_rt == NULL)              /* no agent */
		return;
	if (chk_has(srv))
		adopt_health(arena_zget(px_model->arena, sizeof(struct chk)),
		    srv);
	if (chk_has_agent(srv)) {
		agent_by_rt[srv->cfg->rt] = arena_zget(px_model->arena,
		    sizeof(struct chk));
		chk_agent_init(agent_by_rt[srv->cfg->rt], srv);
	}
}

static void
forget(struct chk **c)
{
	if (*c != NULL)
		chk_stop(*c);
	*c = NULL;
}

void
chk_part_went(struct srv *srv)
{
	if (by_rt == NULL)
		return;
	forget(&by_rt[srv->cfg->rt]);
	forget(&agent_by_rt[srv->cfg->rt]);
}

/* Those of servers that came while the process runs are not among `all`. */
static void
stop_all(void)
{
	for (uint32_t rt = 0; rt < px_rt_room(); rt++) {
		if (by_rt[rt] != NULL)
			chk_stop(by_rt[rt]);
		if (agent_by_rt[rt] != NULL)
			chk_stop(agent_by_rt[rt]);
	}
}

static void
adopt_be(struct be *be, void *arg)
{
	struct chk **next = arg;

	for (uint32_t i = 0; i < be->n; i++) {
		struct srv *srv = be->srv[i];

		if (chk_has(srv))
			adopt_health((*next)++, srv);
		if (!chk_has_agent(srv))
			continue;
		agent_by_rt[srv->cfg->rt] = *next;
		chk_agent_init((*next)++, srv);
	}
}

static void
start_part(struct loop *loop)
{
	struct chk *next;

	(void)loop;
	if (shm_proc_no >= 0)
		srv_count_start(shm_proc_no);
	tmr_init(&slow_tmr, on_slow);
	if (px_said(&chk_srv_slot))
		srv_each_be(count_be, NULL);
	all = next = must_alloc((n_all + 1u) * sizeof *all);
	by_rt = must_alloc(px_rt_room() * sizeof(struct chk *));
	agent_by_rt = must_alloc(px_rt_room() * sizeof(struct chk *));
	if (n_all > 0)
		srv_each_be(adopt_be, &next);
	chk_track_begin();
}

static void
take_over_be(struct be *be, void *arg)
{
	(void)arg;
	srv_config_apply(be);
	for (uint32_t i = 0; i < be->n; i++) {
		chk_take_over(be->srv[i]);
		chk_take_over_track(be->srv[i]);
	}
}

static void
follow_be(struct be *be, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < be->n; i++)
		chk_follow(be->srv[i]);
}

/* The shortest interval of all: first checks are spread over it. */
static int64_t
spread_ms(void)
{
	const struct chk_global_cfg *g = px_get(&px_model->global.slots,
	    &chk_global_slot);
	int64_t ms = INT32_MAX;

	for (uint32_t i = 0; i < n_all; i++)
		if (chk_pace_ms(&all[i]) < ms)
			ms = chk_pace_ms(&all[i]);
	return (g->max_spread_ms != 0 && g->max_spread_ms < ms ?
	    g->max_spread_ms : ms);
}

static void
gates(bool open)
{
	int64_t spread;

	if (open == open_now)
		return;
	open_now = open;
	if (!open) {
		stop_all();
		return;
	}
	srv_each_be(take_over_be, NULL);
	if (chk_any_follows())
		srv_each_be(follow_be, NULL);
	spread = spread_ms();
	for (uint32_t i = 0; i < n_all; i++)
		if ((*all[i].state &
		    (CHK_ENABLED | CHK_PAUSED)) == CHK_ENABLED)
			chk_plan(&all[i], spread * i / n_all);
}

AGENT_PART(chk) = {
	.name = "chk", .rank = 20, .start = start_part, .gates = gates,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_load - what only a worker knows of itself: its loop and its memory.
 * "show activity" and "show pools" show it worker by worker, "show info" in
 * sum.
 */
#include "stat_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <base/pool.h>
#include <os/loop.h>

#include <inttypes.h>
#include <string.h>

/* ---- in a worker ---- */

static void
answer_load(struct agent_answer *a, struct span query)
{
	struct stat_load l = { .turns = the_loop->n_turns,
		.events = the_loop->n_events, .fds = the_loop->n_added,
		.busy_us = (uint64_t)the_loop->busy_us,
		.idle_us = (uint64_t)the_loop->idle_us };

	(void)query;
	for (const struct pool *p = pool_all; p != NULL; p = p->next) {
		l.pool_bytes += p->n_total * p->size;
		l.pool_used += p->n_used * p->size;
		l.pool_failed += p->n_failed;
	}
	for (const struct loop_task *t = the_loop->tasks; t != NULL;
	    t = t->next)
		l.tasks++;
	agent_answer(a, &l, sizeof l);
}

AGENT_TOPIC(load) = { .name = "load", .asked = answer_load };

struct pool_said {
	char name[32];
	uint64_t size, total, used, failed;
};

static void
answer_pools(struct agent_answer *a, struct span query)
{
	(void)query;
	for (const struct pool *p = pool_all; p != NULL; p = p->next) {
		struct pool_said s = { .size = p->size, .total = p->n_total,
			.used = p->n_used, .failed = p->n_failed };

		strncpy(s.name, p->name, sizeof s.name - 1);
		agent_answer(a, &s, sizeof s);
	}
}

AGENT_TOPIC(pools) = { .name = "pools", .asked = answer_pools };

/* ---- in the agent ---- */

uint32_t
stat_ask_load(agent_piece_fn *piece, agent_done_fn *done, void *arg)
{
	return (agent_ask(&AGENT_TOPIC_OF(load), NULL, 0, STAT_ASK_MS, piece,
	    done, arg));
}

bool
stat_load_read(struct span data, struct stat_load *l)
{
	if (data.n != sizeof *l)
		return (false);
	memcpy(l, data.p, sizeof *l);
	return (true);
}

struct gather {
	struct cli_ctx *x;
	uint32_t question;              /* under way, or 0 */
	int n;
	struct stat_load load[PX_WORKERS_MAX];  /* show activity */
	struct pool_said pool[64];              /* show pools */
};

static void
drop(struct cli_ctx *x)
{
	struct gather *g = x->priv;

	if (g->question != 0)
		agent_ask_drop(g->question);
}

static void
on_load(struct agent_worker *w, struct span data, void *arg)
{
	struct gather *g = arg;

	(void)w;
	if (g->n < PX_WORKERS_MAX && stat_load_read(data, &g->load[g->n]))
		g->n++;
}

static void
on_all(int missing, void *arg)
{
	struct gather *g = arg;

	(void)missing;
	g->question = 0;
	cli_resume(g->x);
}

/* "loops: 30 [ 10 20 ]": the sum and each worker's. */
static void
put_each(struct gather *g, const char *name, size_t field)
{
	struct text *out = g->x->out;
	uint64_t sum = 0, v[PX_WORKERS_MAX];

	for (int i = 0; i < g->n; i++) {
		memcpy(&v[i], (const char *)&g->load[i] + field, sizeof v[i]);
		sum += v[i];
	}
	text_printf(out, "%s: %" PRIu64, name, sum);
	if (g->n > 1) {
		text_addz(out, " [");
		for (int i = 0; i < g->n; i++)
			text_printf(out, " %" PRIu64, v[i]);
		text_addz(out, " ]");
	}
	text_addc(out, '\n');
}

static enum cli_done
run_activity(struct cli_ctx *x)
{
	struct gather *g = x->priv;

	if (x->turn == 0) {
		g = x->priv = cli_alloc(x, sizeof *g);
		g->x = x;
		g->question = stat_ask_load(on_load, on_all, g);
		return (CLI_LATER);
	}
	text_printf(x->out, "thread_id: 1 (1..%d)\ndate_now: %" PRId64
	    ".%06d\n", g->n, the_loop->wall_us / 1000000,
	    (int)(the_loop->wall_us % 1000000));
	put_each(g, "loops", offsetof(struct stat_load, turns));
	put_each(g, "poll_io", offsetof(struct stat_load, events));
	put_each(g, "pool_fail", offsetof(struct stat_load, pool_failed));
	put_each(g, "busy_us", offsetof(struct stat_load, busy_us));
	put_each(g, "idle_us", offsetof(struct stat_load, idle_us));
	put_each(g, "fds", offsetof(struct stat_load, fds));
	return (CLI_DONE);
}

CLI_COMMAND(show_activity) = {
	.name = "show activity", .args = "", .level = PX_LEVEL_USER,
	.run = run_activity, .dropped = drop,
	.doc = "what the loops of the workers did",
};

static void
on_pool(struct agent_worker *w, struct span data, void *arg)
{
	struct gather *g = arg;
	struct pool_said s;
	int i = 0;

	(void)w;
	if (data.n != sizeof s)
		return;
	memcpy(&s, data.p, sizeof s);
	while (i < g->n && strcmp(g->pool[i].name, s.name) != 0)
		i++;
	if (i == (int)NELEM(g->pool))
		return;
	if (i == g->n) {
		g->pool[g->n++] = s;
		return;
	}
	g->pool[i].total += s.total;
	g->pool[i].used += s.used;
	g->pool[i].failed += s.failed;
}

static void
put_pools(struct cli_ctx *x, const struct gather *g)
{
	uint64_t bytes = 0, used = 0;

	text_addz(x->out, "Dumping pools usage.\n");
	for (int i = 0; i < g->n; i++) {
		const struct pool_said *p = &g->pool[i];

		text_printf(x->out, "  - Pool %s (%" PRIu64 " bytes) : %" PRIu64
		    " allocated (%" PRIu64 " bytes), %" PRIu64 " used, %"
		    PRIu64 " failures\n", p->name, p->size, p->total,
		    p->total * p->size, p->used, p->failed);
		bytes += p->total * p->size;
		used += p->used * p->size;
	}
	text_printf(x->out, "Total: %d pools, %" PRIu64 " bytes allocated, %"
	    PRIu64 " used.\n", g->n, bytes, used);
}

static enum cli_done
run_pools(struct cli_ctx *x)
{
	struct gather *g = x->priv;

	if (x->turn == 0) {
		g = x->priv = cli_alloc(x, sizeof *g);
		g->x = x;
		g->question = agent_ask(&AGENT_TOPIC_OF(pools), NULL, 0,
		    STAT_ASK_MS, on_pool, on_all, g);
		return (CLI_LATER);
	}
	put_pools(x, g);
	return (CLI_DONE);
}

CLI_COMMAND(show_pools) = {
	.name = "show pools", .args = "", .level = PX_LEVEL_USER,
	.run = run_pools, .dropped = drop,
	.doc = "memory that all workers keep in pools",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_give - old and new workers are paired, and paired again when the new
 * one went away; what they say of it.
 *
 * An old worker that is not answered takes nothing back by itself, as the
 * other one may wake up and serve as well. So who does not answer is ended:
 * first the new worker, then, when that does not help, its keeper.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <ipc/say.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/sock.h>

#include "master_int.h"

#define TICK_MS     20
#define TRIES       4           /* of pairing one old worker */
#define AGAIN_MS    50          /* before the second, then twice as long */
#define QUIET_MS    4000        /* an old keeper has to stop accepting */
#define END_MS      2000        /* a new worker has to end when told to */
#define LATE_MS     3000        /* the caller of a reload waits so long */
#define GIVE_UP_MS  20000

static const struct give no_give;

static struct give *
give_of(struct gen *g, int32_t worker)
{
	if (worker < 1 || worker > IPC_PROCS_MAX)
		return (NULL);
	while (g->n_gives < (uint32_t)worker) {
		g->gives = must_realloc(g->gives, (g->n_gives + 1) *
		    sizeof *g->gives);
		g->gives[g->n_gives++] = no_give;
	}
	return (&g->gives[worker - 1]);
}

static void
enter(struct give *v, enum give_state state, int64_t wait_ms)
{
	v->state = state;
	v->when_ms = the_master.loop.now_ms + wait_ms;
}

void
master_give_free(struct gen *g)
{
	tmr_stop(&the_master.loop.wheel, &g->tick);
	for (uint32_t i = 0; i < g->n_gives; i++)
		ipc_report_fini(&g->gives[i].report);
	free(g->gives);
	g->gives = NULL;
	g->n_gives = 0;
}

/* ---- pairing ---- */

/* All new workers get about the same; one that is dead now is passed over. */
static int32_t
choose(const struct gen *new, int32_t old_worker)
{
	for (uint32_t i = 0; i < new->procs.n; i++) {
		uint32_t j = ((uint32_t)old_worker - 1 + i) % new->procs.n;

		if (new->procs.worker[j] > 0)
			return ((int32_t)j + 1);
	}
	return (0);
}

static void
pair(struct gen *old, struct gen *new, int32_t i, struct give *v)
{
	int32_t j = choose(new, i);
	int fd[2];

	if (v->to_gen != new->no)
		v->tries = 0;
	v->to_gen = new->no;
	v->to = j;
	if (v->tries >= TRIES) {
		enter(v, GIVE_TIRED, 0);
		return;
	}
	enter(v, GIVE_AGAIN, AGAIN_MS << v->tries);
	if (j == 0 || fault_at("master.pair") || !sock_pair(SOCK_SEQPACKET,
	    fd)) {
		v->tries++;
		return;
	}
	v->tries++;
	enter(v, GIVE_GOES, 0);
	(void)ipc_send(&new->chan, IPC_TAKE, &j, sizeof j, &fd[1], 1);
	(void)ipc_send(&old->chan, IPC_GIVE, &i, sizeof i, &fd[0], 1);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
}

static void
end_keeper(struct gen *g, const char *what)
{
	if (g == NULL || g->pid <= 0)
		return;
	ipc_say(DIAG_ALERT, "worker (%d) %s; it is ended", (int)g->pid, what);
	(void)kill(g->pid, SIGKILL);
}

static struct gen *
gen_no(uint32_t no)
{
	GENS_EACH(g, &the_master) {
		if (g->no == no)
			return (g);
	}
	return (NULL);
}

/* One old worker: true while there is something to wait for. */
static bool
look_at(struct master *m, struct gen *g, int32_t i, struct give *v)
{
	bool due = m->loop.now_ms >= v->when_ms;

	if (v->state == GIVE_AGAIN && due && m->current != NULL &&
	    g->state == GEN_OLD)
		pair(g, m->current, i, v);
	if (v->state == GIVE_STUCK && due) {
		end_keeper(gen_no(v->to_gen), "does not take over");
		enter(v, GIVE_GOES, 0);
	}
	return (v->state == GIVE_AGAIN || v->state == GIVE_GOES ||
	    v->state == GIVE_STUCK);
}

static void
tick(struct master *m, struct gen *g)
{
	int64_t age = m->loop.now_ms - g->told_ms;
	bool waits = false;

	for (uint32_t i = 0; i < g->n_gives; i++)
		waits = look_at(m, g, (int32_t)i + 1, &g->gives[i]) || waits;
	if (!g->quiet) {
		if (age >= master_patience(QUIET_MS)) {
			end_keeper(g, "does not stop accepting");
			return;
		}
		waits = true;
	} else if (!g->drained && m->current != NULL && (!waits ||
	    age >= master_patience(GIVE_UP_MS)))
		master_drain(m, g);
	if (g->quiet && age >= master_patience(LATE_MS) && !g->late) {
		g->late = true;
		master_swap_look(m);
	}
	tmr_stop(&m->loop.wheel, &g->tick);
	if (waits || !g->drained)
		tmr_arm(&m->loop.wheel, &g->tick, m->loop.now_ms + TICK_MS);
}

void
master_on_give_tick(struct tmr *t)
{
	tick(&the_master, HOLDER(t, struct gen, tick));
}

/* Told to stop accepting: its connections begin to go over, each worker's as
 * soon as it does so. */
void
master_give_begin(struct master *m, struct gen *g)
{
	g->told_ms = m->loop.now_ms;
	for (uint32_t i = 0; i < g->procs.n; i++)
		if (g->procs.worker[i] > 0)
			enter(give_of(g, (int32_t)i + 1), GIVE_AGAIN, 0);
	tick(m, g);
}

/* It accepts no more, none of its workers. */
void
master_give_quiet(struct master *m, struct gen *g)
{
	g->quiet = true;
	g->told_ms = m->loop.now_ms;
	tick(m, g);
}

/* There is a new generation to hand over to. */
void
master_give_again(struct master *m, struct gen *g)
{
	for (uint32_t i = 0; i < g->n_gives; i++)
		if (g->gives[i].state == GIVE_TIRED)
			enter(&g->gives[i], GIVE_AGAIN, 0);
	tick(m, g);
}

/* Some of its workers have ended: these have nothing to give any more. */
void
master_give_procs(struct master *m, struct gen *g)
{
	for (uint32_t i = 0; i < g->n_gives; i++)
		if (i < g->procs.n && g->procs.worker[i] <= 0)
			enter(&g->gives[i], GIVE_DONE, 0);
	if (g->state == GEN_OLD)
		tick(m, g);
}

/* ---- what workers say ---- */

static void
hear(struct give *v, enum ipc_carry event)
{
	struct gen *to = gen_no(v->to_gen);

	switch (event) {
	case IPC_CARRY_PASSED:
		enter(v, GIVE_DONE, 0);
		break;
	case IPC_CARRY_BROKEN:
		enter(v, GIVE_AGAIN, AGAIN_MS << v->tries);
		break;
	case IPC_CARRY_STUCK:
		enter(v, GIVE_STUCK, master_patience(END_MS));
		if (to != NULL && to->level >= 2)
			(void)ipc_send(&to->chan, IPC_KILL, &v->to,
			    sizeof v->to, NULL, 0);
		break;
	case IPC_CARRY_NEWS:
		break;
	}
}

void
master_give_said(struct master *m, struct gen *g, struct span s)
{
	int32_t worker;
	struct give *v;

	if (s.n < sizeof v->report.said)
		return;
	memcpy(&worker, s.p, sizeof worker);
	if ((v = give_of(g, worker)) == NULL)
		return;
	hear(v, ipc_report_read(&v->report, s));
	if (g->state == GEN_OLD)
		tick(m, g);
}

/* ---- what the operator sees ---- */

struct ipc_report
master_give_sum(const struct gen *g)
{
	struct ipc_report sum = { .rows = NULL };

	for (uint32_t i = 0; i < g->n_gives; i++)
		ipc_report_add(&sum, &g->gives[i].report);
	return (sum);
}

/* ---- over exec ---- */

void
master_give_save(struct text *t, const struct gen *g)
{
	for (uint32_t i = 0; i < g->n_gives; i++)
		ipc_report_save(&g->gives[i].report, g->no, i + 1, t);
}

void
master_give_load(uint32_t gen, int32_t worker, struct span word,
    struct span rest)
{
	struct gen *g = gen_no(gen);
	struct give *v = g != NULL ? give_of(g, worker) : NULL;

	if (v != NULL)
		(void)ipc_report_load(&v->report, word, rest);
}

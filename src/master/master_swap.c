/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_swap - changing generations: open the new gates, shut the old ones,
 * pair old and new workers so that connections go over.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <os/fault.h>
#include <os/fd.h>
#include <os/sock.h>

#include "master_int.h"

#define CARRY_MS        3000    /* for the first pass of handing over */
#define MAX_RELOADS     50      /* without mworker-max-reloads */

void
master_lock_gates(struct master *m, struct gen *g)
{
	tmr_stop(&m->loop.wheel, &m->candidate_timer);
	g->state = GEN_OPENING;
	if (fault_at("master.gates"))
		return;
	(void)ipc_send(&g->chan, IPC_GATES, NULL, 0, NULL, 0);
}

/* Processes whose keeper died leave by themselves: nobody can tell them to
 * hand over. */
static void
send_orphans_away(struct gen *g)
{
	for (uint32_t i = 0; i < g->procs.n; i++)
		if (g->procs.worker[i] > 0)
			(void)kill(g->procs.worker[i], SIGUSR1);
}

void
master_gates_open(struct master *m, struct gen *g)
{
	struct gen *old = m->current;

	if (fault_at("master.opened"))
		return;
	g->state = GEN_SERVING;
	m->candidate = NULL;
	m->current = g;
	LIST_EACH(it, &m->gens) {
		struct gen *other = LIST_ITEM(it, struct gen, node);

		if (other == g)
			continue;
		other->reloads++;
		if (other->state == GEN_ORPHANS)
			send_orphans_away(other);
	}
	if (old != NULL) {
		old->state = GEN_OLD;
		m->swapping = true;
		(void)ipc_send(&old->chan, IPC_QUIESCE, NULL, 0, NULL, 0);
		return;
	}
	ipc_holder_commit(g->no);
	master_swap_done(m);
}

/* ---- pairing ---- */

/* One pair for old worker `i`; its partner is chosen so that all new ones get
 * about the same. */
static bool
pair_one(struct gen *old, struct gen *new, int32_t i)
{
	int32_t j = 1 + (i - 1) % (int32_t)new->procs.n;
	int fd[2];

	if (fault_at("master.pair") || !sock_pair(SOCK_SEQPACKET, fd))
		return (false);
	(void)ipc_send(&new->chan, IPC_TAKE, &j, sizeof j, &fd[1], 1);
	(void)ipc_send(&old->chan, IPC_GIVE, &i, sizeof i, &fd[0], 1);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	return (true);
}

/* hard-reload: no old generation lingers. */
static void
end_old(struct master *m)
{
	int32_t sig = SIGTERM;

	LIST_EACH(it, &m->gens) {
		struct gen *g = LIST_ITEM(it, struct gen, node);

		if (g->state == GEN_OLD)
			(void)ipc_send(&g->chan, IPC_SIGNAL, &sig, sizeof sig,
			    NULL, 0);
	}
}

void
master_drain(struct master *m, struct gen *g)
{
	if (g->drained || fault_at("master.drain"))
		return;
	g->drained = true;
	tmr_stop(&m->loop.wheel, &g->drain);
	(void)ipc_send(&g->chan, IPC_DRAIN, NULL, 0, NULL, 0);
	if (m->hard)
		end_old(m);
	m->hard = false;
	if (g->n_given > 0)
		ipc_say(DIAG_NOTICE, "Reload took %lld ms: %u connections "
		    "handed over, %u stay with the old worker (%u refused)",
		    (long long)((clock_mono_us() - m->reload_began_us) / 1000),
		    g->carried, g->lingering, g->refused);
	if (m->current == NULL || !m->swapping)
		return;
	ipc_holder_commit(m->current->no);
	master_swap_done(m);
}

/* The old generation accepts no more: connections begin to go over. */
void
master_gen_quiet(struct master *m, struct gen *g)
{
	if (m->stopping) {      /* soft stop: its listeners are gone */
		ipc_holder_commit(UINT32_MAX);
		return;
	}
	if (g->state != GEN_OLD || g->quiet || fault_at("master.quiet"))
		return;
	g->quiet = true;
	if (m->current != NULL && m->current->procs.n > 0)
		for (uint32_t i = 0; i < g->procs.n; i++)
			if (g->procs.worker[i] > 0 && pair_one(g, m->current,
			    (int32_t)i + 1))
				g->n_given++;
	tmr_arm(&m->loop.wheel, &g->drain, m->loop.now_ms + CARRY_MS);
	if (g->n_given == 0)
		master_drain(m, g);
}

/* `msg` NULL: waited long enough. */
void
master_gen_carried(struct master *m, struct gen *g, struct ipc_msg *msg)
{
	struct ipc_carried c;

	if (msg != NULL) {
		if (msg->data.n != sizeof c)
			return;
		memcpy(&c, msg->data.p, sizeof c);
		g->carried += c.carried;
		g->lingering += c.lingering;
		g->refused += c.refused;
		g->n_carried++;
	}
	if (g->n_carried >= g->n_given)
		master_drain(m, g);
}

void
master_limit_reloads(struct master *m)
{
	LIST_EACH(it, &m->gens) {
		struct gen *g = LIST_ITEM(it, struct gen, node);
		int max = m->current != NULL && m->current->max_reloads >= 0 ?
		    m->current->max_reloads : MAX_RELOADS;
		int32_t sig = SIGTERM;

		if (g->state == GEN_OLD && (int)g->reloads > max)
			(void)ipc_send(&g->chan, IPC_SIGNAL, &sig, sizeof sig,
			    NULL, 0);
	}
}

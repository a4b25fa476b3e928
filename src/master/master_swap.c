/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_swap - changing generations: open the new gates, shut the old ones,
 * let connections go over, let the old ones go.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/must.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <os/fault.h>
#include <os/fd.h>

#include "master_int.h"

#define OPEN_MS         10000   /* a keeper has to open its gates */
#define MAX_RELOADS     50      /* without mworker-max-reloads */

void
master_lock_gates(struct master *m, struct gen *g)
{
	g->state = GEN_OPENING;
	tmr_stop(&m->loop.wheel, &m->candidate_timer);
	tmr_arm(&m->loop.wheel, &m->candidate_timer, m->loop.now_ms +
	    master_patience(OPEN_MS));
	if (!fault_at("master.gates"))
		(void)ipc_send(&g->chan, IPC_GATES, NULL, 0, NULL, 0);
}

/* The new one serves: those before it stop. Old ones that could not hand over,
 * as what was to take over has died, are paired with this one. */
void
master_gates_open(struct master *m, struct gen *g)
{
	if (fault_at("master.opened"))
		return;
	tmr_stop(&m->loop.wheel, &m->candidate_timer);
	g->state = GEN_SERVING;
	m->candidate = NULL;
	m->current = g;
	if (g->state_fd >= 0) {
		fd_close(&m->state_fd);
		fd_close(&m->ledger_fd);
		m->state_fd = g->state_fd;
		m->ledger_fd = g->ledger_fd;
		g->state_fd = g->ledger_fd = -1;
	}
	m->swapping = true;
	GENS_EACH(old, m) {
		if (old == g)
			continue;
		old->reloads++;
		if (old->state == GEN_ORPHANS)
			master_orphans_go(old);
		if (old->state == GEN_OLD)
			master_give_again(m, old);
		if (old->state != GEN_SERVING)
			continue;
		old->state = GEN_OLD;
		(void)ipc_send(&old->chan, IPC_QUIESCE, NULL, 0, NULL, 0);
		master_give_begin(m, old);
	}
	master_swap_look(m);
}

void
master_gen_quiet(struct master *m, struct gen *g)
{
	if (m->stopping) {      /* soft stop: its listeners are gone */
		ipc_holder_commit(UINT32_MAX);
		return;
	}
	if (g->state == GEN_OLD && !g->quiet && !fault_at("master.quiet"))
		master_give_quiet(m, g);
}

/* hard-reload: no old generation lingers. */
static void
end_old(struct master *m)
{
	GENS_EACH(g, m)
		if (g->state == GEN_OLD)
			master_gen_signal(g, SIGTERM);
}

/* The line that tells of one change of generation. */
static void
say_change(struct master *m, const struct gen *old)
{
	struct ipc_report sum = master_give_sum(old);
	struct text t;

	text_init(&t);
	text_printf(&t, "generation %u took over from %u in %lld ms: %u "
	    "connections handed over, %u stay with the old worker (%u "
	    "refused)", m->current->no, old->no, (long long)((clock_mono_us() -
	    m->reload_began_us) / 1000), sum.said.carried,
	    sum.said.lingering, sum.said.refused);
	ipc_report_print(&sum, &t, "; ", "");
	ipc_report_fini(&sum);
	ipc_say(DIAG_NOTICE, "%s", t.p);
	free(m->last_change);
	m->last_change = span_dup(text_span(&t));
	text_fini(&t);
}

/* All that could go at once has gone: leave when nothing is left. */
void
master_drain(struct master *m, struct gen *g)
{
	if (g->drained || fault_at("master.drain"))
		return;
	g->drained = true;
	(void)ipc_send(&g->chan, IPC_DRAIN, NULL, 0, NULL, 0);
	if (m->hard)
		end_old(m);
	m->hard = false;
	if (m->current != NULL)
		say_change(m, g);
	master_swap_look(m);
}

/* Is the change over? Not while an old one has connections that may go. */
void
master_swap_look(struct master *m)
{
	if (m->current == NULL || !m->swapping)
		return;
	GENS_EACH(g, m) {
		if (g->state == GEN_OLD && !g->drained && !g->late)
			return;
	}
	ipc_holder_commit(m->current->no);
	master_swap_done(m);
}

void
master_limit_reloads(struct master *m)
{
	GENS_EACH(g, m) {
		int max = m->current != NULL && m->current->max_reloads >= 0 ?
		    m->current->max_reloads : MAX_RELOADS;

		if (g->state == GEN_OLD && (int)g->reloads > max)
			master_gen_signal(g, SIGTERM);
	}
}

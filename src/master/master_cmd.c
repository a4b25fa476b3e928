/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_cmd - what the master's own sockets (room mcli) ask: the commands
 * about processes, and who they are.
 */
#include <stdio.h>
#include <unistd.h>

#include <base/must.h>
#include <mcli/mcli.h>

#include "master_int.h"

/* ---- show proc ---- */

static void
put_uptime(char *out, size_t room, int64_t born_ms)
{
	int64_t s = (the_master.loop.now_ms - born_ms) / 1000;

	snprintf(out, room, "%lldd%02lldh%02lldm%02llds",
	    (long long)(s / 86400), (long long)(s / 3600 % 24),
	    (long long)(s / 60 % 60), (long long)(s % 60));
}

static void
put_row(struct text *t, long pid, const char *type, const char *reloads,
    int64_t born_ms)
{
	char uptime[40];

	put_uptime(uptime, sizeof uptime, born_ms);
	text_printf(t, "%-15ld %-15s %-15s %-15s %s\n", pid, type, reloads,
	    uptime, the_master.a->version);
}

static void
put_gen(struct text *t, const struct gen *g, bool debug)
{
	char reloads[16];

	snprintf(reloads, sizeof reloads, "%u", g->reloads);
	put_row(t, (long)g->pid, "worker", reloads, g->born_ms);
	if (!debug)
		return;
	put_row(t, g->procs.agent, "  agent", reloads, g->born_ms);
	for (uint32_t i = 0; i < g->procs.n; i++)
		put_row(t, g->procs.worker[i], "  process", reloads,
		    g->born_ms);
}

static bool
is_old(const struct gen *g)
{
	return (g->state == GEN_OLD && g->pid > 0);
}

/* Ours, as comments behind what other tools read: what was carried, what
 * stays and why. */
static void
show_handover(struct text *t, const struct master *m)
{
	char uptime[40];

	if (m->last_change == NULL)
		return;
	text_printf(t, "# handover\n# %s\n", m->last_change);
	GENS_EACH(g, m) {
		struct ipc_report sum;

		if (g->state != GEN_OLD && g->state != GEN_ORPHANS)
			continue;
		sum = master_give_sum(g);
		put_uptime(uptime, sizeof uptime, g->born_ms);
		text_printf(t, "# generation %u (%d) age %s: %u carried, %u "
		    "stay, %u refused\n", g->no, (int)g->pid, uptime,
		    sum.said.carried, sum.said.lingering, sum.said.refused);
		ipc_report_print(&sum, t, "#   ", "\n");
		ipc_report_fini(&sum);
	}
}

static void
show_proc(struct mcli *c, struct span args)
{
	const struct master *m = &the_master;
	bool debug = span_is(args, "debug"), any = false;
	char reloads[40];

	text_printf(&c->out, "%-15s %-15s %-15s %-15s %-15s\n", "#<PID>",
	    "<type>", "<reloads>", "<uptime>", "<version>");
	snprintf(reloads, sizeof reloads, "%u [failed: %u]", m->reloads,
	    m->failed);
	put_row(&c->out, (long)getpid(), "master", reloads, m->born_ms);
	text_addz(&c->out, "# workers\n");
	if (m->current != NULL)
		put_gen(&c->out, m->current, debug);
	GENS_EACH(g, m) {
		if (!is_old(g))
			continue;
		if (!any)
			text_addz(&c->out, "# old workers\n");
		any = true;
		put_gen(&c->out, g, debug);
	}
	show_handover(&c->out, m);
	text_addc(&c->out, '\n');
}

/* ---- reload ---- */

static void
reload(struct mcli *c, bool hard)
{
	struct master *m = &the_master;

	if (m->candidate != NULL || m->swapping || m->stopping) {
		text_printf(&c->out, "Success=0\n--\n%s\n", m->stopping ?
		    "The master is stopping." :
		    "Another reload is still in progress.");
		c->ends = true;
		return;
	}
	m->hard = hard;
	c->waits = true;
	master_reload(m);
}

/* ---- who there is ---- */

static pid_t
keeper(void)
{
	return (the_master.current != NULL ? the_master.current->pid : 0);
}

static struct ipc_chan *
chan(pid_t pid)
{
	struct gen *g = pid == 0 ? NULL : master_gen_of(pid);

	return (g == NULL ? NULL : &g->chan);
}

static bool
last_failed(void)
{
	return (the_master.last_failed);
}

static struct span
startup_log(void)
{
	return (text_span(&the_master.log));
}

void
master_listen(struct master *m)
{
	static struct mcli_owner owner = { .keeper = keeper, .chan = chan,
		.last_failed = last_failed, .reload = reload,
		.show_proc = show_proc, .startup_log = startup_log };

	owner.loop = &m->loop;
	owner.version = m->a->version;
	mcli_listen(&owner, m->a->sockets);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_watch - looking at agent and workers, and ending those that hang.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <ipc/say.h>
#include <os/fault.h>
#include <os/proc.h>

#include "keeper_int.h"

#define LOOK_MS   500
#define ASK_MS    1000          /* nothing moves: ask */
#define SILENT_MS 5000          /* an agent's answer takes at most */
#define AGENT_MS  5000          /* processor time for one step */
#define WORKER_MS 2000
#define LEAVING_MS 10000        /* of a worker that hands over or leaves */
#define CORE_MS   5000          /* to write a core, then SIGKILL */
#define IMPATIENT_CPU 4         /* times less, in tests */
#define IMPATIENT_SILENT 2

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED_TIMES 3
#endif
#endif
#if !defined(SANITIZED_TIMES) && (defined(__SANITIZE_ADDRESS__) || \
    defined(__SANITIZE_THREAD__))
#define SANITIZED_TIMES 3
#endif
#ifndef SANITIZED_TIMES
#define SANITIZED_TIMES 1
#endif
#define VALGRIND_TIMES 50

/* One cache line each: they are written all the time. */
struct row {
	uint32_t steps;
	uint32_t spare[15];
};
_Static_assert(sizeof(struct row) == 64, "one cache line");

static struct row *rows;        /* by number: the agent, then workers */
static int64_t times = 1;       /* slower than usual */
static bool impatient;          /* a fault at keeper.patience */

/* ---- judging ---- */

/* Waits for nothing that comes by itself. Where that can't be read: has used no
 * time since the last look. */
static bool
is_still(const struct keeper_watched *w, const struct keeper_look *l)
{
	if (l->state == '\0')
		return (l->cpu_us == w->last_us);
	return (l->state == 'S' || l->state == 'T');
}

enum keeper_verdict
keeper_watch_judge(struct keeper_watched *w, const struct keeper_look *l,
    const struct keeper_patience *p)
{
	int64_t passed = l->now_ms - w->seen_ms;
	bool still = is_still(w, l);

	if (!w->begun || w->steps != l->steps) {
		*w = (struct keeper_watched){ .begun = true,
			.steps = l->steps, .seen_ms = l->now_ms,
			.first_us = l->cpu_us, .last_us = l->cpu_us };
		return (KEEPER_WELL);
	}
	w->seen_ms = l->now_ms;
	w->last_us = l->cpu_us;
	if (l->cpu_us - w->first_us >= p->cpu_us)
		return (KEEPER_SPINS);
	if (p->silent_ms == 0 || !still)
		return (KEEPER_WELL);
	w->still_ms += passed < 2 * LOOK_MS ? passed : 2 * LOOK_MS;
	if (w->asked)
		return (w->still_ms >= p->silent_ms ? KEEPER_SILENT :
		    KEEPER_WELL);
	if (w->still_ms < ASK_MS)
		return (KEEPER_WELL);
	w->asked = true;
	w->still_ms = 0;
	return (KEEPER_ASK);
}

/* ---- looking ---- */

/* An agent of a generation that leaves is not replaced: keeper_agent_go() sees
 * to its end. One that has not started yet may have much to load. */
static bool
is_watched(const struct keeper *k, const struct keeper_proc *p)
{
	if (p->pid <= 0 || !p->ready || p->told_to_go || p->chan.fd < 0 ||
	    p->kill_ms != 0)
		return (false);
	return (k->phase >= KEEPER_CLOSED && k->phase <= KEEPER_LEAVING &&
	    (p->no > 0 || keeper_replaces(k)));
}

static struct keeper_patience
patience(const struct keeper *k, const struct keeper_proc *p)
{
	int64_t ms = p->no == 0 ? AGENT_MS : keeper_replaces(k) ? WORKER_MS :
	    LEAVING_MS;
	struct keeper_patience most = { .cpu_us = ms * 1000 * times,
		.silent_ms = p->no == 0 ? SILENT_MS : 0 };

	if (impatient) {
		most.cpu_us /= IMPATIENT_CPU;
		most.silent_ms /= IMPATIENT_SILENT;
	}
	return (most);
}

static bool
look_at(const struct keeper *k, const struct keeper_proc *p,
    struct keeper_look *l)
{
	l->now_ms = k->loop.now_ms;
	l->steps = __atomic_load_n(&rows[p->no].steps, __ATOMIC_RELAXED);
	l->cpu_us = proc_cpu_us(p->pid);
	l->state = p->no == 0 && p->watched.begun &&
	    p->watched.steps == l->steps ? proc_state(p->pid) : 'R';
	return (l->cpu_us >= 0);
}

/* ---- ending ---- */

static void
say(const struct keeper *k, const struct keeper_proc *p,
    enum keeper_verdict what, const struct keeper_look *l,
    const struct keeper_patience *most)
{
	char name[KEEPER_NAME], seen[160];

	keeper_proc_name(p, name);
	if (what == KEEPER_SPINS)
		snprintf(seen, sizeof seen, "%.1f s of processor time in one "
		    "step of its loop, expected less than %.1f s",
		    (double)(l->cpu_us - p->watched.first_us) / 1e6,
		    (double)most->cpu_us / 1e6);
	else
		snprintf(seen, sizeof seen, "%s and did not answer for "
		    "%.1f s, expected less than %.1f s", l->state == 'T' ?
		    "it is stopped (SIGSTOP)" : "it is asleep",
		    (double)p->watched.still_ms / 1e3,
		    (double)most->silent_ms / 1e3);
	ipc_say(DIAG_ALERT, "%s (%d) hangs: %s; it is ended by SIGABRT, so "
	    "that a core can tell where, in %d s by SIGKILL%s", name,
	    (int)p->pid, seen, CORE_MS / 1000, keeper_replaces(k) ?
	    ", and another takes its place" : "; this generation leaves and "
	    "does not replace it");
}

static void
end_hung(struct keeper *k, struct keeper_proc *p, enum keeper_verdict what,
    const struct keeper_look *l, const struct keeper_patience *most)
{
	say(k, p, what, l, most);
	if (p->no == 0)
		CNT_PROC_ADD(hung_agents, 1);
	else
		CNT_PROC_ADD(hung_workers, 1);
	p->kill_ms = k->loop.now_ms + CORE_MS;
	keeper_child_hangs(k, p);
}

static void
watch(struct keeper *k, struct keeper_proc *p)
{
	struct keeper_look l;
	struct keeper_patience most = patience(k, p);
	enum keeper_verdict what;

	if (!look_at(k, p, &l))
		return;                 /* it has ended */
	switch (what = keeper_watch_judge(&p->watched, &l, &most)) {
	case KEEPER_WELL:
		break;
	case KEEPER_ASK:
		(void)ipc_send(&p->chan, IPC_A_TURN, NULL, 0, NULL, 0);
		break;
	case KEEPER_SPINS:
	case KEEPER_SILENT:
		end_hung(k, p, what, &l, &most);
		break;
	}
}

/* It writes a core for too long, or holds SIGABRT off. */
static void
end_late(struct keeper *k, pid_t pid, int64_t *kill_ms)
{
	if (pid <= 0 || *kill_ms == 0 || k->loop.now_ms < *kill_ms)
		return;
	(void)kill(pid, SIGKILL);
	*kill_ms = 0;
}

static void
on_watch(struct tmr *t)
{
	struct keeper *k = HOLDER(t, struct keeper, watch);

	for (int i = 0; i <= k->n; i++) {
		struct keeper_proc *p = &k->procs[i];

		end_late(k, p->pid, &p->kill_ms);
		end_late(k, p->former.pid, &p->former.kill_ms);
		if (is_watched(k, p))
			watch(k, p);
	}
	tmr_arm(&k->loop.wheel, t, k->loop.now_ms + LOOK_MS);
}

/* ---- beginning ---- */

/* Valgrind puts something of its own there. */
static bool
in_valgrind(void)
{
	const char *z = getenv("LD_PRELOAD");

	return (z != NULL && strstr(z, "/vgpreload_") != NULL);
}

void
keeper_watch_begin(struct keeper *k)
{
	size_t bytes = (size_t)(k->n + 1) * sizeof *rows;

	rows = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED)
		must_oom(bytes);
	times = in_valgrind() ? VALGRIND_TIMES : SANITIZED_TIMES;
	impatient = fault_at("keeper.patience");
	tmr_init(&k->watch, on_watch);
	tmr_arm(&k->loop.wheel, &k->watch, k->loop.now_ms + LOOK_MS);
}

void
keeper_watch_forked(int no)
{
	loop_steps = &rows[no].steps;
}

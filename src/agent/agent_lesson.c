/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_lesson - an agent that replaces another asks the workers what was
 * changed. The first that knows of changes teaches it; those that know of none
 * were forked meanwhile and are told afterwards.
 */
#include <base/must.h>

#include "agent_int.h"

static struct agent_lesson *lessons;

enum pupil { NOT_ASKED, ASKED, KNOWS, FRESH };

static bool
is_open(const struct agent_lesson *l)
{
	return (!l->over && !l->has_history);
}

static void
ask(struct agent_lesson *l, struct agent_worker *w)
{
	l->pupil[w->no] = ASKED;
	l->ask(w);
}

static void
enlist(struct agent_lesson *l)
{
	for (struct agent_lesson *m = lessons; m != NULL; m = m->next)
		if (m == l)
			return;
	l->next = lessons;
	lessons = l;
}

/* It may still be told something. */
static bool
waits(const struct agent_lesson *l, const struct agent_worker *w)
{
	if (l->pupil[w->no] == ASKED)
		return (true);
	if (!is_open(l) || l->pupil[w->no] == KNOWS)
		return (false);
	if (l->teacher != 0)
		return (true);
	LIST_EACH(it, &agent_workers)
		if (l->pupil[LIST_ITEM(it, struct agent_worker, node)->no] ==
		    ASKED)
			return (true);
	return (false);
}

void
agent_settle(void)
{
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w =
		    LIST_ITEM(it, struct agent_worker, node);
		const struct agent_lesson *l = lessons;

		while (l != NULL && !waits(l, w))
			l = l->next;
		if (l != NULL || w->settled || w->owed > 0)
			continue;
		w->settled = true;
		(void)ipc_send(&w->chan, IPC_TOLD, NULL, 0, NULL, 0);
	}
}

void
agent_owe(struct agent_worker *w, bool owes)
{
	MUST(owes || w->owed > 0);
	w->owed += owes ? 1 : (unsigned)-1;
	if (!owes)
		agent_settle();
}

void
agent_lesson_came(struct agent_lesson *l, struct agent_worker *w)
{
	enlist(l);
	l->pupil[w->no] = NOT_ASKED;
	if (is_open(l))
		ask(l, w);
	else
		l->tell(w);
}

bool
agent_lesson_piece(struct agent_lesson *l, struct agent_worker *w)
{
	l->pupil[w->no] = KNOWS;
	if (l->teacher == 0 && is_open(l))
		l->teacher = w->pid;
	return (l->teacher == w->pid && !l->over);
}

void
agent_lesson_end(struct agent_lesson *l, struct agent_worker *w)
{
	if (l->pupil[w->no] == ASKED)
		l->pupil[w->no] = FRESH;
	l->over = l->over || l->teacher == w->pid;
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *v =
		    LIST_ITEM(it, struct agent_worker, node);

		if (is_open(l) || l->pupil[v->no] != FRESH)
			continue;
		l->pupil[v->no] = NOT_ASKED;
		l->tell(v);
	}
	agent_settle();
}

/* Half a lesson: another one begins from the start. */
void
agent_lesson_gone(struct agent_lesson *l, struct agent_worker *w)
{
	if (l->over || l->teacher != w->pid)
		return;
	l->teacher = 0;
	LIST_EACH(it, &agent_workers)
		ask(l, LIST_ITEM(it, struct agent_worker, node));
	agent_settle();
}

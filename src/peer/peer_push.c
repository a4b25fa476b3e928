/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_push - what a session says unasked: acknowledgements, then all entries
 * to who asked for them, then what changed here.
 */
#include "peer_int.h"

#include <agent/agent.h>
#include <base/must.h>

#define OUT_ENOUGH 32768                /* bytes that wait to be written */

/* ---- changes ---- */

static void
touch(struct peer_section *sec, unsigned table, uint32_t index)
{
	uint32_t *cursors[PEER_NODES_MAX];
	unsigned n = 0;

	for (struct peer_node *x = sec->nodes; x != NULL; x = x->next)
		cursors[n++] = &x->at[table].next;
	peer_order_touch(&sec->tables[table].order, index, cursors, n);
}

bool
peer_drain(struct peer_section *sec)
{
	bool any = false;

	for (unsigned i = 0; i < sec->n_tables; i++) {
		uint32_t index;

		while ((index = stk_log_take(sec->tables[i].t,
		    agent_facts.gen)) != 0) {
			touch(sec, i, index);
			any = true;
		}
	}
	return (any);
}

void
peer_note_all(struct peer_section *sec, unsigned table)
{
	uint32_t top = stk_top(sec->tables[table].t);

	for (uint32_t i = 1; i <= top; i++)
		touch(sec, table, i);
}

static void
define(struct peer_sess *s, unsigned table)
{
	if (s->said == table + 1)
		return;
	peer_put_def(&s->out, &s->sec->tables[table].def);
	s->said = table + 1;
	s->may_count = false;
}

/* The next change of a table; false: there is none. */
static bool
push_one(struct peer_sess *s, unsigned table)
{
	static struct stk_image im;
	struct peer_table *t = &s->sec->tables[table];
	struct peer_progress *at = &s->node->at[table];
	uint32_t index = at->next, id;

	if (index == 0)
		return (false);
	id = t->order.v[index].id;
	at->next = t->order.v[index].newer;
	if (!stk_image_get(t->t, index, &im))
		return (true);          /* it expired meanwhile */
	define(s, table);
	peer_put_update(&s->out, &t->def, s->dict, s->may_count &&
	    id == at->sent + 1 ? PEER_T_NEXT : PEER_T_UPDATE, id, &im);
	at->sent = id;
	s->may_count = true;
	return (true);
}

/* So many changes of each table in turn. */
static void
push(struct peer_sess *s)
{
	unsigned idle = 0;

	while (idle < s->sec->n_tables && s->out.n - s->out_at < OUT_ENOUGH) {
		int64_t left = peer_max_updates;

		while (left > 0 && push_one(s, s->turn))
			left--;
		if (left == peer_max_updates)
			idle++;
		else
			idle = 0;
		s->turn = (s->turn + 1) % s->sec->n_tables;
	}
}

/* ---- everything ---- */

/* Entries say how long they live on. Their id is that of the last change that
 * was sent: so they are no news for acknowledgements. */
static void
teach(struct peer_sess *s)
{
	static struct stk_image im;
	struct peer_section *sec = s->sec;

	while (s->teach_table < sec->n_tables) {
		struct peer_table *t = &sec->tables[s->teach_table];
		uint32_t id = s->node->at[s->teach_table].sent;

		define(s, s->teach_table);
		while (s->teach_entry < stk_top(t->t)) {
			if (s->out.n - s->out_at >= OUT_ENOUGH)
				return;
			if (!stk_image_get(t->t, ++s->teach_entry, &im))
				continue;
			peer_put_update(&s->out, &t->def, s->dict, im.has_left
			    ? PEER_T_TIMED : PEER_T_UPDATE, id, &im);
		}
		s->teach_table++;
		s->teach_entry = 0;
	}
	s->may_count = false;
	s->teaching = false;
	s->unconfirmed = true;
	peer_put_control(&s->out, sec->resync == PEER_R_NONE ?
	    PEER_RESYNC_DONE : PEER_RESYNC_PART);
}

static void
acknowledge(struct peer_sess *s)
{
	for (unsigned i = 0; i < s->sec->n_tables; i++) {
		struct peer_theirs *t = &s->theirs[i];

		if (!t->ack)
			continue;
		t->ack = false;
		peer_put_ack(&s->out, t->def.id, t->got);
	}
}

void
peer_sess_fill(struct peer_sess *s)
{
	if (s->state != PEER_RUNS)
		return;
	acknowledge(s);
	if (s->out.n - s->out_at >= OUT_ENOUGH || s->node->local ||
	    s->sec->n_tables == 0)
		return;
	if (s->teaching)
		teach(s);
	if (!s->teaching)
		push(s);
}

bool
peer_sess_has_more(const struct peer_sess *s)
{
	if (s->state != PEER_RUNS || s->node->local)
		return (false);
	for (unsigned i = 0; i < s->sec->n_tables; i++)
		if (s->node->at[i].next != 0)
			return (true);
	return (s->teaching);
}

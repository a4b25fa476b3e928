/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_resync - a node that begins with empty tables asks another for all
 * entries: one at a time, and the next if it can't tell all. Who finds nobody
 * in time is as good as the others.
 */
#include "peer_int.h"

static bool
can_teach(const struct peer_node *n)
{
	return (!n->local && !n->in_part && n->sess != NULL &&
	    n->sess->state == PEER_RUNS);
}

static void
ask_one(struct peer_section *sec)
{
	for (struct peer_node *n = sec->nodes; n != NULL; n = n->next) {
		if (!can_teach(n))
			continue;
		peer_put_control(&n->sess->out, PEER_RESYNC_REQ);
		n->sess->asked = true;
		sec->resync = PEER_R_ASKED;
		sec->resync_ms = peer_now_ms() + PEER_RESYNC_MS;
		return;
	}
}

void
peer_resync_up(struct peer_sess *s)
{
	if (s->sec->resync == PEER_R_WANTED)
		ask_one(s->sec);
}

void
peer_resync_down(struct peer_sess *s)
{
	if (!s->asked)
		return;
	s->asked = false;
	s->sec->resync = PEER_R_WANTED;
	s->sec->resync_ms = peer_now_ms() + PEER_RESYNC_MS;
	ask_one(s->sec);
}

void
peer_resync_done(struct peer_sess *s, bool full)
{
	struct peer_section *sec = s->sec;

	if (full && (s->asked || s->node->local))
		sec->resync = PEER_R_NONE;
	if (!s->asked)
		return;
	s->asked = false;
	if (full)
		return;
	s->node->in_part = true;
	sec->resync = PEER_R_WANTED;
	sec->resync_ms = peer_now_ms() + PEER_RESYNC_MS;
	ask_one(sec);
}

void
peer_resync_more(struct peer_sess *s)
{
	if (s->asked)
		s->sec->resync_ms = peer_now_ms() + PEER_RESYNC_MS;
}

void
peer_resync_tick(struct peer_section *sec)
{
	if (sec->resync == PEER_R_NONE || peer_now_ms() < sec->resync_ms)
		return;
	sec->resync = PEER_R_NONE;
	for (struct peer_node *n = sec->nodes; n != NULL; n = n->next)
		if (n->sess != NULL)
			n->sess->asked = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_order - a table's entries in order of their last change here.
 *
 * An entry is in the list once, at the place of its last change, so that what
 * changes often is sent as often as a node can take it and not more.
 */
#include "peer_int.h"

#include <stdlib.h>

#include <base/must.h>

static void
grow(struct peer_order *o, uint32_t index)
{
	uint32_t n = o->n < 1024 ? 1024 : o->n;

	while (n <= index)
		n *= 2;
	o->v = must_realloc(o->v, n * sizeof *o->v);
	memset(o->v + o->n, 0, (n - o->n) * sizeof *o->v);
	o->n = n;
}

static void
take_out(struct peer_order *o, uint32_t index, uint32_t *const cursors[],
    unsigned n)
{
	struct peer_link *l = &o->v[index];

	for (unsigned i = 0; i < n; i++)
		if (*cursors[i] == index)
			*cursors[i] = l->newer;
	if (l->older != 0)
		o->v[l->older].newer = l->newer;
	else
		o->oldest = l->newer;
	if (l->newer != 0)
		o->v[l->newer].older = l->older;
	else
		o->newest = l->older;
}

void
peer_order_touch(struct peer_order *o, uint32_t index,
    uint32_t *const cursors[], unsigned n)
{
	struct peer_link *l;

	if (index >= o->n)
		grow(o, index);
	l = &o->v[index];
	if (l->id != 0)
		take_out(o, index, cursors, n);
	if (++o->last_id == 0)          /* 0 is for what is not in it */
		o->last_id = 1;
	*l = (struct peer_link){ .older = o->newest, .id = o->last_id };
	if (o->newest != 0)
		o->v[o->newest].newer = index;
	else
		o->oldest = index;
	o->newest = index;
	for (unsigned i = 0; i < n; i++)
		if (*cursors[i] == 0)
			*cursors[i] = index;
}

uint32_t
peer_order_after(const struct peer_order *o, uint32_t id)
{
	uint32_t at = o->newest, found = 0;

	while (at != 0 && (int32_t)(o->v[at].id - id) > 0) {
		found = at;
		at = o->v[at].older;
	}
	return (found);
}

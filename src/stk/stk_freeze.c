/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_freeze - what is tracked goes to a worker of the next generation: the
 * name of each table and the key. The new worker counts itself in before the
 * old one, told that its connection has gone, counts itself out.
 */
#include "stk_int.h"

#include <base/must.h>
#include <wire/wire.h>

#include <stdlib.h>

enum { TAG_TABLE = 1, TAG_KEY = 2, TAG_TYPE = 3 };    /* never reused */

static void
put_key(struct wire_out *out, unsigned tag, const struct stk_table *t,
    const uint8_t *key)
{
	size_t mark = wire_begin(out, tag, WIRE_OPTIONAL);

	wire_put_bytes(out, TAG_TABLE, WIRE_REQUIRED, span_str(t->name));
	wire_put_bytes(out, TAG_KEY, WIRE_REQUIRED,
	    span_of((const char *)key, t->key_bytes));
	wire_put_u64(out, TAG_TYPE, WIRE_REQUIRED, t->type);
	wire_end(out, mark);
}

static void
put_one(struct wire_out *out, unsigned tag, const struct stk_track *r)
{
	struct stk_entry *e = stk_take(r->tab, r->entry);

	put_key(out, tag, r->tab, stk_entry_key(r->tab->shm, e));
	stk_put(r->tab, e);
}

void
stk_track_put(struct wire_out *out, unsigned tag, const struct stk_set *s)
{
	size_t mark;

	if (s == NULL)
		return;
	mark = wire_begin(out, tag, WIRE_OPTIONAL);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i].tab != NULL)
			put_one(out, i + 1, &s->v[i]);
	wire_end(out, mark);
}

/* False: malformed. *out is NULL for a table that is gone, or has other keys. */
static bool
get_key(struct span record, const struct stk_table **out, struct stk_key *k)
{
	const struct stk_table *t;
	struct span name, bytes;
	struct wire_in in;
	uint64_t type;

	wire_in_init(&in, record);
	if (!wire_find(&in, TAG_TABLE, &name) ||
	    !wire_find(&in, TAG_KEY, &bytes) ||
	    !wire_find_u64(&in, TAG_TYPE, &type))
		return (false);
	t = stk_table_find(name);
	if (t != NULL && (t->key_bytes != bytes.n || t->type != type))
		t = NULL;
	*out = t;
	if (t == NULL)
		return (true);
	k->p = (const uint8_t *)bytes.p;
	k->hash = stk_hash(t->shm, k->p);
	return (true);
}

static bool
get_one(struct stk_track *r, struct span record)
{
	const struct stk_table *t;
	struct stk_entry *e;
	struct stk_key k;

	if (!get_key(record, &t, &k))
		return (false);
	if (t == NULL || (e = stk_get(t, &k, true)) == NULL)
		return (true);
	*r = (struct stk_track){ t, stk_index_of(t->shm, e), 0 };
	r->slot = stk_ref_take(t->shm, e);
	stk_put(t, e);
	return (true);
}

bool
stk_track_get(struct wire_in *in, unsigned tag, struct arena *arena,
    struct stk_set **at)
{
	struct wire_in all;
	enum wire_need need;
	struct span record;
	struct stk_set *s;
	unsigned no;

	MUST(*at == NULL);
	if (!wire_find_in(in, tag, &all))
		return (in->err == NULL);
	if ((s = stk_set_new(arena)) == NULL)
		return (true);
	*at = s;
	while (wire_next(&all, &no, &need, &record))
		if (no >= 1 && no <= s->n && s->v[no - 1].tab == NULL &&
		    !get_one(&s->v[no - 1], record))
			return (false);
	return (all.err == NULL);
}

/* ---- shared rates ---- */

void
stk_share_put(struct wire_out *out, unsigned tag, const struct stk_share *x)
{
	const struct stk_track r = { x->tab, x->entry, x->slot };

	if (x->tab != NULL)
		put_one(out, tag, &r);
}

bool
stk_share_get(struct wire_in *in, unsigned tag, struct stk_share *x,
    enum stk_data rate)
{
	struct stk_track r = { NULL, 0, 0 };
	struct span record;

	x->tab = NULL;
	if (!wire_find(in, tag, &record))
		return (in->err == NULL);
	if (!get_one(&r, record))
		return (false);
	*x = (struct stk_share){ r.tab, r.entry, r.slot, (uint8_t)rate };
	if (r.tab != NULL && stk_table_period(r.tab, rate) == 0)
		stk_share_end(x);
	return (true);
}

/* ---- keys to store ---- */

void
stk_notes_put(struct wire_out *out, unsigned tag, const struct txn *t)
{
	unsigned no = 0;
	size_t mark;

	if (t->stk_notes == NULL)
		return;
	mark = wire_begin(out, tag, WIRE_OPTIONAL);
	for (const struct stk_note *x = t->stk_notes; x != NULL; x = x->next)
		put_key(out, ++no, x->table, x->key.p);
	wire_end(out, mark);
}

bool
stk_notes_get(struct wire_in *in, unsigned tag, struct txn *t)
{
	const struct stk_table *table;
	enum wire_need need;
	struct span record;
	struct wire_in all;
	struct stk_key k;
	unsigned no;

	if (!wire_find_in(in, tag, &all))
		return (in->err == NULL);
	while (wire_next(&all, &no, &need, &record)) {
		if (!get_key(record, &table, &k))
			return (false);
		/* a table may not have room for servers any more */
		if (table != NULL && table->n[STK_SERVER_ID] != 0)
			stk_note(t, table, &k);
	}
	return (all.err == NULL);
}

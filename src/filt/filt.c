/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filt - filters at work on a stream: who asks them, and how they go to
 * another worker.
 */
#include "filt_int.h"

#include <wire/wire.h>

enum { TAG_PROXY = 1, TAG_NAME = 2, TAG_KIND = 3, TAG_STATE = 4 };
/* never reused */

const struct filt *
filt_find(const struct px *px, struct span name)
{
	const struct filt_cfg *c = px_get(&px->slots, &filt_slot);

	for (const struct filt *f = c->first; f != NULL; f = f->next)
		if (span_eq(f->name, name))
			return (f);
	return (NULL);
}

struct filt_use *
filt_use_get(struct txn *t, const struct filt *f)
{
	struct filt_use **at = &t->filts;

	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->filt == f)
			return (*at);
	if ((*at = arena_zget(t->arena, f->kind->use_bytes)) != NULL)
		(*at)->filt = f;
	return (*at);
}

bool
filt_cares(const struct txn *t, bool response)
{
	for (const struct filt_use *u = t->filts; u != NULL; u = u->next)
		if (u->filt->kind->cares(u, response))
			return (true);
	return (false);
}

/* What a filter has granted and the one behind it has not goes back. */
static void
give_before(struct txn *t, const struct filt_use *end, bool response,
    uint64_t n)
{
	for (struct filt_use *u = t->filts; u != end && n != 0; u = u->next)
		if (u->filt->kind->cares(u, response))
			u->filt->kind->give(u, response, n);
}

uint64_t
filt_take(struct txn *t, bool response, uint64_t want, int64_t *again_ms)
{
	uint64_t n;

	for (struct filt_use *u = t->filts; u != NULL && want != 0;
	    u = u->next) {
		if (!u->filt->kind->cares(u, response))
			continue;
		n = u->filt->kind->take(u, response, want, again_ms);
		give_before(t, u, response, want - n);
		want = n;
	}
	return (want);
}

void
filt_give(struct txn *t, bool response, uint64_t n)
{
	give_before(t, NULL, response, n);
}

void
filt_end(struct txn *t)
{
	for (struct filt_use *u = t->filts; u != NULL; u = u->next)
		if (u->filt->kind->end != NULL)
			u->filt->kind->end(u);
	t->filts = NULL;
}

/* ---- hand-over ---- */

static void
put_one(struct wire_out *out, unsigned no, const struct filt_use *u)
{
	size_t mark = wire_begin(out, no, WIRE_OPTIONAL), state;

	wire_put_bytes(out, TAG_PROXY, WIRE_REQUIRED,
	    span_str(u->filt->px->name));
	wire_put_bytes(out, TAG_NAME, WIRE_REQUIRED, u->filt->name);
	wire_put_bytes(out, TAG_KIND, WIRE_REQUIRED,
	    span_str(u->filt->kind->name));
	state = wire_begin(out, TAG_STATE, WIRE_REQUIRED);
	u->filt->kind->put(u, out);
	wire_end(out, state);
	wire_end(out, mark);
}

void
filt_put(struct wire_out *out, unsigned tag, const struct txn *t)
{
	unsigned no = 0;
	size_t mark;

	if (t->filts == NULL)
		return;
	mark = wire_begin(out, tag, WIRE_OPTIONAL);
	for (const struct filt_use *u = t->filts; u != NULL; u = u->next)
		put_one(out, ++no, u);
	wire_end(out, mark);
}

/* The filter of that name here, when it still is of that kind. */
static const struct filt *
find_again(struct span proxy, struct span name, struct span kind)
{
	const struct px *px = px_find(px_model, proxy, PX_FE | PX_BE);
	const struct filt *f = px == NULL ? NULL : filt_find(px, name);

	return (f != NULL && span_is(kind, f->kind->name) ? f : NULL);
}

static void
drop_last(struct txn *t, const struct filt_use *u)
{
	struct filt_use **at = &t->filts;

	while (*at != u)
		at = &(*at)->next;
	*at = NULL;
}

static bool
get_one(struct txn *t, struct span record)
{
	struct span proxy, name, kind;
	const struct filt *f;
	struct filt_use *u;
	struct wire_in in, state;

	wire_in_init(&in, record);
	if (!wire_find(&in, TAG_PROXY, &proxy) ||
	    !wire_find(&in, TAG_NAME, &name) ||
	    !wire_find(&in, TAG_KIND, &kind) ||
	    !wire_find_in(&in, TAG_STATE, &state))
		return (false);
	if ((f = find_again(proxy, name, kind)) == NULL ||
	    (u = filt_use_get(t, f)) == NULL || u->next != NULL)
		return (true);
	if (!f->kind->get(u, t, &state))
		drop_last(t, u);
	return (state.err == NULL);
}

bool
filt_get(struct wire_in *in, unsigned tag, struct txn *t)
{
	enum wire_need need;
	struct span record;
	struct wire_in all;
	unsigned no;

	if (!wire_find_in(in, tag, &all))
		return (in->err == NULL);
	while (wire_next(&all, &no, &need, &record))
		if (!get_one(t, record))
			return (false);
	return (all.err == NULL);
}

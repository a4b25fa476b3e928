/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_frame - changes of patterns as bytes: writing, reading, doing them.
 */
#include "pat_sync_int.h"

void
pat_frame_put(struct text *t, struct pat_frame f, struct span key,
    struct span val)
{
	f.key_n = (uint32_t)key.n;
	f.val_n = (uint32_t)val.n;
	text_add(t, span_of((const char *)&f, sizeof f));
	text_add(t, key);
	text_add(t, val);
}

bool
pat_frame_take(struct span *rest, struct pat_frame *f, struct span *key,
    struct span *val)
{
	if (rest->n < sizeof *f)
		return (false);
	memcpy(f, rest->p, sizeof *f);
	*rest = span_skip(*rest, sizeof *f);
	if (f->key_n > rest->n || f->val_n > rest->n - f->key_n)
		return (false);
	*key = span_of(rest->p, f->key_n);
	*rest = span_skip(*rest, f->key_n);
	*val = span_of(rest->p, f->val_n);
	*rest = span_skip(*rest, f->val_n);
	return (true);
}

struct pat_frame
pat_frame_at(enum pat_op op, struct pat_pos p)
{
	return ((struct pat_frame){ .op = op,
	    .ver = (uint32_t)(p.agent_us >> 32), .id = (uint32_t)p.agent_us,
	    .from = (uint32_t)(p.n >> 32), .seq = (uint32_t)p.n });
}

struct pat_pos
pat_frame_pos(const struct pat_frame *f)
{
	return ((struct pat_pos){ (uint64_t)f->ver << 32 | f->id,
	    (uint64_t)f->from << 32 | f->seq });
}

/* Changes by key need its index. */
static void
apply_rule(struct pat_ref *r, const struct pat_frame *f, struct span key,
    struct span val)
{
	const char *err;

	if (!r->by_key)
		return;
	if (f->op != PAT_OP_PUT)
		(void)pat_drop(r, key);
	if (f->op != PAT_OP_DROP)
		(void)pat_put(r, f->id, key, val, &err);
}

void
pat_frame_apply(struct pat_ref *r, const struct pat_frame *f,
    struct span key, struct span val)
{
	struct pat_part *part;
	struct pat_row *row;
	const char *err;

	switch (f->op) {
	case PAT_OP_PUT:
	case PAT_OP_DROP:
	case PAT_OP_RENEW:
		apply_rule(r, f, key, val);
		break;
	case PAT_OP_ADD:
		(void)pat_add(r, f->ver, f->id, key, val, &err);
		break;
	case PAT_OP_SET:
		if ((row = pat_row_at(r, f->id, &part)) != NULL)
			(void)pat_set(r, row, val, &err);
		break;
	case PAT_OP_DEL:
		if ((row = pat_row_at(r, f->id, &part)) != NULL)
			pat_del(r, row, part);
		break;
	case PAT_OP_CLEAR:
		pat_clear(r, f->ver);
		break;
	case PAT_OP_PREPARE:
		r->next_ver = f->ver;
		break;
	case PAT_OP_COMMIT:
		pat_commit(r, f->ver);
		break;
	case PAT_OP_AFRESH:
		pat_forget_added(r);
		break;
	}
}

void
pat_frame_apply_all(struct span rest)
{
	struct pat_frame f;
	struct span key, val;
	struct pat_ref *r;

	while (pat_frame_take(&rest, &f, &key, &val))
		if ((r = pat_by_no(f.ref)) != NULL)
			pat_frame_apply(r, &f, key, val);
}

/* ---- all that was changed ---- */

struct teller {
	struct text text;
	size_t bytes;
	pat_send_fn *send;
	void *arg;
};

static void
tell_out(struct teller *t, size_t above)
{
	if (t->text.n > above) {
		t->bytes += t->text.n;
		t->send(t->text.p, t->text.n, t->arg);
		text_clear(&t->text);
	}
}

static void
tell(struct teller *t, struct pat_frame f, struct span key, struct span val)
{
	/* what is long goes by itself */
	if (t->text.n + key.n + val.n > PAT_TEXTS_MAX)
		tell_out(t, 0);
	pat_frame_put(&t->text, f, key, val);
	tell_out(t, PAT_BATCH_BYTES);
}

static void
tell_row(struct teller *t, struct pat_frame f, const struct pat_row *row)
{
	f.id = row->id;
	tell(t, f, pat_key(row), pat_value(row));
}

/* Rows that have no number are told when it is known. */
static void
tell_part(struct teller *t, const struct pat_ref *r,
    const struct pat_part *p, uint32_t ver)
{
	struct pat_frame f = { .op = PAT_OP_ADD, .ref = r->no, .ver = ver };

	for (uint32_t i = 0; i < p->n; i++)
		if (!p->row[i].dead && (p->row[i].id & PAT_TEMPORARY) == 0)
			tell_row(t, f, &p->row[i]);
}

static void
tell_base(struct teller *t, const struct pat_ref *r, bool complete)
{
	struct pat_frame f = { .ref = r->no };

	if (r->base_gone || complete) {
		f.op = r->curr_ver == 0 && !complete ? PAT_OP_CLEAR :
		    PAT_OP_COMMIT;
		f.ver = r->curr_ver;
		tell(t, f, SPAN_NONE, SPAN_NONE);
		if (!r->base_gone)
			tell_part(t, r, &r->base, r->curr_ver);
		return;
	}
	for (uint32_t i = 0; i < r->base.n; i++) {
		const struct pat_row *row = &r->base.row[i];

		f.op = row->dead ? PAT_OP_DEL : PAT_OP_SET;
		if (row->dead || (r->map && !pat_row_stable(r, row)))
			tell_row(t, f, row);
	}
}

static void
tell_ref(struct teller *t, const struct pat_ref *r, bool complete)
{
	struct pat_frame f = { .op = PAT_OP_AFRESH, .ref = r->no };

	/* It may have come half-way, or some rows by themselves. */
	tell(t, f, SPAN_NONE, SPAN_NONE);
	f.op = PAT_OP_PREPARE;
	f.ver = r->next_ver;
	tell(t, f, SPAN_NONE, SPAN_NONE);
	tell_base(t, r, complete);
	if (r->cur != NULL)
		tell_part(t, r, r->cur, r->curr_ver);
	for (const struct pat_part *p = r->prepared; p != NULL; p = p->next)
		tell_part(t, r, p, p->ver);
}

size_t
pat_tell_all(bool complete, pat_send_fn *send, void *arg)
{
	struct teller t = { .send = send, .arg = arg };

	text_init(&t.text);
	for (const struct pat_ref *r = pat_first(); r != NULL; r = r->next)
		if (complete || r->changed || r->next_ver != 0)
			tell_ref(&t, r, complete);
	tell_out(&t, 0);
	text_fini(&t.text);
	return (t.bytes);
}

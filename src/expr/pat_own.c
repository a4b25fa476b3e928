/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_own - what a worker's rules changed and the agent has not confirmed.
 *
 * A rule changes the worker's copy, so that the next rule sees it; there is an
 * entry here, one per key, until the agent tells the change back. Changes of
 * others that come first come first for everybody: they are done *below* one's
 * own, which is taken off and put on again. So a worker reads what it wrote, and
 * has what all have once nothing is on its way.
 *
 * Of each key one change is on its way at most, and of all of them some bytes:
 * an agent that is slow, or not there, is told the last value of each key when
 * it listens. A change that finds no room is not done.
 */
#include "pat_sync_int.h"

#include <stdlib.h>
#include <unistd.h>

#include <base/must.h>

#define OWN_BYTES_MAX (32u << 20)       /* all entries */
#define SAID_BYTES_MAX (256u << 10)     /* on their way */
#define BUCKETS_MIN 64

struct own {
	struct own *next;               /* of the bucket */
	struct list node;               /* in `unsaid`, or in `said` */
	struct pat_ref *ref;
	uint64_t hash;
	uint32_t op;                    /* PUT, DROP, RENEW: all that was done
	                                 * and is not confirmed */
	uint32_t later;                 /* of it: since it was said; or 0 */
	uint32_t seq;                   /* when it was said; 0: it was not */
	uint32_t said_bytes;
	uint32_t key_n, val_n;
	char *text;                     /* key and value */
};

struct pat_own_stats pat_own_stats;

static struct list unsaid = LIST_INIT(unsaid), said = LIST_INIT(said);
static struct own **bucket;
static size_t n_buckets;
static uint32_t last_seq, last_temporary;
static bool listens;

static struct span
key_of(const struct own *o)
{
	return (span_of(o->text, o->key_n));
}

static struct span
value_of(const struct own *o)
{
	return (span_of(o->text + o->key_n, o->val_n));
}

static size_t
bytes_of(const struct own *o)
{
	return (sizeof *o + o->key_n + o->val_n);
}

/* ---- the table ---- */

static uint64_t
hash_of(const struct pat_ref *r, struct span key)
{
	return (span_hash_seed(key, r->no));
}

static struct own **
place_of(const struct pat_ref *r, struct span key, uint64_t hash)
{
	struct own **at = &bucket[hash & (n_buckets - 1)];

	while (*at != NULL && ((*at)->hash != hash || (*at)->ref != r ||
	    !span_eq(key_of(*at), key)))
		at = &(*at)->next;
	return (at);
}

static struct own *
find(const struct pat_ref *r, struct span key)
{
	return (pat_own_stats.n == 0 ? NULL :
	    *place_of(r, key, hash_of(r, key)));
}

static void
resize(size_t n)
{
	struct own **old = bucket;
	size_t n_old = n_buckets;

	bucket = must_alloc(n * sizeof(struct own *));
	n_buckets = n;
	for (size_t i = 0; i < n_old; i++)
		for (struct own *o = old[i], *next; o != NULL; o = next) {
			struct own **at = &bucket[o->hash & (n - 1)];

			next = o->next;
			o->next = *at;
			*at = o;
		}
	free(old);
}

static struct own *
own_new(struct pat_ref *r, struct span key)
{
	struct own *o = must_alloc(sizeof *o), **at;

	if (pat_own_stats.n >= n_buckets)
		resize(n_buckets == 0 ? BUCKETS_MIN : 2 * n_buckets);
	o->ref = r;
	o->hash = hash_of(r, key);
	o->text = must_alloc(key.n + 1);
	memcpy(o->text, key.p, key.n);
	o->key_n = (uint32_t)key.n;
	at = &bucket[o->hash & (n_buckets - 1)];
	o->next = *at;
	*at = o;
	list_push_back(&unsaid, &o->node);
	pat_own_stats.n++;
	pat_own_stats.bytes += bytes_of(o);
	return (o);
}

static void
own_free(struct own *o)
{
	*place_of(o->ref, key_of(o), o->hash) = o->next;
	list_del(&o->node);
	pat_own_stats.n--;
	pat_own_stats.bytes -= bytes_of(o);
	free(o->text);
	free(o);
	if (pat_own_stats.n == 0 && n_buckets > BUCKETS_MIN) {
		free(bucket);
		bucket = NULL;
		n_buckets = 0;
	}
}

static void
set_value(struct own *o, struct span val)
{
	pat_own_stats.bytes -= o->val_n;
	o->text = must_realloc(o->text, o->key_n + val.n + 1);
	if (val.n != 0)
		memcpy(o->text + o->key_n, val.p, val.n);
	o->val_n = (uint32_t)val.n;
	pat_own_stats.bytes += val.n;
}

/* ---- doing it here ---- */

static uint32_t
temporary(void)
{
	if (++last_temporary >= PAT_TEMPORARY)
		last_temporary = 1;
	return (PAT_TEMPORARY | last_temporary);
}

/* The row that only this process knows. */
static struct pat_row *
temporary_row(struct pat_ref *r, struct span key)
{
	struct pat_row *row = pat_by_text(r, key);

	return (row == NULL || (row->id & PAT_TEMPORARY) == 0 ? NULL : row);
}

static void
take_off(struct own *o)
{
	struct pat_row *row = temporary_row(o->ref, key_of(o));

	if (row != NULL)
		pat_del(o->ref, row, o->ref->cur);
}

static void
put_on(struct own *o)
{
	const char *err;

	if (o->op != PAT_OP_PUT)
		(void)pat_drop(o->ref, key_of(o));
	if (o->op != PAT_OP_DROP)
		(void)pat_put(o->ref, temporary(), key_of(o), value_of(o),
		    &err);
}

void
pat_own_relay(void)
{
	LIST_EACH(it, &said)
		put_on(LIST_ITEM(it, struct own, node));
	LIST_EACH(it, &unsaid)
		put_on(LIST_ITEM(it, struct own, node));
}

static void
relay_ref(const struct pat_ref *r, struct list *of)
{
	LIST_EACH(it, of)
		if (LIST_ITEM(it, struct own, node)->ref == r)
			put_on(LIST_ITEM(it, struct own, node));
}

/* ---- telling the agent ---- */

static uint32_t
say_one(struct text *t, struct own *o)
{
	struct pat_frame f = { .op = o->op, .ref = o->ref->no };
	struct span val = o->op == PAT_OP_DROP ? SPAN_NONE : value_of(o);
	size_t before = t->n;

	if (++last_seq == 0)
		last_seq = 1;
	f.seq = o->seq = last_seq;
	o->later = 0;
	pat_frame_put(t, f, key_of(o), val);
	list_del(&o->node);
	list_push_back(&said, &o->node);
	return ((uint32_t)(t->n - before));
}

static void
say_waiting(void)
{
	struct text t;

	if (!listens || list_empty(&unsaid))
		return;
	agent_news_made();
	text_init(&t);
	while (!list_empty(&unsaid) &&
	    pat_own_stats.said_bytes < SAID_BYTES_MAX) {
		struct own *o = LIST_ITEM(unsaid.next, struct own, node);

		if (t.n != 0 && t.n + bytes_of(o) > PAT_BATCH_BYTES) {
			pat_sync_say(t.p, t.n);
			text_clear(&t);
		}
		o->said_bytes = say_one(&t, o);
		pat_own_stats.said_bytes += o->said_bytes;
	}
	if (t.n != 0)
		pat_sync_say(t.p, t.n);
	text_fini(&t);
}

static void
unsay(struct own *o)
{
	pat_own_stats.said_bytes -= o->said_bytes;
	o->said_bytes = 0;
	o->seq = 0;
	o->later = 0;
	list_del(&o->node);
	list_push_back(&unsaid, &o->node);
}

void
pat_own_hush(void)
{
	listens = false;
	while (!list_empty(&said))
		unsay(LIST_ITEM(said.next, struct own, node));
}

void
pat_own_say(void)
{
	listens = true;
	say_waiting();
}

/* ---- rules ---- */

/* One change that does what `was` and then `op` do. */
static uint32_t
both(uint32_t was, uint32_t op)
{
	return (op == PAT_OP_PUT && (was == PAT_OP_DROP ||
	    was == PAT_OP_RENEW) ? PAT_OP_RENEW : op);
}

static bool
has_room(const struct own *o, struct span key, struct span val)
{
	size_t more = o != NULL ? val.n : sizeof *o + key.n + val.n;

	if (pat_own_stats.bytes + more <= OWN_BYTES_MAX)
		return (true);
	pat_own_stats.refused++;
	return (false);
}

static void
note(struct own *o, struct pat_ref *r, uint32_t op, struct span key,
    struct span val)
{
	if (o == NULL)
		o = own_new(r, key);
	o->op = both(o->op, op);
	if (o->seq != 0)
		o->later = both(o->later, op);
	set_value(o, val);
	say_waiting();
}

bool
pat_own_put(struct pat_ref *r, struct span key, struct span val)
{
	struct own *o = find(r, key);
	const char *err;

	if (!has_room(o, key, val) ||
	    !pat_put(r, temporary(), key, val, &err))
		return (false);
	note(o, r, PAT_OP_PUT, key, val);
	return (true);
}

bool
pat_own_drop(struct pat_ref *r, struct span key)
{
	struct own *o = find(r, key);

	if (pat_by_text(r, key) == NULL || !has_room(o, key, SPAN_NONE))
		return (false);
	(void)pat_drop(r, key);
	note(o, r, PAT_OP_DROP, key, SPAN_NONE);
	return (true);
}

/* ---- what the agent tells ---- */

/* Some use takes the first row that matches. */
static bool
order_counts(const struct pat_ref *r)
{
	for (const struct pat_use *u = r->uses; u != NULL; u = u->next)
		if (!pat_index_is_tree(r->cur->ix[u->no]))
			return (true);
	return (false);
}

/* The agent has numbered a row of ours: in its list it is the last. */
static void
number_row(struct own *o, uint32_t id)
{
	struct pat_ref *r = o->ref;
	struct pat_row *row = temporary_row(r, key_of(o));
	const char *err;

	if (row == NULL)
		return;
	if (row == &r->cur->row[r->cur->n - 1] || !order_counts(r)) {
		row->id = id;
		if (id > r->next_id && id <= INT32_MAX)
			r->next_id = id;
		return;
	}
	pat_del(r, row, r->cur);
	(void)pat_add(r, r->curr_ver, id, key_of(o), value_of(o), &err);
}

static void
confirm(struct own *o, const struct pat_frame *f)
{
	if (f->op == PAT_OP_DROP && o->op != PAT_OP_DROP && o->later == 0)
		(void)pat_drop(o->ref, key_of(o));      /* it was refused */
	else if (f->op != PAT_OP_DROP && (o->later == 0 ||
	    o->later == PAT_OP_PUT))
		number_row(o, f->id);
	if (o->later == 0) {
		pat_own_stats.said_bytes -= o->said_bytes;
		own_free(o);
	} else {
		o->op = o->later;
		unsay(o);
	}
	say_waiting();
}

/* The key of our own that it is about; NULL: none, or the whole list. */
static struct own *
concerned(struct pat_ref *r, const struct pat_frame *f, struct span key)
{
	struct pat_part *part;
	struct pat_row *row;

	switch (f->op) {
	case PAT_OP_ADD:
		return (f->ver == r->curr_ver ? find(r, key) : NULL);
	case PAT_OP_PUT:
	case PAT_OP_DROP:
	case PAT_OP_RENEW:
		return (find(r, key));
	case PAT_OP_SET:
	case PAT_OP_DEL:
		row = pat_row_at(r, f->id, &part);
		return (row == NULL ? NULL : find(r, pat_key(row)));
	default:
		return (NULL);
	}
}

void
pat_own_told(const struct pat_frame *f, struct span key, struct span val)
{
	struct pat_ref *r = pat_by_no(f->ref);
	struct own *o;

	if (r == NULL)
		return;
	o = pat_own_stats.n == 0 ? NULL : concerned(r, f, key);
	if (o != NULL && o->seq != 0 && o->seq == f->seq &&
	    f->from == (uint32_t)getpid()) {
		confirm(o, f);
		return;
	}
	if (o != NULL)
		take_off(o);
	pat_frame_apply(r, f, key, val);
	if (o != NULL)
		put_on(o);
	else if (pat_own_stats.n != 0 && (f->op == PAT_OP_CLEAR ||
	    f->op == PAT_OP_COMMIT)) {
		relay_ref(r, &said);
		relay_ref(r, &unsaid);
	}
}

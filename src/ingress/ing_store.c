/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_store - one hash table per kind, and a sorted view made when asked for.
 */
#include <ingress/store.h>

#include <stdlib.h>

#include <base/must.h>

struct table {
	struct ing_obj **slot;          /* open addressing; NULL: free */
	size_t size, n;                 /* size: a power of two, or 0 */
	const struct ing_obj **sorted;  /* NULL: not made */
};

/* What was looked for. */
struct asked {
	struct ing_asked *v;
	size_t n, cap;
	bool sorted;
};

#define TOUCHED_MAX 64          /* more is worth a plan from scratch */

struct touched {
	struct ing_touched v[TOUCHED_MAX];
	size_t n;
	bool more;
};

struct ing_store {
	struct table kind[ING_KINDS];
	struct asked *asked;            /* a look-up changes nothing else */
	struct touched touched;
	uint64_t generation;
	size_t bytes;
};

struct ing_store *
ing_store_new(void)
{
	struct ing_store *s = must_alloc(sizeof *s);

	s->asked = must_alloc(sizeof *s->asked);
	return (s);
}

void
ing_store_free(struct ing_store *s)
{
	if (s == NULL)
		return;
	for (int k = 0; k < ING_KINDS; k++) {
		struct table *t = &s->kind[k];

		for (size_t i = 0; i < t->size; i++)
			ing_obj_free(t->slot[i]);
		free(t->slot);
		free(t->sorted);
	}
	ing_store_forget_touched(s);
	ing_store_forget_asked(s);
	free(s->asked->v);
	free(s->asked);
	free(s);
}

/* --- what changed ----------------------------------------------------------- */

static void
touch(struct ing_store *s, const struct ing_obj *o)
{
	struct touched *t = &s->touched;
	const struct ing_slice *slice = (const struct ing_slice *)o;

	if (o == NULL)
		return;
	if (o->kind != ING_SLICE || t->n == TOUCHED_MAX) {
		t->more = true;
		return;
	}
	if (slice->service != NULL)
		t->v[t->n++] = (struct ing_touched){ must_strdup(o->ns),
			must_strdup(slice->service) };
}

const struct ing_touched *
ing_store_touched(const struct ing_store *s, size_t *n)
{
	*n = s->touched.n;
	return (s->touched.more ? NULL : s->touched.v);
}

void
ing_store_forget_touched(struct ing_store *s)
{
	struct touched *t = &s->touched;

	while (t->n > 0) {
		t->n--;
		free(t->v[t->n].ns);
		free(t->v[t->n].service);
	}
	t->more = false;
}

/* --- objects ---------------------------------------------------------------- */

static uint64_t
hash(const char *ns, const char *name)
{
	return (span_hash_seed(span_str(name), span_hash(span_str(ns))));
}

/* Where it is, or the free slot where it would be. The table has one. */
static size_t
find(const struct table *t, const char *ns, const char *name)
{
	size_t i = hash(ns, name) & (t->size - 1);

	while (t->slot[i] != NULL && (strcmp(t->slot[i]->name, name) != 0 ||
	    strcmp(t->slot[i]->ns, ns) != 0))
		i = (i + 1) & (t->size - 1);
	return (i);
}

static void
grow(struct table *t)
{
	struct table big = { .size = t->size == 0 ? 64 : t->size * 2 };

	big.slot = must_alloc(big.size * sizeof *big.slot);
	for (size_t i = 0; i < t->size; i++)
		if (t->slot[i] != NULL)
			big.slot[find(&big, t->slot[i]->ns,
			    t->slot[i]->name)] = t->slot[i];
	free(t->slot);
	t->slot = big.slot;
	t->size = big.size;
}

static void
changed(struct ing_store *s, struct table *t)
{
	s->generation++;
	free(t->sorted);
	t->sorted = NULL;
}

static int
cmp(const void *a, const void *b)
{
	const struct ing_obj *const *x = a, *const *y = b;
	int c = strcmp((*x)->ns, (*y)->ns);

	return (c != 0 ? c : strcmp((*x)->name, (*y)->name));
}

/* Another version of an object has its place in the order. */
static void
replaced(struct ing_store *s, struct table *t, const struct ing_obj *old,
    const struct ing_obj *o)
{
	const struct ing_obj **at;

	s->generation++;
	if (t->sorted == NULL)
		return;
	at = bsearch(&old, t->sorted, t->n, sizeof *t->sorted, cmp);
	MUST(at != NULL && *at == old);
	*at = o;
}

static bool
is_same(const struct ing_obj *a, const struct ing_obj *b)
{
	return (a->version != NULL && b->version != NULL && a->uid != NULL &&
	    b->uid != NULL && strcmp(a->version, b->version) == 0 &&
	    strcmp(a->uid, b->uid) == 0);
}

bool
ing_store_put(struct ing_store *s, struct ing_obj **take)
{
	struct ing_obj *o = *take, *old;
	struct table *t = &s->kind[o->kind];
	size_t i;

	*take = NULL;
	MUST(o->magic == ING_OBJ_MAGIC);
	if (t->n * 2 >= t->size)
		grow(t);
	i = find(t, o->ns, o->name);
	old = t->slot[i];
	if (old != NULL && is_same(old, o)) {
		old->marked = true;
		old->source = o->source;
		ing_obj_free(o);
		return (false);
	}
	if (old == NULL)
		changed(s, t);
	else
		replaced(s, t, old, o);
	touch(s, old);
	touch(s, o);
	o->generation = s->generation;
	o->marked = true;
	s->bytes += o->bytes - (old != NULL ? old->bytes : 0);
	t->n += old == NULL;
	t->slot[i] = o;
	ing_obj_free(old);
	return (true);
}

/* Take out slot `i`, and move those behind it that were pushed on by it. */
static void
take_out(struct ing_store *s, struct table *t, size_t i)
{
	size_t mask = t->size - 1;

	touch(s, t->slot[i]);
	s->bytes -= t->slot[i]->bytes;
	ing_obj_free(t->slot[i]);
	t->slot[i] = NULL;
	t->n--;
	for (size_t k = (i + 1) & mask; t->slot[k] != NULL;
	    k = (k + 1) & mask) {
		struct ing_obj *o = t->slot[k];

		t->slot[k] = NULL;
		t->slot[find(t, o->ns, o->name)] = o;
	}
	changed(s, t);
}

bool
ing_store_del(struct ing_store *s, enum ing_kind kind, const char *ns,
    const char *name)
{
	struct table *t = &s->kind[kind];
	size_t i;

	if (t->n == 0)
		return (false);
	i = find(t, ns, name);
	if (t->slot[i] == NULL)
		return (false);
	take_out(s, t, i);
	return (true);
}

/* Names come from annotations, too: what the API server can't have is never
 * asked for, nor put into a URL. */
static bool
is_name(const char *s)
{
	size_t n = strlen(s);

	return (n >= 1 && n <= 253 && strspn(s,
	    "abcdefghijklmnopqrstuvwxyz0123456789-.") == n && s[0] != '.');
}

static void
note_asked(struct asked *a, enum ing_kind kind, const char *ns,
    const char *name)
{
	if ((kind != ING_SECRET && kind != ING_CONFIGMAP) || !is_name(ns) ||
	    !is_name(name))
		return;
	if (a->n == a->cap) {
		a->cap = a->cap == 0 ? 64 : a->cap * 2;
		a->v = must_realloc(a->v, a->cap * sizeof *a->v);
	}
	a->v[a->n++] = (struct ing_asked){ kind, must_strdup(ns),
		must_strdup(name) };
	a->sorted = false;
}

const struct ing_obj *
ing_store_find(const struct ing_store *s, enum ing_kind kind, const char *ns,
    const char *name)
{
	const struct table *t = &s->kind[kind];

	note_asked(s->asked, kind, ns, name);
	return (t->n == 0 ? NULL : t->slot[find(t, ns, name)]);
}

static int
asked_cmp(const void *a, const void *b)
{
	const struct ing_asked *x = a, *y = b;
	int c = (int)x->kind - (int)y->kind;

	if (c == 0)
		c = strcmp(x->ns, y->ns);
	return (c != 0 ? c : strcmp(x->name, y->name));
}

const struct ing_asked *
ing_store_asked(const struct ing_store *s, size_t *n)
{
	struct asked *a = s->asked;
	size_t k = 0;

	if (!a->sorted && a->n > 0)
		qsort(a->v, a->n, sizeof *a->v, asked_cmp);
	for (size_t i = 0; i < a->n && !a->sorted; i++) {
		if (k > 0 && asked_cmp(&a->v[k - 1], &a->v[i]) == 0) {
			free(a->v[i].ns);
			free(a->v[i].name);
		} else {
			a->v[k++] = a->v[i];
		}
	}
	if (!a->sorted)
		a->n = k;
	a->sorted = true;
	*n = a->n;
	return (a->v);
}

void
ing_store_forget_asked(struct ing_store *s)
{
	for (size_t i = 0; i < s->asked->n; i++) {
		free(s->asked->v[i].ns);
		free(s->asked->v[i].name);
	}
	s->asked->n = 0;
	s->asked->sorted = false;
}

const struct ing_obj *const *
ing_store_all(struct ing_store *s, enum ing_kind kind, size_t *n)
{
	struct table *t = &s->kind[kind];
	size_t k = 0;

	*n = t->n;
	if (t->sorted != NULL)
		return (t->sorted);
	t->sorted = must_alloc((t->n + 1) * sizeof *t->sorted);
	for (size_t i = 0; i < t->size; i++)
		if (t->slot[i] != NULL)
			t->sorted[k++] = t->slot[i];
	qsort(t->sorted, k, sizeof *t->sorted, cmp);
	return (t->sorted);
}

uint64_t
ing_store_generation(const struct ing_store *s)
{
	return (s->generation);
}

size_t
ing_store_bytes(const struct ing_store *s)
{
	return (s->bytes);
}

void
ing_store_list_begin(struct ing_store *s, enum ing_kind kind, unsigned source)
{
	struct table *t = &s->kind[kind];

	for (size_t i = 0; i < t->size; i++)
		if (t->slot[i] != NULL && t->slot[i]->source == source)
			t->slot[i]->marked = false;
}

void
ing_store_list_end(struct ing_store *s, enum ing_kind kind, unsigned source)
{
	struct table *t = &s->kind[kind];
	struct ing_obj **all = must_alloc((t->n + 1) * sizeof *all);
	size_t n = 0;

	/* Taking out moves others, so collect first. */
	for (size_t i = 0; i < t->size; i++)
		if (t->slot[i] != NULL && !t->slot[i]->marked &&
		    t->slot[i]->source == source)
			all[n++] = t->slot[i];
	for (size_t i = 0; i < n; i++)
		take_out(s, t, find(t, all[i]->ns, all[i]->name));
	free(all);
}

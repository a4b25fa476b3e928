/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr_parse - compiles "fetch(args),converter(args),…": names looked up,
 * types checked, constants folded, equal expressions made one object.
 */
#include "pat_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <expr/vars.h>

#define BUCKETS 256

static struct expr *interned[BUCKETS];
static uint32_t n_slots;

uint64_t txn_epoch_last;
void (*txn_make_id)(struct txn *);

/* ---- results kept for one message ---- */

struct slot {
	const struct txn *txn;
	uint64_t epoch;
	bool has;
	struct smp smp;
};
static struct slot *slots;
static uint32_t slots_cap;

static bool
run_link(const struct expr *e, struct txn *t, struct smp *s)
{
	if (e->from == NULL) {
		s->type = e->fetch->out;
		s->each = e->each;
		return (e->fetch->run(t, e->arg, s));
	}
	/* the next value of a list comes from the fetch itself */
	if (s->more ? !run_link(e->from, t, s) : !expr_eval(e->from, t, s))
		return (false);
	if (!smp_cast(t, s, e->conv->in) || !e->conv->run(t, e->arg, s))
		return (false);
	if (e->conv->out != SMP_ANY && !e->conv->typed)
		s->type = e->conv->out;
	return (true);
}

static bool
run_first(const struct expr *e, struct txn *t, struct smp *s)
{
	s->it[0] = s->it[1] = s->it[2] = 0;
	s->more = s->constant = s->waits = false;
	s->meth = 0;
	if (run_link(e, t, s))
		return (true);
	if (__builtin_expect(t->head_waits, 0)) {
		t->head_waits = false;
		s->waits = true;
	}
	return (false);
}

static bool
eval_kept(const struct expr *e, struct txn *t, struct smp *s)
{
	struct slot *slot;

	if (__builtin_expect(e->slot >= slots_cap, 0)) {
		slots = must_realloc(slots, n_slots * sizeof *slots);
		memset(slots + slots_cap, 0,
		    (n_slots - slots_cap) * sizeof *slots);
		slots_cap = n_slots;
	}
	slot = &slots[e->slot];
	if (slot->epoch == t->cache_epoch && slot->txn == t) {
		*s = slot->smp;
		return (slot->has);
	}
	slot->has = run_first(e, t, s);
	/* a nested evaluation may have moved the table: not while it is sized
	 * for every expression at once */
	slot->smp = *s;
	slot->txn = t;
	slot->epoch = t->cache_epoch;
	return (slot->has);
}

bool
expr_eval(const struct expr *e, struct txn *t, struct smp *s)
{
	if (e->folded) {
		*s = e->value;
		return (true);
	}
	if (e->shared && t->cache_epoch != 0)
		return (eval_kept(e, t, s));
	return (run_first(e, t, s));
}

bool
expr_more(const struct expr *e, struct txn *t, struct smp *s)
{
	return (s->more && run_link(e, t, s));
}

struct span
expr_text(const struct expr *e, struct txn *t)
{
	struct smp s;

	if (!expr_eval(e, t, &s) || !smp_cast(t, &s, SMP_STR))
		return (SPAN_NONE);
	return (s.str.p == NULL ? SPAN("") : s.str);
}

enum smp_type
expr_type(const struct expr *e)
{
	return (e->type);
}

bool
expr_same(const struct expr *a, const struct expr *b)
{
	return (a == b && !a->fresh);
}

/* ---- compiling ---- */

static bool
is_name_char(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' ||
	    c == '+');                  /* "base32+src" */
}

static struct span
take_name(struct span *rest)
{
	struct span name = { rest->p, 0 };

	while (name.n < rest->n && is_name_char(rest->p[name.n]))
		name.n++;
	*rest = span_skip(*rest, name.n);
	return (name);
}

/* The text by which equal links are found: what runs, and on which words. */
static struct span
link_key(struct arena *a, const struct expr *e)
{
	struct text t;
	struct span key;

	text_init(&t);
	if (e->from != NULL)
		text_printf(&t, "%p %p", (const void *)e->from,
		    (const void *)e->conv);
	else
		text_printf(&t, "%p %d %d",
		    (const void *)(uintptr_t)e->fetch->run, e->fetch->out,
		    e->each);
	for (const struct arg *arg = e->arg;
	    arg < e->arg + EXPR_ARGS_MAX; arg++) {
		if (arg->type == ARG_NONE && arg->str.p == NULL)
			text_addc(&t, '\1');
		else {
			text_addc(&t, '\2');
			text_add(&t, arg->str);
		}
	}
	key = arena_span(a, text_span(&t));
	text_fini(&t);
	return (key);
}

static void
fold(struct conf_line *l, struct expr *e)
{
	struct txn t;
	struct smp s;
	bool constant = e->from == NULL ? e->fetch->constant :
	    e->from->folded && !e->fresh;

	if (!constant || (e->from != NULL && e->conv->live))
		return;
	memset(&t, 0, sizeof t);
	memset(&s, 0, sizeof s);
	t.arena = l->conf->arena;
	t.stage = TXN_LOG;
	if (!run_first(e, &t, &s))
		return;
	s.constant = true;
	e->value = s;
	e->folded = true;
}

void
expr_forget(void)
{
	memset(interned, 0, sizeof interned);
	expr_vars_forget();
	pat_forget();
}

/* The one object for this link. */
static struct expr *
intern(struct conf_line *l, const struct expr *e)
{
	uint64_t h;
	struct expr *have, *fresh;
	struct span key;

	key = link_key(l->conf->arena, e);
	h = span_hash(key) % BUCKETS;
	for (have = interned[h]; have != NULL; have = have->next) {
		if (!span_eq(have->key, key))
			continue;
		if (!have->shared && !have->fresh && !have->folded) {
			have->shared = true;
			have->slot = n_slots++;
		}
		return (have);
	}
	fresh = arena_get(l->conf->arena, sizeof *fresh);
	*fresh = *e;
	fresh->key = key;
	fresh->next = interned[h];
	interned[h] = fresh;
	fold(l, fresh);
	return (fresh);
}

/* A name that conditions derive: "path_beg" is path, matched by "beg". */
static const struct smp_fetch *
find_derived(struct span *name, const char **acl)
{
	static const char *const suffix[] = { "beg", "dir", "dom", "end",
	    "len", "reg", "sub" };
	ptrdiff_t at = span_rfind(*name, '_');
	const struct smp_fetch *f;

	if (at <= 0)
		return (NULL);
	for (size_t i = 0; i < NELEM(suffix); i++) {
		if (!span_is(span_skip(*name, (size_t)at + 1), suffix[i]))
			continue;
		f = expr_fetch_find(span_of(name->p, (size_t)at));
		if (f == NULL || f->acl != SMP_ACL_ALL)
			return (NULL);
		*acl = suffix[i];
		return (f);
	}
	return (NULL);
}

static struct expr *
parse_fetch(struct conf_line *l, const struct conf_word *w, struct span *rest,
    const char **acl)
{
	struct span name = take_name(rest);
	struct expr e = { 0 };
	struct conf_word at = expr_sub(w, name);
	struct arg *arg;
	const char *err;

	if (name.n == 0) {
		at = expr_sub(w, *rest);
		conf_err(l, &at, "expected a sample fetch, found '%.*s'",
		    SPAN_FMT(*rest));
		return (NULL);
	}
	e.fetch = expr_fetch_find(name);
	if (e.fetch != NULL && e.fetch->acl_only && acl == NULL)
		e.fetch = NULL;
	if (e.fetch == NULL && acl != NULL)
		e.fetch = find_derived(&name, acl);
	if (acl != NULL && e.fetch != NULL && e.fetch->acl_fetch != NULL)
		e.fetch = expr_fetch_find(span_str(e.fetch->acl_fetch));
	if (e.fetch == NULL) {
		expr_unknown(l, &at, acl != NULL ? "acl" : "smp", name);
		return (NULL);
	}
	if (!expr_args(l, w, e.fetch->args, "fetch", name, rest, &arg))
		return (NULL);
	if (e.fetch->check != NULL && !e.fetch->check(arg, &err)) {
		conf_err(l, &at, "fetch '%.*s': %s", SPAN_FMT(name), err);
		return (NULL);
	}
	if (e.fetch->setup != NULL && !e.fetch->setup(l, &at, arg))
		return (NULL);
	e.arg = arg;
	e.each = acl != NULL && e.fetch->list;
	e.type = e.fetch->out;
	e.fresh = e.fetch->fresh;
	e.waits = e.fetch->waits;
	e.stages = e.fetch->stages;
	return (intern(l, &e));
}

static struct expr *
parse_conv(struct conf_line *l, const struct conf_word *w, struct span *rest,
    const struct expr *from)
{
	struct span name = take_name(rest);
	struct expr e = { .from = from };
	struct conf_word at = expr_sub(w, name);
	struct arg *arg;
	const char *err;

	if ((e.conv = expr_conv_find(name)) == NULL) {
		expr_unknown(l, &at, "cnv", name);
		return (NULL);
	}
	if (!smp_may_cast(from->type, e.conv->in)) {
		conf_err(l, &at, "converter '%.*s' cannot be applied: it takes "
		    "a value of type %s, and what is before it gives %s",
		    SPAN_FMT(name), smp_type_name(e.conv->in),
		    smp_type_name(from->type));
		return (NULL);
	}
	if (!expr_args(l, w, e.conv->args, "converter", name, rest, &arg))
		return (NULL);
	if (e.conv->setup != NULL && !e.conv->setup(l, &at, e.conv, arg))
		return (NULL);
	if (e.conv->check != NULL && !e.conv->check(arg, &err)) {
		conf_err(l, &at, "converter '%.*s': %s", SPAN_FMT(name), err);
		return (NULL);
	}
	e.arg = arg;
	e.type = e.conv->typed ? SMP_ANY :
	    e.conv->out != SMP_ANY ? e.conv->out : from->type;
	e.fresh = from->fresh || e.conv->fresh;
	for (int i = 0; i < EXPR_ARGS_MAX; i++)
		e.fresh |= arg[i].type == ARG_VAR;
	e.waits = from->waits;
	e.stages = from->stages;
	return (intern(l, &e));
}

/* Commas between converters; more of them, and those behind the last one,
 * mean nothing. False: no converter follows. */
static bool
skip_commas(struct span *rest)
{
	bool any = false;

	while (rest->n > 0 && *rest->p == ',') {
		*rest = span_skip(*rest, 1);
		any = true;
	}
	return (any && rest->n > 0 && *rest->p != ']');
}

struct expr *
expr_parse_rest(struct conf_line *l, const struct conf_word *w,
    struct span *rest, const char **acl)
{
	struct expr *e;

	if (acl != NULL)
		*acl = NULL;
	e = parse_fetch(l, w, rest, acl);
	while (e != NULL && skip_commas(rest))
		e = parse_conv(l, w, rest, e);
	return (e);
}

static bool
is_conv(struct span word)
{
	return (expr_conv_find(take_name(&word)) != NULL &&
	    (word.n == 0 || *word.p == '(' || *word.p == ','));
}

/* Converters in words of their own: "src ipmask(24)". */
static struct expr *
parse_conv_words(struct conf_line *l, struct expr *e)
{
	const struct conf_word *w;
	struct span rest;

	while (e != NULL && conf_left(l) != 0) {
		w = conf_peek(l);
		if (!is_conv(w->text))
			break;
		l->at++;
		rest = w->text;
		do {
			e = parse_conv(l, w, &rest, e);
		} while (e != NULL && skip_commas(&rest));
		if (e != NULL && rest.n != 0) {
			struct conf_word at = expr_sub(w, rest);

			conf_err(l, &at, "unexpected '%.*s' after a converter",
			    SPAN_FMT(rest));
			return (NULL);
		}
	}
	return (e);
}

static struct expr *
parse_all(struct conf_line *l, const struct conf_word *w, struct span text,
    unsigned stages, bool words)
{
	struct span rest = text;
	struct expr *e = expr_parse_rest(l, w, &rest, NULL);
	struct conf_word at;

	if (e == NULL)
		return (NULL);
	if (rest.n != 0) {
		at = expr_sub(w, rest);
		conf_err(l, &at, "unexpected '%.*s' after the sample "
		    "expression", SPAN_FMT(rest));
		return (NULL);
	}
	if (words && (e = parse_conv_words(l, e)) == NULL)
		return (NULL);
	if ((e->stages & stages) == 0) {
		at = expr_sub(w, text);
		conf_err(l, &at, "'%.*s' is never available here",
		    SPAN_FMT(text));
		return (NULL);
	}
	return (e);
}

bool
expr_known_at(const struct expr *e, unsigned stages)
{
	return ((e->stages & stages) != 0);
}

struct expr *
expr_parse(struct conf_line *l, const struct conf_word *w, struct span text,
    unsigned stages)
{
	return (parse_all(l, w, text, stages, false));
}

struct expr *
expr_parse_words(struct conf_line *l, const struct conf_word *w,
    struct span text, unsigned stages)
{
	return (parse_all(l, w, text, stages, true));
}

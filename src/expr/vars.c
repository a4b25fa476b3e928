/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars - names of variables, and the values that a stream or a session has.
 *
 * Values of a stream are one array in its arena, made when the first is set;
 * those of a session are one from the heap, as it outlives streams.
 */
#include "vars_int.h"

#include <stdlib.h>

#include <base/must.h>

static const char *const scopes[EXPR_SCOPE_N] = {
	[EXPR_SCOPE_PROC] = "proc", [EXPR_SCOPE_SESS] = "sess",
	[EXPR_SCOPE_TXN] = "txn", [EXPR_SCOPE_REQ] = "req",
	[EXPR_SCOPE_RES] = "res", [EXPR_SCOPE_CHECK] = "check",
};

static struct expr_var *names;
static struct {                         /* those with an index, by it */
	struct expr_var **v;
	uint32_t n;
} at_index[2];                          /* of a stream, of a session */

uint64_t expr_vars_limit[EXPR_SCOPE_N + 1];
bool expr_vars_limited;
/* Of this process's streams and sessions; when limits are set. */
static uint64_t private_bytes;

/* ---- names ---- */

static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '.'))
			return (false);
	}
	return (s.n != 0);
}

static bool
split_scope(struct span name, uint8_t *scope, const char **err)
{
	ptrdiff_t dot = span_find(name, '.');

	*err = "a variable's name begins with its scope: 'proc.', 'sess.', "
	    "'txn.', 'req.', 'res.' or 'check.'";
	if (dot < 0)
		return (false);
	for (*scope = 0; *scope < EXPR_SCOPE_N; (*scope)++)
		if (span_is(span_of(name.p, (size_t)dot),
		    scopes[*scope]))
			break;
	if (*scope == EXPR_SCOPE_N)
		return (false);
	*err = "the name of a variable has letters, digits, '_' and '.' only";
	return (is_name(span_skip(name, (size_t)dot + 1)));
}

static void
give_index(struct expr_var *v)
{
	bool session = v->scope == EXPR_SCOPE_SESS;
	uint32_t n = at_index[session].n++;

	v->at = n;
	if ((n & (n - 1)) == 0)         /* grows by doubling */
		at_index[session].v = must_realloc(at_index[session].v,
		    (n == 0 ? 1 : 2 * (size_t)n) * sizeof(struct expr_var *));
	at_index[session].v[n] = v;
}

struct expr_var *
expr_var_named(struct span name, const char **err)
{
	struct expr_var *v;
	uint8_t scope;
	char *copy;

	if (!split_scope(name, &scope, err))
		return (NULL);
	for (v = names; v != NULL; v = v->next)
		if (span_eq(v->name, name))
			return (v);
	v = must_alloc(sizeof *v + name.n + 1);
	copy = (char *)(v + 1);
	memcpy(copy, name.p, name.n);
	v->name = span_of(copy, name.n);
	v->scope = scope;
	if (scope == EXPR_SCOPE_PROC)
		v->slot = expr_slot_new();
	else
		give_index(v);
	v->next = names;
	names = v;
	return (v);
}

enum expr_scope
expr_var_scope(const struct expr_var *v)
{
	return ((enum expr_scope)v->scope);
}

struct expr_var *
expr_var_first(void)
{
	return (names);
}

const struct expr_var *
expr_var_at(bool session, uint32_t at)
{
	return (at < at_index[session].n ? at_index[session].v[at] : NULL);
}

void
expr_vars_forget(void)
{
	while (names != NULL) {
		struct expr_var *v = names;

		names = v->next;
		free(v);
	}
	for (int i = 0; i < 2; i++) {
		free(at_index[i].v);
		at_index[i].v = NULL;
		at_index[i].n = 0;
	}
	memset(expr_vars_limit, 0, sizeof expr_vars_limit);
	expr_vars_limited = false;
	private_bytes = 0;
}

struct expr_var *
expr_var_word(struct span text, unsigned *when, const char **err)
{
	static const char *const conds[] = { "ifexists", "ifnotexists",
	    "ifempty", "ifnotempty", "ifset", "ifnotset", "ifgt", "iflt" };
	struct span rest = text, one;
	struct expr_var *v;
	size_t i;

	if (!span_cut(&rest, ',', &one))
		one = SPAN("");
	if ((v = expr_var_named(one, err)) == NULL)
		return (NULL);
	if (when != NULL)
		*when = 0;
	while (rest.p != NULL && span_cut(&rest, ',', &one)) {
		*err = "a variable is unset without conditions";
		if (when == NULL)
			return (NULL);
		for (i = 0; i < NELEM(conds); i++)
			if (span_is(one, conds[i]))
				break;
		*err = "conditions are: ifexists, ifnotexists, ifempty, "
		    "ifnotempty, ifset, ifnotset, ifgt, iflt";
		if (i == NELEM(conds))
			return (NULL);
		*when |= 1u << i;
	}
	return (v);
}

/* ---- values ---- */

struct expr_vars *
expr_vars_new(struct arena *a)
{
	uint32_t n = at_index[a == NULL].n;
	size_t bytes = sizeof(struct expr_vars) + n * sizeof(struct var_value);
	struct expr_vars *x = a != NULL ? arena_zget(a, bytes) :
	    calloc(1, bytes);

	if (x == NULL)
		return (NULL);
	x->session = a == NULL;
	x->n = n;
	for (uint32_t i = 0; i < n; i++)
		x->v[i].type = SMP_NONE;
	return (x);
}

void
expr_vars_free(void *vars)
{
	struct expr_vars *x = vars;

	if (x == NULL)
		return;
	private_bytes -= x->bytes[EXPR_SCOPE_SESS];
	for (uint32_t i = 0; i < x->n; i++)
		if (x->v[i].cap != 0)
			free((char *)(uintptr_t)x->v[i].str.p);
	free(x);
}

static bool
is_text(uint8_t type)
{
	return (type == SMP_STR || type == SMP_BIN || type == SMP_METH);
}

/* The bytes may be those that the value has now, or a part of them. */
static bool
keep_text(struct var_value *v, struct arena *a, struct span s)
{
	char *old = v->cap != 0 ? (char *)(uintptr_t)v->str.p : NULL, *p = old;
	size_t cap = v->cap;

	if (s.n > UINT32_MAX / 2)
		return (false);
	if (s.n >= cap) {
		cap = s.n < 24 ? 24 : s.n + s.n / 4;
		p = a != NULL ? arena_get(a, cap) : malloc(cap);
		if (p == NULL)
			return (false);
	}
	if (s.n != 0)
		memmove(p, s.p, s.n);
	if (p != old && a == NULL)
		free(old);
	v->cap = (uint32_t)cap;
	v->str = span_of(p, s.n);
	return (true);
}

/* What another kind of value will lie on. */
static void
drop_text(struct var_value *v, struct arena *a)
{
	if (v->cap != 0 && a == NULL)
		free((char *)(uintptr_t)v->str.p);
	v->cap = 0;
}

bool
expr_var_keep(struct var_value *v, struct arena *a, const struct smp *s)
{
	struct smp in = *s;             /* `s` may point into `v` */

	if (is_text(in.type)) {
		if (!keep_text(v, a, in.str)) {
			v->type = SMP_NONE;
			return (false);
		}
	} else {
		drop_text(v, a);
		if (in.type == SMP_BOOL || in.type == SMP_INT)
			v->num = in.num;
		else
			v->addr = in.addr;
	}
	v->type = in.type;
	v->meth = in.meth;
	v->exists = true;
	return (true);
}

void
expr_var_show(const struct var_value *v, struct smp *s)
{
	s->type = v->type;
	s->meth = v->meth;
	if (is_text(v->type))
		s->str = v->str;
	else if (v->type == SMP_BOOL || v->type == SMP_INT)
		s->num = v->num;
	else
		s->addr = v->addr;
}

bool
expr_var_allows(unsigned when, const struct var_value *was,
    const struct smp *s)
{
	bool set = was->type != SMP_NONE;
	bool empty = is_text(s->type) && s->str.n == 0;
	bool numbers = was->type == SMP_INT && s->type == SMP_INT;

	return (!((when & EXPR_VAR_IFEXISTS && !was->exists) ||
	    (when & EXPR_VAR_IFNOTEXISTS && was->exists) ||
	    (when & EXPR_VAR_IFEMPTY && !empty) ||
	    (when & EXPR_VAR_IFNOTEMPTY && empty) ||
	    (when & EXPR_VAR_IFSET && !set) ||
	    (when & EXPR_VAR_IFNOTSET && set) ||
	    (when & EXPR_VAR_IFGT && numbers && was->num <= s->num) ||
	    (when & EXPR_VAR_IFLT && numbers && was->num >= s->num)));
}

uint64_t
expr_var_bytes(uint8_t type, size_t text)
{
	switch (type) {
	case SMP_NONE:
		return (0);
	case SMP_BOOL: case SMP_INT:
		return (8);
	case SMP_V4:
		return (4);
	case SMP_V6: case SMP_ADDR:
		return (16);
	default:
		return (text);
	}
}

static uint64_t
value_bytes(const struct var_value *v)
{
	return (expr_var_bytes(v->type, is_text(v->type) ? v->str.n : 0));
}

/* ---- limits ---- */

static uint64_t
proc_bytes(void)
{
	uint64_t n = 0;

	for (const struct expr_var *v = names; v != NULL; v = v->next)
		if (v->slot != NULL)
			n += expr_slot_bytes(v->slot);
	return (n);
}

static void
at_most(uint64_t *room, uint64_t limit, uint64_t used)
{
	uint64_t left = limit > used ? limit - used : 0;

	if (limit != 0 && left < *room)
		*room = left;
}

/*
 * How many bytes a scope may still take: each limit includes what is inside
 * it, reqres in txn, txn in sess, sess in proc, all in global.
 */
static uint64_t
room_for(uint8_t scope, const struct txn *t)
{
	const struct expr_vars *of = t->vars;
	uint64_t reqres = of == NULL ? 0 : of->bytes[EXPR_SCOPE_REQ];
	uint64_t txn = of == NULL ? 0 : of->bytes[EXPR_SCOPE_TXN];
	uint64_t sess = t->sess_vars == NULL || *t->sess_vars == NULL ? 0 :
	    (*t->sess_vars)->bytes[EXPR_SCOPE_SESS];
	uint64_t proc = proc_bytes(), room = UINT64_MAX;

	switch (scope) {
	case EXPR_SCOPE_REQ: case EXPR_SCOPE_RES:
		at_most(&room, expr_vars_limit[EXPR_SCOPE_REQ], reqres);
		/* FALLTHROUGH */
	case EXPR_SCOPE_TXN:
		at_most(&room, expr_vars_limit[EXPR_SCOPE_TXN], reqres + txn);
		/* FALLTHROUGH */
	case EXPR_SCOPE_SESS:
		at_most(&room, expr_vars_limit[EXPR_SCOPE_SESS],
		    reqres + txn + sess);
		break;
	case EXPR_SCOPE_CHECK:
		at_most(&room, expr_vars_limit[EXPR_SCOPE_CHECK], of == NULL ?
		    0 : of->bytes[EXPR_SCOPE_CHECK]);
		break;
	default:
		break;
	}
	at_most(&room, expr_vars_limit[EXPR_SCOPE_PROC], proc + private_bytes);
	at_most(&room, expr_vars_limit[EXPR_LIMIT_ALL], proc + private_bytes);
	return (room);
}

static void
account(struct expr_vars *x, uint8_t scope, uint64_t was, uint64_t is)
{
	if (scope == EXPR_SCOPE_RES)
		scope = EXPR_SCOPE_REQ;
	x->bytes[scope] += is - was;
	private_bytes += is - was;
}

void
expr_vars_count(struct expr_vars *x)
{
	if (!expr_vars_limited)
		return;
	for (uint32_t i = 0; i < x->n; i++)
		account(x, expr_var_at(x->session, i)->scope, 0,
		    value_bytes(&x->v[i]));
}

void
expr_vars_end(struct txn *t)
{
	if (t->vars == NULL)
		return;
	for (int i = 0; i < EXPR_SCOPE_N; i++)
		private_bytes -= t->vars->bytes[i];
	t->vars = NULL;
}

/* ---- getting and setting ---- */

static bool
in_response(const struct txn *t)
{
	return (t->stage >= TXN_RES_CONTENT && t->stage <= TXN_LOG);
}

/* Variables of the request end where those of the response begin. */
static bool
alive(const struct expr_var *v, const struct txn *t)
{
	switch (v->scope) {
	case EXPR_SCOPE_REQ:
		return (!in_response(t));
	case EXPR_SCOPE_RES:
		return (in_response(t));
	case EXPR_SCOPE_SESS:
		return (t->sess_vars != NULL);
	default:
		return (true);
	}
}

static struct expr_vars **
home_of(const struct expr_var *v, struct txn *t)
{
	return (v->scope == EXPR_SCOPE_SESS ? t->sess_vars : &t->vars);
}

bool
expr_var_get(const struct expr_var *v, struct txn *t, struct smp *s)
{
	const struct expr_vars *x;

	if (v->scope == EXPR_SCOPE_PROC)
		return (expr_slot_get(v->slot, t->arena, s));
	if (!alive(v, t) || (x = *home_of(v, t)) == NULL || v->at >= x->n ||
	    x->v[v->at].type == SMP_NONE)
		return (false);
	expr_var_show(&x->v[v->at], s);
	return (true);
}

static bool
set_private(const struct expr_var *v, struct txn *t, unsigned when,
    uint64_t room, const struct smp *s)
{
	struct expr_vars **home = home_of(v, t), *x = *home;
	struct arena *a = v->scope == EXPR_SCOPE_SESS ? NULL : t->arena;
	static const struct var_value none = { .type = SMP_NONE };
	const struct var_value *old = x != NULL && v->at < x->n ?
	    &x->v[v->at] : &none;
	uint64_t was = expr_vars_limited ? value_bytes(old) : 0;
	bool kept = false;

	if (when != 0 && !expr_var_allows(when, old, s))
		return (false);
	if (x == NULL && (x = *home = expr_vars_new(a)) == NULL)
		return (false);
	if (v->at >= x->n)
		return (false);         /* a name of later than this stream */
	if (room != UINT64_MAX && expr_var_bytes(s->type,
	    is_text(s->type) ? s->str.n : 0) > room + was) {
		x->v[v->at].type = SMP_NONE;
		drop_text(&x->v[v->at], a);
	} else
		kept = expr_var_keep(&x->v[v->at], a, s);
	if (expr_vars_limited)
		account(x, v->scope, was, value_bytes(&x->v[v->at]));
	return (kept);
}

bool
expr_var_set(const struct expr_var *v, struct txn *t, unsigned when,
    const struct smp *s)
{
	uint64_t room;

	if (!alive(v, t) || s->type >= SMP_NONE || s->type == SMP_ANY)
		return (false);
	room = expr_vars_limited ? room_for(v->scope, t) : UINT64_MAX;
	return (v->scope == EXPR_SCOPE_PROC ?
	    expr_slot_set(v->slot, when, room, s) :
	    set_private(v, t, when, room, s));
}

void
expr_var_unset(const struct expr_var *v, struct txn *t)
{
	struct expr_vars *x;
	struct var_value *at;
	uint64_t was;

	if (v->scope == EXPR_SCOPE_PROC) {
		expr_slot_unset(v->slot);
		return;
	}
	if (!alive(v, t) || (x = *home_of(v, t)) == NULL || v->at >= x->n)
		return;
	at = &x->v[v->at];
	was = value_bytes(at);
	drop_text(at, x->session ? NULL : t->arena);
	at->type = SMP_NONE;
	if (expr_vars_limited)
		account(x, v->scope, was, 0);
}

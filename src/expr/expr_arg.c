/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr_arg - the arguments of fetches and converters: their grammar, their
 * second level of quoting, their bounds.
 *
 * A grammar is "type name[=default] [lo..hi], …". An argument with '=' may be
 * left out; without anything behind '=' it then is ARG_NONE. Types: int str
 * time size bool net be fe srv table userlist enum(a|b|c), and num: an integer or the
 * name of a variable (smp_arg_int() gives its value). A table, backend
 * or frontend ".", and a server without its backend, are those of the proxy
 * whose line it is.
 *
 * Source: configuration manual 2.2 (quoting inside parentheses).
 */
#include "expr_int.h"

#include <limits.h>

#include <base/must.h>
#include <base/num.h>
#include <expr/vars.h>
#include <px/live.h>
#include <px/userlist.h>

struct grammar {                /* of one argument */
	uint8_t type;
	bool optional, bounded;
	int64_t lo, hi;
	struct span name, initial, choices;
};

static const struct {
	const char *name;
	uint8_t type;
	const char *shown;              /* by -dK */
} types[] = {
	{ "int", ARG_INT, "integer" }, { "str", ARG_STR, "string" },
	{ "time", ARG_TIME, "time" }, { "size", ARG_SIZE, "size" },
	{ "bool", ARG_BOOL, "string" }, { "be", ARG_BE, "backend" },
	{ "fe", ARG_FE, "frontend" }, { "srv", ARG_SRV, "server" },
	{ "net", ARG_NET, "ip" }, { "enum", ARG_ENUM, "string" },
	{ "table", ARG_TABLE, "table" }, { "num", ARG_VAR, "string" },
	{ "userlist", ARG_USERLIST, "user list" },
};

/* Names of proxies and servers, looked up when all of them are known. */
struct pending {
	struct pending *next;
	struct arg *arg;
	struct diag_pos pos;
	const struct px *px;
};
static struct pending *pending;

const void *(*expr_find_table)(struct span name, const char **why);

struct conf_word
expr_sub(const struct conf_word *w, struct span part)
{
	struct conf_word sub = *w;

	if (part.p >= w->text.p && part.p <= w->text.p + w->text.n) {
		sub.col += (int)(part.p - w->text.p);
		sub.width = part.n != 0 ? (int)part.n : 1;
	}
	sub.text = part;
	return (sub);
}

static void
grammar_bounds(struct span *def, struct grammar *g)
{
	ptrdiff_t at = span_find(*def, '[');
	struct span range, lo;
	ptrdiff_t dots;

	if (at < 0)
		return;
	range = span_skip(*def, (size_t)at + 1);
	MUST(range.n > 0 && range.p[range.n - 1] == ']');
	range.n--;
	dots = span_search(range, SPAN(".."));
	MUST(dots >= 0);
	lo = span_of(range.p, (size_t)dots);
	g->lo = INT64_MIN;
	g->hi = INT64_MAX;
	MUST(lo.n == 0 || num_i64(lo, &g->lo));
	range = span_skip(range, (size_t)dots + 2);
	MUST(range.n == 0 || num_i64(range, &g->hi));
	g->bounded = true;
	*def = span_trim(span_of(def->p, (size_t)at));
}

/* One argument's definition; rows are ours, so a fault in one is MUST. */
static void
grammar_one(struct span def, struct grammar *g)
{
	struct span word;
	ptrdiff_t at;
	size_t i;

	memset(g, 0, sizeof *g);
	def = span_trim(def);
	grammar_bounds(&def, g);
	if ((at = span_find(def, '=')) >= 0) {
		g->optional = true;
		g->initial = span_skip(def, (size_t)at + 1);
		def = span_trim(span_of(def.p, (size_t)at));
	}
	at = span_find(def, ' ');
	word = at < 0 ? def : span_of(def.p, (size_t)at);
	g->name = at < 0 ? def : span_trim(span_skip(def, (size_t)at));
	if ((at = span_find(word, '(')) >= 0) {
		g->choices = span_of(word.p + at + 1, word.n - (size_t)at - 2);
		word.n = (size_t)at;
	}
	for (i = 0; i < NELEM(types); i++)
		if (span_is(word, types[i].name))
			break;
	MUST(i < NELEM(types));
	g->type = types[i].type;
}

/*
 * The next argument of the text behind '(', unquoted into the arena. Stops
 * before ',' or ')'. Blanks belong to it; a backslash that protects nothing
 * stays, so that regular expressions need no second one.
 */
static bool
take_raw(struct conf_line *l, struct span *rest, struct span *out)
{
	char *dst = arena_get(l->conf->arena, rest->n + 1);
	size_t n = 0;
	char quote = 0;

	while (rest->n > 0) {
		char c = *rest->p;

		if (quote == 0 && (c == ',' || c == ')'))
			break;
		*rest = span_skip(*rest, 1);
		if (c == quote) {
			quote = 0;
			continue;
		}
		if (quote == 0 && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (c == '\\' && quote != '\'' && rest->n > 0) {
			char e = *rest->p;

			if (e == 'n' || e == 'r' || e == 't') {
				c = e == 'n' ? '\n' : e == 'r' ? '\r' : '\t';
				*rest = span_skip(*rest, 1);
			} else if (strchr("\\ \"'", e) != NULL ||
			    (quote == 0 && (e == ',' || e == ')'))) {
				c = e;
				*rest = span_skip(*rest, 1);
			}
		}
		dst[n++] = c;
	}
	dst[n] = '\0';
	*out = span_of(dst, n);
	return (quote == 0);
}

static bool
want_number(struct conf_line *l, const struct conf_word *w,
    const struct grammar *g, struct arg *a)
{
	if (!num_i64(a->str, &a->num))
		return (conf_err(l, w, "expected a number as <%.*s>, found "
		    "'%.*s'", SPAN_FMT(g->name), SPAN_FMT(a->str)));
	if (g->bounded && (a->num < g->lo || a->num > g->hi))
		return (conf_err(l, w, "<%.*s> must be between %lld and %lld, "
		    "found %lld", SPAN_FMT(g->name), (long long)g->lo,
		    (long long)g->hi, (long long)a->num));
	return (true);
}

static bool
want_number_or_var(struct conf_line *l, const struct conf_word *w,
    const struct grammar *g, struct arg *a)
{
	const char *err;

	if (a->str.n != 0 && ((*a->str.p >= '0' && *a->str.p <= '9') ||
	    *a->str.p == '-' || *a->str.p == '+')) {
		a->type = ARG_INT;
		return (want_number(l, w, g, a));
	}
	if ((a->ptr = expr_var_named(a->str, &err)) != NULL)
		return (true);
	return (conf_err(l, w, "expected a number or a variable as <%.*s>, "
	    "found '%.*s': %s", SPAN_FMT(g->name), SPAN_FMT(a->str), err));
}

bool
smp_arg_int(const struct arg *a, struct txn *t, int64_t *v)
{
	struct smp s;

	if (a->type != ARG_VAR) {
		*v = a->num;
		return (true);
	}
	if (!expr_var_get(a->ptr, t, &s) || !smp_cast(t, &s, SMP_INT))
		return (false);
	*v = s.num;
	return (true);
}

static bool
want_choice(struct conf_line *l, const struct conf_word *w,
    const struct grammar *g, struct arg *a)
{
	struct span rest = g->choices, one;

	for (a->num = 0; span_cut(&rest, '|', &one); a->num++)
		if (span_eq(one, a->str))
			return (true);
	return (conf_err(l, w, "expected one of '%.*s' as <%.*s>, found "
	    "'%.*s'", SPAN_FMT(g->choices), SPAN_FMT(g->name),
	    SPAN_FMT(a->str)));
}

static bool
want_net(struct conf_line *l, const struct conf_word *w,
    const struct grammar *g, struct arg *a)
{
	struct addr_net *net = arena_get(l->conf->arena, sizeof *net);

	if (!addr_net_parse(a->str, net))
		return (conf_err(l, w, "expected an address or network as "
		    "<%.*s>, found '%.*s'", SPAN_FMT(g->name),
		    SPAN_FMT(a->str)));
	a->ptr = net;
	return (true);
}

static void
want_object(struct conf_line *l, const struct conf_word *w, struct arg *a)
{
	struct pending *p = arena_zget(l->conf->arena, sizeof *p);

	p->arg = a;
	p->pos = conf_pos(l, w);
	p->next = pending;
	pending = p;
}

/* a->str becomes what the grammar says. */
static bool
convert(struct conf_line *l, const struct conf_word *w,
    const struct grammar *g, struct arg *a)
{
	uint64_t size;
	int64_t us;

	a->type = g->type;
	if (g->type != ARG_STR)
		a->str = span_trim(a->str);
	switch (g->type) {
	case ARG_INT:
		return (want_number(l, w, g, a));
	case ARG_BOOL:
		a->num = span_is(a->str, "1") || span_is(a->str, "true");
		if (a->num || span_is(a->str, "0") || span_is(a->str, "false"))
			return (true);
		return (conf_err(l, w, "expected 'true' or 'false' as <%.*s>, "
		    "found '%.*s'", SPAN_FMT(g->name), SPAN_FMT(a->str)));
	case ARG_TIME:
		if (num_time(a->str, "ms", &us) != NUM_OK)
			return (conf_err(l, w, "expected a time as <%.*s>, "
			    "found '%.*s'", SPAN_FMT(g->name),
			    SPAN_FMT(a->str)));
		a->num = (us + 999) / 1000;
		return (true);
	case ARG_SIZE:
		if (num_size(a->str, &size) != NUM_OK || size > INT64_MAX)
			return (conf_err(l, w, "expected a size as <%.*s>, "
			    "found '%.*s'", SPAN_FMT(g->name),
			    SPAN_FMT(a->str)));
		a->num = (int64_t)size;
		return (true);
	case ARG_ENUM:
		return (want_choice(l, w, g, a));
	case ARG_VAR:
		return (want_number_or_var(l, w, g, a));
	case ARG_NET:
		return (want_net(l, w, g, a));
	case ARG_TABLE:
		if (span_is(a->str, ".") && px_model->last != NULL)
			a->str = span_str(px_model->last->name);
		want_object(l, w, a);
		return (true);
	case ARG_BE: case ARG_FE:
		if (span_is(a->str, ".") && px_model->last != NULL)
			a->str = span_str(px_model->last->name);
		want_object(l, w, a);
		return (true);
	case ARG_USERLIST:
		want_object(l, w, a);
		return (true);
	case ARG_SRV:
		if (span_find(a->str, '/') < 0 && px_model->last != NULL)
			a->str = span_str(arena_printf(l->conf->arena,
			    "%s/%.*s", px_model->last->name,
			    SPAN_FMT(a->str)));
		want_object(l, w, a);
		return (true);
	default:
		return (true);
	}
}

static bool
take_one(struct conf_line *l, const struct conf_word *w, const char *what,
    struct span name, const struct grammar *g, struct span *rest,
    bool inside, struct arg *a)
{
	const char *from = rest->p;
	struct conf_word at;

	a->str = SPAN_NONE;
	if (inside && !take_raw(l, rest, &a->str))
		return (conf_err(l, w, "unfinished quotes in the arguments of "
		    "%s '%.*s'", what, SPAN_FMT(name)));
	if (!inside || (a->str.n == 0 && g->optional)) {
		if (!g->optional)
			return (conf_err(l, w, "%s '%.*s' expects an argument "
			    "<%.*s>", what, SPAN_FMT(name),
			    SPAN_FMT(g->name)));
		if (g->initial.n == 0) {
			a->type = ARG_NONE;     /* str.p: written, but empty */
			return (true);
		}
		a->str = g->initial;
	}
	at = expr_sub(w, span_of(from, inside ? (size_t)(rest->p - from) : 1));
	return (convert(l, &at, g, a));
}

bool
expr_args(struct conf_line *l, const struct conf_word *w, const char *grammar,
    const char *what, struct span name, struct span *rest,
    struct arg **out)
{
	struct arg *arg = arena_zget(l->conf->arena,
	    sizeof *arg * (EXPR_ARGS_MAX + 1));
	bool inside = rest->n > 0 && *rest->p == '(';
	struct span defs = span_str(grammar), def;
	struct grammar g;
	struct conf_word at;
	size_t n = 0;

	*out = arg;
	if (inside)
		*rest = span_skip(*rest, 1);
	while (*grammar != '\0' && span_cut(&defs, ',', &def)) {
		MUST(n < EXPR_ARGS_MAX);
		grammar_one(def, &g);
		if (!take_one(l, w, what, name, &g, rest, inside, &arg[n++]))
			return (false);
		if (inside && rest->n > 0 && *rest->p == ',' && defs.p != NULL)
			*rest = span_skip(*rest, 1);
		else if (inside && rest->n > 0 && *rest->p == ')') {
			*rest = span_skip(*rest, 1);
			inside = false;
			if (defs.p == NULL)
				return (true);
		}
	}
	if (!inside)
		return (true);
	while (rest->n > 0 && *rest->p == ' ')
		*rest = span_skip(*rest, 1);
	if (rest->n > 0 && *rest->p == ')') {
		*rest = span_skip(*rest, 1);
		return (true);
	}
	at = expr_sub(w, *rest);
	if (rest->n == 0)
		return (conf_err(l, &at, "expected ')' after the arguments of "
		    "%s '%.*s'", what, SPAN_FMT(name)));
	return (conf_err(l, &at, "%s '%.*s' takes at most %zu argument%s, "
	    "found more at '%.*s'", what, SPAN_FMT(name), n,
	    n == 1 ? "" : "s", SPAN_FMT(*rest)));
}

void
expr_args_print(struct text *out, const char *grammar)
{
	struct span defs = span_str(grammar), def;
	struct grammar g;
	bool optional = false;
	size_t n = 0, k;

	if (*grammar == '\0')
		return;
	text_addc(out, '(');
	while (span_cut(&defs, ',', &def)) {
		grammar_one(def, &g);
		/* "." is shown as HAProxy does, which lets it be left out */
		if (g.optional && !optional && !span_is(g.initial, "."))
			text_addc(out, '[');
		optional |= g.optional && !span_is(g.initial, ".");
		if (n++ != 0)
			text_addc(out, ',');
		for (k = 0; types[k].type != g.type;)
			k++;
		text_addz(out, types[k].shown);
	}
	text_addz(out, optional ? "])" : ")");
}

/* ---- names of proxies and servers, at the end ---- */

static bool
resolve_server(struct conf *c, const struct pending *p)
{
	struct span be = p->arg->str, srv;
	ptrdiff_t slash = span_find(be, '/');
	struct px_server *sv = NULL;
	struct px *px;

	if (slash < 0)
		return (conf_fail(c, DIAG_ALERT, p->pos, "expected "
		    "'backend/server', found '%.*s'", SPAN_FMT(be)));
	srv = span_skip(be, (size_t)slash + 1);
	be.n = (size_t)slash;
	if ((px = px_find(px_model, be, PX_BE)) != NULL)
		p->arg->ptr = sv = px_server_find(px, srv);
	if (sv == NULL)
		return (conf_fail(c, DIAG_ALERT, p->pos,
		    "unable to find server '%.*s'", SPAN_FMT(p->arg->str)));
	sv->referred = true;
	return (true);
}

static bool
resolve_table(struct conf *c, const struct pending *p)
{
	const char *why = "there are no tables";

	if (expr_find_table != NULL)
		p->arg->ptr = expr_find_table(p->arg->str, &why);
	if (p->arg->ptr == NULL)
		return (conf_fail(c, DIAG_ALERT, p->pos, "unable to find "
		    "stick-table '%.*s': %s", SPAN_FMT(p->arg->str), why));
	return (true);
}

bool
expr_resolve(struct conf *c)
{
	bool ok = true;

	for (struct pending *p = pending; p != NULL; p = p->next) {
		if (p->arg->type == ARG_SRV) {
			ok &= resolve_server(c, p);
			continue;
		}
		if (p->arg->type == ARG_TABLE) {
			ok &= resolve_table(c, p);
			continue;
		}
		if (p->arg->type == ARG_USERLIST) {
			p->arg->ptr = px_userlist_find(p->arg->str);
			if (p->arg->ptr == NULL)
				ok = conf_fail(c, DIAG_ALERT, p->pos,
				    "unable to find userlist '%.*s'",
				    SPAN_FMT(p->arg->str));
			continue;
		}
		p->arg->ptr = px_find(px_model, p->arg->str,
		    p->arg->type == ARG_BE ? PX_BE : PX_FE);
		if (p->arg->ptr == NULL)
			ok = conf_fail(c, DIAG_ALERT, p->pos,
			    "unable to find %s '%.*s'", p->arg->type == ARG_BE ?
			    "backend" : "frontend", SPAN_FMT(p->arg->str));
	}
	pending = NULL;
	return (ok);
}
CONF_CHECK(expr_names, 10, expr_resolve);

static bool
resolve_live(struct conf *c, struct px_server *sv)
{
	(void)sv;
	return (expr_resolve(c));
}
PX_LIVE_CHECK(expr_names, 10, resolve_live);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars_kw - the words about variables: var(), set-var and unset-var as
 * converters and in the global section, and the limits.
 *
 * Source: configuration manual 3.1, 3.2, 7.3.1, 7.3.2.
 */
#include "vars_int.h"

#include <base/clock.h>
#include <base/must.h>

/* ---- fetch and converters ---- */

static bool
fetch_var(struct txn *t, const struct arg *arg, struct smp *s)
{
	if (expr_var_get(arg[0].ptr, t, s))
		return (true);
	if (arg[1].str.p == NULL)
		return (false);
	s->type = SMP_STR;
	s->str = arg[1].str;
	s->constant = true;
	return (true);
}

static bool
check_name(struct arg *arg, const char **err)
{
	arg[0].ptr = expr_var_named(arg[0].str, err);
	return (arg[0].ptr != NULL);
}

static bool
conv_set_var(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (expr_var_set(arg[0].ptr, t, (unsigned)arg[0].num, s));
}

/* The name and its conditions come as several arguments. */
static bool
check_set(struct arg *arg, const char **err)
{
	char word[256];
	struct span all;
	unsigned when;
	size_t n = 0;

	*err = "the name is too long";
	for (int i = 0; i < 5 && arg[i].type == ARG_STR; i++) {
		if (arg[i].str.n + 1 > sizeof word - n)
			return (false);
		if (i != 0)
			word[n++] = ',';
		memcpy(word + n, arg[i].str.p, arg[i].str.n);
		n += arg[i].str.n;
	}
	all = span_of(word, n);
	arg[0].ptr = expr_var_word(all, &when, err);
	arg[0].num = (int64_t)when;
	return (arg[0].ptr != NULL);
}

static bool
conv_unset_var(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)s;
	expr_var_unset(arg[0].ptr, t);
	return (true);
}

FETCH(var) = {
	.name = "var", .args = "str name, str default=", .out = SMP_ANY,
	.stages = SMP_ALWAYS, .run = fetch_var, .check = check_name,
	.fresh = true, .steady = true,
	.doc = "The value of a variable, of the type it was set with; without "
	    "a value the text <default>, if given. Names begin with their "
	    "scope: 'proc.' (all workers of the process), 'sess.' (the client "
	    "connection), 'txn.' (request and response), 'req.' and 'res.' "
	    "(one of them), 'check.' (a health check).",
	.example = "http-request set-header X-Site %[var(txn.site,none)]",
};
CONVERTER(set_var) = {
	.name = "set-var",
	.args = "str name, str c1=, str c2=, str c3=, str c4=",
	.in = SMP_ANY, .out = SMP_ANY, .run = conv_set_var,
	.check = check_set, .fresh = true,
	.doc = "Keeps the value in a variable, and passes it on. The "
	    "conditions, which must all hold, are ifexists, ifnotexists, "
	    "ifempty, ifnotempty, ifset, ifnotset, ifgt and iflt; no result "
	    "when one of them does not.",
	.example = { "str(a),set-var(txn.x)", "a" },
};
CONVERTER(unset_var) = {
	.name = "unset-var", .args = "str name", .in = SMP_ANY,
	.out = SMP_ANY, .run = conv_unset_var, .check = check_name,
	.fresh = true,
	.doc = "Unsets a variable, and passes the value on.",
	.example = { "str(a),unset-var(txn.x)", "a" },
};

/* ---- global section ---- */

static bool
want_proc(struct conf_line *l, struct expr_var **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span name;
	const char *err;

	if (!conf_want(l, "a variable name", &name))
		return (false);
	if ((*out = expr_var_named(name, &err)) == NULL)
		return (conf_err(l, w, "invalid variable name '%.*s': %s",
		    SPAN_FMT(name), err));
	if (expr_var_scope(*out) != EXPR_SCOPE_PROC)
		return (conf_err(l, w, "cannot set variable '%.*s', only "
		    "scope 'proc' is permitted in the global section",
		    SPAN_FMT(name)));
	return (true);
}

static struct txn
no_stream(struct conf_line *l)
{
	struct txn t;

	memset(&t, 0, sizeof t);
	t.arena = l->conf->arena;
	t.stage = TXN_PARSER;
	t.t.accept_wall = clock_wall_us();
	return (t);
}

static bool
parse_set(struct conf_line *l, void *obj)
{
	struct txn t = no_stream(l);
	const struct conf_word *w;
	struct expr_var *v;
	struct expr *e;
	struct span text;
	struct smp s;

	(void)obj;
	if (!want_proc(l, &v))
		return (false);
	w = conf_peek(l);
	if (!conf_want(l, "a sample expression", &text) ||
	    (e = expr_parse_words(l, w, text, SMP_AT(PARSER))) == NULL ||
	    !conf_end(l))
		return (false);
	if (!expr_eval(e, &t, &s))
		return (conf_err(l, w, "'%.*s' has no value",
		    SPAN_FMT(text)));
	expr_var_set(v, &t, 0, &s);
	return (true);
}

static bool
parse_set_fmt(struct conf_line *l, void *obj)
{
	struct txn t = no_stream(l);
	const struct conf_word *w;
	struct logfmt *f;
	struct expr_var *v;
	struct span text;
	struct smp s = { .type = SMP_STR };
	char out[4096];

	(void)obj;
	if (!want_proc(l, &v))
		return (false);
	w = conf_peek(l);
	if (!conf_want(l, "a format", &text) || !conf_end(l) ||
	    (f = logfmt_parse(l, w, text, LOGFMT_RAW,
	    SMP_AT(PARSER))) == NULL)
		return (false);
	s.str = span_of(out, logfmt_run(f, &t, out, sizeof out));
	expr_var_set(v, &t, 0, &s);
	return (true);
}

KEYWORD(global_set_var) = {
	.name = "set-var", .in = KW_GLOBAL, .args = "<name> <sample>",
	.parse = parse_set,
	.doc = "Sets a variable of the process when the configuration is read; "
	    "its name begins with 'proc.'.",
	.example = "set-var proc.limit int(100)",
};
KEYWORD(global_set_var_fmt) = {
	.name = "set-var-fmt", .in = KW_GLOBAL, .args = "<name> <format>",
	.parse = parse_set_fmt,
	.doc = "The same with the text of a format.",
	.example = "set-var-fmt proc.site \"main-%[env(SITE)]\"",
};

static bool
parse_limit(struct conf_line *l, int which)
{
	if (!conf_want_size(l, "a size", &expr_vars_limit[which]))
		return (false);
	expr_vars_limited |= expr_vars_limit[which] != 0;
	return (conf_end(l));
}

#define LIMIT(ident, word, which, what)                                      \
static bool                                                                  \
parse_limit_##ident(struct conf_line *l, void *obj)                          \
{                                                                            \
	(void)obj;                                                           \
	return (parse_limit(l, which));                                      \
}                                                                            \
KEYWORD(limit_##ident) = {                                                   \
	.name = "tune.vars." word "-max-size", .in = KW_GLOBAL,              \
	.args = "<bytes>", .parse = parse_limit_##ident,                     \
	.doc = "The most that the values of " what " may take; 0: no limit. "\
	    "A value beyond it is not kept.",                                \
	.example = "tune.vars." word "-max-size 64k",                        \
}

LIMIT(global, "global", EXPR_LIMIT_ALL, "all variables together");
LIMIT(proc, "proc", EXPR_SCOPE_PROC,
    "the process's variables with those of sessions and streams");
LIMIT(sess, "sess", EXPR_SCOPE_SESS,
    "a session's variables with those of a stream");
LIMIT(txn, "txn", EXPR_SCOPE_TXN,
    "a stream's variables, with those of scopes req and res");
LIMIT(reqres, "reqres", EXPR_SCOPE_REQ, "variables of scopes req and res");
LIMIT(check, "check", EXPR_SCOPE_CHECK, "a health check's variables");

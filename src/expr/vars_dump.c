/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars_dump - dump_all_vars(): all variables of a stream as one text.
 *
 *	sess.user="ann", txn.n=4, txn.key=x00ff, txn.known=true
 *
 * Source: configuration manual 7.3.2.
 */
#include "vars_int.h"

#include <string.h>

#include <base/must.h>
#include <base/text.h>

/* Only in a text that is quoted. */
static void
add_quoted(struct text *out, struct span s)
{
	static const char plain[] = "\"\\\r\n\b", as[] = "\"\\rnb";
	const char *at;

	text_addz(out, "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0')
			text_addz(out, "\\0");
		else if ((at = strchr(plain, s.p[i])) != NULL)
			text_printf(out, "\\%c", as[at - plain]);
		else
			text_add(out, span_of(s.p + i, 1));
	}
	text_addz(out, "\"");
}

static void
add_hex(struct text *out, struct span s)
{
	text_addz(out, "x");
	for (size_t i = 0; i < s.n; i++)
		text_printf(out, "%02x", (uint8_t)s.p[i]);
}

static void
add_value(struct text *out, struct txn *t, struct smp *s)
{
	switch (s->type) {
	case SMP_STR:
	case SMP_METH:
		add_quoted(out, s->str);
		break;
	case SMP_BIN:
		add_hex(out, s->str);
		break;
	case SMP_BOOL:
		text_addz(out, s->num != 0 ? "true" : "false");
		break;
	default:
		if (smp_cast(t, s, SMP_STR))
			text_add(out, s->str);
	}
}

/* Without a scope: these, one after the other. */
static const struct { enum expr_scope scope; const char *name; } scopes[] = {
	{ EXPR_SCOPE_SESS, "sess" }, { EXPR_SCOPE_TXN, "txn" },
	{ EXPR_SCOPE_REQ, "req" }, { EXPR_SCOPE_RES, "res" },
	{ EXPR_SCOPE_PROC, "proc" },
};

static bool
begins(const struct expr_var *v, const struct arg *prefix)
{
	struct span name = span_skip(v->name,
	    (size_t)span_find(v->name, '.') + 1);

	return (prefix->type == ARG_NONE || span_begins(name, prefix->str));
}

static void
add_scope(struct text *out, struct txn *t, enum expr_scope scope,
    const struct arg *prefix, struct span between)
{
	struct smp s;

	for (const struct expr_var *v = expr_var_first(); v != NULL;
	    v = v->next) {
		if (v->scope != scope || !begins(v, prefix) ||
		    !expr_var_get(v, t, &s))
			continue;
		if (text_span(out).n != 0)
			text_add(out, between);
		text_add(out, v->name);
		text_addz(out, "=");
		add_value(out, t, &s);
	}
}

static bool
fetch_dump(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span between = arg[2].type == ARG_NONE ? SPAN(", ") :
	    arg[2].str;
	struct text out;

	text_init(&out);
	for (size_t i = 0; i < NELEM(scopes); i++)
		if (arg[0].type == ARG_NONE || arg[0].num == scopes[i].scope)
			add_scope(&out, t, scopes[i].scope, &arg[1], between);
	s->str = arena_span(t->arena, text_span(&out));
	text_fini(&out);
	return (s->str.p != NULL);
}

static bool
check_dump(struct arg *arg, const char **err)
{
	if (arg[0].type != ARG_NONE && arg[0].str.n == 0)
		arg[0].type = ARG_NONE;         /* "(,prefix)" */
	if (arg[0].type == ARG_NONE)
		return (true);
	for (size_t i = 0; i < NELEM(scopes); i++)
		if (span_is(arg[0].str, scopes[i].name)) {
			arg[0].num = scopes[i].scope;
			return (true);
		}
	*err = "expected a scope: sess, txn, req, res or proc";
	return (false);
}

FETCH(dump_all_vars) = {
	.name = "dump_all_vars", .args = "str scope=, str prefix=, "
	    "str delimiter=",
	.out = SMP_STR, .stages = SMP_ALWAYS, .run = fetch_dump,
	.check = check_dump, .fresh = true,
	.doc = "All variables that have a value, as NAME=VALUE with "
	    "<delimiter> between them, by default a comma and a space: those "
	    "of one scope, or of sess, txn, req, res and proc in this order, "
	    "whose names begin with <prefix> behind it. Texts are quoted, "
	    "bytes hexadecimal behind an x, booleans true or false.",
	.example = "log-format \"%ci %[dump_all_vars(txn)]\"",
};

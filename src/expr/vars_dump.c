/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars_dump - dump_all_vars(): all variables of a stream as one text.
 *
 *	sess.user="ann", txn.n=4, txn.key=x00ff
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
	default:
		if (smp_cast(t, s, SMP_STR))
			text_add(out, s->str);
	}
}

static bool
is_wanted(const struct expr_var *v, const struct arg *arg)
{
	struct span name = span_skip(v->name,
	    (size_t)span_find(v->name, '.') + 1);

	return ((arg[0].type == ARG_NONE || v->scope == arg[0].num) &&
	    (arg[1].type == ARG_NONE || span_begins(name, arg[1].str)));
}

static bool
fetch_dump(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span between = arg[2].type == ARG_NONE ? SPAN(", ") :
	    arg[2].str;
	struct text out;
	struct smp one;

	text_init(&out);
	for (const struct expr_var *v = expr_var_first(); v != NULL;
	    v = v->next) {
		if (!is_wanted(v, arg) || !expr_var_get(v, t, &one))
			continue;
		if (text_span(&out).n != 0)
			text_add(&out, between);
		text_add(&out, v->name);
		text_addz(&out, "=");
		add_value(&out, t, &one);
	}
	s->str = arena_span(t->arena, text_span(&out));
	text_fini(&out);
	return (s->str.p != NULL);
}

static bool
check_dump(struct arg *arg, const char **err)
{
	static const char *const scopes[] = { [EXPR_SCOPE_PROC] = "proc",
		[EXPR_SCOPE_SESS] = "sess", [EXPR_SCOPE_TXN] = "txn",
		[EXPR_SCOPE_REQ] = "req", [EXPR_SCOPE_RES] = "res",
		[EXPR_SCOPE_CHECK] = "check" };

	if (arg[0].type != ARG_NONE && arg[0].str.n == 0)
		arg[0].type = ARG_NONE;         /* "(,prefix)" */
	if (arg[0].type == ARG_NONE)
		return (true);
	for (size_t i = 0; i < NELEM(scopes); i++)
		if (span_is(arg[0].str, scopes[i])) {
			arg[0].num = (int64_t)i;
			return (true);
		}
	*err = "expected a scope: proc, sess, txn, req, res or check";
	return (false);
}

FETCH(dump_all_vars) = {
	.name = "dump_all_vars", .args = "str scope=, str prefix=, "
	    "str delimiter=",
	.out = SMP_STR, .stages = SMP_ALWAYS, .run = fetch_dump,
	.check = check_dump, .fresh = true,
	.doc = "All variables that have a value, as NAME=VALUE with "
	    "<delimiter> between them, by default a comma and a space: those "
	    "of one scope, whose names begin with <prefix> behind it. Texts "
	    "are quoted, bytes hexadecimal behind an x.",
	.example = "log-format \"%ci %[dump_all_vars(txn)]\"",
};

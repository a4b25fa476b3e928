/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars_cli - "get var" and "set var": variables of the process at run time.
 *
 * Source: management manual 9.3.
 */
#include "expr_int.h"
#include "vars_int.h"

#include <stdio.h>

#include <base/buf.h>
#include <base/clock.h>
#include <base/must.h>
#include <cli/cli.h>

static const char *
type_name(uint8_t type)
{
	static const char *const names[] = { [SMP_ANY] = "any",
	    [SMP_BOOL] = "bool", [SMP_INT] = "sint", [SMP_ADDR] = "addr",
	    [SMP_V4] = "ipv4", [SMP_V6] = "ipv6", [SMP_STR] = "str",
	    [SMP_BIN] = "bin", [SMP_METH] = "meth" };

	return (type < NELEM(names) ? names[type] : "any");
}

/* A stream to evaluate on; its arena is the caller's. */
static struct txn
no_stream(struct arena *a)
{
	struct txn t;

	memset(&t, 0, sizeof t);
	arena_init(a, 1 << 20);
	t.arena = a;
	t.stage = TXN_CLI;
	t.t.accept_wall = clock_wall_us();
	return (t);
}

/* A variable that exists: expr_var_named() would make one. */
static const struct expr_var *
find(struct span name)
{
	for (struct expr_var *v = expr_var_first(); v != NULL; v = v->next)
		if (v->slot != NULL && span_eq(v->name, name))
			return (v);
	return (NULL);
}

static enum cli_done
run_get(struct cli_ctx *x)
{
	const struct expr_var *v;
	struct arena a;
	struct txn t;
	struct smp s;

	if (x->at >= x->n) {
		cli_say(x, 3, "Missing process-wide variable identifier.");
		return (CLI_DONE);
	}
	if ((v = find(cli_arg(x, x->at))) == NULL) {
		cli_say(x, 3, "Variable not found.");
		return (CLI_DONE);
	}
	t = no_stream(&a);
	if (!expr_var_get(v, &t, &s))
		text_printf(x->out, "%.*s: undefined\n", SPAN_FMT(v->name));
	else {
		text_printf(x->out, "%.*s: type=%s value=<",
		    SPAN_FMT(v->name), type_name(s.type));
		if (smp_cast(&t, &s, SMP_STR))
			text_add(x->out, s.str);
		text_addz(x->out, ">\n");
	}
	arena_reset(&a);
	return (CLI_DONE);
}

CLI_COMMAND(get_var) = {
	.name = "get var", .args = "<name>", .level = PX_LEVEL_OPERATOR,
	.run = run_get, .doc = "type and value of a variable of the process",
};

/* The last thing found wrong, without a place: there is only one line. */
static void
note(const struct diag *d, void *arg)
{
	struct text *t = arg;

	text_clear(t);
	text_addz(t, d->text);
}

struct evaluation {
	struct conf conf;
	struct diags diags;
	struct text error;
	struct conf_word word;
	struct conf_line line;
};

static void
evaluation_init(struct evaluation *e, struct arena *a, struct span text)
{
	memset(e, 0, sizeof *e);
	diags_init(&e->diags);
	text_init(&e->error);
	e->diags.sink = note;
	e->diags.sink_arg = &e->error;
	e->conf.arena = a;
	e->conf.diags = &e->diags;
	e->word.text = text;
	e->word.col = 1;
	e->word.width = (int)text.n;
	e->line = (struct conf_line){ .conf = &e->conf, .file = "cli",
	    .line = 1, .source = text, .word = &e->word, .n = 1 };
}

static bool
evaluate(struct evaluation *e, struct txn *t, bool fmt, struct smp *s)
{
	struct conf_line *l = &e->line;
	struct span text = e->word.text;
	struct logfmt *f;
	struct expr *x;
	char *out;

	if (!fmt) {
		x = expr_parse(l, &e->word, text, SMP_AT(CLI));
		return (x != NULL && expr_resolve(l->conf) &&
		    (expr_eval(x, t, s) ||
		    conf_err(l, NULL, "'%.*s' has no value",
		    SPAN_FMT(text))));
	}
	f = logfmt_parse(l, &e->word, text, LOGFMT_RAW, SMP_AT(CLI));
	if (f == NULL || !expr_resolve(l->conf) ||
	    (out = arena_get(t->arena, buf_size)) == NULL)
		return (false);
	s->type = SMP_STR;
	s->str = span_of(out, logfmt_run(f, t, out, buf_size));
	return (true);
}

static void
set_var(struct cli_ctx *x, struct expr_var *v, bool fmt, struct span text)
{
	/* expressions live on in tables of equal ones, so their arena does */
	static struct arena forever;
	struct evaluation e;
	struct arena a;
	struct txn t = no_stream(&a);
	struct smp s;

	if (forever.chunks == NULL)
		arena_init(&forever, 0);
	evaluation_init(&e, &forever, arena_span(&forever, text));
	if (evaluate(&e, &t, fmt, &s))
		expr_var_set(v, &t, 0, &s);
	else
		cli_say(x, 3, "%.*s", (int)e.error.n, e.error.p);
	diags_fini(&e.diags);
	text_fini(&e.error);
	arena_reset(&a);
}

static enum cli_done
run_set(struct cli_ctx *x)
{
	struct span name = cli_arg(x, x->at);
	bool fmt = cli_is(x, x->at + 1, "fmt");
	int at = x->at + (fmt || cli_is(x, x->at + 1, "expr") ? 2 : 1);
	struct expr_var *v;
	const char *err;

	if (!cli_experimental(x))
		return (CLI_DONE);
	if (x->at >= x->n) {
		cli_say(x, 3, "Missing process-wide variable identifier.");
		return (CLI_DONE);
	}
	if (at >= x->n) {
		cli_say(x, 3, "Missing either 'expr', 'fmt' or expression.");
		return (CLI_DONE);
	}
	if (!span_begins(name, SPAN("proc."))) {
		cli_say(x, 3, "'set var': cannot set variable '%.*s', only "
		    "scope 'proc' is permitted here.", SPAN_FMT(name));
		return (CLI_DONE);
	}
	if ((v = expr_var_named(name, &err)) == NULL)
		cli_say(x, 3, "%s", err);
	else
		set_var(x, v, fmt, cli_arg(x, at));
	return (CLI_DONE);
}

CLI_COMMAND(set_var) = {
	.name = "set var", .args = "<name> [fmt|expr] <sample>",
	.level = PX_LEVEL_OPERATOR, .run = run_set,
	.doc = "set a variable of the process, in experimental mode",
};

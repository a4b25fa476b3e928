/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables: names, scopes, conditions, limits, and how they are written.
 */
#include <base/test.h>

#include <sys/wait.h>
#include <unistd.h>

#include <wire/wire.h>

#include "expr_int.h"
#include "expr_try.h"
#include "vars_int.h"

static const struct expr_var *
named(const char *name)
{
	const char *err;

	return (expr_var_named(span_str(name), &err));
}

static void
set_text(struct txn *t, const char *name, const char *text)
{
	struct smp s = { .type = SMP_STR, .str = span_str(text) };

	expr_var_set(named(name), t, 0, &s);
}

static void
set_int(struct txn *t, const char *name, int64_t n, unsigned when)
{
	struct smp s = { .type = SMP_INT, .num = n };

	expr_var_set(named(name), t, when, &s);
}

/* The value as text; "(none)" without one. */
static const char *
value(struct txn *t, const char *name)
{
	static char out[256];
	struct smp s;

	if (!expr_var_get(named(name), t, &s) || !smp_cast(t, &s, SMP_STR))
		return ("(none)");
	span_copy(out, sizeof out, s.str);
	return (out);
}

TEST(names_begin_with_a_scope_and_conditions_are_known)
{
	static const struct { const char *word, *says; } rows[] = {
		{ "txn.a", NULL }, { "proc.A_1.b", NULL }, { "check.x", NULL },
		{ "txn.a,ifset,ifgt", NULL },
		{ "a", "its scope" }, { "bad.a", "its scope" },
		{ "txn.", "letters" }, { "txn.a-b", "letters" },
		{ "", "its scope" }, { "txn.a,iffy", "conditions are" },
		{ "txn.a,", "conditions are" },
	};
	const char *err;
	unsigned when;

	for (size_t i = 0; i < NELEM(rows); i++) {
		bool ok = expr_var_word(span_str(rows[i].word), &when,
		    &err) != NULL;

		if (!CHECK_EQ(ok, rows[i].says == NULL) || (!ok &&
		    !CHECK(strstr(err, rows[i].says) != NULL)))
			printf("    for '%s': %s\n", rows[i].word, err);
	}
	CHECK(named("txn.a") == named("txn.a"));
	CHECK(expr_var_word(SPAN("txn.a,ifset"), NULL, &err) == NULL);
	expr_vars_forget();
}

TEST(a_request_variable_ends_where_the_response_begins)
{
	struct expr_vars *session = NULL;
	struct try t;

	try_init(&t);
	t.txn.stage = TXN_REQ;
	named("sess.s");
	named("req.r");
	named("res.r");
	t.txn.sess_vars = &session;
	named("txn.t");
	set_text(&t.txn, "req.r", "one");
	set_text(&t.txn, "res.r", "too early");
	set_text(&t.txn, "txn.t", "both");
	set_text(&t.txn, "sess.s", "kept");
	CHECK_STR(value(&t.txn, "req.r"), "one");
	CHECK_STR(value(&t.txn, "res.r"), "(none)");
	t.txn.stage = TXN_RES;
	CHECK_STR(value(&t.txn, "req.r"), "(none)");
	set_text(&t.txn, "res.r", "two");
	CHECK_STR(value(&t.txn, "res.r"), "two");
	CHECK_STR(value(&t.txn, "txn.t"), "both");
	expr_vars_end(&t.txn);
	arena_reset(&t.arena);
	CHECK_STR(value(&t.txn, "txn.t"), "(none)");
	CHECK_STR(value(&t.txn, "sess.s"), "kept");
	t.txn.sess_vars = NULL;
	CHECK_STR(value(&t.txn, "sess.s"), "(none)");
	expr_vars_free(session);
	try_fini(&t);
}

TEST(a_text_may_be_set_to_a_part_of_itself_and_grow)
{
	struct expr_vars *session = NULL;
	char longer[200];
	struct try t;
	struct smp s;

	try_init(&t);
	named("sess.s");
	t.txn.sess_vars = &session;
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	set_text(&t.txn, "sess.s", "abcdef");
	CHECK(expr_var_get(named("sess.s"), &t.txn, &s));
	s.str = span_skip(s.str, 2);
	expr_var_set(named("sess.s"), &t.txn, 0, &s);
	CHECK_STR(value(&t.txn, "sess.s"), "cdef");
	set_text(&t.txn, "sess.s", longer);
	CHECK_STR(value(&t.txn, "sess.s"), longer);
	set_int(&t.txn, "sess.s", 5, 0);
	CHECK_STR(value(&t.txn, "sess.s"), "5");
	set_text(&t.txn, "sess.s", "");
	CHECK_STR(value(&t.txn, "sess.s"), "");
	expr_var_unset(named("sess.s"), &t.txn);
	CHECK_STR(value(&t.txn, "sess.s"), "(none)");
	expr_vars_free(session);
	try_fini(&t);
}

TEST(conditions_look_at_what_was_there)
{
	/* the variable before (-1: never set, -2: unset), then set to 5 */
	static const struct { int was; unsigned when; bool set; } rows[] = {
		{ -1, 0, true }, { -1, EXPR_VAR_IFEXISTS, false },
		{ -1, EXPR_VAR_IFNOTEXISTS, true },
		{ -2, EXPR_VAR_IFEXISTS, true }, { -2, EXPR_VAR_IFSET, false },
		{ -2, EXPR_VAR_IFNOTSET, true }, { 9, EXPR_VAR_IFSET, true },
		{ 9, EXPR_VAR_IFNOTSET, false }, { 9, EXPR_VAR_IFGT, true },
		{ 9, EXPR_VAR_IFLT, false }, { 1, EXPR_VAR_IFGT, false },
		{ 1, EXPR_VAR_IFLT, true }, { 5, EXPR_VAR_IFGT, false },
		{ -1, EXPR_VAR_IFGT, true }, { 9, EXPR_VAR_IFEMPTY, false },
		{ 9, EXPR_VAR_IFNOTEMPTY, true },
		{ 1, EXPR_VAR_IFSET | EXPR_VAR_IFGT, false },
	};
	struct try t;

	try_init(&t);
	named("txn.a");
	for (size_t i = 0; i < NELEM(rows); i++) {
		bool set;

		t.txn.vars = NULL;
		if (rows[i].was != -1)
			set_int(&t.txn, "txn.a", rows[i].was, 0);
		if (rows[i].was == -2)
			expr_var_unset(named("txn.a"), &t.txn);
		set_int(&t.txn, "txn.a", 5, rows[i].when);
		set = strcmp(value(&t.txn, "txn.a"), "5") == 0 &&
		    (rows[i].was != 5 || rows[i].set);
		if (rows[i].was == 5)
			continue;       /* either way it is 5 */
		if (!CHECK_EQ(set, rows[i].set))
			printf("    in row %zu\n", i);
	}
	try_fini(&t);
}

TEST(process_variables_are_one_for_all_processes)
{
	struct try t;
	int status;
	pid_t pid;

	try_init(&t);
	set_int(&t.txn, "proc.n", 1, 0);
	set_text(&t.txn, "proc.t", "before");
	if ((pid = fork()) == 0) {
		set_int(&t.txn, "proc.n", 2, 0);
		set_text(&t.txn, "proc.t", "from the child");
		_exit(strcmp(value(&t.txn, "proc.n"), "2") != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_STR(value(&t.txn, "proc.n"), "2");
	CHECK_STR(value(&t.txn, "proc.t"), "from the child");
	/* such a variable exists from the start */
	expr_var_unset(named("proc.n"), &t.txn);
	set_int(&t.txn, "proc.n", 3, EXPR_VAR_IFEXISTS);
	CHECK_STR(value(&t.txn, "proc.n"), "3");
	try_fini(&t);
}

TEST(limits_include_what_is_inside)
{
	struct expr_vars *session = NULL;
	struct try t;

	try_init(&t);
	named("sess.s");
	named("req.r");
	named("txn.t");
	t.txn.stage = TXN_REQ;
	t.txn.sess_vars = &session;
	expr_vars_limit[EXPR_SCOPE_TXN] = 10;
	expr_vars_limit[EXPR_SCOPE_SESS] = 16;
	expr_vars_limited = true;
	set_text(&t.txn, "req.r", "12345678");
	CHECK_STR(value(&t.txn, "req.r"), "12345678");
	set_text(&t.txn, "txn.t", "123");
	CHECK_STR(value(&t.txn, "txn.t"), "(none)");
	set_text(&t.txn, "txn.t", "12");
	CHECK_STR(value(&t.txn, "txn.t"), "12");
	set_text(&t.txn, "req.r", "1234567890");
	CHECK_STR(value(&t.txn, "req.r"), "(none)");
	set_text(&t.txn, "sess.s", "123456789012345");
	CHECK_STR(value(&t.txn, "sess.s"), "(none)");
	set_text(&t.txn, "sess.s", "12345678901234");
	CHECK_STR(value(&t.txn, "sess.s"), "12345678901234");
	expr_vars_end(&t.txn);
	set_text(&t.txn, "txn.t", "1");
	CHECK_STR(value(&t.txn, "txn.t"), "1");
	set_text(&t.txn, "txn.t", "123");
	CHECK_STR(value(&t.txn, "txn.t"), "(none)");
	expr_vars_end(&t.txn);
	expr_vars_free(session);
	try_fini(&t);
}

TEST(what_is_written_is_read_back_and_written_the_same)
{
	struct expr_vars *session = NULL, *back = NULL, *stream = NULL;
	struct smp v6 = { .type = SMP_V6 };
	char mem[2][1024];
	struct wire_out out[2];
	struct wire_in in;
	struct try t;

	try_init(&t);
	named("sess.s");
	named("sess.n");
	named("txn.t");
	named("txn.a");
	named("txn.gone");
	t.txn.sess_vars = &session;
	set_text(&t.txn, "sess.s", "text");
	set_int(&t.txn, "sess.n", -7, 0);
	set_text(&t.txn, "txn.t", "");
	set_text(&t.txn, "txn.gone", "x");
	expr_var_unset(named("txn.gone"), &t.txn);
	v6.addr.family = ADDR_V6;
	v6.addr.ip[15] = 1;
	expr_var_set(named("txn.a"), &t.txn, 0, &v6);

	wire_out_init(&out[0], mem[0], sizeof mem[0]);
	expr_vars_put(&out[0], session);
	wire_in_init(&in, span_of(mem[0], out[0].n));
	CHECK(expr_vars_get(&in, NULL, &back));
	wire_out_init(&out[1], mem[1], sizeof mem[1]);
	expr_vars_put(&out[1], back);
	CHECK_EQ(out[0].n, out[1].n);
	CHECK(memcmp(mem[0], mem[1], out[0].n) == 0);
	t.txn.sess_vars = &back;
	CHECK_STR(value(&t.txn, "sess.s"), "text");
	CHECK_STR(value(&t.txn, "sess.n"), "-7");

	wire_out_init(&out[0], mem[0], sizeof mem[0]);
	expr_vars_put(&out[0], t.txn.vars);
	wire_in_init(&in, span_of(mem[0], out[0].n));
	CHECK(expr_vars_get(&in, &t.arena, &stream));
	t.txn.vars = stream;
	CHECK_STR(value(&t.txn, "txn.t"), "");
	CHECK_STR(value(&t.txn, "txn.a"), "::1");
	CHECK_STR(value(&t.txn, "txn.gone"), "(none)");
	set_int(&t.txn, "txn.gone", 1, EXPR_VAR_IFEXISTS);
	CHECK_STR(value(&t.txn, "txn.gone"), "1");

	/* a session's record is not a stream's, and damage is refused */
	stream = NULL;
	mem[0][out[0].n - 1] ^= 0x55;
	for (size_t n = 1; n < out[0].n; n++) {
		wire_in_init(&in, span_of(mem[0], n));
		if (!expr_vars_get(&in, &t.arena, &stream))
			CHECK(stream == NULL);
		stream = NULL;
	}
	expr_vars_free(session);
	expr_vars_free(back);
	try_fini(&t);
}

TEST(numbers_may_come_from_a_variable)
{
	struct arg fixed = { .type = ARG_INT, .num = 4 };
	struct arg var = { .type = ARG_VAR };
	struct try t;
	int64_t n;

	try_init(&t);
	var.ptr = named("txn.n");
	CHECK(smp_arg_int(&fixed, &t.txn, &n) && n == 4);
	CHECK(!smp_arg_int(&var, &t.txn, &n));
	set_text(&t.txn, "txn.n", "12");
	CHECK(smp_arg_int(&var, &t.txn, &n) && n == 12);
	set_text(&t.txn, "txn.n", "");
	CHECK(!smp_arg_int(&var, &t.txn, &n));
	try_fini(&t);
}

static const char *
dump(struct try *t, const char *fetch)
{
	static char out[256];
	struct conf_word w = { .col = 1, .text = span_str(fetch) };
	struct expr *e;

	w.width = (int)w.text.n;
	e = expr_parse(try_line(t, "x"), &w, w.text, SMP_ANYWHERE);
	if (e == NULL)
		return (t->error);
	span_copy(out, sizeof out, expr_text(e, &t->txn));
	return (out);
}

TEST(all_variables_are_one_text)
{
	static const char *const names[] = { "proc.n", "req.text", "txn.yes",
		"txn.bytes", "txn.unset" };
	struct smp yes = { .type = SMP_BOOL, .num = 1 };
	struct smp bytes = { .type = SMP_BIN, .str = span_of("A\0", 2) };
	struct try t;

	try_init(&t);
	for (size_t i = 0; i < NELEM(names); i++)
		(void)named(names[i]);
	set_int(&t.txn, "proc.n", -4, 0);
	set_text(&t.txn, "req.text", "a\"\\\n");
	expr_var_set(named("txn.yes"), &t.txn, 0, &yes);
	expr_var_set(named("txn.bytes"), &t.txn, 0, &bytes);
	CHECK_STR(dump(&t, "dump_all_vars"), "txn.bytes=x4100, txn.yes=true, "
	    "req.text=\"a\\\"\\\\\\n\", proc.n=-4");
	CHECK_STR(dump(&t, "dump_all_vars(txn,,;)"),
	    "txn.bytes=x4100;txn.yes=true");
	CHECK_STR(dump(&t, "dump_all_vars(,ye)"), "txn.yes=true");
	CHECK_STR(dump(&t, "dump_all_vars(proc)"), "proc.n=-4");
	CHECK_STR(dump(&t, "dump_all_vars(sess)"), "");
	CHECK(strstr(dump(&t, "dump_all_vars(check)"), "a scope") != NULL);
	try_fini(&t);
}

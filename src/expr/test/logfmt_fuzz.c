/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a log format, a condition and a sample expression: it is
 * refused with an error, or compiled and run, always within its bounds.
 */
#include "expr_int.h"
#include "expr_try.h"

static struct try t;
static struct px *fe;

static void
setup(void)
{
	static const char *const headers[] = { "Host: a.org", "X: 1, 2,,3",
	    "X: \"q,r\" ,", "Empty:", NULL };

	try_init(&t);
	/* no acl line: its patterns would not outlive expr_forget() */
	try_load(&t, "frontend f\n\tmode http\n");
	fe = px_find(t.model, SPAN("f"), PX_FE);
	t.txn.fe = fe;
	try_request(&t, "GET", "/p?x=1&y;z=%41", headers);
}

static void
run_format(struct span in, enum logfmt_use use)
{
	struct conf_word w = { .text = in, .col = 1, .width = (int)in.n };
	struct conf_line *l = try_line(&t, "x");
	struct logfmt *f = logfmt_parse(l, &w, in, use, SMP_ANYWHERE);
	char out[300];

	if (f == NULL)
		return;
	for (size_t n = 0; n < sizeof out; n += 23)
		if (logfmt_run(f, &t.txn, out, n) > n)
			__builtin_trap();
}

static void
run_condition(const char *text)
{
	struct conf_word *words;
	const char *err;
	int col;
	struct conf_line l = *try_line(&t, "x");
	struct cond *c;
	struct cond_pivot pivot[COND_PIVOTS];

	l.n = conf_split(t.conf.arena, span_str(text), &words, &err, &col);
	if (l.n <= 0)
		return;
	l.word = words;
	l.at = 0;
	/* no files: "-f" would read what the fuzzer names */
	for (int i = 0; i < l.n; i++)
		if (span_is(words[i].text, "-f"))
			return;
	if (!cond_parse(&l, fe, SMP_ANYWHERE, &c) || c == NULL)
		return;
	cond_eval(c, &t.txn);
	cond_try(c, &t.txn);
	cond_pivots(c, pivot, COND_PIVOTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena;
	struct span in;
	char *text;

	if (n == 0 || n > 2000)
		return (0);
	if (fe == NULL)
		setup();
	arena_init(&arena, 0);
	t.conf.arena = &arena;
	text = arena_dup(&arena, span_of((const char *)data + 1,
	    n - 1));
	in = span_of(text, n - 1);
	if (data[0] % 3 == 0)
		run_format(in, LOGFMT_LOG);
	else if (data[0] % 3 == 1)
		run_format(in, LOGFMT_HEADER);
	else
		run_condition(text);
	expr_forget();
	txn_touch(&t.txn);
	diags_fini(&t.diags);
	diags_init(&t.diags);
	arena_reset(&arena);
	arena_reset(&t.arena);
	return (0);
}

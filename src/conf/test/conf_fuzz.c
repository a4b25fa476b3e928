/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_fuzz - any bytes as a configuration of a language with one section:
 * no fault, every word ends in a NUL where it says, every message has a line.
 */
#include <stdlib.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char box;

static void
check_words(const struct conf_line *l)
{
	for (int i = 0; i < l->n; i++) {
		const struct conf_word *w = &l->word[i];

		MUST(w->text.p[w->text.n] == '\0');
		MUST(w->col >= 1 && w->width >= 0);
		MUST((size_t)w->col - 1 + (size_t)w->width <= l->source.n);
	}
}

static void *
begin(struct conf_line *l)
{
	check_words(l);
	return (&box);
}

static bool
parse(struct conf_line *l, void *obj)
{
	struct span s;
	int64_t v;
	uint64_t u;

	MUST(obj == &box);
	check_words(l);
	conf_want_name(l, "a name", &s);
	conf_want_time(l, "a time", "s", &v);
	conf_want_size(l, "a size", &u);
	conf_want_int(l, "a number", -5, 5, &v);
	return (conf_end(l));
}

static bool
parse_words(struct conf_line *l, void *obj)
{
	return (kw_words(l, KW_BIND, obj));
}

SECTION(box) = { .name = "box", .in = KW_GLOBAL, .begin = begin,
	.args = "", .doc = "A box." };
KEYWORD(put) = { .name = "put", .in = KW_GLOBAL, .flags = KW_NO, .args = "",
	.parse = parse, .doc = "Puts." };
KEYWORD(put_in) = { .name = "put in", .in = KW_GLOBAL, .args = "",
	.parse = parse_words, .doc = "Puts in." };
KEYWORD(deep) = { .name = "deep", .in = KW_BIND, .flags = KW_NO, .args = "",
	.parse = parse, .doc = "Depth." };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena;
	struct diags ds;
	struct conf c = { .arena = &arena, .diagnostics = true };
	struct conf_word *w;
	const char *err;
	int col;

	if (n > 65536)
		return (0);
	setenv("L", "a b  c", 1);
	arena_init(&arena, 0);
	diags_init(&ds);
	c.diags = &ds;
	conf_load_text(&c, "fuzz.cfg", span_of((const char *)data, n));
	LIST_EACH(it, &ds.all) {
		struct text t;

		text_init(&t);
		diag_render(LIST_ITEM(it, struct diag, node), 1, &t);
		text_fini(&t);
	}
	if (conf_split(&arena, span_of((const char *)data, n), &w, &err,
	    &col) < 0)
		MUST(col >= 1 && (size_t)col <= n + 1);
	if (conf_eval(span_of((const char *)data, n), &err, &col) < 0)
		MUST(col >= 1 && (size_t)col <= n + 1);
	diags_fini(&ds);
	arena_reset(&arena);
	return (0);
}

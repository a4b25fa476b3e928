/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_lex - cut a line into words: quotes, escapes, variables, comments.
 *
 * Source: configuration manual, 2.2 (quoting) and 2.3 (environment).
 */
#include "conf_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

struct cursor {
	struct conf_lex *lex;
	struct span in;
	size_t at;
	size_t start;           /* source offset of the current word */
	size_t off;             /* its first byte in `out` */
	bool open;              /* a word has begun */
};

void
conf_lex_init(struct conf_lex *l)
{
	memset(l, 0, sizeof *l);
	text_init(&l->out);
}

void
conf_lex_fini(struct conf_lex *l)
{
	text_fini(&l->out);
	free(l->word);
	memset(l, 0, sizeof *l);
}

static bool
is_blank(char c)
{
	return (c == ' ' || (c >= '\t' && c <= '\r'));
}

/* What ends a piece of a word that is as it is written. */
static const bool ends_plain[256] = {
	[' '] = true, ['\t' ... '\r'] = true, ['#'] = true, ['"'] = true,
	['\''] = true, ['\\'] = true,
};

/* The bytes of a line: of words, of blanks, and what is more than these. */
enum byte { BYTE_WORD, BYTE_BLANK, BYTE_SPECIAL };
static const uint8_t byte_is[256] = {
	[' '] = BYTE_BLANK, ['\t' ... '\r'] = BYTE_BLANK,
	['#'] = BYTE_SPECIAL, ['"'] = BYTE_SPECIAL, ['\''] = BYTE_SPECIAL,
	['\\'] = BYTE_SPECIAL,
};

static bool
is_name(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_');
}

static bool
fail(struct cursor *c, size_t at, const char *what)
{
	c->lex->err = what;
	c->lex->err_col = (int)at + 1;
	return (false);
}

static void
word_open(struct cursor *c)
{
	if (c->open)
		return;
	c->open = true;
	c->start = c->at;
	c->off = c->lex->out.n;
}

/* `n` bytes at `off` in the output, `width` at `start` in the source. */
static void
add_word(struct conf_lex *l, size_t off, size_t n, size_t start, size_t width)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->word = must_realloc(l->word,
		    (size_t)l->cap * sizeof *l->word);
	}
	l->word[l->n++] = (struct conf_lex_word){ .off = off, .n = n,
		.col = (int)start + 1, .width = (int)width };
}

static void
word_close(struct cursor *c)
{
	struct conf_lex *l = c->lex;

	if (!c->open)
		return;
	c->open = false;
	add_word(l, c->off, l->out.n - c->off, c->start, c->at - c->start);
	text_addc(&l->out, '\0');
}

/* `at` is on the backslash. */
static bool
take_escape(struct cursor *c, bool quoted)
{
	struct span in = c->in;
	char next = c->at + 1 < in.n ? in.p[c->at + 1] : '\0';
	int hi, lo;

	word_open(c);
	if (c->at + 1 >= in.n) {
		text_addc(&c->lex->out, '\\');
		c->at++;
		return (true);
	}
	switch (next) {
	case 'n':
		next = '\n';
		break;
	case 'r':
		next = '\r';
		break;
	case 't':
		next = '\t';
		break;
	case ' ': case '\t': case '#': case '\\': case '\'': case '"':
		break;
	case '$':
		if (quoted)
			break;
		text_addc(&c->lex->out, '\\');
		break;
	case 'x':
		hi = c->at + 2 < in.n ? num_hexval(in.p[c->at + 2]) : -1;
		lo = c->at + 3 < in.n ? num_hexval(in.p[c->at + 3]) : -1;
		if (hi < 0 || lo < 0)
			return (fail(c, c->at,
			    "truncated or invalid hexadecimal sequence"));
		next = (char)(hi << 4 | lo);
		c->at += 2;
		break;
	default:
		text_addc(&c->lex->out, '\\');
		break;
	}
	text_addc(&c->lex->out, next);
	c->at += 2;
	return (true);
}

/* The value of a variable, or NULL; `num` is room for ".LINE". */
static const char *
variable(struct cursor *c, struct span name, char num[16])
{
	struct conf_lex *l = c->lex;
	char z[256];

	if (span_is(name, ".FILE"))
		return (l->file);
	if (span_is(name, ".LINE")) {
		snprintf(num, 16, "%d", l->line);
		return (num);
	}
	if (span_is(name, ".SECTION"))
		return (l->section == NULL ? "" : l->section);
	if (!span_copy(z, sizeof z, name))
		return (NULL);
	return (getenv(z));
}

/* Each run of blanks in a list ends a word; none is made of nothing. */
static void
put_list(struct cursor *c, const char *v)
{
	for (; *v != '\0'; v++) {
		if (!is_blank(*v)) {
			word_open(c);
			text_addc(&c->lex->out, *v);
			continue;
		}
		while (is_blank(v[1]))
			v++;
		word_close(c);
		if (v[1] != '\0')
			word_open(c);
	}
}

struct var {                            /* as it is written */
	struct span name, dflt;
	bool list;
};

static char
look(const struct cursor *c)
{
	return (c->at < c->in.n ? c->in.p[c->at] : '\0');
}

static bool
is_pseudo(struct span name)
{
	return (span_is(name, ".FILE") || span_is(name, ".LINE") ||
	    span_is(name, ".SECTION"));
}

static bool
take_name(struct cursor *c, struct span *name)
{
	size_t first = c->at;

	if (look(c) == '.')
		c->at++;
	if (!is_name(look(c)) || (look(c) >= '0' && look(c) <= '9'))
		return (fail(c, first, "forbidden first char in environment "
		    "variable name"));
	while (is_name(look(c)))
		c->at++;
	*name = span_of(c->in.p + first, c->at - first);
	if (name->p[0] == '.' && !is_pseudo(*name))
		return (fail(c, first, "unknown pseudo-variable"));
	return (true);
}

/* What may follow a name in braces: "[*]" and "-default". */
static bool
take_brace(struct cursor *c, struct var *v, size_t dollar)
{
	struct span in = c->in;
	size_t dflt;

	if (look(c) == '[') {
		if (in.n - c->at < 4 || memcmp(in.p + c->at, "[*]", 3) != 0)
			return (fail(c, c->at, "truncated or invalid word "
			    "expansion sequence"));
		v->list = true;
		c->at += 3;
	}
	if (look(c) == '-') {
		dflt = ++c->at;
		while (c->at < in.n && look(c) != '}' && look(c) != '"')
			c->at++;
		v->dflt = span_of(in.p + dflt, c->at - dflt);
	}
	if (look(c) != '}')
		return (fail(c, dollar, "unmatched brace in environment "
		    "variable name"));
	c->at++;
	return (true);
}

/* `at` is on the dollar sign, inside double quotes. */
static bool
take_variable(struct cursor *c)
{
	struct var v = { .list = false };
	size_t dollar = c->at++;
	bool brace = look(c) == '{';
	const char *value;
	char num[16];

	if (brace)
		c->at++;
	if (!take_name(c, &v.name) || (brace && !take_brace(c, &v, dollar)))
		return (false);
	value = variable(c, v.name, num);
	if (value != NULL && v.list) {
		put_list(c, value);
		return (true);
	}
	word_open(c);
	if (value != NULL)
		text_addz(&c->lex->out, value);
	else
		text_add(&c->lex->out, v.dflt);
	return (true);
}

static bool
take_weak(struct cursor *c)
{
	size_t quote = c->at++;
	size_t plain;

	while (c->at < c->in.n && c->in.p[c->at] != '"') {
		if (c->in.p[c->at] == '\\') {
			if (!take_escape(c, true))
				return (false);
			continue;
		}
		if (c->in.p[c->at] == '$') {
			if (!take_variable(c))
				return (false);
			continue;
		}
		word_open(c);
		plain = c->at;
		while (c->at < c->in.n && c->in.p[c->at] != '"' &&
		    c->in.p[c->at] != '\\' && c->in.p[c->at] != '$')
			c->at++;
		text_add(&c->lex->out, span_of(c->in.p + plain,
		    c->at - plain));
	}
	if (c->at >= c->in.n)
		return (fail(c, quote, "unmatched quote"));
	c->at++;
	return (true);
}

static bool
take_strong(struct cursor *c)
{
	size_t quote = c->at++;
	ptrdiff_t end = span_find(span_skip(c->in, c->at), '\'');

	if (end < 0)
		return (fail(c, quote, "unmatched quote"));
	text_add(&c->lex->out, span_of(c->in.p + c->at, (size_t)end));
	c->at += (size_t)end + 1;
	return (true);
}

static void
take_plain(struct cursor *c)
{
	size_t plain = c->at;

	const char *p = c->in.p, *end = p + c->in.n, *at = p + plain;

	while (at < end && !ends_plain[(uint8_t)*at])
		at++;
	c->at = (size_t)(at - p);
	text_add(&c->lex->out, span_of(p + plain, c->at - plain));
}

/* What is said by most lines: nothing but words. They stay where they are in
 * the line; the blanks behind them end them. False: there is more to it. */
static bool
take_words(struct conf_lex *l, struct span in)
{
	const uint8_t *p, *at;
	char *out;

	text_add(&l->out, in);
	out = l->out.p;
	out[in.n] = ' ';        /* ends the last word; never read past */
	for (p = at = (const uint8_t *)out; at < p + in.n;) {
		const uint8_t *first = at;

		while (byte_is[*at] == BYTE_WORD)
			at++;
		if (byte_is[*at] == BYTE_SPECIAL)
			break;
		if (at > first)
			add_word(l, (size_t)(first - p), (size_t)(at - first),
			    (size_t)(first - p), (size_t)(at - first));
		out[at - p] = '\0';
		at++;
	}
	if (at < p + in.n) {
		text_clear(&l->out);
		l->n = 0;
		return (false);
	}
	out[in.n] = '\0';
	text_addc(&l->out, '\0');
	return (true);
}

bool
conf_lex_line(struct conf_lex *l, struct span in)
{
	struct cursor c = { .lex = l, .in = in };
	bool good = true;

	text_clear(&l->out);
	l->n = 0;
	l->err = NULL;
	l->err_col = 0;
	if (take_words(l, in))
		return (true);
	while (good && c.at < in.n) {
		char b = in.p[c.at];

		if (is_blank(b)) {
			word_close(&c);
			c.at++;
			continue;
		}
		if (b == '#')
			break;
		word_open(&c);
		if (b == '"')
			good = take_weak(&c);
		else if (b == '\'')
			good = take_strong(&c);
		else if (b == '\\')
			good = take_escape(&c, false);
		else
			take_plain(&c);
	}
	word_close(&c);
	return (good);
}

void
conf_lex_copy(const struct conf_lex *l, struct arena *a, struct conf_word *w)
{
	char *base;

	if (l->n == 0)
		return;
	base = arena_get(a, l->out.n);
	MUST(base != NULL);
	memcpy(base, l->out.p, l->out.n);
	for (int i = 0; i < l->n; i++) {
		w[i].text = span_of(base + l->word[i].off, l->word[i].n);
		w[i].col = l->word[i].col;
		w[i].width = l->word[i].width;
	}
}

int
conf_split(struct arena *a, struct span text, struct conf_word **out,
    const char **err, int *err_col)
{
	struct conf_lex l;
	int n = -1;

	conf_lex_init(&l);
	l.file = "";
	if (conf_lex_line(&l, text)) {
		n = l.n;
		*out = arena_get(a, ((size_t)n + 1) * sizeof **out);
		conf_lex_copy(&l, a, *out);
	} else {
		*err = l.err;
		*err_col = l.err_col;
	}
	conf_lex_fini(&l);
	return (n);
}

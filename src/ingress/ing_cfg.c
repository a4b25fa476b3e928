/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_cfg - build the tree: one constructor for each kind of word.
 */
#include <ingress/cfg.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include <base/must.h>
#include <base/num.h>

void
ing_cfg_init(struct ing_cfg *c, struct arena *mem)
{
	memset(c, 0, sizeof *c);
	arena_init(&c->words, 0);
	c->mem = mem;
	c->last = &c->sections;
	text_init(&c->fmt);
}

void
ing_cfg_fini(struct ing_cfg *c)
{
	text_fini(&c->fmt);
	arena_reset(&c->words);
}

unsigned
ing_cfg_bad(const struct ing_cfg *c, const char **what)
{
	*what = c->bad_what;
	return (c->bad);
}

static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (true);
	return (false);
}

static void
add(struct ing_cfg *c, enum ing_word_kind kind, struct span s)
{
	struct ing_word *w = arena_get(&c->words, sizeof *w);

	MUST(c->line != NULL);
	w->kind = kind;
	w->s = s;
	w->next = NULL;
	*c->line->last = w;
	c->line->last = &w->next;
}

static void
add_copy(struct ing_cfg *c, struct span s)
{
	add(c, ING_W_TEXT, arena_span(&c->words, s));
}

/* A word that can't be: an empty one holds its place. */
static void
add_bad(struct ing_cfg *c, struct span s, const char *what)
{
	struct text t;

	if (c->bad++ == 0) {
		text_init(&t);
		text_printf(&t, "%s: \"", what);
		text_quote(&t, span_of(s.p, s.n > 80 ? 80 : s.n));
		text_addc(&t, '"');
		c->bad_what = arena_dup(c->mem, text_span(&t));
		text_fini(&t);
	}
	add(c, ING_W_TEXT, SPAN(""));
}

static void
new_line(struct ing_cfg *c)
{
	struct ing_line *l = arena_zget(&c->words, sizeof *l);

	MUST(c->section != NULL);
	l->last = &l->first;
	*c->section->last = l;
	c->section->last = &l->next;
	c->line = l;
}

void
ing_cfg_keys(struct ing_cfg *c, const char *words)
{
	struct span rest = span_str(words), w;

	while (span_cut(&rest, ' ', &w))
		if (w.n > 0)
			add(c, ING_W_KEY, w);
}

void
ing_cfg_line(struct ing_cfg *c, const char *words)
{
	new_line(c);
	ing_cfg_keys(c, words);
}

void
ing_cfg_section(struct ing_cfg *c, const char *kind, struct span name)
{
	struct ing_section *s = arena_zget(&c->words, sizeof *s);

	s->last = &s->lines;
	*c->last = s;
	c->last = &s->next;
	c->section = s;
	ing_cfg_line(c, kind);
	if (name.n > 0)
		ing_cfg_name(c, name);
}

/* Letters, digits, and the others that are named; no '-' at its start. */
static bool
is_made_of(struct span s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		char b = span_lower(s.p[i]);

		if (!((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') ||
		    (b != '\0' && strchr(others, b) != NULL)))
			return (false);
	}
	return (s.n > 0 && s.p[0] != '-');
}

void
ing_cfg_name(struct ing_cfg *c, struct span s)
{
	if (is_made_of(s, "_.:-"))
		add_copy(c, s);
	else
		add_bad(c, s, "not a name");
}

void
ing_cfg_file(struct ing_cfg *c, const char *path)
{
	struct span s = span_str(path);

	if (is_made_of(s, "_.:/-") && s.p[0] != '/' &&
	    span_search(s, SPAN("..")) < 0)
		add_copy(c, s);
	else
		add_bad(c, s, "not a path of ours");
}

void
ing_cfg_host(struct ing_cfg *c, const char *name, int64_t port)
{
	char z[300];
	int n = snprintf(z, sizeof z, "%s:%" PRId64, name, port);

	if (port >= 1 && port <= 65535 && n < (int)sizeof z &&
	    is_made_of(span_str(name), "_.-"))
		add_copy(c, span_of(z, (size_t)n));
	else
		add_bad(c, span_str(name), "not a host with a port");
}

void
ing_cfg_num(struct ing_cfg *c, int64_t n)
{
	char z[24];
	size_t sign = n < 0;

	z[0] = '-';
	add_copy(c, span_of(z, sign + num_put(z + sign,
	    sign ? -(uint64_t)n : (uint64_t)n)));
}

void
ing_cfg_ms(struct ing_cfg *c, int64_t ms)
{
	bool whole = ms % 1000 == 0;
	char z[24];
	size_t n;

	MUST(ms >= 0);
	n = num_put(z, (uint64_t)(whole ? ms / 1000 : ms));
	if (!whole)
		z[n++] = 'm';
	z[n++] = 's';
	add_copy(c, span_of(z, n));
}

void
ing_cfg_text(struct ing_cfg *c, struct span s)
{
	if (has_control(s))
		add_bad(c, s, "a control character");
	else
		add_copy(c, s);
}

void
ing_cfg_pattern(struct ing_cfg *c, struct span s)
{
	add(c, ING_W_KEY, SPAN("--"));
	if (span_is(s, "}"))
		add_bad(c, s, "not a pattern");
	else
		ing_cfg_text(c, s);
}

void
ing_cfg_addr(struct ing_cfg *c, const char *ip, int64_t port)
{
	unsigned char bin[16];
	char z[80], digits[20];
	bool four = inet_pton(AF_INET, ip, bin) == 1;

	if (port < 1 || port > 65535 ||
	    (!four && inet_pton(AF_INET6, ip, bin) != 1)) {
		add_bad(c, span_str(ip), "not an address with a port");
		return;
	}
	const struct span parts[] = { four ? SPAN_NONE : SPAN("["),
		span_str(ip), four ? SPAN(":") : SPAN("]:"),
		span_of(digits, num_put(digits, (uint64_t)port)) };

	add_copy(c, span_of(z, span_join(z, sizeof z, parts, NELEM(parts))));
}

void
ing_cfg_bind(struct ing_cfg *c, const char *ip, int64_t port)
{
	char z[32];

	if (ip != NULL)
		ing_cfg_addr(c, ip, port);
	else
		add_copy(c, span_of(z, (size_t)snprintf(z, sizeof z,
		    ":%" PRId64, port)));
}

void
ing_cfg_fmt_begin(struct ing_cfg *c)
{
	text_clear(&c->fmt);
}

void
ing_cfg_fmt_expr(struct ing_cfg *c, const char *piece)
{
	text_addz(&c->fmt, piece);
}

void
ing_cfg_fmt_text(struct ing_cfg *c, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%')
			text_addc(&c->fmt, '%');
		text_addc(&c->fmt, s.p[i]);
	}
}

void
ing_cfg_fmt_name(struct ing_cfg *c, struct span s)
{
	if (is_made_of(s, "_.-"))
		text_add(&c->fmt, s);
	else
		text_addc(&c->fmt, '\n');       /* fmt_end() says it is bad */
}

void
ing_cfg_fmt_num(struct ing_cfg *c, int64_t n)
{
	text_printf(&c->fmt, "%" PRId64, n);
}

void
ing_cfg_fmt_end(struct ing_cfg *c)
{
	ing_cfg_text(c, text_span(&c->fmt));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - a growing string.
 */
#include <base/must.h>
#include <base/text.h>

#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES 256

void
text_init(struct text *t)
{
	*t = (struct text){ NULL, 0, 0 };
}

void
text_fini(struct text *t)
{
	free(t->p);
	text_init(t);
}

void
text_clear(struct text *t)
{
	t->n = 0;
	if (t->p != NULL)
		t->p[0] = '\0';
}

/* Make room for `n` more bytes and the NUL. */
static void
need(struct text *t, size_t n)
{
	size_t cap = t->cap == 0 ? FIRST_BYTES : t->cap;

	if (n < t->cap - t->n)
		return;
	MUST(n < SIZE_MAX / 4);
	while (cap - t->n <= n)
		cap *= 2;
	t->p = must_realloc(t->p, cap);
	t->cap = cap;
}

void
text_add(struct text *t, struct span s)
{
	need(t, s.n);
	if (s.n > 0)
		memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
	t->p[t->n] = '\0';
}

void
text_addz(struct text *t, const char *z)
{
	text_add(t, span_str(z));
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(t, fmt, ap);
	va_end(ap);
}

void
text_vprintf(struct text *t, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	need(t, 0);
	va_copy(again, ap);
	n = vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
	MUST(n >= 0);
	if ((size_t)n >= t->cap - t->n) {
		need(t, (size_t)n);
		vsnprintf(t->p + t->n, t->cap - t->n, fmt, again);
	}
	va_end(again);
	t->n += (size_t)n;
}

bool
text_why(char **why, const char *fmt, ...)
{
	struct text t;
	va_list ap;

	text_init(&t);
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	*why = t.p;
	return (false);
}

void
text_quote(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			text_printf(t, "\\x%02x", c);
		else
			text_addc(t, (char)c);
	}
}

/* Length of the well-formed UTF-8 character at the start of `s`, 0 when it is
 * not one (RFC 3629 section 4). */
static size_t
utf8_len(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 :
	    p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n > s.n)
		return (0);
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return (0);
	return (n);
}

static void
json_char(struct text *t, char c)
{
	switch (c) {
	case '"': text_addz(t, "\\\""); break;
	case '\\': text_addz(t, "\\\\"); break;
	case '\n': text_addz(t, "\\n"); break;
	case '\r': text_addz(t, "\\r"); break;
	case '\t': text_addz(t, "\\t"); break;
	default:
		if ((unsigned char)c < 0x20 || c == 0x7f)
			text_printf(t, "\\u%04x", (unsigned char)c);
		else
			text_addc(t, c);
	}
}

/* A byte that is not part of UTF-8 becomes U+FFFD: JSON has no other way. */
void
text_json(struct text *t, struct span s)
{
	text_addc(t, '"');
	while (s.n > 0) {
		size_t n = utf8_len(s);

		if (n == 0)
			text_addz(t, "\\ufffd");
		else if (n == 1)
			json_char(t, s.p[0]);
		else
			text_add(t, span_of(s.p, n));
		s = span_skip(s, n == 0 ? 1 : n);
	}
	text_addc(t, '"');
}

void
text_eat(struct text *t, size_t n)
{
	MUST(n <= t->n);
	if (n == 0)
		return;
	t->n -= n;
	memmove(t->p, t->p + n, t->n + 1);
}

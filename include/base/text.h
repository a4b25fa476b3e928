/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
/*
 * text - a growing string for answers, reports and start-up; never for the
 * request path. Panics without memory.
 */
#include <stdarg.h>
#include <stddef.h>

#include <base/span.h>

struct text {
	char *p;                /* always NUL-terminated once something is in */
	size_t n, cap;
};

void text_init(struct text *);
void text_fini(struct text *);
void text_clear(struct text *);
void text_add(struct text *, struct span);
void text_addz(struct text *, const char *);
void text_printf(struct text *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *, const char *fmt, va_list);

/* text_why - a message for *why, to be freed; returns false, so that a function
 * that fails can end with it. */
bool text_why(char **why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* text_quote - the bytes, without quotes around them; double quotes, backslash,
 * control and non-ASCII characters become \xNN, so that a terminal is safe. */
void text_quote(struct text *, struct span);

/* text_json - a JSON string with its quotes; bytes that are not UTF-8 become
 * U+FFFD. */
void text_json(struct text *, struct span);

/* text_eat - drop the first `n` bytes. */
void text_eat(struct text *, size_t n);

static inline void
text_addc(struct text *t, char c)
{
	if (t->cap - t->n < 2) {
		text_add(t, span_of(&c, 1));
		return;
	}
	t->p[t->n++] = c;
	t->p[t->n] = '\0';
}

static inline struct span
text_span(const struct text *t)
{
	return (span_of(t->p, t->n));
}
#endif

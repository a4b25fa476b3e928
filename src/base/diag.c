/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag - collecting diagnostics, and their text form.
 */
#include <base/diag.h>
#include <base/must.h>

#include <stdio.h>
#include <stdlib.h>

#define SOURCE_MAX 512
#define INDENT "    "

void
diags_init(struct diags *ds)
{
	*ds = (struct diags){ .sink = NULL };
	list_init(&ds->all);
}

void
diags_fini(struct diags *ds)
{
	struct list *node;

	while ((node = list_pop_front(&ds->all)) != NULL) {
		struct diag *d = LIST_ITEM(node, struct diag, node);

		free(d->text);
		free(d->source);
		free(d->hint);
		free(d);
	}
	memset(ds->n, 0, sizeof(ds->n));
}

static char *
format(const char *fmt, va_list ap)
{
	struct text t;

	text_init(&t);
	text_vprintf(&t, fmt, ap);
	return (t.p);
}

struct diag *
diag_vadd(struct diags *ds, enum diag_level level, struct diag_pos pos,
    struct span source, const char *fmt, va_list ap)
{
	struct diag *d = must_alloc(sizeof(*d));

	d->level = level;
	d->pos = pos;
	d->text = format(fmt, ap);
	if (source.p != NULL) {
		if (source.n > SOURCE_MAX)
			source.n = SOURCE_MAX;
		d->source = span_dup(source);
	}
	list_push_back(&ds->all, &d->node);
	ds->n[level]++;
	if (ds->sink != NULL)
		ds->sink(d, ds->sink_arg);
	return (d);
}

struct diag *
diag_add(struct diags *ds, enum diag_level level, struct diag_pos pos,
    struct span source, const char *fmt, ...)
{
	struct diag *d;
	va_list ap;

	va_start(ap, fmt);
	d = diag_vadd(ds, level, pos, source, fmt, ap);
	va_end(ap);
	return (d);
}

void
diag_hint(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	free(d->hint);
	va_start(ap, fmt);
	d->hint = format(fmt, ap);
	va_end(ap);
}

/* The line as it is; what could upset a terminal is a question mark. */
static void
put_source(struct text *out, struct span line)
{
	text_addz(out, INDENT);
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		text_addc(out, (c < 0x20 && c != '\t') || c == 0x7f ? '?' :
		    (char)c);
	}
	text_addc(out, '\n');
}

/* Bytes 10xxxxxx continue a UTF-8 character and have no column. */
static bool
has_column(char c)
{
	return (((unsigned char)c & 0xc0) != 0x80);
}

/* Spaces up to the column, with the tabs of the line, so that it aligns
 * whatever a tab is worth; then the caret. */
static void
put_caret(struct text *out, struct span line, struct diag_pos pos)
{
	size_t col = (size_t)pos.col - 1, i;
	size_t end = col + (size_t)(pos.width > 0 ? pos.width : 1);

	text_addz(out, INDENT);
	for (i = 0; i < col && i < line.n; i++)
		if (has_column(line.p[i]))
			text_addc(out, line.p[i] == '\t' ? '\t' : ' ');
	text_addc(out, '^');
	for (i = col + 1; i < end && i < line.n; i++)
		if (has_column(line.p[i]))
			text_addc(out, '~');
	text_addc(out, '\n');
}

static struct span
without_newline(struct span line)
{
	while (line.n > 0 && (line.p[line.n - 1] == '\n' ||
	    line.p[line.n - 1] == '\r'))
		line.n--;
	return (line);
}

void
diag_render(const struct diag *d, int pid, struct text *out)
{
	static const char *const prefixes[] = {
		[DIAG_NOTICE] = "[NOTICE]  ",
		[DIAG_DIAG] = "[DIAG]    ",
		[DIAG_WARNING] = "[WARNING] ",
		[DIAG_ALERT] = "[ALERT]   ",
	};
	const struct diag_pos *pos = &d->pos;
	struct span line = without_newline(span_str(d->source));

	text_printf(out, "%s (%d) : config : ", prefixes[d->level], pid);
	if (pos->file != NULL)
		text_printf(out, "parsing [%s:%d] : ", pos->file, pos->line);
	text_printf(out, "%s\n", d->text);
	if (pos->file != NULL && line.n > 0) {
		text_printf(out, INDENT "%s:%d", pos->file, pos->line);
		if (pos->col > 0)
			text_printf(out, ":%d", pos->col);
		text_addc(out, '\n');
		put_source(out, line);
		if (pos->col > 0 && (size_t)pos->col <= line.n + 1)
			put_caret(out, line, *pos);
	}
	if (d->hint != NULL)
		text_printf(out, INDENT "hint: %s\n", d->hint);
}

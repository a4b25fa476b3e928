/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H
/*
 * diag - what we tell an operator about a configuration: where, what, the
 * line with a caret, and a hint when there is a good one.
 *
 * Diagnostics are collected while parsing goes on, and printed as they come
 * or at the end. One renderer writes HAProxy's form:
 *
 *   [ALERT]    (PID) : config : parsing [site.cfg:41] : 'server web1' : …
 */
#include <stdarg.h>
#include <stdbool.h>

#include <base/list.h>
#include <base/span.h>
#include <base/text.h>

enum diag_level {
	DIAG_NOTICE,
	DIAG_DIAG,              /* -dD only */
	DIAG_WARNING,
	DIAG_ALERT              /* the configuration is refused */
};

struct diag_pos {
	const char *file;       /* NULL: not about a file; lives as long as all */
	int line;               /* from 1 */
	int col;                /* from 1; 0 unknown */
	int width;              /* characters to underline; 0: one */
};

struct diag {
	struct list node;
	enum diag_level level;
	struct diag_pos pos;
	char *text;             /* one sentence, no full stop */
	char *source;           /* the line it is about, or NULL */
	char *hint;             /* or NULL */
};

struct diags {
	struct list all;        /* struct diag, oldest first */
	int n[DIAG_ALERT + 1];
	/* called for each as it is added; may be NULL */
	void (*sink)(const struct diag *, void *arg);
	void *sink_arg;
};

void diags_init(struct diags *);
void diags_fini(struct diags *);

/*
 * diag_add - record one; `source` is copied (cut at 512 bytes).
 *
 * Returns it, so that a hint can follow. Never NULL.
 */
struct diag *diag_add(struct diags *, enum diag_level, struct diag_pos,
    struct span source, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
struct diag *diag_vadd(struct diags *, enum diag_level, struct diag_pos,
    struct span source, const char *fmt, va_list);

/* diag_hint - attach or replace the hint. */
void diag_hint(struct diag *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* diag_render - append the text form of one, with its line, caret and hint;
 * `pid` goes into the prefix. */
void diag_render(const struct diag *, int pid, struct text *out);
#endif

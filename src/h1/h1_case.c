/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_case - header names for peers that only know one spelling of them.
 *
 * Source: configuration manual 3.1 "h1-case-adjust", "h1-case-adjust-file",
 * 4.2 "option h1-case-adjust-bogus-client", "-server". Own replies and trailers
 * are spelled so too, as HAProxy 2.6 does it.
 */
#include "h1_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <http/http.h>
#include <px/px.h>

#define BUCKETS 64

struct spelling {
	struct spelling *next;          /* of the same bucket */
	struct span name;               /* as it is to be written */
};

struct case_cfg {
	struct spelling *bucket[BUCKETS];
	const char *file;               /* the last one that was named */
	struct diag_pos pos;            /* of that line */
};
static PX_SLOT(PX_OBJ_GLOBAL, struct case_cfg, h1_case_slot, NULL);

static unsigned
bucket_of(const char *p, size_t n)
{
	unsigned first = (unsigned char)span_lower(p[0]);
	unsigned last = (unsigned char)span_lower(p[n - 1]);

	return ((unsigned)(n * 31 + first * 7 + last) % BUCKETS);
}

static struct spelling *
spelling_of(const struct case_cfg *c, const char *p, size_t n)
{
	struct spelling *s = c->bucket[bucket_of(p, n)];

	while (s != NULL && !span_ieq(s->name, span_of(p, n)))
		s = s->next;
	return (s);
}

/* ---- on the way out ---- */

static void
spell(const struct case_cfg *c, char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	const struct spelling *s;

	if (colon == NULL || colon == line)
		return;
	s = spelling_of(c, line, (size_t)(colon - line));
	if (s != NULL)
		memcpy(line, s->name.p, s->name.n);
}

void
h1_case_fields(char *p, size_t n)
{
	const struct case_cfg *c = px_get(&px_model->global.slots,
	    &h1_case_slot);
	char *end = p + n, *lf;

	while (p < end && *p != '\r' && *p != '\n' &&
	    (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		spell(c, p, (size_t)(lf - p));
		p = lf + 1;
	}
}

void
h1_case_head(char *p, size_t n)
{
	char *lf = memchr(p, '\n', n);

	if (lf != NULL)
		h1_case_fields(lf + 1, n - (size_t)(lf + 1 - p));
}

/* ---- the lines ---- */

/* NULL: fine; else what is wrong with the pair. */
static const char *
fault_of(const struct case_cfg *c, struct span from, struct span to)
{
	if (!http_is_token(from) || !http_is_token(to))
		return ("expected two header names");
	for (size_t i = 0; i < from.n; i++)
		if (from.p[i] != span_lower(from.p[i]))
			return ("the first name must be in lower case");
	if (!span_ieq(from, to))
		return ("the names may only differ in their case");
	if (spelling_of(c, from.p, from.n) != NULL)
		return ("there is a spelling of this name already");
	return (NULL);
}

static void
add(struct case_cfg *c, struct span name)
{
	struct spelling *s = arena_zget(px_model->arena, sizeof *s);
	unsigned at = bucket_of(name.p, name.n);

	s->name = arena_span(px_model->arena, name);
	s->next = c->bucket[at];
	c->bucket[at] = s;
}

static struct case_cfg *
edit(void)
{
	return (px_edit(&px_model->global.slots, &h1_case_slot));
}

static bool
parse_adjust(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span from, to;
	const char *fault;

	(void)obj;
	if (!conf_want(l, "a header name in lower case", &from) ||
	    !conf_want(l, "the same name as it is to be written", &to))
		return (false);
	if ((fault = fault_of(edit(), from, to)) != NULL)
		return (conf_err(l, w, "'%s %s' : %s", from.p, to.p, fault));
	add(edit(), to);
	return (conf_end(l));
}

static bool
parse_file(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct case_cfg *c = edit();
	struct span name;

	(void)obj;
	if (!conf_want(l, "a file of header names", &name) || !conf_end(l))
		return (false);
	c->file = conf_path(l, name);
	c->pos = conf_pos(l, w);
	return (true);
}

/* A line with two names; false after recording what is wrong. */
static bool
read_pair(struct conf *conf, struct case_cfg *c, char *line, int no)
{
	static const char blanks[] = " \t\r\n";
	char *save = NULL, *from, *to, *more;
	const char *fault;

	from = strtok_r(line, blanks, &save);
	if (from == NULL || *from == '#')
		return (true);
	to = strtok_r(NULL, blanks, &save);
	more = strtok_r(NULL, blanks, &save);
	fault = to == NULL || more != NULL ? "expected two header names" :
	    fault_of(c, span_str(from), span_str(to));
	if (fault != NULL)
		return (conf_fail(conf, DIAG_ALERT, c->pos, "%s:%d : '%s' : %s",
		    c->file, no, from, fault));
	add(c, span_str(to));
	return (true);
}

/* When all lines were read: of several files the last one counts. */
static bool
read_file(struct conf *conf)
{
	const struct case_cfg *now = px_get(&px_model->global.slots,
	    &h1_case_slot);
	char *line = NULL;
	size_t size = 0;
	bool good = true;
	FILE *f;

	if (now->file == NULL)
		return (true);
	if ((f = fopen(now->file, "re")) == NULL)
		return (conf_fail(conf, DIAG_ALERT, now->pos, "failed to open "
		    "the file '%s' of 'h1-case-adjust-file': %s", now->file,
		    strerror(errno)));
	for (int no = 1; getline(&line, &size, f) > 0; no++)
		good &= read_pair(conf, edit(), line, no);
	free(line);
	fclose(f);
	return (good);
}

CONF_CHECK(h1_case_file, 20, read_file);

KEYWORD(h1_case_adjust) = {
	.name = "h1-case-adjust", .in = KW_GLOBAL, .args = "<from> <to>",
	.parse = parse_adjust,
	.doc = "Header names leave in lower case. This one is written as <to> "
	    "instead, where a proxy has `option h1-case-adjust-bogus-client` or "
	    "`-server`: for programs that take other spellings for other "
	    "headers, until they are mended.",
	.example = "h1-case-adjust content-length Content-Length",
};

KEYWORD(h1_case_adjust_file) = {
	.name = "h1-case-adjust-file", .in = KW_GLOBAL, .args = "<file>",
	.parse = parse_file,
	.doc = "As h1-case-adjust, for two names in each line of a file; lines "
	    "that are empty or begin with # are skipped. Of several files the "
	    "last one counts.",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_http - the request of a check, and what its response says. Pure.
 */
#include "chk_int.h"

#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <expr/regex.h>

static struct span
or_else(struct span s, struct span other)
{
	return (s.n > 0 ? s : other);
}

char *
chk_request(const struct chk_http_send *cfg, struct span state, size_t *n)
{
	struct span version = or_else(cfg->version, SPAN("HTTP/1.0"));
	struct text t;

	text_init(&t);
	text_add(&t, or_else(cfg->meth, SPAN("OPTIONS")));
	text_addc(&t, ' ');
	text_add(&t, or_else(cfg->uri, SPAN("/")));
	text_addc(&t, ' ');
	text_add(&t, version);
	text_addz(&t, "\r\n");
	text_add(&t, cfg->version_extra);
	text_add(&t, cfg->extra);
	text_add(&t, state);
	if (span_is(version, "HTTP/1.1"))
		text_addz(&t, "connection: close\r\n");
	if (cfg->body.n > 0)
		text_printf(&t, "content-length: %zu\r\n", cfg->body.n);
	text_addz(&t, "\r\n");
	text_add(&t, cfg->body);
	*n = t.n;
	return (t.p);
}

/* "HTTP/1.1 404 Not Found" */
static bool
parse_status_line(struct span line, unsigned *code, struct span *reason)
{
	const char *p = line.p;

	if (line.n > 0 && p[line.n - 1] == '\r')
		line.n--;
	if (line.n < 12 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' ||
	    p[8] != ' ')
		return (false);
	for (int i = 9; i < 12; i++)
		if (p[i] < '0' || p[i] > '9')
			return (false);
	if (line.n > 12 && p[12] != ' ')
		return (false);
	*code = (unsigned)((p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] -
	    '0');
	*reason = line.n > 13 ? span_of(p + 13, line.n - 13) : SPAN_NONE;
	return (true);
}

static bool
in_ranges(const struct chk_expect *x, unsigned code)
{
	for (unsigned i = 0; i < x->n_ranges; i++)
		if (code >= x->ranges[i].lo && code <= x->ranges[i].hi)
			return (true);
	return (false);
}

static bool
has_text(struct span body, struct span text)
{
	return (text.n == 0 ||
	    memmem(body.p, body.n, text.p, text.n) != NULL);
}

/* The body, once the head is there; p NULL before. */
static struct span
body_of(struct span in)
{
	const char *end = in.n == 0 ? NULL :
	    memmem(in.p, in.n, "\r\n\r\n", 4);

	if (end == NULL)
		return (SPAN_NONE);
	end += 4;
	return (span_of(end, in.n - (size_t)(end - in.p)));
}

static enum why
judge_body(const struct chk_expect *x, struct span in, bool eof,
    struct chk_verdict *v)
{
	struct span body = body_of(in);
	bool found;

	if (body.p == NULL && !eof)
		return (WHY_AGAIN);
	found = body.p != NULL && (x->match == CHK_MATCH_BODY ?
	    has_text(body, x->text) : smp_regex_has(x->regex, body));
	if (!found && !eof && in.n < CHK_IN_BYTES && x->min_recv != 0)
		return (WHY_AGAIN);
	v->status = found != x->negate ? x->ok : x->error;
	v->info = v->status == x->ok ? SPAN_NONE : found ?
	    SPAN("HTTP check matched unwanted content") :
	    SPAN("HTTP content check did not match");
	return (WHY_OK);
}

/* ---- headers ---- */

static bool
part_is(const struct chk_hdr_part *p, struct span s, bool icase)
{
	size_t n = p->text.n;
	struct span piece = s;

	switch ((enum chk_how)p->how) {
	case CHK_HOW_ANY:
		return (true);
	case CHK_HOW_REG:
		return (smp_regex_has(p->regex, s));
	case CHK_HOW_STR:
		break;
	case CHK_HOW_BEG:
		piece = span_of(s.p, s.n < n ? s.n : n);
		break;
	case CHK_HOW_END:
		piece = s.n < n ? s : span_of(s.p + s.n - n, n);
		break;
	case CHK_HOW_SUB:
		for (size_t i = 0; i + n <= s.n; i++) {
			piece = span_of(s.p + i, n);
			if (icase ? span_ieq(piece, p->text) :
			    span_eq(piece, p->text))
				return (true);
		}
		return (false);
	}
	return (icase ? span_ieq(piece, p->text) : span_eq(piece, p->text));
}

/* One of the values that commas separate, or all of it at once. */
static bool
value_is(const struct chk_hdr_expect *h, struct span value)
{
	struct span one;

	if (h->value.how == CHK_HOW_ANY || h->full)
		return (part_is(&h->value, value, false));
	while (span_cut(&value, ',', &one))
		if (part_is(&h->value, span_trim(one), false))
			return (true);
	return (false);
}

static bool
has_header(const struct chk_hdr_expect *h, struct span head)
{
	struct span line, name;

	(void)span_cut(&head, '\n', &line);             /* the status */
	while (span_cut(&head, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0 || span_find(line, ':') < 0)
			return (false);
		(void)span_cut(&line, ':', &name);
		if (part_is(&h->name, name, true) &&
		    value_is(h, span_trim(line)))
			return (true);
	}
	return (false);
}

static enum why
judge_header(const struct chk_expect *x, struct span in, bool eof,
    struct chk_verdict *v)
{
	bool found;

	if (body_of(in).p == NULL && !eof && in.n < CHK_IN_BYTES)
		return (WHY_AGAIN);
	found = has_header(x->hdr, in);
	v->status = found != x->negate ? x->ok : x->error;
	v->info = v->status == x->ok ? SPAN_NONE : found ?
	    SPAN("HTTP check matched an unwanted header") :
	    SPAN("HTTP check found no such header");
	return (WHY_OK);
}

/* The status of a response that is none is fixed. */
enum why
chk_http_judge(const struct chk_expect *x, struct span in, bool eof,
    struct chk_verdict *v)
{
	ptrdiff_t nl = span_find(in, '\n');
	struct span reason;
	bool good;

	if (nl < 0 && !eof && in.n < CHK_IN_BYTES)
		return (WHY_AGAIN);
	if (nl < 0 || !parse_status_line(span_of(in.p, (size_t)nl), &v->code,
	    &reason)) {
		v->status = CHK_L7RSP;
		v->code = 0;
		return (WHY_OK);
	}
	if (x->off_on_404 && v->code == 404) {
		v->status = CHK_L7OKC;
		v->info = SPAN_NONE;
		return (WHY_OK);
	}
	switch (x->match) {
	case CHK_MATCH_BODY:
	case CHK_MATCH_RBODY:
		return (judge_body(x, in, eof, v));
	case CHK_MATCH_HDR:
		return (judge_header(x, in, eof, v));
	case CHK_MATCH_STATUS:
		good = in_ranges(x, v->code) != x->negate;
		break;
	case CHK_MATCH_RSTATUS:
		good = smp_regex_has(x->regex, span_of(in.p + 9, 3)) !=
		    x->negate;
		break;
	default:
		good = v->code >= 200 && v->code < 400;
	}
	v->status = good ? x->ok : x->error;
	v->info = good ? SPAN_NONE : reason;
	return (WHY_OK);
}

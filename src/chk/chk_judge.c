/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_judge - does what came meet an expectation, and the words for it when
 * it does not. Pure.
 */
#include "chk_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/num.h>
#include <expr/regex.h>

/* rbinary looks at the bytes as hexadecimal digits. */
static bool
has_hex(const struct smp_regex *re, struct span in)
{
	static const char digits[] = "0123456789ABCDEF";
	char *hex = malloc(in.n * 2 + 1);
	bool found;

	if (hex == NULL)
		return (false);
	for (size_t i = 0; i < in.n; i++) {
		hex[2 * i] = digits[(uint8_t)in.p[i] >> 4];
		hex[2 * i + 1] = digits[(uint8_t)in.p[i] & 15];
	}
	found = smp_regex_has(re, span_of(hex, in.n * 2));
	free(hex);
	return (found);
}

static bool
is_found(const struct chk_expect *x, struct span in)
{
	switch (x->match) {
	case CHK_MATCH_RSTRING:
		return (smp_regex_has(x->regex, in));
	case CHK_MATCH_RBINARY:
		return (has_hex(x->regex, in));
	default:
		return (x->text.n == 0 || span_search(in, x->text) >= 0);
	}
}

/* An exact text needs no more bytes than it has. */
static bool
wants_more(const struct chk_expect *x, size_t n)
{
	size_t least = x->min_recv < 0 ? 0 : (size_t)x->min_recv;
	bool exact = x->match == CHK_MATCH_STRING ||
	    x->match == CHK_MATCH_BINARY;

	if (exact && (x->min_recv < 0 || x->text.n < least))
		least = x->text.n;
	return (n < least);
}

static enum why
judge_bytes(const struct chk_expect *x, struct span in, bool eof,
    struct chk_verdict *v, bool *met)
{
	bool last = eof || in.n >= CHK_IN_BYTES, found;

	if (!last && (in.n == 0 || wants_more(x, in.n)))
		return (WHY_AGAIN);
	found = in.n > 0 && is_found(x, in);
	if (!found && !last && x->min_recv < 0)
		return (WHY_AGAIN);
	*met = in.n > 0 && found != x->negate;
	v->status = *met ? x->ok : x->error;
	return (WHY_OK);
}

enum why
chk_judge(const struct chk_expect *x, struct span in, bool eof,
    struct chk_verdict *v, bool *met)
{
	enum why why;

	switch (x->match) {
	case CHK_MATCH_HTTP:
	case CHK_MATCH_STATUS:
	case CHK_MATCH_RSTATUS:
	case CHK_MATCH_BODY:
	case CHK_MATCH_RBODY:
	case CHK_MATCH_HDR:
		why = chk_http_judge(x, in, eof, v);
		break;
	case CHK_MATCH_PROTO:
		why = x->proto(in, eof, v);
		break;
	default:
		return (judge_bytes(x, in, eof, v, met));
	}
	*met = why == WHY_OK && (v->status == x->ok ||
	    v->status == CHK_L7OKC || v->status == CHK_L6OK);
	return (why);
}

/* ---- words ---- */

unsigned
chk_step_no(const struct chk_step *first, const struct chk_step *step)
{
	unsigned no = 1;

	for (; first != NULL && first != step; first = first->next)
		no++;
	return (no);
}

struct span
chk_step_comment(const struct chk_step *first, const struct chk_step *step)
{
	if (step->comment.n > 0)
		return (step->comment);
	for (; first != NULL && first != step; first = first->next)
		if (first->next == step && first->kind == CHK_COMMENT)
			return (first->comment);
	return (SPAN_NONE);
}

static const char *
match_text(const struct chk_expect *x, char *dst, size_t size)
{
	switch (x->match) {
	case CHK_MATCH_STRING:
		snprintf(dst, size, "content '%.*s'", SPAN_FMT(x->shown));
		break;
	case CHK_MATCH_RSTRING:
		snprintf(dst, size, "content (regex)");
		break;
	case CHK_MATCH_BINARY:
		snprintf(dst, size, "content (binary)");
		break;
	default:
		snprintf(dst, size, "content (binary regex)");
	}
	return (dst);
}

void
chk_why_text(const struct chk_step *first, const struct chk_step *step,
    struct span in, char dst[CHK_INFO_BYTES])
{
	const struct chk_expect *x = &step->expect;
	struct span comment = chk_step_comment(first, step);
	unsigned no = chk_step_no(first, step);
	char what[CHK_INFO_BYTES];
	int n;

	if (in.n == 0)
		n = snprintf(dst, CHK_INFO_BYTES,
		    "TCPCHK got an empty response at step %u", no);
	else
		n = snprintf(dst, CHK_INFO_BYTES, "TCPCHK %s %s at step %u",
		    x->negate ? "matched unwanted" : "did not match",
		    match_text(x, what, sizeof what), no);
	if (comment.n > 0 && n < CHK_INFO_BYTES)
		snprintf(dst + n, CHK_INFO_BYTES - (size_t)n,
		    " comment: %.*s", SPAN_FMT(comment));
}

void
chk_where_text(const struct chk_step *first, const struct chk_step *step,
    char *dst, size_t size)
{
	struct span comment;
	int n;

	if (step == NULL) {
		snprintf(dst, size, " at initial connection step of "
		    "tcp-check");
		return;
	}
	comment = chk_step_comment(first, step);
	n = snprintf(dst, size, " at step %u of tcp-check (%.*s)",
	    chk_step_no(first, step), SPAN_FMT(step->shown));
	if (comment.n > 0 && (size_t)n < size)
		snprintf(dst + n, size - (size_t)n, " comment: '%.*s'",
		    SPAN_FMT(comment));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_norm - normalize-uri: one kind of difference that means nothing is
 * taken out of the request target.
 *
 * Source: configuration manual 4.2, "http-request normalize-uri"; RFC 3986,
 * section 6.2.2.
 */
#include "rule_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

enum norm { FRAGMENT_ENCODE, FRAGMENT_STRIP, MERGE_SLASHES, STRIP_DOT,
	STRIP_DOTDOT, DECODE_UNRESERVED, TO_UPPERCASE, SORT_BY_NAME };

static const struct {
	const char *name;
	const char *option;             /* that it may have */
} norms[] = {
	[FRAGMENT_ENCODE] = { "fragment-encode", NULL },
	[FRAGMENT_STRIP] = { "fragment-strip", NULL },
	[MERGE_SLASHES] = { "path-merge-slashes", NULL },
	[STRIP_DOT] = { "path-strip-dot", NULL },
	[STRIP_DOTDOT] = { "path-strip-dotdot", "full" },
	[DECODE_UNRESERVED] = { "percent-decode-unreserved", "strict" },
	[TO_UPPERCASE] = { "percent-to-uppercase", "strict" },
	[SORT_BY_NAME] = { "query-sort-by-name", NULL },
};

struct norm_cfg {
	uint8_t kind;                   /* enum norm */
	bool option;
};

/* ---- texts: `out` has room for three bytes per byte of `in` ---- */

static size_t
encode_fragment(struct span in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '#') {
			memcpy(out + n, "%23", 3);
			n += 3;
		} else
			out[n++] = in.p[i];
	}
	return (n);
}

static size_t
merge_slashes(struct span in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != '/' || n == 0 || out[n - 1] != '/')
			out[n++] = in.p[i];
	return (n);
}

/* Where the last segment of "/a/b/" begins; `n` when there is none, or it is
 * a ".." that nothing could take away. */
static size_t
last_segment(const char *out, size_t n)
{
	size_t at;

	if (n <= 1)
		return (n);
	for (at = n - 1; at > 0 && out[at - 1] != '/'; at--)
		;
	return (span_is(span_of(out + at, n - 1 - at), "..") ? n : at);
}

/* "." segments go, or ".." with what is before them. */
static size_t
strip_dots(struct span in, char *out, bool two, bool full)
{
	struct span segment;
	size_t n = 0;

	if (in.n == 0 || *in.p != '/')
		return (SIZE_MAX);
	out[n++] = '/';
	in = span_skip(in, 1);
	while (in.n > 0) {
		ptrdiff_t slash = span_find(in, '/');
		size_t len = slash < 0 ? in.n : (size_t)slash;
		size_t at;

		segment = span_of(in.p, len);
		len += slash >= 0;
		in = span_skip(in, len);
		if (!two && span_is(segment, "."))
			continue;
		if (two && span_is(segment, "..")) {
			at = last_segment(out, n);
			if (at != n || full) {
				n = at;
				continue;
			}
		}
		memcpy(out + n, segment.p, len);
		n += len;
		/* one that stays is a folder also at the end */
		if (two && in.n == 0 && span_is(segment, "..") &&
		    out[n - 1] != '/')
			out[n++] = '/';
	}
	return (n);
}

static bool
is_unreserved(int c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~');
}

/* %XX of bytes that need none, or its letters; SIZE_MAX: `strict`, and one
 * is broken. */
static size_t
fix_percents(struct span in, char *out, bool decode, bool strict)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		int hi = i + 2 < in.n ? num_hexval(in.p[i + 1]) : -1;
		int lo = hi >= 0 ? num_hexval(in.p[i + 2]) : -1;

		if (in.p[i] == '%' && lo < 0 && strict)
			return (SIZE_MAX);
		if (in.p[i] != '%' || lo < 0 ||
		    (decode && !is_unreserved(hi << 4 | lo))) {
			out[n++] = in.p[i];
			continue;
		}
		if (decode)
			out[n++] = (char)(hi << 4 | lo);
		else {
			out[n++] = '%';
			out[n++] = "0123456789ABCDEF"[hi];
			out[n++] = "0123456789ABCDEF"[lo];
		}
		i += 2;
	}
	return (n);
}

static struct span
name_of(struct span parameter)
{
	ptrdiff_t eq = span_find(parameter, '=');

	if (eq >= 0)
		parameter.n = (size_t)eq;
	return (parameter);
}

static int
parameter_cmp(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int c = span_cmp(name_of(*x), name_of(*y));

	return (c != 0 ? c : x->p < y->p ? -1 : 1);     /* stable */
}

/* A '&' at the end ends the last parameter; it has none behind it. */
static size_t
sort_query(struct arena *a, struct span in, char *out)
{
	struct span rest, *v;
	size_t n = 1, k = 0;

	if (in.p[in.n - 1] == '&')
		in.n--;
	rest = in;
	for (size_t i = 0; i < in.n; i++)
		n += in.p[i] == '&';
	if ((v = arena_get(a, n * sizeof *v)) == NULL)
		return (SIZE_MAX);
	for (n = 0; span_cut(&rest, '&', &v[n]); n++)
		;
	qsort(v, n, sizeof *v, parameter_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i != 0)
			out[k++] = '&';
		if (v[i].n != 0)
			memcpy(out + k, v[i].p, v[i].n);
		k += v[i].n;
	}
	return (k);
}

/* ---- the action ---- */

static bool
parse_norm(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct norm_cfg *c = arena_zget(l->conf->arena, sizeof *c);
	const struct conf_word *w = conf_peek(l);
	struct span name;

	(void)px;
	(void)set;
	*priv = c;
	if (!px_model->global.expose_experimental) {
		conf_err(l, rule_word(l), "'normalize-uri' is experimental");
		conf_err_hint(l, "'expose-experimental-directives' in the "
		    "global section allows it");
		return (false);
	}
	if (!conf_want(l, "a normalizer", &name))
		return (false);
	while (c->kind < NELEM(norms) && !span_is(name, norms[c->kind].name))
		c->kind++;
	if (c->kind == NELEM(norms)) {
		conf_err(l, w, "unknown normalizer '%.*s'", SPAN_FMT(name));
		conf_err_hint(l, "there are: fragment-encode, fragment-strip, "
		    "path-merge-slashes, path-strip-dot, path-strip-dotdot, "
		    "percent-decode-unreserved, percent-to-uppercase, "
		    "query-sort-by-name");
		return (false);
	}
	if (norms[c->kind].option != NULL)
		c->option = conf_accept(l, norms[c->kind].option);
	return (true);
}

/* The part of the target that is changed becomes its new text; n SIZE_MAX: it
 * is refused. */
static size_t
normalize(const struct norm_cfg *c, struct arena *a, struct span in,
    char *out)
{
	ptrdiff_t at;

	switch (c->kind) {
	case FRAGMENT_ENCODE:
		return (encode_fragment(in, out));
	case FRAGMENT_STRIP:
		at = span_find(in, '#');
		memcpy(out, in.p, in.n);
		return (at < 0 ? in.n : (size_t)at);
	case MERGE_SLASHES:
		return (merge_slashes(in, out));
	case STRIP_DOT:
	case STRIP_DOTDOT:
		return (strip_dots(in, out, c->kind == STRIP_DOTDOT,
		    c->option));
	case DECODE_UNRESERVED:
	case TO_UPPERCASE:
		return (fix_percents(in, out, c->kind == DECODE_UNRESERVED,
		    c->option));
	default:
		return (sort_query(a, in, out));
	}
}

static enum rule_verdict
run_norm(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct norm_cfg *c = priv;
	bool path = c->kind == MERGE_SLASHES || c->kind == STRIP_DOT ||
	    c->kind == STRIP_DOTDOT;
	struct span before, in;
	struct http_uri u;
	char *out;
	size_t n;

	if (!rule_target_split(t, &before, &u))
		return (RULE_NEXT);
	in = path ? u.path : c->kind == SORT_BY_NAME ? u.query : u.path_query;
	if (in.n == 0 || (path && *in.p != '/'))
		return (RULE_NEXT);
	if ((out = arena_get(t->arena, 3 * in.n + 1)) == NULL)
		return (rule_failed(run));
	n = normalize(c, t->arena, in, out);
	if (n == SIZE_MAX) {
		run->status = 400;
		run->reply = NULL;
		return (RULE_DENY);
	}
	if (span_eq(in, span_of(out, n)))
		return (RULE_NEXT);
	if (path)
		rule_target_set(t, before, span_of(out, n), u.query);
	else if (c->kind == SORT_BY_NAME)
		rule_target_set(t, before, u.path, span_of(out, n));
	else
		rule_target_set(t, before, span_of(out, n), SPAN_NONE);
	return (RULE_NEXT);
}

ACTION(normalize_uri) = {
	.name = "normalize-uri", .sets = 1u << RULE_HTTP_REQ,
	.args = "{ fragment-encode | fragment-strip | path-merge-slashes | "
	    "path-strip-dot | path-strip-dotdot [full] | "
	    "percent-decode-unreserved [strict] | percent-to-uppercase "
	    "[strict] | query-sort-by-name }",
	.parse = parse_norm, .run = run_norm,
	.doc = "Takes one kind of difference out of the request target; with "
	    "'strict' a target whose percent signs are broken is answered by "
	    "400. Needs 'expose-experimental-directives'.",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_hdrs_bin - many headers at once, from a list in binary.
 *
 * Source: configuration manual 4.4; the format is that of req.hdrs_bin.
 */
#include "hdrs_bin.h"
#include "rule_int.h"

#include <base/must.h>

enum match { MATCH_STR, MATCH_BEG, MATCH_END, MATCH_SUB };

struct hdrs_act {
	const struct expr *expr;
	struct span prefix;             /* of the names that are added */
	uint8_t match;                  /* del: enum match */
};

static bool
parse_list(struct conf_line *l, enum rule_set set, void **priv)
{
	struct hdrs_act *a = arena_zget(l->conf->arena, sizeof *a);

	*priv = a;
	return (rule_want_expr(l, set, SMP_BIN, &a->expr));
}

static bool
parse_put(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct hdrs_act *a;
	const struct conf_word *w;

	(void)px;
	if (!parse_list(l, set, priv))
		return (false);
	if (!conf_accept(l, "prefix"))
		return (true);
	a = *priv;
	w = conf_peek(l);
	if (!conf_want(l, "a prefix of header names", &a->prefix))
		return (false);
	return (http_is_token(a->prefix) || conf_err(l, w, "'%.*s' cannot be "
	    "in a header name", SPAN_FMT(a->prefix)));
}

static bool
parse_del(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	static const char *const names[] = { "str", "beg", "end", "sub" };
	struct hdrs_act *a;
	const struct conf_word *w;
	struct span how;

	(void)px;
	if (!parse_list(l, set, priv))
		return (false);
	if (!conf_accept(l, "-m"))
		return (true);
	a = *priv;
	w = conf_peek(l);
	if (!conf_want(l, "a match method", &how))
		return (false);
	while (a->match < NELEM(names) && !span_is(how, names[a->match]))
		a->match++;
	return (a->match < NELEM(names) || conf_err(l, w, "expected 'str', "
	    "'beg', 'end' or 'sub', found '%.*s'", SPAN_FMT(how)));
}

static struct http_head *
head_of(struct txn *t)
{
	return (t->res != NULL ? t->res : t->req);
}

/* The list, in the stream's memory; nothing of one that is damaged. */
static struct span
list_of(const struct hdrs_act *a, struct txn *t)
{
	struct span list, rest, name, value;
	enum hdrs_bin got;
	struct smp s;

	if (!expr_eval(a->expr, t, &s) || !smp_cast(t, &s, SMP_BIN))
		return (SPAN_NONE);
	list = rest = arena_span(t->arena, s.str);
	if (list.p == NULL)
		return (SPAN_NONE);
	while ((got = hdrs_bin_next(&rest, &name, &value)) == HDRS_BIN_ONE)
		if (!http_is_token(name) || !http_is_field_value(value))
			return (SPAN_NONE);
	return (got == HDRS_BIN_END ? list : SPAN_NONE);
}

static struct span
with_prefix(const struct hdrs_act *a, struct txn *t, struct span name)
{
	char *p;

	if (a->prefix.n == 0)
		return (name);
	if ((p = arena_get(t->arena, a->prefix.n + name.n)) == NULL)
		return (SPAN_NONE);
	memcpy(p, a->prefix.p, a->prefix.n);
	memcpy(p + a->prefix.n, name.p, name.n);
	return (span_of(p, a->prefix.n + name.n));
}

static bool
name_matches(struct span have, struct span name, uint8_t match)
{
	if (have.n < name.n)
		return (false);
	switch (match) {
	case MATCH_BEG:
		return (span_ieq(span_of(have.p, name.n), name));
	case MATCH_END:
		return (span_ieq(span_skip(have, have.n - name.n), name));
	case MATCH_SUB:
		for (size_t i = 0; i + name.n <= have.n; i++)
			if (span_ieq(span_of(have.p + i, name.n), name))
				return (true);
		return (false);
	default:
		return (span_ieq(have, name));
	}
}

static void
remove_all(struct http_head *h, struct span name, uint8_t match)
{
	for (unsigned i = 0; i < h->n; i++)
		if (h->hdr[i].name != NULL && name_matches(
		    span_of(h->hdr[i].name, h->hdr[i].name_n), name, match))
			http_del_hdr(h, &h->hdr[i]);
}

static enum rule_verdict
add_all(const struct hdrs_act *a, struct txn *t, struct http_head *h,
    struct span list, struct rule_run *run)
{
	struct span name, value;

	while (hdrs_bin_next(&list, &name, &value) == HDRS_BIN_ONE) {
		name = with_prefix(a, t, name);
		if (name.p == NULL || !http_add(h, name, value))
			return (rule_failed(run));
	}
	return (RULE_NEXT);
}

static enum rule_verdict
run_add(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span list = list_of(priv, t);
	struct http_head *h = head_of(t);

	if (list.n == 0 || h == NULL)
		return (RULE_NEXT);
	txn_touch(t);
	return (add_all(priv, t, h, list, run));
}

/* A name that is in the list twice is there twice afterwards. */
static enum rule_verdict
run_set(const void *priv, struct txn *t, struct rule_run *run)
{
	struct span list = list_of(priv, t), rest = list, name, value;
	struct http_head *h = head_of(t);

	if (list.n == 0 || h == NULL)
		return (RULE_NEXT);
	while (hdrs_bin_next(&rest, &name, &value) == HDRS_BIN_ONE) {
		if ((name = with_prefix(priv, t, name)).p == NULL)
			return (rule_failed(run));
		remove_all(h, name, MATCH_STR);
	}
	txn_touch(t);
	return (add_all(priv, t, h, list, run));
}

static enum rule_verdict
run_del(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct hdrs_act *a = priv;
	struct span list = list_of(a, t), name, value;
	struct http_head *h = head_of(t);

	(void)run;
	if (list.n == 0 || h == NULL)
		return (RULE_NEXT);
	while (hdrs_bin_next(&list, &name, &value) == HDRS_BIN_ONE)
		remove_all(h, name, a->match);
	txn_touch(t);
	return (RULE_NEXT);
}

#define IN(set) (1u << RULE_##set)
#define HTTP_ALL (IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER))

ACTION(add_headers_bin) = {
	.name = "add-headers-bin", .sets = HTTP_ALL,
	.args = "<expr> [prefix <text>]",
	.parse = parse_put, .run = run_add,
	.doc = "Adds the headers of a list in binary, as req.hdrs_bin makes "
	    "them, with the prefix before their names. A list that is damaged, "
	    "or has a byte that no header may have, adds nothing.",
	.example = "http-response add-headers-bin res.hdrs_bin prefix x-",
};
ACTION(set_headers_bin) = {
	.name = "set-headers-bin", .sets = HTTP_ALL,
	.args = "<expr> [prefix <text>]",
	.parse = parse_put, .run = run_set,
	.doc = "As add-headers-bin, in place of the headers of those names.",
	.example = "http-request set-headers-bin var(sess.hdrs)",
};
ACTION(del_headers_bin) = {
	.name = "del-headers-bin", .sets = HTTP_ALL,
	.args = "<expr> [-m { str | beg | end | sub }]",
	.parse = parse_del, .run = run_del,
	.doc = "Removes the headers that a list in binary names, or whose names "
	    "begin with, end in or contain those; its values are not looked at.",
	.example = "http-request del-headers-bin var(txn.drop) -m beg",
};

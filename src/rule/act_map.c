/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_map - actions that change maps and pattern files: set-map, del-map,
 * add-acl, del-acl.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <expr/pat.h>

struct map_act {
	const struct pat_target *target;
	struct logfmt *key, *val;       /* val: of set-map */
};

/* "(file)" of the action's word. */
static bool
take_file(struct conf_line *l, bool map, struct map_act *m)
{
	const struct conf_word *w = rule_word(l);
	ptrdiff_t open = span_find(w->text, '(');
	struct conf_word at = *w;

	if (open < 0 || w->text.p[w->text.n - 1] != ')' ||
	    w->text.n - (size_t)open <= 2)
		return (conf_err(l, w, "expected a file name in parentheses, "
		    "'%.*s(file)', found '%.*s'", open < 0 ?
		    (int)w->text.n : (int)open, w->text.p,
		    SPAN_FMT(w->text)));
	at.text = arena_span(l->conf->arena, span_of(w->text.p + open + 1,
	    w->text.n - (size_t)open - 2));
	at.col += (int)open + 1;
	at.width = (int)at.text.n;
	m->target = pat_target(l, &at, at.text, map);
	return (true);
}

static bool
parse_key(struct conf_line *l, enum rule_set set, bool map, void **priv)
{
	struct map_act *m = arena_zget(l->conf->arena, sizeof *m);

	*priv = m;
	return (take_file(l, map, m) && rule_want_fmt(l, "a key", LOGFMT_NAME,
	    set, &m->key));
}

static bool
parse_acl(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (parse_key(l, set, false, priv));
}

static bool
parse_del_map(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	(void)px;
	return (parse_key(l, set, true, priv));
}

static bool
parse_set_map(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct logfmt *val;

	(void)px;
	if (!parse_key(l, set, true, priv) ||
	    !rule_want_fmt(l, "a value", LOGFMT_NAME, set, &val))
		return (false);
	((struct map_act *)*priv)->val = val;
	return (true);
}

static enum rule_verdict
run_put(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct map_act *m = priv;
	struct span key = rule_text(m->key, t);
	struct span val = m->val == NULL ? SPAN_NONE : rule_text(m->val, t);

	(void)run;
	if (key.p != NULL && pat_target_put(m->target, key, val))
		txn_touch(t);           /* what was looked up before */
	return (RULE_NEXT);
}

static enum rule_verdict
run_drop(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct map_act *m = priv;
	struct span key = rule_text(m->key, t);

	(void)run;
	if (key.p != NULL) {
		pat_target_drop(m->target, key);
		txn_touch(t);
	}
	return (RULE_NEXT);
}

/* ---- rows ---- */

#define IN(set) (1u << RULE_##set)
#define SETS (IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER))

ACTION(set_map) = {
	.name = "set-map", .sets = SETS, .parens = true,
	.args = "<key fmt> <value fmt>", .parse = parse_set_map,
	.run = run_put,
	.doc = "Gives a key of the map '(file)' a value, for all workers, until "
	    "the next reload.",
	.example = "http-request set-map(virt@seen) %[src] %[date]",
};
ACTION(del_map) = {
	.name = "del-map", .sets = SETS, .parens = true, .args = "<key fmt>",
	.parse = parse_del_map, .run = run_drop,
	.doc = "Removes a key from the map '(file)', for all workers, until "
	    "the next reload.",
	.example = "http-request del-map(virt@seen) %[src]",
};
ACTION(add_acl) = {
	.name = "add-acl", .sets = IN(HTTP_REQ) | IN(HTTP_RES), .parens = true, .args = "<key fmt>",
	.parse = parse_acl, .run = run_put,
	.doc = "Adds a pattern to the ACL '(file)' unless it has it, for all "
	    "workers, until the next reload.",
	.example = "http-request add-acl(virt@bad) %[src]",
};
ACTION(del_acl) = {
	.name = "del-acl", .sets = SETS, .parens = true, .args = "<key fmt>",
	.parse = parse_acl, .run = run_drop,
	.doc = "Removes a pattern from the ACL '(file)', for all workers, until "
	    "the next reload.",
	.example = "http-request del-acl(virt@bad) %[src]",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_track - actions on tracked keys: track-sc0…, sc-inc-gpc, sc-add-gpc,
 * sc-set-gpt and their forms for the first counters and the first tag.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <base/must.h>
#include <base/num.h>
#include <stk/stk.h>

#define IN(set) (1u << RULE_##set)
#define EVERYWHERE (IN(TCP_CONN) | IN(TCP_SESS) | IN(TCP_REQ) |              \
	IN(TCP_RES) | IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER))

#define INDEX_MAX 99

/* ---- track-sc ---- */

struct track {
	struct track *next;             /* all of them, until tables are known */
	const struct expr *key;
	const char *name;               /* of the table */
	struct stk_table *table;
	unsigned no;
	struct diag_pos pos;
};
static struct track *tracks;

static bool
check_counter(struct conf_line *l, const struct conf_word *w, uint64_t no)
{
	if (no < stk_counters())
		return (true);
	conf_err(l, w, "there is no counter %llu, the last one is %d",
	    (unsigned long long)no, (int)stk_counters() - 1);
	conf_err_hint(l, "'tune.stick-counters' in the global section says "
	    "how many there are");
	return (false);
}

static bool
parse_track(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	const struct conf_word *word = rule_word(l), *w = conf_peek(l);
	struct track *r = arena_zget(l->conf->arena, sizeof *r);
	struct span no = span_skip(word->text, sizeof "track-sc" - 1), key;
	struct span table = span_str(px->name);
	uint64_t n = 0;

	if (no.n != 0 && !num_u64(no, &n))
		return (conf_err(l, word, "expected a number after 'track-sc', "
		    "found '%.*s'", SPAN_FMT(no)));
	if (!check_counter(l, word, n) ||
	    !conf_want(l, "a sample expression as the key", &key))
		return (false);
	if ((r->key = expr_parse_words(l, w, key, rule_stages(set))) == NULL)
		return (false);
	if (conf_accept(l, "table") &&
	    !conf_want(l, "the name of a table", &table))
		return (false);
	if (table.p == NULL || table.n == 0)
		return (conf_err(l, word, "a defaults section has no table: "
		    "say 'table <name>'"));
	r->no = (unsigned)n;
	r->name = table.p;
	r->pos = conf_pos(l, word);
	r->next = tracks;
	tracks = r;
	*priv = r;
	return (true);
}

static bool
check_tracks(struct conf *c)
{
	bool ok = true;

	for (struct track *r = tracks; r != NULL; r = r->next) {
		r->table = stk_table_find(span_str(r->name));
		if (r->table == NULL)
			ok = conf_fail(c, DIAG_ALERT, r->pos, "unable to find "
			    "table '%s' referenced by track-sc%u", r->name,
			    r->no);
		else if (!smp_may_cast(expr_type(r->key),
		    stk_table_takes(r->table)))
			ok = conf_fail(c, DIAG_ALERT, r->pos, "keys of table "
			    "'%s' are of type %s, and the sample of track-sc%u "
			    "is of type %s", r->name,
			    smp_type_name(stk_table_takes(r->table)), r->no,
			    smp_type_name(expr_type(r->key)));
	}
	tracks = NULL;
	return (ok);
}
CONF_CHECK(tracks, 12, check_tracks);

static const struct expr *
tracked_key(const void *priv)
{
	return (((const struct track *)priv)->key);
}

static enum rule_verdict
run_track(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct track *r = priv;

	(void)run;
	stk_track(t, r->no, r->table, r->key);
	return (RULE_NEXT);
}

/* ---- counters and tags ---- */

struct gp {
	unsigned no;
	int idx;                /* -1, -2: the first ones, see stk_inc_gpc() */
	uint32_t value;
	const struct expr *expr;        /* instead of `value` */
};

/* "name(idx,no)", or "name(no)"; without anything counter 0. */
static bool
take_args(struct conf_line *l, bool with_index, struct gp *g)
{
	const struct conf_word *w = rule_word(l);
	ptrdiff_t open = span_find(w->text, '(');
	struct span args, one;
	uint64_t n;

	if (open < 0 && !with_index)
		return (true);
	args = span_skip(w->text, (size_t)(open < 0 ? 0 : open + 1));
	if (open < 0 || args.n == 0 || args.p[args.n - 1] != ')')
		return (conf_err(l, w, "expected '(%s<counter>)' at the end "
		    "of '%.*s'", with_index ? "<index>," : "",
		    SPAN_FMT(w->text)));
	args.n--;
	if (with_index) {
		if (!span_cut(&args, ',', &one) ||
		    !num_u64(span_trim(one), &n) || n > INDEX_MAX ||
		    args.p == NULL)
			return (conf_err(l, w, "expected an index from 0 to "
			    "%d and the number of a counter in '%.*s'",
			    INDEX_MAX, SPAN_FMT(w->text)));
		g->idx = (int)n;
	}
	if (!num_u64(span_trim(args), &n))
		return (conf_err(l, w, "expected the number of a counter in "
		    "'%.*s'", SPAN_FMT(w->text)));
	g->no = (unsigned)(n > UINT32_MAX ? UINT32_MAX : n);
	return (check_counter(l, w, n));
}

static struct gp *
new_gp(struct conf_line *l, int idx)
{
	struct gp *g = arena_zget(l->conf->arena, sizeof *g);

	g->idx = idx;
	g->value = 1;
	return (g);
}

static bool
take_value(struct conf_line *l, enum rule_set set, struct gp *g)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;
	uint64_t n;

	if (!conf_want(l, "a number or a sample expression", &s))
		return (false);
	if (s.n != 0 && s.p[0] >= '0' && s.p[0] <= '9') {
		if (!num_u64(s, &n) || n > UINT32_MAX)
			return (conf_err(l, w, "expected a number from 0 to "
			    "%u, found '%.*s'", UINT32_MAX, SPAN_FMT(s)));
		g->value = (uint32_t)n;
		return (true);
	}
	if ((g->expr = expr_parse_words(l, w, s, rule_stages(set))) == NULL)
		return (false);
	if (!smp_may_cast(expr_type(g->expr), SMP_INT))
		return (conf_err(l, w, "expected a number, this is of type %s",
		    smp_type_name(expr_type(g->expr))));
	return (true);
}

static bool
parse_inc(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	(void)set;
	*priv = new_gp(l, 0);
	return (take_args(l, true, *priv));
}

static bool
parse_inc0(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	(void)set;
	*priv = new_gp(l, -1);
	return (take_args(l, false, *priv));
}

static bool
parse_inc1(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	(void)set;
	*priv = new_gp(l, -2);
	return (take_args(l, false, *priv));
}

static bool
parse_add(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	*priv = new_gp(l, 0);
	return (take_args(l, true, *priv) && take_value(l, set, *priv));
}

static bool
parse_set0(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	*priv = new_gp(l, -1);
	return (take_args(l, false, *priv) && take_value(l, set, *priv));
}

/* What to add or set; false: the sample gave nothing. */
static bool
value_of(const struct gp *g, struct txn *t, uint32_t *v)
{
	struct smp s;

	*v = g->value;
	if (g->expr == NULL)
		return (true);
	if (!expr_eval(g->expr, t, &s) || !smp_cast(t, &s, SMP_INT))
		return (false);
	*v = (uint32_t)s.num;
	return (true);
}

static enum rule_verdict
run_add(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct gp *g = priv;
	uint32_t v;

	(void)run;
	if (value_of(g, t, &v))
		stk_inc_gpc(t, g->no, g->idx, v);
	return (RULE_NEXT);
}

static enum rule_verdict
run_set(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct gp *g = priv;
	uint32_t v;

	(void)run;
	if (value_of(g, t, &v))
		stk_set_gpt(t, g->no, g->idx, v);
	return (RULE_NEXT);
}

ACTION(track_sc) = {
	.name = "track-sc", .prefix = true,
	.sets = IN(TCP_CONN) | IN(TCP_SESS) | IN(TCP_REQ) | IN(HTTP_REQ) |
	    IN(HTTP_RES),
	.args = "<key> [table <table>]", .parse = parse_track,
	.run = run_track, .keeps = tracked_key, .counts = true,
	.doc = "From here on what happens is counted for <key> in the table, "
	    "that of the proxy unless one is named: for this request, or for "
	    "the connection in rules of layer 4. The number in the name says "
	    "which counter follows the key; one that follows another key goes "
	    "on with that.",
	.example = "http-request track-sc0 src table per_client",
};
ACTION(sc_inc_gpc) = {
	.name = "sc-inc-gpc", .parens = true, .sets = EVERYWHERE, .args = "",
	.parse = parse_inc, .run = run_add,
	.doc = "sc-inc-gpc(<index>,<counter>): one more in an element of the "
	    "`gpc` and `gpc_rate` that are stored with the tracked key.",
	.example = "http-request sc-inc-gpc(2,0) if { path_beg /login }",
};
ACTION(sc_inc_gpc0) = {
	.name = "sc-inc-gpc0", .parens = true, .sets = EVERYWHERE, .args = "",
	.parse = parse_inc0, .run = run_add,
	.doc = "sc-inc-gpc0(<counter>): one more in `gpc0` and `gpc0_rate`.",
	.example = "http-request sc-inc-gpc0(0) if { path_beg /login }",
};
ACTION(sc_inc_gpc1) = {
	.name = "sc-inc-gpc1", .parens = true, .sets = EVERYWHERE, .args = "",
	.parse = parse_inc1, .run = run_add,
	.doc = "sc-inc-gpc1(<counter>): one more in `gpc1` and `gpc1_rate`.",
	.example = "http-request sc-inc-gpc1(0) if { path_beg /search }",
};
ACTION(sc_add_gpc) = {
	.name = "sc-add-gpc", .parens = true, .sets = EVERYWHERE,
	.args = "{ <number> | <sample> }", .parse = parse_add,
	.run = run_add,
	.doc = "sc-add-gpc(<index>,<counter>): adds to an element of the `gpc` "
	    "and `gpc_rate` that are stored with the tracked key.",
	.example = "http-request sc-add-gpc(0,0) 10 if { method POST }",
};
ACTION(sc_set_gpt) = {
	.name = "sc-set-gpt", .parens = true, .sets = EVERYWHERE,
	.args = "{ <number> | <sample> }", .parse = parse_add,
	.run = run_set,
	.doc = "sc-set-gpt(<index>,<counter>): sets an element of the `gpt` "
	    "that is stored with the tracked key.",
	.example = "http-request sc-set-gpt(0,0) 1 if { path /trap }",
};
ACTION(sc_set_gpt0) = {
	.name = "sc-set-gpt0", .parens = true, .sets = EVERYWHERE,
	.args = "{ <number> | <sample> }", .parse = parse_set0,
	.run = run_set,
	.doc = "sc-set-gpt0(<counter>): sets the tag `gpt0` of the tracked "
	    "key.",
	.example = "http-request sc-set-gpt0(0) 1 if { path /trap }",
};

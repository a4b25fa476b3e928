/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render_canary - who gets to the canary: rules at the door, a few for each
 * class of canaries that are chosen by the same header, cookie and weight. So
 * what a request costs depends on how many ways there are to choose, not on how
 * many canaries.
 */
#include "ing_render_int.h"

#include <inttypes.h>
#include <stdio.h>

#include <base/must.h>

struct ing_canary_class {
	const struct ing_opts *o;
	const char *stick;              /* cookie that says where a client
	                                 * was; or NULL */
	char id[16];
	struct ing_canary_class *next;
};

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

static bool
is_same(const struct ing_opts *a, const struct ing_opts *b)
{
	return (a->canary_weight == b->canary_weight &&
	    a->canary_weight_total == b->canary_weight_total &&
	    same_text(a->canary_header, b->canary_header) &&
	    same_text(a->canary_header_value, b->canary_header_value) &&
	    same_text(a->canary_header_pattern, b->canary_header_pattern) &&
	    same_text(a->canary_cookie, b->canary_cookie));
}

/* Each server of a backend that shares a cookie with another. */
static void
put_keys(struct ing_rendering *r, struct ing_plan_be *be)
{
	struct span key = span_str(be->id);
	char z[ING_KEY_BYTES];
	struct text t;

	if (ing_index_get(&r->sticky_seen, key) != NULL)
		return;
	ing_index_put(&r->sticky_seen, key, r);
	be->in_maps = true;
	text_init(&t);
	for (uint32_t i = 0; i < be->n_servers; i++) {
		text_clear(&t);
		text_printf(&t, "%s/", be->id);
		text_add(&t, ing_server_key(&be->servers[i], z));
		MUST(ing_map_write(&r->sticky, text_span(&t), SPAN("1")));
	}
	text_fini(&t);
}

const char *
ing_render_class(struct ing_rendering *r, const struct ing_loc *loc)
{
	const struct ing_opts *o = loc->canary_opts, *main = loc->be->opts;
	const char *stick = main->affinity && !o->canary_legacy ?
	    main->cookie_name : NULL;
	struct ing_canary_class *c, **at = &r->classes;

	if (stick != NULL) {
		put_keys(r, loc->be);
		put_keys(r, loc->canary_be);
	}
	for (; (c = *at) != NULL; at = &c->next)
		if (same_text(c->stick, stick) && is_same(c->o, o))
			return (c->id);
	c = arena_zget(&r->plan->mem, sizeof *c);
	c->o = o;
	c->stick = stick;
	snprintf(c->id, sizeof c->id, "c%u", ++r->n_classes);
	*at = c;
	return (c->id);
}

/* "http-request set-var(txn.side) str(SIDE) if { of this class }". */
#define begin(r, c, side)  begin_rule((r), (c), "http-request " \
	"set-var(txn.side) str(" side ") if { var(txn.class) -m str")

static void
begin_rule(struct ing_rendering *r, const struct ing_canary_class *class,
    const char *words)
{
	ing_cfg_line(&r->cfg, words);
	ing_cfg_pattern(&r->cfg, span_str(class->id));
	ing_keys(&r->cfg, "} !{ var(txn.side) -m found }");
}

/* "{ FETCH(NAME) -m str VALUE }" */
static void
put_test(struct ing_cfg *c, const char *fetch, const char *name,
    const char *method, const char *value)
{
	ing_keys(c, "{");
	ing_cfg_fmt_begin(c);
	ing_cfg_fmt_expr(c, fetch);
	ing_cfg_fmt_name(c, span_str(name));
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
	ing_keys(c, "-m");
	ing_cfg_keys(c, method);
	ing_cfg_pattern(c, span_str(value));
	ing_keys(c, "}");
}

/* Where it was before, by the cookie of one of the servers there. */
static void
by_server(struct ing_rendering *r, const struct ing_canary_class *k)
{
	struct ing_cfg *c = &r->cfg;

	ing_line(c, "http-request set-var(txn.stick)");
	ing_cfg_fmt_begin(c);
	ing_fmt(c, "req.cook(");
	ing_cfg_fmt_name(c, span_str(k->stick));
	ing_fmt(c, ")");
	ing_cfg_fmt_end(c);
	ing_keys(c, "if { var(txn.class) -m str");
	ing_cfg_pattern(c, span_str(k->id));
	ing_keys(c, "}");
	begin(r, k, "main");
	ing_keys(c, "{ var(txn.stick) -m found } { var(txn.route),field(1,/),"
	    "concat(/,txn.stick),map_str(maps/sticky.map) -m found }");
	begin(r, k, "canary");
	ing_keys(c, "{ var(txn.stick) -m found } { var(txn.route),field(4,/),"
	    "concat(/,txn.stick),map_str(maps/sticky.map) -m found }");
}

static void
by_word(struct ing_rendering *r, const struct ing_canary_class *c,
    const char *fetch, const char *name)
{
	begin(r, c, "canary");
	put_test(&r->cfg, fetch, name, "str", "always");
	begin(r, c, "main");
	put_test(&r->cfg, fetch, name, "str", "never");
}

static void
by_header(struct ing_rendering *r, const struct ing_canary_class *c)
{
	const struct ing_opts *o = c->o;

	if (o->canary_header == NULL)
		return;
	if (o->canary_header_value != NULL) {
		begin(r, c, "canary");
		put_test(&r->cfg, "req.fhdr(", o->canary_header, "str",
		    o->canary_header_value);
	} else if (o->canary_header_pattern != NULL) {
		begin(r, c, "canary");
		put_test(&r->cfg, "req.fhdr(", o->canary_header, "reg",
		    o->canary_header_pattern);
	} else {
		by_word(r, c, "req.fhdr(", o->canary_header);
	}
}

static void
by_weight(struct ing_rendering *r, const struct ing_canary_class *c)
{
	const struct ing_opts *o = c->o;
	int64_t total = o->canary_weight_total < 100 ? 100 :
	    o->canary_weight_total;

	if (o->canary_weight <= 0)
		return;
	begin(r, c, "canary");
	ing_keys(&r->cfg, "{");
	ing_cfg_fmt_begin(&r->cfg);
	ing_fmt(&r->cfg, "rand(");
	ing_cfg_fmt_num(&r->cfg, total);
	ing_fmt(&r->cfg, ")");
	ing_cfg_fmt_end(&r->cfg);
	ing_keys(&r->cfg, "lt");
	ing_cfg_num(&r->cfg, o->canary_weight);
	ing_keys(&r->cfg, "}");
}

void
ing_render_canaries(struct ing_rendering *r)
{
	struct ing_cfg *c = &r->cfg;

	if (r->sticky_seen.n > 0)
		ing_files_add(r->files, "maps/sticky.map")->body = r->sticky;
	ing_index_fini(&r->sticky_seen);
	if (r->classes == NULL)
		return;
	ing_line(c, "http-request set-var(txn.class) "
	    "var(txn.route),field(3,/)");
	for (struct ing_canary_class *k = r->classes; k != NULL;
	    k = k->next) {
		if (k->stick != NULL)
			by_server(r, k);
		by_header(r, k);
		if (k->o->canary_cookie != NULL)
			by_word(r, k, "req.cook(", k->o->canary_cookie);
		by_weight(r, k);
	}
	ing_line(c, "http-request set-var(txn.pol) var(txn.route),field(5,/) "
	    "if { var(txn.side) -m str canary }");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_kw - the balance line.
 */
#include <lb/lb.h>

#include <base/must.h>
#include <conf/kw.h>

extern const struct lb_algo *const __start_kw_balance[];
extern const struct lb_algo *const __stop_kw_balance[];

PX_SLOT_DECLARE(srv_balance_slot);

#define NAMES_MAX 32

/* Algorithms of the language that have no row here yet. */
static const char *const later[] = {
	"static-rr", "first", "source", "uri", "url_param", "hdr", "hash",
	"log-hash", "log-sticky", "random", "rdp-cookie", "sticky",
};

const struct lb_algo *
lb_of(const struct px *px)
{
	const struct srv_balance *b = px_get(&px->slots, &srv_balance_slot);

	return (b->algo != NULL ? b->algo : srv_algo_find("roundrobin"));
}

static bool
refuse(struct conf_line *l, const struct conf_word *w)
{
	const char *names[NAMES_MAX], *near;
	size_t n = 0, bare = 0;

	while (bare < w->text.n && w->text.p[bare] != '(')
		bare++;
	for (size_t i = 0; i < NELEM(later); i++)
		if (span_is(span_of(w->text.p, bare), later[i]))
			return (conf_err(l, w, "'balance %s' is not supported "
			    "yet", later[i]));
	conf_err(l, w, "unknown algorithm '%s' after 'balance'", w->text.p);
	for (const struct lb_algo *const *a = __start_kw_balance;
	    a < __stop_kw_balance && n < NAMES_MAX; a++)
		names[n++] = (*a)->name;
	if ((near = kw_nearest(w->text, names, n)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	else
		conf_err_hint(l, "there are 'roundrobin' and 'leastconn'");
	return (false);
}

static bool
parse_balance(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = conf_peek(l);
	const struct lb_algo *algo;
	struct srv_balance *b;
	struct span name;

	if (!conf_want(l, "an algorithm, as 'roundrobin' or 'leastconn'",
	    &name))
		return (false);
	if ((algo = srv_algo_find(name.p)) == NULL)
		return (refuse(l, w));
	b = px_edit(&px->slots, &srv_balance_slot);
	b->algo = algo;
	return (algo->parse != NULL ? algo->parse(l, px) : conf_end(l));
}

KEYWORD(balance) = {
	.name = "balance", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "<algorithm> [<argument>...]", .parse = parse_balance,
	.doc = "How servers are chosen: `roundrobin`, each in turn by weight "
	    "(the default), or `leastconn`, the one with the fewest streams "
	    "for its weight. All workers take turns together.",
	.example = "balance leastconn",
};

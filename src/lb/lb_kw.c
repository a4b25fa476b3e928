/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_kw - the balance line.
 */
#include "lb_int.h"

#include <string.h>

#include <base/must.h>
#include <conf/kw.h>

extern const struct lb_algo *const __start_kw_balance[];
extern const struct lb_algo *const __stop_kw_balance[];

PX_SLOT_DECLARE(srv_balance_slot);

#define NAMES_MAX 32

/* Algorithms of the language that have no row here yet. */
static const char *const later[] = { "log-hash", "log-sticky", "sticky" };

const struct lb_algo *
lb_of(const struct px *px)
{
	const struct srv_balance *b = px_get(&px->slots, &srv_balance_slot);

	return (b->algo != NULL ? b->algo : srv_algo_find("roundrobin"));
}

/* "uri" of "uri", "hdr" of "hdr(host)". */
static struct span
bare_name(struct span word)
{
	ptrdiff_t at = span_find(word, '(');

	return (at < 0 ? word : span_of(word.p, (size_t)at));
}

bool
lb_arg(struct conf_line *l, struct span *out)
{
	const struct conf_word *w = &l->word[l->at - 1];
	size_t n = bare_name(w->text).n;

	*out = SPAN_NONE;
	if (n == w->text.n)
		return (true);
	if (w->text.p[w->text.n - 1] != ')')
		return (conf_err(l, w, "expected ')' at the end of '%s'",
		    w->text.p));
	*out = arena_span(l->conf->arena, span_of(w->text.p + n + 1,
	    w->text.n - n - 2));
	return (true);
}

static bool
refuse(struct conf_line *l, const struct conf_word *w, struct span name)
{
	const char *names[NAMES_MAX], *near;
	size_t n = 0;

	for (size_t i = 0; i < NELEM(later); i++)
		if (span_is(name, later[i]))
			return (conf_err(l, w, "'balance %s' is not supported "
			    "yet", later[i]));
	conf_err(l, w, "unknown algorithm '%s' after 'balance'", w->text.p);
	for (const struct lb_algo *const *a = __start_kw_balance;
	    a < __stop_kw_balance && n < NAMES_MAX; a++)
		names[n++] = (*a)->name;
	if ((near = kw_nearest(name, names, n)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	else
		conf_err_hint(l, "there are roundrobin, static-rr, leastconn, "
		    "first, source, uri, url_param, hdr, hash, random and "
		    "rdp-cookie");
	return (false);
}

static const struct lb_algo *
find(struct span name)
{
	for (const struct lb_algo *const *a = __start_kw_balance;
	    a < __stop_kw_balance; a++)
		if (span_is(name, (*a)->name))
			return (*a);
	return (NULL);
}

static bool
parse_balance(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = conf_peek(l);
	const struct lb_algo *algo;
	struct srv_balance *b;
	struct span word, name;

	if (!conf_want(l, "an algorithm, as 'roundrobin' or 'leastconn'",
	    &word))
		return (false);
	name = bare_name(word);
	if ((algo = find(name)) == NULL)
		return (refuse(l, w, name));
	if (name.n != word.n && strchr(algo->args, '(') == NULL)
		return (conf_err(l, w, "'balance %s' has no argument in "
		    "parentheses", algo->name));
	b = px_edit(&px->slots, &srv_balance_slot);
	b->algo = algo;
	return (algo->parse != NULL ? algo->parse(l, px) : conf_end(l));
}

KEYWORD(balance) = {
	.name = "balance", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "<algorithm> [<argument>...]", .parse = parse_balance,
	.doc = "How servers are chosen. In turns: `roundrobin` (the default), "
	    "`static-rr`. By load: `leastconn`, `first`, `random[(<draws>)]`. "
	    "By a key, so that it always leads to the same server: `source`, "
	    "`uri [len <n>] [depth <n>] [whole] [path-only]`, `url_param <name> [check_post]`, "
	    "`hdr(<name>) [use_domain_only]`, `rdp-cookie"
	    "[(<name>)]`, `hash <expression>`; see `hash-type`. All workers take "
	    "turns together.",
	.example = "balance leastconn",
};

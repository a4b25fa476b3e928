/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan_names - other names of hosts: those that serve the same, and those
 * that lead there.
 *
 * A name that a rule has is that rule's; of aliases the oldest Ingress keeps
 * what two of them claim.
 * Source: annotations.tsv, server-alias and from-to-www-redirect.
 */
#include "ing_plan_int.h"

static void
refuse(struct ing_planning *p, const struct ing_taken *t, const char *name,
    const char *host, const char *why)
{
	ing_plan_problem(p->plan, &t->ing->o, "ServerAlias", true,
	    "'%s' is not an alias of host '%s': %s", name, host, why);
}

static void
add_alias(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h, const char *name)
{
	struct span key = span_str(name);
	const struct ing_plan_host *has = ing_index_get(&p->names, key);

	if (has == h)
		return;
	if (ing_index_get(&p->hosts, key) != NULL) {
		refuse(p, t, name, h->name, "a rule has that host");
		return;
	}
	if (has != NULL) {
		refuse(p, t, name, h->name, "an older Ingress has it");
		return;
	}
	ing_index_put(&p->names, key, h);
	h->aliases = ing_plan_vec(p->mem, h->aliases, h->n_aliases,
	    sizeof *h->aliases);
	h->aliases[h->n_aliases++] = name;
}

static void
add_aliases(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h)
{
	const struct ing_strs *all = &t->opts->aliases;

	if (all->n == 0 || strcmp(h->name, "_") == 0)
		return;
	if (h->alias_by != NULL && h->alias_by != t->ing) {
		refuse(p, t, all->v[0], h->name, "an older Ingress has set "
		    "its aliases");
		return;
	}
	h->alias_by = t->ing;
	for (uint32_t i = 0; i < all->n; i++)
		add_alias(p, t, h, all->v[i]);
}

/* "www.X" leads to X, or X to "www.X", unless it is somebody's. */
static void
add_www(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h)
{
	const char *name;

	if (!t->opts->www || h->www != NULL || h->name[0] == '*' ||
	    strcmp(h->name, "_") == 0)
		return;
	name = strncmp(h->name, "www.", 4) == 0 ? h->name + 4 :
	    arena_printf(p->mem, "www.%s", h->name);
	if (ing_index_get(&p->hosts, span_str(name)) != NULL ||
	    ing_index_get(&p->names, span_str(name)) != NULL)
		return;
	ing_index_put(&p->names, span_str(name), h);
	h->www = name;
}

static void
each_host(struct ing_planning *p, void (*add)(struct ing_planning *,
    const struct ing_taken *, struct ing_plan_host *))
{
	for (uint32_t i = 0; i < p->n_taken; i++) {
		const struct ing_taken *t = &p->taken[i];

		if (t->opts->canary)
			continue;
		ING_EACH(struct ing_rule, rule, t->ing->rules)
			add(p, t, ing_index_get(&p->hosts, span_str(
			    rule->host == NULL ? "_" : rule->host)));
	}
}

/* The first that says something other than the ConfigMap. */
static void
set_ciphers(struct ing_planning *p, const struct ing_taken *t,
    struct ing_plan_host *h)
{
	const char *usual = p->plan->defaults.tls_ciphers;

	if (h->ciphers == NULL && t->opts->tls_ciphers != NULL &&
	    t->opts->tls_ciphers != usual)
		h->ciphers = t->opts->tls_ciphers;
	h->client_order |= !t->opts->tls_server_order;
}

void
ing_plan_names(struct ing_planning *p)
{
	each_host(p, add_aliases);
	each_host(p, add_www);
	each_host(p, set_ciphers);
}

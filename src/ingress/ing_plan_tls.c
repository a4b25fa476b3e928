/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan_tls - which certificate a host shows.
 *
 * The oldest Ingress with a tls entry for the host decides. Without a Secret
 * that is good the host has the default certificate, and still counts as one
 * with TLS: its requests are redirected while the certificate is being made.
 * Source: controller.md 8.
 */
#include "ing_plan_int.h"

static const struct ing_data *
find_secret(struct ing_planning *p, const struct ing_ingress *ing,
    const struct ing_tls *tls, const char *host)
{
	const struct ing_data *s;

	if (tls->secret == NULL)
		return (NULL);
	s = (const struct ing_data *)ing_store_find(p->store, ING_SECRET,
	    ing->o.ns, tls->secret);
	if (s == NULL)
		ing_plan_problem(p->plan, &ing->o, "SecretNotFound", false,
		    "there is no Secret '%s'; host '%s' has the default "
		    "certificate", tls->secret, host);
	return (s);
}

static const struct ing_tls *
find_tls(const struct ing_ingress *ing, const char *host)
{
	ING_EACH(struct ing_tls, tls, ing->tls) {
		const char *const *h = tls->hosts.v;

		for (uint32_t i = 0; i < tls->hosts.n; i++)
			if (strcmp(h[i], host) == 0)
				return (tls);
	}
	return (NULL);
}

void
ing_plan_tls(struct ing_planning *p)
{
	for (uint32_t i = 0; i < p->n_taken; i++) {
		const struct ing_ingress *ing = p->taken[i].ing;

		ING_EACH(struct ing_rule, rule, ing->rules) {
			const char *name = rule->host == NULL ? "_" :
			    rule->host;
			struct ing_plan_host *h = ing_index_get(&p->hosts,
			    span_str(name));
			const struct ing_tls *tls = find_tls(ing, name);

			if (tls == NULL || h == NULL || h->has_tls)
				continue;
			h->has_tls = true;
			h->cert = find_secret(p, ing, tls, name);
		}
	}
}

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

#include <ingress/cert.h>

static const struct ing_data *
get_secret(struct ing_planning *p, const struct ing_ingress *ing,
    const struct ing_tls *tls)
{
	if (tls->secret == NULL)
		return (NULL);
	return ((const struct ing_data *)ing_store_find(p->store, ING_SECRET,
	    ing->o.ns, tls->secret));
}

/* The Secret of an entry when its certificate is good for the host. */
static const struct ing_data *
find_secret(struct ing_planning *p, const struct ing_ingress *ing,
    const struct ing_tls *tls, const char *host)
{
	const struct ing_data *s = get_secret(p, ing, tls);
	const struct ing_cert *c;

	if (tls->secret == NULL)
		return (NULL);
	if (s == NULL) {
		ing_plan_problem(p->plan, &ing->o, "SecretNotFound", false,
		    "there is no Secret '%s'; host '%s' has the default "
		    "certificate", tls->secret, host);
		return (NULL);
	}
	c = ing_cert_of(s);
	if (c->why != NULL)
		ing_plan_problem(p->plan, &ing->o, "InvalidCertificate",
		    false, "Secret '%s': %s; host '%s' has the default "
		    "certificate", tls->secret, c->why, host);
	else if (strcmp(host, "_") != 0 && !ing_cert_covers(c, host))
		ing_plan_problem(p->plan, &ing->o, "InvalidCertificate",
		    false, "Secret '%s': its certificate is not for host "
		    "'%s', which has the default certificate", tls->secret,
		    host);
	else
		return (s);
	return (NULL);
}

static const struct ing_tls *
find_tls(struct ing_planning *p, const struct ing_ingress *ing,
    const char *host)
{
	ING_EACH(struct ing_tls, tls, ing->tls) {
		const char *const *h = tls->hosts.v;

		for (uint32_t i = 0; i < tls->hosts.n; i++)
			if (strcmp(h[i], host) == 0)
				return (tls);
	}
	/* No entry lists it: one whose certificate is for it. */
	ING_EACH(struct ing_tls, other, ing->tls) {
		const struct ing_data *s = get_secret(p, ing, other);

		if (s != NULL && ing_cert_of(s)->why == NULL &&
		    ing_cert_covers(ing_cert_of(s), host))
			return (other);
	}
	return (NULL);
}

static void
check_default(struct ing_planning *p)
{
	const struct ing_data *s = p->plan->default_cert;

	if (s == NULL || ing_cert_of(s)->why == NULL)
		return;
	ing_plan_problem(p->plan, &s->o, "InvalidCertificate", false,
	    "--default-ssl-certificate: %s; a self-signed one is shown",
	    ing_cert_of(s)->why);
	p->plan->default_cert = NULL;
}

void
ing_plan_tls(struct ing_planning *p)
{
	check_default(p);
	for (uint32_t i = 0; i < p->n_taken; i++) {
		const struct ing_ingress *ing = p->taken[i].ing;

		if (p->taken[i].opts->canary)
			continue;
		ING_EACH(struct ing_rule, rule, ing->rules) {
			const char *name = rule->host == NULL ? "_" :
			    rule->host;
			struct ing_plan_host *h = ing_index_get(&p->hosts,
			    span_str(name));
			const struct ing_tls *tls = find_tls(p, ing, name);

			if (tls == NULL || h == NULL || h->has_tls)
				continue;
			h->has_tls = true;
			h->cert = find_secret(p, ing, tls, name);
		}
	}
}

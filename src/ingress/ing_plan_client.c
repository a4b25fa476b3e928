/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan_client - which hosts ask their clients for a certificate.
 *
 * TLS knows a host's name and no path, so one Ingress decides for all paths of
 * a host, also those of others: the oldest with auth-tls-secret. When it can't
 * be obeyed the host is closed.
 * Source: annotations.tsv, auth-tls-secret; controller.md 4, 5.
 */
#include "ing_plan_int.h"

static void
ask(struct ing_planning *p, struct ing_taken *t, struct ing_plan_host *h)
{
	struct ing_client *c;

	if (h->client != NULL) {
		if (h->client->by != t->ing)
			ing_plan_problem(p->plan, &t->ing->o,
			    "ClientAuthConflict", false, "auth-tls-secret: "
			    "Ingress %s/%s, which is older, decides for host "
			    "'%s'", h->client->by->o.ns,
			    h->client->by->o.name, h->name);
		return;
	}
	c = arena_zget(p->mem, sizeof *c);
	c->by = t->ing;
	c->opts = t->opts;
	c->closed = t->client_closed || t->opts->client_ca == NULL;
	h->client = c;
	if (c->closed)
		ing_plan_problem(p->plan, &t->ing->o, "ClientAuthClosed",
		    true, "host '%s' answers 403: its clients can't be asked "
		    "for certificates as auth-tls-* says", h->name);
}

void
ing_plan_clients(struct ing_planning *p)
{
	for (uint32_t i = 0; i < p->n_taken; i++) {
		struct ing_taken *t = &p->taken[i];

		if (t->opts->canary || (t->opts->client_secret == NULL &&
		    !t->client_closed))
			continue;
		ING_EACH(struct ing_rule, rule, t->ing->rules) {
			struct ing_plan_host *h = ing_index_get(&p->hosts,
			    span_str(rule->host == NULL ? "_" : rule->host));

			if (h != NULL)
				ask(p, t, h);
		}
	}
}

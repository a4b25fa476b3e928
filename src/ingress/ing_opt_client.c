/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_client - certificates of clients: who is asked for one, by which
 * authorities, and what servers are told of it.
 *
 * All of it is for a whole host, by the oldest Ingress that has auth-tls-secret
 * (ing_plan_client.c). It fails closed: a Secret without authorities closes the
 * host, where ingress-nginx opens it.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <base/num.h>
#include <ingress/cert.h>

static bool
parse_verify(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "on", "off", "optional",
	    "optional_no_ca", NULL };

	return (ing_parse_enum(p, v, field, words,
	    "on, off, optional or optional_no_ca"));
}

/* 0 is 1, as there. */
static bool
parse_depth(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n > 100)
		return (ing_parse_bad(p, v, "a number from 1 to 100"));
	*(int64_t *)field = n == 0 ? 1 : (int64_t)n;
	return (true);
}

static bool
parse_cn(struct ing_parse *p, struct span v, void *field)
{
	if (!span_begins(v, SPAN("CN=")))
		return (ing_parse_bad(p, v, "CN= and a regular expression"));
	return (ing_parse_regex(p, v, field));
}

bool
ing_opt_client_finish(struct ing_parse *p, struct ing_opts *o)
{
	const struct ing_data *s;
	const struct ing_ca *ca;

	if (o->client_secret == NULL)
		return (true);
	s = ing_opt_secret(p, o->client_secret);
	if (s == NULL)
		return (false);
	ca = ing_ca_of(s);
	if (ca->why != NULL) {
		snprintf(p->why, sizeof p->why, "Secret '%.80s': %s",
		    s->o.name, ca->why);
		return (false);
	}
	o->client_ca = s;
	return (true);
}

#define AT .at = ING_AT_PLAN

const struct ing_opt ing_opt_client[] = {
	{ .key = "auth-tls-secret", .kind = ING_O_STR, OPT(client_secret), AT,
	  .parse = ing_parse_text,
	  .doc = "without ca.crt the host answers 403; so do plain requests "
	  "that are not sent to https" },
	{ .key = "auth-tls-verify-client", .kind = ING_O_INT,
	  OPT(client_verify), AT, .parse = parse_verify, .dflt = "on",
	  .doc = "" },
	{ .key = "auth-tls-verify-depth", .kind = ING_O_INT,
	  OPT(client_depth), AT, .parse = parse_depth, .dflt = "1",
	  .doc = "" },
	{ .key = "auth-tls-error-page", .kind = ING_O_STR, OPT(client_page),
	  AT, .parse = ing_parse_url, .doc = "",
	  .lacks = "paths and names of locations" },
	{ .key = "auth-tls-pass-certificate-to-upstream", .kind = ING_O_BOOL,
	  OPT(client_pass), AT, .parse = ing_parse_bool, .doc = "" },
	{ .key = "auth-tls-match-cn", .kind = ING_O_STR, OPT(client_cn), AT,
	  .parse = parse_cn, .doc = "" },
	{ .key = NULL }
};

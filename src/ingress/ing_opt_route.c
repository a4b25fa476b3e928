/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_route - what decides where a request goes: regex mode, rewriting,
 * redirects to HTTPS.
 */
#include "ing_opt_int.h"

#include <stdio.h>

/* The characters that ingress-nginx lets through; a target with others is not
 * used, as there. */
static bool
parse_rewrite(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("-._~/:$", c) != NULL)
			continue;
		snprintf(p->why, sizeof p->why, "expected a path of letters, "
		    "digits and -._~/:$ only, found '%c'", c);
		return (false);
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

const struct ing_opt ing_opt_route[] = {
	{ .key = "ssl-redirect", .configmap = "ssl-redirect",
	  .kind = ING_O_BOOL, OPT(ssl_redirect), .at = ING_AT_RULES,
	  .parse = ing_parse_bool, .dflt = "true", .doc = "" },
	{ .key = "use-regex", .kind = ING_O_BOOL, OPT(use_regex),
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .doc = "" },
	{ .key = "rewrite-target", .kind = ING_O_STR, OPT(rewrite_target),
	  .at = ING_AT_RULES, .parse = parse_rewrite, .doc = "" },
	{ .key = NULL }
};

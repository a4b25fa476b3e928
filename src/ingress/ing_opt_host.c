/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_host - what is for a whole host: other names for it, and its ciphers.
 */
#include "ing_opt_int.h"

static bool
is_host(struct span s)
{
	struct span label;

	if (span_begins(s, SPAN("*.")))
		s = span_skip(s, 2);
	if (s.n == 0 || s.n > 253)
		return (false);
	while (span_cut(&s, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return (false);
		for (size_t i = 0; i < label.n; i++) {
			char c = span_lower(label.p[i]);

			if (!((c >= 'a' && c <= 'z') || (c >= '0' &&
			    c <= '9') || c == '-'))
				return (false);
		}
	}
	return (true);
}

static bool
parse_names(struct ing_parse *p, struct span v, void *field)
{
	char *lower = arena_dup(p->mem, v);

	for (size_t i = 0; i < v.n; i++)
		lower[i] = span_lower(lower[i]);
	return (ing_parse_list(p, span_of(lower, v.n), field, is_host,
	    "host names, with commas between"));
}

const struct ing_opt ing_opt_host[] = {
	{ .key = "server-alias", .kind = ING_O_STRS, OPT(aliases),
	  .at = ING_AT_PLAN, .parse = parse_names, .doc = "",
	  .lacks = "regular expressions" },
	{ .key = "from-to-www-redirect", .kind = ING_O_BOOL, OPT(www),
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .doc = "" },
	{ .key = "ssl-ciphers", .configmap = "ssl-ciphers",
	  .kind = ING_O_STR, OPT(tls_ciphers), .at = ING_AT_PLAN,
	  .parse = ing_parse_ciphers, .doc = "" },
	{ .key = "ssl-prefer-server-ciphers", .kind = ING_O_BOOL,
	  OPT(tls_server_order), .at = ING_AT_PLAN, .parse = ing_parse_bool,
	  .dflt = "true", .doc = "" },
	{ .key = NULL }
};

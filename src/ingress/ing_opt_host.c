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

/* "~REGEX" as well, which is looked for in a name in lower case. */
static bool
is_alias(struct span s)
{
	char z[1100], why[200];

	if (s.p[0] != '~')
		return (is_host(s));
	return (s.n > 1 && span_copy(z, sizeof z, span_skip(s, 1)) &&
	    ing_regex_check(z, why));
}

static bool
parse_names(struct ing_parse *p, struct span v, void *field)
{
	struct ing_strs all;

	if (!ing_parse_list(p, v, &all, is_alias, "host names, or ~ and an "
	    "expression, with commas between"))
		return (false);
	for (uint32_t i = 0; i < all.n; i++)
		if (all.v[i][0] != '~')
			for (char *c = (char *)(uintptr_t)all.v[i];
			    *c != '\0'; c++)
				*c = span_lower(*c);
	*(struct ing_strs *)field = all;
	return (true);
}

/* Mozilla's intermediate list, which is the default of the ConfigMap. OpenSSL's
 * own has CBC and key exchange by RSA as well. */
#define CIPHERS                                                              \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"         \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"         \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"         \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"               \
	"DHE-RSA-CHACHA20-POLY1305"

const struct ing_opt ing_opt_host[] = {
	{ .key = "server-alias", .kind = ING_O_STRS, OPT(aliases),
	  .at = ING_AT_PLAN, .parse = parse_names, .doc = "" },
	{ .key = "from-to-www-redirect", .kind = ING_O_BOOL, OPT(www),
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .doc = "" },
	{ .key = "ssl-ciphers", .configmap = "ssl-ciphers",
	  .kind = ING_O_STR, OPT(tls_ciphers), .at = ING_AT_PLAN,
	  .parse = ing_parse_ciphers, .dflt = CIPHERS, .doc = "" },
	{ .key = "ssl-prefer-server-ciphers", .kind = ING_O_BOOL,
	  OPT(tls_server_order), .at = ING_AT_PLAN, .parse = ing_parse_bool,
	  .dflt = "true", .doc = "" },
	{ .key = NULL }
};

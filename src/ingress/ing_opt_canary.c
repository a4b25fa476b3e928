/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_canary - an Ingress as a second choice for the rules of another.
 *
 * Source: controller.md 7; what decides is in this order: where a client was
 * before (affinity), the header, the cookie, the weight.
 */
#include "ing_opt_int.h"

static bool
parse_behavior(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "sticky", "legacy", NULL };

	return (ing_parse_enum(p, v, field, words, "sticky or legacy"));
}

#define AT .at = ING_AT_PLAN

const struct ing_opt ing_opt_canary[] = {
	{ .key = "canary", .kind = ING_O_BOOL, OPT(canary), AT,
	  .parse = ing_parse_bool,
	  .doc = "must be in the namespace of the Ingress it stands beside" },
	{ .key = "canary-weight", .kind = ING_O_INT, OPT(canary_weight), AT,
	  .parse = ing_parse_count, .doc = "" },
	{ .key = "canary-weight-total", .kind = ING_O_INT,
	  OPT(canary_weight_total), AT, .parse = ing_parse_count, .dflt = "100",
	  .doc = "less than 100 is 100" },
	{ .key = "canary-by-header", .kind = ING_O_STR, OPT(canary_header),
	  AT, .parse = ing_parse_token, .doc = "" },
	{ .key = "canary-by-header-value", .kind = ING_O_STR,
	  OPT(canary_header_value), AT, .parse = ing_parse_text, .doc = "" },
	{ .key = "canary-by-header-pattern", .kind = ING_O_STR,
	  OPT(canary_header_pattern), AT, .parse = ing_parse_regex,
	  .doc = "" },
	{ .key = "canary-by-cookie", .kind = ING_O_STR, OPT(canary_cookie),
	  AT, .parse = ing_parse_token, .doc = "" },
	{ .key = "affinity-canary-behavior", .kind = ING_O_BOOL,
	  OPT(canary_legacy), AT, .parse = parse_behavior, .doc = "" },
	{ .key = NULL }
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_access - who may use a location.
 */
#include "ing_opt_int.h"

const struct ing_opt ing_opt_access[] = {
	{ .key = "allowlist-source-range",
	  .kind = ING_O_STRS, OPT(allow), .at = ING_AT_RULES,
	  .parse = ing_parse_cidrs, .doc = "" },
	{ .key = "whitelist-source-range",
	  .configmap = "whitelist-source-range", .kind = ING_O_STRS,
	  OPT(whitelist), .at = ING_AT_RULES, .parse = ing_parse_cidrs,
	  .doc = "" },
	{ .key = "denylist-source-range",
	  .configmap = "denylist-source-range", .kind = ING_O_STRS, OPT(deny),
	  .at = ING_AT_RULES, .parse = ing_parse_cidrs, .doc = "" },
	{ .key = NULL }
};

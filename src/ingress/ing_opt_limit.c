/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_limit - how often, and how many at a time, one address may come.
 */
#include "ing_opt_int.h"

#define AT .at = ING_AT_RULES
#define RATE_DOC "counted over a second and a minute: what is let through at "\
	"once, and in the long run, is that of the leaky bucket"

const struct ing_opt ing_opt_limit[] = {
	{ .key = "limit-rps", .kind = ING_O_INT, OPT(limit_rps), AT,
	  .parse = ing_parse_count, .doc = RATE_DOC },
	{ .key = "limit-rpm", .kind = ING_O_INT, OPT(limit_rpm), AT,
	  .parse = ing_parse_count,
	  .doc = "the same over a minute and ten" },
	{ .key = "limit-connections", .kind = ING_O_INT,
	  OPT(limit_connections), AT, .parse = ing_parse_count, .doc = "" },
	{ .key = "limit-burst-multiplier", .kind = ING_O_INT,
	  OPT(limit_burst), AT, .parse = ing_parse_count, .dflt = "5",
	  .doc = "" },
	{ .key = "limit-allowlist", .kind = ING_O_STRS, OPT(limit_allow), AT,
	  .parse = ing_parse_cidrs, .doc = "" },
	{ .key = "limit-whitelist", .kind = ING_O_STRS, OPT(limit_whitelist),
	  AT, .parse = ing_parse_cidrs, .doc = "" },
	{ .key = NULL }
};

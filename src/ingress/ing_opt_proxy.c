/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_proxy - how the proxy speaks to the servers of a location.
 */
#include "ing_opt_int.h"

const struct ing_opt ing_opt_proxy[] = {
	{ .key = "proxy-read-timeout", .configmap = "proxy-read-timeout",
	  .kind = ING_O_INT, OPT(read_timeout_s), .at = ING_AT_BACKEND,
	  .parse = ing_parse_seconds, .dflt = "60",
	  .doc = "also the idle time of WebSockets" },
	{ .key = NULL }
};

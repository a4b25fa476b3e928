/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_global - settings of the ConfigMap that are for the whole proxy.
 */
#include "ing_opt_int.h"

#include <arpa/inet.h>

static bool
is_address(struct span s)
{
	unsigned char bin[16];
	char z[64];

	return (span_copy(z, sizeof z, s) && (inet_pton(AF_INET, z, bin) == 1 ||
	    inet_pton(AF_INET6, z, bin) == 1));
}

static bool
parse_bind(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_address,
	    "addresses, with commas between"));
}

const struct ing_opt ing_opt_global[] = {
	{ .configmap = "bind-address", .kind = ING_O_STRS, OPT(bind_address),
	  .at = ING_AT_PLAN, .parse = parse_bind,
	  .doc = "without it all IPv4 addresses" },
	{ .key = NULL }
};

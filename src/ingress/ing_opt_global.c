/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_global - settings of the ConfigMap that are for the whole proxy.
 */
#include "ing_opt_int.h"

#include <arpa/inet.h>

#include <base/num.h>

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

static bool
is_prefix(struct span s)
{
	return (s.p[0] == '/');
}

static bool
parse_prefixes(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_prefix,
	    "paths, with commas between"));
}

static bool
parse_redirect(struct ing_parse *p, struct span v, void *field)
{
	static const int64_t codes[] = { 308, 301, 302, 307, 0 };

	return (ing_parse_code(p, v, field, codes));
}

static bool
parse_refusal(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n < 400 || n > 599)
		return (ing_parse_bad(p, v, "a status code from 400 to 599"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

const struct ing_opt ing_opt_global[] = {
	{ .configmap = "no-tls-redirect-locations", .kind = ING_O_STRS,
	  OPT(no_tls_redirect), .at = ING_AT_PLAN, .parse = parse_prefixes,
	  .dflt = "/.well-known/acme-challenge", .doc = "" },
	{ .configmap = "no-auth-locations", .kind = ING_O_STRS, OPT(no_auth),
	  .at = ING_AT_PLAN, .parse = parse_prefixes,
	  .dflt = "/.well-known/acme-challenge", .doc = "" },
	{ .configmap = "limit-req-status-code", .kind = ING_O_INT,
	  OPT(limit_req_code), .at = ING_AT_PLAN, .parse = parse_refusal,
	  .dflt = "503", .doc = "" },
	{ .configmap = "limit-conn-status-code", .kind = ING_O_INT,
	  OPT(limit_conn_code), .at = ING_AT_PLAN, .parse = parse_refusal,
	  .dflt = "503", .doc = "" },
	{ .configmap = "http-redirect-code", .kind = ING_O_INT,
	  OPT(redirect_code), .at = ING_AT_PLAN, .parse = parse_redirect,
	  .dflt = "308", .doc = "" },
	{ .configmap = "bind-address", .kind = ING_O_STRS, OPT(bind_address),
	  .at = ING_AT_PLAN, .parse = parse_bind,
	  .doc = "without it all IPv4 addresses" },
	{ .key = NULL }
};

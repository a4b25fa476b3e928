/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_global - settings of the ConfigMap that are for the whole proxy.
 */
#include "ing_opt_int.h"

#include <arpa/inet.h>

#include <base/num.h>

bool
ing_is_address(struct span s)
{
	unsigned char bin[16];
	char z[64];

	return (span_copy(z, sizeof z, s) && (inet_pton(AF_INET, z, bin) == 1 ||
	    inet_pton(AF_INET6, z, bin) == 1));
}

static bool
parse_bind(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, ing_is_address,
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

static bool
parse_risk(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "Low", "Medium", "High",
	    "Critical", NULL };

	return (ing_parse_enum(p, v, field, words,
	    "Low, Medium, High or Critical"));
}

/* nginx names each version; here the lowest counts. */
static bool
parse_tls(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "TLSv1", "TLSv1.1", "TLSv1.2",
	    "TLSv1.3", NULL };
	int64_t lowest = ING_TLS13 + 1, one;
	struct span word;

	while (span_cut(&v, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (!ing_parse_enum(p, word, &one, words, "versions like "
		    "TLSv1.2 TLSv1.3"))
			return (false);
		lowest = one < lowest ? one : lowest;
	}
	if (lowest > ING_TLS13)
		return (ing_parse_bad(p, v, "a version"));
	*(int64_t *)field = lowest;
	return (true);
}

/* "240s", or a bare number of seconds. */
bool
ing_parse_time(struct ing_parse *p, struct span v, void *field)
{
	int64_t us;

	if (num_time(v, "s", &us) != NUM_OK || us < 1000000)
		return (ing_parse_bad(p, v, "a time like 75 or 240s"));
	*(int64_t *)field = us / 1000000;
	return (true);
}

/* 0: a connection is closed after each request. */
static bool
parse_keep(struct ing_parse *p, struct span v, void *field)
{
	if (span_is(v, "0") || span_is(v, "0s")) {
		*(int64_t *)field = 0;
		return (true);
	}
	return (ing_parse_time(p, v, field));
}

static bool
parse_workers(struct ing_parse *p, struct span v, void *field)
{
	if (span_is(v, "auto")) {
		*(int64_t *)field = 0;
		return (true);
	}
	return (ing_parse_count(p, v, field) && (*(int64_t *)field <= 256 ||
	    ing_parse_bad(p, v, "auto, or a number up to 256")));
}

#define BOOLEAN(name, member, value)                                         \
	{ .configmap = name, .kind = ING_O_BOOL, OPT(member),                \
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .dflt = value, .doc = "" }
#define NUMBER(name, member, how, value)                                     \
	{ .configmap = name, .kind = ING_O_INT, OPT(member),                 \
	  .at = ING_AT_PLAN, .parse = how, .dflt = value, .doc = "" }

const struct ing_opt ing_opt_global[] = {
	BOOLEAN("allow-cross-namespace-resources", cross_namespace, "false"),
	NUMBER("annotations-risk-level", risk_level, parse_risk, "High"),
	BOOLEAN("strict-validate-path-type", strict_paths, "true"),
	BOOLEAN("use-forwarded-headers", forwarded, "false"),
	BOOLEAN("compute-full-forwarded-for", full_forwarded, "false"),
	{ .configmap = "proxy-real-ip-cidr", .kind = ING_O_STRS,
	  OPT(real_ip_from), .at = ING_AT_PLAN, .parse = ing_parse_cidrs,
	  .dflt = "0.0.0.0/0,::/0", .doc = "of proxies that are trusted, 8 "
	  "in a row at most" },
	BOOLEAN("use-proxy-protocol", proxy_protocol, "false"),
	{ .configmap = "use-http2", .kind = ING_O_BOOL, OPT(http2),
	  .at = ING_AT_PLAN, .parse = ing_parse_bool, .dflt = "true",
	  .doc = "HTTP/2 is not offered to clients yet" },
	BOOLEAN("generate-request-id", request_id, "true"),
	BOOLEAN("proxy-add-original-uri-header", original_uri, "false"),
	BOOLEAN("hsts", hsts, "true"),
	BOOLEAN("hsts-include-subdomains", hsts_subdomains, "true"),
	BOOLEAN("hsts-preload", hsts_preload, "false"),
	NUMBER("hsts-max-age", hsts_max_age_s, ing_parse_age, "31536000"),
	NUMBER("ssl-protocols", tls_min, parse_tls, "TLSv1.2 TLSv1.3"),
	NUMBER("keep-alive", keep_alive_s, parse_keep, "75"),
	NUMBER("client-header-timeout", client_head_s, ing_parse_time, "60"),
	NUMBER("client-body-timeout", client_body_s, ing_parse_time, "60"),
	NUMBER("worker-shutdown-timeout", shutdown_s, ing_parse_time, "240s"),
	NUMBER("worker-processes", workers, parse_workers, "auto"),
	NUMBER("max-worker-connections", connections, ing_parse_count, "0"),
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
	  .doc = "" },
	{ .key = NULL }
};

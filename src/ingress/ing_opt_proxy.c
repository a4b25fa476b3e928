/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_proxy - how the proxy speaks to the servers of a location.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <base/num.h>

static bool
parse_protocol(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "HTTP", "HTTPS", "AUTO_HTTP",
	    NULL };
	static const char *const later[] = { "GRPC", "GRPCS", "FCGI", NULL };
	int64_t which;

	if (ing_parse_enum(p, v, field, words, "HTTP, HTTPS or AUTO_HTTP"))
		return (true);
	/* Their servers would not understand us. */
	p->close = ing_parse_enum(p, v, &which, later,
	    "HTTP, HTTPS or AUTO_HTTP");
	if (p->close)
		snprintf(p->why, sizeof p->why, "%s is not supported yet",
		    later[which]);
	return (false);
}

/* As nginx has sizes: a number with k, m or g. */
bool
ing_parse_size(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (num_size(v, &n) != NUM_OK || n > (uint64_t)1 << 50)
		return (ing_parse_bad(p, v, "a size like 512, 8k, 20m or 1g"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

static bool
parse_buffer(struct ing_parse *p, struct span v, void *field)
{
	int64_t n = 0;

	if (!ing_parse_size(p, v, &n) || n > 1 << 20)
		return (ing_parse_bad(p, v, "a size up to 1m"));
	*(int64_t *)field = n;
	return (true);
}

static bool
parse_host(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = span_lower(v.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-_.:", c) != NULL))
			return (ing_parse_bad(p, v, "a host name"));
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

static bool
parse_retry(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "error", "timeout",
	    "invalid_header", "http_500", "http_502", "http_503", "http_504",
	    "http_403", "http_404", "http_429", "non_idempotent", "off",
	    NULL };
	int64_t one, all = 0;
	struct span word;

	while (span_cut(&v, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (!ing_parse_enum(p, word, &one, words, "error, timeout, "
		    "invalid_header, http_CODE, non_idempotent or off"))
			return (false);
		all |= (int64_t)1 << one;
	}
	*(int64_t *)field = all;
	return (true);
}

static bool
parse_connection(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "keep-alive", "close", NULL };

	return (ing_parse_enum(p, v, field, words, "keep-alive or close"));
}

static bool
parse_version(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "1.1", NULL };

	return (ing_parse_enum(p, v, field, words, "1.1 (servers are spoken "
	    "to in nothing else)"));
}

/* Bodies go on as they come. */
static bool
parse_stream(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "off", NULL };

	return (ing_parse_enum(p, v, field, words, "off (bodies are passed on "
	    "as they come)"));
}

/* A Service of the Ingress's namespace. */
static bool
parse_service(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.n > 63 || !((v.p[i] >= 'a' && v.p[i] <= 'z') ||
		    (v.p[i] >= '0' && v.p[i] <= '9') || v.p[i] == '-'))
			return (ing_parse_bad(p, v, "the name of a Service"));
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

static bool
is_error(struct span s)
{
	uint64_t n;

	return (num_u64(s, &n) && n >= 400 && n <= 599);
}

static bool
parse_errors(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_error,
	    "status codes from 400 to 599, with commas between"));
}

#define BE .at = ING_AT_BACKEND

const struct ing_opt ing_opt_proxy[] = {
	{ .key = "backend-protocol", .kind = ING_O_INT, OPT(protocol), BE,
	  .parse = parse_protocol, .dflt = "HTTP", .doc = "",
	  .lacks = "GRPC, GRPCS, FCGI (503)" },
	{ .key = "proxy-connect-timeout",
	  .configmap = "proxy-connect-timeout", .kind = ING_O_INT,
	  OPT(connect_timeout_s), BE, .parse = ing_parse_seconds,
	  .dflt = "5", .doc = "" },
	{ .key = "proxy-read-timeout", .configmap = "proxy-read-timeout",
	  .kind = ING_O_INT, OPT(read_timeout_s), BE,
	  .parse = ing_parse_seconds, .dflt = "60", .doc = "" },
	{ .key = "proxy-send-timeout", .configmap = "proxy-send-timeout",
	  .kind = ING_O_INT, OPT(send_timeout_s), .at = ING_AT_PLAN,
	  .parse = ing_parse_seconds, .dflt = "60",
	  .doc = "proxy-read-timeout is the time for both ways" },
	{ .key = "proxy-next-upstream-tries",
	  .configmap = "proxy-next-upstream-tries", .kind = ING_O_INT,
	  OPT(tries), BE, .parse = ing_parse_count, .dflt = "3",
	  .doc = "" },
	{ .key = "proxy-next-upstream-timeout",
	  .configmap = "proxy-next-upstream-timeout", .kind = ING_O_INT,
	  OPT(retry_s), BE, .parse = ing_parse_age, .dflt = "0",
	  .doc = "" },
	{ .key = "proxy-next-upstream", .configmap = "proxy-next-upstream",
	  .kind = ING_O_INT, OPT(retry_on), BE, .parse = parse_retry,
	  .dflt = "error timeout",
	  .doc = "a body longer than a buffer is not sent again" },
	{ .configmap = "retry-non-idempotent", .kind = ING_O_BOOL,
	  OPT(retry_any), .at = ING_AT_PLAN, .parse = ing_parse_bool,
	  .dflt = "false", .doc = "" },
	{ .key = "connection-proxy-header", .kind = ING_O_BOOL,
	  OPT(close_after), BE, .parse = parse_connection, .doc = "" },
	{ .key = "proxy-http-version", .configmap = "proxy-http-version",
	  .kind = ING_O_INT, OPT(http_version), .at = ING_AT_PLAN,
	  .parse = parse_version, .doc = "", .lacks = "1.0" },
	{ .key = "proxy-request-buffering",
	  .configmap = "proxy-request-buffering", .kind = ING_O_BOOL,
	  OPT(buffer_request), BE, .parse = ing_parse_switch,
	  .doc = "as much of a body as a buffer holds is waited for; without "
	  "it, it goes on as it comes" },
	{ .key = "proxy-buffering", .kind = ING_O_INT, OPT(streams_back),
	  .at = ING_AT_PLAN, .parse = parse_stream, .doc = "",
	  .lacks = "on" },
	{ .key = "default-backend", .kind = ING_O_STR, OPT(dflt_service),
	  .at = ING_AT_PLAN, .parse = parse_service,
	  .doc = "for Services without endpoints; a request keeps its body" },
	{ .key = "custom-http-errors", .configmap = "custom-http-errors",
	  .kind = ING_O_STRS, OPT(error_codes), .at = ING_AT_RULES,
	  .parse = parse_errors, .doc = "of servers: an error of this "
	  "proxy itself, like 502, is its own; a page may be 1m long" },
	{ .key = "disable-proxy-intercept-errors",
	  .configmap = "disable-proxy-intercept-errors", .kind = ING_O_BOOL,
	  OPT(own_errors), .at = ING_AT_RULES, .parse = ing_parse_bool,
	  .doc = "errors of this proxy itself have its own pages in any "
	  "case" },
	{ .key = "service-upstream", .configmap = "service-upstream",
	  .kind = ING_O_BOOL, OPT(service_upstream), BE,
	  .parse = ing_parse_bool, .doc = "" },
	{ .key = "proxy-buffer-size", .configmap = "proxy-buffer-size",
	  .kind = ING_O_INT, OPT(buffer_bytes), .at = ING_AT_PLAN,
	  .parse = parse_buffer, .dflt = "4k",
	  .doc = "the largest of all is for all; never less than 16k" },
	{ .key = "proxy-body-size", .configmap = "proxy-body-size",
	  .kind = ING_O_INT, OPT(body_bytes), .at = ING_AT_RULES,
	  .parse = ing_parse_size, .dflt = "1m",
	  .doc = "of a body in chunks that is too long, the server sees the "
	  "beginning" },
	{ .key = "upstream-vhost", .kind = ING_O_STR, OPT(vhost),
	  .at = ING_AT_RULES, .parse = parse_host, .doc = "" },
	{ .key = "enable-access-log", .kind = ING_O_BOOL, OPT(access_log),
	  .at = ING_AT_RULES, .parse = ing_parse_bool, .dflt = "true",
	  .doc = "" },
	{ .key = NULL }
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_log - settings of the ConfigMap about logs: what is told, how, and
 * where to. In a container that is its standard output or error, or a server
 * for syslog; files of nginx that stand for those are taken for them.
 */
#include "ing_opt_int.h"

#include <base/num.h>

static bool
is_uri(struct span s)
{
	return (s.p[0] == '/');
}

static bool
parse_uris(struct ing_parse *p, struct span v, void *field)
{
	return (ing_parse_list(p, v, field, is_uri,
	    "URIs, with commas between"));
}

static bool
parse_level(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "debug", "info", "notice",
	    "warn", "error", "crit", "alert", "emerg", NULL };

	return (ing_parse_enum(p, v, field, words, "debug, info, notice, "
	    "warn, error, crit, alert or emerg"));
}

/* 1: standard error. */
static bool
parse_path(struct ing_parse *p, struct span v, void *field)
{
	if (span_is(v, "/dev/stdout") ||
	    span_is(v, "/var/log/nginx/access.log"))
		*(int64_t *)field = 0;
	else if (span_is(v, "/dev/stderr") ||
	    span_is(v, "/var/log/nginx/error.log"))
		*(int64_t *)field = 1;
	else
		return (ing_parse_bad(p, v, "/dev/stdout or /dev/stderr (a "
		    "container has no other files for logs; enable-syslog "
		    "sends them elsewhere)"));
	return (true);
}

/* The same, plus one: 0 is "not said". */
static bool
parse_own_path(struct ing_parse *p, struct span v, void *field)
{
	int64_t n;

	if (!parse_path(p, v, &n))
		return (false);
	*(int64_t *)field = n + 1;
	return (true);
}

static bool
parse_server(struct ing_parse *p, struct span v, void *field)
{
	return (ing_is_address(v) ? ing_parse_text(p, v, field) :
	    ing_parse_bad(p, v, "an address"));
}

static bool
parse_port(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n < 1 || n > 65535)
		return (ing_parse_bad(p, v, "a port from 1 to 65535"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

#define FILES "/dev/stdout, /dev/stderr and the files that are those in the "  \
	"image of ingress-nginx"

const struct ing_opt ing_opt_log[] = {
	ING_SETTING("log-format-upstream", STR, log_format, ing_parse_text, NULL,
	    "bytes are with heads; a variable that is not known is -; "
	    "without it the format of HAProxy"),
	ING_SETTING("log-format-escape-json", BOOL, log_json, ing_parse_bool, "false",
	    ""),
	ING_SETTING("skip-access-log-urls", STRS, silent_urls, parse_uris, NULL, ""),
	ING_SETTING("disable-access-log", BOOL, no_log, ing_parse_bool, "false", ""),
	ING_SETTING("disable-http-access-log", BOOL, no_http_log, ing_parse_bool,
	    "false", ""),
	ING_SETTING("enable-access-log-for-default-backend", BOOL, log_default,
	    ing_parse_bool, "false", ""),
	ING_SETTING("access-log-path", INT, log_stderr, parse_path, "/dev/stdout",
	    FILES),
	ING_SETTING("http-access-log-path", INT, http_log_stderr, parse_own_path,
	    NULL, FILES),
	ING_SETTING("error-log-path", INT, errors_stderr, parse_path, "/dev/stderr",
	    FILES),
	ING_SETTING("error-log-level", INT, log_errors, parse_level, "notice", ""),
	ING_SETTING("enable-syslog", BOOL, syslog, ing_parse_bool, "false", ""),
	ING_SETTING("syslog-host", STR, syslog_host, parse_server, NULL,
	    "an address, no name"),
	ING_SETTING("syslog-port", INT, syslog_port, parse_port, "514", ""),
	{ .key = NULL }
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt - the tables of options, and parsers that many rows share.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <arpa/inet.h>

#include <base/num.h>

#define REGEX_MAX 1024u

const struct ing_opt *const ing_opt_tables[] = {
	ing_opt_route, ing_opt_host, ing_opt_access, ing_opt_ask,
	ing_opt_client, ing_opt_cors, ing_opt_canary, ing_opt_proxy, ing_opt_upstream,
	ing_opt_balance, ing_opt_limit, ing_opt_response, ing_opt_block,
	ing_opt_global, ing_opt_door, ing_opt_log, NULL
};

const struct ing_opt_end ing_opt_ends[] = {
	{ "auth-secret", ing_opt_auth_finish },
	{ "auth-url", ing_opt_ask_finish },
	{ "auth-tls-secret", ing_opt_client_finish },
	{ "proxy-ssl-secret", ing_opt_upstream_finish },
	{ "custom-headers", ing_opt_headers_finish },
	{ NULL, NULL }
};

bool
ing_parse_bad(struct ing_parse *p, struct span v, const char *expected)
{
	snprintf(p->why, sizeof p->why, "expected %s, found '%.*s'", expected,
	    (int)(v.n > 60 ? 60 : v.n), v.p);
	return (false);
}

/* The spellings that Go's strconv.ParseBool has. */
bool
ing_parse_bool(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "1", "t", "T", "TRUE", "true",
	    "True", "0", "f", "F", "FALSE", "false", "False" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (span_is(v, words[i])) {
			*(int64_t *)field = i < 6;
			return (true);
		}
	return (ing_parse_bad(p, v, "true or false"));
}

/* A deadline that a timer of the proxy can hold: 24 days. */
bool
ing_parse_seconds(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (num_u64(v, &n) && n >= 1 && n <= 2073600) {
		*(int64_t *)field = (int64_t)n;
		return (true);
	}
	return (ing_parse_bad(p, v, "a number of seconds from 1 to 2073600"));
}

bool
ing_parse_age(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n > UINT32_MAX)
		return (ing_parse_bad(p, v, "a number of seconds"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

static bool
is_cut(char c)
{
	return (c == ',' || c == ' ' || c == '\t');
}

bool
ing_parse_list(struct ing_parse *p, struct span v, struct ing_strs *out,
    bool (*is)(struct span), const char *expected)
{
	const char **all = arena_get(p->mem, (v.n / 2 + 1) * sizeof *all);
	uint32_t n = 0;

	while (v.n > 0) {
		size_t len = 0;

		while (len < v.n && !is_cut(v.p[len]))
			len++;
		if (len > 0 && !is(span_of(v.p, len)))
			return (ing_parse_bad(p, span_of(v.p, len),
			    expected));
		if (len > 0)
			all[n++] = arena_dup(p->mem, span_of(v.p, len));
		v = span_skip(v, len < v.n ? len + 1 : len);
	}
	out->v = all;
	out->n = n;
	return (true);
}

bool
ing_parse_token(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = span_lower(v.p[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_')
			continue;
		return (ing_parse_bad(p, v, "a name of letters, digits, '-' "
		    "and '_'"));
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

bool
ing_parse_text(struct ing_parse *p, struct span v, void *field)
{
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

bool
ing_regex_check(const char *regex, char why[200])
{
	PCRE2_UCHAR text[120];
	PCRE2_SIZE at;
	pcre2_code *re;
	int err;

	if (strlen(regex) > REGEX_MAX) {
		snprintf(why, 200, "expected at most %u characters",
		    REGEX_MAX);
		return (false);
	}
	re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
	    PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, &err, &at, NULL);
	if (re != NULL) {
		pcre2_code_free(re);
		return (true);
	}
	pcre2_get_error_message(err, text, sizeof text);
	snprintf(why, 200, "expected a regular expression: %s (at character "
	    "%zu)", (char *)text, (size_t)at + 1);
	return (false);
}

void
ing_regex_quote(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("\\^$.[]|()?*+{}", s.p[i]) != NULL)
			text_addc(t, '\\');
		text_addc(t, s.p[i]);
	}
}

bool
ing_parse_regex(struct ing_parse *p, struct span v, void *field)
{
	const char *z = arena_dup(p->mem, v);

	if (!ing_regex_check(z, p->why))
		return (false);
	*(const char **)field = z;
	return (true);
}

static bool
is_cidr(struct span s)
{
	ptrdiff_t slash = span_find(s, '/');
	struct span ip = slash < 0 ? s : span_of(s.p, (size_t)slash);
	unsigned char bin[16];
	uint64_t bits = 0;
	char z[64];

	if (!span_copy(z, sizeof z, ip) || (slash >= 0 &&
	    !num_u64(span_skip(s, (size_t)slash + 1), &bits)))
		return (false);
	if (inet_pton(AF_INET, z, bin) == 1)
		return (bits <= 32);
	return (inet_pton(AF_INET6, z, bin) == 1 && bits <= 128);
}

bool
ing_parse_cidrs(struct ing_parse *p, struct span v, void *field)
{
	struct ing_strs list;

	if (!ing_parse_list(p, v, &list, is_cidr, "addresses or networks like "
	    "10.0.0.0/8, with commas between"))
		return (false);
	if (list.n == 0)
		return (ing_parse_bad(p, v, "at least one network"));
	*(struct ing_strs *)field = list;
	return (true);
}

bool
ing_parse_code(struct ing_parse *p, struct span v, int64_t *out,
    const int64_t *codes)
{
	uint64_t n;

	if (!num_u64(v, &n))
		return (ing_parse_bad(p, v, "a status code"));
	*out = codes[0];
	for (const int64_t *c = codes; *c != 0; c++)
		if ((uint64_t)*c == n)
			*out = *c;
	return (true);
}

bool
ing_parse_count(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n > 1000000)
		return (ing_parse_bad(p, v, "a number from 0 to 1000000"));
	*(int64_t *)field = (int64_t)n;
	return (true);
}

bool
ing_parse_enum(struct ing_parse *p, struct span v, int64_t *out,
    const char *const *words, const char *expected)
{
	for (int64_t i = 0; words[i] != NULL; i++)
		if (span_iis(v, words[i])) {
			*out = i;
			return (true);
		}
	return (ing_parse_bad(p, v, expected));
}

bool
ing_parse_switch(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "off", "on", NULL };

	return (ing_parse_enum(p, v, field, words, "on or off"));
}

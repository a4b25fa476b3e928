/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt - the tables of options, and parsers that many rows share.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <base/num.h>

const struct ing_opt *const ing_opt_tables[] = {
	ing_opt_route, ing_opt_proxy, ing_opt_global, NULL
};

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
	snprintf(p->why, sizeof p->why, "expected true or false, found "
	    "'%.*s'", (int)(v.n > 60 ? 60 : v.n), v.p);
	return (false);
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
	snprintf(p->why, sizeof p->why, "expected a number of seconds from 1 "
	    "to 2073600, found '%.*s'", (int)(v.n > 60 ? 60 : v.n), v.p);
	return (false);
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
		if (len > 0 && !is(span_of(v.p, len))) {
			snprintf(p->why, sizeof p->why, "expected %s, found "
			    "'%.*s'", expected, (int)(len > 60 ? 60 : len),
			    v.p);
			return (false);
		}
		if (len > 0)
			all[n++] = arena_dup(p->mem, span_of(v.p, len));
		v = span_skip(v, len < v.n ? len + 1 : len);
	}
	out->v = all;
	out->n = n;
	return (true);
}

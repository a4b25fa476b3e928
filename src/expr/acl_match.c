/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_match - sets of patterns of one match method.
 *
 * Source: configuration manual 7.1 to 7.1.6.
 */
#include "expr_int.h"

#include <base/must.h>
#include <base/num.h>
#include <expr/regex.h>

#include "acl_set.h"

#define FEW 4                   /* so many are compared one by one */

const char *const acl_match_names[ACL_MATCH_N] = {
	[ACL_FOUND] = "found", [ACL_BOOL] = "bool", [ACL_INT] = "int",
	[ACL_IP] = "ip", [ACL_BIN] = "bin", [ACL_LEN] = "len",
	[ACL_STR] = "str", [ACL_BEG] = "beg", [ACL_SUB] = "sub",
	[ACL_DIR] = "dir", [ACL_DOM] = "dom", [ACL_END] = "end",
	[ACL_REG] = "reg",
};

struct acl_set {
	struct arena *arena;
	uint8_t match;                  /* enum acl_match */
	bool icase;
	size_t n, cap;                  /* patterns, of whichever kind */
	union {
		struct span *text;
		struct acl_range *range;
		struct addr_net *net;
		struct smp_regex **regex;
		void *rows;
	};
	struct acl_hash hash;           /* STR, BIN above FEW */
	struct acl_prefix prefix;       /* BEG, END above FEW; DIR, DOM */
	struct acl_nets *nets;          /* IP above FEW */
	uint32_t *first;                /* SUB: chains by first byte */
	uint32_t *chain;
};

struct acl_set *
acl_set_new(enum acl_match match, bool icase, struct arena *a)
{
	struct acl_set *x = arena_zget(a, sizeof *x);

	x->arena = a;
	x->match = (uint8_t)match;
	x->icase = icase;
	return (x);
}

enum smp_type
acl_set_type(enum acl_match m)
{
	switch (m) {
	case ACL_FOUND:
		return (SMP_ANY);
	case ACL_BOOL:
		return (SMP_BOOL);
	case ACL_INT:
		return (SMP_INT);
	case ACL_IP:
		return (SMP_ADDR);
	case ACL_BIN:
		return (SMP_BIN);
	default:
		return (SMP_STR);
	}
}

static void *
room_for_one(struct acl_set *x, size_t size)
{
	void *old = x->rows;

	if (x->n == x->cap) {
		x->cap = x->cap != 0 ? 4 * x->cap : 1;
		x->rows = arena_get(x->arena, x->cap * size);
		if (x->n != 0)
			memcpy(x->rows, old, x->n * size);
	}
	return ((char *)x->rows + x->n++ * size);
}

static bool
add_number(struct acl_set *x, struct span p, const char *op, const char **err)
{
	struct acl_range r = { INT64_MIN, INT64_MAX };
	ptrdiff_t colon = span_find(p, ':');
	int64_t v;

	*err = "expected a number, or a range as 'low:high'";
	if (colon >= 0) {
		struct span lo = span_of(p.p, (size_t)colon);
		struct span hi = span_skip(p, (size_t)colon + 1);

		if ((lo.n != 0 && !num_i64(lo, &r.lo)) ||
		    (hi.n != 0 && !num_i64(hi, &r.hi)) || p.n == 1)
			return (false);
		if (strcmp(op, "eq") != 0) {
			*err = "a range cannot be compared with an operator";
			return (false);
		}
		if (r.lo > r.hi) {
			*err = "the low end of the range is above its high end";
			return (false);
		}
	} else {
		if (!num_i64(p, &v))
			return (false);
		if (strcmp(op, "gt") == 0) {
			if (v == INT64_MAX)
				return (true);
			r.lo = v + 1;
		} else if (strcmp(op, "lt") == 0) {
			if (v == INT64_MIN)
				return (true);
			r.hi = v - 1;
		} else if (strcmp(op, "le") == 0)
			r.hi = v;
		else if (strcmp(op, "ge") == 0)
			r.lo = v;
		else
			r.lo = r.hi = v;
	}
	*(struct acl_range *)room_for_one(x, sizeof r) = r;
	return (true);
}

static bool
add_net(struct acl_set *x, struct span p, const char **err)
{
	struct addr_net net;

	if (!addr_net_parse(p, &net)) {
		*err = "expected an IPv4 or IPv6 address or network";
		return (false);
	}
	*(struct addr_net *)room_for_one(x, sizeof net) = net;
	return (true);
}

static bool
add_hex(struct acl_set *x, struct span p, const char **err)
{
	char *b = arena_get(x->arena, p.n / 2 + 1);

	*err = "expected an even number of hexadecimal digits";
	if (p.n % 2 != 0)
		return (false);
	for (size_t i = 0; i < p.n; i += 2) {
		int hi = num_hexval(p.p[i]), lo = num_hexval(p.p[i + 1]);

		if (hi < 0 || lo < 0)
			return (false);
		b[i / 2] = (char)(hi << 4 | lo);
	}
	*(struct span *)room_for_one(x, sizeof(struct span)) =
	    span_of(b, p.n / 2);
	return (true);
}

static bool
is_delim(const struct acl_set *x, char c)
{
	if (x->match == ACL_DIR)
		return (c == '/');
	return (c == '.' || c == ':' || c == '/' || c == '?');
}

static void
add_text(struct acl_set *x, struct span p)
{
	if (x->match == ACL_DIR || x->match == ACL_DOM) {
		while (p.n > 0 && is_delim(x, *p.p))
			p = span_skip(p, 1);
		while (p.n > 0 && is_delim(x, p.p[p.n - 1]))
			p.n--;
		if (p.n == 0)
			return;         /* matches nothing */
	}
	*(struct span *)room_for_one(x, sizeof p) = arena_span(x->arena, p);
}

static bool
add_regex(struct acl_set *x, struct span p, const char **err)
{
	struct smp_regex *re = smp_regex_new(p, x->icase, err);

	if (re == NULL)
		return (false);
	*(struct smp_regex **)room_for_one(x, sizeof re) = re;
	return (true);
}

bool
acl_set_add(struct acl_set *x, struct span p, const char *op,
    const char **err)
{
	switch (x->match) {
	case ACL_FOUND:
	case ACL_BOOL:
		*err = "this match method takes no value";
		return (false);
	case ACL_INT:
	case ACL_LEN:
		return (add_number(x, p, op, err));
	case ACL_IP:
		return (add_net(x, p, err));
	case ACL_BIN:
		return (add_hex(x, p, err));
	case ACL_REG:
		return (add_regex(x, p, err));
	default:
		add_text(x, p);
		return (true);
	}
}

/* Patterns looked for anywhere, chained by their first byte. */
static void
sub_ready(struct acl_set *x)
{
	x->first = arena_get(x->arena, 256 * sizeof *x->first);
	x->chain = arena_get(x->arena, (x->n + 1) * sizeof *x->chain);
	for (int i = 0; i < 256; i++)
		x->first[i] = ACL_MISS;
	for (size_t i = x->n; i-- > 0;) {
		uint8_t c = x->text[i].n != 0 ? (uint8_t)*x->text[i].p : 0;

		if (x->icase)
			c = span_lower_tab[c];
		x->chain[i] = x->first[c];
		x->first[c] = (uint32_t)i;
	}
}

void
acl_set_ready(struct acl_set *x)
{
	switch (x->match) {
	case ACL_INT:
	case ACL_LEN:
		x->n = acl_ranges_merge(x->range, x->n);
		break;
	case ACL_IP:
		if (x->n <= FEW)
			break;
		x->nets = arena_zget(x->arena, sizeof *x->nets);
		acl_nets_build(x->nets, x->arena, x->net, x->n);
		break;
	case ACL_STR:
	case ACL_BIN:
		if (x->n > FEW)
			acl_hash_build(&x->hash, x->arena, x->text, NULL,
			    x->n, x->icase);
		break;
	case ACL_BEG:
	case ACL_END:
		if (x->n > FEW)
			acl_prefix_build(&x->prefix, x->arena, x->text, NULL,
			    x->n, x->icase, x->match == ACL_END);
		break;
	case ACL_DIR:
	case ACL_DOM:
		acl_prefix_build(&x->prefix, x->arena, x->text, NULL, x->n,
		    x->icase, false);
		break;
	case ACL_SUB:
		sub_ready(x);
		break;
	default:
		break;
	}
}

static bool
same(const struct acl_set *x, struct span a, struct span b)
{
	return (x->icase ? span_ieq(a, b) : span_eq(a, b));
}

static bool
has_text(const struct acl_set *x, struct span s)
{
	if (x->n > FEW)
		return (acl_hash_find(&x->hash, s) != ACL_MISS);
	for (size_t i = 0; i < x->n; i++)
		if (same(x, x->text[i], s))
			return (true);
	return (false);
}

static bool
has_end(const struct acl_set *x, struct span s)
{
	bool back = x->match == ACL_END;

	if (x->n > FEW)
		return (acl_prefix_find(&x->prefix, s) != ACL_MISS);
	for (size_t i = 0; i < x->n; i++) {
		struct span p = x->text[i];

		if (s.n >= p.n && same(x, p,
		    span_of(back ? s.p + s.n - p.n : s.p, p.n)))
			return (true);
	}
	return (false);
}

static bool
has_part(const struct acl_set *x, struct span s)
{
	for (size_t at = 0; at < s.n; at++) {
		struct span rest = span_skip(s, at);

		if ((at == 0 || is_delim(x, s.p[at - 1])) &&
		    acl_prefix_bounded(&x->prefix, rest,
		    x->match == ACL_DIR ? "/" : ".:/?"))
			return (true);
	}
	return (false);
}

static bool
has_inside(const struct acl_set *x, struct span s)
{
	for (size_t at = 0; at <= s.n; at++) {
		uint8_t c = at < s.n ? (uint8_t)s.p[at] : 0;
		uint32_t i = x->first[x->icase ? span_lower_tab[c] : c];

		for (; i != ACL_MISS; i = x->chain[i])
			if (x->text[i].n <= s.n - at && same(x, x->text[i],
			    span_of(s.p + at, x->text[i].n)))
				return (true);
	}
	return (x->n != 0 && x->text[0].n == 0);
}

static bool
has_addr(const struct acl_set *x, const struct addr *a)
{
	if (x->n > FEW)
		return (acl_nets_has(x->nets, a));
	for (size_t i = 0; i < x->n; i++)
		if (addr_net_has(&x->net[i], a))
			return (true);
	return (false);
}

static bool
has_regex(const struct acl_set *x, struct span s)
{
	for (size_t i = 0; i < x->n; i++)
		if (smp_regex_has(x->regex[i], s))
			return (true);
	return (false);
}

bool
acl_set_has(const struct acl_set *x, const struct smp *s)
{
	switch (x->match) {
	case ACL_FOUND:
		return (true);
	case ACL_BOOL:
		return (s->num != 0);
	case ACL_INT:
		return (acl_ranges_has(x->range, x->n, s->num));
	case ACL_LEN:
		return (acl_ranges_has(x->range, x->n, (int64_t)s->str.n));
	case ACL_IP:
		return (has_addr(x, &s->addr));
	case ACL_STR:
	case ACL_BIN:
		return (has_text(x, s->str));
	case ACL_BEG:
	case ACL_END:
		return (has_end(x, s->str));
	case ACL_DIR:
	case ACL_DOM:
		return (has_part(x, s->str));
	case ACL_SUB:
		return (has_inside(x, s->str));
	default:
		return (has_regex(x, s->str));
	}
}

const struct span *
acl_set_text(const struct acl_set *x, size_t *n)
{
	*n = x->n;
	return (x->text);
}

size_t
acl_set_count(const struct acl_set *x)
{
	return (x->n);
}

/* ---- for manuals ---- */

static const char *const method_docs[ACL_MATCH_N] = {
	[ACL_FOUND] = "there is such a sample, whatever its value; takes no "
	    "pattern",
	[ACL_BOOL] = "the value is true; takes no pattern",
	[ACL_INT] = "a number, a range `low:high`, or one after `eq`, `ge`, "
	    "`gt`, `le` or `lt`",
	[ACL_IP] = "an address or a network, `10.0.0.0/8`, `2001:db8::/32`",
	[ACL_BIN] = "these bytes, in hexadecimal",
	[ACL_LEN] = "the length of the value, as for `int`",
	[ACL_STR] = "the whole text",
	[ACL_BEG] = "the text begins so",
	[ACL_SUB] = "the text has this somewhere",
	[ACL_DIR] = "one or more whole parts between slashes",
	[ACL_DOM] = "one or more whole parts between dots, "
	    "slashes, colons or question marks",
	[ACL_END] = "the text ends so",
	[ACL_REG] = "the text matches a regular expression (PCRE2)",
};

bool
acl_method(size_t i, const char **name, const char **doc)
{
	if (i >= ACL_MATCH_N)
		return (false);
	*name = acl_match_names[i];
	*doc = method_docs[i];
	return (true);
}

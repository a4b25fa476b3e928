/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smp_cast - a value in the form of another type.
 */
#include "expr_int.h"

#include <stdio.h>

#include <base/must.h>
#include <base/num.h>

typedef bool cast_fn(struct txn *, struct smp *);

static const char *const type_names[] = {
	[SMP_ANY] = "any", [SMP_BOOL] = "boolean", [SMP_INT] = "integer",
	[SMP_ADDR] = "address", [SMP_V4] = "IPv4 address",
	[SMP_V6] = "IPv6 address", [SMP_STR] = "string", [SMP_BIN] = "binary",
	[SMP_METH] = "method", [SMP_NONE] = "none",
};

const char *
smp_type_name(enum smp_type t)
{
	return ((size_t)t < NELEM(type_names) ? type_names[t] : "none");
}

static bool
set_text(struct txn *t, struct smp *s, const char *p, size_t n)
{
	char *copy = arena_dup(t->arena, span_of(p, n));

	if (copy == NULL)
		return (false);
	s->str = span_of(copy, n);
	return (true);
}

static bool
as_is(struct txn *t, struct smp *s)
{
	(void)t;
	(void)s;
	return (true);
}

static bool
int_to_bool(struct txn *t, struct smp *s)
{
	(void)t;
	s->num = s->num != 0;
	return (true);
}

static bool
int_to_str(struct txn *t, struct smp *s)
{
	char b[24];
	size_t n = 0;
	uint64_t v = (uint64_t)s->num;

	if (s->num < 0) {
		b[n++] = '-';
		v = 0 - v;
	}
	n += num_put(b + n, v);
	return (set_text(t, s, b, n));
}

static bool
int_to_bin(struct txn *t, struct smp *s)
{
	char b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (char)((uint64_t)s->num >> (56 - 8 * i));
	return (set_text(t, s, b, 8));
}

static bool
int_to_v4(struct txn *t, struct smp *s)
{
	uint32_t v = (uint32_t)s->num;

	(void)t;
	memset(&s->addr, 0, sizeof s->addr);
	s->addr.family = ADDR_V4;
	for (int i = 0; i < 4; i++)
		s->addr.ip[i] = (uint8_t)(v >> (24 - 8 * i));
	return (true);
}

/* As far as it is a number: "12abc" is 12, "abc" is 0; "" is none. Too many
 * digits stop at the end of the range. */
static bool
str_to_int(struct txn *t, struct smp *s)
{
	struct span in = s->str;
	bool neg, over = false;
	uint64_t v = 0, most;

	(void)t;
	if (in.n == 0)
		return (false);
	neg = *in.p == '-';
	most = (uint64_t)INT64_MAX + neg;
	if (neg || *in.p == '+')
		in = span_skip(in, 1);
	for (; in.n > 0 && *in.p >= '0' && *in.p <= '9'; in = span_skip(in, 1))
		over |= __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (unsigned)(*in.p - '0'), &v);
	if (over || v > most)
		v = most;
	s->num = (int64_t)(neg ? 0 - v : v);
	return (true);
}

static bool
str_to_bool(struct txn *t, struct smp *s)
{
	if (!str_to_int(t, s))
		return (false);
	return (int_to_bool(t, s));
}

static bool
str_to_addr(struct txn *t, struct smp *s)
{
	struct addr_net net;
	ptrdiff_t colon;

	(void)t;
	if (span_find(s->str, '/') >= 0)
		return (false);
	if (!addr_net_parse(s->str, &net)) {
		/* "10.0.0.1:80" names an address, too */
		colon = span_find(s->str, ':');
		if (colon < 0 || !addr_net_parse(span_of(s->str.p,
		    (size_t)colon), &net) || net.addr.family != ADDR_V4)
			return (false);
	}
	s->addr = net.addr;
	return (true);
}

static bool
addr_to_v6(struct txn *t, struct smp *s)
{
	struct addr a = s->addr;

	(void)t;
	if (a.family == ADDR_V6)
		return (true);
	if (a.family != ADDR_V4)
		return (false);
	memset(s->addr.ip, 0, 16);
	s->addr.ip[10] = s->addr.ip[11] = 0xff;
	memcpy(s->addr.ip + 12, a.ip, 4);
	s->addr.family = ADDR_V6;
	return (true);
}

static bool
addr_to_v4(struct txn *t, struct smp *s)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct addr a = s->addr;

	(void)t;
	if (a.family == ADDR_V4)
		return (true);
	if (a.family != ADDR_V6 || memcmp(a.ip, mapped, 12) != 0)
		return (false);
	memset(s->addr.ip, 0, 16);
	memcpy(s->addr.ip, a.ip + 12, 4);
	s->addr.family = ADDR_V4;
	return (true);
}

static bool
addr_to_int(struct txn *t, struct smp *s)
{
	uint32_t v = 0;

	if (!addr_to_v4(t, s))
		return (false);
	for (int i = 0; i < 4; i++)
		v = v << 8 | s->addr.ip[i];
	s->num = v;
	return (true);
}

static bool
addr_to_str(struct txn *t, struct smp *s)
{
	char b[ADDR_TEXT];
	size_t n;

	if (s->addr.family != ADDR_V4 && s->addr.family != ADDR_V6)
		return (false);
	n = addr_print(&s->addr, b);
	return (set_text(t, s, b, n));
}

static bool
addr_to_bin(struct txn *t, struct smp *s)
{
	struct addr a = s->addr;

	if (a.family != ADDR_V4 && a.family != ADDR_V6)
		return (false);
	return (set_text(t, s, (const char *)a.ip,
	    a.family == ADDR_V4 ? 4 : 16));
}

/* Four numbers; what is behind them does not matter, unless it is one more:
 * "10.0.0.1:80", as the reference reads keys of tables. */
static bool
str_to_v4(struct txn *t, struct smp *s)
{
	struct addr a = { .family = ADDR_V4 };
	size_t at = 0;

	(void)t;
	for (int i = 0; i < 4; i++) {
		size_t first = at;
		unsigned v = 0;

		for (; at < s->str.n && s->str.p[at] >= '0' &&
		    s->str.p[at] <= '9' && v < 256; at++)
			v = v * 10 + (unsigned)(s->str.p[at] - '0');
		if (at == first || v > 255)
			return (false);
		a.ip[i] = (uint8_t)v;
		if ((at < s->str.n && s->str.p[at] == '.') != (i < 3))
			return (false);
		at++;
	}
	s->addr = a;
	return (true);
}

/* The text of an IPv6 address; an IPv4 one is none. */
static bool
str_to_v6(struct txn *t, struct smp *s)
{
	return (str_to_addr(t, s) && s->addr.family == ADDR_V6);
}

/* Text has no NUL: it ends there. */
static bool
bin_to_str(struct txn *t, struct smp *s)
{
	const char *nul = s->str.n == 0 ? NULL :
	    memchr(s->str.p, '\0', s->str.n);

	(void)t;
	if (nul != NULL)
		s->str.n = (size_t)(nul - s->str.p);
	return (true);
}

static bool
str_to_meth(struct txn *t, struct smp *s)
{
	(void)t;
	s->meth = http_meth_id(s->str);
	return (true);
}

/* [from][to]; NULL: no such form. */
static cast_fn *const casts[SMP_NONE][SMP_NONE] = {
	[SMP_BOOL] = { [SMP_BOOL] = as_is, [SMP_INT] = as_is,
	    [SMP_STR] = int_to_str, [SMP_BIN] = int_to_bin },
	[SMP_INT] = { [SMP_BOOL] = int_to_bool, [SMP_INT] = as_is,
	    [SMP_ADDR] = int_to_v4, [SMP_V4] = int_to_v4,
	    [SMP_STR] = int_to_str, [SMP_BIN] = int_to_bin },
	[SMP_ADDR] = { [SMP_INT] = addr_to_int, [SMP_ADDR] = as_is,
	    [SMP_V4] = addr_to_v4, [SMP_V6] = addr_to_v6,
	    [SMP_STR] = addr_to_str, [SMP_BIN] = addr_to_bin },
	[SMP_V4] = { [SMP_INT] = addr_to_int, [SMP_ADDR] = as_is,
	    [SMP_V4] = as_is, [SMP_V6] = addr_to_v6,
	    [SMP_STR] = addr_to_str, [SMP_BIN] = addr_to_bin },
	[SMP_V6] = { [SMP_ADDR] = as_is, [SMP_V4] = addr_to_v4,
	    [SMP_V6] = as_is, [SMP_STR] = addr_to_str,
	    [SMP_BIN] = addr_to_bin },
	[SMP_STR] = { [SMP_BOOL] = str_to_bool, [SMP_INT] = str_to_int,
	    [SMP_ADDR] = str_to_addr, [SMP_V4] = str_to_v4,
	    [SMP_V6] = str_to_v6, [SMP_STR] = as_is, [SMP_BIN] = as_is,
	    [SMP_METH] = str_to_meth },
	[SMP_BIN] = { [SMP_STR] = bin_to_str, [SMP_BIN] = as_is,
	    [SMP_METH] = str_to_meth },
	[SMP_METH] = { [SMP_STR] = as_is, [SMP_BIN] = as_is,
	    [SMP_METH] = as_is },
};

bool
smp_may_cast(enum smp_type from, enum smp_type to)
{
	if (from == to || to == SMP_ANY || from == SMP_ANY)
		return (true);
	return (from < SMP_NONE && to < SMP_NONE && casts[from][to] != NULL);
}

bool
smp_cast_to(struct txn *t, struct smp *s, enum smp_type to)
{
	if (s->type >= SMP_NONE || to >= SMP_NONE ||
	    casts[s->type][to] == NULL || !casts[s->type][to](t, s))
		return (false);
	/* an address keeps saying which kind it is */
	s->type = to != SMP_ADDR ? to :
	    s->addr.family == ADDR_V6 ? SMP_V6 : SMP_V4;
	return (true);
}

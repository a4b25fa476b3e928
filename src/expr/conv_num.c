/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_num - converters of numbers, truth values and addresses.
 *
 * Source: configuration manual 7.3.1.
 */
#include "conv_int.h"

#include <base/must.h>
#include <base/num.h>

/* Results too large or too small stop at the ends, as the manual says. */
static int64_t
clamp_add(int64_t a, int64_t b)
{
	int64_t v;

	if (!__builtin_add_overflow(a, b, &v))
		return (v);
	return (b < 0 ? INT64_MIN : INT64_MAX);
}

static int64_t
clamp_mul(int64_t a, int64_t b)
{
	int64_t v;

	if (!__builtin_mul_overflow(a, b, &v))
		return (v);
	return ((a < 0) != (b < 0) ? INT64_MIN : INT64_MAX);
}

static int64_t
clamp_sub(int64_t a, int64_t b)
{
	int64_t v;

	if (!__builtin_sub_overflow(a, b, &v))
		return (v);
	return (b < 0 ? INT64_MAX : INT64_MIN);
}

static int64_t
safe_div(int64_t a, int64_t b)
{
	if (b == 0)
		return (INT64_MAX);
	return (b == -1 ? clamp_sub(0, a) : a / b);
}

static int64_t
safe_mod(int64_t a, int64_t b)
{
	return (b == 0 || b == -1 ? 0 : a % b);
}

#define ARITHMETIC(ident, word, result, ex, res, text)                       \
static bool                                                                  \
conv_##ident(struct txn *t, const struct arg *arg, struct smp *s)            \
{                                                                            \
	int64_t a = s->num, b;                                               \
                                                                             \
	if (!smp_arg_int(&arg[0], t, &b))                                    \
		return (false);                                              \
	return (conv_give_num(s, result));                                   \
}                                                                            \
CONVERTER(ident) = {                                                         \
	.name = word, .args = "num value", .in = SMP_INT, .out = SMP_INT,    \
	.run = conv_##ident, .doc = text, .example = { ex, res },            \
}

ARITHMETIC(add, "add", clamp_add(a, b), "int(3),add(4)", "7", "The sum.");
ARITHMETIC(sub, "sub", clamp_sub(a, b), "int(3),sub(4)", "-1",
    "The difference.");
ARITHMETIC(mul, "mul", clamp_mul(a, b), "int(3),mul(4)", "12",
    "The product.");
ARITHMETIC(div, "div", safe_div(a, b), "int(9),div(4)", "2",
    "The quotient, cut; the largest number when divided by 0.");
ARITHMETIC(mod, "mod", safe_mod(a, b), "int(9),mod(4)", "1",
    "The remainder; 0 when divided by 0.");
ARITHMETIC(and, "and", a & b, "int(6),and(3)", "2", "Bits that both have.");
ARITHMETIC(or, "or", a | b, "int(6),or(3)", "7", "Bits that one of them has.");
ARITHMETIC(xor, "xor", a ^ b, "int(6),xor(3)", "5",
    "Bits that exactly one of them has.");

#define UNARY(ident, word, type, result, ex, res, text)                      \
static bool                                                                  \
conv_##ident(struct txn *t, const struct arg *arg, struct smp *s)            \
{                                                                            \
	(void)t;                                                             \
	(void)arg;                                                           \
	s->num = (result);                                                   \
	return (true);                                                       \
}                                                                            \
CONVERTER(ident) = {                                                         \
	.name = word, .args = "", .in = SMP_INT, .out = type,                \
	.run = conv_##ident, .doc = text, .example = { ex, res },            \
}

UNARY(neg, "neg", SMP_INT, clamp_sub(0, s->num), "int(3),neg", "-3",
    "The number with the other sign.");
UNARY(cpl, "cpl", SMP_INT, ~s->num, "int(0),cpl", "-1", "All bits flipped.");
UNARY(not, "not", SMP_BOOL, s->num == 0, "int(3),not", "0",
    "True for zero.");
UNARY(truth, "bool", SMP_BOOL, s->num != 0, "int(3),bool", "1",
    "True for other values than zero.");
UNARY(even, "even", SMP_BOOL, (s->num & 1) == 0, "int(3),even", "0",
    "True for an even number.");
UNARY(odd, "odd", SMP_BOOL, (s->num & 1) != 0, "int(3),odd", "1",
    "True for an odd number.");

static bool
conv_iif(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	s->str = s->num != 0 ? arg[0].str : arg[1].str;
	s->constant = true;
	return (true);
}

CONVERTER(iif) = {
	.name = "iif", .args = "str true, str false", .in = SMP_BOOL,
	.out = SMP_STR, .run = conv_iif,
	.doc = "One text for true, another one for false.",
	.example = { "bool(true),iif(yes,no)", "yes" },
};

static void
mask(uint8_t *ip, unsigned size, const struct arg *arg)
{
	const uint8_t *keep = arg->ptr;

	for (unsigned i = 0; i < size; i++)
		ip[i] &= keep[i];
}

static bool
conv_ipmask(struct txn *t, const struct arg *arg, struct smp *s)
{
	/* an IPv4 address in its IPv6 form is one */
	smp_cast(t, s, SMP_V4);
	if (s->addr.family == ADDR_V4)
		mask(s->addr.ip, 4, &arg[0]);
	else if (arg[1].type != ARG_NONE)
		mask(s->addr.ip, 16, &arg[1]);
	else
		return (false);
	s->type = s->addr.family == ADDR_V4 ? SMP_V4 : SMP_V6;
	return (true);
}

/* "24", or a mask of that family, to the bytes of a mask. */
static bool
take_mask(struct arg *arg, enum addr_family family)
{
	unsigned size = family == ADDR_V4 ? 4 : 16;
	uint8_t *keep = must_alloc(size);
	struct addr_net net;
	uint64_t n;

	arg->ptr = keep;
	memset(keep, 0, size);
	if (num_u64(arg->str, &n)) {
		for (unsigned i = 0; i < size && n <= 8 * size; i++)
			keep[i] = (uint8_t)(n >= 8 * (i + 1) ? 0xff :
			    n > 8 * i ? 0xff00u >> (n - 8 * i) : 0);
		return (n <= 8 * size);
	}
	if (span_find(arg->str, '/') >= 0 ||
	    !addr_net_parse(arg->str, &net) || net.addr.family != family)
		return (false);
	memcpy(keep, net.addr.ip, size);
	return (true);
}

static bool
check_ipmask(struct arg *arg, const char **err)
{
	*err = "expected a prefix length from 0 to 32, or a mask";
	if (!take_mask(&arg[0], ADDR_V4))
		return (false);
	*err = "expected a prefix length from 0 to 128, or a mask of IPv6";
	return (arg[1].type == ARG_NONE || take_mask(&arg[1], ADDR_V6));
}

CONVERTER(ipmask) = {
	.name = "ipmask", .args = "str mask4, str mask6=",
	.in = SMP_ADDR, .out = SMP_ADDR, .run = conv_ipmask,
	.check = check_ipmask,
	.doc = "The network of an address: the bits behind the prefix, given as "
	    "its length or as a mask, become zero. Without <mask6>, IPv6 "
	    "addresses give no result.",
	.example = { "ipv4(10.1.2.3),ipmask(16)", "10.1.0.0" },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt_cbor - a format written as a CBOR map of the named items, which has
 * no length in front but an end; in hexadecimal, or as it is ("+bin").
 *
 * Source: configuration manual 8.2.6; RFC 8949 3.
 */
#include "logfmt_int.h"

enum major { UINT = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3 };
#define MAP_BEGIN 0xbf
#define BREAK     0xff
#define FALSE_    0xf4
#define TRUE_     0xf5
#define NULL_     0xf6

struct cbor {
	struct logfmt_out *o;
	bool bin;
};

static void
put_byte(struct cbor *c, uint8_t v)
{
	static const char digit[] = "0123456789ABCDEF";

	if (c->bin) {
		logfmt_char(c->o, (char)v);
		return;
	}
	logfmt_char(c->o, digit[v >> 4]);
	logfmt_char(c->o, digit[v & 15]);
}

/* The kind and a number, in as few bytes as it needs. */
static void
put_head(struct cbor *c, enum major major, uint64_t v)
{
	uint8_t kind = (uint8_t)(major << 5);
	int bytes = v < 24 ? 0 : v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 :
	    v <= UINT32_MAX ? 4 : 8;

	if (bytes == 0) {
		put_byte(c, (uint8_t)(kind | v));
		return;
	}
	put_byte(c, (uint8_t)(kind | (bytes == 1 ? 24 : bytes == 2 ? 25 :
	    bytes == 4 ? 26 : 27)));
	while (bytes-- > 0)
		put_byte(c, (uint8_t)(v >> 8 * bytes));
}

static void
put_bytes(struct cbor *c, enum major major, struct span s)
{
	put_head(c, major, s.n);
	if (c->bin)
		logfmt_bytes(c->o, s.p, s.n);
	else for (size_t i = 0; i < s.n; i++)
		put_byte(c, (uint8_t)s.p[i]);
}

static void
put_value(struct cbor *c, const struct piece *x, struct txn *t)
{
	struct smp s;

	if (!logfmt_value(x, t, &s))
		put_byte(c, NULL_);
	else if (s.type == SMP_BOOL)
		put_byte(c, s.num != 0 ? TRUE_ : FALSE_);
	else if (s.type == SMP_INT && s.num >= 0)
		put_head(c, UINT, (uint64_t)s.num);
	else if (s.type == SMP_INT)
		put_head(c, NEGATIVE, (uint64_t)(-1 - s.num));
	else if (s.type == SMP_BIN && c->bin)
		put_bytes(c, BYTES, s.str);
	else if (smp_cast(t, &s, SMP_STR))
		put_bytes(c, TEXT, s.str);
	else
		put_byte(c, NULL_);
}

void
logfmt_cbor_value(struct logfmt_out *o, bool bin, const struct piece *x,
    struct txn *t)
{
	put_value(&(struct cbor){ o, bin }, x, t);
}

void
logfmt_cbor(struct logfmt_out *o, const struct logfmt *f, struct txn *t)
{
	struct cbor c = { o, f->bin };

	put_byte(&c, MAP_BEGIN);
	for (const struct piece *x = f->first; x != NULL; x = x->next) {
		if (x->kind == PIECE_TEXT || x->name.p == NULL)
			continue;
		put_bytes(&c, TEXT, x->name);
		put_value(&c, x, t);
	}
	put_byte(&c, BREAK);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_code - bytes in another notation: base64, hexadecimal, decimal,
 * binary, URL encoding, JSON strings.
 *
 * Source: configuration manual 7.3.1; RFC 3986 section 2, RFC 8259 section 7.
 */
#include "conv_int.h"

#include <base/b64.h>
#include <base/num.h>

static const char digits[] = "0123456789ABCDEF";

static bool
conv_base64(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, B64_ENCODED(s->str.n) + 1);

	(void)arg;
	return (conv_give(s, p,
	    p == NULL ? 0 : b64_put(p, s->str, B64_STD)));
}

static bool
conv_ub64enc(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, B64_ENCODED(s->str.n) + 1);

	(void)arg;
	return (conv_give(s, p,
	    p == NULL ? 0 : b64_put(p, s->str, B64_URL)));
}

static bool
decode(struct txn *t, struct smp *s, enum b64_kind kind)
{
	char *p = arena_get(t->arena, B64_DECODED(s->str.n));
	size_t n;

	return (p != NULL && b64_get(p, &n, s->str, kind) &&
	    conv_give(s, p, n));
}

static bool
conv_b64dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (decode(t, s, B64_STD));
}

static bool
conv_ub64dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (decode(t, s, B64_URL));
}

static bool
conv_hex(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, 2 * s->str.n + 1);

	(void)arg;
	for (size_t i = 0; p != NULL && i < s->str.n; i++) {
		p[2 * i] = digits[(uint8_t)s->str.p[i] >> 4];
		p[2 * i + 1] = digits[(uint8_t)s->str.p[i] & 15];
	}
	return (conv_give(s, p, 2 * s->str.n));
}

/* The manual promises 0 for what is no number; the reference has no result
 * then, and so have we. Digits that do not fit are lost at the top. */
static bool
conv_hex2i(struct txn *t, const struct arg *arg, struct smp *s)
{
	uint64_t v = 0;
	int d;

	(void)t;
	(void)arg;
	for (size_t i = 0; i < s->str.n; i++) {
		if ((d = num_hexval(s->str.p[i])) < 0)
			return (false);
		v = v << 4 | (uint64_t)d;
	}
	return (conv_give_num(s, (int64_t)v));
}

static bool
conv_base2(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, 8 * s->str.n + 1);

	(void)arg;
	for (size_t i = 0; p != NULL && i < 8 * s->str.n; i++)
		p[i] = (char)('0' +
		    ((uint8_t)s->str.p[i / 8] >> (7 - i % 8) & 1));
	return (conv_give(s, p, 8 * s->str.n));
}

static bool
conv_htonl(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, 4);
	uint32_t v = (uint32_t)s->num;

	(void)arg;
	for (int i = 0; p != NULL && i < 4; i++)
		p[i] = (char)(v >> (24 - 8 * i));
	return (conv_give(s, p, 4));
}

/* ---- chunks of bytes as numbers: (separator, chunk, truncate) ---- */

/* Bytes that are cut into chunks: all of them, or whole chunks only. */
static size_t
whole(struct span in, size_t chunk, bool cut)
{
	return (cut ? in.n - in.n % chunk : in.n);
}

static bool
to_decimal(struct txn *t, const struct arg *arg, struct smp *s, bool little)
{
	struct span in = s->str, sep = arg[0].str;
	size_t chunk = (size_t)arg[1].num, n = 0, k;
	size_t end = whole(in, chunk, arg[2].num != 0);
	char *p = arena_get(t->arena, (end / chunk + 1) * (20 + sep.n));

	if (p == NULL)
		return (false);
	for (size_t i = 0; i < end; i += k) {
		uint64_t v = 0;

		k = end - i < chunk ? end - i : chunk;
		for (size_t j = 0; j < k; j++)
			v = v << 8 | (uint8_t)in.p[little ? i + k - 1 - j :
			    i + j];
		if (i != 0 && sep.n != 0) {
			memcpy(p + n, sep.p, sep.n);
			n += sep.n;
		}
		n += num_put(p + n, v);
	}
	return (conv_give(s, p, n));
}

static bool
conv_be2dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (to_decimal(t, arg, s, false));
}

static bool
conv_le2dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (to_decimal(t, arg, s, true));
}

static bool
check_chunk(struct arg *arg, const char **err)
{
	*err = "expected the number of bytes of a chunk, from 1 to 8";
	return (arg[1].type != ARG_NONE);
}

static bool
check_be2hex(struct arg *arg, const char **err)
{
	*err = "a separator needs <chunk>, the number of bytes between two";
	if (arg[1].type == ARG_NONE)
		arg[1].num = 1;
	return (arg[0].str.n == 0 || arg[1].type != ARG_NONE);
}

static bool
conv_be2hex(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span in = s->str, sep = arg[0].str;
	size_t chunk = (size_t)arg[1].num, n = 0;
	size_t end = whole(in, chunk, arg[2].num != 0);
	char *p = arena_get(t->arena, 2 * end + end / chunk * sep.n + 1);

	if (p == NULL)
		return (false);
	for (size_t i = 0; i < end; i++) {
		if (i != 0 && i % chunk == 0 && sep.n != 0) {
			memcpy(p + n, sep.p, sep.n);
			n += sep.n;
		}
		p[n++] = digits[(uint8_t)in.p[i] >> 4];
		p[n++] = digits[(uint8_t)in.p[i] & 15];
	}
	return (conv_give(s, p, n));
}

/* ---- URLs ---- */

static bool
conv_url_dec(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, s->str.n + 1);
	bool query = arg[0].num != 0;
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < s->str.n; i++) {
		char c = s->str.p[i];

		if (c == '?')
			query = true;
		if (c == '+' && query)
			c = ' ';
		else if (c == '%') {
			int hi, lo;

			if (i + 2 >= s->str.n ||
			    (hi = num_hexval(s->str.p[i + 1])) < 0 ||
			    (lo = num_hexval(s->str.p[i + 2])) < 0)
				return (false);
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		p[n++] = c;
	}
	return (conv_give(s, p, n));
}

static bool
is_unreserved(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~');
}

static bool
conv_url_enc(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, 3 * s->str.n + 1);
	size_t n = 0;

	(void)arg;
	for (size_t i = 0; p != NULL && i < s->str.n; i++) {
		char c = s->str.p[i];

		if (is_unreserved(c)) {
			p[n++] = c;
			continue;
		}
		p[n++] = '%';
		p[n++] = digits[(uint8_t)c >> 4];
		p[n++] = digits[(uint8_t)c & 15];
	}
	return (conv_give(s, p, n));
}

/* ---- JSON strings ---- */

enum json_code { JSON_ASCII, JSON_UTF8, JSON_UTF8S, JSON_UTF8P, JSON_UTF8PS };

#define BAD_CHAR UINT32_MAX

/*
 * One character of UTF-8 and how many bytes it has. BAD_CHAR: it is none, or
 * one that must not be; *n is then the bytes to step over. *over: written with
 * more bytes than it needs.
 */
static uint32_t
utf8_char(struct span in, size_t *n, bool *over)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)*in.p;
	size_t want = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 :
	    first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
	uint32_t c;

	*n = 1;
	*over = false;
	if (want <= 1)
		return (want == 1 ? first : BAD_CHAR);
	c = first & (0x7fu >> want);
	while (*n < want) {
		if (*n == in.n || ((uint8_t)in.p[*n] & 0xc0) != 0x80)
			return (BAD_CHAR);
		c = c << 6 | ((uint8_t)in.p[(*n)++] & 0x3f);
	}
	*over = c < least[want];
	if ((c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ||
	    c > 0x10ffff)
		return (BAD_CHAR);
	return (c);
}

/* At most 6 bytes at `p`; returns how many. */
static size_t
json_char(char *p, uint32_t c)
{
	static const char from[] = "\b\t\n\f\r\"\\/", to[] = "btnfr\"\\/";
	static const char hex[] = "0123456789abcdef";
	const char *at;

	if (c != 0 && c < 0x80 && (at = strchr(from, (int)c)) != NULL) {
		p[0] = '\\';
		p[1] = to[at - from];
		return (2);
	}
	if (c >= 0x20 && c < 0x7f) {
		p[0] = (char)c;
		return (1);
	}
	memcpy(p, "\\u", 2);
	for (int i = 0; i < 4; i++)
		p[2 + i] = hex[c >> (12 - 4 * i) & 15];
	return (6);
}

static bool
conv_json(struct txn *t, const struct arg *arg, struct smp *s)
{
	enum json_code code = (enum json_code)arg[0].num;
	bool skips = code == JSON_UTF8S || code == JSON_UTF8PS;
	bool mends = code == JSON_UTF8P || code == JSON_UTF8PS;
	char *p = arena_get(t->arena, 6 * s->str.n + 1);
	size_t n = 0, k = 1;
	bool over = false;

	for (size_t i = 0; p != NULL && i < s->str.n; i += k) {
		uint32_t c = (uint8_t)s->str.p[i];

		if (code != JSON_ASCII)
			c = utf8_char(span_skip(s->str, i), &k, &over);
		/* four digits are all that an escape has room for */
		if (c > 0xffff || (over && !mends)) {
			if (!skips)
				return (false);
			continue;
		}
		n += json_char(p + n, c);
	}
	return (conv_give(s, p, n));
}

CONV_ROW(base64, "base64", "", SMP_BIN, SMP_STR, conv_base64,
    "str(hello),base64", "aGVsbG8=", "Base64 (RFC 4648 section 4).");
CONV_ROW(b64dec, "b64dec", "", SMP_STR, SMP_BIN, conv_b64dec,
    "str(aGVsbG8=),b64dec", "hello", "What base64() wrote. No result for "
    "other bytes than those of the alphabet, or wrong padding.");
CONV_ROW(ub64enc, "ub64enc", "", SMP_BIN, SMP_STR, conv_ub64enc,
    "bin(ffef),ub64enc", "_-8",
    "Base64 with the alphabet for URLs (RFC 4648 section 5), not padded.");
CONV_ROW(ub64dec, "ub64dec", "", SMP_STR, SMP_BIN, conv_ub64dec,
    "str(eyJhIjoxfQ),ub64dec", "{\"a\":1}", "What ub64enc() wrote; padding "
    "may be there or not.");
CONV_ROW(hex, "hex", "", SMP_BIN, SMP_STR, conv_hex, "str(hi),hex", "6869",
    "Two hexadecimal digits for each byte.");
CONV_ROW(hex2i, "hex2i", "", SMP_STR, SMP_INT, conv_hex2i,
    "str(1F4),hex2i", "500",
    "The number that hexadecimal digits stand for; no result when there is "
    "something else among them.");
CONV_ROW(base2, "base2", "", SMP_BIN, SMP_STR, conv_base2,
    "bin(a5),base2", "10100101", "Eight binary digits for each byte, so that "
    "a network can be looked up as the beginning of a text.");
CONV_ROW(htonl, "htonl", "", SMP_INT, SMP_BIN, conv_htonl,
    "int(2864434397),htonl,hex", "AABBCCDD",
    "The lowest 32 bits of the number as four bytes, highest first.");
CONV_ROW(be2dec, "be2dec",
    "str separator, int chunk= [1..8], int truncate=0", SMP_BIN, SMP_STR,
    conv_be2dec, "bin(01020304050607),be2dec(:,2)", "258:772:1286:7",
    "A decimal number for each <chunk> bytes, the highest byte first, with "
    "<separator> between them. <truncate> leaves out an incomplete chunk at "
    "the end.", .check = check_chunk);
CONV_ROW(le2dec, "le2dec",
    "str separator, int chunk= [1..8], int truncate=0", SMP_BIN, SMP_STR,
    conv_le2dec, "bin(01020304050607),le2dec(:,2)", "513:1027:1541:7",
    "As be2dec(), the lowest byte first.", .check = check_chunk);
CONV_ROW(be2hex, "be2hex",
    "str separator=, int chunk= [1..], int truncate=0", SMP_BIN,
    SMP_STR, conv_be2hex, "bin(01020304050607),be2hex(:,2)",
    "0102:0304:0506:07", "As hex(), with <separator> between each <chunk> "
    "bytes. <truncate> leaves out an incomplete chunk at the end.",
    .check = check_be2hex);
CONV_ROW(url_dec, "url_dec", "int in_form=0", SMP_STR, SMP_STR,
    conv_url_dec, "str(a%20b),url_dec", "a b",
    "Decodes %XX; '+' becomes a space behind a '?', or everywhere with "
    "<in_form>. No result when two digits do not follow a '%'.");
CONV_ROW(url_enc, "url_enc", "enum(query) for=query", SMP_STR, SMP_STR,
    conv_url_enc, "str(a b&c),url_enc", "a%20b%26c",
    "All but letters, digits and '-._~' as %XX.");
CONV_ROW(json, "json", "enum(ascii|utf8|utf8s|utf8p|utf8ps) code=ascii",
    SMP_STR, SMP_STR, conv_json, "str(a/b\\\\c),json",
    "a\\/b\\\\c", "The text as what can stand between the quotes of a "
    "JSON string, in ASCII. 'ascii' takes each byte for a character. 'utf8' "
    "has no result when the text is not UTF-8, has a character that must not "
    "be, one with too many bytes, or one above U+FFFF; 'utf8s' leaves these "
    "out; 'utf8p' accepts too many bytes; 'utf8ps' accepts these and leaves "
    "out the rest.");

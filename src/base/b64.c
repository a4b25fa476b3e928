/* SPDX-License-Identifier: Apache-2.0 */
/*
 * b64 - base64 (base/b64.h).
 */
#include <base/b64.h>

#include <stdint.h>

static const char digits[][65] = {
	[B64_STD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/",
	[B64_LOOSE] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/",
	[B64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_",
};

size_t
b64_put(char *dst, struct span in, enum b64_kind kind)
{
	const char *digit = digits[kind];
	size_t n = 0, i;
	uint32_t v;

	for (i = 0; i + 3 <= in.n; i += 3) {
		v = (uint32_t)(uint8_t)in.p[i] << 16 |
		    (uint32_t)(uint8_t)in.p[i + 1] << 8 |
		    (uint8_t)in.p[i + 2];
		dst[n++] = digit[v >> 18];
		dst[n++] = digit[v >> 12 & 63];
		dst[n++] = digit[v >> 6 & 63];
		dst[n++] = digit[v & 63];
	}
	if (i == in.n)
		return (n);
	v = (uint32_t)(uint8_t)in.p[i] << 16;
	if (i + 1 < in.n)
		v |= (uint32_t)(uint8_t)in.p[i + 1] << 8;
	dst[n++] = digit[v >> 18];
	dst[n++] = digit[v >> 12 & 63];
	if (i + 1 < in.n)
		dst[n++] = digit[v >> 6 & 63];
	else if (kind != B64_URL)
		dst[n++] = '=';
	if (kind != B64_URL)
		dst[n++] = '=';
	return (n);
}

static int
value(char c, enum b64_kind kind)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	if (c == digits[kind][62])
		return (62);
	return (c == digits[kind][63] ? 63 : -1);
}

bool
b64_get(char *dst, size_t *n, struct span in, enum b64_kind kind)
{
	size_t out = 0, bits = 0;
	uint32_t v = 0;

	if (kind == B64_STD && in.n % 4 != 0)
		return (false);
	/* one or two '=' end the last group of four */
	if (in.n % 4 == 0)
		for (int i = 0; i < 2 && in.n > 0 && in.p[in.n - 1] == '=';
		    i++)
			in.n--;
	if (in.n % 4 == 1)
		return (false);
	for (size_t i = 0; i < in.n; i++) {
		int d = value(in.p[i], kind);

		if (d < 0)
			return (false);
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			dst[out++] = (char)(v >> bits);
		}
	}
	*n = out;
	return (true);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_class - the table of byte classes, and the tests of whole strings.
 */
#include <http/class.h>
#include <http/http.h>

#define T HTTP_C_TOKEN
#define V HTTP_C_VALUE
#define G HTTP_C_TARGET
#define H HTTP_C_HOST
#define P HTTP_C_PLAIN

const uint8_t http_class_tab[256] = {
	['\t'] = V, [' '] = V,
	['!'] = T | V | G | H,
	['"'] = V | G,
	['#'] = T | V,
	['$' ... '\''] = T | V | G | H,
	['(' ... ')'] = V | G | H,
	['*' ... '+'] = T | V | G | H,
	[','] = V | G | H,
	['-'] = T | V | G | H | P,
	['.'] = T | V | G | H,
	['/'] = V | G,
	['0' ... '9'] = T | V | G | H | P,
	[':' ... ';'] = V | G | H,
	['<'] = V | G,
	['='] = V | G | H,
	['>' ... '@'] = V | G,
	['A' ... 'Z'] = T | V | G | H | P,
	['['] = V | G | H,
	['\\'] = V | G,
	[']'] = V | G | H,
	['^'] = T | V | G,
	['_'] = T | V | G | H,
	['`'] = T | V | G,
	['a' ... 'z'] = T | V | G | H | P,
	['{'] = V | G,
	['|'] = T | V | G,
	['}'] = V | G,
	['~'] = T | V | G | H,
	[0x80 ... 0xff] = V
};

static bool
all_in_class(struct span s, unsigned mask)
{
	for (size_t i = 0; i < s.n; i++)
		if (!http_is_class(s.p[i], mask))
			return (false);
	return (true);
}

bool
http_is_token(struct span s)
{
	return (s.n != 0 && all_in_class(s, HTTP_C_TOKEN));
}

bool
http_is_field_value(struct span s)
{
	return (all_in_class(s, HTTP_C_VALUE));
}

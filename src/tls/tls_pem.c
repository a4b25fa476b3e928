/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pem - blocks of text between BEGIN and END lines, decoded where they
 * stand. What is between blocks is not looked at.
 *
 * Source: RFC 7468, and RFC 1421 4.4 for headers of encrypted keys.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <base/b64.h>

#define BEGIN "-----BEGIN "
#define END   "-----END "
#define DASH  "-----"

static struct span
line_of(struct span *in)
{
	ptrdiff_t end = span_find(*in, '\n');
	struct span line = end < 0 ? *in : span_of(in->p, (size_t)end);

	*in = span_skip(*in, end < 0 ? in->n : (size_t)end + 1);
	while (line.n > 0 && (line.p[line.n - 1] == '\r' ||
	    line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
		line.n--;
	return (line);
}

static bool
is_border(struct span line, struct span kind, struct span *label)
{
	if (line.n < kind.n + sizeof DASH - 1 || !span_begins(line, kind) ||
	    !span_ends(line, SPAN(DASH)))
		return (false);
	*label = span_of(line.p + kind.n, line.n - kind.n - (sizeof DASH - 1));
	return (true);
}

/* The lines of a block, joined; headers are noticed and left out. */
static bool
gather(struct span *in, struct pem *b, char *to, size_t *n)
{
	struct span line, label;

	*n = 0;
	while (in->n > 0) {
		line = line_of(in);
		if (is_border(line, SPAN(END), &label))
			return (span_eq(label, b->label));
		if (span_find(line, ':') >= 0) {
			b->encrypted = b->encrypted ||
			    span_search(line, SPAN("ENCRYPTED")) >= 0;
			continue;
		}
		memmove(to + *n, line.p, line.n);
		*n += line.n;
	}
	return (false);
}

enum why
pem_next(struct span *in, struct pem *b, const char **err)
{
	struct span line;
	char *to;
	size_t n;

	do {
		if (in->n == 0)
			return (WHY_EOF);
		line = line_of(in);
	} while (!is_border(line, SPAN(BEGIN), &b->label));
	b->encrypted = span_is(b->label, "ENCRYPTED PRIVATE KEY");
	to = (char *)(uintptr_t)in->p;
	*err = "a block without its END line";
	if (!gather(in, b, to, &n))
		return (WHY_INTERNAL);
	b->der = span_of(to, n);
	if (b->encrypted)
		return (WHY_OK);
	*err = "a block that is not base64";
	if (n == 0 || !b64_get(to, &n, span_of(to, n), B64_STD))
		return (WHY_INTERNAL);
	b->der.n = n;
	return (WHY_OK);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_relax - what option accept-unsafe-violations-in-http-request, and that of
 * responses, let pass: odd names, values and versions. Nothing of it is on the
 * way of a message that is as RFC 9112 has it.
 *
 * A CR, an LF, a folded line and what could be taken for a framing field are
 * refused here too: others would see another message than we do.
 */
#include "h1_parse.h"

#define LETTERS_MAX 16          /* "transferencoding" */

static bool
ends_line(char c)
{
	return (c == '\r' || c == '\n');
}

const char *
h1_odd_name_end(const char *p, const char *end)
{
	while (p < end && *p != ':' && !ends_line(*p))
		p++;
	return (p);
}

const char *
h1_odd_value_end(const char *p, const char *end)
{
	while (p < end && !ends_line(*p))
		p++;
	return (p);
}

static bool
is_letter(char c)
{
	c = span_lower(c);
	return (c >= 'a' && c <= 'z');
}

bool
h1_is_odd_framing(struct span name)
{
	char letters[LETTERS_MAX];
	struct span s = { letters, 0 };

	if (http_is_token(name))
		return (false);
	for (size_t i = 0; i < name.n; i++) {
		if (!is_letter(name.p[i]))
			continue;
		if (s.n == sizeof letters)
			return (false);
		letters[s.n++] = name.p[i];
	}
	return (span_ieq(s, SPAN("contentlength")) ||
	    span_ieq(s, SPAN("transferencoding")));
}

/* ---- versions ---- */

static bool
is_version_byte(char c)
{
	return ((c >= 'A' && c <= 'Z') || (c >= '.' && c <= '9'));
}

/* Four letters and two digits of 1.1 or more, as "RTSP/2.0", are spoken as
 * HTTP/1.1; so 2.6 does, as the table of regtests/h1/accept-unsafe.test shows. */
static bool
is_spoken_as_11(struct span v)
{
	const char *no = v.p + 5;

	return (v.n == sizeof "HTTP/1.1" - 1 && no[-1] == '/' && no[1] == '.' &&
	    h1_is_digit(no[0]) && h1_is_digit(no[2]) && memcmp(no, "1.1", 3) >= 0);
}

enum why
h1_version_take(struct h1_at *at, struct http_head *h)
{
	const char *start = at->p;
	struct span v;

	while (at->p < at->end && is_version_byte(*at->p))
		at->p++;
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (at->p == start)
		return (WHY_REQ_BAD);
	v = span_of(start, (size_t)(at->p - start));
	h->major = 1;
	h->minor = is_spoken_as_11(v);
	if (!span_eq(v, SPAN("HTTP/1.0")) && !span_eq(v, SPAN("HTTP/1.1")))
		h->version = v;
	return (WHY_OK);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_uri - the four forms of a request target, and whose host it names.
 */
#include <http/class.h>
#include <http/http.h>

static bool
is_alpha(char c)
{
	c |= 0x20;
	return (c >= 'a' && c <= 'z');
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static bool
is_scheme(struct span s)
{
	if (s.n == 0 || !is_alpha(s.p[0]))
		return (false);
	for (size_t i = 1; i < s.n; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
		    s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
			return (false);
	return (true);
}

/* Where ":port" begins; a.n without one. Colons in brackets are not it. */
static size_t
port_at(struct span a)
{
	ptrdiff_t colon = span_rfind(a, ':');

	if (colon < 0 || span_find(span_skip(a, (size_t)colon), ']') >= 0)
		return (a.n);
	return ((size_t)colon);
}

/* host ":" port, both there (RFC 9112 3.2.3) */
static bool
is_host_port(struct span a)
{
	size_t at = port_at(a);

	if (at == 0 || at + 1 >= a.n)
		return (false);
	for (size_t i = 0; i < at; i++)
		if (!http_is_class(a.p[i], HTTP_C_HOST))
			return (false);
	for (size_t i = at + 1; i < a.n; i++)
		if (!is_digit(a.p[i]))
			return (false);
	return (true);
}

static void
split_path(struct span s, struct http_uri *u)
{
	ptrdiff_t mark = span_find(s, '?');

	u->path_query = s;
	u->path = mark < 0 ? s : span_of(s.p, (size_t)mark);
	if (mark >= 0)
		u->query = span_skip(s, (size_t)mark + 1);
}

static bool
split_absolute(struct span s, struct http_uri *u)
{
	ptrdiff_t colon = span_find(s, ':');
	size_t n;

	if (colon < 0 || !is_scheme(span_of(s.p, (size_t)colon)))
		return (false);
	u->scheme = span_of(s.p, (size_t)colon);
	s = span_skip(s, (size_t)colon);
	if (!span_begins(s, SPAN("://")))
		return (false);
	s = span_skip(s, 3);
	for (n = 0; n < s.n && s.p[n] != '/' && s.p[n] != '?'; n++)
		continue;
	u->authority = span_of(s.p, n);
	split_path(span_skip(s, n), u);
	return (n != 0);
}

bool
http_uri_split(enum http_meth meth, struct span target, struct http_uri *u)
{
	memset(u, 0, sizeof *u);
	if (target.n == 0)
		return (false);
	if (meth == HTTP_CONNECT) {
		u->authority = target;
		u->path = u->path_query = span_of(target.p + target.n, 0);
		return (is_host_port(target));
	}
	if (target.p[0] == '/') {
		split_path(target, u);
		return (true);
	}
	if (target.p[0] == '*') {
		u->path = u->path_query = target;
		return (target.n == 1 && meth == HTTP_OPTIONS);
	}
	return (split_absolute(target, u));
}

struct span
http_path_query(const struct http_head *h)
{
	struct http_uri u;

	if (h->target.n == 0 || h->target.p[0] == '/' ||
	    !http_uri_split((enum http_meth)h->meth, h->target, &u))
		return (h->target);
	return (u.path_query);
}

struct span
http_host(const struct http_head *h, bool no_port)
{
	struct http_uri u;
	struct span host = SPAN_NONE;
	ptrdiff_t at;

	if (h->target.n != 0 && h->target.p[0] != '/' &&
	    http_uri_split((enum http_meth)h->meth, h->target, &u))
		host = u.authority;
	if (host.n == 0)
		host = http_get(h, HTTP_HOST);
	if ((at = span_rfind(host, '@')) >= 0)
		host = span_skip(host, (size_t)at + 1);
	if (no_port && host.n != 0)
		host.n = port_at(host);
	return (host);
}

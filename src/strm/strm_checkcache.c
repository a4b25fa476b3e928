/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_checkcache - option checkcache: a cookie that a cache on the way would
 * give to others, too, is not let through.
 *
 * Source: configuration manual 4.2 "option checkcache".
 */
#include "strm_int.h"

#include <log/log.h>

static bool
is_cacheable_status(unsigned status)
{
	static const uint16_t all[] = { 200, 203, 204, 206, 300, 301, 404, 405,
		410, 414, 501 };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i] == status)
			return (true);
	return (false);
}

static bool
is_safe_method(unsigned meth)
{
	return (meth == HTTP_GET || meth == HTTP_HEAD ||
	    meth == HTTP_OPTIONS || meth == HTTP_TRACE);
}

/* no-cache="set-cookie" and no-cache="set-cookie, more": the comma ends the
 * element unless it is in the quotes. */
static bool
spares_cookies(struct span item)
{
	static const struct span begin = { "no-cache=\"set-cookie", 20 };
	struct span rest;

	if (item.n <= begin.n || !span_ieq(span_of(item.p, begin.n), begin))
		return (false);
	rest = span_skip(item, begin.n);
	return (rest.p[0] == '"' || rest.p[0] == ',');
}

/* False: no cache keeps it, or none keeps its cookies. */
static bool
read_directive(struct span item, bool *public)
{
	static const char *const never[] = { "private", "no-cache", "no-store",
		"max-age=0", "s-maxage=0" };

	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		if (span_iis(item, never[i]))
			return (false);
	if (spares_cookies(item))
		return (false);
	*public |= span_iis(item, "public");
	return (true);
}

static bool
may_be_kept(const struct strm *s)
{
	const struct http_head *res = s->txn.res;
	struct http_hdr *h = NULL;
	bool public = false;
	struct span rest, item;

	if (http_has_item(res, HTTP_PRAGMA, SPAN("no-cache")))
		return (false);
	while ((h = http_find(res, HTTP_CACHE_CONTROL, SPAN_NONE,
	    h)) != NULL) {
		rest = span_of(h->value, h->value_n);
		while (http_list_next(&rest, &item))
			if (!read_directive(item, &public))
				return (false);
	}
	return (public || (is_cacheable_status(res->status) &&
	    is_safe_method(s->txn.meth)));
}

bool
strm_cookie_leaks(struct strm *s)
{
	if (http_get(s->txn.res, HTTP_SET_COOKIE).p == NULL || !may_be_kept(s))
		return (false);
	log_event(s->txn.be, LOG_L_ALERT, "backend %s: a response of server %s "
	    "was blocked, as caches might keep its cookie",
	    s->txn.be->name, s->txn.srv->name);
	return (true);
}

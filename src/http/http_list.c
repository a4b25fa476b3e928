/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_list - comma lists in header values, and the hop-by-hop fields that
 * are found through one of them.
 */
#include <http/http.h>

/* Offset of the comma that ends the first element, or s.n. An open quote
 * reaches to the end of the value. */
static size_t
element_end(struct span s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == ',' && !quoted)
			return (i);
	}
	return (s.n);
}

bool
http_list_next(struct span *rest, struct span *item)
{
	while (rest->n != 0) {
		size_t n = element_end(*rest);

		*item = span_trim(span_of(rest->p, n));
		*rest = span_skip(*rest, n < rest->n ? n + 1 : n);
		if (item->n != 0)
			return (true);
	}
	return (false);
}

bool
http_has_item(const struct http_head *h, enum http_name id, struct span want)
{
	struct http_hdr *r = NULL;
	struct span rest, item;

	while ((r = http_find(h, id, SPAN_NONE, r)) != NULL) {
		rest = span_of(r->value, r->value_n);
		while (http_list_next(&rest, &item))
			if (span_ieq(item, want))
				return (true);
	}
	return (false);
}

/* ---- hop by hop ---- */

#define BIT(id) (1u << HTTP_##id)
#define HOP_BITS (BIT(CONNECTION) | BIT(KEEP_ALIVE) | BIT(PROXY_CONNECTION) | \
	BIT(TE) | BIT(UPGRADE))

/* Fields meant for the recipient at the end: Connection cannot take them out
 * of a message, whatever a peer writes there (RFC 9110 7.6.1 forbids to name
 * them; a server must not be made to miss who is asking). */
#define END_TO_END_BITS (BIT(HOST) | BIT(CONTENT_LENGTH) | \
	BIT(TRANSFER_ENCODING) | BIT(EXPECT) | BIT(COOKIE) | BIT(SET_COOKIE) | \
	BIT(X_FORWARDED_FOR) | BIT(X_FORWARDED_PROTO) | BIT(FORWARDED) | \
	BIT(AUTHORIZATION) | BIT(CACHE_CONTROL) | BIT(CONTENT_TYPE) | \
	BIT(CONTENT_ENCODING) | BIT(VARY) | BIT(ETAG) | BIT(LOCATION) | \
	BIT(TRAILER))

static void
strip_option(struct http_head *h, struct span option)
{
	enum http_name id = http_name_id(option);

	if (id == HTTP_UPGRADE || id == HTTP_TE || id == HTTP_CONNECTION ||
	    (id != HTTP_OTHER && id < 32 && (END_TO_END_BITS >> id & 1) != 0))
		return;         /* kept, or judged by http_strip_hop() */
	if (span_iis(option, "close"))
		return;         /* the usual one; never a field */
	http_del(h, id, option);
}

static void
strip_named(struct http_head *h)
{
	struct http_hdr *r = NULL;
	struct span rest, option;

	while ((r = http_find(h, HTTP_CONNECTION, SPAN_NONE, r)) != NULL) {
		rest = span_of(r->value, r->value_n);
		while (http_list_next(&rest, &option))
			strip_option(h, option);
	}
}

static void __attribute__((noinline))
strip_hop(struct http_head *h, bool keep_upgrade)
{
	if (http_has(h, HTTP_CONNECTION)) {
		strip_named(h);
		http_del(h, HTTP_CONNECTION, SPAN_NONE);
	}
	http_del(h, HTTP_KEEP_ALIVE, SPAN_NONE);
	http_del(h, HTTP_PROXY_CONNECTION, SPAN_NONE);
	if (http_has(h, HTTP_TE) &&
	    !span_iis(http_get(h, HTTP_TE), "trailers"))
		http_del(h, HTTP_TE, SPAN_NONE);
	if (!keep_upgrade)
		http_del(h, HTTP_UPGRADE, SPAN_NONE);
}

void
http_strip_hop(struct http_head *h, bool keep_upgrade)
{
	if ((h->known & HOP_BITS) != 0)
		strip_hop(h, keep_upgrade);
}

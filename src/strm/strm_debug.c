/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_debug - with -d: streams as they pass, on standard output, for people
 * who look at one of them.
 *
 *	00000003:www.clireq[000c:ffffffff]: GET / HTTP/1.1
 *
 * Number of the stream, proxy, event, both descriptors. Source: management
 * manual 3, flag -d.
 */
#include "strm_int.h"

#include <inttypes.h>
#include <stdio.h>

static unsigned
fd_of(const struct mux_end *e)
{
	return (e == NULL ? ~0u :
	    (unsigned)e->ops->conn((struct mux_end *)(uintptr_t)e)->fd);
}

static const char *
name_of(const struct strm *s)
{
	return ((s->txn.be != NULL ? s->txn.be : s->txn.fe)->name);
}

static void
say(const struct strm *s, const char *event)
{
	printf("%08" PRIx32 ":%s.%s[%04x:%04x]", s->id - 1, name_of(s), event,
	    fd_of(s->cli), fd_of(s->srv));
}

void
strm_debug_accept(struct strm *s)
{
	const struct addr *a = txn_addr(&s->txn, TXN_SRC);
	char from[ADDR_TEXT];

	if (a->family == ADDR_V4 || a->family == ADDR_V6)
		(void)addr_print_port(a, from);
	else
		(void)snprintf(from, sizeof from, "unix:%" PRIu32,
		    s->txn.listen->id);
	printf("%08" PRIx32 ":%s.accept(%04" PRIx32 ")=%04x from [%s] "
	    "ALPN=<none>\n", s->id - 1, s->txn.fe->name, s->txn.listen->id,
	    fd_of(s->cli), from);
	(void)fflush(stdout);
}

static void
say_headers(const struct strm *s, const struct http_head *h,
    const char *event)
{
	char name[256];

	for (const struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++) {
		size_t n = r->name_n < sizeof name ? r->name_n : sizeof name;

		if (r->name == NULL)
			continue;
		for (size_t i = 0; i < n; i++)
			name[i] = span_lower(r->name[i]);
		say(s, event);
		printf(": %.*s: %.*s\n", (int)n, name, (int)r->value_n,
		    r->value);
	}
	(void)fflush(stdout);
}

void
strm_debug_request(struct strm *s)
{
	const struct http_head *h = s->txn.req;

	say(s, "clireq");
	printf(": %.*s %.*s HTTP/%u.%u\n", SPAN_FMT(h->method),
	    SPAN_FMT(h->target), h->major, h->minor);
	say_headers(s, h, "clihdr");
}

void
strm_debug_response(struct strm *s)
{
	const struct http_head *h = s->txn.res;

	say(s, "srvrep");
	printf(": HTTP/%u.%u %u %.*s\n", h->major, h->minor, h->status,
	    SPAN_FMT(h->reason));
	say_headers(s, h, "srvhdr");
}

void
strm_debug_end(struct strm *s)
{
	say(s, "clicls");
	printf("\n");
	if (s->srv != NULL) {
		say(s, "srvcls");
		printf("\n");
	}
	say(s, "closed");
	printf("\n");
	(void)fflush(stdout);
}

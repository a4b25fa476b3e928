/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_FETCH_INT_H
#define EXPR_FETCH_INT_H
/*
 * fetch_int - what the files with samples of HTTP share.
 */
#include <expr/expr.h>

/* expr_is_hop - a word of a Connection header that is between us and that
 * side alone; samples do not see it, as the reference takes it out.
 * expr_hides - a header that has nothing but such words. */
static inline bool
expr_is_hop(struct span word)
{
	return (span_ieq(word, SPAN("close")) ||
	    span_ieq(word, SPAN("keep-alive")));
}

bool expr_hides_all(const struct http_hdr *);
static inline bool
expr_hides(const struct http_hdr *h)
{
	return (__builtin_expect(h->id == HTTP_CONNECTION, 0) &&
	    expr_hides_all(h));
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_set - the indexes of acl_set.h.
 */
#include "acl_set.h"

#include <stdlib.h>

#include <base/must.h>

/* ---- exact ---- */

static uint32_t
text_hash(const struct acl_hash *h, struct span s)
{
	return ((uint32_t)(h->icase ? span_ihash(s) : span_hash(s)));
}

static bool
text_eq(bool icase, struct span a, struct span b)
{
	return (icase ? span_ieq(a, b) : span_eq(a, b));
}

void
acl_hash_build(struct acl_hash *h, struct arena *a, const struct span *key,
    const uint32_t *no, size_t n, bool icase)
{
	size_t cap = 16;

	while (cap < 2 * n)
		cap *= 2;
	h->icase = icase;
	h->mask = (uint32_t)cap - 1;
	h->row = arena_zget(a, cap * sizeof *h->row);
	for (size_t i = 0; i < n; i++) {
		uint32_t hash = text_hash(h, key[i]), at = hash & h->mask;
		uint32_t number = no != NULL ? no[i] : (uint32_t)i;

		while (h->row[at].key.p != NULL &&
		    !text_eq(icase, h->row[at].key, key[i]))
			at = (at + 1) & h->mask;
		if (h->row[at].key.p == NULL || number < h->row[at].no)
			h->row[at] = (struct acl_hash_row){ key[i], hash,
			    number };
	}
	h->n = (uint32_t)n;
}

uint32_t
acl_hash_find(const struct acl_hash *h, struct span s)
{
	uint32_t hash = text_hash(h, s), at = hash & h->mask;

	for (; h->row[at].key.p != NULL; at = (at + 1) & h->mask)
		if (h->row[at].hash == hash &&
		    text_eq(h->icase, h->row[at].key, s))
			return (h->row[at].no);
	return (ACL_MISS);
}

/* ---- prefixes and suffixes ---- */

/* Order of two texts read forwards or backwards, at most `max` bytes. */
static int
text_cmp(struct span a, struct span b, bool icase, bool back)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		uint8_t x = (uint8_t)(back ? a.p[a.n - 1 - i] : a.p[i]);
		uint8_t y = (uint8_t)(back ? b.p[b.n - 1 - i] : b.p[i]);

		if (icase) {
			x = span_lower_tab[x];
			y = span_lower_tab[y];
		}
		if (x != y)
			return (x < y ? -1 : 1);
	}
	return (a.n < b.n ? -1 : a.n > b.n);
}

static bool
text_begins(struct span s, struct span head, bool icase, bool back)
{
	if (s.n < head.n)
		return (false);
	if (back)
		s = span_skip(s, s.n - head.n);
	return (text_eq(icase, span_of(s.p, head.n), head));
}

static const struct acl_prefix *sort_by;        /* qsort has no argument */

static int
row_cmp(const void *a, const void *b)
{
	const struct acl_prefix_row *x = a, *y = b;
	int c = text_cmp(x->key, y->key, sort_by->icase, sort_by->back);

	return (c != 0 ? c : x->no < y->no ? -1 : x->no > y->no);
}

void
acl_prefix_build(struct acl_prefix *x, struct arena *a,
    const struct span *key, const uint32_t *no, size_t n, bool icase,
    bool back)
{
	x->row = arena_get(a, (n + 1) * sizeof *x->row);
	x->n = (uint32_t)n;
	x->icase = icase;
	x->back = back;
	for (size_t i = 0; i < n; i++)
		x->row[i] = (struct acl_prefix_row){ key[i], ACL_MISS,
		    no != NULL ? no[i] : (uint32_t)i };
	sort_by = x;
	qsort(x->row, n, sizeof *x->row, row_cmp);
	for (uint32_t i = 1; i < n; i++) {
		uint32_t p = i - 1;

		while (p != ACL_MISS && !text_begins(x->row[i].key,
		    x->row[p].key, icase, back))
			p = x->row[p].parent;
		x->row[i].parent = p;
		if (p != ACL_MISS && x->row[p].no < x->row[i].no)
			x->row[i].no = x->row[p].no;
	}
}

/* The last key that is not behind `s`: all keys which begin `s` are that one
 * or its parents. */
static uint32_t
last_before(const struct acl_prefix *x, struct span s)
{
	uint32_t lo = 0, hi = x->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (text_cmp(x->row[mid].key, s, x->icase, x->back) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo == 0 ? ACL_MISS : lo - 1);
}

uint32_t
acl_prefix_find(const struct acl_prefix *x, struct span s)
{
	for (uint32_t at = last_before(x, s); at != ACL_MISS;
	    at = x->row[at].parent)
		if (text_begins(s, x->row[at].key, x->icase, x->back))
			return (x->row[at].no);
	return (ACL_MISS);
}

bool
acl_prefix_bounded(const struct acl_prefix *x, struct span s,
    const char *delims)
{
	for (uint32_t at = last_before(x, s); at != ACL_MISS;
	    at = x->row[at].parent) {
		struct span key = x->row[at].key;

		if (text_begins(s, key, x->icase, false) && (key.n == s.n ||
		    (s.p[key.n] != '\0' &&
		    strchr(delims, s.p[key.n]) != NULL)))
			return (true);
	}
	return (false);
}

/* ---- networks ---- */

/* Any address as IPv6, and where its own bits begin. */
static unsigned
as_v6(const struct addr *a, uint8_t ip[16])
{
	if (a->family == ADDR_V6) {
		memcpy(ip, a->ip, 16);
		return (0);
	}
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, a->ip, 4);
	return (96);
}

static void
cut_bits(uint8_t ip[16], unsigned bits)
{
	if (bits >= 128)
		return;
	ip[bits / 8] &= (uint8_t)(0xff00u >> (bits % 8));
	memset(ip + bits / 8 + 1, 0, 15 - bits / 8);
}

static uint32_t
net_hash(const uint8_t ip[16], unsigned bits)
{
	return ((uint32_t)span_hash(span_of((const char *)ip, 16)) ^
	    bits * 0x9e3779b1u);
}

static int
bits_cmp(const void *a, const void *b)
{
	return (*(const uint8_t *)b - *(const uint8_t *)a);
}

void
acl_nets_build(struct acl_nets *x, struct arena *a,
    const struct addr_net *net, size_t n)
{
	bool have[129] = { false };
	size_t cap = 16;

	while (cap < 2 * n)
		cap *= 2;
	x->row = arena_zget(a, cap * sizeof *x->row);
	x->mask = (uint32_t)cap - 1;
	x->n_bits = 0;
	for (size_t i = 0; i < n; i++) {
		struct acl_net_row r = { .used = true };
		uint32_t at;

		r.bits = (uint8_t)(as_v6(&net[i].addr, r.ip) + net[i].bits);
		cut_bits(r.ip, r.bits);
		at = net_hash(r.ip, r.bits) & x->mask;
		while (x->row[at].used)
			at = (at + 1) & x->mask;
		x->row[at] = r;
		if (!have[r.bits])
			x->bits[x->n_bits++] = r.bits;
		have[r.bits] = true;
	}
	qsort(x->bits, x->n_bits, 1, bits_cmp);
}

bool
acl_nets_has(const struct acl_nets *x, const struct addr *a)
{
	uint8_t ip[16];

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (false);
	as_v6(a, ip);
	for (unsigned i = 0; i < x->n_bits; i++) {
		uint32_t at;

		cut_bits(ip, x->bits[i]);       /* longest first */
		at = net_hash(ip, x->bits[i]) & x->mask;
		for (; x->row[at].used; at = (at + 1) & x->mask)
			if (x->row[at].bits == x->bits[i] &&
			    memcmp(x->row[at].ip, ip, 16) == 0)
				return (true);
	}
	return (false);
}

/* ---- numbers ---- */

static int
range_cmp(const void *a, const void *b)
{
	const struct acl_range *x = a, *y = b;

	return (x->lo < y->lo ? -1 : x->lo > y->lo);
}

size_t
acl_ranges_merge(struct acl_range *r, size_t n)
{
	size_t out = 0;

	if (n == 0)
		return (0);
	qsort(r, n, sizeof *r, range_cmp);
	for (size_t i = 1; i < n; i++) {
		if (r[out].hi == INT64_MAX || r[i].lo <= r[out].hi + 1) {
			if (r[i].hi > r[out].hi)
				r[out].hi = r[i].hi;
		} else
			r[++out] = r[i];
	}
	return (out + 1);
}

bool
acl_ranges_has(const struct acl_range *r, size_t n, int64_t v)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v < r[mid].lo)
			hi = mid;
		else if (v > r[mid].hi)
			lo = mid + 1;
		else
			return (true);
	}
	return (false);
}

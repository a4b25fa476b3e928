/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lb_key - the number that stands for a stream: which part of it is looked at
 * (source, uri, url_param, hdr, rdp-cookie, hash), and how that is hashed.
 *
 * Source: configuration manual 4.2, "balance" and "hash-type"; what it leaves
 * open is as HAProxy 2.6 does it (regtests/lb/same_server.test).
 */
#include "lb_int.h"

#include <string.h>

#include <base/hash.h>
#include <base/num.h>

static uint32_t
hash_bytes(const struct lb_hash_cfg *h, struct span key)
{
	uint64_t n;

	switch (h->fn) {
	case LB_DJB2:
		return (hash_djb2(key));
	case LB_CRC32:
		return (hash_crc32(key));
	case LB_NONE:
		return (num_u64(key, &n) ? (uint32_t)n : 0);
	default:
		return (hash_sdbm(key));
	}
}

/* An address as a number: its 32-bit words laid over each other. */
static bool
source_number(struct txn *txn, uint32_t *n)
{
	const struct addr *a = txn_addr(txn, TXN_SRC);
	size_t bytes = a->family == ADDR_V4 ? 4 : 16;

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (false);
	*n = 0;
	for (size_t i = 0; i < bytes; i++)
		*n ^= (uint32_t)a->ip[i] << (24 - i % 4 * 8);
	return (true);
}

/* ---- parts of a request ---- */

/* As many levels of directories as are wanted: up to the slash behind them. */
static struct span
cut_depth(struct span s, uint32_t depth)
{
	uint32_t slashes = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '/' && ++slashes > depth)
			return (span_of(s.p, i));
	return (s);
}

/* Without scheme and host; of "*" nothing. */
static struct span
only_path(const struct http_head *req)
{
	struct http_uri u;

	if (!http_uri_split(req->meth, req->target, &u) ||
	    u.path_query.n == 0 || *u.path_query.p != '/')
		return (SPAN(""));
	return (u.path_query);
}

static bool
uri_key(const struct lb_key_cfg *c, struct txn *txn, struct span *key)
{
	ptrdiff_t at;

	*key = c->path_only ? only_path(txn->req) : txn->req->target;
	if (c->len != 0 && key->n > c->len)
		key->n = c->len;
	if (!c->whole && (at = span_find(*key, '?')) >= 0)
		key->n = (size_t)at;
	if (c->depth != 0)
		*key = cut_depth(*key, c->depth);
	return (true);
}

/* The value of "name=" in "a=b&name=value". */
static bool
find_param(struct span all, struct span name, struct span *value)
{
	struct span part;

	while (span_cut(&all, '&', &part))
		if (part.n > name.n && part.p[name.n] == '=' &&
		    span_begins(part, name)) {
			*value = span_skip(part, name.n + 1);
			return (true);
		}
	return (false);
}

static bool
param_key(const struct lb_key_cfg *c, struct txn *txn, struct span *key)
{
	struct span target = txn->req->target;
	ptrdiff_t at = span_find(target, '?');

	if (at >= 0 && find_param(span_skip(target, (size_t)at + 1), c->name,
	    key))
		return (true);
	if (txn->meth != HTTP_POST || txn->ops->payload == NULL)
		return (false);
	return (find_param(txn->ops->payload(txn, false), c->name, key));
}

/* "shop" of "www.shop.example:80": what is before the last dot. */
static struct span
main_domain(struct span host)
{
	ptrdiff_t end = span_rfind(host, '.'), from;

	if (end <= 0)
		return (host);
	host.n = (size_t)end;
	from = span_rfind(host, '.');
	return (from < 0 ? host : span_skip(host, (size_t)from + 1));
}

/* The first element of the first such header, which may be empty. */
static bool
hdr_key(const struct lb_key_cfg *c, struct txn *txn, struct span *key)
{
	const struct http_hdr *h = http_find(txn->req,
	    http_name_id(c->name), c->name, NULL);
	struct span all;

	if (h == NULL || h->value_n == 0 || *h->value == ',')
		return (false);
	all = span_of(h->value, h->value_n);
	if (!http_list_next(&all, key))
		return (false);
	if (c->domain_only)
		*key = main_domain(*key);
	return (true);
}

/*
 * "Cookie: NAME=VALUE" CR LF in an X.224 connection request.
 * Source: MS-RDPBCGR 2.2.1.1: TPKT header of 4 bytes, X.224 header of 7.
 */
static bool
rdp_key(const struct lb_key_cfg *c, struct txn *txn, struct span *key)
{
	static const struct span intro = { "Cookie:", 7 };
	struct span s = txn->ops->payload == NULL ? SPAN_NONE :
	    txn->ops->payload(txn, false), line;

	if (s.n < 12 || s.p[0] != 3 || ((uint8_t)s.p[5] & 0xf0) != 0xe0)
		return (false);
	s = span_skip(s, 11);
	if (!span_cut(&s, '\r', &line) || line.n < intro.n ||
	    !span_ieq(span_of(line.p, intro.n), intro))
		return (false);
	line = span_trim(span_skip(line, intro.n));
	if (line.n <= c->name.n || line.p[c->name.n] != '=' ||
	    !span_ieq(span_of(line.p, c->name.n), c->name))
		return (false);
	*key = span_skip(line, c->name.n + 1);
	return (key->n != 0);
}

/* ---- any sample ---- */

/* A number is hashed as eight bytes, the highest first. */
static uint32_t
hash_number(const struct lb_hash_cfg *h, int64_t n)
{
	char b[8];

	if (h->fn == LB_NONE)
		return ((uint32_t)n);
	for (int i = 0; i < 8; i++)
		b[i] = (char)((uint64_t)n >> (56 - 8 * i));
	return (hash_bytes(h, span_of(b, sizeof b)));
}

static bool
expr_hash(const struct lb_key_cfg *c, const struct lb_hash_cfg *h,
    struct txn *txn, uint32_t *hash)
{
	struct smp s;

	if (!expr_eval(c->expr, txn, &s))
		return (false);
	switch (s.type) {
	case SMP_BOOL:
	case SMP_INT:
		*hash = hash_number(h, s.num);
		return (true);
	case SMP_ADDR:
	case SMP_V4:
	case SMP_V6:
		*hash = hash_bytes(h, span_of((const char *)s.addr.ip,
		    s.addr.family == ADDR_V4 ? 4 : 16));
		return (true);
	default:
		*hash = hash_bytes(h, s.str);
		return (true);
	}
}

static bool
text_key(const struct lb_key_cfg *c, struct txn *txn, struct span *key)
{
	if (c->key == LB_KEY_RDP)
		return (rdp_key(c, txn, key));
	if (txn->req == NULL)
		return (false);
	switch (c->key) {
	case LB_KEY_URI:
		return (uri_key(c, txn, key));
	case LB_KEY_PARAM:
		return (param_key(c, txn, key));
	case LB_KEY_HDR:
		return (hdr_key(c, txn, key));
	default:
		return (false);
	}
}

bool
lb_key_hash(const struct be *be, struct txn *txn, uint32_t *hash)
{
	const struct lb_key_cfg *c = lb_key_of(be);
	const struct lb_hash_cfg *h = lb_hash_of(be);
	struct span key;

	if (txn == NULL)
		return (false);
	switch (c->key) {
	case LB_KEY_SOURCE:
		if (!source_number(txn, hash))
			return (false);
		break;
	case LB_KEY_EXPR:
		if (!expr_hash(c, h, txn, hash))
			return (false);
		break;
	default:
		if (!text_key(c, txn, &key))
			return (false);
		*hash = hash_bytes(h, key);
	}
	if (h->avalanche)
		*hash = hash_avalanche(*hash);
	return (true);
}

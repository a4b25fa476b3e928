/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_url - samples made of the target, of all headers, and of the body.
 *
 * Source: configuration manual 7.3.6; SPOE manual 3.1 (integers of variable
 * length).
 */
#include "fetch_int.h"

#include <base/hash.h>
#include <base/must.h>
#include <base/num.h>

/* ---- target ---- */

/* The Host header and the path behind it: what base32 hashes. */
static bool
base_of(struct txn *t, bool query, struct span *out)
{
	struct span host, path;
	struct http_uri u;
	char *p;

	if (txn_req(t) == NULL ||
	    !http_uri_split(t->req->meth, t->req->target, &u))
		return (false);
	path = query ? u.path_query : u.path;
	if (path.n == 0 || *path.p != '/')
		path = SPAN("");
	host = http_get(t->req, HTTP_HOST);
	if (host.p == NULL) {
		*out = path;
		return (path.n != 0);
	}
	if ((p = arena_get(t->arena, host.n + path.n + 1)) == NULL)
		return (false);
	memcpy(p, host.p, host.n);
	memcpy(p + host.n, path.p, path.n);
	*out = span_of(p, host.n + path.n);
	return (true);
}

static bool
fetch_baseq(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (base_of(t, true, &s->str));
}

static bool
hash_of(struct txn *t, bool url, uint32_t *hash)
{
	struct span text;

	if (txn_req(t) == NULL)
		return (false);
	if (!base_of(t, url, &text))
		text = SPAN("");
	*hash = hash_avalanche(hash_sdbm(text));
	return (true);
}

/* The hash and the client's address behind it. */
static bool
with_src(struct txn *t, bool url, struct smp *s)
{
	const struct addr *a = txn_addr(t, TXN_SRC);
	size_t n = a->family == ADDR_V4 ? 4 : a->family == ADDR_V6 ? 16 : 0;
	uint32_t h;
	char *p;

	if (n == 0 || !hash_of(t, url, &h) ||
	    (p = arena_get(t->arena, 4 + n)) == NULL)
		return (false);
	for (int i = 0; i < 4; i++)
		p[i] = (char)(h >> (24 - 8 * i));
	memcpy(p + 4, a->ip, n);
	s->str = span_of(p, 4 + n);
	return (true);
}

static bool
fetch_base32(struct txn *t, const struct arg *arg, struct smp *s)
{
	uint32_t h;

	(void)arg;
	if (!hash_of(t, false, &h))
		return (false);
	s->num = h;
	return (true);
}

static bool
fetch_url32(struct txn *t, const struct arg *arg, struct smp *s)
{
	uint32_t h;

	(void)arg;
	if (!hash_of(t, true, &h))
		return (false);
	s->num = h;
	return (true);
}

static bool
fetch_base32_src(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (with_src(t, false, s));
}

static bool
fetch_url32_src(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (with_src(t, true, s));
}

/* "host:port" of a target that has them. */
static bool
authority(struct txn *t, struct span *host, struct span *port)
{
	struct http_uri u;
	ptrdiff_t at;

	if (txn_req(t) == NULL ||
	    !http_uri_split(t->req->meth, t->req->target, &u) ||
	    u.authority.n == 0)
		return (false);
	*host = u.authority;
	*port = SPAN_NONE;
	if ((at = span_rfind(*host, '@')) >= 0)
		*host = span_skip(*host, (size_t)at + 1);
	at = span_rfind(*host, ':');
	if (at >= 0 && span_find(span_skip(*host, (size_t)at), ']') < 0) {
		*port = span_skip(*host, (size_t)at + 1);
		host->n = (size_t)at;
	}
	return (true);
}

static bool
fetch_url_ip(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span host, port;

	(void)arg;
	s->type = SMP_STR;
	if (!authority(t, &host, &port))
		return (false);
	s->str = host;
	return (smp_cast(t, s, SMP_V4));
}

static bool
fetch_url_port(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span host, port;
	uint64_t n;

	(void)arg;
	if (!authority(t, &host, &port))
		return (false);
	s->num = port.n != 0 && num_u64(port, &n) && n < 65536 ?
	    (int64_t)n : 80;
	return (true);
}

/* ---- all headers ---- */

#define EACH_HEADER(it, head)                                                \
	for (const struct http_hdr *it = (head)->hdr;                        \
	    it < (head)->hdr + (head)->n; it++)                              \
		if (it->name != NULL && !expr_hides(it))

static char *
put_lower(char *p, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*p++ = (char)span_lower_tab[(uint8_t)from[i]];
	return (p);
}

static bool
hdr_names(const struct http_head *h, const struct arg *arg, struct txn *t,
    struct smp *s)
{
	char delim = arg[0].type == ARG_STR && arg[0].str.n != 0 ?
	    *arg[0].str.p : ',';
	size_t n = 0;
	char *p;

	if (h == NULL)
		return (false);
	EACH_HEADER(x, h)
		n += x->name_n + 1u;
	if ((p = arena_get(t->arena, n + 1)) == NULL)
		return (false);
	s->str = span_of(p, n != 0 ? n - 1 : 0);
	EACH_HEADER(x, h) {
		p = put_lower(p, x->name, x->name_n);
		*p++ = delim;
	}
	return (true);
}

static bool
hdrs(const struct http_head *h, struct txn *t, struct smp *s)
{
	size_t n = 2;
	char *p;

	if (h == NULL)
		return (false);
	EACH_HEADER(x, h)
		n += x->name_n + x->value_n + 4u;
	if ((p = arena_get(t->arena, n)) == NULL)
		return (false);
	s->str = span_of(p, n);
	EACH_HEADER(x, h) {
		p = put_lower(p, x->name, x->name_n);
		*p++ = ':';
		*p++ = ' ';
		memcpy(p, x->value, x->value_n);
		p += x->value_n;
		*p++ = '\r';
		*p++ = '\n';
	}
	*p++ = '\r';
	*p++ = '\n';
	return (true);
}

static char *
put_varint(char *p, uint64_t v)
{
	if (v < 240) {
		*p++ = (char)v;
		return (p);
	}
	*p++ = (char)(v | 240);
	for (v = (v - 240) >> 4; v >= 128; v = (v - 128) >> 7)
		*p++ = (char)(v | 128);
	*p++ = (char)v;
	return (p);
}

#define VARINT_MAX 10

static bool
hdrs_bin(const struct http_head *h, struct txn *t, struct smp *s)
{
	size_t n = 2;
	char *p, *from;

	if (h == NULL)
		return (false);
	EACH_HEADER(x, h)
		n += x->name_n + x->value_n + 2u * VARINT_MAX;
	if ((p = from = arena_get(t->arena, n)) == NULL)
		return (false);
	EACH_HEADER(x, h) {
		p = put_varint(p, x->name_n);
		p = put_lower(p, x->name, x->name_n);
		p = put_varint(p, x->value_n);
		memcpy(p, x->value, x->value_n);
		p += x->value_n;
	}
	*p++ = 0;
	*p++ = 0;
	s->str = span_of(from, (size_t)(p - from));
	return (true);
}

/* ---- body ---- */

static struct span
body_of(struct txn *t, bool response)
{
	if (!t->is_http || t->ops == NULL || t->ops->payload == NULL ||
	    (response ? t->res : t->req) == NULL)
		return (SPAN_NONE);
	return (t->ops->payload(t, response));
}

static bool
body(struct txn *t, bool response, struct smp *s)
{
	s->str = body_of(t, response);
	if (s->str.p == NULL)
		s->str = SPAN("");
	return (t->is_http && (response ? t->res : t->req) != NULL);
}

static bool
body_len(struct txn *t, bool response, struct smp *s)
{
	s->num = (int64_t)body_of(t, response).n;
	return (t->is_http && (response ? t->res : t->req) != NULL);
}

static bool
body_size(struct txn *t, bool response, struct smp *s)
{
	const struct http_head *h = response ? t->res : txn_req(t);

	if (h == NULL)
		return (false);
	s->num = h->body == HTTP_LENGTH ? (int64_t)h->length :
	    (int64_t)body_of(t, response).n;
	return (true);
}

/* One "name=value" of a form that was posted. */
static bool
fetch_body_param(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span all = body_of(t, false), part;
	ptrdiff_t eq;

	s->more = false;
	for (size_t i = s->it[0]; i < all.n; i += part.n + 1) {
		struct span name;

		part = span_of(all.p + i, 0);
		while (i + part.n < all.n && part.p[part.n] != '&')
			part.n++;
		if ((eq = span_find(part, '=')) < 0)
			continue;
		name = span_of(part.p, (size_t)eq);
		if (arg[0].type == ARG_STR && !(arg[1].type == ARG_STR ?
		    span_ieq(name, arg[0].str) : span_eq(name, arg[0].str)))
			continue;
		s->str = span_skip(part, (size_t)eq + 1);
		s->it[0] = (uint32_t)(i + part.n + 1);
		s->more = s->each && s->it[0] < all.n;
		return (true);
	}
	return (false);
}

static bool
check_flag(struct arg *arg, const char **err)
{
	*err = "the second argument can only be 'i', for any case";
	return (arg[1].type != ARG_STR || span_is(arg[1].str, "i"));
}

#define BOTH(kind, call_req, call_res)                                       \
static bool                                                                  \
fetch_req_##kind(struct txn *t, const struct arg *arg, struct smp *s)        \
{                                                                            \
	(void)arg;                                                           \
	return (call_req);                                                   \
}                                                                            \
static bool                                                                  \
fetch_res_##kind(struct txn *t, const struct arg *arg, struct smp *s)        \
{                                                                            \
	(void)arg;                                                           \
	return (call_res);                                                   \
}

BOTH(hdr_names, hdr_names(txn_req(t), arg, t, s), hdr_names(t->res, arg, t, s))
BOTH(hdrs, hdrs(txn_req(t), t, s), hdrs(t->res, t, s))
BOTH(hdrs_bin, hdrs_bin(txn_req(t), t, s), hdrs_bin(t->res, t, s))
BOTH(body, body(t, false, s), body(t, true, s))
BOTH(body_len, body_len(t, false, s), body_len(t, true, s))
BOTH(body_size, body_size(t, false, s), body_size(t, true, s))

/* ---- rows ---- */

#define IN_RES (SMP_RESPONSE | SMP_AT(CHECK))
#define IN_REQ SMP_REQUEST
#define SIDE_IN_REQ "quest"
#define SIDE_IN_RES "sponse"
#define ROW(ident, word, args_, type, at, fn, doc_, ...)                     \
FETCH(ident) = {                                                             \
	.name = word, .args = args_, .out = type, .stages = at, .run = fn,   \
	.doc = doc_,                                                         \
	.example = "http-re" SIDE_##at " set-header X-V %[" word "]",        \
	__VA_ARGS__                                                          \
}

ROW(baseq, "baseq", "", SMP_STR, IN_REQ, fetch_baseq,
    "The first Host header, the path and the query string, joined.");
ROW(base32, "base32", "", SMP_INT, IN_REQ, fetch_base32,
    "A hash of 32 bits of base.");
ROW(base32_src, "base32+src", "", SMP_BIN, IN_REQ, fetch_base32_src,
    "base32 in 4 bytes and the client's address behind it.");
ROW(url32, "url32", "", SMP_INT, IN_REQ, fetch_url32,
    "A hash of 32 bits of the first Host header and the whole target.");
ROW(url32_src, "url32+src", "", SMP_BIN, IN_REQ, fetch_url32_src,
    "url32 in 4 bytes and the client's address behind it.");
ROW(url_ip, "url_ip", "", SMP_V4, IN_REQ, fetch_url_ip,
    "The address in a target as 'http://192.0.2.1:81/'.");
ROW(url_port, "url_port", "", SMP_INT, IN_REQ, fetch_url_port,
    "The port in such a target; 80 when it has none.");
#define NAMES_DOC(what) "The names of all headers of the " what ", with "     \
	"<delim>, or a comma, between them."
ROW(req_hdr_names, "req.hdr_names", "str delim=", SMP_STR, IN_REQ,
    fetch_req_hdr_names, NAMES_DOC("request"));
ROW(res_hdr_names, "res.hdr_names", "str delim=", SMP_STR, IN_RES,
    fetch_res_hdr_names, NAMES_DOC("response"));
#define HDRS_DOC(what) "All headers of the " what ", a line each, names in "  \
	"lower case, and the empty line behind them."
ROW(req_hdrs, "req.hdrs", "", SMP_BIN, IN_REQ, fetch_req_hdrs,
    HDRS_DOC("request"));
ROW(res_hdrs, "res.hdrs", "", SMP_BIN, IN_RES, fetch_res_hdrs,
    HDRS_DOC("response"));
#define BIN_DOC(what) "All headers of the " what ": length and bytes of each "\
	"name and value, lengths as SPOE writes them, and two zeros."
ROW(req_hdrs_bin, "req.hdrs_bin", "", SMP_BIN, IN_REQ,
    fetch_req_hdrs_bin, BIN_DOC("request"));
ROW(res_hdrs_bin, "res.hdrs_bin", "", SMP_BIN, IN_RES, fetch_res_hdrs_bin,
    BIN_DOC("response"));
#define BODY_DOC(what) "What has arrived of the body of the " what "."
ROW(req_body, "req.body", "", SMP_BIN, IN_REQ, fetch_req_body,
    BODY_DOC("request"), .fresh = true);
ROW(res_body, "res.body", "", SMP_BIN, IN_RES, fetch_res_body,
    BODY_DOC("response"), .fresh = true);
#define LEN_DOC(what) "How many bytes have arrived of the body of the " what "."
ROW(req_body_len, "req.body_len", "", SMP_INT, IN_REQ,
    fetch_req_body_len, LEN_DOC("request"), .fresh = true);
ROW(res_body_len, "res.body_len", "", SMP_INT, IN_RES, fetch_res_body_len,
    LEN_DOC("response"), .fresh = true);
#define SIZE_DOC(what) "The length of the body of the " what                  \
	" as announced, else how many bytes have arrived."
ROW(req_body_size, "req.body_size", "", SMP_INT, IN_REQ,
    fetch_req_body_size, SIZE_DOC("request"), .fresh = true);
ROW(res_body_size, "res.body_size", "", SMP_INT, IN_RES,
    fetch_res_body_size, SIZE_DOC("response"), .fresh = true);
ROW(body_param, "req.body_param", "str name=, str flag=", SMP_BIN,
    IN_REQ, fetch_body_param,
    "A value of a form that was posted, as far as it has arrived; 'i' as "
    "<flag> ignores the case of the name.", .list = true, .fresh = true,
    .check = check_flag);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_cookie - samples from Cookie and Set-Cookie headers.
 *
 * Source: configuration manual 7.3.6; RFC 6265 section 4.
 */
#include <expr/expr.h>

#include <base/must.h>

/* The end of a cookie: ';' or ',' that is not in quotes, though RFC 6265 has
 * neither quotes nor commas: older ones had. */
static struct span
take_pair(struct span *rest, bool response)
{
	bool quoted = false;
	size_t n = 0;
	struct span one;

	while (n < rest->n && (quoted || (rest->p[n] != ';' &&
	    (response || rest->p[n] != ',')))) {
		if (rest->p[n] == '"')
			quoted = !quoted;
		n++;
	}
	one = span_of(rest->p, n);
	*rest = n < rest->n ? span_skip(*rest, n + 1) : SPAN_NONE;
	return (one);
}

/*
 * A position: it[0] counts from 1 the header, it[1] is the offset behind what
 * was taken of it. A Set-Cookie header has one cookie, with attributes behind.
 */
static bool
next_pair(const struct http_head *h, bool response, uint32_t it[3],
    struct span *name, struct span *value)
{
	enum http_name id = response ? HTTP_SET_COOKIE : HTTP_COOKIE;
	const struct http_hdr *hdr = it[0] != 0 ? &h->hdr[it[0] - 1] : NULL;
	struct span rest, one;
	ptrdiff_t eq;

	for (;;) {
		while (hdr != NULL && it[1] < hdr->value_n) {
			rest = span_of(hdr->value + it[1],
			    hdr->value_n - it[1]);
			one = take_pair(&rest, response);
			it[1] = rest.p == NULL || response ? hdr->value_n :
			    (uint32_t)(rest.p - hdr->value);
			one = span_trim(one);
			if ((eq = span_find(one, '=')) < 0)
				continue;
			*name = span_trim(span_of(one.p, (size_t)eq));
			if (!response && name->n != 0 && *name->p == '$')
				continue;       /* of a cookie, none itself */
			*value = span_trim(span_skip(one, (size_t)eq + 1));
			return (true);
		}
		hdr = http_find(h, id, SPAN_NONE, hdr);
		if (hdr == NULL)
			return (false);
		it[0] = (uint32_t)(hdr - h->hdr) + 1;
		it[1] = 0;
	}
}

static bool
next_cookie(const struct http_head *h, bool response, const struct arg *arg,
    uint32_t it[3], struct span *value)
{
	struct span name;

	while (next_pair(h, response, it, &name, value))
		if (arg[0].type != ARG_STR || span_eq(name, arg[0].str))
			return (true);
	return (false);
}

static bool
cookie(const struct http_head *h, bool response, const struct arg *arg,
    struct smp *s)
{
	uint32_t ahead[3];
	struct span more;

	s->more = false;
	if (h == NULL || !next_cookie(h, response, arg, s->it, &s->str))
		return (false);
	memcpy(ahead, s->it, sizeof ahead);
	while (next_cookie(h, response, arg, ahead, &more)) {
		if (s->each) {
			s->more = true;
			return (true);
		}
		if (arg[0].type != ARG_STR)
			break;
		s->str = more;          /* of one name the last counts */
	}
	return (true);
}

static bool
count(const struct http_head *h, bool response, const struct arg *arg,
    struct smp *s)
{
	uint32_t it[3] = { 0, 0, 0 };
	struct span value;

	if (h == NULL)
		return (false);
	for (s->num = 0; next_cookie(h, response, arg, it, &value); s->num++)
		;
	return (true);
}

static bool
as_number(const struct http_head *h, bool response, const struct arg *arg,
    struct txn *t, struct smp *s)
{
	bool more;

	if (!cookie(h, response, arg, s))
		return (false);
	more = s->more;
	s->type = SMP_STR;
	if (!smp_cast(t, s, SMP_INT)) {
		s->type = SMP_INT;      /* as HAProxy reads no number */
		s->num = 0;
	}
	s->more = more;
	return (true);
}

/* All names with one character between them. */
static bool
names(const struct http_head *h, bool response, const struct arg *arg,
    struct txn *t, struct smp *s)
{
	char delim = arg[0].type == ARG_STR && arg[0].str.n != 0 ?
	    *arg[0].str.p : ',';
	uint32_t it[3] = { 0, 0, 0 };
	struct span name, value;
	size_t n = 0;
	char *p;

	if (h == NULL)
		return (false);
	while (next_pair(h, response, it, &name, &value))
		n += name.n + 1;
	if ((p = arena_get(t->arena, n + 1)) == NULL)
		return (false);
	s->str = span_of(p, n != 0 ? n - 1 : 0);
	it[0] = it[1] = 0;
	while (next_pair(h, response, it, &name, &value)) {
		memcpy(p, name.p, name.n);
		p += name.n;
		*p++ = delim;
	}
	return (true);
}

#define BOTH(kind, call_req, call_res)                                       \
static bool                                                                  \
fetch_req_##kind(struct txn *t, const struct arg *arg, struct smp *s)        \
{                                                                            \
	return (call_req);                                                   \
}                                                                            \
static bool                                                                  \
fetch_res_##kind(struct txn *t, const struct arg *arg, struct smp *s)        \
{                                                                            \
	return (call_res);                                                   \
}

BOTH(cook, cookie(txn_req(t), false, arg, s), cookie(t->res, true, arg, s))
BOTH(cook_cnt, count(txn_req(t), false, arg, s), count(t->res, true, arg, s))
BOTH(cook_val, as_number(txn_req(t), false, arg, t, s),
    as_number(t->res, true, arg, t, s))
BOTH(cook_names, names(txn_req(t), false, arg, t, s),
    names(t->res, true, arg, t, s))

/* cookie(): of the response in its rules, of the request elsewhere. */
static bool
fetch_cookie(struct txn *t, const struct arg *arg, struct smp *s)
{
	bool response = t->stage == TXN_RES || t->stage == TXN_RES_CONTENT;

	return (cookie(response ? t->res : txn_req(t), response, arg, s));
}

#define IN_RES (SMP_RESPONSE | SMP_AT(CHECK))
#define IN_REQ SMP_REQUEST
#define IN_BOTH (IN_REQ | IN_RES)
#define SIDE_IN_REQ  "quest"
#define SIDE_IN_RES  "sponse"
#define SIDE_IN_BOTH SIDE_IN_REQ
#define COOKIE(ident, word, fn, type, at, doc_, ...)                         \
FETCH(ident) = {                                                             \
	.name = word, .args = "str name=", .out = type, .stages = at,        \
	.run = fn, .doc = doc_,                                              \
	.example = "http-re" SIDE_##at " set-header X-C %[" word "(SID)]",   \
	__VA_ARGS__                                                          \
}
#define REQ_DOC "The value of a cookie of the request: in conditions each, "  \
	"elsewhere the last. Without a name any cookie, first the first."
#define RES_DOC "The value of a cookie that the response sets, as req.cook."
#define LIST .list = true
COOKIE(req_cook, "req.cook", fetch_req_cook, SMP_STR, IN_REQ, REQ_DOC,
    LIST);
COOKIE(cook, "cook", fetch_req_cook, SMP_STR, IN_REQ, REQ_DOC, LIST,
    .acl = SMP_ACL_ALL, .acl_fetch = "req.cook");
COOKIE(cookie, "cookie", fetch_cookie, SMP_STR, IN_BOTH,
    "As res.cook in rules for responses, as req.cook elsewhere.", LIST);
COOKIE(res_cook, "res.cook", fetch_res_cook, SMP_STR, IN_RES, RES_DOC, LIST);
COOKIE(scook, "scook", fetch_res_cook, SMP_STR, IN_RES, RES_DOC, LIST,
    .acl = SMP_ACL_ALL, .acl_fetch = "res.cook");
#define CNT_DOC(what) "How many cookies of that name, or at all, " what "."
COOKIE(req_cook_cnt, "req.cook_cnt", fetch_req_cook_cnt, SMP_INT,
    IN_REQ, CNT_DOC("the request has"));
COOKIE(cook_cnt, "cook_cnt", fetch_req_cook_cnt, SMP_INT, IN_REQ,
    CNT_DOC("the request has"));
COOKIE(res_cook_cnt, "res.cook_cnt", fetch_res_cook_cnt, SMP_INT, IN_RES,
    CNT_DOC("the response sets"));
COOKIE(scook_cnt, "scook_cnt", fetch_res_cook_cnt, SMP_INT, IN_RES,
    CNT_DOC("the response sets"));
#define VAL_DOC "The value of a cookie as a number, as "
COOKIE(req_cook_val, "req.cook_val", fetch_req_cook_val, SMP_INT,
    IN_REQ, VAL_DOC "req.cook.", LIST);
COOKIE(cook_val, "cook_val", fetch_req_cook_val, SMP_INT, IN_REQ,
    VAL_DOC "req.cook.", LIST);
COOKIE(res_cook_val, "res.cook_val", fetch_res_cook_val, SMP_INT, IN_RES,
    VAL_DOC "res.cook.", LIST);
COOKIE(scook_val, "scook_val", fetch_res_cook_val, SMP_INT, IN_RES,
    VAL_DOC "res.cook.", LIST);

#define NAMES(ident, word, fn, at, what)                                     \
FETCH(ident) = {                                                             \
	.name = word, .args = "str delim=", .out = SMP_STR, .stages = at,    \
	.run = fn,                                                           \
	.doc = "The names of all cookies that " what ", with <delim>, or a " \
	    "comma, between them.",                                          \
	.example = "http-re" SIDE_##at " set-header X-Names %[" word "]",    \
}
NAMES(req_cook_names, "req.cook_names", fetch_req_cook_names, IN_REQ,
    "the request has");
NAMES(res_cook_names, "res.cook_names", fetch_res_cook_names, IN_RES,
    "the response sets");

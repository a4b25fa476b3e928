/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_http - samples from the request and the response.
 *
 * Source: configuration manual 7.3.6.
 */
#include "fetch_int.h"

#include <base/must.h>
#include <base/num.h>

/* ---- target ---- */

static bool
set_str(struct smp *s, struct span text)
{
	s->str = text;
	return (text.p != NULL);
}

static bool
uri_of(struct txn *t, struct http_uri *u)
{
	return (txn_req(t) != NULL &&
	    http_uri_split(t->req->meth, t->req->target, u));
}

static struct span
path_of(struct txn *t)
{
	struct http_uri u;
	struct span s;
	const char *mark;

	if (txn_req(t) == NULL)
		return (SPAN_NONE);
	s = t->req->target;
	if (s.n != 0 && *s.p == '/') {          /* nearly always */
		mark = memchr(s.p, '?', s.n);
		return (span_of(s.p, mark != NULL ? (size_t)(mark - s.p) :
		    s.n));
	}
	if (!uri_of(t, &u) || u.path.n == 0 || *u.path.p != '/')
		return (SPAN_NONE);
	return (u.path);
}

static bool
fetch_path(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (set_str(s, path_of(t)));
}

static bool
fetch_pathq(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct http_uri u;

	(void)arg;
	if (!uri_of(t, &u) || u.path.n == 0 || *u.path.p != '/')
		return (false);
	return (set_str(s, u.path_query));
}

static bool
fetch_query(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct http_uri u;

	if (!uri_of(t, &u) || u.query.p == NULL)
		return (false);
	if (arg[0].type == ARG_ENUM && u.query.n != 0)
		u.query = span_of(u.query.p - 1, u.query.n + 1);
	return (set_str(s, u.query));
}

static bool
fetch_url(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (txn_req(t) != NULL && set_str(s, t->req->target));
}

static bool
fetch_base(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span host, path = path_of(t);
	char *p;

	(void)arg;
	if (txn_req(t) == NULL)
		return (false);
	host = http_get(t->req, HTTP_HOST);
	if (host.p == NULL)
		return (set_str(s, path));
	if ((p = arena_get(t->arena, host.n + path.n + 1)) == NULL)
		return (false);
	memcpy(p, host.p, host.n);
	if (path.n != 0)
		memcpy(p + host.n, path.p, path.n);
	return (set_str(s, span_of(p, host.n + path.n)));
}

/* One "name=value" of the query; without a name each in turn. */
static bool
fetch_url_param(struct txn *t, const struct arg *arg, struct smp *s)
{
	char delim = arg[1].type == ARG_STR && arg[1].str.n != 0 ?
	    *arg[1].str.p : '?';
	struct span all, part;
	ptrdiff_t at;
	size_t i;

	s->more = false;
	if (txn_req(t) == NULL || (at = span_find(t->req->target, delim)) < 0)
		return (false);
	all = span_skip(t->req->target, (size_t)at + 1);
	for (i = s->it[0]; i <= all.n; i += part.n + 1) {
		struct span value;

		part = span_of(all.p + i, 0);
		while (i + part.n < all.n && part.p[part.n] != '&' &&
		    part.p[part.n] != ';' && part.p[part.n] != delim)
			part.n++;
		if ((at = span_find(part, '=')) < 0)
			continue;
		value = span_skip(part, (size_t)at + 1);
		if (arg[0].type == ARG_STR) {
			struct span name = span_of(part.p, (size_t)at);

			if (!(arg[2].type == ARG_STR ? span_ieq(name,
			    arg[0].str) : span_eq(name, arg[0].str)))
				continue;
		}
		s->it[0] = (uint32_t)(i + part.n + 1);
		s->more = s->each && s->it[0] <= all.n;
		return (set_str(s, value));
	}
	return (false);
}

static bool
check_param(struct arg *arg, const char **err)
{
	*err = "the third argument can only be 'i', for any case";
	return (arg[2].type != ARG_STR || span_is(arg[2].str, "i"));
}

static bool
fetch_urlp_val(struct txn *t, const struct arg *arg, struct smp *s)
{
	bool more;

	if (!fetch_url_param(t, arg, s))
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

/* ---- method, version, status ---- */

static bool
fetch_method(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct http_head *sniffed;

	(void)arg;
	if (!t->is_http) {
		if ((sniffed = txn_req(t)) == NULL)
			return (false);
		s->meth = sniffed->meth;
		return (set_str(s, sniffed->method));
	}
	/* the one that came, also after set-method, as in the reference */
	s->meth = t->meth;
	if (t->meth != HTTP_METH_OTHER)
		return (set_str(s, http_meth_text(t->meth)));
	return (set_str(s, t->req != NULL ? t->req->method :
	    t->method_text));
}

static bool
version_of(const struct http_head *h, struct smp *s)
{
	static const struct span text[] = { { "1.0", 3 }, { "1.1", 3 },
	    { "2.0", 3 }, { "3.0", 3 } };

	if (h == NULL)
		return (false);
	s->constant = true;
	return (set_str(s, h->major == 1 ? text[h->minor != 0] :
	    h->major == 2 ? text[2] : text[3]));
}

static bool
fetch_req_ver(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (version_of(txn_req(t), s));
}

static bool
fetch_res_ver(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (version_of(t->res, s));
}

static bool
fetch_status(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->res != NULL ? t->res->status : t->status;
	return (s->num != 0);
}

static bool
fetch_proto_http(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = txn_req(t) != NULL || (t->is_http && t->uri.p != NULL);
	s->waits = t->head_waits;       /* told here, and by nobody else */
	t->head_waits = false;
	return (s->num != 0);
}

static bool
fetch_first_req(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->first;
	return (t->is_http);
}

/* ---- headers ---- */

static bool
check_name(struct arg *arg, const char **err)
{
	(void)err;
	if (arg[0].type == ARG_STR)
		arg[0].num = http_name_id(arg[0].str);
	return (true);
}

bool
expr_hides_all(const struct http_hdr *h)
{
	struct span rest = span_of(h->value, h->value_n), word;

	while (span_cut(&rest, ',', &word))
		if (!expr_is_hop(span_trim(word)))
			return (false);
	return (true);
}

static const struct http_hdr *
next_hdr(const struct http_head *h, const struct arg *arg,
    const struct http_hdr *prev)
{
	if (arg[0].type == ARG_STR) {
		do {
			prev = http_find(h, (enum http_name)arg[0].num,
			    arg[0].str, prev);
		} while (prev != NULL && expr_hides(prev));
		return (prev);
	}
	prev = prev == NULL ? h->hdr : prev + 1;
	while (prev < h->hdr + h->n && (prev->name == NULL ||
	    expr_hides(prev)))
		prev++;
	return (prev < h->hdr + h->n ? prev : NULL);
}

/* Up to the next comma that is not in quotes, which is taken along; what is
 * between two commas counts as a value, also when it is nothing, and so does
 * what is behind the last (*after). */
static struct span
take_item(struct span *rest, bool *after)
{
	const char *p = rest->p, *end = rest->p + rest->n;
	bool quoted = false;
	struct span item;

	for (; p < end && (quoted || *p != ','); p++) {
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	item = span_of(rest->p, (size_t)(p - rest->p));
	*after = p + 1 == end;
	*rest = span_skip(*rest, item.n + (p < end));
	return (item);
}

/*
 * A position in a list of header values: it[0] counts from 1 the header, it[1]
 * is the offset behind the value taken last, it[2] that an empty one follows.
 * `full`: the comma means nothing.
 */
static bool
next_value(const struct http_head *h, const struct arg *arg, bool full,
    uint32_t it[3], struct span *out)
{
	const struct http_hdr *hdr = it[0] != 0 ? &h->hdr[it[0] - 1] : NULL;
	struct span rest;
	bool after;

	for (;;) {
		if (it[2] != 0) {
			it[2] = 0;
			*out = SPAN("");
			return (true);
		}
		if (hdr != NULL && !full && it[1] < hdr->value_n) {
			rest = span_of(hdr->value + it[1],
			    hdr->value_n - it[1]);
			if (memchr(rest.p, ',', rest.n) == NULL) {
				it[1] = hdr->value_n;
				*out = span_trim(rest);
				if (hdr->id == HTTP_CONNECTION &&
				    expr_is_hop(*out))
					continue;
				return (true);
			}
			*out = span_trim(take_item(&rest, &after));
			it[1] = (uint32_t)(rest.p - hdr->value);
			it[2] = after;                  /* "a,": one more */
			if (hdr->id == HTTP_CONNECTION && expr_is_hop(*out))
				continue;
			return (true);
		}
		if ((hdr = next_hdr(h, arg, hdr)) == NULL)
			return (false);
		it[0] = (uint32_t)(hdr - h->hdr) + 1;
		it[1] = 0;
		if (full || hdr->value_n == 0) {
			it[1] = hdr->value_n;
			*out = span_of(hdr->value, hdr->value_n);
			return (true);
		}
	}
}

/* The occ-th value from the front (1…) or the back (-1…). */
static bool
value_at(const struct http_head *h, const struct arg *arg, bool full,
    int64_t occ, struct span *out)
{
	uint32_t it[3] = { 0, 0, 0 };
	struct span last[10], one;
	int64_t n = 0;

	while (next_value(h, arg, full, it, &one)) {
		last[n++ % 10] = one;
		if (n == occ)
			break;
	}
	if (occ > 0 ? n != occ : n < -occ)
		return (false);
	*out = last[(occ > 0 ? n - 1 : n + occ) % 10];
	return (true);
}

/* The one value of the one header of that name, as it mostly is. */
static bool
only_value(const struct http_head *h, const struct arg *arg, bool full,
    struct span *out)
{
	const struct http_hdr *hdr = arg[0].type != ARG_STR ? NULL :
	    http_find_only(h, (enum http_name)arg[0].num, arg[0].str);

	if (hdr == NULL || expr_hides(hdr) || (!full && hdr->value_n != 0 &&
	    memchr(hdr->value, ',', hdr->value_n) != NULL))
		return (false);
	*out = span_of(hdr->value, hdr->value_n);
	if (!full && hdr->value_n != 0 && (hdr->value[0] <= ' ' ||
	    hdr->value[hdr->value_n - 1] <= ' '))
		*out = span_trim(*out);         /* what a rule put there */
	return (true);
}

static bool
header(const struct http_head *h, const struct arg *arg, bool full,
    struct smp *s)
{
	uint32_t ahead[3];
	struct span ignored;

	s->more = false;
	if (h == NULL)
		return (false);
	if (arg[1].type == ARG_INT && arg[1].num != 0)
		return (value_at(h, arg, full, arg[1].num, &s->str));
	if (s->it[0] == 0 && only_value(h, arg, full, &s->str))
		return (true);
	if (!s->each)
		return (value_at(h, arg, full, -1, &s->str));
	if (!next_value(h, arg, full, s->it, &s->str))
		return (false);
	memcpy(ahead, s->it, sizeof ahead);
	s->more = next_value(h, arg, full, ahead, &ignored);
	return (true);
}

static bool
fetch_req_hdr(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header(txn_req(t), arg, false, s));
}

/* hdr(): the response's in its rules, the request's elsewhere. */
static bool
fetch_hdr(struct txn *t, const struct arg *arg, struct smp *s)
{
	bool response = t->stage == TXN_RES || t->stage == TXN_RES_CONTENT;

	return (header(response ? t->res : txn_req(t), arg, false, s));
}

static bool
fetch_req_fhdr(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header(txn_req(t), arg, true, s));
}

static bool
fetch_res_hdr(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header(t->res, arg, false, s));
}

static bool
fetch_res_fhdr(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header(t->res, arg, true, s));
}

static bool
header_count(const struct http_head *h, const struct arg *arg, bool full,
    struct smp *s)
{
	uint32_t it[3] = { 0, 0, 0 };
	struct span one;

	if (h == NULL)
		return (false);
	for (s->num = 0; next_value(h, arg, full, it, &one); s->num++)
		;
	return (true);
}

static bool
fetch_req_hdr_cnt(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_count(txn_req(t), arg, false, s));
}

static bool
fetch_req_fhdr_cnt(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_count(txn_req(t), arg, true, s));
}

static bool
fetch_res_fhdr_cnt(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_count(t->res, arg, true, s));
}

static bool
fetch_res_hdr_cnt(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_count(t->res, arg, false, s));
}

/* "1.2.3.4:80" and "[::1]" name an address, too; a port behind the latter is
 * none of the forms that the manual has. */
static struct span
bare_address(struct span s)
{
	ptrdiff_t colon = span_rfind(s, ':');
	uint64_t port;

	if (s.n > 2 && *s.p == '[' && s.p[s.n - 1] == ']')
		return (span_of(s.p + 1, s.n - 2));
	if (colon > 0 && span_find(s, ':') == colon &&
	    num_u64(span_skip(s, (size_t)colon + 1), &port) && port <= 65535)
		s.n = (size_t)colon;
	return (s);
}

/* A header's value as a number or address: the text, then its other form. */
static bool
header_as(const struct http_head *h, const struct arg *arg, struct txn *t,
    struct smp *s, enum smp_type type)
{
	bool more;

	if (!header(h, arg, false, s))
		return (false);
	more = s->more;
	s->type = SMP_STR;
	if (type == SMP_ADDR) {
		struct addr_net net;
		bool is = addr_net_parse(bare_address(s->str), &net) &&
		    span_find(s->str, '/') < 0;

		s->addr = net.addr;
		s->type = SMP_ADDR;
		s->more = more;
		return (is);
	}
	if (!smp_cast(t, s, type)) {
		s->type = SMP_INT;      /* as HAProxy reads no number */
		s->num = 0;
	}
	s->more = more;
	return (true);
}

static bool
fetch_req_hdr_ip(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_as(txn_req(t), arg, t, s, SMP_ADDR));
}

static bool
fetch_req_hdr_val(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_as(txn_req(t), arg, t, s, SMP_INT));
}

static bool
fetch_res_hdr_ip(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_as(t->res, arg, t, s, SMP_ADDR));
}

static bool
fetch_res_hdr_val(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (header_as(t->res, arg, t, s, SMP_INT));
}

/* ---- kept for the log ---- */

static bool
fetch_cap_uri(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span target = t->uri;
	struct http_uri u;

	(void)arg;
	if (target.p == NULL || !http_uri_split(t->meth, target, &u) ||
	    u.path.n == 0 || *u.path.p != '/')
		return (false);
	return (set_str(s, u.path_query));
}

bool txn_wants_uri;

static bool
want_uri(struct arg *arg, const char **err)
{
	(void)arg;
	(void)err;
	txn_wants_uri = true;
	return (true);
}

static bool
captured(const struct txn_capture *c, const struct arg *arg, struct smp *s)
{
	return ((uint64_t)arg[0].num < c->n &&
	    set_str(s, c->v[arg[0].num]));
}

static bool
fetch_cap_req_ver(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->constant = true;
	return (t->meth != HTTP_METH_OTHER || t->method_text.n != 0 ?
	    set_str(s, t->req_minor == 0 ? SPAN("HTTP/1.0") :
	    SPAN("HTTP/1.1")) : false);
}

static bool
fetch_cap_res_ver(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->constant = true;
	return (t->res_ver != 0 && set_str(s, t->res_ver == 1 ?
	    SPAN("HTTP/1.0") : SPAN("HTTP/1.1")));
}

static bool
fetch_cap_req(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (captured(&t->cap_req, arg, s));
}

static bool
fetch_cap_res(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (captured(&t->cap_res, arg, s));
}

static bool
fetch_unique_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	if (t->uniq_id.p == NULL && txn_make_id != NULL && t->fe != NULL)
		txn_make_id(t);
	return (set_str(s, t->uniq_id));
}

/* ---- rows ---- */

#define IN_RES (SMP_RESPONSE | SMP_AT(CHECK))

FETCH(path) = {
	.name = "path", .args = "", .out = SMP_STR, .stages = SMP_REQUEST,
	.run = fetch_path, .acl = SMP_ACL_ALL,
	.doc = "The path of the request, from its first slash to the question "
	    "mark, which is not part of it.",
	.example = "http-request deny if { path_beg /private/ }",
};
FETCH(pathq) = {
	.name = "pathq", .args = "", .out = SMP_STR, .stages = SMP_REQUEST,
	.run = fetch_pathq,
	.doc = "The path of the request with its query string.",
	.example = "http-request set-header X-Path %[pathq]",
};
FETCH(query) = {
	.name = "query", .args = "enum(with_qm) option=", .out = SMP_STR, .stages = SMP_REQUEST,
	.run = fetch_query,
	.doc = "The query string, without the question mark before it; no "
	    "sample when there is no question mark. With 'with_qm' the mark "
	    "comes along, if anything follows it.",
	.example = "acl debug query -m sub debug=1",
};
FETCH(url) = {
	.name = "url", .args = "", .out = SMP_STR, .stages = SMP_REQUEST,
	.run = fetch_url, .acl = SMP_ACL_ALL,
	.doc = "The request target as it was sent, with scheme and host if it "
	    "has them.",
	.example = "acl absolute url_reg ^[^/:]*://",
};
FETCH(base) = {
	.name = "base", .args = "", .out = SMP_STR, .stages = SMP_REQUEST,
	.run = fetch_base, .acl = SMP_ACL_ALL,
	.doc = "The first Host header and the path, joined.",
	.example = "use_backend docs if { base_beg www.example.org/docs/ }",
};
#define URL_PARAM_DOC "The value of a parameter of the query string, as sent; "\
	"<delim> is the character before the first parameter; 'i' as <flag> "\
	"ignores the case of the name."
FETCH(url_param) = {
	.name = "url_param", .args = "str name=, str delim=, str flag=",
	.check = check_param,
	.out = SMP_STR, .stages = SMP_REQUEST, .run = fetch_url_param,
	.list = true, .doc = URL_PARAM_DOC,
	.example = "acl french url_param(lang) fr",
};
FETCH(urlp) = {
	.name = "urlp", .args = "str name=, str delim=, str flag=",
	.check = check_param,
	.out = SMP_STR, .stages = SMP_REQUEST, .run = fetch_url_param,
	.list = true, .acl = SMP_ACL_ALL, .doc = URL_PARAM_DOC,
	.example = "acl french urlp(lang) fr",
};
FETCH(urlp_val) = {
	.name = "urlp_val", .args = "str name=, str delim=, str flag=",
	.check = check_param, .out = SMP_INT, .stages = SMP_REQUEST,
	.run = fetch_urlp_val, .list = true,
	.doc = "The value of a parameter of the query string as a number.",
	.example = "acl many urlp_val(count) gt 100",
};
FETCH(method) = {
	.name = "method", .args = "", .out = SMP_METH, .stages = SMP_FROM_REQ,
	.run = fetch_method, .acl = SMP_ACL_EXACT,
	.doc = "The method of the request as it came.",
	.example = "acl valid_method method GET HEAD",
};
#define VER_DOC "The version of the request, as in '1.1'."
FETCH(req_ver) = {
	.name = "req.ver", .args = "", .out = SMP_STR, .stages = SMP_FROM_REQ,
	.run = fetch_req_ver, .acl = SMP_ACL_EXACT, .doc = VER_DOC,
	.example = "acl old req.ver 1.0",
};
FETCH(req_ver_old) = {
	.name = "req_ver", .args = "", .out = SMP_STR, .stages = SMP_FROM_REQ,
	.run = fetch_req_ver, .acl = SMP_ACL_EXACT, .doc = VER_DOC,
	.example = "acl old req_ver 1.0",
};
#define RES_VER_DOC "The version of the response, as in '1.1'."
FETCH(res_ver) = {
	.name = "res.ver", .args = "", .out = SMP_STR, .stages = SMP_FROM_RES | SMP_AT(CHECK),
	.run = fetch_res_ver, .acl = SMP_ACL_EXACT, .doc = RES_VER_DOC,
	.example = "http-response set-header X-Old yes if { res.ver 1.0 }",
};
FETCH(resp_ver_old) = {
	.name = "resp_ver", .args = "", .out = SMP_STR, .stages = SMP_FROM_RES | SMP_AT(CHECK),
	.run = fetch_res_ver, .acl = SMP_ACL_EXACT, .doc = RES_VER_DOC,
	.example = "http-response set-header X-Old yes if { resp_ver 1.0 }",
};
FETCH(status) = {
	.name = "status", .args = "", .out = SMP_INT, .stages = SMP_FROM_RES | SMP_AT(CHECK),
	.run = fetch_status,
	.doc = "The status code of the response.",
	.example = "http-response del-header X-Debug if { status 200:299 }",
};
#define PROTO_DOC "True when what came is an HTTP request."
FETCH(proto_http) = {
	.name = "req.proto_http", .args = "", .out = SMP_BOOL,
	.stages = SMP_FROM_REQ, .run = fetch_proto_http,
	.doc = PROTO_DOC,
	.example = "tcp-request content reject if !{ req.proto_http }",
};
FETCH(proto_http_old) = {
	.name = "req_proto_http", .args = "", .out = SMP_BOOL,
	.stages = SMP_FROM_REQ, .run = fetch_proto_http,
	.doc = PROTO_DOC,
	.example = "tcp-request content reject if !{ req_proto_http }",
};
FETCH(first_req) = {
	.name = "http_first_req", .args = "", .out = SMP_BOOL,
	.stages = SMP_FROM_REQ, .run = fetch_first_req,
	.doc = "True for the first request of a connection.",
	.example = "http-request set-header X-New 1 if { http_first_req }",
};
#define HDR_DOC "A value of a request header: in conditions each of them, "  \
	"elsewhere the last one; with <occ> the one of that number, negative "\
	"ones counted from the last. Commas separate values."
#define HDR_ARGS "str name=, int occ= [-10..]"
FETCH(req_hdr) = {
	.name = "req.hdr", .args = HDR_ARGS, .out = SMP_STR,
	.stages = SMP_REQUEST, .run = fetch_req_hdr, .list = true,
	.check = check_name, .doc = HDR_DOC,
	.example = "acl local req.hdr(host) -i localhost",
};
FETCH(hdr) = {
	.name = "hdr", .args = HDR_ARGS, .out = SMP_STR,
	.stages = SMP_REQUEST | IN_RES, .run = fetch_hdr, .list = true,
	.check = check_name, .acl = SMP_ACL_ALL, .acl_fetch = "req.hdr",
	.doc = "As req.hdr; in formats of rules for responses, as res.hdr.",
	.example = "acl local hdr(host) -i localhost",
};
FETCH(req_fhdr) = {
	.name = "req.fhdr", .args = "str name=, int occ= [-10..]",
	.out = SMP_STR, .stages = SMP_REQUEST, .run = fetch_req_fhdr,
	.list = true, .check = check_name,
	.doc = "As req.hdr, but commas do not separate values.",
	.example = "acl mobile req.fhdr(user-agent) -m sub Mobile",
};
#define IN_REQ SMP_REQUEST
#define SIDE_IN_REQ "quest"
#define SIDE_IN_RES "sponse"
#define CNT(ident, word, fn, at, doc_)                                           \
FETCH(ident) = {                                                             \
	.name = word, .args = "str name=", .out = SMP_INT,                   \
	.stages = at, .run = fn, .check = check_name, .doc = doc_,           \
	.example = "http-re" SIDE_##at " deny if { " word "(host) gt 1 }",   \
}
#define CNT_DOC "How many values of a request header there are, or of all."
CNT(hdr_cnt, "hdr_cnt", fetch_req_hdr_cnt, IN_REQ, CNT_DOC);
CNT(req_hdr_cnt, "req.hdr_cnt", fetch_req_hdr_cnt, IN_REQ, CNT_DOC);
CNT(req_fhdr_cnt, "req.fhdr_cnt", fetch_req_fhdr_cnt, IN_REQ,
    "How many request headers of a name there are, or of all.");
#define RES_CNT_DOC "How many values of a response header there are, or of all."
CNT(res_hdr_cnt, "res.hdr_cnt", fetch_res_hdr_cnt, IN_RES, RES_CNT_DOC);
CNT(shdr_cnt, "shdr_cnt", fetch_res_hdr_cnt, IN_RES, RES_CNT_DOC);
CNT(res_fhdr_cnt, "res.fhdr_cnt", fetch_res_fhdr_cnt, IN_RES,
    "How many response headers of a name there are, or of all.");
#define HDR_TYPED(ident, word, type, fn, at, doc_)                           \
FETCH(ident) = {                                                             \
	.name = word, .args = HDR_ARGS, .out = type, .stages = at,           \
	.run = fn, .list = true, .check = check_name, .doc = doc_,           \
	.example = "acl known " word "(x-id) -m found",                      \
}
#define IP_DOC "The value of a header as an address; values that are none are "\
	"passed over. Lists as in req.hdr."
#define VAL_DOC "The value of a header as a number. Lists as in req.hdr."
HDR_TYPED(hdr_ip, "hdr_ip", SMP_ADDR, fetch_req_hdr_ip, SMP_REQUEST, IP_DOC);
HDR_TYPED(req_hdr_ip, "req.hdr_ip", SMP_ADDR, fetch_req_hdr_ip, SMP_REQUEST,
    IP_DOC);
HDR_TYPED(hdr_val, "hdr_val", SMP_INT, fetch_req_hdr_val, SMP_REQUEST,
    VAL_DOC);
HDR_TYPED(req_hdr_val, "req.hdr_val", SMP_INT, fetch_req_hdr_val, SMP_REQUEST,
    VAL_DOC);
HDR_TYPED(res_hdr_ip, "res.hdr_ip", SMP_ADDR, fetch_res_hdr_ip, IN_RES,
    IP_DOC);
HDR_TYPED(res_hdr_val, "res.hdr_val", SMP_INT, fetch_res_hdr_val, IN_RES,
    VAL_DOC);
HDR_TYPED(shdr_ip, "shdr_ip", SMP_ADDR, fetch_res_hdr_ip, IN_RES, IP_DOC);
HDR_TYPED(shdr_val, "shdr_val", SMP_INT, fetch_res_hdr_val, IN_RES,
    VAL_DOC);
FETCH(res_hdr) = {
	.name = "res.hdr", .args = "str name=, int occ= [-10..]",
	.out = SMP_STR, .stages = IN_RES, .run = fetch_res_hdr,
	.list = true, .check = check_name,
	.doc = "A value of a response header, as req.hdr for requests.",
	.example = "http-response deny if { res.hdr(x-secret) -m found }",
};
FETCH(shdr) = {
	.name = "shdr", .args = "str name=, int occ= [-10..]",
	.out = SMP_STR, .stages = IN_RES, .run = fetch_res_hdr,
	.list = true, .check = check_name, .acl = SMP_ACL_ALL,
	.acl_fetch = "res.hdr", .doc = "The old name of res.hdr.",
	.example = "http-response deny if { shdr_beg(server) -i iis }",
};
FETCH(res_fhdr) = {
	.name = "res.fhdr", .args = "str name=, int occ= [-10..]",
	.out = SMP_STR, .stages = IN_RES, .run = fetch_res_fhdr,
	.list = true, .check = check_name,
	.doc = "As res.hdr, but commas do not separate values.",
	.example = "http-response set-header X-Date %[res.fhdr(date)]",
};
FETCH(cap_method) = {
	.name = "capture.req.method", .args = "", .out = SMP_STR,
	.stages = SMP_FROM_REQ, .run = fetch_method,
	.doc = "The method of the request, also when the request is gone.",
	.example = "log-format %[capture.req.method]",
};
FETCH(cap_uri) = {
	.name = "capture.req.uri", .args = "", .out = SMP_STR,
	.stages = SMP_FROM_REQ, .run = fetch_cap_uri, .check = want_uri,
	.doc = "Path and query of the request as it came, for logs.",
	.example = "log-format %[capture.req.uri]",
};
FETCH(cap_req_ver) = {
	.name = "capture.req.ver", .args = "", .out = SMP_STR,
	.stages = SMP_FROM_REQ, .run = fetch_cap_req_ver,
	.doc = "The version of the request, 'HTTP/1.0' or 'HTTP/1.1'.",
	.example = "log-format %[capture.req.ver]",
};
FETCH(cap_res_ver) = {
	.name = "capture.res.ver", .args = "", .out = SMP_STR,
	.stages = SMP_FROM_REQ, .run = fetch_cap_res_ver,
	.doc = "The version of the response, 'HTTP/1.0' or 'HTTP/1.1'.",
	.example = "http-response set-header X-V %[capture.res.ver]",
};
FETCH(cap_req_hdr) = {
	.name = "capture.req.hdr", .args = "int idx [0..]", .out = SMP_STR,
	.stages = SMP_FROM_REQ, .run = fetch_cap_req,
	.doc = "What the capture slot of that number took from the request.",
	.example = "log-format %[capture.req.hdr(0)]",
};
FETCH(cap_res_hdr) = {
	.name = "capture.res.hdr", .args = "int idx [0..]", .out = SMP_STR,
	.stages = SMP_FROM_RES | SMP_AT(CHECK), .run = fetch_cap_res,
	.doc = "What the capture slot of that number took from the response.",
	.example = "log-format %[capture.res.hdr(0)]",
};
FETCH(unique_id) = {
	.name = "unique-id", .args = "", .out = SMP_STR,
	.stages = SMP_ALWAYS, .run = fetch_unique_id,
	.doc = "The request's identifier made by unique-id-format.",
	.example = "http-request set-header X-Id %[unique-id]",
};

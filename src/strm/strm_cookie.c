/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_cookie - keeps a client on the server that its cookie names.
 *
 * The two letters that the log shows are the state: what the request brought
 * (N none, V valid, I of no server, D of one that is down, E idle too long, O
 * too old, U not used), and what the response got (N nothing, I inserted, U a
 * new date, R rewritten, P the server's own, D removed).
 *
 * Source: configuration manual 4.2 "cookie", 8.5; details as HAProxy 2.6 has
 * them (regtests/strm/cookie_same.test).
 */
#include "strm_int.h"

#include <stdio.h>
#include <string.h>

#include <base/hash.h>

#include "strm_cookie.h"

#define PREFIX_MARK   '~'
#define DATE_MARK     '|'
#define DATE_CHARS    5
#define FUTURE_S      86400     /* clocks may differ by so much */
#define VALUE_MAX     17        /* of a dynamic cookie, with its NUL */

static const struct cookie_cfg *
cfg_of(const struct px *be)
{
	return (px_get(&be->slots, &strm_cookie_slot));
}

/* ---- the server's own value ---- */

/* A hash of the key, the address and the port. */
static struct span
dynamic_value(const struct srv *srv, struct txn *txn, struct span key,
    char dst[VALUE_MAX])
{
	struct addr now;
	char buf[512];
	size_t n = key.n < 256 ? key.n : 256, ip;

	srv_addr(srv, txn, &now);
	if (now.family != ADDR_V4 && now.family != ADDR_V6)
		return (SPAN_NONE);
	ip = now.family == ADDR_V6 ? 16 : 4;
	memcpy(buf, key.p, n);
	memcpy(buf + n, now.ip, ip);
	n += ip;
	buf[n++] = 0;
	buf[n++] = 0;
	buf[n++] = (char)(now.port >> 8);
	buf[n++] = (char)now.port;
	snprintf(dst, VALUE_MAX, "%016llx",
	    (unsigned long long)hash_xxh64(span_of(buf, n)));
	return (span_of(dst, VALUE_MAX - 1));
}

static struct span
value_of(const struct srv *srv, struct txn *txn, const struct cookie_cfg *c,
    char dst[VALUE_MAX])
{
	const struct cookie_srv_cfg *sc = px_get(&srv->cfg->slots,
	    &strm_cookie_srv_slot);

	if (sc->value.n != 0 || !c->dynamic)
		return (sc->value);
	return (dynamic_value(srv, txn, c->key, dst));
}

static struct srv *
find_server(struct txn *txn, const struct cookie_cfg *c, struct span value)
{
	const struct be *be = be_of(txn->be);
	char dst[VALUE_MAX];

	for (uint32_t i = 0; i < be->n; i++) {
		struct span v = value_of(be->srv[i], txn, c, dst);

		if (v.n != 0 && span_eq(v, value))
			return (be->srv[i]);
	}
	return (NULL);
}

/* ---- dates: units of 4 seconds, rounded up, five digits of base64 ---- */

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
put_date(char *dst, uint32_t date)
{
	for (int i = DATE_CHARS - 1; i >= 0; i--, date >>= 6)
		dst[i] = digits[date & 63];
}

/* 0: there is none, or it is no date. */
static uint32_t
get_date(struct span s)
{
	uint32_t date = 0;
	const char *d;

	if (s.n < DATE_CHARS)
		return (0);
	for (size_t i = 0; i < DATE_CHARS; i++) {
		d = s.p[i] == '\0' ? NULL : strchr(digits, s.p[i]);
		if (d == NULL)
			return (0);
		date = date << 6 | (uint32_t)(d - digits);
	}
	return (date);
}

static uint32_t
date_now(void)
{
	return ((uint32_t)((the_loop->wall_us / 1000000 + 3) / 4) &
	    0x3fffffff);
}

static bool
is_outside(uint32_t date, uint32_t most_s)
{
	int64_t past_s = ((int64_t)date_now() - date) * 4;

	return (past_s > most_s || past_s < -FUTURE_S);
}

/* ---- the request ---- */

/* One "name = value" of a Cookie field; ends where its value does. */
struct pair {
	struct span name, value;
	size_t end, next;               /* next: at the delimiter */
};

static size_t
skip_blanks(struct span s, size_t at)
{
	while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
		at++;
	return (at);
}

static bool
is_delimiter(char c)
{
	return (c == ';' || c == ',');
}

/* Up to a delimiter (or '='), quoted strings as one; without blanks behind. */
static struct span
take_text(struct span s, size_t *at, bool stop_at_equals)
{
	size_t from = *at, end = from;
	bool quoted = false;

	for (; *at < s.n; ++*at) {
		char c = s.p[*at];

		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (is_delimiter(c) ||
		    (c == '=' && stop_at_equals)))
			break;
		if (c != ' ' && c != '\t')
			end = *at + 1;
	}
	return (span_of(s.p + from, end - from));
}

static void
take_pair(struct span s, size_t at, struct pair *p)
{
	at = skip_blanks(s, at);
	p->name = take_text(s, &at, true);
	p->value = SPAN_NONE;
	p->end = (size_t)(p->name.p + p->name.n - s.p);
	if (at < s.n && s.p[at] == '=') {
		at = skip_blanks(s, at + 1);
		p->value = take_text(s, &at, false);
		p->end = (size_t)(p->value.p + p->value.n - s.p);
	}
	p->next = at;
}

/* The part of a value that names the server; dates behind it. */
static struct span
identity(const struct cookie_cfg *c, struct span value, uint32_t *last,
    uint32_t *first)
{
	struct span part, rest = value;

	*last = *first = 0;
	if (c->mode == COOKIE_PREFIX) {
		(void)span_cut(&rest, PREFIX_MARK, &part);
		return (part);
	}
	(void)span_cut(&rest, DATE_MARK, &part);
	if (c->mode == COOKIE_INSERT && rest.p != NULL) {
		struct span date;

		if (span_cut(&rest, DATE_MARK, &date))
			*last = get_date(date);
		if (rest.p != NULL && span_cut(&rest, DATE_MARK, &date))
			*first = get_date(date);
	}
	return (part);
}

/* A cookie of ours came: does it say where to go? */
static void
consider(struct strm *s, const struct cookie_cfg *c, struct span value)
{
	char *letter = &s->txn.cookie_term[0];
	uint32_t last, first;
	struct span id = identity(c, value, &last, &first);
	struct srv *srv;

	if (*letter == 'V' || (*letter == 'D' && s->want != NULL))
		return;
	if (c->life_s != 0 && first != 0 && is_outside(first, c->life_s)) {
		*letter = 'O';
		return;
	}
	if (c->idle_s != 0 && last != 0 && is_outside(last, c->idle_s)) {
		*letter = 'E';
		return;
	}
	srv = id.n == 0 ? NULL : find_server(&s->txn, c, id);
	*letter = srv == NULL ? 'I' : srv_is_up(srv) ? 'V' : 'D';
	if (srv == NULL || (*letter == 'D' && !s->want_down))
		return;
	s->want = srv;
	s->txn.cookie_same = true;
	s->txn.cookie_last = last;
	s->txn.cookie_first = first;
}

/* A field as servers may see it: a copy of it with parts left out. */
struct copy {
	struct span in;
	char *out;                      /* NULL: nothing is ever left out */
	size_t n;
	size_t from;                    /* not copied yet */
};

/* Leave out what is between two places. */
static void
leave_out(struct copy *c, size_t begin, size_t end)
{
	if (begin > c->from) {
		memcpy(c->out + c->n, c->in.p + c->from, begin - c->from);
		c->n += begin - c->from;
	}
	c->from = end;
}

/* A whole cookie goes with one delimiter: the one before it, or, when it is
 * the first, the one behind it. */
static void
leave_out_pair(struct copy *c, size_t at, const struct pair *p)
{
	if (at == c->from && c->n == 0)
		leave_out(c, at, p->next < c->in.n ?
		    skip_blanks(c->in, p->next + 1) : c->in.n);
	else
		leave_out(c, at - 1, p->next);
}

static void
read_pair(struct strm *s, const struct cookie_cfg *c, struct copy *copy,
    size_t at, const struct pair *p)
{
	ptrdiff_t mark;
	size_t value;

	if (p->value.p == NULL || !span_eq(p->name, c->name))
		return;
	consider(s, c, p->value);
	if (copy->out == NULL)
		return;
	mark = span_find(p->value, PREFIX_MARK);
	if (c->mode == COOKIE_INSERT) {
		leave_out_pair(copy, at, p);
	} else if (mark >= 0) {
		value = (size_t)(p->value.p - copy->in.p);
		leave_out(copy, value, value + (size_t)mark + 1);
	}
}

/* Each cookie of a field; false without memory. */
static bool
read_field(struct strm *s, const struct cookie_cfg *c, struct http_hdr *h)
{
	struct copy copy = { .in = span_of(h->value, h->value_n) };
	struct pair p;

	if ((c->mode == COOKIE_INSERT && c->indirect) ||
	    c->mode == COOKIE_PREFIX) {
		copy.out = arena_get(s->txn.arena, copy.in.n + 1);
		if (copy.out == NULL)
			return (false);
	}
	for (size_t at = 0; at < copy.in.n; at = p.next + 1) {
		take_pair(copy.in, at, &p);
		read_pair(s, c, &copy, at, &p);
	}
	if (copy.from == 0)
		return (true);
	leave_out(&copy, copy.in.n, copy.in.n);
	if (copy.n == 0) {
		http_del_hdr(s->txn.req, h);
		return (true);
	}
	h->value = copy.out;
	h->value_n = (uint32_t)copy.n;
	h->raw = false;
	return (true);
}

static bool
read_cookies(struct strm *s, const struct cookie_cfg *c)
{
	struct http_hdr *h = NULL;

	s->txn.cookie_term[0] = s->txn.cookie_term[1] = 'N';
	while ((h = http_find(s->txn.req, HTTP_COOKIE, SPAN_NONE, h)) != NULL)
		if (!read_field(s, c, h))
			return (false);
	return (true);
}

/* ---- rules about persistence ---- */

static bool
rule_says(struct strm *s, const struct cookie_cfg *c, bool force)
{
	for (const struct persist_rule *r = c->rules; r != NULL; r = r->next)
		if (r->force == force && cond_true(r->cond, &s->txn))
			return (true);
	return (false);
}

static struct srv *
used_server(struct strm *s, const struct use_server *u)
{
	const struct px_server *sv = u->srv;
	char name[256];

	if (!cond_true(u->cond, &s->txn))
		return (NULL);
	if (sv == NULL)
		sv = px_server_find(s->txn.be, span_of(name, logfmt_run(
		    u->name, &s->txn, name, sizeof name)));
	if (sv == NULL || (!srv_is_up(srv_of(sv)) && !strm_even_down(s)))
		return (NULL);
	return (srv_of(sv));
}

static void
forget(struct strm *s)
{
	s->want = NULL;
	s->txn.cookie_same = false;
	/* (none came: N; one is not in use since it is old: E, O) */
	if (memchr("VDI", s->txn.cookie_term[0], 3) != NULL)
		s->txn.cookie_term[0] = 'U';
}

/* What persists although nothing was said of the cookie's own server. */
static void
obey_rules(struct strm *s, const struct cookie_cfg *c)
{
	struct srv *srv;

	if (rule_says(s, c, false)) {
		forget(s);
		s->txn.cookie_off = true;
	}
	for (const struct use_server *u = c->use; u != NULL; u = u->next)
		if ((srv = used_server(s, u)) != NULL) {
			forget(s);
			s->txn.cookie_off = true;
			s->want = srv;
			s->want_down = !srv_is_up(srv);
			return;
		}
}

bool
strm_even_down(struct strm *s)
{
	return (px_opt(s->txn.be, PX_OPT_PERSIST) ||
	    rule_says(s, cfg_of(s->txn.be), true));
}

bool
strm_persist(struct strm *s)
{
	const struct cookie_cfg *c = cfg_of(s->txn.be);

	if (c->name.n == 0 && c->use == NULL && c->rdp == NULL)
		return (true);
	if (c->name.n != 0 && is_http(s)) {
		s->want_down = strm_even_down(s);
		if (!read_cookies(s, c))
			return (false);
	}
	if (c->rdp != NULL)
		strm_rdp_persist(s, c->rdp);
	obey_rules(s, c);
	if (c->mode == COOKIE_WATCH)
		s->txn.cookie_term[0] = s->txn.cookie_term[1] = '\0';
	return (true);
}

void
strm_persist_lost(struct strm *s)
{
	s->want = NULL;
	s->want_down = false;
	s->txn.cookie_same = false;
	if (s->txn.cookie_term[0] == 'V')
		s->txn.cookie_term[0] = 'D';
}

const struct http_reply *
strm_redir(struct strm *s)
{
	const struct cookie_srv_cfg *sc = px_get(&s->txn.srv->slots,
	    &strm_cookie_srv_slot);
	struct http_uri u;
	struct http_reply *r;
	char *to;

	if (sc->redir.n == 0 || s->txn.req == NULL ||
	    (s->txn.meth != HTTP_GET && s->txn.meth != HTTP_HEAD) ||
	    !http_uri_split(s->txn.req->meth, s->txn.req->target, &u))
		return (NULL);
	r = arena_zget(s->txn.arena, sizeof *r + 2 * sizeof *r->hdrs);
	to = arena_get(s->txn.arena, sc->redir.n + u.path_query.n);
	if (r == NULL || to == NULL)
		return (NULL);
	memcpy(to, sc->redir.p, sc->redir.n);
	memcpy(to + sc->redir.n, u.path_query.p, u.path_query.n);
	r->status = 302;
	r->hdrs = (struct http_reply_hdr *)(r + 1);
	r->hdrs[0] = (struct http_reply_hdr){ &r->hdrs[1],
	    SPAN("Cache-Control"), SPAN("no-cache") };
	r->hdrs[1] = (struct http_reply_hdr){ NULL, SPAN("Location"),
	    span_of(to, sc->redir.n + u.path_query.n) };
	return (r);
}

/* ---- the response ---- */

/* The server set our cookie: leave, change or remove it. */
static bool
treat_own(struct strm *s, const struct cookie_cfg *c, struct http_hdr *h,
    const struct pair *p, struct span mine)
{
	char *letter = &s->txn.cookie_term[1];
	struct span v = span_of(h->value, h->value_n);
	size_t before = (size_t)(p->value.p - v.p), drop = 0;
	char *out;

	if (c->preserve || (mine.n == 0 && c->mode != COOKIE_INSERT)) {
		*letter = 'P';
		return (true);
	}
	if (c->mode == COOKIE_INSERT ||
	    (c->indirect && s->txn.cookie_term[0] == 'V')) {
		http_del_hdr(s->txn.res, h);
		*letter = 'D';
		return (true);
	}
	if (c->mode == COOKIE_REWRITE)
		drop = p->value.n;
	out = arena_get(s->txn.arena, v.n + mine.n + 1);
	if (out == NULL)
		return (false);
	memcpy(out, v.p, before);
	memcpy(out + before, mine.p, mine.n);
	if (c->mode == COOKIE_PREFIX)
		out[before + mine.n++] = PREFIX_MARK;
	memcpy(out + before + mine.n, v.p + before + drop,
	    v.n - before - drop);
	h->value = out;
	h->value_n = (uint32_t)(v.n + mine.n - drop);
	h->raw = false;
	*letter = 'R';
	return (true);
}

static bool
treat_set_cookies(struct strm *s, const struct cookie_cfg *c,
    struct span mine)
{
	struct http_hdr *h = NULL;
	struct pair p;

	while ((h = http_find(s->txn.res, HTTP_SET_COOKIE, SPAN_NONE,
	    h)) != NULL) {
		take_pair(span_of(h->value, h->value_n), 0, &p);
		if (p.value.p == NULL || !span_eq(p.name, c->name))
			continue;
		if (!treat_own(s, c, h, &p, mine))
			return (false);
	}
	return (true);
}

/* The client's dates are not those that it should have. */
static bool
is_stale(const struct txn *t, const struct cookie_cfg *c)
{
	if (t->cookie_last < date_now() &&
	    (c->idle_s != 0 || t->cookie_last != 0))
		return (true);
	return ((c->life_s != 0) != (t->cookie_first != 0));
}

static bool
must_insert(const struct strm *s, const struct cookie_cfg *c)
{
	const struct txn *t = &s->txn;

	if (c->mode != COOKIE_INSERT || t->cookie_term[1] == 'P' ||
	    s->txn.cookie_off || (c->postonly && t->meth != HTTP_POST))
		return (false);
	return (!t->cookie_same || is_stale(t, c));
}

static size_t
put_dates(const struct txn *t, const struct cookie_cfg *c, char *dst)
{
	if (c->idle_s == 0 && c->life_s == 0)
		return (0);
	dst[0] = DATE_MARK;
	put_date(dst + 1, date_now());
	if (c->life_s == 0)
		return (1 + DATE_CHARS);
	dst[1 + DATE_CHARS] = DATE_MARK;
	put_date(dst + 2 + DATE_CHARS, t->cookie_same && t->cookie_first != 0 ?
	    t->cookie_first : date_now());
	return (2 + 2 * DATE_CHARS);
}

static void
put(struct span *to, struct span s)
{
	if (s.n != 0)
		memcpy((char *)(uintptr_t)to->p + to->n, s.p, s.n);
	to->n += s.n;
}

static void
put_attrs(struct span *to, const char *name, const struct cookie_attr *a)
{
	for (; a != NULL; a = a->next) {
		put(to, SPAN("; "));
		put(to, span_str(name));
		put(to, a->text);
	}
}

static size_t
attr_bytes(const struct cookie_attr *a)
{
	size_t n = 0;

	for (; a != NULL; a = a->next)
		n += a->text.n + sizeof "; domain=";
	return (n);
}

/* "SRV=web1|AAAAA; path=/; domain=…"; without a value one that expires. */
static struct span
new_cookie(struct strm *s, const struct cookie_cfg *c, struct span mine)
{
	static const char past[] = "; Expires=Thu, 01-Jan-1970 00:00:01 GMT";
	size_t n = c->name.n + mine.n + sizeof past + 64 +
	    attr_bytes(c->domains) + attr_bytes(c->attrs);
	struct span to = { arena_get(s->txn.arena, n), 0 };
	char dates[2 * (1 + DATE_CHARS)];

	if (to.p == NULL)
		return (SPAN_NONE);
	put(&to, c->name);
	put(&to, SPAN("="));
	put(&to, mine);
	if (mine.n != 0)
		put(&to, span_of(dates, put_dates(&s->txn, c, dates)));
	else
		put(&to, span_str(past));
	put(&to, SPAN("; path=/"));
	put_attrs(&to, "domain=", c->domains);
	if (c->httponly)
		put(&to, SPAN("; HttpOnly"));
	if (c->secure)
		put(&to, SPAN("; Secure"));
	put_attrs(&to, "", c->attrs);
	return (to);
}

/* Would a cache keep the response? It says how long it is good for, or how to
 * ask again, and nothing forbids it. */
static bool
may_be_cached(const struct strm *s)
{
	const struct http_head *res = s->txn.res;
	struct http_hdr *h = NULL;
	bool may = http_get(res, HTTP_EXPIRES).p != NULL ||
	    http_get(res, HTTP_ETAG).p != NULL ||
	    http_get(res, HTTP_LAST_MODIFIED).p != NULL;
	struct span rest, item;

	if (s->txn.meth != HTTP_GET && s->txn.meth != HTTP_HEAD)
		return (false);
	while ((h = http_find(res, HTTP_CACHE_CONTROL, SPAN_NONE,
	    h)) != NULL) {
		rest = span_of(h->value, h->value_n);
		while (http_list_next(&rest, &item)) {
			if (span_iis(item, "no-store") ||
			    span_iis(item, "no-cache") ||
			    span_iis(item, "max-age=0"))
				return (false);
			may |= span_begins(item, SPAN("max-age=")) ||
			    (span_begins(item, SPAN("s-maxage=")) &&
			    !span_iis(item, "s-maxage=0"));
		}
	}
	return (may);
}

bool
strm_cookie_set(struct strm *s)
{
	const struct cookie_cfg *c = cfg_of(s->txn.be);
	char dst[VALUE_MAX];
	struct span mine, text;

	if (c->name.n == 0 || c->mode == COOKIE_WATCH || s->txn.srv == NULL)
		return (true);
	mine = value_of(srv_of(s->txn.srv), &s->txn, c, dst);
	if (!treat_set_cookies(s, c, mine))
		return (false);
	if (!must_insert(s, c))
		return (true);
	if ((text = new_cookie(s, c, mine)).p == NULL ||
	    !http_add(s->txn.res, SPAN("Set-Cookie"), text))
		return (false);
	s->txn.cookie_term[1] = s->txn.cookie_same ? 'U' : 'I';
	return (!c->nocache || !may_be_cached(s) || http_add(s->txn.res,
	    SPAN("Cache-Control"), SPAN("private")));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_rfc7239 - option forwarded: who asked, for whom, in one header.
 *
 * Source: configuration manual (2.8 and later) 4.2 "option forwarded"; RFC 7239
 * sections 4 to 6.
 */
#include "strm_int.h"

#include <arpa/inet.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/expr.h>
#include <strm/cfg.h>

/* A part of a header's parameter: off, the usual value, or that of a sample. */
struct part {
	bool on;
	struct expr *expr;
};

struct node {                           /* by, for */
	struct part name, port;
};

struct strm_rfc7239 {
	bool proto;
	struct part host;
	struct node by, client;
};

#define NODE_MAX 256                    /* of a name that a sample gives */
#define FIELD_MAX (4 * NODE_MAX)

/* ---- writing ---- */

struct field {
	char text[FIELD_MAX];
	size_t n;
	bool full;
};

static void
put(struct field *f, struct span s)
{
	if (sizeof f->text - f->n < s.n) {
		f->full = true;
		return;
	}
	if (s.n != 0)
		memcpy(f->text + f->n, s.p, s.n);
	f->n += s.n;
}

static void
begin(struct field *f, struct span name)
{
	if (f->n != 0)
		put(f, SPAN(";"));
	put(f, name);
	put(f, SPAN("="));
}

static void
put_quoted(struct field *f, struct span s)
{
	put(f, SPAN("\""));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			put(f, SPAN("\\"));
		put(f, span_of(s.p + i, 1));
	}
	put(f, SPAN("\""));
}

/* "_hidden", "SEC_0" (RFC 7239 6.3): letters, digits and these three. */
static bool
is_obfuscated(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = span_lower(s.p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' &&
		    c != '_' && c != '-')
			return (false);
	}
	return (s.n != 0);
}

static bool
is_number(struct span s)
{
	uint64_t n;

	return (num_u64(s, &n) && n <= UINT16_MAX);
}

/* What it says of a sample: a name of its own begins with '_'. */
static size_t
hide(char *dst, struct span s)
{
	size_t mark = s.p[0] != '_';

	dst[0] = '_';
	memcpy(dst + mark, s.p, s.n);
	return (s.n + mark);
}

static bool
read_ip(struct span text, struct addr *a)
{
	char z[ADDR_TEXT];

	if (text.n >= sizeof z)
		return (false);
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	if (inet_pton(AF_INET, z, a->ip) == 1)
		a->family = ADDR_V4;
	else if (inet_pton(AF_INET6, z, a->ip) == 1)
		a->family = ADDR_V6;
	return (a->family != ADDR_NONE);
}

/* An address or a hidden name; 0: there is neither. */
static size_t
print_name(struct strm *s, const struct part *p, enum txn_addr which,
    char dst[NODE_MAX], bool *v6)
{
	struct addr a = { .family = ADDR_NONE };
	struct span text = SPAN_NONE;
	size_t n;

	*v6 = false;
	if (p->expr == NULL) {
		a = *txn_addr(&s->txn, which);
		a.port = 0;
	} else {
		text = expr_text(p->expr, &s->txn);
		if (text.n == 0 || text.n > NODE_MAX - 2)
			return (0);
		if (!read_ip(text, &a))
			return (is_obfuscated(text) ? hide(dst, text) : 0);
	}
	if (a.family != ADDR_V4 && a.family != ADDR_V6)
		return (0);
	*v6 = a.family == ADDR_V6;
	n = addr_print(&a, dst);
	return (n);
}

static size_t
print_port(struct strm *s, const struct part *p, enum txn_addr which,
    char dst[NODE_MAX])
{
	struct span text;

	if (!p->on)
		return (0);
	if (p->expr == NULL) {
		const struct addr *a = txn_addr(&s->txn, which);

		return (a->family != ADDR_V4 && a->family != ADDR_V6 ? 0 :
		    num_put(dst, a->port));
	}
	text = expr_text(p->expr, &s->txn);
	if (text.n == 0 || text.n > NODE_MAX - 2)
		return (0);
	if (is_number(text)) {
		memcpy(dst, text.p, text.n);
		return (text.n);
	}
	return (is_obfuscated(text) ? hide(dst, text) : 0);
}

static void
put_node(struct strm *s, struct field *f, struct span param,
    const struct node *node, enum txn_addr which)
{
	char name[NODE_MAX], port[NODE_MAX];
	bool v6, quoted;
	size_t n, m;

	if (!node->name.on)
		return;
	n = print_name(s, &node->name, which, name, &v6);
	m = print_port(s, &node->port, which, port);
	quoted = v6 || m != 0;
	begin(f, param);
	put(f, quoted ? SPAN("\"") : SPAN_NONE);
	put(f, v6 ? SPAN("[") : SPAN_NONE);
	put(f, n != 0 ? span_of(name, n) : SPAN("unknown"));
	put(f, v6 ? SPAN("]") : SPAN_NONE);
	put(f, m != 0 ? SPAN(":") : SPAN_NONE);
	put(f, span_of(port, m));
	put(f, quoted ? SPAN("\"") : SPAN_NONE);
}

static void
put_host(struct strm *s, struct field *f, const struct part *p)
{
	struct span host;

	if (!p->on)
		return;
	host = p->expr != NULL ? expr_text(p->expr, &s->txn) :
	    http_get(s->txn.req, HTTP_HOST);
	if (host.n == 0 || !http_is_field_value(host))
		return;
	begin(f, SPAN("host"));
	put_quoted(f, host);
}

bool
strm_rfc7239(struct strm *s, const struct strm_rfc7239 *c)
{
	struct field f = { .n = 0 };
	struct span value;

	if (c->proto) {
		begin(&f, SPAN("proto"));
		put(&f, s->txn.tls ? SPAN("https") : SPAN("http"));
	}
	put_host(s, &f, &c->host);
	put_node(s, &f, SPAN("by"), &c->by, TXN_DST);
	put_node(s, &f, SPAN("for"), &c->client, TXN_SRC);
	if (f.full || f.n == 0)
		return (!f.full);
	value = arena_span(&s->arena, span_of(f.text, f.n));
	return (value.p != NULL && http_add(s->txn.req, SPAN("Forwarded"),
	    value));
}

/* ---- the line ---- */

static bool
want_expr(struct conf_line *l, struct part *p)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a sample expression", &text))
		return (false);
	p->on = true;
	p->expr = expr_parse(l, w, text, SMP_AT(SERVER));
	return (p->expr != NULL);
}

/* The word `name`, or `name`-expr and a sample. */
static int
take_part(struct conf_line *l, const char *name, struct part *p)
{
	struct span w = conf_peek(l)->text;
	size_t n = strlen(name);

	if (w.n < n || memcmp(w.p, name, n) != 0)
		return (0);
	if (w.n == n) {
		*p = (struct part){ .on = true };
		l->at++;
		return (1);
	}
	if (!span_is(span_skip(w, n), "-expr"))
		return (0);
	l->at++;
	return (want_expr(l, p) ? 1 : -1);
}

static bool
take_word(struct conf_line *l, struct strm_rfc7239 *c)
{
	const struct { const char *name; struct part *part; } parts[] = {
		{ "host", &c->host }, { "by", &c->by.name },
		{ "by_port", &c->by.port }, { "for", &c->client.name },
		{ "for_port", &c->client.port },
	};
	int took = 0;

	if (conf_accept(l, "proto"))
		return (c->proto = true);
	for (size_t i = 0; took == 0 && i < NELEM(parts); i++)
		took = take_part(l, parts[i].name, parts[i].part);
	if (took != 0)
		return (took > 0);
	return (conf_err(l, conf_peek(l), "'%s' expects 'proto', 'host', 'by', "
	    "'by_port', 'for', 'for_port', or one of these but 'proto' with "
	    "'-expr' and a sample, not '%s'", l->kw->name,
	    conf_peek(l)->text.p));
}

static bool
parse_forwarded(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct strm_cfg *cfg = px_edit(&px->slots, &strm_slot);
	struct strm_rfc7239 *c;

	cfg->rfc7239 = NULL;
	if (l->no || l->reset)
		return (conf_end(l));
	c = arena_zget(l->conf->arena, sizeof *c);
	if (conf_left(l) == 0)
		c->proto = c->client.name.on = true;
	while (conf_left(l) > 0)
		if (!take_word(l, c))
			return (false);
	if ((c->by.port.on && !c->by.name.on) ||
	    (c->client.port.on && !c->client.name.on))
		return (conf_err(l, NULL, "'%s' : a port needs its address: "
		    "'by_port' goes with 'by', 'for_port' with 'for'",
		    l->kw->name));
	cfg->rfc7239 = c;
	return (true);
}

KEYWORD(option_forwarded) = {
	.name = "option forwarded", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_HTTP | KW_NO,
	.args = "[proto] [host | host-expr <sample>] [by | by-expr <sample>] "
	    "[by_port | by_port-expr <sample>] [for | for-expr <sample>] "
	    "[for_port | for_port-expr <sample>]",
	.parse = parse_forwarded,
	.doc = "Adds the header Forwarded (RFC 7239) to requests: `proto` is http "
	    "or https, `host` what the request asked for, `by` and `by_port` "
	    "where the client connected to, `for` and `for_port` where it came "
	    "from; with `-expr` what a sample gives. Such a name that is no "
	    "address is written with a `_` before it, or as `unknown`. "
	    "Without a word: `proto for`.",
	.example = "option forwarded host for-expr src,xxh32,hex for_port",
};

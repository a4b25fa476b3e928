/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_forwarded - the Forwarded header: whether it is well formed, its
 * parameters, the nodes in it and what they are made of.
 *
 * Source: RFC 7239 sections 4 to 6; RFC 9110 section 5.6.4 (quoted strings).
 */
#include "conv_int.h"

#include <http/http.h>

#include <base/must.h>
#include <base/num.h>

#define VALUE_MAX 1024                  /* of one parameter, unquoted */

/* ---- the list ---- */

struct pair {
	struct span name;
	char text[VALUE_MAX];
	size_t n;
};

static struct span
skip_blanks(struct span s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
		s = span_skip(s, 1);
	return (s);
}

static bool
is_token_char(char c)
{
	return (http_is_token(span_of(&c, 1)));
}

static struct span
take_token(struct span *s)
{
	struct span t = { s->p, 0 };

	while (t.n < s->n && is_token_char(s->p[t.n]))
		t.n++;
	*s = span_skip(*s, t.n);
	return (t);
}

static bool
add_char(struct pair *p, char c)
{
	if (p->n == sizeof p->text)
		return (false);
	p->text[p->n++] = c;
	return (true);
}

static bool
take_quoted(struct span *s, struct pair *p)
{
	for (*s = span_skip(*s, 1); s->n > 0; *s = span_skip(*s, 1)) {
		char c = *s->p;

		if (c == '"') {
			*s = span_skip(*s, 1);
			return (true);
		}
		if (c == '\\') {
			if (s->n < 2)
				return (false);
			*s = span_skip(*s, 1);
			c = *s->p;
		}
		if (((uint8_t)c < ' ' && c != '\t') || c == 0x7f ||
		    !add_char(p, c))
			return (false);
	}
	return (false);
}

/* name=value; what is left is behind it. */
static bool
take_pair(struct span *s, struct pair *p)
{
	struct span token;

	p->n = 0;
	p->name = take_token(s);
	if (p->name.n == 0 || s->n == 0 || *s->p != '=')
		return (false);
	*s = span_skip(*s, 1);
	if (s->n > 0 && *s->p == '"')
		return (take_quoted(s, p));
	token = take_token(s);
	if (token.n == 0 || token.n > sizeof p->text)
		return (false);
	memcpy(p->text, token.p, token.n);
	p->n = token.n;
	return (true);
}

/* The next pair; false at the end, and *bad when it is none. */
static bool
next_pair(struct span *s, struct pair *p, bool *bad)
{
	*bad = false;
	*s = skip_blanks(*s);
	while (s->n > 0 && (*s->p == ';' || *s->p == ','))
		*s = skip_blanks(span_skip(*s, 1));
	if (s->n == 0)
		return (false);
	*bad = true;
	if (!take_pair(s, p))
		return (false);
	*s = skip_blanks(*s);
	if (s->n > 0 && *s->p != ';' && *s->p != ',')
		return (false);
	*bad = false;
	return (true);
}

/* ---- nodes ---- */

/* At least one of letters, digits, '.', '_', '-'. */
static bool
is_obscure(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		    c == '-'))
			return (false);
	}
	return (s.n != 0);
}

static bool
is_obfuscated(struct span s)
{
	return (s.n > 1 && *s.p == '_' && is_obscure(span_skip(s, 1)));
}

/* A word becomes "_word". */
static bool
obfuscate(struct txn *t, struct smp *s)
{
	char *p;

	if (!smp_cast(t, s, SMP_STR) || !is_obscure(s->str) ||
	    (p = arena_get(t->arena, s->str.n + 1)) == NULL)
		return (false);
	*p = '_';
	memcpy(p + 1, s->str.p, s->str.n);
	return (conv_give(s, p, s->str.n + 1));
}

static bool
port_of(struct span s, uint64_t *port)
{
	*port = 0;
	return (s.n >= 1 && s.n <= 5 && num_u64(s, port) && *port <= 65535);
}

struct node {
	struct span name;               /* p NULL: `ip` */
	struct addr ip;
	struct span port;               /* p NULL: none */
};

static bool
is_ip(struct span s, unsigned family, struct addr *a)
{
	struct addr_net net;

	if (span_find(s, '/') >= 0 || !addr_net_parse(s, &net) ||
	    net.addr.family != family)
		return (false);
	*a = net.addr;
	return (true);
}

/* Source: RFC 7239 section 6. */
static bool
split_node(struct span s, struct node *n)
{
	ptrdiff_t end;
	uint64_t port;

	memset(n, 0, sizeof *n);
	if (s.n > 0 && *s.p == '[') {
		if ((end = span_find(s, ']')) < 0 ||
		    !is_ip(span_of(s.p + 1, (size_t)end - 1), ADDR_V6, &n->ip))
			return (false);
		s = span_skip(s, (size_t)end + 1);
		if (s.n != 0 && *s.p != ':')
			return (false);
	} else {
		end = span_find(s, ':');
		n->name = end < 0 ? s : span_of(s.p, (size_t)end);
		s = span_skip(s, n->name.n);
		if (is_ip(n->name, ADDR_V4, &n->ip))
			n->name = SPAN_NONE;
		else if (!span_iis(n->name, "unknown") &&
		    !is_obfuscated(n->name))
			return (false);
	}
	if (s.n == 0)
		return (true);
	n->port = span_skip(s, 1);
	return (port_of(n->port, &port) || is_obfuscated(n->port));
}

/* A host as in a Host header; RFC 9110 section 7.2. */
static bool
is_host(struct span s)
{
	if (s.n == 0)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    strchr("\"/\\?#@<>", s.p[i]) != NULL)
			return (false);
	return (true);
}

static bool
is_right(const struct pair *p)
{
	struct span v = span_of(p->text, p->n);
	struct node n;

	if (span_iis(p->name, "for") || span_iis(p->name, "by"))
		return (split_node(v, &n));
	if (span_iis(p->name, "proto"))
		return (span_iis(v, "http") || span_iis(v, "https"));
	return (!span_iis(p->name, "host") || is_host(v));
}

/* ---- converters ---- */

static bool
conv_is_valid(struct txn *t, const struct arg *arg, struct smp *s)
{
	static struct pair p;
	struct span rest = s->str;
	bool bad, good = true, any = false;

	(void)t;
	(void)arg;
	while (good && next_pair(&rest, &p, &bad)) {
		good = is_right(&p);
		any = true;
	}
	return (conv_give_num(s, good && any && !bad));
}

static bool
conv_field(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const char *const names[] = { "proto", "host", "for", "by" };
	static struct pair p;
	struct span rest = s->str;
	bool bad;

	while (next_pair(&rest, &p, &bad))
		if (span_iis(p.name, names[arg[0].num]))
			return (is_right(&p) && conv_give(s, arena_dup(t->arena,
			    span_of(p.text, p.n)), p.n));
	return (false);
}

static bool
conv_n2nn(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct node n;

	(void)t;
	(void)arg;
	if (!split_node(s->str, &n))
		return (false);
	s->type = SMP_STR;
	if (n.name.p != NULL) {
		s->str = n.name;
		return (true);
	}
	s->type = n.ip.family == ADDR_V4 ? SMP_V4 : SMP_V6;
	s->addr = n.ip;
	return (true);
}

static bool
conv_n2np(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct node n;
	uint64_t port;

	(void)t;
	(void)arg;
	if (!split_node(s->str, &n) || n.port.p == NULL)
		return (false);
	s->type = SMP_STR;
	s->str = n.port;
	if (!port_of(n.port, &port))
		return (true);
	s->type = SMP_INT;
	return (conv_give_num(s, (int64_t)port));
}

static bool
conv_nn(struct txn *t, const struct arg *arg, struct smp *s)
{
	char ip[ADDR_TEXT + 2];
	size_t len;

	(void)arg;
	if (s->type == SMP_V4 || s->type == SMP_V6 || s->type == SMP_ADDR) {
		bool v6 = s->addr.family == ADDR_V6;

		ip[0] = '[';
		len = addr_print(&s->addr, ip + 1);
		ip[len + 1] = ']';
		s->type = SMP_STR;
		return (conv_give(s, arena_dup(t->arena, span_of(v6 ? ip :
		    ip + 1, v6 ? len + 2 : len)), v6 ? len + 2 : len));
	}
	if ((s->type == SMP_STR || s->type == SMP_BIN) && s->str.n == 0) {
		s->type = SMP_STR;
		s->str = SPAN("unknown");
		s->constant = true;
		return (true);
	}
	return (obfuscate(t, s));
}

static bool
conv_np(struct txn *t, const struct arg *arg, struct smp *s)
{
	bool number = s->type == SMP_INT;
	uint64_t port;

	(void)arg;
	return (number ? smp_cast(t, s, SMP_STR) && port_of(s->str, &port) :
	    obfuscate(t, s));
}

CONV_ROW(rfc7239_is_valid, "rfc7239_is_valid", "", SMP_STR, SMP_BOOL,
    conv_is_valid, "str(proto=https;for=192.0.2.1),rfc7239_is_valid", "1",
    "Whether the text is right for a Forwarded header: pairs of names and "
    "values, and 'proto', 'host', 'for' and 'by' with what they may have.");
CONV_ROW(rfc7239_field, "rfc7239_field", "enum(proto|host|for|by) field",
    SMP_STR, SMP_STR, conv_field,
    "str(proto=https;for=192.0.2.1),rfc7239_field(for)", "192.0.2.1",
    "The first value of that name in a Forwarded header, without quotes.");
CONV_ROW(rfc7239_n2nn, "rfc7239_n2nn", "", SMP_STR, SMP_ANY, conv_n2nn,
    "str(192.0.2.1:99),rfc7239_n2nn", "192.0.2.1",
    "The name of a node of a Forwarded header, without its port: an address, "
    "'unknown', or a word that begins with '_'.", .typed = true);
CONV_ROW(rfc7239_n2np, "rfc7239_n2np", "", SMP_STR, SMP_ANY, conv_n2np,
    "str(192.0.2.1:99),rfc7239_n2np", "99",
    "The port of a node of a Forwarded header: a number, or a word that "
    "begins with '_'.", .typed = true);
CONV_ROW(rfc7239_nn, "rfc7239_nn", "", SMP_ANY, SMP_STR, conv_nn,
    "str(2001:db8::1),ipmask(32,128),rfc7239_nn", "[2001:db8::1]",
    "The value as the name of a node in a Forwarded header: an address (an "
    "IPv6 one in brackets), 'unknown' for an empty text, or '_' and the text, "
    "which may have letters, digits, '.', '_' and '-' only.");
CONV_ROW(rfc7239_np, "rfc7239_np", "", SMP_ANY, SMP_STR, conv_np,
    "int(8080),rfc7239_np", "8080",
    "The value as the port of a node in a Forwarded header: a number up to "
    "65535, or '_' and the text, as in rfc7239_nn().");

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_strm - actions on the stream and its connections: pause, set-timeout,
 * early-hint, strict-mode, addresses, marks.
 *
 * Source: configuration manual 4.2.
 */
#include "rule_int.h"

#include <errno.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>
#include <os/loop.h>
#include <os/sock.h>

#define IN(set) (1u << RULE_##set)

struct strm_act {
	uint8_t which;
	struct rule_number n;           /* its expression may give something
	                                 * else */
	struct span name;               /* early-hint */
	struct logfmt *fmt;
};

static struct strm_act *
act_new(struct conf_line *l, void **priv)
{
	return (*priv = arena_zget(l->conf->arena, sizeof(struct strm_act)));
}

bool
rule_want_expr(struct conf_line *l, enum rule_set set, enum smp_type type,
    const struct expr **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span text;

	if (!conf_want(l, "a sample expression", &text))
		return (false);
	if ((*out = expr_parse_words(l, w, text, rule_stages(set))) == NULL)
		return (false);
	return (smp_may_cast(expr_type(*out), type) || conf_err(l, w,
	    "expected an expression that gives an %s, found one of type %s",
	    smp_type_name(type), smp_type_name(expr_type(*out))));
}

bool
rule_number(const struct rule_number *n, struct txn *t, int64_t *v)
{
	struct smp s;

	*v = n->num;
	if (n->expr == NULL)
		return (true);
	if (!expr_eval(n->expr, t, &s) || !smp_cast(t, &s, SMP_INT))
		return (false);
	*v = s.num;
	return (true);
}

bool
rule_want_number(struct conf_line *l, enum rule_set set, int64_t max,
    struct rule_number *n)
{
	const struct conf_word *w = conf_peek(l);
	char *end;

	if (w == NULL || w->text.n == 0 || *w->text.p < '0' ||
	    *w->text.p > '9')
		return (rule_want_expr(l, set, SMP_INT, &n->expr));
	errno = 0;
	n->num = strtoll(w->text.p, &end, 0);   /* 12, 0x0c */
	l->at++;
	return ((*end == '\0' && errno == 0 && n->num <= max) ||
	    conf_err(l, w, "expected a number between 0 and %lld, found "
	    "'%.*s'", (long long)max, SPAN_FMT(w->text)));
}

bool
rule_want_duration(struct conf_line *l, enum rule_set set,
    struct rule_number *n)
{
	const struct conf_word *w = conf_peek(l);
	int64_t us;

	if (w == NULL || num_time(w->text, "ms", &us) != NUM_OK)
		return (rule_want_expr(l, set, SMP_INT, &n->expr));
	l->at++;
	n->num = (us + 999) / 1000;
	return (n->num > 0 && n->num <= INT32_MAX ? true :
	    conf_err(l, w, "expected a time between 1ms and %dms, "
	    "found '%.*s'", INT32_MAX, SPAN_FMT(w->text)));
}

/* ---- pause, set-timeout ---- */

static bool
parse_pause(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	(void)px;
	return (rule_want_duration(l, set, &act_new(l, priv)->n));
}

static enum rule_verdict
run_pause(const void *priv, struct txn *t, struct rule_run *run)
{
	int64_t ms;

	if (run->paused) {
		if (the_loop->now_ms < run->until_ms)
			return (RULE_WAIT);
		run->paused = false;
		return (RULE_NEXT);
	}
	if (!rule_number(&((const struct strm_act *)priv)->n, t, &ms) ||
	    ms <= 0)
		return (RULE_NEXT);
	run->paused = true;
	run->wait_ms = ms > INT32_MAX ? INT32_MAX : ms;
	run->until_ms = the_loop->now_ms + run->wait_ms;
	return (RULE_WAIT);
}

static bool
parse_timeout(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	static const struct {
		const char *name;
		unsigned need;          /* who has such a timeout */
	} all[TXN_TIMEOUT_N] = {
		[TXN_TIMEOUT_CLIENT] = { "client", PX_FE },
		[TXN_TIMEOUT_SERVER] = { "server", PX_BE },
		[TXN_TIMEOUT_TUNNEL] = { "tunnel", PX_BE },
		[TXN_TIMEOUT_CONNECT] = { "connect", PX_BE },
		[TXN_TIMEOUT_QUEUE] = { "queue", PX_BE },
		[TXN_TIMEOUT_TARPIT] = { "tarpit", PX_FE | PX_BE },
	};
	struct strm_act *a = act_new(l, priv);
	const struct conf_word *w = conf_peek(l);
	unsigned need;
	struct span s;

	if (!conf_want(l, "the name of a timeout", &s))
		return (false);
	while (a->which < NELEM(all) && !span_is(s, all[a->which].name))
		a->which++;
	if (a->which == NELEM(all))
		return (conf_err(l, w, "expected 'client', 'connect', "
		    "'queue', 'server', 'tarpit' or 'tunnel', found '%.*s'",
		    SPAN_FMT(s)));
	need = all[a->which].need;
	if ((px->kind & (need | PX_DEFAULTS)) == 0)
		return (conf_err(l, w, "timeout '%.*s' is one of %ss, which "
		    "'%s' is not", SPAN_FMT(s), need == PX_FE ? "frontend" :
		    "backend", px->name));
	return (rule_want_duration(l, set, &a->n));
}

static enum rule_verdict
run_timeout(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct strm_act *a = priv;
	int64_t ms;

	(void)run;
	if (rule_number(&a->n, t, &ms) && ms > 0)
		t->timeout_ms[a->which] = ms > INT32_MAX ? INT32_MAX :
		    (uint32_t)ms;
	return (RULE_NEXT);
}

/* ---- early-hint, strict-mode ---- */

static bool
parse_hint(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct strm_act *a = act_new(l, priv);

	(void)px;
	return (rule_want_header(l, &a->name) && rule_want_fmt(l,
	    "a header value", LOGFMT_HEADER, set, &a->fmt));
}

static enum rule_verdict
run_hint(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct strm_act *a = priv;
	struct span v = rule_text(a->fmt, t);

	(void)run;
	if (v.p != NULL && t->ops->hint != NULL)
		t->ops->hint(t, a->name, v);
	return (RULE_NEXT);
}

static bool
parse_strict(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	struct strm_act *a = act_new(l, priv);

	(void)px;
	(void)set;
	if (conf_accept(l, "on"))
		a->n.num = 1;
	else if (!conf_accept(l, "off"))
		return (conf_err(l, conf_peek(l), "expected 'on' or 'off'"));
	return (true);
}

static enum rule_verdict
run_strict(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)t;
	run->lenient = ((const struct strm_act *)priv)->n.num == 0;
	return (RULE_NEXT);
}

/* ---- addresses ---- */

static bool
parse_addr(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (rule_want_expr(l, set, SMP_ADDR, &act_new(l, priv)->n.expr));
}

static bool
parse_port(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (rule_want_expr(l, set, SMP_INT, &act_new(l, priv)->n.expr));
}

static enum rule_verdict
set_addr(const struct strm_act *a, struct txn *t, enum txn_addr which)
{
	uint16_t port = txn_addr(t, which)->port;
	struct smp s;

	if (!expr_eval(a->n.expr, t, &s) || !smp_cast(t, &s, SMP_ADDR))
		return (RULE_NEXT);
	t->addr[which] = s.addr;
	t->addr[which].port = port;
	txn_touch(t);
	return (RULE_NEXT);
}

static enum rule_verdict
set_port(const struct strm_act *a, struct txn *t, enum txn_addr which)
{
	struct addr *addr = &t->addr[which];
	int64_t port;

	if (!rule_number(&a->n, t, &port))
		return (RULE_NEXT);
	(void)txn_addr(t, which);
	if (addr->family != ADDR_V4 && addr->family != ADDR_V6)
		*addr = (struct addr){ .family = ADDR_V4 };
	addr->port = (uint16_t)port;
	txn_touch(t);
	return (RULE_NEXT);
}

static enum rule_verdict
run_src(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	return (set_addr(priv, t, TXN_SRC));
}

static enum rule_verdict
run_dst(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	return (set_addr(priv, t, TXN_DST));
}

static enum rule_verdict
run_src_port(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	return (set_port(priv, t, TXN_SRC));
}

static enum rule_verdict
run_dst_port(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	return (set_port(priv, t, TXN_DST));
}

/* ---- marks of packets to the client ---- */

static bool
parse_mark(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (rule_want_number(l, set, UINT32_MAX, &act_new(l, priv)->n));
}

static bool
parse_tos(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	(void)px;
	return (rule_want_number(l, set, 255, &act_new(l, priv)->n));
}

static enum rule_verdict
run_mark(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct strm_act *a = priv;
	int fd = t->ops->client_fd != NULL ? t->ops->client_fd(t) : -1;
	int64_t v;

	(void)run;
	if (fd >= 0 && rule_number(&a->n, t, &v))
		sock_set_mark(fd, (uint32_t)v);
	return (RULE_NEXT);
}

static enum rule_verdict
run_tos(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct strm_act *a = priv;
	int fd = t->ops->client_fd != NULL ? t->ops->client_fd(t) : -1;
	int64_t v;

	(void)run;
	if (fd >= 0 && rule_number(&a->n, t, &v))
		sock_set_tos(fd, (int)(v & 255));
	return (RULE_NEXT);
}

/* ---- what a connection begins with ---- */

static bool
parse_expect(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	(void)px;
	(void)set;
	(void)priv;
	return (conf_accept(l, "layer4") || conf_err(l, conf_peek(l),
	    "expected 'layer4' after '%s'", l->kw->name));
}

static enum rule_verdict
run_expect_proxy(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)run;
	t->expects_proxy = true;
	return (RULE_NEXT);
}

static enum rule_verdict
run_expect_cip(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)priv;
	(void)run;
	t->expects_cip = true;
	return (RULE_NEXT);
}

/* ---- place in queues ---- */

static bool
parse_priority(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	(void)px;
	return (rule_want_expr(l, set, SMP_INT, &act_new(l, priv)->n.expr));
}

/* What does not fit is cut, so that a place in a queue has room for it. */
static bool
priority_of(const struct strm_act *a, struct txn *t, int32_t most, int32_t *v)
{
	int64_t n;

	if (!rule_number(&a->n, t, &n))
		return (false);
	*v = n < -most ? -most : n > most ? most : (int32_t)n;
	return (true);
}

static enum rule_verdict
run_class(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	(void)priority_of(priv, t, TXN_PRIO_CLASS_MAX, &t->prio_class);
	return (RULE_NEXT);
}

static enum rule_verdict
run_offset(const void *priv, struct txn *t, struct rule_run *run)
{
	(void)run;
	(void)priority_of(priv, t, TXN_PRIO_MS_MAX, &t->prio_ms);
	return (RULE_NEXT);
}

/* ---- rows ---- */

#define HTTP_ALL (IN(HTTP_REQ) | IN(HTTP_RES) | IN(HTTP_AFTER))
#define ON_STREAM (IN(TCP_REQ) | IN(HTTP_REQ))
#define TO_CLIENT (IN(TCP_CONN) | IN(TCP_SESS) | IN(TCP_REQ) | IN(TCP_RES) | \
	IN(HTTP_REQ) | IN(HTTP_RES))

ACTION(pause) = {
	.name = "pause", .sets = IN(HTTP_REQ) | IN(HTTP_RES),
	.args = "{ <time> | <expr> }",
	.parse = parse_pause, .run = run_pause,
	.doc = "Holds the request, or the response, for that long; an expression gives "
	    "milliseconds. Nothing else waits for it.",
	.example = "http-request pause 100ms if { path_beg /login }",
};
ACTION(set_timeout) = {
	.name = "set-timeout", .sets = IN(HTTP_REQ) | IN(HTTP_RES),
	.args = "{ client | connect | queue | server | tarpit | tunnel } "
	    "{ <time> | <expr> }",
	.parse = parse_timeout, .run = run_timeout,
	.doc = "Another timeout for this stream only; an expression gives "
	    "milliseconds.",
	.example = "http-request set-timeout client 1h if { path /slow }",
};
ACTION(expect_proxy) = {
	.name = "expect-proxy", .sets = IN(TCP_CONN), .args = "layer4",
	.parse = parse_expect, .run = run_expect_proxy,
	.doc = "The connection must begin with a PROXY header, as if its bind "
	    "line said accept-proxy.",
	.example = "tcp-request connection expect-proxy layer4 "
	    "if { src 192.0.2.0/24 }",
};
ACTION(expect_cip) = {
	.name = "expect-netscaler-cip", .sets = IN(TCP_CONN), .args = "layer4",
	.parse = parse_expect, .run = run_expect_cip,
	.doc = "The connection must begin with a header of NetScaler's Client IP "
	    "insertion, as with accept-netscaler-cip on the bind line; without "
	    "that word its magic number has to be 0.",
	.example = "tcp-request connection expect-netscaler-cip layer4 "
	    "if { src 192.0.2.0/24 }",
};
ACTION(set_priority_class) = {
	.name = "set-priority-class", .sets = ON_STREAM, .args = "<expr>",
	.parse = parse_priority, .run = run_class,
	.doc = "Where the stream stands if it has to queue for a server: lower "
	    "classes first, -2047 to 2047, usually 0.",
	.example = "http-request set-priority-class int(-1) if { path /pay }",
};
ACTION(set_priority_offset) = {
	.name = "set-priority-offset", .sets = ON_STREAM, .args = "<expr>",
	.parse = parse_priority, .run = run_offset,
	.doc = "In a queue, and within its class, the stream stands as if it "
	    "had come that many milliseconds later (or, below 0, earlier), "
	    "-524287 to 524287.",
	.example = "http-request set-priority-offset int(5000) "
	    "if { path_beg /batch }",
};
ACTION(early_hint) = {
	.name = "early-hint", .sets = IN(HTTP_REQ), .args = "<name> <fmt>",
	.parse = parse_hint, .run = run_hint,
	.doc = "Sends the client a response 103 with that header ahead of the "
	    "real one (RFC 8297).",
	.example = "http-request early-hint Link \"</a.css>; rel=preload\"",
};
ACTION(strict_mode) = {
	.name = "strict-mode", .sets = HTTP_ALL, .args = "{ on | off }",
	.parse = parse_strict, .run = run_strict,
	.doc = "Whether a header that cannot be added, as there are too many, "
	    "is answered by 500 ('on', the default) or left out, for the "
	    "rules of this list that follow.",
	.example = "http-request strict-mode off",
};
#define ADDRESS(ident, word, parse_, run_, doc_, ex)                         \
ACTION(ident) = { .name = word,                                              \
	.sets = IN(TCP_CONN) | IN(TCP_SESS) | ON_STREAM, .args = "<expr>",   \
	.parse = parse_, .run = run_, .doc = doc_, .example = ex }
ADDRESS(set_src, "set-src", parse_addr, run_src,
    "The client's address from now on: for src, the log, forwardfor.",
    "http-request set-src hdr(x-real-ip)");
ADDRESS(set_src_port, "set-src-port", parse_port, run_src_port,
    "The client's port from now on.",
    "http-request set-src-port int(4000)");
ADDRESS(set_dst, "set-dst", parse_addr, run_dst,
    "The address that the client connected to from now on; also where a "
    "server without an address is.",
    "http-request set-dst str(192.0.2.7)");
ADDRESS(set_dst_port, "set-dst-port", parse_port, run_dst_port,
    "The port that the client connected to from now on.",
    "http-request set-dst-port int(443)");
#define MARK(ident, word, parse_, run_, doc_, ex)                            \
ACTION(ident) = { .name = word, .sets = TO_CLIENT,                           \
	.args = "{ <number> | <expr> }", .parse = parse_, .run = run_,       \
	.doc = doc_, .example = ex }
MARK(set_mark, "set-mark", parse_mark, run_mark,
    "Another name of set-fc-mark.", "http-request set-mark 0x10");
MARK(set_fc_mark, "set-fc-mark", parse_mark, run_mark,
    "The mark of packets to the client, for routing and filters (SO_MARK, "
    "needs CAP_NET_ADMIN).", "tcp-request connection set-fc-mark 12");
MARK(set_tos, "set-tos", parse_tos, run_tos,
    "Another name of set-fc-tos.", "http-response set-tos 0x20");
MARK(set_fc_tos, "set-fc-tos", parse_tos, run_tos,
    "The TOS or traffic class of packets to the client.",
    "http-request set-fc-tos 46");

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_way_kw - lines and words about how connections to servers begin.
 */
#include "srv_way.h"

#include <errno.h>
#include <string.h>

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/expr.h>
#include <os/sock.h>

PX_SLOT(PX_OBJ_SERVER, struct srv_way, srv_way_slot, NULL);
PX_SLOT(PX_OBJ_PROXY, struct srv_be_way, srv_be_way_slot, NULL);

static struct srv_way *
way_of(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &srv_way_slot));
}

/* hdr_ip(name) or hdr_ip(name,occurrence): as the sample, the last one when
 * no occurrence is said. */
static bool
want_header(struct conf_line *l, struct srv_source *src)
{
	const struct conf_word *w = conf_peek(l);

	src->usesrc = SRV_USESRC_HDR;
	src->hdr = expr_parse(l, w, span_str(arena_printf(l->conf->arena,
	    "req.%s", w->text.p)), SMP_AT(SERVER));
	l->at++;
	return (src->hdr != NULL);
}

static bool
want_usesrc(struct conf_line *l, struct srv_source *src)
{
	if (conf_accept(l, "client"))
		src->usesrc = SRV_USESRC_CLIENT;
	else if (conf_accept(l, "clientip"))
		src->usesrc = SRV_USESRC_CLIENTIP;
	else if (conf_left(l) > 0 &&
	    span_begins(conf_peek(l)->text, SPAN("hdr_ip(")))
		return (want_header(l, src));
	else {
		src->usesrc = SRV_USESRC_ADDR;
		return (conf_want_ip(l, "usesrc", false, &src->foreign));
	}
	return (true);
}

static bool
want_interface(struct conf_line *l, struct srv_source *src)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "the name of a network interface", &s))
		return (false);
	if (s.n == 0 || s.n > 15)
		return (conf_err(l, w, "'interface' : a name has 1 to 15 "
		    "characters, got '%s'", s.p));
	src->interface = s.p;
	return (true);
}

/* NULL after recording the error. */
static const struct srv_source *
want_source(struct conf_line *l)
{
	struct srv_source *src = arena_zget(l->conf->arena, sizeof *src);

	if (!conf_want_ip(l, "source", false, &src->addr))
		return (NULL);
	for (;;) {
		if (conf_accept(l, "usesrc")) {
			if (!want_usesrc(l, src))
				return (NULL);
		} else if (conf_accept(l, "interface")) {
			if (!want_interface(l, src))
				return (NULL);
		} else
			return (src);
	}
}

static bool
parse_server_source(struct conf_line *l, void *obj)
{
	return ((way_of(obj)->source = want_source(l)) != NULL);
}

static bool
parse_proxy_source(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct srv_be_way *b = px_edit(&px->slots, &srv_be_way_slot);

	return ((b->source = want_source(l)) != NULL && conf_end(l));
}

static bool
parse_tcp_ut(struct conf_line *l, void *obj)
{
	struct srv_way *w = way_of(obj);
	const struct conf_word *word = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a delay", "ms", &ms))
		return (false);
	if (ms > INT32_MAX)
		return (conf_err(l, word, "'tcp-ut' expects at most 24 days"));
	w->user_timeout_ms = (uint32_t)ms;
	w->special |= ms != 0;
	return (true);
}

static bool
parse_tfo(struct conf_line *l, void *obj)
{
	struct srv_way *w = way_of(obj);

	w->tfo = !l->no && strcmp(l->kw->name, "no-tfo") != 0;
	w->special |= w->tfo;
	return (true);
}

static bool
parse_cc(struct conf_line *l, void *obj)
{
	struct srv_way *w = way_of(obj);
	struct span s;

	if (!conf_want(l, "a congestion control algorithm", &s))
		return (false);
	w->cc = s.p;
	w->special = true;
	return (true);
}

static bool
parse_socks(struct conf_line *l, void *obj)
{
	struct srv_way *w = way_of(obj);

	w->special = true;
	return (conf_want_ip(l, "socks4", true, &w->socks));
}

static bool
parse_check_socks(struct conf_line *l, void *obj)
{
	(void)l;
	return (way_of(obj)->check_socks = true);
}

#define MD5_KEY_MAX 80          /* TCP_MD5SIG_MAXKEYLEN of the kernel */

static bool
parse_md5(struct conf_line *l, void *obj)
{
	const struct conf_word *word = conf_peek(l);
	struct srv_way *w = way_of(obj);
	struct span key;

	if (!conf_want(l, "a password", &key))
		return (false);
	if (key.n == 0 || key.n > MD5_KEY_MAX)
		return (conf_err(l, word, "'tcp-md5sig' expects a password of 1 "
		    "to %d characters", MD5_KEY_MAX));
	w->md5_key = key.p;
	w->special = true;
	return (true);
}

/* The descriptor stays open, for workers that can't see the path any more. */
static bool
parse_namespace(struct conf_line *l, void *obj)
{
	const struct conf_word *word = conf_peek(l);
	struct srv_way *w = way_of(obj);
	struct span name;
	int fd;

	if (conf_accept(l, "*"))
		return (conf_err(l, word, "'namespace *', that of the PROXY "
		    "header, is not supported yet"));
	if (!conf_want(l, "the name of a network namespace", &name))
		return (false);
	if (span_find(name, '/') >= 0)
		return (conf_err(l, word, "'%s' is not the name of a network "
		    "namespace", name.p));
	if ((fd = sock_netns(name.p)) < 0)
		return (conf_err(l, word, "unable to open the network namespace "
		    "'%s': %s", name.p, strerror(errno)));
	w->namespace = name.p;
	w->netns = fd + 1;
	w->special = true;
	return (true);
}

#define SERVER_WORD(ident, word, bits, words, fn, text)                      \
	KEYWORD(way_##ident) = {                                             \
		.name = word, .in = KW_SERVER, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text,                     \
	}
#define SOURCE_ARGS "<address>[:<port>] [usesrc { <address>[:<port>] | "     \
	"client | clientip | hdr_ip(<header>[,<occurrence>]) }] "            \
	"[interface <name>]"
#define SOURCE_TEXT "The address to connect from, or (0.0.0.0, ::) the "     \
	"interface alone. With usesrc connections seem to come from an "     \
	"address that is not ours, the client's with or without its port, "  \
	"or the one in a header, and are not shared with other clients: it " \
	"takes CAP_NET_ADMIN, and a network that leads the answers back "    \
	"here (TPROXY)."
SERVER_WORD(source, "source", 0, SOURCE_ARGS, parse_server_source,
    SOURCE_TEXT);
SERVER_WORD(tcp_ut, "tcp-ut", 0, "<time>", parse_tcp_ut,
    "How long what was sent to it may stay unacknowledged before the "
    "connection is given up.");
SERVER_WORD(tfo, "tfo", KW_NO, "", parse_tfo,
    "Sends the first bytes along with the connection's first packet (TCP Fast "
    "Open), once the server has given its cookie. Have `retry-on conn-failure "
    "empty-response response-timeout` with it.");
SERVER_WORD(no_tfo, "no-tfo", 0, "", parse_tfo,
    "Ends tfo, whatever default-server says.");
SERVER_WORD(cc, "cc", 0, "<name>", parse_cc,
    "The congestion control of connections to it, one that the sysctl "
    "net.ipv4.tcp_allowed_congestion_control has, or with CAP_NET_ADMIN "
    "another; the usual one stays where it is refused.");
SERVER_WORD(socks, "socks4", 0, "<address>:<port>", parse_socks,
    "Connections to it go through this SOCKS proxy, version 4, which knows "
    "IPv4 only; not those of checks, unless check-via-socks4 is said.");
SERVER_WORD(check_socks, "check-via-socks4", 0, "", parse_check_socks,
    "Its checks go through the proxy of socks4, too.");
SERVER_WORD(md5, "tcp-md5sig", 0, "<password>", parse_md5,
    "Signs the packets of connections to it with this password (RFC 2385).");
SERVER_WORD(namespace, "namespace", 0, "<name>", parse_namespace,
    "The network namespace to connect in, one of those that `ip netns` shows. "
    "Workers need CAP_SYS_ADMIN.");

KEYWORD(proxy_source) = {
	.name = "source", .in = KW_DEFAULTS | KW_BACKEND, .args = SOURCE_ARGS,
	.parse = parse_proxy_source,
	.doc = SOURCE_TEXT " For all servers that do not say themselves.",
	.example = "source 192.0.2.1",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_proto_kw - words of bind and server lines that name the protocol of their
 * connections, and those that only some protocols make use of.
 *
 * Source: configuration manual 5.1 "proto", "idle-ping", "label", 5.2 "proto",
 * "ws", "check-proto".
 */
#include "px_int.h"

#include <base/must.h>
#include <px/live.h>

static const struct {
	const char *name;
	bool here, bind, server;        /* spoken; on which lines */
} protos[] = {
	[PX_PROTO_H1] = { "h1", true, true, true },
	[PX_PROTO_NONE] = { "none", true, true, true },
	{ "h2", false, true, true },
	{ "quic", false, true, true },
	{ "fcgi", false, false, true },
	{ "spop", false, false, true },
};

static bool
want_proto(struct conf_line *l, bool server, uint8_t *out)
{
	const struct conf_word *w = conf_peek(l);
	const char *name = l->kw->name;
	struct span s;

	if (!conf_want(l, "a protocol", &s))
		return (false);
	for (size_t i = PX_PROTO_H1; i < NELEM(protos); i++) {
		if (!span_is(s, protos[i].name) ||
		    !(server ? protos[i].server : protos[i].bind))
			continue;
		*out = (uint8_t)i;
		return (protos[i].here || conf_err(l, w, "'%s' : protocol "
		    "'%s' is not supported yet; 'h1' and 'none' are", name,
		    s.p));
	}
	return (conf_err(l, w, "'%s' :  unknown MUX protocol '%s'; expected "
	    "'h1' (mode http) or 'none' (mode tcp)", name, s.p));
}

static bool
parse_bind_proto(struct conf_line *l, void *obj)
{
	return (want_proto(l, false, &OBJ(obj, struct px_bind,
	    PX_BIND_MAGIC)->proto));
}

static bool
parse_server_proto(struct conf_line *l, void *obj)
{
	return (want_proto(l, true, &OBJ(obj, struct px_server,
	    PX_SERVER_MAGIC)->proto));
}

/* A connection to a server speaks one protocol from its first byte on, h1: so
 * does one that becomes a WebSocket. */
static bool
parse_ws(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)obj;
	if (!conf_want(l, "'auto' or 'h1'", &s))
		return (false);
	if (span_is(s, "auto") || span_is(s, "h1"))
		return (true);
	return (conf_err(l, w, span_is(s, "h2") ? "'ws' : 'h2' is not "
	    "supported yet; 'auto' and 'h1' are" : "'ws' has to be 'auto', "
	    "'h1' or 'h2'."));
}

/* Pings are a matter of HTTP/2; other protocols have none, and HAProxy lets
 * the word stand beside them. */
static bool
parse_idle_ping(struct conf_line *l, void *obj)
{
	int64_t ms;

	(void)obj;
	return (conf_want_time(l, "a delay", "ms", &ms));
}

static bool
parse_label(struct conf_line *l, void *obj)
{
	struct span s;

	(void)obj;
	return (conf_want(l, "a label", &s));
}

static bool
parse_check_proto(struct conf_line *l, void *obj)
{
	return (want_proto(l, true, &OBJ(obj, struct px_server,
	    PX_SERVER_MAGIC)->check_proto));
}

/* ---- when modes are known ---- */

static bool
fits(const struct px *px, uint8_t proto)
{
	return (proto == PX_PROTO_AUTO ||
	    (proto == PX_PROTO_H1) == (px->mode == PX_HTTP));
}

static bool
refuse(struct conf *c, const struct px *px, struct diag_pos pos,
    uint8_t proto, const char *what, const char *name)
{
	return (conf_fail(c, DIAG_ALERT, pos, "proxy '%s' : MUX protocol '%s' "
	    "is not usable for %s'%s' in mode %s: '%s' is", px->name,
	    protos[proto].name, what, name,
	    px->mode == PX_HTTP ? "http" : "tcp",
	    px->mode == PX_HTTP ? "h1" : "none"));
}

static bool
check_server(struct conf *c, struct px_server *sv)
{
	return (fits(sv->px, sv->proto) || refuse(c, sv->px, sv->pos,
	    sv->proto, "server ", sv->name));
}
PX_LIVE_CHECK(px_proto, 2, check_server);

static bool
check_protos(struct conf *c)
{
	bool good = true;

	PX_EACH(px, px_model) {
		if (px->disabled)
			continue;
		for (struct px_bind *b = px->binds; b != NULL; b = b->next)
			if (!fits(px, b->proto))
				good = refuse(c, px, b->pos, b->proto, "bind ",
				    b->listens == NULL ? "" :
				    b->listens->text);
		PX_EACH_SERVER(sv, px)
			good &= check_server(c, sv);
	}
	return (good);
}

CONF_CHECK(px_protos, 2, check_protos);

#define WORD(ident, scope, word, words, fn, text)                            \
	KEYWORD(proto_##ident) = {                                           \
		.name = word, .in = scope, .args = words, .parse = fn,       \
		.doc = text,                                                 \
	}
WORD(bind, KW_BIND, "proto", "h1|none", parse_bind_proto,
    "The protocol of these connections: `h1` in mode http, as without the "
    "word; `none` in mode tcp, where they can't become HTTP then: what would "
    "make them HTTP (switch-mode, a backend of mode http) ends them.");
WORD(server, KW_SERVER, "proto", "h1|none", parse_server_proto,
    "The protocol spoken with it: `h1` in mode http, `none` in mode tcp, as "
    "without the word.");
WORD(check, KW_SERVER, "check-proto", "h1|none", parse_check_proto,
    "The protocol of its checks: `h1` for those of `option httpchk`, `none` for "
    "others, as without the word.");
WORD(ws, KW_SERVER, "ws", "auto|h1", parse_ws,
    "The protocol of WebSockets: HTTP/1, as of everything else.");
WORD(ping_bind, KW_BIND, "idle-ping", "<time>", parse_idle_ping,
    "How often HTTP/2 asks silent clients for a sign of life; HTTP/1 and TCP "
    "have no such question.");
WORD(ping_server, KW_SERVER, "idle-ping", "<time>", parse_idle_ping,
    "How often HTTP/2 asks idle servers for a sign of life; HTTP/1 and TCP "
    "have no such question.");
WORD(label, KW_BIND, "label", "<name>", parse_label,
    "A name for a group of sockets. Nothing refers to it yet.");

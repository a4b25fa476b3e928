/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_kw - lines of proxies about HTTP/1 connections.
 */
#include "h1_conn.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

struct h1_cfg {
	unsigned session_conns;
	uint32_t requests;              /* of a client's connection; 0: any */
};
static const struct h1_cfg initial = { .session_conns = 5 };
static PX_SLOT(PX_OBJ_PROXY, struct h1_cfg, h1_slot, &initial);

unsigned
h1_session_conns(const struct px *fe)
{
	const struct h1_cfg *c = px_get(&fe->slots, &h1_slot);

	return (c->session_conns);
}

uint32_t
h1_most_requests(const struct px *fe)
{
	const struct h1_cfg *c = px_get(&fe->slots, &h1_slot);

	return (c->requests);
}

static bool
parse_session_conns(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct h1_cfg *c = px_edit(&px->slots, &h1_slot);
	int64_t n;

	if (!conf_want_int(l, "a number of connections", 0, INT32_MAX, &n))
		return (false);
	c->session_conns = (unsigned)n;
	return (conf_end(l));
}

KEYWORD(max_session_srv_conns) = {
	.name = "max-session-srv-conns", .in = KW_DEFAULTS | KW_FRONTEND,
	.args = "<n>", .parse = parse_session_conns,
	.doc = "Idle connections to servers that are kept for one client alone "
	    "(`http-reuse never`), while it is there (5).",
	.example = "max-session-srv-conns 20",
};

static bool
parse_requests(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct h1_cfg *c = px_edit(&px->slots, &h1_slot);
	int64_t n;

	if (!conf_want_int(l, "a number of requests (0: no limit)", 0,
	    INT32_MAX, &n))
		return (false);
	c->requests = (uint32_t)n;
	return (conf_end(l));
}

KEYWORD(max_keep_alive_requests) = {
	.name = "max-keep-alive-requests", .in = KW_DEFAULTS | KW_FRONTEND,
	.flags = KW_HTTP, .args = "<n>", .parse = parse_requests,
	.doc = "After so many requests a client's connection is closed, which "
	    "the last response says. 0, the default: no limit. A word of this "
	    "program, which HAProxy lacks.",
	.example = "max-keep-alive-requests 1000",
};

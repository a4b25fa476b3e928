/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_init_addr - where a server that is named, not numbered, is at start:
 * what "init-addr" says to try.
 *
 * Names are looked up when the whole configuration is read, as the state file
 * that knows the last address may be named behind the server.
 *
 * Source: configuration manual, 5.2 "init-addr".
 */
#include "px_int.h"

#include <base/must.h>

enum how { HOW_LAST, HOW_LIBC, HOW_NONE, HOW_IP };

#define METHODS 8

struct px_init_addr {
	unsigned n;
	struct { enum how how; struct addr ip; } try[METHODS];
};

static const struct px_init_addr usual = {
	.n = 2, .try = { { .how = HOW_LAST }, { .how = HOW_LIBC } },
};

/* After an error: one message is enough. */
static const struct px_init_addr nowhere = {
	.n = 1, .try = { { .how = HOW_NONE } },
};

static const struct px_init_addr *
methods(const struct px_server *sv)
{
	return (sv->init_addr != NULL ? sv->init_addr : &usual);
}

bool
px_server_has_label(const struct px_server *sv)
{
	return (sv->dynamic && sv->named != NULL && sv->named->host.n > 0 &&
	    sv->named->host.p[0] == '_');
}

bool
px_server_keeps_addr(const struct px_server *sv)
{
	return (sv->named != NULL && methods(sv)->try[0].how == HOW_LAST);
}

static bool
parse_method(struct conf_line *l, const struct conf_word *w,
    struct px_init_addr *to, struct span word)
{
	static const char *const names[] = { "last", "libc", "none" };
	struct addr_net net;

	if (to->n == METHODS)
		return (conf_err(l, w, "'init-addr' expects at most %d "
		    "methods", METHODS));
	for (unsigned i = 0; i < NELEM(names); i++)
		if (span_is(word, names[i])) {
			to->try[to->n++].how = (enum how)i;
			return (true);
		}
	if (span_find(word, '/') >= 0 || !addr_net_parse(word, &net))
		return (conf_err(l, w, "'init-addr' expects 'last', 'libc', "
		    "'none' or an IP address, found '%.*s'",
		    SPAN_FMT(word)));
	to->try[to->n].how = HOW_IP;
	to->try[to->n++].ip = net.addr;
	return (true);
}

static bool
parse_init_addr(struct conf_line *l, void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);
	const struct conf_word *w = conf_peek(l);
	struct px_init_addr *to;
	struct span list, word;

	sv->init_addr = &nowhere;
	if (!conf_want(l, "a list of 'last', 'libc', 'none' or IP addresses",
	    &list))
		return (false);
	to = arena_zget(px_model->arena, sizeof *to);
	while (span_cut(&list, ',', &word))
		if (!parse_method(l, w, to, word))
			return (false);
	if (to->n == 0)
		return (conf_err(l, w, "'init-addr' expects at least one "
		    "method"));
	sv->init_addr = to;
	return (true);
}

/* ---- when all was read ---- */

static void
put_ip(struct px_server *sv, const struct addr *ip)
{
	uint16_t port = sv->addr.port;

	sv->addr = *ip;
	sv->addr.port = port;
}

/* One method; false: try the next one. */
static bool
attempt(struct px_server *sv, enum how how, const struct addr *ip,
    const char **err)
{
	struct addr_spec spec = *sv->named;

	switch (how) {
	case HOW_LAST:
		if (sv->saved == NULL || sv->saved->ip.family == ADDR_NONE)
			return (false);
		put_ip(sv, &sv->saved->ip);
		return (true);
	case HOW_LIBC:
		if (!addr_resolve(&spec, err))
			return (false);
		put_ip(sv, &spec.addr);
		return (true);
	case HOW_IP:
		put_ip(sv, ip);
		return (true);
	default:
		put_ip(sv, &(struct addr){ .family = ADDR_NONE });
		return (true);
	}
}

static bool
locate(struct conf *c, struct px_server *sv)
{
	const struct px_init_addr *m = methods(sv);
	const char *err = NULL;
	struct diag *d;

	for (unsigned i = 0; i < m->n; i++) {
		if (px_server_has_label(sv) && m->try[i].how == HOW_LIBC)
			continue;       /* it looks up no SRV records */
		if (attempt(sv, m->try[i].how, &m->try[i].ip, &err))
			return (true);
	}
	if (sv->dynamic) {
		put_ip(sv, &(struct addr){ .family = ADDR_NONE });
		return (px_server_has_label(sv) || conf_fail(c, DIAG_WARNING,
		    sv->named_pos, "'server %s/%s' : could not resolve "
		    "address '%.*s', disabling server", sv->px->name,
		    sv->name, SPAN_FMT(sv->named->host)) || true);
	}
	conf_fail(c, DIAG_ALERT, sv->named_pos, "'server %s/%s' : could not "
	    "resolve address '%.*s'", sv->px->name, sv->name,
	    SPAN_FMT(sv->named->host));
	d = LIST_ITEM(c->diags->all.prev, struct diag, node);
	if (err != NULL)
		diag_hint(d, "%s; 'init-addr last,libc,none' starts without "
		    "an address", err);
	return (false);
}

static bool
locate_all(struct conf *c)
{
	bool good = true;

	if (px_model->n_named == 0)
		return (true);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			if (sv->named != NULL)
				good &= locate(c, sv);
	return (good);
}

CONF_CHECK(px_init_addr, 4, locate_all);

KEYWORD(server_init_addr) = {
	.name = "init-addr", .in = KW_SERVER,
	.args = "last|libc|none|<ip>[,...]", .parse = parse_init_addr,
	.doc = "How a server with a name gets its first address, tried in "
	    "turn: the last one it had (of the generation before, or of a "
	    "state file), the system's resolver, none (in maintenance until "
	    "one is known), or this one. `last,libc` is the default; when "
	    "none works, the configuration is refused.",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_rdp - persist rdp-cookie: a client of terminal servers says in its first
 * packet on which one its session is.
 *
 * The value is the server's address and port as numbers that were read from
 * memory with the wrong end first, and a third one: "3640205228.15629.0000".
 *
 * Source: configuration manual 4.2 "persist rdp-cookie"; MS-RDPBCGR 3.2.5.3.1.
 */
#include "strm_cookie.h"
#include "strm_int.h"

#include <base/must.h>
#include <base/num.h>
#include <conf/conf.h>
#include <conf/kw.h>

static bool
take_number(struct span *rest, uint64_t most, uint64_t *out)
{
	struct span part;

	return (span_cut(rest, '.', &part) && num_u64(part, out) &&
	    *out <= most);
}

/* False: it is no such value. */
static bool
read_place(struct span value, struct addr *a)
{
	uint64_t ip, port;

	if (!take_number(&value, UINT32_MAX, &ip) ||
	    !take_number(&value, UINT16_MAX, &port) || value.n == 0)
		return (false);
	*a = (struct addr){ .family = ADDR_V4,
	    .port = (uint16_t)(port << 8 | port >> 8) };
	for (int i = 0; i < 4; i++)
		a->ip[i] = (uint8_t)(ip >> 8 * i);
	return (true);
}

static struct srv *
server_at(struct txn *txn, const struct addr *a)
{
	const struct be *be = be_of(txn->be);
	struct addr now;

	for (uint32_t i = 0; i < be->n; i++) {
		srv_addr(be->srv[i], txn, &now);
		if (now.family == ADDR_V4 && now.port == a->port &&
		    memcmp(now.ip, a->ip, 4) == 0)
			return (be->srv[i]);
	}
	return (NULL);
}

void
strm_rdp_persist(struct strm *s, const struct expr *cookie)
{
	struct span value = expr_text(cookie, &s->txn);
	struct srv *srv;
	struct addr a;

	if (value.n == 0 || !read_place(value, &a) ||
	    (srv = server_at(&s->txn, &a)) == NULL)
		return;
	s->want_down = strm_even_down(s);
	if (srv_is_up(srv) || s->want_down)
		s->want = srv;
}

static bool
parse_persist(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	const struct conf_word *w = &l->word[l->at - 1];
	struct cookie_cfg *c = px_edit(&px->slots, &strm_cookie_slot);
	struct span name = SPAN("(msts)");
	struct span s = span_skip(w->text, SPAN("rdp-cookie").n);

	if (s.n > 2 && s.p[0] == '(' && s.p[s.n - 1] == ')')
		name = s;
	else if (s.n != 0)
		return (conf_err(l, w, "'persist rdp-cookie' expects the name "
		    "of the cookie in parentheses, or nothing"));
	c->rdp = expr_parse(l, w, span_str(arena_printf(l->conf->arena,
	    "req.rdp_cookie%.*s", SPAN_FMT(name))), SMP_AT(SERVER));
	c->active = true;
	return (c->rdp != NULL && conf_end(l));
}

KEYWORD(persist_rdp) = {
	.name = "persist rdp-cookie", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_PAREN, .args = "[(<name>)]", .parse = parse_persist,
	.doc = "Sends clients of Remote Desktop to the server whose address is "
	    "in the cookie (msts) of their first packet, if it is up or with "
	    "`option persist`. Have a `tcp-request inspect-delay` and a rule "
	    "that waits for the packet.",
	.example = "persist rdp-cookie",
};

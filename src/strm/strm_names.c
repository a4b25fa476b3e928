/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_names - header names on the way to servers: those that some servers
 * mix up are taken out or refused, and one says which server was chosen.
 *
 * Source: configuration manual 4.2 "option http-restrict-req-hdr-names",
 * "http-send-name-header".
 */
#include "strm_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <http/class.h>
#include <strm/cfg.h>

/* Nothing that CGI turns into the same '_'; names with a number are so. */
static bool
is_plain(const struct http_hdr *h)
{
	unsigned all = HTTP_C_PLAIN;

	if (h->id != HTTP_OTHER)
		return (true);
	for (size_t i = 0; i < h->name_n; i++)
		all &= http_class_tab[(uint8_t)h->name[i]];
	return (all != 0);
}

bool
strm_names_ok(struct strm *s, const struct strm_cfg *c)
{
	struct http_head *req = s->txn.req;

	if (s->txn.cache_epoch != 0 && s->names_epoch == s->txn.cache_epoch)
		return (true);          /* unchanged since the frontend's */
	for (struct http_hdr *h = req->hdr; h < req->hdr + req->n; h++) {
		if (h->name == NULL || is_plain(h))
			continue;
		if (c->names == STRM_NAMES_REJECT)
			return (false);
		http_del_hdr(req, h);
		txn_touch(&s->txn);
	}
	s->names_epoch = s->txn.cache_epoch;
	return (true);
}

/* Of this attempt: another server gets its own name. */
bool
strm_send_name(struct strm *s, const struct strm_cfg *c)
{
	txn_touch(&s->txn);
	return (http_set(s->txn.req, c->send_name,
	    span_str(s->slot.srv->cfg->name)));
}

/* ---- the lines ---- */

static struct strm_cfg *
edit(void *obj)
{
	return (px_edit(&OBJ(obj, struct px, PX_MAGIC)->slots, &strm_slot));
}

static bool
parse_restrict(struct conf_line *l, void *obj)
{
	static const char *const words[] = {
		[STRM_NAMES_PRESERVE] = "preserve",
		[STRM_NAMES_DELETE] = "delete",
		[STRM_NAMES_REJECT] = "reject",
	};
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'preserve', 'delete' or 'reject'", &s))
		return (false);
	for (size_t i = 0; i < NELEM(words); i++)
		if (span_is(s, words[i])) {
			edit(obj)->names = (uint8_t)i;
			return (conf_end(l));
		}
	return (conf_err(l, w, "'%s' expects 'preserve', 'delete' or 'reject', "
	    "not '%s'", l->kw->name, s.p));
}

static bool
parse_send_name(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "the name of a header", &s))
		return (false);
	if (!http_is_token(s))
		return (conf_err(l, w, "'%s' is not the name of a header",
		    s.p));
	edit(obj)->send_name = s;
	return (conf_end(l));
}

KEYWORD(restrict_names) = {
	.name = "option http-restrict-req-hdr-names", .in = KW_PROXY,
	.flags = KW_HTTP, .args = "preserve|delete|reject",
	.parse = parse_restrict,
	.doc = "What becomes of request headers whose names have other "
	    "characters than letters, digits and `-`, after the http-request "
	    "rules of this proxy: they stay (preserve, the default), are taken "
	    "out, or the request is refused with 403. For servers that take "
	    "`X_A` and `X-A` for the same.",
	.example = "option http-restrict-req-hdr-names delete",
};

KEYWORD(send_name) = {
	.name = "http-send-name-header", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_HTTP, .args = "<header>", .parse = parse_send_name,
	.doc = "Tells each server its name in this header, in place of what the "
	    "request had there; the next one when another server is tried.",
	.example = "http-send-name-header X-Server",
};

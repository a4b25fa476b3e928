/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_tls - TLS under checks: when a connection has it, which name it asks
 * for, and the words about that.
 *
 * Source: configuration manual 5.2 (check-ssl, check-sni, check-alpn, ssl),
 * tcp-check connect, http-check connect.
 */
#include "chk_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <tls/tls.h>

#ifdef USE_OPENSSL

/* A connect line decides for itself unless it says `default`. */
bool
chk_wants_tls(const struct chk *c, const struct chk_step *s)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(c->srv);

	if (c->agent != NULL)
		return (false);
	if (s != NULL && (s->tls || !s->as_server))
		return (s->tls);
	if (cfg->tls != CHK_TLS_AS_SERVER)
		return (cfg->tls == CHK_TLS_ON);
	return (c->srv->cfg->xprt != NULL && !chk_goes_elsewhere(c->srv, s));
}

bool
chk_tls_begin(struct chk *c, const struct chk_step *s, struct span first)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(c->srv);
	struct xprt_to to = { .server = c->srv->cfg, .first = first,
		.name = cfg->sni, .name_counts = true, .alpn = cfg->alpn };

	if (s != NULL && !s->as_server)
		to.name = to.alpn = SPAN_NONE;
	if (s != NULL && s->sni.n > 0)
		to.name = s->sni;
	if (s != NULL && s->alpn.p != NULL)
		to.alpn = s->alpn;
	return (conn_connect(&c->conn, xprt_named(SPAN("tls")), &to));
}

/* ---- words of connect lines ---- */

static bool
want_name(struct conf_line *l, const char *word, struct span *out)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, "a host name", out))
		return (false);
	return ((out->n > 0 && out->n < 256) || conf_err(l, w, "'%s' : a host "
	    "name has 1 to 255 characters", word));
}

bool
chk_parse_tls_word(struct conf_line *l, struct chk_step *s, bool *taken)
{
	*taken = true;
	if (conf_accept(l, "ssl"))
		return (s->tls = true);
	if (conf_accept(l, "sni"))
		return (want_name(l, "sni", &s->sni));
	if (conf_accept(l, "alpn"))
		return (tls_want_alpn(l, &s->alpn));
	return (*taken = false);
}

/* ---- words of server lines ---- */

static struct chk_srv_cfg *
edit(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &chk_srv_slot));
}

static bool
parse_check_ssl(struct conf_line *l, void *obj)
{
	(void)l;
	edit(obj)->tls = CHK_TLS_ON;
	return (true);
}

static bool
parse_no_check_ssl(struct conf_line *l, void *obj)
{
	(void)l;
	edit(obj)->tls = CHK_TLS_OFF;
	return (true);
}

static bool
parse_check_sni(struct conf_line *l, void *obj)
{
	return (want_name(l, "check-sni", &edit(obj)->sni));
}

static bool
parse_check_alpn(struct conf_line *l, void *obj)
{
	return (tls_want_alpn(l, &edit(obj)->alpn));
}

/* ---- when all is known ---- */

static bool
may_want(const struct px *px, const struct px_server *sv)
{
	const struct chk_srv_cfg *cfg = px_get(&sv->slots, &chk_srv_slot);
	const struct chk_px_cfg *how = px_get(&px->slots, &chk_px_slot);

	if (!cfg->check)
		return (false);
	for (const struct chk_step *s = how->script; s != NULL; s = s->next)
		if (s->kind == CHK_CONNECT && s->tls)
			return (true);
	return (cfg->tls == CHK_TLS_ON);
}

static bool
prepare_servers(struct conf *conf)
{
	const struct xprt_ops *tls = xprt_named(SPAN("tls"));
	bool good = true;

	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			if (may_want(px, sv))
				good &= tls->prepare(conf, sv);
	return (good);
}
CONF_CHECK(chk_tls, 35, prepare_servers);

#define SERVER_WORD(ident, word, words, fn, text)                            \
	KEYWORD(chk_##ident) = {                                             \
		.name = word, .in = KW_SERVER, .args = words, .parse = fn,   \
		.doc = text,                                                 \
	}
SERVER_WORD(ssl, "check-ssl", "", parse_check_ssl,
    "TLS under the checks, also when they go to another port or address, or "
    "requests have none. The server's words about TLS hold for it.");
SERVER_WORD(no_ssl, "no-check-ssl", "", parse_no_check_ssl,
    "No TLS under the checks, even if requests have it.");
SERVER_WORD(sni, "check-sni", "<name>", parse_check_sni,
    "The host name that checks ask for, see sni; without it none, and "
    "verifyhost says what is verified.");
SERVER_WORD(alpn, "check-alpn", "<protocols>", parse_check_alpn,
    "Protocols that checks offer (as alpn).");

#else

bool
chk_wants_tls(const struct chk *c, const struct chk_step *s)
{
	(void)c;
	(void)s;
	return (false);
}

bool
chk_tls_begin(struct chk *c, const struct chk_step *s, struct span first)
{
	(void)c;
	(void)s;
	(void)first;
	return (false);
}

bool
chk_parse_tls_word(struct conf_line *l, struct chk_step *s, bool *taken)
{
	(void)l;
	(void)s;
	return (*taken = false);
}

#endif

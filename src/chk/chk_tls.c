/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_tls - TLS under checks: when a connection has it, which name it asks
 * for, and the words about that.
 *
 * Source: configuration manual 5.2 (check-ssl, check-sni, check-sni-auto,
 * check-alpn, ssl),
 * tcp-check connect, http-check connect.
 */
#include "chk_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <px/live.h>
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

/* ---- the name of the request ---- */

/* The first Host of some header lines. */
static struct span
host_in(struct span lines)
{
	int end, colon;

	while ((end = span_find(lines, '\n')) >= 0) {
		struct span line = span_of(lines.p, (size_t)end);

		colon = span_find(line, ':');
		if (colon >= 0 && span_ieq(span_of(line.p, (size_t)colon),
		    SPAN("host"))) {
			line = span_skip(line, (size_t)colon + 1);
			if (line.n > 0 && line.p[line.n - 1] == '\r')
				line.n--;
			return (span_trim(line));
		}
		lines = span_skip(lines, (size_t)end + 1);
	}
	return (SPAN_NONE);
}

static struct span
host_of_request(struct chk *c, const struct chk_http_send *r)
{
	struct span host = host_in(r->version_extra);

	if (host.n == 0)
		host = host_in(r->extra);
	for (const struct chk_hdr_fmt *h = r->hdr_fmts; host.n == 0 &&
	    h != NULL; h = h->next)
		if (span_ieq(h->name, SPAN("host")))
			host = chk_format(c, h->fmt);
	return (host);
}

/* What nothing names: the host that the request will have. */
static struct span
name_of_request(struct chk *c)
{
	const struct chk_step *s = c->script;
	struct span name;

	if (c->type != CHK_TYPE_HTTP || chk_cfg_of(c->srv)->no_sni_auto)
		return (SPAN_NONE);
	while (s != NULL && s->kind != CHK_SEND)
		s = s->next;
	name = s == NULL ? SPAN_NONE :
	    tls_host_name(host_of_request(c, &s->request));
	return (name.n < 256 && span_find(name, '\0') < 0 ? name :
	    SPAN_NONE);
}

bool
chk_tls_begin(struct chk *c, const struct chk_step *s, struct span first)
{
	const struct chk_srv_cfg *cfg = chk_cfg_of(c->srv);
	struct xprt_to to = { .server = c->srv->cfg, .first = first,
		.name = cfg->sni, .alpn = cfg->alpn };

	if (s != NULL && !s->as_server)
		to.name = to.alpn = SPAN_NONE;
	if (s != NULL && s->sni.n > 0)
		to.name = s->sni;
	if (s != NULL && s->alpn.p != NULL)
		to.alpn = s->alpn;
	to.name_counts = c->name_counts = to.name.n > 0;
	if (s == NULL && to.name.n == 0)
		to.name = name_of_request(c);
	return (conn_connect(&c->conn, xprt_named(SPAN("tls")), &to));
}

/* ---- words of connect lines ---- */

bool
chk_parse_tls_word(struct conf_line *l, struct chk_step *s, bool *taken)
{
	*taken = true;
	if (conf_accept(l, "ssl"))
		return (s->tls = true);
	if (conf_accept(l, "sni"))
		return (tls_want_host(l, "sni", "a host name", &s->sni));
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
	return (tls_want_host(l, "check-sni", "a host name",
	    &edit(obj)->sni));
}

static bool
parse_check_alpn(struct conf_line *l, void *obj)
{
	return (tls_want_alpn(l, &edit(obj)->alpn));
}

static bool
parse_check_sni_auto(struct conf_line *l, void *obj)
{
	edit(obj)->no_sni_auto = l->kw->name[0] == 'n';
	return (true);
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
prepare_server(struct conf *conf, struct px_server *sv)
{
	return (!may_want(sv->px, sv) ||
	    xprt_named(SPAN("tls"))->prepare(conf, sv));
}
PX_SERVER_CHECK(chk_tls, 35, &chk_srv_slot, prepare_server);

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
    "The host name that checks ask for, see sni; without it verifyhost says "
    "what is verified, and check-sni-auto which name is asked for.");
SERVER_WORD(sni_auto, "check-sni-auto", "", parse_check_sni_auto,
    "Checks without check-sni ask for the host that their request has, as "
    "they do unless no-check-sni-auto is said: that of option httpchk or "
    "http-check send, where no http-check connect says how to connect. It "
    "does not count for verify.");
SERVER_WORD(no_sni_auto, "no-check-sni-auto", "", parse_check_sni_auto,
    "Checks without check-sni ask for no host name.");
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

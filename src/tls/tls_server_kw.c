/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_server_kw - the words of server lines, and what is made of them when all
 * of the configuration is known.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <string.h>

#include <base/must.h>
#include <expr/expr.h>
#include <px/live.h>
#include <xprt/conn.h>

extern const struct xprt_ops tls_xprt;

static struct tls_server *
edit(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &tls_server_slot));
}

/* ---- words ---- */

static bool
parse_setting(struct conf_line *l, void *obj)
{
	return (tls_setting(l, l->kw->name, &edit(obj)->conf));
}

/* Words without a value. */
static bool
parse_switch(struct conf_line *l, void *obj)
{
	struct tls_server *s = edit(obj);
	const char *name = l->kw->name;
	bool on = strncmp(name, "no-", 3) != 0;

	if (!on)
		name += 3;
	if (strcmp(name, "ssl") == 0)
		s->ssl = on;
	else if (strcmp(name, "ssl-reuse") == 0)
		s->no_reuse = !on;
	else
		s->sni_auto = on ? TLS_FLAG_ON : TLS_FLAG_OFF;
	return (true);
}

static bool
parse_verify(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span v;

	if (!conf_want(l, "'none' or 'required'", &v))
		return (false);
	if (!span_is(v, "none") && !span_is(v, "required"))
		return (conf_err(l, w, "'verify' : expected 'none' or "
		    "'required', got '%s'", v.p));
	edit(obj)->conf.verify = span_is(v, "none") ? TLS_VERIFY_NONE :
	    TLS_VERIFY_REQUIRED;
	return (true);
}

static bool
parse_verifyhost(struct conf_line *l, void *obj)
{
	struct span s;

	if (!tls_want_host(l, l->kw->name, "the name in the server's "
	    "certificate", &s))
		return (false);
	edit(obj)->verify_host = s.p;
	return (true);
}

static bool
parse_no_verifyhost(struct conf_line *l, void *obj)
{
	(void)l;
	edit(obj)->verify_host = NULL;
	return (true);
}

static bool
parse_sni(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	const struct expr *e;
	struct span s;

	if (!conf_want(l, "a sample expression", &s) ||
	    (e = expr_parse_words(l, w, s, SMP_AT(SERVER))) == NULL)
		return (false);
	edit(obj)->sni = e;
	return (true);
}

static bool
parse_crt(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct cert_set set = { .n = 0 };
	struct span s;

	if (!conf_want(l, "a certificate file", &s) || !cert_load(l, w,
	    tls_path(l, tls_global()->crt_base, s), false, &set))
		return (false);
	if (set.n != 1)
		return (conf_err(l, w, "'crt' : expected one certificate, "
		    "found %u in '%s'", set.n, s.p));
	edit(obj)->cert = set.v[0];
	return (true);
}

static bool
refuse(struct conf_line *l, void *obj)
{
	(void)obj;
	return (conf_err(l, NULL, "'npn' : NPN was given up; use 'alpn'"));
}

/* ---- when all is known ---- */

bool
tls_prepare(struct conf *c, struct px_server *sv)
{
	const struct tls_global *g = tls_global();
	struct tls_server *s = px_edit(&sv->slots, &tls_server_slot);

	if (s->server == sv)            /* it was, well or not */
		return (true);
	s->server = sv;
	tls_conf_inherit(&s->conf, &g->server);
	if (s->conf.verify == TLS_VERIFY_UNSET)
		s->conf.verify = g->server_verify_none ? TLS_VERIFY_NONE :
		    TLS_VERIFY_REQUIRED;
	if (s->conf.verify == TLS_VERIFY_REQUIRED && s->conf.ca_file == NULL)
		return (conf_fail(c, DIAG_ALERT, sv->pos, "server '%s/%s' : "
		    "its certificate is to be verified, but there is no "
		    "'ca-file' to do it with; add one ('ca-file @system-ca': "
		    "that of this machine), or 'verify none' where the network "
		    "in between is trusted", sv->px->name, sv->name));
	s->ctx = tls_server_ctx(c, sv->pos, &s->conf, s->cert);
	s->known = arena_zget(px_model->arena, sizeof *s->known);
	return (s->ctx != NULL);
}

bool
tls_finish_server(struct conf *c, struct px_server *sv)
{
	if (!tls_server_of(sv)->ssl)
		return (true);
	sv->xprt = &tls_xprt;
	return (tls_prepare(c, sv));
}
PX_SERVER_CHECK(tls_server, 20, &tls_server_slot, tls_finish_server);

/* ---- rows ---- */

#define WORD(ident, word, words, fn, text)                                   \
	KEYWORD(tls_srv_##ident) = {                                         \
		.name = word, .in = KW_SERVER, .args = words, .parse = fn,   \
		.doc = text,                                                 \
	}
#define SETTING(ident, word, words, text)                                    \
	WORD(ident, word, words, parse_setting, text)
#define CERT_SETTING SETTING

WORD(ssl, "ssl", "", parse_switch,
    "TLS on the connections to this server. Its certificate is verified "
    "unless `verify none` is said: see verify, ca-file, sni and verifyhost.");
WORD(no_ssl, "no-ssl", "", parse_switch,
    "No TLS, whatever default-server says.");
WORD(verify, "verify", "none|required", parse_verify,
    "Whether the certificate must be one of an authority in ca-file, and for "
    "the name that sni asks for, or else that of verifyhost. Required when "
    "not said, unless ssl-server-verify says none.");
SETTING(verify_depth, "verify-depth", "<number>",
    "How many certificates of authorities may stand between the server's and "
    "that of an authority in ca-file. A word of this program, which HAProxy "
    "lacks.");
WORD(verifyhost, "verifyhost", "<name>", parse_verifyhost,
    "The name that the server's certificate must be for where no sni asks "
    "for one.");
WORD(no_verifyhost, "no-verifyhost", "", parse_no_verifyhost,
    "No such name, whatever default-server says.");
WORD(sni, "sni", "<expression>", parse_sni,
    "The host name to ask the server for, evaluated for each request; no "
    "sample: none. It must be a name of the certificate, see verify. A "
    "connection is used again only for requests with the same name.");
WORD(sni_auto, "sni-auto", "", parse_switch,
    "Without sni, in mode http: asks for the host of the request, and the "
    "certificate must be for it unless verifyhost names another. When the "
    "line says neither this nor no-sni-auto the name is sent, too, but it "
    "does not count for verify.");
WORD(no_sni_auto, "no-sni-auto", "", parse_switch,
    "Without sni no host name is asked for.");
WORD(crt, "crt", "<file>", parse_crt,
    "A PEM file with the certificate and the private key that are shown to "
    "servers which ask for one.");
SETTING(ca_file, "ca-file", "<file|directory>",
    "Authorities whose certificates are good, see verify. `@system-ca`: "
    "those of this machine.");
#include "tls_both.def"
SETTING(sigalgs, "sigalgs", "<list>",
    "Algorithms that the server may sign with, with colons between them.");
SETTING(client_sigalgs, "client-sigalgs", "<list>",
    "Algorithms to sign with, where the server asks for a certificate.");
SETTING(ssl_min_ver, "ssl-min-ver", "<version>",
    "The oldest version of TLS to speak: TLSv1.0 to TLSv1.3; TLSv1.2 when "
    "not said.");
SETTING(no_tls_tickets, "no-tls-tickets", "",
    "Takes no session tickets of TLS 1.2: sessions are kept by the server.");
WORD(ssl_reuse, "ssl-reuse", "", parse_switch,
    "Sessions are taken up again, also where default-server says "
    "no-ssl-reuse.");
WORD(no_ssl_reuse, "no-ssl-reuse", "", parse_switch,
    "Each connection has a full handshake: sessions are not taken up again.");
WORD(npn, "npn", "<protocols>", refuse, "Refused: NPN was given up; use alpn.");

#endif

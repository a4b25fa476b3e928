/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_kw - the words of bind lines, and what is made of them when all of the
 * configuration is known.
 */
#include "tls_list.h"
#include "tls_sess.h"
#include "tls_sni.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/must.h>
#include <base/num.h>
#include <xprt/conn.h>

extern const struct xprt_ops tls_xprt;

static struct tls_bind *
bind_of(void *obj)
{
	struct px_bind *b = OBJ(obj, struct px_bind, PX_BIND_MAGIC);
	struct tls_bind *t = px_edit(&b->slots, &tls_bind_slot);

	if (t->bind == NULL) {
		t->bind = b;
		t->tail = &t->lines;
	}
	return (t);
}

struct tls_line *
tls_bind_add(struct tls_bind *b, struct cert *c, struct diag_pos pos)
{
	struct tls_line *line = arena_zget(px_model->arena, sizeof *line);

	line->cert = c;
	line->pos = pos;
	line->no = ++b->last_no;
	c->users++;
	*b->tail = line;
	b->tail = &line->next;
	return (line);
}

static bool
parse_ssl(struct conf_line *l, void *obj)
{
	struct px_bind *b = obj;

	if (b->px == NULL)
		return (conf_err(l, NULL, "'ssl' : TLS on a socket of the "
		    "runtime API is not supported yet"));
	bind_of(obj)->ssl = true;
	return (true);
}

static bool
parse_setting(struct conf_line *l, void *obj)
{
	return (tls_setting(l, l->kw->name, &bind_of(obj)->conf));
}

static bool
is_dir(const char *path)
{
	struct stat sb;

	return (stat(path, &sb) == 0 && S_ISDIR(sb.st_mode));
}

static bool
load_crt(struct conf_line *l, struct tls_bind *b, struct span name)
{
	const struct conf_word *w = &l->word[l->at - 1];
	const char *path = tls_path(l, tls_global()->crt_base, name);
	bool is_default = strcmp(l->kw->name, "default-crt") == 0;
	struct cert_set certs = { .n = 0 };

	if (!is_default && is_dir(path))
		return (tls_list_load_dir(l, w, path, b));
	if (!cert_load(l, w, path, false, &certs))
		return (false);
	for (uint32_t i = 0; i < certs.n; i++)
		tls_bind_add(b, certs.v[i], conf_pos(l, w))->is_default =
		    is_default;
	return (true);
}

static bool
parse_crt(struct conf_line *l, void *obj)
{
	struct tls_bind *b = bind_of(obj);
	struct span s;

	if (!conf_want(l, "a certificate file", &s))
		return (false);
	if (!load_crt(l, b, s))
		b->failed = true;
	return (!b->failed);
}

static bool
parse_crt_list(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "a list of certificates", &s))
		return (false);
	if (!tls_list_load(l, w, conf_path(l, s), bind_of(obj)))
		bind_of(obj)->failed = true;
	return (!bind_of(obj)->failed);
}

static bool
parse_ticket_keys(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct tls_bind *t = bind_of(obj);
	struct span s;

	if (!conf_want(l, "a file of keys", &s))
		return (false);
	t->tickets = tls_ticket_read(l, w, conf_path(l, s));
	return (t->tickets != NULL);
}

/* "all", or numbers of verification errors (X509_V_ERR_*). */
static bool
parse_ignore(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct tls_bind *t = bind_of(obj);
	uint64_t *set = l->kw->name[1] == 'a' ? t->ignore_ca : t->ignore_crt;
	struct span s, one;
	uint64_t n;

	if (!conf_want(l, "'all', or numbers of errors", &s))
		return (false);
	if (span_is(s, "all")) {
		memset(set, 0xff, sizeof t->ignore_ca);
		return (true);
	}
	while (span_cut(&s, ',', &one)) {
		if (!num_u64(one, &n) || n > 255)
			return (conf_err(l, w, "'%s' : expected 'all', or "
			    "numbers below 256 and commas, got '%.*s'",
			    l->kw->name, SPAN_FMT(one)));
		set[n / 64] |= (uint64_t)1 << n % 64;
	}
	return (true);
}

static bool
refuse(struct conf_line *l, void *obj)
{
	(void)obj;
	return (conf_err(l, NULL, "'%s' : %s", l->kw->name, strcmp(l->kw->name,
	    "npn") == 0 ? "NPN was given up by all browsers; use 'alpn'" :
	    "certificates are not made up on the way; list them with 'crt'"));
}

/* ---- when all is known ---- */

bool
tls_line_ready(struct conf *c, struct tls_bind *t, struct tls_line *line)
{
	struct tls_conf own;

	if (line->row == NULL || line->row->conf == NULL) {
		line->ctx = t->ctx;
		t->ctx->users++;
		return (true);
	}
	own = *line->row->conf;
	tls_conf_inherit(&own, &t->conf);
	line->ctx = tls_ctx_get(c, line->pos, t, &own);
	return (line->ctx != NULL);
}

static bool
make_contexts(struct conf *c, struct tls_bind *t)
{
	bool good = true;

	tls_conf_inherit(&t->conf, &tls_global()->bind);
	t->ctx = tls_ctx_get(c, t->bind->pos, t, &t->conf);
	if (t->ctx == NULL)
		return (false);
	for (struct tls_line *line = t->lines; line != NULL; line = line->next)
		good &= tls_line_ready(c, t, line);
	return (good);
}

static bool
finish(struct conf *c, struct px_bind *b, struct tls_bind *t)
{
	if (t->failed)                  /* that was said */
		return (false);
	if (t->lines == NULL && t->conf.strict_sni != TLS_FLAG_ON)
		return (conf_fail(c, DIAG_ALERT, b->pos, "Proxy '%s': no "
		    "certificate for the TLS of '%s'; add 'crt'", b->px->name,
		    b->listens != NULL ? b->listens->text : "bind"));
	if (t->lines == NULL)
		(void)conf_fail(c, DIAG_WARNING, b->pos, "Proxy '%s': no "
		    "certificate for the TLS of '%s': every handshake will "
		    "fail; add 'crt'", b->px->name, b->listens != NULL ?
		    b->listens->text : "bind");
	if (!make_contexts(c, t))
		return (false);
	tls_sni_build(t);
	b->xprt = &tls_xprt;
	return (true);
}

bool
tls_finish_bind(struct conf *c, struct px_bind *b)
{
	const struct tls_bind *t = px_get(&b->slots, &tls_bind_slot);

	return (!t->ssl || finish(c, b, px_edit(&b->slots, &tls_bind_slot)));
}

static bool
finish_all(struct conf *c)
{
	bool good = true;

	PX_EACH(px, px_model)
		for (struct px_bind *b = px->binds; b != NULL; b = b->next)
			good &= tls_finish_bind(c, b);
	return (good);
}
CONF_CHECK(tls_binds, 20, finish_all);

/* ---- rows ---- */

#define ROW(ident, word, where, words, fn, text)                             \
	KEYWORD(tls_##ident) = {                                             \
		.name = word, .in = where, .args = words, .parse = fn,       \
		.doc = text,                                                 \
	}
#define WORD(ident, word, words, fn, text)                                   \
	ROW(ident, word, KW_BIND, words, fn, text)
#define SETTING(ident, word, words, text)                                    \
	WORD(ident, word, words, parse_setting, text)
#define CERT_SETTING(ident, word, words, text)                               \
	ROW(ident, word, KW_BIND | KW_CRT_LIST, words, parse_setting, text)

WORD(ssl, "ssl", "", parse_ssl,
    "TLS on the connections of this line; it needs a certificate: see crt.");
WORD(crt, "crt", "<file|directory>", parse_crt,
    "A PEM file with a certificate, what issued it, and its private key (or "
    "that beside it, under the same name with '.key'), or a directory of "
    "such. Clients get the one for the name they ask for, by its common and "
    "alternative names, where '*' stands for one label; without one of that "
    "name, the first. May be given many times.");
WORD(default_crt, "default-crt", "<file>", parse_crt,
    "As crt, and it is what clients get that ask for no name, or an unknown "
    "one.");
WORD(crt_list, "crt-list", "<file>", parse_crt_list,
    "A file with a certificate per line, settings of its own in brackets, "
    "and the names it is for: `<file> [\\[<setting>...\\]] [[!]<name>...]`. "
    "`!` excludes a name, `*` alone makes it the default.");
#include "tls_both.def"
CERT_SETTING(ca_file, "ca-file", "<file|directory>",
    "Authorities whose clients are let in, see verify; their names are told "
    "to clients. `@system-ca`: those of this machine.");
CERT_SETTING(ca_verify_file, "ca-verify-file", "<file>",
    "Authorities as in ca-file, whose names are not told.");
CERT_SETTING(verify, "verify", "none|optional|required",
    "Whether clients are asked for a certificate, and have to have one.");
CERT_SETTING(verify_depth, "verify-depth", "<number>",
    "How many certificates of authorities may stand between the client's and "
    "that of an authority in ca-file; a longer chain is not verified. A word "
    "of this program, which HAProxy lacks.");
WORD(ca_ignore_err, "ca-ignore-err", "all|<number>,...", parse_ignore,
    "Errors of verification to let pass, in certificates of authorities: "
    "numbers of OpenSSL.");
WORD(crt_ignore_err, "crt-ignore-err", "all|<number>,...", parse_ignore,
    "Errors of verification to let pass, in the client's certificate.");
CERT_SETTING(no_ca_names, "no-ca-names", "",
    "Do not tell clients the names of the authorities in ca-file.");
CERT_SETTING(ecdhe, "ecdhe", "<curve>",
    "The one curve for the exchange of keys. See curves.");
CERT_SETTING(sigalgs, "sigalgs", "<list>",
    "Algorithms to sign with, with colons between them.");
CERT_SETTING(client_sigalgs, "client-sigalgs", "<list>",
    "Algorithms that clients may sign with.");
CERT_SETTING(ssl_min_ver, "ssl-min-ver", "<version>",
    "The oldest version of TLS to speak: TLSv1.0 to TLSv1.3; TLSv1.2 when "
    "not said.");
SETTING(strict_sni, "strict-sni", "",
    "No certificate for a client that asks for no name, or an unknown one: "
    "its handshake fails.");
SETTING(no_strict_sni, "no-strict-sni", "",
    "Clients that ask for an unknown name get the default certificate.");
SETTING(no_tls_tickets, "no-tls-tickets", "",
    "No session tickets: sessions are kept here instead.");
WORD(ticket_keys, "tls-ticket-keys", "<file>", parse_ticket_keys,
    "Keys for session tickets that several machines share: lines of base64, "
    "48 or 80 bytes each, at least three. The last but one seals, the last "
    "three are understood. Without it there are keys of our own, which "
    "change and outlive a reload.");
CERT_SETTING(client_order, "prefer-client-ciphers", "",
    "Of the ciphers that both sides have, the one that the client prefers.");
WORD(npn, "npn", "<protocols>", refuse,
    "Refused: NPN was given up; use alpn.");
WORD(generate, "generate-certificates", "", refuse,
    "Refused: certificates are not made on the way.");

#endif

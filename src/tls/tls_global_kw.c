/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_global_kw - what the global section says of TLS: directories, defaults
 * of bind and server lines, limits.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <conf/feature.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

static struct tls_global *
edit(void)
{
	return (px_edit(&px_model->global.slots, &tls_global_slot));
}

/* ---- directories and files ---- */

static bool
parse_dir(struct conf_line *l, void *obj)
{
	struct tls_global *g = edit();
	const char **to = strcmp(l->kw->name, "ca-base") == 0 ? &g->ca_base :
	    strcmp(l->kw->name, "crt-base") == 0 ? &g->crt_base :
	    strcmp(l->kw->name, "key-base") == 0 ? &g->key_base :
	    &g->issuers_path;
	struct span s;

	(void)obj;
	if (!conf_want(l, "a directory", &s))
		return (false);
	*to = arena_dup(px_model->arena, s);
	return (conf_end(l));
}

static bool
parse_dh_file(struct conf_line *l, void *obj)
{
	struct span s;

	(void)obj;
	if (!conf_want(l, "a file of parameters", &s))
		return (false);
	edit()->dh_file = conf_path(l, s);
	return (conf_end(l));
}

static bool
parse_extra(struct conf_line *l, void *obj)
{
	static const struct { const char *name; uint8_t set; } kinds[] = {
		{ "none", 0 }, { "all", CERT_X_ALL },
		{ "bundle", CERT_X_BUNDLE }, { "sctl", CERT_X_SCTL },
		{ "ocsp", CERT_X_OCSP }, { "issuer", CERT_X_ISSUER },
		{ "key", CERT_X_KEY },
	};
	const struct conf_word *w;
	uint8_t set = 0;
	size_t i;

	(void)obj;
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'%s' expects 'none', 'all', or any "
		    "of 'bundle', 'sctl', 'ocsp', 'issuer', 'key'",
		    l->kw->name));
	for (; (w = conf_peek(l)) != NULL; l->at++) {
		for (i = 0; i < NELEM(kinds); i++)
			if (span_is(w->text, kinds[i].name))
				break;
		if (i == NELEM(kinds))
			return (conf_err(l, w, "'%s' expects 'none', 'all', "
			    "'bundle', 'sctl', 'ocsp', 'issuer' or 'key', "
			    "got '%s'", l->kw->name, w->text.p));
		set = i == 0 ? 0 : set | kinds[i].set;
	}
	edit()->extra = set;
	return (true);
}

static bool
parse_switch(struct conf_line *l, void *obj)
{
	(void)obj;
	if (l->kw->name[0] == 't')
		edit()->private_cache = true;
	else if (l->kw->name[4] == 'l')
		edit()->extra_replaces_ext = !l->no;
	else
		edit()->skip_self_issued = !l->no;
	return (conf_end(l));
}

/* ---- defaults of lines ---- */

#define FOR_BIND   "ssl-default-bind-"
#define FOR_SERVER "ssl-default-server-"

static struct tls_conf *
defaults_of(const char **name)
{
	if (strncmp(*name, FOR_BIND, sizeof FOR_BIND - 1) == 0) {
		*name += sizeof FOR_BIND - 1;
		return (&edit()->bind);
	}
	*name += sizeof FOR_SERVER - 1;
	return (&edit()->server);
}

static bool
parse_default(struct conf_line *l, void *obj)
{
	const char *name = l->kw->name;
	struct tls_conf *to = defaults_of(&name);

	(void)obj;
	return (tls_setting(l, name, to) && conf_end(l));
}

static bool
is_option(const char *name, bool bind)
{
	static const char *const no[] = { "alpn", "ca-file", "ca-verify-file",
		"ciphers", "ciphersuites", "client-sigalgs", "crl-file",
		"curves", "ecdhe", "no-alpn", "no-ca-names", "sigalgs",
		"verify" };

	for (size_t i = 0; i < NELEM(no); i++)
		if (strcmp(name, no[i]) == 0)
			return (false);
	if (!bind && strstr(name, "strict-sni") != NULL)
		return (false);
	return (tls_is_setting(name));
}

static bool
parse_options(struct conf_line *l, void *obj)
{
	const char *name = l->kw->name;
	struct tls_conf *to = defaults_of(&name);
	const struct conf_word *w;

	(void)obj;
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'%s' expects options such as "
		    "'ssl-min-ver TLSv1.2' or 'no-tls-tickets'",
		    l->kw->name));
	while ((w = conf_peek(l)) != NULL) {
		if (!is_option(w->text.p, to == &edit()->bind))
			return (conf_err(l, w, "unknown option '%s' on global "
			    "statement '%s'", w->text.p, l->kw->name));
		l->at++;
		if (!tls_setting(l, w->text.p, to))
			return (false);
	}
	return (true);
}

static bool
parse_server_verify(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)obj;
	if (!conf_want(l, "'none' or 'required'", &s))
		return (false);
	if (!span_is(s, "none") && !span_is(s, "required"))
		return (conf_err(l, w, "'%s' expects 'none' or 'required', "
		    "got '%s'", l->kw->name, s.p));
	edit()->server_verify_none = span_is(s, "none");
	return (conf_end(l));
}

/* ---- numbers ---- */

static const struct number {
	const char *name;
	size_t at;
	int64_t lo, hi;
} numbers[] = {
#define N(word, field, lo, hi) { word, offsetof(struct tls_global, field), lo, hi }
	N("maxsslconn", max_conn, 0, INT32_MAX),
	N("maxsslrate", max_rate, 0, INT32_MAX),
	N("tune.ssl.cachesize", cache_size, 0, 1 << 28),
	N("tune.ssl.maxrecord", max_record, 0, INT32_MAX),
	N("tune.ssl.hard-maxrecord", hard_max_record, 0, INT32_MAX),
	N("tune.ssl.capture-buffer-size", capture_bytes, 0, 65535),
	N("tune.ssl.capture-cipherlist-size", capture_bytes, 0, 65535),
	N("tune.ssl.default-dh-param", default_dh, 1024, 16384),
#undef N
};

static bool
parse_number(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	for (size_t i = 0; i < NELEM(numbers); i++) {
		const struct number *k = &numbers[i];

		if (strcmp(l->kw->name, k->name) != 0)
			continue;
		if (!conf_want_int(l, "a number", k->lo, k->hi, &n))
			return (false);
		*(uint32_t *)(void *)((char *)edit() + k->at) = (uint32_t)n;
		return (conf_end(l));
	}
	return (false);
}

static bool
parse_lifetime(struct conf_line *l, void *obj)
{
	int64_t ms;

	(void)obj;
	if (!conf_want_time(l, "a time", "s", &ms))
		return (false);
	edit()->lifetime_s = (uint32_t)((ms + 999) / 1000);
	return (conf_end(l));
}

/* 'off', or the word that is its opposite. */
static bool
want_off(struct conf_line *l, const char *other, bool *off)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "a word, such as 'off'", &s))
		return (false);
	if (!span_is(s, other) && !span_is(s, "off"))
		return (conf_err(l, w, "'%s' expects '%s' or 'off', got '%s'",
		    l->kw->name, other, s.p));
	*off = span_is(s, "off");
	return (conf_end(l));
}

static bool
parse_keylog(struct conf_line *l, void *obj)
{
	bool off;

	(void)obj;
	if (!want_off(l, "on", &off))
		return (false);
	edit()->keylog = !off;
	return (true);
}

static bool
parse_compression(struct conf_line *l, void *obj)
{
	(void)obj;
	return (want_off(l, "auto", &edit()->no_cert_compression));
}

static bool
parse_level(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	if (!conf_want_int(l, "a level", 0, 5, &n))
		return (false);
	edit()->security_level = (int8_t)n;
	return (conf_end(l));
}

/* ---- OpenSSL itself ---- */

static bool
parse_propquery(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)obj;
	if (!conf_want(l, "a property query", &s))
		return (false);
	if (EVP_set_default_properties(NULL, s.p) == 1)
		return (conf_end(l));
	ERR_clear_error();
	return (conf_err(l, w, "'%s' : OpenSSL does not understand the "
	    "property query '%s'", l->kw->name, s.p));
}

static bool
parse_provider(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)obj;
	if (!conf_want(l, "the name of a provider", &s))
		return (false);
	if (OSSL_PROVIDER_load(NULL, s.p) != NULL)
		return (conf_end(l));
	ERR_clear_error();
	return (conf_err(l, w, "'%s' : OpenSSL has no provider '%s'",
	    l->kw->name, s.p));
}

static bool
parse_provider_path(struct conf_line *l, void *obj)
{
	struct span s;

	(void)obj;
	if (!conf_want(l, "a directory", &s))
		return (false);
	if (OSSL_PROVIDER_set_default_search_path(NULL, s.p) == 1)
		return (conf_end(l));
	ERR_clear_error();
	return (conf_err(l, NULL, "'%s' : OpenSSL refuses '%s'", l->kw->name,
	    s.p));
}

/* ---- rows ---- */

#define GLOBAL(ident, word, words, fn, text, line)                           \
	KEYWORD(tls_g_##ident) = {                                           \
		.name = word, .in = KW_GLOBAL, .args = words, .parse = fn,   \
		.doc = text, .example = line,                                \
	}
GLOBAL(crt_base, "crt-base", "<directory>", parse_dir,
    "Where certificates are that have no absolute path.",
    "crt-base /etc/ssl/private");
GLOBAL(key_base, "key-base", "<directory>", parse_dir,
    "Where private keys are that a `crt-store` names without an absolute "
    "path.", "key-base /etc/ssl/private");
GLOBAL(ca_base, "ca-base", "<directory>", parse_dir,
    "Where ca-file, ca-verify-file and crl-file are looked for.",
    "ca-base /etc/ssl/certs");
GLOBAL(issuers, "issuers-chain-path", "<directory>", parse_dir,
    "Certificates of issuers, for certificate files that have only their "
    "own.", NULL);
GLOBAL(dh_file, "ssl-dh-param-file", "<file>", parse_dh_file,
    "Parameters of Diffie-Hellman. Without these, without some in the "
    "certificate's file and without tune.ssl.default-dh-param there is no "
    "DHE.", NULL);
GLOBAL(default_dh, "tune.ssl.default-dh-param", "<bits>", parse_number,
    "Allows DHE, with parameters as strong as the key of the certificate.",
    "tune.ssl.default-dh-param 2048");
GLOBAL(extra, "ssl-load-extra-files", "none|all|<kind>...", parse_extra,
    "Which files are looked for beside a certificate: `bundle` (.rsa, .ecdsa "
    "and .dsa), `sctl`, `ocsp`, `issuer` (who issued it, for an answer of OCSP), "
    "`key`.",
    "ssl-load-extra-files key ocsp");
KEYWORD(tls_g_del_ext) = {
	.name = "ssl-load-extra-del-ext", .in = KW_GLOBAL, .flags = KW_NO,
	.args = "", .parse = parse_switch,
	.doc = "The files beside 'x.crt' are 'x.key' and so on, not "
	    "'x.crt.key'.", .example = "ssl-load-extra-del-ext",
};
KEYWORD(tls_g_self_issued) = {
	.name = "ssl-skip-self-issued-ca", .in = KW_GLOBAL, .flags = KW_NO,
	.args = "", .parse = parse_switch,
	.doc = "Authorities that issued themselves are not sent to clients.",
	.example = "ssl-skip-self-issued-ca",
};

#define DEFAULT(ident, word, words, text)                                    \
	GLOBAL(bind_##ident, FOR_BIND word, words, parse_default,            \
	    text " For bind lines that do not say.", NULL);                  \
	GLOBAL(server_##ident, FOR_SERVER word, words, parse_default,        \
	    text " For servers that do not say.", NULL)
DEFAULT(ciphers, "ciphers", "<list>", "Ciphers up to TLS 1.2.");
DEFAULT(ciphersuites, "ciphersuites", "<list>", "Cipher suites of TLS 1.3.");
DEFAULT(curves, "curves", "<list>", "Groups for the exchange of keys.");
DEFAULT(sigalgs, "sigalgs", "<list>", "Algorithms to sign with.");
DEFAULT(client_sigalgs, "client-sigalgs", "<list>",
    "Algorithms that clients may sign with.");
GLOBAL(bind_options, "ssl-default-bind-options", "<option>...", parse_options,
    "Options of bind lines that say nothing else: versions of TLS, "
    "no-tls-tickets, prefer-client-ciphers, strict-sni.",
    "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets");
GLOBAL(server_options, "ssl-default-server-options", "<option>...",
    parse_options,
    "Options of servers that say nothing else: versions of TLS, "
    "no-tls-tickets.",
    "ssl-default-server-options ssl-min-ver TLSv1.2");
GLOBAL(server_verify, "ssl-server-verify", "none|required",
    parse_server_verify,
    "Whether certificates of servers are verified where their lines do not "
    "say.", "ssl-server-verify required");
GLOBAL(maxsslconn, "maxsslconn", "<n>", parse_number,
    "TLS connections at a time, all workers together; others wait to be "
    "accepted.", "maxsslconn 50000");
GLOBAL(maxsslrate, "maxsslrate", "<n>", parse_number,
    "TLS handshakes a second, all workers together; others wait to be "
    "accepted.", "maxsslrate 5000");
GLOBAL(cachesize, "tune.ssl.cachesize", "<n>", parse_number,
    "Sessions kept for clients without tickets (20000).",
    "tune.ssl.cachesize 100000");
GLOBAL(private, "tune.ssl.force-private-cache", "", parse_switch,
    "Each worker keeps sessions of its own.",
    "tune.ssl.force-private-cache");
GLOBAL(lifetime, "tune.ssl.lifetime", "<time>", parse_lifetime,
    "How long a session may be taken up again (300 seconds).",
    "tune.ssl.lifetime 600");
GLOBAL(maxrecord, "tune.ssl.maxrecord", "<bytes>", parse_number,
    "Bytes of a record at the beginning of a transfer and after a pause, so "
    "that the client can use them early; 0: as many as fit.",
    "tune.ssl.maxrecord 1419");
GLOBAL(hard_maxrecord, "tune.ssl.hard-maxrecord", "<bytes>", parse_number,
    "Bytes of a record at most; 0: 16384.", "tune.ssl.hard-maxrecord 4096");
GLOBAL(capture, "tune.ssl.capture-buffer-size", "<bytes>", parse_number,
    "Bytes of a ClientHello to keep for ssl_fc_cipherlist_bin and its like; "
    "0: nothing.", "tune.ssl.capture-buffer-size 256");
GLOBAL(capture_old, "tune.ssl.capture-cipherlist-size", "<bytes>",
    parse_number, "The old name of tune.ssl.capture-buffer-size.",
    "tune.ssl.capture-cipherlist-size 256");
GLOBAL(keylog, "tune.ssl.keylog", "on|off", parse_keylog,
    "Keep the secrets of TLS 1.3 for ssl_fc_client_traffic_secret_0 and its "
    "like.", "tune.ssl.keylog on");
GLOBAL(compression, "tune.ssl.certificate-compression", "auto|off",
    parse_compression,
    "Whether certificates may be sent and taken compressed (RFC 8879): as "
    "OpenSSL has it, or not. Before 3.2 it has no compression.",
    "tune.ssl.certificate-compression off");
GLOBAL(level, "ssl-security-level", "<n>", parse_level,
    "How weak keys and algorithms may be, as OpenSSL counts: 0 to 5.",
    "ssl-security-level 2");
GLOBAL(propquery, "ssl-propquery", "<query>", parse_propquery,
    "Which implementations of algorithms OpenSSL shall prefer.",
    "ssl-propquery provider=default");
GLOBAL(provider, "ssl-provider", "<name>", parse_provider,
    "A provider of algorithms that OpenSSL shall load; without one it loads "
    "its own.", "ssl-provider default");
GLOBAL(provider_path, "ssl-provider-path", "<directory>",
    parse_provider_path,
    "Where OpenSSL looks for the providers that follow.", NULL);

#endif

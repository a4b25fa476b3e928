/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_upstream - TLS with servers: what they are shown, and whether they
 * are who they should be.
 *
 * As in ingress-nginx all of it counts only with proxy-ssl-secret, for which no
 * other namespace may be named.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <base/num.h>
#include <ingress/cert.h>

bool
ing_parse_ciphers(struct ing_parse *p, struct span v, void *field)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	const char *list = arena_dup(p->mem, v);
	bool good = ctx != NULL;

	/* Also what the proxy's files have a meaning for. */
	for (size_t i = 0; good && i < v.n; i++) {
		char c = span_lower(v.p[i]);

		good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr(":-_+!@=.", v.p[i]) != NULL;
	}
	good = good && SSL_CTX_set_cipher_list(ctx, list) == 1;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	if (!good)
		return (ing_parse_bad(p, v, "ciphers as OpenSSL has them, with "
		    "colons between"));
	*(const char **)field = list;
	return (true);
}

static bool
parse_ref(struct ing_parse *p, struct span v, void *field)
{
	ptrdiff_t slash = span_find(v, '/');

	if (slash < 0 || !span_is(span_of(v.p, (size_t)slash), p->ns))
		return (ing_parse_bad(p, v, "NAMESPACE/NAME with the namespace "
		    "of the Ingress"));
	return (ing_parse_text(p, v, field));
}

static bool
parse_depth(struct ing_parse *p, struct span v, void *field)
{
	uint64_t n;

	if (!num_u64(v, &n) || n > 100)
		return (ing_parse_bad(p, v, "a number from 1 to 100"));
	*(int64_t *)field = n == 0 ? 1 : (int64_t)n;
	return (true);
}

static bool
parse_name(struct ing_parse *p, struct span v, void *field)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = span_lower(v.p[i]);

		if (v.n > 253 || !((c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return (ing_parse_bad(p, v, "a host name"));
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

/* Those that are known; without any TLSv1.2, as there. */
static bool
parse_versions(struct ing_parse *p, struct span v, void *field)
{
	static const char *const words[] = { "TLSv1", "TLSv1.1", "TLSv1.2",
	    "TLSv1.3", NULL };
	int64_t one, all = 0;
	struct span word;

	while (span_cut(&v, ' ', &word))
		if (ing_parse_enum(p, word, &one, words, "versions"))
			all |= 1 << one;
	*(int64_t *)field = all == 0 ? 1 << ING_TLS12 : all;
	return (true);
}

bool
ing_opt_upstream_finish(struct ing_parse *p, struct ing_opts *o)
{
	const struct ing_data *s;
	const char *why = NULL;
	bool has_pair;

	if (o->srv_secret == NULL)
		return (true);
	if ((s = ing_opt_secret(p, o->srv_secret)) == NULL)
		return (false);
	has_pair = ing_pair_find(&s->data, "tls.crt").p != NULL;
	if (has_pair)
		why = ing_cert_of(s)->why;
	if (why == NULL && (o->srv_verify || !has_pair))
		why = ing_ca_of(s)->why;
	if (why != NULL) {
		snprintf(p->why, sizeof p->why, "Secret '%.80s': %s",
		    s->o.name, why);
		return (false);
	}
	o->srv_data = s;
	return (true);
}

#define BE .at = ING_AT_BACKEND

const struct ing_opt ing_opt_upstream[] = {
	{ .key = "proxy-ssl-secret", .kind = ING_O_STR, OPT(srv_secret), BE,
	  .parse = parse_ref, .doc = "" },
	{ .key = "proxy-ssl-verify", .kind = ING_O_BOOL, OPT(srv_verify), BE,
	  .parse = ing_parse_switch, .doc = "" },
	{ .key = "proxy-ssl-verify-depth", .kind = ING_O_INT, OPT(srv_depth),
	  BE, .parse = parse_depth, .dflt = "1", .doc = "" },
	{ .key = "proxy-ssl-name", .kind = ING_O_STR, OPT(srv_name), BE,
	  .parse = parse_name,
	  .doc = "SERVICE.NAMESPACE.svc when not said" },
	{ .key = "proxy-ssl-server-name", .kind = ING_O_BOOL, OPT(srv_sni),
	  BE, .parse = ing_parse_switch, .doc = "" },
	{ .key = "proxy-ssl-ciphers", .kind = ING_O_STR, OPT(srv_ciphers), BE,
	  .parse = ing_parse_ciphers, .doc = "" },
	{ .key = "proxy-ssl-protocols", .kind = ING_O_INT, OPT(srv_versions),
	  BE, .parse = parse_versions, .dflt = "TLSv1.2",
	  .doc = "and those between the oldest and the newest" },
	{ .key = NULL }
};

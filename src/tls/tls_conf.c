/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_conf - the settings that a bind line, a line of a crt-list and the
 * global section share: one table, so that each means the same everywhere.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>

static const struct tls_global global_default = {
	.cache_size = 20000, .lifetime_s = 300, .security_level = -1,
	.extra = CERT_X_ALL,
};

PX_SLOT(PX_OBJ_GLOBAL, struct tls_global, tls_global_slot, &global_default);
PX_SLOT(PX_OBJ_BIND, struct tls_bind, tls_bind_slot, NULL);
PX_SLOT(PX_OBJ_SERVER, struct tls_server, tls_server_slot, NULL);

const char *
tls_path(struct conf_line *l, const char *base, struct span name)
{
	if (name.n > 0 && name.p[0] == '@')     /* of a crt-store, say */
		return (arena_dup(px_model->arena, name));
	if (base != NULL && name.n > 0 && name.p[0] != '/')
		name = span_str(arena_printf(px_model->arena, "%s/%.*s", base,
		    SPAN_FMT(name)));
	return (conf_path(l, name));
}

/* ---- one parse function per kind of value ---- */

struct setting {
	const char *name;
	bool (*parse)(struct conf_line *, const struct setting *,
	    struct tls_conf *);
	size_t at;                      /* of the field, where it says one */
	uint8_t value;                  /* what it is set to */
};

#define FIELD(to, s, type) ((type *)(void *)((char *)(to) + (s)->at))

static bool
set_text(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	const struct conf_word *w = conf_peek(l);
	struct span v;

	if (!conf_want(l, "a list of names", &v))
		return (false);
	if (v.n == 0)
		return (conf_err(l, w, "'%s' : expected a list of names, "
		    "found nothing", s->name));
	*FIELD(to, s, const char *) = arena_dup(px_model->arena, v);
	return (true);
}

static bool
set_ca(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	struct span v;

	if (!conf_want(l, "a file of certificates", &v))
		return (false);
	*FIELD(to, s, const char *) = tls_path(l, tls_global()->ca_base, v);
	return (true);
}

static bool
set_flag(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	(void)l;
	*FIELD(to, s, uint8_t) = s->value;
	return (true);
}

static bool
set_no_version(struct conf_line *l, const struct setting *s,
    struct tls_conf *to)
{
	(void)l;
	to->no_versions |= (uint8_t)(1u << s->value);
	return (true);
}

static bool
set_only_version(struct conf_line *l, const struct setting *s,
    struct tls_conf *to)
{
	if (s->value == TLS_VER_SSL3)
		return (conf_err(l, NULL, "'%s' : SSLv3 is broken and no "
		    "longer spoken; use 'ssl-min-ver TLSv1.2'", s->name));
	to->min = to->max = s->value;
	return (true);
}

static bool
set_version(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	static const char *const names[] = { "SSLv3", "TLSv1.0", "TLSv1.1",
		"TLSv1.2", "TLSv1.3" };
	const struct conf_word *w = conf_peek(l);
	struct span v;

	if (!conf_want(l, "a version of TLS", &v))
		return (false);
	for (size_t i = 0; i < NELEM(names); i++)
		if (span_is(v, names[i])) {
			*FIELD(to, s, uint8_t) = (uint8_t)(TLS_VER_SSL3 + i);
			return (true);
		}
	return (conf_err(l, w, "'%s' : expected SSLv3, TLSv1.0, TLSv1.1, "
	    "TLSv1.2 or TLSv1.3, got '%s'", s->name, v.p));
}

static bool
set_verify(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	const struct conf_word *w = conf_peek(l);
	struct span v;

	if (!conf_want(l, "'none', 'optional' or 'required'", &v))
		return (false);
	to->verify = span_is(v, "none") ? TLS_VERIFY_NONE :
	    span_is(v, "optional") ? TLS_VERIFY_OPTIONAL :
	    span_is(v, "required") ? TLS_VERIFY_REQUIRED : TLS_VERIFY_UNSET;
	return (to->verify != TLS_VERIFY_UNSET || conf_err(l, w, "'%s' : "
	    "expected 'none', 'optional' or 'required', got '%s'", s->name,
	    v.p));
}

static bool
set_depth(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	const struct conf_word *w = conf_peek(l);
	struct span v;
	uint64_t n;

	if (!conf_want(l, "a number of certificates", &v))
		return (false);
	if (!num_u64(v, &n) || n < 1 || n > 100)
		return (conf_err(l, w, "'%s' : expected a number from 1 to "
		    "100, got '%s'", s->name, v.p));
	to->verify_depth = (uint8_t)n;
	return (true);
}

bool
tls_want_host(struct conf_line *l, const char *word, const char *what,
    struct span *out)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, what, out))
		return (false);
	return ((out->n > 0 && out->n < 256) || conf_err(l, w, "'%s' : a host "
	    "name has 1 to 255 characters", word));
}

bool
tls_want_alpn(struct conf_line *l, struct span *to)
{
	const char *name = l->word[l->at - 1].text.p;
	const struct conf_word *w = conf_peek(l);
	struct span v, one;
	char *out;
	size_t n = 0;

	if (!conf_want(l, "a list of protocols", &v))
		return (false);
	out = arena_get(px_model->arena, v.n + 2);
	while (span_cut(&v, ',', &one)) {
		if (one.n == 0 || one.n > 255)
			return (conf_err(l, w, "'%s' : the name of a protocol "
			    "has 1 to 255 characters", name));
		if (span_is(one, "h2")) {
			conf_warn(l, w, "'%s' : HTTP/2 is not supported yet, "
			    "'h2' is not offered", name);
			continue;
		}
		out[n++] = (char)one.n;
		memcpy(out + n, one.p, one.n);
		n += one.n;
	}
	*to = span_of(out, n);
	return (true);
}

/* Who is offered less than that chooses of what is left. */
static bool
set_alpn(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	(void)s;
	to->no_alpn = TLS_FLAG_OFF;
	return (tls_want_alpn(l, &to->alpn));
}

static bool
set_no_alpn(struct conf_line *l, const struct setting *s, struct tls_conf *to)
{
	(void)l;
	(void)s;
	to->no_alpn = TLS_FLAG_ON;
	to->alpn = SPAN_NONE;
	return (true);
}

#define AT(field) offsetof(struct tls_conf, field)
static const struct setting settings[] = {
	{ "alpn", set_alpn, 0, 0 },
	{ "ca-file", set_ca, AT(ca_file), 0 },
	{ "ca-verify-file", set_ca, AT(ca_verify_file), 0 },
	{ "ciphers", set_text, AT(ciphers), 0 },
	{ "ciphersuites", set_text, AT(ciphersuites), 0 },
	{ "client-sigalgs", set_text, AT(client_sigalgs), 0 },
	{ "crl-file", set_ca, AT(crl_file), 0 },
	{ "curves", set_text, AT(curves), 0 },
	{ "ecdhe", set_text, AT(ecdhe), 0 },
	{ "force-sslv3", set_only_version, 0, TLS_VER_SSL3 },
	{ "force-tlsv10", set_only_version, 0, TLS_VER_10 },
	{ "force-tlsv11", set_only_version, 0, TLS_VER_11 },
	{ "force-tlsv12", set_only_version, 0, TLS_VER_12 },
	{ "force-tlsv13", set_only_version, 0, TLS_VER_13 },
	{ "no-alpn", set_no_alpn, 0, 0 },
	{ "no-ca-names", set_flag, AT(no_ca_names), TLS_FLAG_ON },
	{ "no-sslv3", set_no_version, 0, TLS_VER_SSL3 },
	{ "no-tls-tickets", set_flag, AT(no_tickets), TLS_FLAG_ON },
	{ "no-tlsv10", set_no_version, 0, TLS_VER_10 },
	{ "no-tlsv11", set_no_version, 0, TLS_VER_11 },
	{ "no-tlsv12", set_no_version, 0, TLS_VER_12 },
	{ "no-tlsv13", set_no_version, 0, TLS_VER_13 },
	{ "prefer-client-ciphers", set_flag, AT(client_order), TLS_FLAG_ON },
	{ "sigalgs", set_text, AT(sigalgs), 0 },
	{ "ssl-max-ver", set_version, AT(max), 0 },
	{ "ssl-min-ver", set_version, AT(min), 0 },
	{ "strict-sni", set_flag, AT(strict_sni), TLS_FLAG_ON },
	{ "no-strict-sni", set_flag, AT(strict_sni), TLS_FLAG_OFF },
	{ "tls-tickets", set_flag, AT(no_tickets), TLS_FLAG_OFF },
	{ "verify", set_verify, 0, 0 },
	{ "verify-depth", set_depth, 0, 0 },
};

static const struct setting *
find(const char *name)
{
	for (size_t i = 0; i < NELEM(settings); i++)
		if (strcmp(settings[i].name, name) == 0)
			return (&settings[i]);
	return (NULL);
}

bool
tls_is_setting(const char *name)
{
	return (find(name) != NULL);
}

bool
tls_setting(struct conf_line *l, const char *name, struct tls_conf *to)
{
	const struct setting *s = find(name);

	MUST(s != NULL);
	return (s->parse(l, s, to));
}

/* ---- as a whole ---- */

#define TEXTS(T) T(ciphers) T(ciphersuites) T(curves) T(ecdhe) T(sigalgs)    \
	T(client_sigalgs) T(ca_file) T(ca_verify_file) T(crl_file)
#define BYTES(B) B(min) B(max) B(no_versions) B(verify) B(verify_depth)      \
	B(no_tickets) B(client_order) B(no_ca_names) B(strict_sni)

void
tls_conf_inherit(struct tls_conf *to, const struct tls_conf *from)
{
#define TAKE(field) if (to->field == 0) to->field = from->field;
	TEXTS(TAKE)
	BYTES(TAKE)
#undef TAKE
	if (to->alpn.p == NULL && to->no_alpn == TLS_FLAG_UNSET) {
		to->alpn = from->alpn;
		to->no_alpn = from->no_alpn;
	}
}

static bool
same_text(const char *a, const char *b)
{
	return (a == b || (a != NULL && b != NULL && strcmp(a, b) == 0));
}

bool
tls_conf_same(const struct tls_conf *a, const struct tls_conf *b)
{
#define T(field) if (!same_text(a->field, b->field)) return (false);
#define B(field) if (a->field != b->field) return (false);
	TEXTS(T)
	BYTES(B)
#undef T
#undef B
	return (span_eq(a->alpn, b->alpn) && a->no_alpn == b->no_alpn);
}

uint64_t
tls_conf_hash(const struct tls_conf *c)
{
	uint64_t h = c->verify;

#define T(field) h = span_hash_seed(span_str(c->field), h);
	TEXTS(T)
#undef T
	return (h);
}

/* The same settings come again and again, as lines of lists come and go. */
const struct tls_conf *
tls_conf_keep(const struct tls_conf *c)
{
	struct known {
		struct known *next;
		struct tls_conf conf;
	};
	static struct known *all;
	static const struct px_model *of_model;
	struct known *k;

	if (of_model != px_model)
		all = NULL;
	of_model = px_model;
	for (k = all; k != NULL; k = k->next)
		if (tls_conf_same(&k->conf, c))
			return (&k->conf);
	k = arena_zget(px_model->arena, sizeof *k);
	k->conf = *c;
#define T(field) if (c->field != NULL) k->conf.field =                       \
	arena_dup(px_model->arena, span_str(c->field));
	TEXTS(T)
#undef T
	if (c->alpn.p != NULL)
		k->conf.alpn = arena_span(px_model->arena, c->alpn);
	k->next = all;
	all = k;
	return (&k->conf);
}

#endif

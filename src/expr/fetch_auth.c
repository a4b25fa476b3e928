/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_auth - samples from the Authorization header, and whether user lists
 * know what it says.
 *
 * Source: configuration manual 7.3.6, 12.2 (user lists); RFC 7617, RFC 6750.
 */
#include "auth_hash.h"

#include <expr/expr.h>

#ifdef USE_CRYPT
#include <crypt.h>
#endif
#include <string.h>

#include <base/must.h>
#include <px/userlist.h>

/* ---- reading the header ---- */

static bool
take_scheme(struct span value, struct span *scheme, struct span *rest)
{
	ptrdiff_t at = span_find(value, ' ');

	if (at <= 0)
		return (false);
	*scheme = span_of(value.p, (size_t)at);
	*rest = span_trim(span_skip(value, (size_t)at));
	return (rest->n != 0);
}

static bool
header_of(struct txn *t, struct span name, struct span *scheme,
    struct span *rest)
{
	const struct http_hdr *h;

	if (txn_req(t) == NULL)
		return (false);
	h = http_find(t->req, http_name_id(name), name, NULL);
	return (h != NULL && take_scheme(span_of(h->value, h->value_n),
	    scheme, rest));
}

static int
digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : -1);
}

/* Base64 with its padding; SIZE_MAX: it is none. */
static size_t
decode64(char *out, struct span in)
{
	uint32_t bits = 0;
	size_t n = 0;

	if (in.n % 4 != 0)
		return (SIZE_MAX);
	for (int pad = 0; pad < 2 && in.n > 0 && in.p[in.n - 1] == '='; pad++)
		in.n--;
	for (size_t i = 0; i < in.n; i++) {
		int d = digit64(in.p[i]);

		if (d < 0)
			return (SIZE_MAX);
		bits = bits << 6 | (uint32_t)d;
		if (i % 4 != 0)
			out[n++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	return (n);
}

/* Where a client says who it is. */
static struct span
auth_header(const struct txn *t)
{
	return (txn_is_proxied(t) ? SPAN("Proxy-Authorization") :
	    SPAN("Authorization"));
}

/* User and password, NUL behind each, in the arena. */
static bool
basic(struct txn *t, struct span *user, struct span *pass)
{
	struct span scheme, rest;
	ptrdiff_t colon;
	size_t n;
	char *p;

	if (!header_of(t, auth_header(t), &scheme, &rest) ||
	    !span_iis(scheme, "basic") ||
	    (p = arena_get(t->arena, rest.n + 1)) == NULL ||
	    (n = decode64(p, rest)) == SIZE_MAX)
		return (false);
	p[n] = '\0';
	if ((colon = span_find(span_of(p, n), ':')) < 0)
		return (false);
	p[colon] = '\0';
	*user = span_of(p, (size_t)colon);
	*pass = span_of(p + colon + 1, n - (size_t)colon - 1);
	return (true);
}

/* ---- comparing ---- */

/* Takes as long for the first wrong byte as for the last. */
static bool
same_secret(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned diff = n != m;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned)(uint8_t)(a[i] ^ b[m != 0 ? i % m : 0]);
	return (diff == 0);
}

static bool
password_is(const struct px_user *u, const char *pass)
{
#ifdef USE_CRYPT
	static struct crypt_data *data;         /* 32 KiB: once */
	const char *hash;
#endif
	char own[AUTH_HASH_MAX];

	if (u->password == NULL)
		return (false);
	if (!u->hashed)
		return (same_secret(pass, u->password));
	if (expr_auth_hash(span_str(pass), span_str(u->password), own))
		return (same_secret(own, u->password));
#ifdef USE_CRYPT
	if (data == NULL)
		data = must_alloc(sizeof *data);
	hash = crypt_r(pass, u->password, data);
	return (hash != NULL && same_secret(hash, u->password));
#else
	return (false);
#endif
}

static const struct px_user *
authenticated(struct txn *t, const struct arg *arg)
{
	const struct px_userlist *list = arg[0].ptr;
	const struct px_user *u;
	struct span user, pass;

	if (list == NULL || !basic(t, &user, &pass) || memchr(pass.p, '\0',
	    pass.n) != NULL || (u = px_user_find(list, user)) == NULL)
		return (NULL);
	return (password_is(u, pass.p) ? u : NULL);
}

static bool
fetch_auth(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span user, pass;

	s->num = authenticated(t, arg) != NULL;
	return (s->num != 0 || basic(t, &user, &pass));
}

/* In conditions each group in turn is what patterns are compared with. */
static bool
fetch_group(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct px_userlist *list = arg[0].ptr;
	const struct px_user *u = authenticated(t, arg);
	uint32_t no = 0;

	s->more = false;
	if (u == NULL)
		return (false);
	if (!s->each) {
		s->str = span_str(u->name);
		return (true);
	}
	for (const struct px_group *g = list->groups; g != NULL;
	    g = g->next) {
		if (no++ < s->it[0] || !px_user_is_in(u, span_str(g->name)))
			continue;
		s->str = span_str(g->name);
		s->it[0] = no;
		s->more = true;
		return (true);
	}
	return (false);
}

static bool
fetch_user(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span pass;

	(void)arg;
	return (basic(t, &s->str, &pass));
}

static bool
fetch_pass(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span user;

	(void)arg;
	return (basic(t, &user, &s->str));
}

/* What can be used: a scheme that is known, with what it needs. */
static bool
fetch_type(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span rest, user, pass;

	(void)arg;
	if (!header_of(t, auth_header(t), &s->str, &rest))
		return (false);
	if (span_iis(s->str, "basic")) {
		s->str = SPAN("Basic");
		return (basic(t, &user, &pass));
	}
	if (!span_iis(s->str, "bearer"))
		return (false);
	s->str = SPAN("Bearer");
	return (true);
}

static bool
fetch_bearer(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span name = arg[0].type == ARG_STR ? arg[0].str :
	    SPAN("Authorization"), scheme;

	return (header_of(t, name, &scheme, &s->str) &&
	    span_iis(scheme, "bearer"));
}

/* ---- rows ---- */

#define ROW(ident, word, args_, type, fn, doc_, ...)                         \
FETCH(ident) = {                                                             \
	.name = word, .args = args_, .out = type, .stages = SMP_REQUEST,     \
	.run = fn, .doc = doc_, .example = __VA_ARGS__                       \
}

ROW(http_auth, "http_auth", "userlist list", SMP_BOOL, fetch_auth,
    "True when user and password of the request are in the user list.",
    "http-request deny unless { http_auth(people) }");
ROW(http_auth_group, "http_auth_group", "userlist list", SMP_STR, fetch_group,
    "The user's name when it and the password are in the user list; in "
    "conditions the user's groups.",
    "acl admin http_auth_group(people) admins", .list = true,
    .wants_pattern = true, .acl = SMP_ACL_EXACT);
ROW(http_auth_user, "http_auth_user", "", SMP_STR, fetch_user,
    "The user's name of basic authentication; nothing is checked.",
    "http-request set-header X-User %[http_auth_user]");
ROW(http_auth_pass, "http_auth_pass", "", SMP_STR, fetch_pass,
    "The password of basic authentication; nothing is checked.",
    "http-request deny unless { http_auth_pass -m len gt 7 }");
ROW(http_auth_type, "http_auth_type", "", SMP_STR, fetch_type,
    "How the request authenticates, 'Basic' or 'Bearer'; nothing when the "
    "Authorization header has another scheme or cannot be read.",
    "acl basic http_auth_type -i basic");
ROW(http_auth_bearer, "http_auth_bearer", "str header=", SMP_STR,
    fetch_bearer,
    "The token of bearer authentication, in the Authorization header or in "
    "<header>; nothing is checked.",
    "http-request set-var(txn.token) http_auth_bearer");

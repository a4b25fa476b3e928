/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_store - certificates: found on disk, read once per generation, kept as
 * DER. OpenSSL's objects are made in the worker whose client asks first.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/must.h>
#include <ipc/say.h>
#include <os/fd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#define BUCKETS   8192
#define CHAIN_MAX 64

static struct cert *by_path[BUCKETS];
static const struct px_model *of_model;         /* which these belong to */

/* What is being read: where to complain, and what was found so far. */
struct loading {
	struct conf_line *l;
	const struct conf_word *w;
	struct cert *cert;
	const struct cert_files *files; /* that are named; NULL: those beside */
	struct span chain[CHAIN_MAX];
	uint32_t n_chain;
};

static bool
fail(struct loading *ld, const char *path, const char *what)
{
	return (conf_err(ld->l, ld->w, "'%s' : %s: '%s'", ld->l->kw->name,
	    what, path));
}

static struct span
keep(struct span s)
{
	return (arena_span(px_model->arena, s));
}

static bool
exists(const char *path)
{
	struct stat sb;

	return (stat(path, &sb) == 0);
}

/* ---- one file ---- */

static bool
take_encrypted(struct loading *ld, const char *path)
{
	struct text der, why;
	bool good;

	text_init(&der);
	text_init(&why);
	good = tls_pass_open(path, &der, &why);
	if (good) {
		ld->cert->key = keep(text_span(&der));
		ld->cert->key_label = SPAN("PRIVATE KEY");
	} else
		good = fail(ld, path, why.p);
	cert_text_wipe(&der);
	text_fini(&why);
	return (good);
}

static bool
take_block(struct loading *ld, const char *path, const struct pem *b)
{
	struct cert *c = ld->cert;

	if (span_ends(b->label, SPAN("PRIVATE KEY"))) {
		if (b->encrypted && c->key.p == NULL)
			return (take_encrypted(ld, path));
		if (c->key.p == NULL) {
			c->key = keep(b->der);
			c->key_label = keep(b->label);
		}
	} else if (span_ends(b->label, SPAN("CERTIFICATE"))) {
		if (ld->n_chain == CHAIN_MAX)
			return (fail(ld, path, "more than 64 certificates"));
		ld->chain[ld->n_chain++] = keep(b->der);
	} else if (span_is(b->label, "DH PARAMETERS")) {
		c->dh = keep(b->der);
	}
	return (true);
}

static bool
read_pem(struct loading *ld, const char *path)
{
	struct span all, rest;
	const char *err;
	struct pem b;
	enum why why;
	bool good = true;
	size_t n;
	char *p = fd_read_file(path, TLS_FILE_MAX, &n);

	if (p == NULL)
		return (conf_err(ld->l, ld->w, "'%s' : unable to read '%s' : "
		    "%s", ld->l->kw->name, path, strerror(errno)));
	all = rest = span_of(p, n);
	while (good && (why = pem_next(&rest, &b, &err)) != WHY_EOF)
		good = why == WHY_OK ? take_block(ld, path, &b) :
		    fail(ld, path, err);
	OPENSSL_cleanse(p, all.n);
	free(p);
	return (good);
}

/* ---- files beside it ---- */

/* The path with another extension behind it, or with `del` in the place of
 * ".crt" (ssl-load-extra-del-ext). */
static const char *
beside(const char *path, const char *ext)
{
	struct span base = span_str(path);

	if (tls_global()->extra_replaces_ext && span_ends(base, SPAN(".crt")))
		base.n -= 4;
	return (arena_printf(px_model->arena, "%.*s%s", SPAN_FMT(base), ext));
}

static bool
read_raw(struct loading *ld, const char *path, struct span *out)
{
	size_t n;
	char *p = fd_read_file(path, TLS_FILE_MAX, &n);

	if (p == NULL)
		return (conf_err(ld->l, ld->w, "'%s' : unable to read '%s' : "
		    "%s", ld->l->kw->name, path, strerror(errno)));
	*out = keep(span_of(p, n));
	free(p);
	return (true);
}

static bool
read_named_key(struct loading *ld, const char *key)
{
	ld->cert->key = SPAN_NONE;
	return (read_pem(ld, key) && (ld->cert->key.p != NULL ||
	    fail(ld, key, "expected a private key in the file")));
}

static bool
read_key(struct loading *ld, const char *path)
{
	const char *key = beside(path, ".key");

	if (ld->files != NULL && ld->files->key != NULL)
		return (read_named_key(ld, ld->files->key));
	if (ld->cert->key.p != NULL)
		return (true);
	if (ld->files != NULL)
		return (fail(ld, path, "no private key in the file, and no "
		    "'key' says where it is"));
	if ((tls_global()->extra & CERT_X_KEY) == 0 || !exists(key))
		return (fail(ld, path, "no private key in the file, nor "
		    "beside it under the same name with '.key'"));
	return (read_named_key(ld, key));
}

/* Only an answer of OCSP is about who issued it. */
static bool
read_issuer_file(struct loading *ld, const char *path)
{
	struct cert scratch = { .path = path };
	struct loading one = { .l = ld->l, .w = ld->w, .cert = &scratch };

	if (!read_pem(&one, path))
		return (false);
	if (one.n_chain == 0)
		return (fail(ld, path, "expected the certificate of an issuer "
		    "in the file"));
	ld->cert->issuer = one.chain[0];
	return (true);
}

static bool
read_named(struct loading *ld, const struct cert_files *f)
{
	return ((f->ocsp == NULL || read_raw(ld, f->ocsp, &ld->cert->ocsp)) &&
	    (f->issuer == NULL || read_issuer_file(ld, f->issuer)) &&
	    (f->sctl == NULL || read_raw(ld, f->sctl, &ld->cert->sctl)));
}

static bool
read_extras(struct loading *ld, const char *path)
{
	unsigned extra = tls_global()->extra;
	const char *p;

	if (ld->files != NULL)
		return (read_named(ld, ld->files));
	if ((extra & CERT_X_OCSP) != 0 && exists(p = beside(path, ".ocsp"))) {
		if (!read_raw(ld, p, &ld->cert->ocsp))
			return (false);
		if ((extra & CERT_X_ISSUER) != 0 &&
		    exists(p = beside(path, ".issuer")) &&
		    !read_issuer_file(ld, p))
			return (false);
	}
	return ((extra & CERT_X_SCTL) == 0 ||
	    !exists(p = beside(path, ".sctl")) ||
	    read_raw(ld, p, &ld->cert->sctl));
}

/* ---- who issued it, from a directory of issuers ---- */

struct issuer {
	struct issuer *next;
	struct span subject;
	struct span *chain;             /* with its own certificate first */
	uint32_t n;
};
static struct issuer *issuers;
static const char *issuers_of;

static bool
read_issuer(struct loading *ld, const char *path)
{
	struct cert scratch = { .path = path };
	struct loading one = { .l = ld->l, .w = ld->w, .cert = &scratch };
	struct cert_facts f;
	struct issuer *is;

	if (!read_pem(&one, path))
		return (false);
	if (one.n_chain == 0 || !cert_facts(one.chain[0], &f))
		return (fail(ld, path, "expected certificates of issuers in "
		    "the file"));
	is = arena_zget(px_model->arena, sizeof *is);
	is->subject = f.subject;
	is->n = one.n_chain;
	is->chain = arena_get(px_model->arena, is->n * sizeof *is->chain);
	memcpy(is->chain, one.chain, is->n * sizeof *is->chain);
	is->next = issuers;
	issuers = is;
	return (true);
}

static int
pick_plain(const struct dirent *d)
{
	static const char *const reserved[] = { ".key", ".issuer", ".ocsp",
		".sctl" };

	if (d->d_name[0] == '.')
		return (0);
	for (size_t i = 0; i < NELEM(reserved); i++)
		if (span_ends(span_str(d->d_name), span_str(reserved[i])))
			return (0);
	return (1);
}

/* Calls `fn` with each file of a directory, in order. */
static bool
each_file(struct loading *ld, const char *dir,
    bool (*fn)(struct loading *, const char *path, void *arg), void *arg)
{
	struct dirent **names;
	bool good = true;
	struct stat sb;
	int n = scandir(dir, &names, pick_plain, alphasort);

	if (n < 0)
		return (conf_err(ld->l, ld->w, "'%s' : unable to scan the "
		    "directory '%s' : %s", ld->l->kw->name, dir,
		    strerror(errno)));
	for (int i = 0; i < n; i++) {
		const char *path = arena_printf(px_model->arena, "%s/%s", dir,
		    names[i]->d_name);

		if (stat(path, &sb) == 0 && S_ISREG(sb.st_mode))
			good &= fn(ld, path, arg);
		free(names[i]);
	}
	free(names);
	return (good);
}

static bool
issuer_file(struct loading *ld, const char *path, void *arg)
{
	(void)arg;
	return (read_issuer(ld, path));
}

static bool
add_issuers(struct loading *ld)
{
	const char *dir = tls_global()->issuers_path;

	if (dir == NULL || ld->n_chain != 1)
		return (true);
	if (issuers_of == NULL || strcmp(issuers_of, dir) != 0) {
		issuers_of = dir;
		if (!each_file(ld, dir, issuer_file, NULL))
			return (false);
	}
	for (const struct issuer *is = issuers; is != NULL; is = is->next) {
		if (!span_eq(is->subject, ld->cert->facts.issuer))
			continue;
		for (uint32_t i = 0; i < is->n && ld->n_chain < CHAIN_MAX; i++)
			ld->chain[ld->n_chain++] = is->chain[i];
		break;
	}
	return (true);
}

/* ---- a certificate ---- */

/* To try a certificate takes a hundred times as long as to read it: only where
 * OpenSSL may think it too weak. */
static bool
check_strength(struct loading *ld, const char *path)
{
	const struct cert *c = ld->cert;
	bool common = c->facts.common && tls_global()->security_level <= 2;
	struct cert_facts f;
	const char *why;

	for (uint32_t i = 0; i < c->n_chain && common; i++)
		common = cert_facts(c->chain[i], &f) && f.common;
	if (common || (why = cert_try(ld->cert)) == NULL)
		return (true);
	return (conf_err(ld->l, ld->w, "'%s' : OpenSSL does not take the "
	    "certificate of '%s': %s; see 'ssl-security-level'",
	    ld->l->kw->name, path, why));
}

static bool
check_fit(struct loading *ld, const char *path)
{
	struct cert *c = ld->cert;

	switch (cert_key_fits(&c->facts, c->key_label, c->key)) {
	case CERT_FITS:
		return (true);
	case CERT_UNFIT:
		return (fail(ld, path, "the private key is not that of the "
		    "certificate"));
	case CERT_UNSURE:
		break;
	}
	if (!cert_use(c))
		return (fail(ld, path, "OpenSSL does not take the "
		    "certificate or its private key"));
	return (X509_check_private_key(c->x509, c->pkey) == 1 ||
	    fail(ld, path, "the private key is not that of the certificate"));
}

static bool
read_cert(struct loading *ld, const char *path)
{
	struct cert *c = ld->cert;

	if (!read_pem(ld, path))
		return (false);
	if (ld->n_chain == 0)
		return (fail(ld, path, "no certificate in the file: expected a "
		    "block that begins with '-----BEGIN CERTIFICATE-----'"));
	c->leaf = ld->chain[0];
	if (!cert_facts(c->leaf, &c->facts))
		return (fail(ld, path, "the first certificate is damaged"));
	if (!read_key(ld, path) || !check_fit(ld, path) ||
	    !read_extras(ld, path) || !add_issuers(ld))
		return (false);
	c->n_chain = ld->n_chain - 1;
	c->chain = arena_get(px_model->arena, c->n_chain * sizeof *c->chain +
	    1);
	memcpy(c->chain, ld->chain + 1, c->n_chain * sizeof *c->chain);
	return (check_strength(ld, path));
}

static struct cert **
bucket_of(struct span path)
{
	return (&by_path[span_hash(path) % BUCKETS]);
}

/* One of that name, from these files, or from one with what is beside it. */
static struct cert *
read_new(struct loading *ld, const char *name)
{
	struct cert **bucket = bucket_of(span_str(name)), *c;

	ld->cert = c = arena_zget(px_model->arena, sizeof *c);
	c->path = arena_dup(px_model->arena, span_str(name));
	if (!read_cert(ld, ld->files != NULL ? ld->files->crt : c->path))
		return (NULL);
	c->of_file = true;
	c->next = *bucket;
	*bucket = c;
	return (c);
}

static struct cert *
get(struct conf_line *l, const struct conf_word *w, const char *path)
{
	struct loading ld = { .l = l, .w = w };
	struct cert *c = cert_find(span_str(path));

	return (c != NULL ? c : read_new(&ld, path));
}

bool
cert_load_files(struct conf_line *l, const struct conf_word *w,
    const struct cert_files *f)
{
	struct loading ld = { .l = l, .w = w, .files = f };

	if (cert_find(span_str(f->name)) != NULL)
		return (conf_err(l, w, "'%s' : there is a certificate '%s' "
		    "already", l->kw->name, f->name));
	return (read_new(&ld, f->name) != NULL);
}

static bool
add(struct conf_line *l, const struct conf_word *w, const char *path,
    struct cert_set *set)
{
	struct cert *c = get(l, w, path), **v;

	if (c == NULL)
		return (false);
	if ((set->n & (set->n - 1)) == 0) {     /* full: 0, 1, 2, 4, … */
		v = arena_get(px_model->arena, (set->n == 0 ? 1 :
		    set->n * 2) * sizeof *v);
		if (set->n > 0)
			memcpy(v, set->v, set->n * sizeof *v);
		set->v = v;
	}
	set->v[set->n++] = c;
	return (true);
}

static bool
dir_file(struct loading *ld, const char *path, void *arg)
{
	return (add(ld->l, ld->w, path, arg));
}

static bool
load_bundle(struct conf_line *l, const struct conf_word *w, const char *path,
    struct cert_set *set)
{
	static const char *const kinds[] = { ".ecdsa", ".rsa", ".dsa" };
	bool good = true;

	for (size_t i = 0; i < NELEM(kinds); i++) {
		const char *one = arena_printf(px_model->arena, "%s%s", path,
		    kinds[i]);

		if (exists(one))
			good &= add(l, w, one, set);
	}
	return (good);
}

static void
forget_others(void)
{
	if (of_model == px_model)
		return;
	memset(by_path, 0, sizeof by_path);
	issuers = NULL;
	issuers_of = NULL;
	of_model = px_model;
}

bool
cert_load(struct conf_line *l, const struct conf_word *w, const char *path,
    bool dirs, struct cert_set *set)
{
	struct loading ld = { .l = l, .w = w };
	struct stat sb;

	if (cert_find(span_str(path)) != NULL)
		return (add(l, w, path, set));
	if (l->conf->live != NULL)
		return (conf_err(l, w, "'%s' : unable to load '%s': no file is "
		    "read while the process runs, and this one was not at its "
		    "start", l->kw->name, path));
	if (path[0] == '@')
		return (conf_err(l, w, "'%s' : no 'crt-store' before it has "
		    "'%s'", l->kw->name, path));
	if (stat(path, &sb) == 0) {
		if (!S_ISDIR(sb.st_mode))
			return (add(l, w, path, set));
		if (!dirs)
			return (conf_err(l, w, "'%s' : expected a file, '%s' "
			    "is a directory", l->kw->name, path));
		return (each_file(&ld, path, dir_file, set));
	}
	if ((tls_global()->extra & CERT_X_BUNDLE) != 0 &&
	    !load_bundle(l, w, path, set))
		return (false);
	return (set->n > 0 || conf_err(l, w, "'%s' : unable to read '%s' : %s",
	    l->kw->name, path, strerror(ENOENT)));
}

/* ---- by name ---- */

static struct cert *
find(struct span path)
{
	struct cert *c;

	forget_others();
	c = *bucket_of(path);
	while (c != NULL && !span_is(path, c->path))
		c = c->next;
	return (c);
}

struct cert *
cert_find(struct span path)
{
	struct cert *c = find(path);

	return (c == NULL || c->gone ? NULL : c);
}

struct cert *
cert_find_new(struct span path)
{
	struct cert **bucket = bucket_of(path), *c = find(path);

	if (c == NULL) {
		c = must_alloc(sizeof *c);
		c->path = span_dup(path);
		c->next = *bucket;
		*bucket = c;
	}
	c->gone = false;
	c->live = true;
	return (c);
}

struct cert *
cert_each(const struct cert *c)
{
	struct cert **b = c == NULL ? by_path : bucket_of(span_str(c->path));

	if (c == NULL ? *b != NULL : c->next != NULL)
		return (c == NULL ? *b : c->next);
	while (++b < by_path + BUCKETS)
		if (*b != NULL)
			return (*b);
	return (NULL);
}

void
cert_forget(struct cert *c)
{
	struct cert **at = bucket_of(span_str(c->path));

	if (c->users > 0)               /* by a server that just came */
		return;
	MUST(cert_unpack(c, SPAN_NONE));
	if (c->of_file) {               /* who is born later has it */
		c->gone = true;
		return;
	}
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free((char *)(uintptr_t)c->path);
	free(c);
}

/* ---- OpenSSL's objects ---- */

X509 *
cert_x509(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return (d2i_X509(NULL, &p, (long)der.n));
}

static bool
push_chain(struct cert *c)
{
	for (uint32_t i = 0; i < c->n_chain; i++) {
		struct cert_facts f;
		X509 *x;

		if (tls_global()->skip_self_issued &&
		    cert_facts(c->chain[i], &f) &&
		    span_eq(f.issuer, f.subject))
			continue;
		if ((x = cert_x509(c->chain[i])) == NULL)
			return (false);
		if (sk_X509_push(c->stack, x) == 0) {
			X509_free(x);
			return (false);
		}
	}
	return (true);
}

static const char *
reason(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return (why != NULL ? why : "refused");
}

const char *
cert_make(struct cert *c)
{
	const unsigned char *p = (const unsigned char *)c->key.p;

	if (c->pkey != NULL)
		return (NULL);
	c->x509 = cert_x509(c->leaf);
	c->stack = sk_X509_new_null();
	if (c->x509 != NULL && c->stack != NULL && push_chain(c))
		c->pkey = d2i_AutoPrivateKey(NULL, &p, (long)c->key.n);
	if (c->pkey != NULL)
		return (NULL);
	cert_unuse(c);
	return (reason());
}

const char *
cert_try(struct cert *c)
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
	const char *why = cert_make(c);

	if (ssl == NULL) {              /* see 'ssl-provider' */
		ERR_clear_error();
		return ("OpenSSL makes no context for TLS");
	}
	if (tls_global()->security_level >= 0)
		SSL_CTX_set_security_level(ssl, tls_global()->security_level);
	if (why == NULL && SSL_CTX_use_cert_and_key(ssl, c->x509, c->pkey,
	    c->stack, 1) != 1)
		why = reason();
	SSL_CTX_free(ssl);
	ERR_clear_error();
	return (why);
}

void
cert_unuse(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->pkey);
	sk_X509_pop_free(c->stack, X509_free);
	c->x509 = NULL;
	c->pkey = NULL;
	c->stack = NULL;
	c->broken = false;
}

bool
cert_use(struct cert *c)
{
	const char *why;

	if (c->broken || (why = cert_make(c)) == NULL)
		return (!c->broken);
	c->broken = true;
	ipc_say(DIAG_ALERT, "certificate '%s' cannot be used: %s; replace it "
	    "and reload", c->path, why);
	return (false);
}

#endif

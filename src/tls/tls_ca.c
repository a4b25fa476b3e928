/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_ca - files of authorities and of what they revoked. Each is read once
 * per generation, and contexts that verify with the same ones share OpenSSL's
 * store of them; the runtime API replaces what is in a file.
 */
#include "tls_ca.h"

#ifdef USE_OPENSSL

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/must.h>
#include <os/fd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#define FILE_MAX (64u << 20)

/* What is verified with; shared by contexts. */
struct trust {
	struct trust *next;
	struct tls_ca *ca, *verify, *crl;       /* or NULL */
	X509_STORE *store;
};

static struct tls_ca *all;
static struct trust *trusts;
static const struct px_model *of_model;         /* which these belong to */

static void
forget_others(void)
{
	if (of_model == px_model)
		return;
	all = NULL;
	trusts = NULL;
	of_model = px_model;
}

struct tls_ca *
tls_ca_first(void)
{
	forget_others();
	return (all);
}

static struct tls_ca *
find(const char *path, bool crl)
{
	struct tls_ca *ca = tls_ca_first();

	while (ca != NULL && (ca->crl != crl || strcmp(ca->path, path) != 0))
		ca = ca->next;
	return (ca);
}

struct tls_ca *
tls_ca_find(const char *path, bool crl)
{
	struct tls_ca *ca = find(path, crl);

	return (ca == NULL || ca->gone ? NULL : ca);
}

struct tls_ca *
tls_ca_find_new(const char *path, bool crl)
{
	struct tls_ca *ca = find(path, crl), **at = &all;

	if (ca == NULL) {
		ca = must_alloc(sizeof *ca);
		ca->path = must_strdup(path);
		ca->crl = crl;
		while (*at != NULL)
			at = &(*at)->next;
		*at = ca;
	}
	ca->gone = false;
	ca->live = true;
	return (ca);
}

static STACK_OF(X509_INFO) *
parse(struct span pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	STACK_OF(X509_INFO) *got = in == NULL ? NULL :
	    PEM_X509_INFO_read_bio(in, NULL, NULL, NULL);

	BIO_free(in);
	return (got);
}

static uint32_t
count(STACK_OF(X509_INFO) *infos, bool crl)
{
	uint32_t n = 0;

	for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
		const X509_INFO *x = sk_X509_INFO_value(infos, i);

		n += crl ? x->crl != NULL : x->x509 != NULL;
	}
	return (n);
}

/* What it has counts: sessions with what was good then are not good now. */
static void
take(struct tls_ca *ca, struct span pem, STACK_OF(X509_INFO) *infos,
    uint32_t n)
{
	tls_ca_clear(ca);
	ca->block = span_dup(pem);
	ca->pem = span_of(ca->block, pem.n);
	ca->infos = infos;
	ca->n = n;
	ca->hash = span_hash(pem);
}

bool
tls_ca_set(struct tls_ca *ca, struct span pem)
{
	STACK_OF(X509_INFO) *infos = parse(pem);
	uint32_t n = infos == NULL ? 0 : count(infos, ca->crl);

	if (n == 0 && pem.n > 0) {
		sk_X509_INFO_pop_free(infos, X509_INFO_free);
		return (false);
	}
	take(ca, pem, infos, n);
	return (true);
}

void
tls_ca_clear(struct tls_ca *ca)
{
	free(ca->block);
	sk_X509_INFO_pop_free(ca->infos, X509_INFO_free);
	ca->block = NULL;
	ca->pem = SPAN_NONE;
	ca->infos = NULL;
	ca->n = 0;
	ca->hash = 0;
}

void
tls_ca_forget(struct tls_ca *ca)
{
	struct tls_ca **at = &all;

	tls_ca_clear(ca);
	if (ca->of_file) {              /* who is born later has it */
		ca->gone = true;
		return;
	}
	while (*at != ca)
		at = &(*at)->next;
	*at = ca->next;
	free((char *)(uintptr_t)ca->path);
	free(ca);
}

/* ---- read ---- */

static bool
read_file(struct tls_making *m, struct tls_ca *ca)
{
	const char *what = ca->crl ? "revocation lists" :
	    "certificate authorities";
	bool good;
	size_t n;
	char *p;

	if ((p = fd_read_file(ca->path, FILE_MAX, &n)) == NULL)
		return (conf_fail(m->conf, DIAG_ALERT, m->pos, "unable to "
		    "load %s from '%s': %s", what, ca->path,
		    strerror(errno)));
	good = n > 0 && tls_ca_set(ca, span_of(p, n));
	free(p);
	return (good || tls_ctx_fail(m, "unable to load %s from '%s'", what,
	    ca->path));
}

static struct tls_ca *
get(struct tls_making *m, const char *path, bool crl)
{
	struct tls_ca *ca = tls_ca_find(path, crl);
	struct stat sb;

	if (ca != NULL)
		return (ca);
	if (m->conf->live != NULL) {
		(void)conf_fail(m->conf, DIAG_ALERT, m->pos, "'%s' : unable "
		    "to load '%s': no file is read while the process runs, "
		    "and this one was not at its start; see 'new ssl %s'", crl
		    ? "crl-file" : "ca-file", path, crl ? "crl-file" :
		    "ca-file");
		return (NULL);
	}
	ca = tls_ca_find_new(path, crl);
	ca->of_file = true;
	ca->live = false;
	ca->system = strcmp(path, "@system-ca") == 0;
	ca->dir = !ca->system && stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
	if (ca->system || ca->dir || read_file(m, ca))
		return (ca);
	ca->of_file = false;
	tls_ca_forget(ca);
	return (NULL);
}

/* ---- stores ---- */

static bool
fill(X509_STORE *store, const struct tls_ca *ca)
{
	if (ca == NULL)
		return (true);
	if (ca->system)
		return (X509_STORE_set_default_paths(store) == 1);
	if (ca->dir)
		return (X509_STORE_load_path(store, ca->path) == 1);
	for (int i = 0; i < sk_X509_INFO_num(ca->infos); i++) {
		const X509_INFO *x = sk_X509_INFO_value(ca->infos, i);

		if (x->x509 != NULL)
			(void)X509_STORE_add_cert(store, x->x509);
		if (x->crl != NULL)
			(void)X509_STORE_add_crl(store, x->crl);
	}
	ERR_clear_error();
	return (true);
}

static bool
make_store(struct trust *t)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL || !fill(store, t->ca) || !fill(store, t->verify) ||
	    !fill(store, t->crl)) {
		X509_STORE_free(store);
		return (false);
	}
	if (t->crl != NULL)
		(void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
		    X509_V_FLAG_CRL_CHECK_ALL);
	X509_STORE_free(t->store);
	t->store = store;
	return (true);
}

static struct trust *
trust_get(struct tls_ca *ca, struct tls_ca *verify, struct tls_ca *crl)
{
	struct trust *t;

	for (t = trusts; t != NULL; t = t->next)
		if (t->ca == ca && t->verify == verify && t->crl == crl)
			return (t);
	t = must_alloc(sizeof *t);
	t->ca = ca;
	t->verify = verify;
	t->crl = crl;
	if (!make_store(t)) {
		free(t);
		return (NULL);
	}
	t->next = trusts;
	trusts = t;
	return (t);
}

bool
tls_ctx_authorities(struct tls_making *m)
{
	const struct tls_conf *c = m->c;
	struct tls_ca *ca = NULL, *verify = NULL, *crl = NULL;
	struct trust *t;

	if ((c->ca_file != NULL && (ca = get(m, c->ca_file, false)) == NULL) ||
	    (c->ca_verify_file != NULL &&
	    (verify = get(m, c->ca_verify_file, false)) == NULL) ||
	    (c->crl_file != NULL && (crl = get(m, c->crl_file, true)) == NULL))
		return (false);
	if ((t = trust_get(ca, verify, crl)) == NULL)
		return (tls_ctx_fail(m, "the certificate authorities of '%s'",
		    c->ca_file != NULL ? c->ca_file : c->ca_verify_file));
	SSL_CTX_set1_cert_store(m->ssl, t->store);
	return (true);
}

/* ---- which names are told to clients ---- */

static STACK_OF(X509_NAME) *
names_of(const struct tls_ca *ca)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();

	for (int i = 0; i < sk_X509_INFO_num(ca->infos); i++) {
		X509 *x = sk_X509_INFO_value(ca->infos, i)->x509;
		X509_NAME *name = x == NULL ? NULL :
		    X509_NAME_dup(X509_get_subject_name(x));

		if (name != NULL && sk_X509_NAME_push(names, name) == 0)
			X509_NAME_free(name);
	}
	return (names);
}

void
tls_ca_names(SSL_CTX *ssl, const struct tls_conf *c)
{
	const struct tls_ca *ca;

	if (c->ca_file == NULL || c->no_ca_names == TLS_FLAG_ON)
		return;
	ca = tls_ca_find(c->ca_file, false);
	if (ca != NULL && !ca->system && !ca->dir)
		SSL_CTX_set_client_CA_list(ssl, names_of(ca));
}

/* ---- at run time ---- */

static bool
names(const char *path, const struct tls_ca *ca)
{
	return (path != NULL && strcmp(path, ca->path) == 0);
}

bool
tls_ca_is_of(const struct tls_ca *ca, const struct tls_conf *c)
{
	return (ca->crl ? names(c->crl_file, ca) : names(c->ca_file, ca) ||
	    names(c->ca_verify_file, ca));
}

/* What settings name; or NULL. */
static struct tls_ca *
of(const char *path, bool crl)
{
	return (path == NULL ? NULL : tls_ca_find(path, crl));
}

uint64_t
tls_ca_state(const struct tls_conf *c)
{
	const struct tls_ca *ca = of(c->ca_file, false);
	const struct tls_ca *verify = of(c->ca_verify_file, false);
	const struct tls_ca *crl = of(c->crl_file, true);

	return ((ca == NULL ? 0 : ca->hash) ^
	    (verify == NULL ? 0 : verify->hash * 3) ^
	    (crl == NULL ? 0 : crl->hash * 5));
}

void
tls_ca_renew(const struct tls_ca *ca)
{
	for (struct trust *t = trusts; t != NULL; t = t->next)
		if (t->ca == ca || t->verify == ca || t->crl == ca)
			(void)make_store(t);
}

void
tls_ca_apply(SSL_CTX *ssl, const struct tls_conf *c)
{
	const struct trust *t = trust_get(of(c->ca_file, false),
	    of(c->ca_verify_file, false), of(c->crl_file, true));

	if (t != NULL)
		SSL_CTX_set1_cert_store(ssl, t->store);
}

#endif

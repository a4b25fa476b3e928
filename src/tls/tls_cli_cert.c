/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cli_cert - certificates at run time: a change is put together in a
 * transaction, of which there is one at a time, and then done at once.
 *
 * Source: management manual 9.3, "new ssl cert" to "show ssl cert".
 */
#include "tls_cli.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <base/must.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#define CHAIN_MAX 64

static struct {
	char *path;                     /* NULL: none is going on */
	struct cert cert;
} txn;

static void
txn_end(void)
{
	MUST(cert_unpack(&txn.cert, SPAN_NONE));
	free(txn.path);
	txn.path = NULL;
}

static void
repack(struct cert *to, const struct cert *from)
{
	struct text t;

	text_init(&t);
	cert_pack(from, &t);
	MUST(cert_unpack(to, text_span(&t)));
	cert_text_wipe(&t);
}

/* ---- what a payload says ---- */

struct reading {
	struct cert cert;               /* its slices are of the payload */
	struct span chain[CHAIN_MAX];
	const char *why;
};

static void
take_block(struct reading *r, const struct pem *b)
{
	if (b->encrypted)
		r->why = "the private key is encrypted: decrypt it";
	else if (span_ends(b->label, SPAN("PRIVATE KEY"))) {
		r->cert.key = b->der;
		r->cert.key_label = b->label;
	} else if (span_is(b->label, "DH PARAMETERS"))
		r->cert.dh = b->der;
	else if (!span_ends(b->label, SPAN("CERTIFICATE")))
		return;
	else if (r->cert.leaf.p == NULL)
		r->cert.leaf = b->der;
	else if (r->cert.n_chain == CHAIN_MAX)
		r->why = "more than 64 certificates";
	else
		r->chain[r->cert.n_chain++] = b->der;
}

static bool
read_payload(struct reading *r, struct span text)
{
	struct cert_facts f;
	const char *damage;
	struct pem b;
	enum why why;

	memset(r, 0, sizeof *r);
	r->cert.chain = r->chain;
	while (r->why == NULL &&
	    (why = pem_next(&text, &b, &damage)) != WHY_EOF) {
		if (why != WHY_OK)
			r->why = damage;
		else
			take_block(r, &b);
	}
	if (r->why == NULL && r->cert.leaf.p != NULL && !cert_facts(r->cert.leaf, &f))
		r->why = "the first certificate is damaged";
	return (r->why == NULL);
}

/* A certificate and all that belongs to it: what was beside the old one does
 * not fit the new one. */
static bool
set_pem(struct reading *r, struct span text)
{
	if (!read_payload(r, text))
		return (false);
	if (r->cert.leaf.p == NULL) {
		r->why = "no certificate in it";
		return (false);
	}
	r->cert.issuer = txn.cert.issuer;
	repack(&txn.cert, &r->cert);
	return (true);
}

static bool
set_key(struct reading *r, struct span text)
{
	struct cert now = txn.cert;

	if (!read_payload(r, text))
		return (false);
	if (r->cert.key.p == NULL) {
		r->why = "no private key in it";
		return (false);
	}
	now.key = r->cert.key;
	now.key_label = r->cert.key_label;
	repack(&txn.cert, &now);
	return (true);
}

static bool
set_issuer(struct reading *r, struct span text)
{
	struct cert now = txn.cert;

	if (!read_payload(r, text))
		return (false);
	if (r->cert.leaf.p == NULL) {
		r->why = "no certificate in it";
		return (false);
	}
	now.issuer = r->cert.leaf;
	repack(&txn.cert, &now);
	return (true);
}

static bool
decode(struct reading *r, struct span text, struct span *out)
{
	r->why = tls_cli_base64(text, out) ? NULL : "expected base64";
	return (r->why == NULL);
}

static bool
set_ocsp(struct reading *r, struct span text)
{
	struct cert now = txn.cert;

	if (!decode(r, text, &now.ocsp) ||
	    !tls_ocsp_fits(&now, now.ocsp, &r->why))
		return (false);
	repack(&txn.cert, &now);
	return (true);
}

/* RFC 6962 3.3: a length in front of what follows. */
static bool
set_sctl(struct reading *r, struct span text)
{
	struct cert now = txn.cert;
	const unsigned char *p;

	if (!decode(r, text, &now.sctl))
		return (false);
	p = (const unsigned char *)now.sctl.p;
	if (now.sctl.n < 2 ||
	    ((size_t)p[0] << 8 | p[1]) != now.sctl.n - 2) {
		r->why = "expected a list of signed certificate timestamps";
		return (false);
	}
	repack(&txn.cert, &now);
	return (true);
}

static const struct part {
	const char *ext;
	bool (*set)(struct reading *, struct span);
} parts[] = { { ".key", set_key }, { ".issuer", set_issuer },
	{ ".ocsp", set_ocsp }, { ".sctl", set_sctl }, { "", set_pem } };

/* Which certificate a name means, and what of it. */
static struct cert *
find_part(struct span name, const struct part **part)
{
	struct cert *c = cert_find(name);

	*part = &parts[NELEM(parts) - 1];
	for (size_t i = 0; c == NULL && i < NELEM(parts) - 1; i++) {
		struct span base = name;
		char *with;

		if (!span_ends(name, span_str(parts[i].ext)))
			continue;
		*part = &parts[i];
		base.n -= strlen(parts[i].ext);
		if ((c = cert_find(base)) != NULL ||
		    !tls_global()->extra_replaces_ext)
			break;
		with = must_alloc(base.n + 5);
		memcpy(with, base.p, base.n);
		memcpy(with + base.n, ".crt", 4);
		c = cert_find(span_of(with, base.n + 4));
		free(with);
	}
	return (c);
}

static enum cli_done
run_set(struct cli_ctx *x)
{
	const char *name = x->at < x->n ? x->arg[x->at].p : NULL;
	bool begun = txn.path != NULL;
	const struct part *part;
	struct reading r = { .why = NULL };
	struct cert *c;

	if (name == NULL || x->payload.n == 0) {
		cli_say(x, 3, "'set ssl cert' expects a filename and a "
		    "certificate as a payload");
		return (CLI_DONE);
	}
	if ((c = find_part(span_str(name), &part)) == NULL) {
		cli_say(x, 3, "Can't replace a certificate which is not "
		    "referenced by the configuration!\nCan't update %s!",
		    name);
		return (CLI_DONE);
	}
	if (begun && strcmp(txn.path, c->path) != 0) {
		cli_say(x, 3, "The ongoing transaction is about '%s' but you "
		    "are trying to set '%s'\nCan't update %s!", txn.path,
		    c->path, name);
		return (CLI_DONE);
	}
	if (!begun)
		repack(&txn.cert, c);
	if (!part->set(&r, tls_cli_copy(x, x->payload))) {
		cli_say(x, 3, "unable to load from '%s': %s\nCan't load the "
		    "payload\nCan't update %s!", name, r.why, name);
		return (CLI_DONE);
	}
	if (!begun)
		txn.path = must_strdup(c->path);
	cli_say(x, 5, "Transaction %s for certificate %s!", begun ?
	    "updated" : "created", c->path);
	return (CLI_DONE);
}

/* ---- commit, abort ---- */

static bool
is_whole(struct cli_ctx *x, struct cert *c)
{
	const char *why;

	if (c->leaf.p == NULL || c->key.p == NULL) {
		cli_say(x, 3, "The transaction must contain at least a "
		    "certificate and a private key!");
		return (false);
	}
	if ((why = cert_make(c)) == NULL &&
	    X509_check_private_key(c->x509, c->pkey) != 1) {
		ERR_clear_error();
		cli_say(x, 3, "inconsistencies between private key and "
		    "certificate loaded '%s'.", txn.path);
		return (false);
	}
	if (why == NULL)
		why = cert_try(c);
	if (why != NULL)
		cli_say(x, 3, "unable to use the certificate of '%s': %s",
		    txn.path, why);
	return (why == NULL);
}

static enum cli_done
run_commit(struct cli_ctx *x)
{
	const char *name = tls_cli_name(x, "'commit ssl cert' expects a "
	    "filename");
	const struct cert *c;

	if (name == NULL)
		return (CLI_DONE);
	if (!tls_cli_txn(x, txn.path, name) || !is_whole(x, &txn.cert)) {
		cli_say(x, 3, "Can't commit %s!", name);
		return (CLI_DONE);
	}
	tls_sync_cert(span_str(txn.path), &txn.cert);
	txn_end();
	c = cert_find(span_str(name));
	text_printf(x->out, "Committing %s", name);
	for (uint32_t i = 0; i < c->users; i++)
		text_addc(x->out, '.');
	text_addz(x->out, "\nSuccess!\n");
	return (tls_cli_synced(x));
}

static enum cli_done
run_abort(struct cli_ctx *x)
{
	const char *name = tls_cli_name(x, "'abort ssl cert' expects a "
	    "filename");

	if (name == NULL || !tls_cli_txn(x, txn.path, name))
		return (CLI_DONE);
	txn_end();
	cli_say(x, 5, "Transaction aborted for certificate '%s'!", name);
	return (CLI_DONE);
}

/* ---- new, del ---- */

static enum cli_done
run_new(struct cli_ctx *x)
{
	const char *name = tls_cli_name(x, "'new ssl cert' expects a "
	    "filename");

	if (name == NULL)
		return (CLI_DONE);
	if (cert_find(span_str(name)) != NULL) {
		cli_say(x, 3, "Certificate '%s' already exists!", name);
		return (CLI_DONE);
	}
	tls_sync_cert(span_str(name), &(struct cert){ .path = name });
	cli_say(x, 5, "New empty certificate store '%s'!", name);
	return (tls_cli_synced(x));
}

static enum cli_done
run_del(struct cli_ctx *x)
{
	const char *name = tls_cli_name(x, "'del ssl cert' expects a "
	    "certificate name");
	const struct cert *c;

	if (name == NULL)
		return (CLI_DONE);
	c = cert_find(span_str(name));
	if (c == NULL || c->users > 0) {
		cli_say(x, 3, "Can't remove the certificate: certificate "
		    "'%s' %s!", name, c == NULL ? "doesn't exist" :
		    "in use, can't be deleted");
		return (CLI_DONE);
	}
	if (txn.path != NULL && strcmp(txn.path, name) == 0)
		txn_end();
	tls_sync_cert_drop(span_str(name));
	cli_say(x, 5, "Certificate '%s' deleted!", name);
	return (tls_cli_synced(x));
}

/* ---- show, dump ---- */

static int
by_path(const void *a, const void *b)
{
	const struct cert *const *ca = a, *const *cb = b;

	return (strcmp((*ca)->path, (*cb)->path));
}

static void
list_all(struct cli_ctx *x)
{
	struct cert **v;
	size_t n = 0;

	if (txn.path != NULL)
		text_printf(x->out, "# transaction\n*%s\n", txn.path);
	text_addz(x->out, "# filename\n");
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c))
		n += !c->gone;
	v = must_alloc((n + 1) * sizeof *v);
	n = 0;
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c))
		if (!c->gone)
			v[n++] = c;
	qsort(v, n, sizeof *v, by_path);
	for (size_t i = 0; i < n; i++)
		text_printf(x->out, "%s\n", v[i]->path);
	free(v);
}

/* "*name": what the transaction has; or NULL. */
static struct cert *
find_shown(const char *name)
{
	if (name[0] != '*')
		return (cert_find(span_str(name)));
	return (txn.path != NULL && strcmp(txn.path, name + 1) == 0 ?
	    &txn.cert : NULL);
}

static void
show_chain(struct text *t, const struct cert *c)
{
	for (uint32_t i = 0; i < c->n_chain; i++) {
		X509 *x = cert_x509(c->chain[i]);

		if (x == NULL)
			continue;
		tls_show_name(t, "Chain Subject", X509_get_subject_name(x));
		tls_show_name(t, "Chain Issuer", X509_get_issuer_name(x));
		X509_free(x);
	}
}

static void
show_one(struct text *t, const char *name, struct cert *c)
{
	X509 *x = c->leaf.n == 0 ? NULL : cert_x509(c->leaf);

	text_printf(t, "Filename: %s\nStatus: %s\n", name, c->leaf.n == 0 ?
	    "Empty" : c->users > 0 ? "Used" : "Unused");
	if (x != NULL) {
		tls_show_x509(t, x);
		show_chain(t, c);
		X509_free(x);
	}
	text_addz(t, "OCSP Response Key: ");
	(void)tls_ocsp_key(c, t);
	text_addc(t, '\n');
}

static enum cli_done
run_show(struct cli_ctx *x)
{
	const char *name = x->at < x->n ? x->arg[x->at].p : NULL;
	struct span s = span_str(name);
	struct cert *c;

	if (name == NULL) {
		list_all(x);
		return (CLI_DONE);
	}
	if ((c = find_shown(name)) != NULL) {
		show_one(x->out, name, c);
		return (CLI_DONE);
	}
	if (span_ends(s, SPAN(".ocsp"))) {
		char *base = span_dup(span_of(s.p, s.n - 5));

		c = find_shown(base);
		free(base);
	}
	if (c != NULL)
		(void)tls_show_ocsp(x->out, c->ocsp);
	else
		cli_say(x, 3, "Can't display the certificate: Not found or "
		    "the certificate is a bundle!");
	return (CLI_DONE);
}

static void
dump_x509(BIO *bio, struct span der)
{
	(void)PEM_write_bio(bio, PEM_STRING_X509, "",
	    (const unsigned char *)der.p, (long)der.n);
}

static enum cli_done
run_dump(struct cli_ctx *x)
{
	const char *name = tls_cli_name(x, "'dump ssl cert' expects a "
	    "filename");
	const struct cert *c;
	char *p;
	BIO *bio;
	long n;

	if (name == NULL)
		return (CLI_DONE);
	if ((c = find_shown(name)) == NULL) {
		cli_say(x, 3, "Can't dump the certificate: '%s' does not "
		    "exist!", name);
		return (CLI_DONE);
	}
	bio = BIO_new(BIO_s_mem());
	MUST(bio != NULL);
	if (c->key.n > 0) {
		char *label = span_dup(c->key_label);

		(void)PEM_write_bio(bio, label, "",
		    (const unsigned char *)c->key.p, (long)c->key.n);
		free(label);
	}
	if (c->leaf.n > 0)
		dump_x509(bio, c->leaf);
	for (uint32_t i = 0; i < c->n_chain; i++)
		dump_x509(bio, c->chain[i]);
	n = BIO_get_mem_data(bio, &p);
	text_add(x->out, span_of(p, (size_t)n));
	BIO_free(bio);
	return (CLI_DONE);
}

/* ---- rows ---- */

#define COMMAND(ident, word, words, what, text)                              \
	CLI_COMMAND(tls_cert_##ident) = {                                    \
		.name = word " ssl cert", .args = words,                     \
		.level = PX_LEVEL_ADMIN, .run = what,                        \
		.dropped = tls_cli_dropped, .doc = text,                     \
	}
COMMAND(set, "set", "<file> <payload>", run_set,
    "new contents for a certificate, or with .key, .issuer, .ocsp or .sctl "
    "behind its name for a part of it; see commit");
COMMAND(commit, "commit", "<file>", run_commit,
    "the new contents count from now on");
COMMAND(abort, "abort", "<file>", run_abort, "forget the new contents");
COMMAND(new, "new", "<file>", run_new,
    "a certificate without contents, for a crt-list");
COMMAND(del, "del", "<file>", run_del, "forget a certificate in no use");
COMMAND(show, "show", "[<file>]", run_show,
    "certificates, or the details of one; *<file>: those of set");
COMMAND(dump, "dump", "<file>", run_dump,
    "a certificate and its private key as PEM");

#endif

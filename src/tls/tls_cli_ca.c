/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cli_ca - files of authorities and of what they revoked, at run time: a
 * transaction each, of which there is one of a kind at a time.
 *
 * Source: management manual 9.3, "new ssl ca-file" to "show ssl crl-file".
 */
#include "tls_cli.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <base/must.h>

static const struct kind {
	const char *word;               /* of the command */
	const char *name;               /* in messages */
	const char *has;                /* what a file has, in messages */
} kinds[2] = { { "ca-file", "CA", "CAs" }, { "crl-file", "CRL", "CRLs" } };

static struct {
	char *path;                     /* NULL: none is going on */
	struct tls_ca ca;
} txns[2];

/* Which of both a command is about, by its last word. */
static bool
is_crl(const struct cli_ctx *x)
{
	return (x->arg[2].p[1] == 'r');
}

static void
txn_end(bool crl)
{
	free(txns[crl].path);
	tls_ca_clear(&txns[crl].ca);
	memset(&txns[crl], 0, sizeof txns[crl]);
}

static const char *
want_name(struct cli_ctx *x, const char *verb)
{
	const char *expects = *verb == 'd' ? is_crl(x) ? "a CRL file name" :
	    "a CA file name" : "a filename";

	if (x->at < x->n && x->arg[x->at].n > 0)
		return (x->arg[x->at].p);
	cli_say(x, 3, "'%s ssl %s' expects %s", verb, kinds[is_crl(x)].word,
	    expects);
	return (NULL);
}

/* ---- set, add ---- */

static bool
begin(struct cli_ctx *x, const char *name, bool keep)
{
	bool crl = is_crl(x);
	const struct tls_ca *ca = tls_ca_find(name, crl);

	if (ca == NULL || ca->system || ca->dir) {
		cli_say(x, 3, "Can't replace a %s file which is not "
		    "referenced by the configuration!\nCan't update %s!",
		    kinds[crl].name, name);
		return (false);
	}
	if (txns[crl].path != NULL && strcmp(txns[crl].path, name) != 0) {
		cli_say(x, 3, "The ongoing transaction is about '%s' but you "
		    "are trying to set '%s'\nCan't update %s!",
		    txns[crl].path, name, name);
		return (false);
	}
	if (txns[crl].path != NULL)
		return (true);
	txns[crl].ca.crl = crl;
	return (!keep || tls_ca_set(&txns[crl].ca, ca->pem));
}

static enum cli_done
change(struct cli_ctx *x, const char *verb, bool keep)
{
	const char *name = x->at < x->n ? x->arg[x->at].p : NULL;
	bool crl = is_crl(x), begun, good;
	struct text t;

	if (name == NULL || x->payload.n == 0) {
		cli_say(x, 3, "'%s ssl %s' expects a filename and %s as a "
		    "payload", verb, kinds[crl].word, kinds[crl].has);
		return (CLI_DONE);
	}
	begun = txns[crl].path != NULL;
	if (!begin(x, name, keep))
		return (CLI_DONE);
	text_init(&t);
	if (keep)
		text_add(&t, txns[crl].ca.pem);
	text_add(&t, x->payload);
	good = tls_ca_set(&txns[crl].ca, text_span(&t));
	text_fini(&t);
	if (!good) {
		if (!begun)
			txn_end(crl);
		cli_say(x, 3, "Invalid payload\nCan't update %s!", name);
		return (CLI_DONE);
	}
	if (!begun)
		txns[crl].path = must_strdup(name);
	cli_say(x, 5, "transaction %s for %s %s!", begun ? "updated" :
	    "created", kinds[crl].name, name);
	return (CLI_DONE);
}

static enum cli_done
run_set(struct cli_ctx *x)
{
	return (change(x, "set", false));
}

static enum cli_done
run_add(struct cli_ctx *x)
{
	return (change(x, "add", true));
}

/* ---- commit, abort ---- */

static enum cli_done
run_commit(struct cli_ctx *x)
{
	const char *name = want_name(x, "commit");
	bool crl = is_crl(x);

	if (name == NULL)
		return (CLI_DONE);
	if (!tls_cli_txn(x, txns[crl].path, name)) {
		cli_say(x, 3, "Can't commit %s!", name);
		return (CLI_DONE);
	}
	tls_sync_ca(name, crl, txns[crl].ca.pem);
	txn_end(crl);
	text_printf(x->out, "Committing %s\nSuccess!\n", name);
	return (tls_cli_synced(x));
}

static enum cli_done
run_abort(struct cli_ctx *x)
{
	const char *name = want_name(x, "abort");

	if (name == NULL || !tls_cli_txn(x, txns[is_crl(x)].path, name))
		return (CLI_DONE);
	cli_say(x, 5, "Transaction aborted for certificate '%s'!", name);
	txn_end(is_crl(x));
	return (CLI_DONE);
}

/* ---- new, del ---- */

static enum cli_done
run_new(struct cli_ctx *x)
{
	const char *name = want_name(x, "new");
	bool crl = is_crl(x);

	if (name == NULL)
		return (CLI_DONE);
	if (tls_ca_find(name, crl) != NULL) {
		cli_say(x, 3, "%s file '%s' already exists!", kinds[crl].name,
		    name);
		return (CLI_DONE);
	}
	tls_sync_ca(name, crl, SPAN_NONE);
	cli_say(x, 5, "New %s file created '%s'!", kinds[crl].name, name);
	return (tls_cli_synced(x));
}

static enum cli_done
run_del(struct cli_ctx *x)
{
	const char *name = want_name(x, "del");
	bool crl = is_crl(x);
	const struct tls_ca *ca;

	if (name == NULL)
		return (CLI_DONE);
	ca = tls_ca_find(name, crl);
	if (ca == NULL || tls_live_ca_used(ca)) {
		cli_say(x, 3, "Can't remove the %s file: %s file '%s' %s!",
		    kinds[crl].name, kinds[crl].name, name, ca == NULL ?
		    "doesn't exist" : "in use, can't be deleted");
		return (CLI_DONE);
	}
	if (txns[crl].path != NULL && strcmp(txns[crl].path, name) == 0)
		txn_end(crl);
	tls_sync_ca_drop(name, crl);
	cli_say(x, 5, "%s file '%s' deleted!", kinds[crl].name, name);
	return (tls_cli_synced(x));
}

/* ---- show ---- */

static void
put_line(struct text *t, const char *star, const char *path,
    const struct tls_ca *ca)
{
	text_printf(t, "%s%s", star, path);
	if (!ca->crl && !ca->dir && !ca->system)
		text_printf(t, " - %u certificate(s)", ca->n);
	text_addc(t, '\n');
}

static int
by_path(const void *a, const void *b)
{
	const struct tls_ca *const *x = a, *const *y = b;

	return (strcmp((*x)->path, (*y)->path));
}

static void
list_all(struct cli_ctx *x)
{
	bool crl = is_crl(x);
	const struct tls_ca **v;
	size_t n = 0;

	if (txns[crl].path != NULL) {
		text_addz(x->out, "# transaction\n");
		put_line(x->out, "*", txns[crl].path, &txns[crl].ca);
	}
	text_addz(x->out, "# filename\n");
	for (const struct tls_ca *ca = tls_ca_first(); ca != NULL;
	    ca = ca->next)
		n++;
	v = must_alloc((n + 1) * sizeof *v);
	n = 0;
	for (const struct tls_ca *ca = tls_ca_first(); ca != NULL;
	    ca = ca->next)
		if (ca->crl == crl && !ca->gone)
			v[n++] = ca;
	qsort(v, n, sizeof *v, by_path);
	for (size_t i = 0; i < n; i++)
		put_line(x->out, "", v[i]->path, v[i]);
	free(v);
}

static const struct tls_ca *
find_shown(const char *name, bool crl)
{
	if (name[0] != '*')
		return (tls_ca_find(name, crl));
	return (txns[crl].path != NULL &&
	    strcmp(txns[crl].path, name + 1) == 0 ? &txns[crl].ca : NULL);
}

static void
show_item(struct text *t, const X509_INFO *i, bool crl, int no)
{
	/* An empty line would end the answer. */
	text_printf(t, " \n%s #%d:\n", crl ? "Certificate Revocation List" :
	    "Certificate", no);
	if (crl)
		tls_show_crl(t, i->crl);
	else
		tls_show_x509(t, i->x509);
}

static void
show_file(struct text *t, const char *name, const struct tls_ca *ca, int only)
{
	int no = 0;

	text_printf(t, "Filename: %s\nStatus: %s\n", name, ca->n == 0 &&
	    !ca->dir && !ca->system ? "Empty" : name[0] != '*' &&
	    tls_live_ca_used(ca) ? "Used" : "Unused");
	for (int i = 0; i < sk_X509_INFO_num(ca->infos); i++) {
		const X509_INFO *info = sk_X509_INFO_value(ca->infos, i);

		if (ca->crl ? info->crl == NULL : info->x509 == NULL)
			continue;
		no++;
		if (only == 0 || only == no)
			show_item(t, info, ca->crl, no);
	}
}

static enum cli_done
run_show(struct cli_ctx *x)
{
	const char *word = x->at < x->n ? x->arg[x->at].p : NULL;
	bool crl = is_crl(x);
	const struct tls_ca *ca;
	struct span cut;
	char *name;
	int only = 0;

	if (word == NULL) {
		list_all(x);
		return (CLI_DONE);
	}
	name = must_strdup(word);
	if ((ca = find_shown(word, crl)) == NULL &&
	    (only = tls_cli_cut(word, &cut)) != 0) {
		name[cut.n] = '\0';
		ca = find_shown(name, crl);
	}
	if (only < 0)
		cli_say(x, 3, "wrong %s index after colons in '%s'!",
		    kinds[crl].name, word);
	else if (ca == NULL)
		cli_say(x, 3, "Can't display the %s file : Not found!",
		    kinds[crl].name);
	else
		show_file(x->out, name, ca, only);
	free(name);
	return (CLI_DONE);
}

/* ---- rows ---- */

#define COMMAND(ident, word, words, lowest, what, text)                      \
	CLI_COMMAND(tls_##ident) = {                                         \
		.name = word, .args = words, .level = lowest, .run = what,   \
		.dropped = tls_cli_dropped, .doc = text,                     \
	}
#define BOTH(ident, verb, words, lowest, what, text)                         \
	COMMAND(ca_##ident, verb " ssl ca-file", words, lowest, what,        \
	    text " (authorities)");                                          \
	COMMAND(crl_##ident, verb " ssl crl-file", words, lowest, what,      \
	    text " (lists of what was revoked)")
BOTH(set, "set", "<file> <payload>", PX_LEVEL_ADMIN, run_set,
    "new contents for a file; see commit");
COMMAND(ca_add, "add ssl ca-file", "<file> <payload>", PX_LEVEL_ADMIN, run_add,
    "more authorities for a file; see commit");
BOTH(commit, "commit", "<file>", PX_LEVEL_ADMIN, run_commit,
    "the new contents count from now on");
BOTH(abort, "abort", "<file>", PX_LEVEL_ADMIN, run_abort,
    "forget the new contents");
BOTH(new, "new", "<file>", PX_LEVEL_ADMIN, run_new,
    "a file without contents, for lines of crt-lists");
BOTH(del, "del", "<file>", PX_LEVEL_ADMIN, run_del,
    "forget a file in no use");
BOTH(show, "show", "[<file>[:<n>]]", PX_LEVEL_OPERATOR, run_show,
    "files, or what is in one, or its part <n>");

#endif

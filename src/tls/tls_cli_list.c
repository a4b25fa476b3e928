/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cli_list - which certificates bind lines show: crt-list files and
 * directories, and all names there are.
 *
 * Source: management manual 9.3, "add ssl crt-list" to "show ssl sni".
 */
#include "tls_cli.h"

#ifdef USE_OPENSSL

#include <string.h>

#include "tls_sni.h"

static struct tls_list *
want_list(struct cli_ctx *x, const char *what, struct span *cert)
{
	struct tls_list *list;

	*cert = cli_arg(x, x->at + 1);
	if (cli_arg(x, x->at).n == 0 || (cert->n == 0 && x->payload.n == 0)) {
		cli_say(x, 3, "'%s ssl crtlist' expects a filename and a "
		    "certificate name", what);
		return (NULL);
	}
	if ((list = tls_list_find(cli_arg(x, x->at))) == NULL)
		cli_say(x, 3, "Can't %s: crt-list '%s' does not exist!",
		    *what == 'a' ? "edit the crt-list" : "delete the entry",
		    x->arg[x->at].p);
	return (list);
}

/* ---- add ---- */

static void
note(const struct diag *d, void *arg)
{
	struct text *t = arg;

	if (t->n == 0)
		text_addz(t, d->text);
}

/* In a directory are only files of it. */
static bool
is_inside(struct cli_ctx *x, const struct tls_list *list, struct span text)
{
	size_t n = strlen(list->path), len = 0;

	if (!list->dir)
		return (true);
	while (len < text.n && text.p[len] > ' ')
		len++;
	text.n = len;
	if (span_begins(text, span_str(list->path)) && text.n > n + 1 &&
	    text.p[n] == '/')
		return (true);
	cli_say(x, 3, "Can't edit the crt-list: '%s' is a directory, "
	    "certificate path '%.*s' must contain the directory path",
	    list->path, SPAN_FMT(text));
	return (false);
}

static enum cli_done
run_add(struct cli_ctx *x)
{
	struct span text;
	struct tls_list *list = want_list(x, "add", &text);
	uint32_t line = list == NULL ? 0 : list->last_line + 1;
	struct diags diags;
	struct conf conf = { .arena = px_model->arena, .diags = &diags,
		.live = tls_live_word };
	struct text error;
	bool good;

	if (list == NULL)
		return (CLI_DONE);
	if (x->payload.n > 0)
		text = x->payload;
	if (!is_inside(x, list, text))
		return (CLI_DONE);
	diags_init(&diags);
	text_init(&error);
	diags.sink = note;
	diags.sink_arg = &error;
	good = tls_sync_row_add(&conf, list, line, text);
	diags_fini(&diags);
	if (good)
		text_printf(x->out, "Inserting certificate '%s' in crt-list "
		    "'%s'.\nSuccess!\n", tls_list_row_no(list, line)->cert->
		    path, list->path);
	else
		cli_say(x, 3, "Can't edit the crt-list: %s", error.p);
	text_fini(&error);
	return (good ? tls_cli_synced(x) : CLI_DONE);
}

/* ---- del ---- */

/* Numbers of the lines that have the certificate. */
static void
put_lines(struct text *t, const struct tls_list *list, const struct cert *c)
{
	const char *comma = "";

	for (const struct tls_row *row = list->rows; row != NULL;
	    row = row->next)
		if (!row->gone && row->cert == c) {
			text_printf(t, "%s%u", comma, row->line);
			comma = ", ";
		}
}

static struct tls_row *
find_row(struct cli_ctx *x, const struct tls_list *list, const struct cert *c,
    int line)
{
	struct tls_row *found = NULL;
	unsigned n = 0;
	struct text t;

	for (struct tls_row *row = list->rows; row != NULL; row = row->next) {
		if (row->gone || row->cert != c)
			continue;
		n++;
		if (found == NULL || (uint32_t)line == row->line)
			found = row;
	}
	if (n == 0) {
		cli_say(x, 3, "Can't delete the entry: certificate '%s' can't "
		    "be found in crt-list '%s'!", c->path, list->path);
		return (NULL);
	}
	if (line == 0 ? n == 1 : found->line == (uint32_t)line)
		return (found);
	text_init(&t);
	put_lines(&t, list, c);
	cli_say(x, 3, line == 0 ? "Can't delete the entry: found the "
	    "certificate '%s' in several entries, please specify a line "
	    "number preceded by colons (%s)!" : "Can't delete the entry: "
	    "found a certificate '%s' but the line number is incorrect, "
	    "please specify a correct line number preceded by colons (%s)!",
	    c->path, t.p);
	text_fini(&t);
	return (NULL);
}

/* Where it is what clients get that ask for nothing else. */
static bool
is_default(struct cli_ctx *x, const struct tls_list *list,
    const struct tls_row *row)
{
	bool any = false;

	for (const struct tls_list_user *u = list->users; u != NULL;
	    u = u->next) {
		const struct tls_bind *b = u->bind;

		if (!b->ssl || b->conf.strict_sni == TLS_FLAG_ON)
			continue;
		for (const struct tls_line *i = b->lines; i != NULL;
		    i = i->next) {
			if (i->row != row || !tls_sni_is_default(b, i))
				continue;
			if (!any)
				text_printf(x->out, "Can't delete the entry: "
				    "certificate '%s' cannot be deleted, it "
				    "is used as default certificate by the "
				    "following frontends:\n",
				    row->cert->path);
			text_printf(x->out, "\t- %s:%d\n", b->bind->pos.file,
			    b->bind->pos.line);
			any = true;
		}
	}
	return (any);
}

static enum cli_done
run_del(struct cli_ctx *x)
{
	struct span word, name;
	struct tls_list *list = want_list(x, "del", &word);
	const struct cert *c;
	struct tls_row *row;
	int line = 0;

	if (list == NULL)
		return (CLI_DONE);
	name = word;
	if ((c = cert_find(word)) == NULL) {
		if ((line = tls_cli_cut(word.p, &name)) < 0) {
			cli_say(x, 3, "Can't delete the entry: wrong line "
			    "number after colons in '%s'!", word.p);
			return (CLI_DONE);
		}
		c = cert_find(name);
	}
	if (c == NULL) {
		cli_say(x, 3, "Can't delete the entry: certificate '%.*s' "
		    "does not exist!", SPAN_FMT(name));
		return (CLI_DONE);
	}
	if ((row = find_row(x, list, c, line)) == NULL ||
	    is_default(x, list, row))
		return (CLI_DONE);
	tls_sync_row_drop(list, row);
	cli_say(x, 5, "Entry '%s' deleted in crtlist '%s'!", c->path,
	    list->path);
	return (tls_cli_synced(x));
}

/* ---- show ---- */

static enum cli_done
run_show(struct cli_ctx *x)
{
	bool numbers = cli_is(x, x->at, "-n");
	struct span name = cli_arg(x, x->at + numbers);
	const struct tls_list *list;

	if (name.n == 0) {
		for (list = tls_list_first(); list != NULL; list = list->next)
			text_printf(x->out, "%s\n", list->path);
		return (CLI_DONE);
	}
	if ((list = tls_list_find(name)) == NULL) {
		cli_say(x, 3, "didn't find the specified filename");
		return (CLI_DONE);
	}
	text_printf(x->out, "# %s\n", list->path);
	for (const struct tls_row *row = list->rows; row != NULL;
	    row = row->next)
		if (!row->gone) {
			tls_list_put_row(row, numbers, x->out);
			text_addc(x->out, '\n');
		}
	return (CLI_DONE);
}

/* ---- show ssl sni ---- */

struct sni_dump {
	struct text *t;
	const char *frontend;           /* only this one; or NULL */
	const struct tls_bind *bind;
};

static const char *
kind_name(const struct cert *c)
{
	static const char *const names[CERT_KINDS] = { "rsa", "dsa", "ecdsa",
		"other" };

	return (names[c->facts.kind]);
}

static void
put_date(struct text *t, const ASN1_TIME *at)
{
	if (at != NULL && ASN1_TIME_check(at))
		tls_show_time(t, at);
	else
		text_addc(t, '-');
}

static void
put_dates(struct text *t, const struct cert *c)
{
	X509 *x = cert_x509(c->leaf);

	put_date(t, x == NULL ? NULL : X509_get0_notAfter(x));
	text_addc(t, '\t');
	put_date(t, x == NULL ? NULL : X509_get0_notBefore(x));
	X509_free(x);
}

static void
put_sni(struct span name, const struct tls_line *line, void *arg)
{
	const struct sni_dump *d = arg;
	const struct tls_row *row = line->row;
	bool any = false;

	text_printf(d->t, "%s/%s:%d\t%s%.*s\t", d->bind->bind->px->name,
	    d->bind->bind->pos.file, d->bind->bind->pos.line,
	    name.p[0] == '.' ? "*" : "", SPAN_FMT(name));
	for (uint32_t i = 0; row != NULL && i < row->n_filters; i++)
		if (row->filters[i].n > 0 && row->filters[i].p[0] == '!') {
			text_printf(d->t, "%s%.*s", any ? "," : "",
			    SPAN_FMT(row->filters[i]));
			any = true;
		}
	text_printf(d->t, "%s\t%s\t%s\t", any ? "" : "-",
	    kind_name(line->cert), line->cert->path);
	put_dates(d->t, line->cert);
	text_addc(d->t, '\n');
}

static void
put_bind(struct tls_bind *b, void *arg)
{
	struct sni_dump *d = arg;

	if (d->frontend != NULL &&
	    strcmp(b->bind->px->name, d->frontend) != 0)
		return;
	d->bind = b;
	tls_sni_each(b, put_sni, d);
}

static enum cli_done
run_sni(struct cli_ctx *x)
{
	struct sni_dump d = { .t = x->out };

	for (int i = x->at; i < x->n; i += 2) {
		if (cli_is(x, i, "-f") && cli_arg(x, i + 1).n > 0) {
			d.frontend = x->arg[i + 1].p;
			continue;
		}
		cli_say(x, 3, "'show ssl sni' expects '-f <frontend>' or "
		    "nothing, got '%s'", x->arg[i].p);
		return (CLI_DONE);
	}
	text_addz(x->out, "# Frontend/Bind\tSNI\tNegative Filter\tType\t"
	    "Filename\tNotAfter\tNotBefore\n");
	tls_live_binds(put_bind, &d);
	return (CLI_DONE);
}

/* ---- rows ---- */

CLI_COMMAND(tls_list_add) = {
	.name = "add ssl crt-list", .args = "<list> <cert>|<payload>",
	.level = PX_LEVEL_ADMIN, .run = run_add, .dropped = tls_cli_dropped,
	.doc = "one more line for a crt-list or a directory",
};
CLI_COMMAND(tls_list_del) = {
	.name = "del ssl crt-list", .args = "<list> <cert>[:<line>]",
	.level = PX_LEVEL_ADMIN, .run = run_del, .dropped = tls_cli_dropped,
	.doc = "a line of a crt-list or a directory less",
};
CLI_COMMAND(tls_list_show) = {
	.name = "show ssl crt-list", .args = "[-n] [<list>]",
	.level = PX_LEVEL_OPERATOR, .run = run_show,
	.doc = "crt-lists and directories, or the lines of one; -n: with "
	    "their numbers",
};
CLI_COMMAND(tls_sni) = {
	.name = "show ssl sni", .args = "[-f <frontend>]",
	.level = PX_LEVEL_OPERATOR, .run = run_sni,
	.doc = "names and the certificates that clients get for them",
};

#endif

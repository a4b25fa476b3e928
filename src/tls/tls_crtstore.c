/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_crtstore - sections of certificates: each is loaded from files that are
 * named one by one, and known by a name of its own, "@store/name".
 *
 * Source: configuration manual 12.7.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <string.h>

#include <base/must.h>

struct crt_store {
	struct crt_store *next;
	const char *name;               /* "": the one without */
	const char *crt_base, *key_base;
	struct diag_pos pos;
};

static struct crt_store *stores;
static const struct px_model *of_model;         /* which these belong to */

static struct crt_store *
find(struct span name)
{
	struct crt_store *s = of_model == px_model ? stores : NULL;

	while (s != NULL && !span_is(name, s->name))
		s = s->next;
	return (s);
}

static void *
begin_store(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	struct span name = SPAN("");
	struct crt_store *s;

	if (w != NULL && (!conf_want_name(l, "the name of the store", &name) ||
	    !conf_end(l)))
		return (NULL);
	if ((s = find(name)) != NULL && name.n > 0) {
		conf_err(l, w, "crt-store '%s' has the name of the one "
		    "declared at %s:%d", name.p, s->pos.file, s->pos.line);
		return (NULL);
	}
	if (s != NULL)
		return (s);             /* that without a name goes on */
	s = arena_zget(px_model->arena, sizeof *s);
	s->name = arena_dup(px_model->arena, name);
	s->pos = conf_pos(l, w);
	s->next = of_model == px_model ? stores : NULL;
	stores = s;
	of_model = px_model;
	return (s);
}

static bool
parse_base(struct conf_line *l, void *obj)
{
	struct crt_store *s = obj;
	struct span dir;

	if (!conf_want(l, "a directory", &dir))
		return (false);
	*(l->kw->name[0] == 'c' ? &s->crt_base : &s->key_base) =
	    arena_dup(px_model->arena, dir);
	return (conf_end(l));
}

/* ---- load ---- */

/* A load line while it is read. */
struct load {
	struct crt_store *store;
	struct cert_files files;
	struct span crt, alias;         /* as written */
};

static const char *
base_of(const struct load *ld, bool key)
{
	const char *own = key ? ld->store->key_base : ld->store->crt_base;

	return (own != NULL ? own : key ? tls_global()->key_base :
	    tls_global()->crt_base);
}

static bool
parse_file(struct conf_line *l, void *obj)
{
	const char *word = l->kw->name;
	struct load *ld = obj;
	struct span s;
	const char **to = strcmp(word, "crt") == 0 ? &ld->files.crt :
	    strcmp(word, "key") == 0 ? &ld->files.key :
	    strcmp(word, "ocsp") == 0 ? &ld->files.ocsp :
	    strcmp(word, "issuer") == 0 ? &ld->files.issuer :
	    &ld->files.sctl;

	if (!conf_want(l, "a file", &s))
		return (false);
	*to = tls_path(l, base_of(ld, to == &ld->files.key), s);
	if (to == &ld->files.crt)
		ld->crt = s;
	return (true);
}

static bool
parse_alias(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct load *ld = obj;

	if (!conf_want(l, "a name", &ld->alias))
		return (false);
	return ((ld->alias.n > 0 && span_find(ld->alias, '/') < 0) ||
	    conf_err(l, w, "'alias' : expected a name without '/', got '%s'",
	    ld->alias.p));
}

static bool
parse_update(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)obj;
	if (!conf_want(l, "'on' or 'off'", &s))
		return (false);
	if (span_is(s, "off"))
		return (true);
	return (conf_err(l, w, span_is(s, "on") ? "'ocsp-update on' is not "
	    "supported yet: answers of OCSP come from files, or by 'set ssl "
	    "ocsp-response'" : "'ocsp-update' : expected 'on' or 'off'"));
}

static const char *
name_of(const struct load *ld)
{
	const char *store = ld->store->name;

	if (ld->alias.n > 0)
		return (arena_printf(px_model->arena, "@%s/%s", store,
		    ld->alias.p));
	/* That of no store is known by its path. */
	return (store[0] == '\0' ? ld->files.crt :
	    arena_printf(px_model->arena, "@%s/%s", store, ld->crt.p));
}

static bool
parse_load(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct load ld = { .store = obj };

	if (!kw_words(l, KW_CRT_LOAD, &ld))
		return (false);
	if (ld.files.crt == NULL)
		return (conf_err(l, w, "'load' : expected 'crt <file>'"));
	ld.files.name = name_of(&ld);
	return (cert_load_files(l, w, &ld.files));
}

/* ---- rows ---- */

SECTION(crt_store) = {
	.name = "crt-store", .in = KW_CRT_STORE, .begin = begin_store,
	.args = "[<name>]",
	.doc = "Certificates whose files have names that do not follow from "
	    "each other. A line `crt` or a crt-list that comes later calls "
	    "one `@<name>/<alias>`, or `@<name>/<file>` when it has no alias; "
	    "in the store without a name, `@/<alias>` or its path.",
};
KEYWORD(crt_store_base) = {
	.name = "crt-base", .in = KW_CRT_STORE, .args = "<directory>",
	.parse = parse_base,
	.doc = "Where certificates of the store are that have no absolute "
	    "path, instead of what the global section says.",
	.example = "crt-base /etc/ssl/certs",
};
KEYWORD(crt_store_key_base) = {
	.name = "key-base", .in = KW_CRT_STORE, .args = "<directory>",
	.parse = parse_base,
	.doc = "The same for private keys.",
	.example = "key-base /etc/ssl/private",
};
KEYWORD(crt_store_load) = {
	.name = "load", .in = KW_CRT_STORE, .args = "crt <file> [<word>...]",
	.parse = parse_load,
	.doc = "A certificate, from these files and no others.",
};

#define WORD(ident, word, words, fn, text)                                   \
	KEYWORD(crt_load_##ident) = {                                        \
		.name = word, .in = KW_CRT_LOAD, .args = words, .parse = fn, \
		.doc = text,                                                 \
	}
WORD(crt, "crt", "<file>", parse_file,
    "The certificate, those of who issued it, and perhaps the private key.");
WORD(key, "key", "<file>", parse_file,
    "The private key, also if there is one in the certificate's file.");
WORD(ocsp, "ocsp", "<file>", parse_file, "An answer of OCSP, as DER.");
WORD(issuer, "issuer", "<file>", parse_file,
    "Who issued the certificate, where its file does not say: for OCSP.");
WORD(sctl, "sctl", "<file>", parse_file,
    "A list of signed certificate timestamps.");
WORD(alias, "alias", "<name>", parse_alias, "What it is called.");
WORD(update, "ocsp-update", "off", parse_update,
    "`off`: answers of OCSP are not asked for. That is so for all, as `on` is "
    "not supported yet.");

#endif

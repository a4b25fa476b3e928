/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr_kw - finds the rows of fetches, converters and log variables by name,
 * and lists them for -dK.
 */
#include "expr_int.h"

#include <stdlib.h>

#include <base/must.h>

#define ROWS(section, type)                                                  \
	extern const type *const __start_##section[]                         \
	    __attribute__((weak));                                           \
	extern const type *const __stop_##section[] __attribute__((weak))

ROWS(kw_fetch, struct smp_fetch);
ROWS(kw_conv, struct smp_conv);
ROWS(kw_logvar, struct logvar);

/* Pointers to rows sorted by name; every kind of row begins with it. */
struct index {
	const char *const **row;
	size_t n;
};

static struct index fetches, convs, logvars;

static int
by_name(const void *a, const void *b)
{
	return (strcmp(**(const char *const *const *)a,
	    **(const char *const *const *)b));
}

static void
index_build(struct index *ix, const void *start, const void *stop)
{
	size_t n = (size_t)((const char *)stop - (const char *)start) /
	    sizeof(void *);

	if (ix->row != NULL)
		return;
	ix->row = must_alloc((n + 1) * sizeof *ix->row);
	if (n != 0)
		memcpy(ix->row, start, n * sizeof *ix->row);
	ix->n = n;
	qsort(ix->row, n, sizeof *ix->row, by_name);
	for (size_t i = 1; i < n; i++)
		MUST(strcmp(*ix->row[i - 1], *ix->row[i]) != 0);
}

static const void *
index_find(const struct index *ix, struct span name)
{
	size_t lo = 0, hi = ix->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = span_cmp(span_str(*ix->row[mid]), name);

		if (c == 0)
			return (ix->row[mid]);
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (NULL);
}

static void
index_all(void)
{
	index_build(&fetches, __start_kw_fetch, __stop_kw_fetch);
	index_build(&convs, __start_kw_conv, __stop_kw_conv);
	index_build(&logvars, __start_kw_logvar, __stop_kw_logvar);
}

_Static_assert(offsetof(struct smp_fetch, name) == 0 &&
    offsetof(struct smp_conv, name) == 0 &&
    offsetof(struct logvar, name) == 0, "rows begin with their name");

const struct smp_fetch *
expr_fetch_find(struct span name)
{
	index_all();
	return (index_find(&fetches, name));
}

const struct smp_conv *
expr_conv_find(struct span name)
{
	index_all();
	return (index_find(&convs, name));
}

const struct logvar *
expr_logvar_find(struct span name)
{
	index_all();
	return (index_find(&logvars, name));
}

bool
expr_unknown(struct conf_line *l, const struct conf_word *w, const char *kind,
    struct span name)
{
	bool conv = strcmp(kind, "cnv") == 0;
	const struct index *ix = conv ? &convs : &fetches;
	const char *what = conv ? "converter" : "fetch method";
	const char *text = NULL, *status, *near;
	const char **names;

	index_all();
	status = kw_compat != NULL ? kw_compat(kind, name, &text) : NULL;
	if (status != NULL) {
		conf_err(l, w, "%s '%.*s' is not supported yet", what,
		    SPAN_FMT(name));
		if (text != NULL)
			conf_err_hint(l, "%s", text);
		return (false);
	}
	conf_err(l, w, "unknown %s '%.*s'", what, SPAN_FMT(name));
	names = must_alloc((ix->n + 1) * sizeof *names);
	for (size_t i = 0; i < ix->n; i++)
		names[i] = *ix->row[i];
	if ((near = kw_nearest(name, names, ix->n)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	free(names);
	return (false);
}

/* ---- -dK ---- */

static const char *
dump_type(unsigned type)
{
	static const char *const t[] = { "any", "bool", "sint", "addr", "ipv4",
	    "ipv6", "str", "bin", "meth" };

	return (type < NELEM(t) ? t[type] : "none");
}

static void
dump_args(struct text *out, const char *grammar)
{
	if (*grammar != '\0')
		text_printf(out, "(%s)", grammar);
}

static void
dump_fetches(struct text *out)
{
	index_all();
	for (size_t i = 0; i < fetches.n; i++) {
		const struct smp_fetch *f = (const void *)fetches.row[i];

		text_addz(out, f->name);
		dump_args(out, f->args);
		text_printf(out, ": %s\n", dump_type(f->out));
	}
}

static void
dump_convs(struct text *out)
{
	index_all();
	for (size_t i = 0; i < convs.n; i++) {
		const struct smp_conv *c = (const void *)convs.row[i];

		text_addz(out, c->name);
		dump_args(out, c->args);
		text_printf(out, ": %s => %s\n", dump_type(c->in),
		    dump_type(c->out));
	}
}

static void
dump_acls(struct text *out)
{
	static const char *const suffix[] = { "_beg", "_dir", "_dom", "_end",
	    "_len", "_reg", "_sub" };

	index_all();
	for (size_t i = 0; i < fetches.n; i++) {
		const struct smp_fetch *f = (const void *)fetches.row[i];

		if (f->acl == SMP_ACL_TYPED)
			continue;
		text_printf(out, "%s = %s -m str\n", f->name, f->name);
		for (size_t k = 0; f->acl == SMP_ACL_ALL && k < NELEM(suffix);
		    k++)
			text_printf(out, "%s%s = %s -m %s\n", f->name,
			    suffix[k], f->name, suffix[k] + 1);
	}
}

KW_DUMPER(smp, "smp", dump_fetches);
KW_DUMPER(cnv, "cnv", dump_convs);
KW_DUMPER(acl, "acl", dump_acls);

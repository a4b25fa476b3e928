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

/* The places where a fetch means something, a column each. */
static const struct {
	unsigned at;
	const char *what;
} columns[] = {
	{ SMP_AT(CONN), "frontend tcp-request connection rule" },
	{ SMP_AT(SESS), "frontend tcp-request session rule" },
	{ SMP_AT(CONTENT), "frontend tcp-request content rule" },
	{ SMP_AT(REQ), "frontend http-request header rule" },
	{ SMP_AT(REQ_BODY), "frontend http-request body rule" },
	{ SMP_AT(CHOOSE), "frontend use-backend rule" },
	{ SMP_AT(BE_CONTENT), "backend tcp-request content rule" },
	{ SMP_AT(BE_REQ), "backend http-request header rule" },
	{ SMP_AT(BE_REQ_BODY), "backend http-request body rule" },
	{ SMP_AT(SERVER), "backend use-server, balance or stick-match rule" },
	{ SMP_AT(SOURCE), "server source selection" },
	{ SMP_AT(RES_CONTENT), "backend tcp-response content rule" },
	{ SMP_AT(RES), "backend http-response header rule" },
	{ SMP_AT(RES), "backend http-response body rule" },
	{ SMP_AT(RES), "backend stick-store rule" },
	{ SMP_AT(RES_CONTENT), "frontend tcp-response content rule" },
	{ SMP_AT(RES), "frontend http-response header rule" },
	{ SMP_AT(RES), "frontend http-response body rule" },
	{ SMP_AT(LOG), "logs" },
	{ SMP_AT(CHECK), "backend tcp-check rule" },
	{ SMP_AT(PARSER), "configuration parser" },
	{ SMP_AT(CLI), "CLI parser" },
};

static void
dump_legend(struct text *out)
{
	size_t n = NELEM(columns);

	for (size_t i = 0; i < n; i++) {
		text_printf(out, "#%*s", (int)(n - i), "");
		for (size_t k = 0; k < i; k++)
			text_addz(out, "/ ");
		text_addz(out, "_.");
		for (size_t k = i; k < n; k++)
			text_addc(out, '-');
		text_printf(out, " %s\n", columns[i].what);
	}
	text_addz(out, "#");
	for (size_t i = 0; i < n; i++)
		text_addz(out, " |");
	text_addc(out, '\n');
}

static void
dump_fetches(struct text *out)
{
	index_all();
	dump_legend(out);
	for (size_t i = 0; i < fetches.n; i++) {
		const struct smp_fetch *f = (const void *)fetches.row[i];

		if (f->acl_only)
			continue;
		text_addc(out, '[');
		for (size_t k = 0; k < NELEM(columns); k++)
			text_addz(out, (f->stages & columns[k].at) != 0 ?
			    " Y" : " .");
		text_printf(out, " ] %s", f->name);
		expr_args_print(out, f->args);
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
		expr_args_print(out, c->args);
		text_printf(out, ": %s => %s\n", dump_type(c->in),
		    dump_type(c->out));
	}
}

static void
dump_acls(struct text *out)
{
	static const char *const suffix[] = { "beg", "dir", "dom", "end",
	    "len", "reg", "sub" };
	const char *of;

	index_all();
	for (size_t i = 0; i < fetches.n; i++) {
		const struct smp_fetch *f = (const void *)fetches.row[i];

		if (f->acl == SMP_ACL_TYPED)
			continue;
		of = f->acl_fetch != NULL ? f->acl_fetch : f->name;
		text_printf(out, "%s = %s -m %s\n", f->name, of,
		    f->out == SMP_INT ? "int" : f->out == SMP_BIN ? "bin" :
		    "str");
		for (size_t k = 0; f->acl == SMP_ACL_ALL && k < NELEM(suffix);
		    k++)
			text_printf(out, "%s_%s = %s -m %s\n", f->name,
			    suffix[k], of, suffix[k]);
	}
}

KW_DUMPER(smp, "smp", dump_fetches);
KW_DUMPER(cnv, "cnv", dump_convs);
KW_DUMPER(acl, "acl", dump_acls);

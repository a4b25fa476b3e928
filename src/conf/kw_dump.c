/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kw_dump - the keyword listings of -dK.
 */
#include "conf_int.h"

#include <stdlib.h>

#include <base/must.h>

extern const struct kw *const __start_kw_conf[] __attribute__((weak));
extern const struct kw *const __stop_kw_conf[] __attribute__((weak));
extern const struct kw_section *const __start_kw_sections[]
    __attribute__((weak));
extern const struct kw_section *const __stop_kw_sections[]
    __attribute__((weak));
extern const struct kw_dumper *const __start_kw_dumpers[]
    __attribute__((weak));
extern const struct kw_dumper *const __stop_kw_dumpers[]
    __attribute__((weak));

static int
by_name(const void *a, const void *b)
{
	const struct kw *ka = *(const struct kw *const *)a;
	const struct kw *kb = *(const struct kw *const *)b;

	return (strcmp(ka->name, kb->name));
}

/* All rows that are to be seen, sorted; freed by the caller. */
static const struct kw **
sorted_rows(size_t *n)
{
	size_t all = (size_t)(__stop_kw_conf - __start_kw_conf);
	const struct kw **v = must_alloc((all + 1) * sizeof *v);

	*n = 0;
	for (size_t i = 0; i < all; i++)
		if ((__start_kw_conf[i]->flags & KW_HIDDEN) == 0)
			v[(*n)++] = __start_kw_conf[i];
	qsort(v, *n, sizeof *v, by_name);
	return (v);
}

/* "[ FE BE HTTP ]" behind the options. */
static void
put_sides(struct text *out, const struct kw *k)
{
	if (strncmp(k->name, "option ", 7) != 0)
		return;
	text_printf(out, " [ %s%s%s]",
	    (k->in & KW_FRONTEND) != 0 ? "FE " : "",
	    (k->in & KW_BACKEND) != 0 ? "BE " : "",
	    (k->flags & KW_HTTP) != 0 ? "HTTP " : "");
}

/* "+1" when an argument follows. */
static void
put_word(struct text *out, const struct kw *k, const char *before,
    const char *no)
{
	bool arg = k->args != NULL && k->args[0] != '\0' && no[0] == '\0';

	text_printf(out, "\t%s%s%s%s\n", before, no, k->name,
	    arg ? " +1" : "");
}

static void
dump_rows(struct text *out, unsigned in, const char *before)
{
	size_t n;
	const struct kw **v = sorted_rows(&n);

	for (size_t i = 0; i < n; i++) {
		if ((v[i]->in & in) == 0)
			continue;
		if (before != NULL) {
			put_word(out, v[i], before, "");
			if ((v[i]->flags & KW_NO) != 0)
				put_word(out, v[i], before, "no-");
			continue;
		}
		text_printf(out, "\t%s", v[i]->name);
		put_sides(out, v[i]);
		text_addc(out, '\n');
	}
	free(v);
}

static bool dump_class(struct span cls, struct text *out);

/* The groups of HAProxy's listing; actions come from a room above. */
static void
dump_cfg(struct text *out)
{
	const struct kw_section *const *s;

	text_addz(out, "global\n");
	dump_rows(out, KW_GLOBAL, NULL);
	text_addz(out, "listen\n");
	dump_rows(out, KW_BIND, "bind <addr> ");
	dump_rows(out, KW_SERVER, "server <name> <addr> ");
	dump_rows(out, KW_PROXY, NULL);
	dump_class(SPAN("act"), out);
	text_addz(out, "userlist\n");
	dump_rows(out, KW_USERLIST, NULL);
	text_addz(out, "http-errors\n");
	dump_rows(out, KW_HTTP_ERRORS, NULL);
	text_addz(out, "log-profile\n");
	dump_rows(out, KW_LOG_PROFILE, NULL);
	text_addz(out, "crt-list\n");
	dump_rows(out, KW_CRT_LIST, NULL);
	text_addz(out, "crt-store\n");
	dump_rows(out, KW_CRT_LOAD, "load ");
	dump_rows(out, KW_CRT_STORE, NULL);
	text_addz(out, "mailers\n");
	dump_rows(out, KW_MAILERS, NULL);
	text_addz(out, "peers\n");
	dump_rows(out, KW_PEERS, NULL);
	text_addz(out, "resolvers\n");
	dump_rows(out, KW_RESOLVERS, NULL);
	text_addz(out, "sections\n");
	for (s = __start_kw_sections; s < __stop_kw_sections; s++)
		text_printf(out, "\t%s\n", (*s)->name);
}

/* ---- classes ---- */

static const struct { const char *cls, *what, *head; } classes[] = {
	{ "acl", "ACL keywords", "ACL keywords" },
	{ "cfg", "configuration keywords", "configuration keywords" },
	{ "cli", "CLI keywords", "CLI keywords" },
	{ "cnv", "sample converter keywords", "sample converter functions" },
	{ "flt", "filter names", "filter names" },
	{ "smp", "sample fetch functions", "sample fetch functions" },
	{ "svc", "service names", "service names" },
};

static void
dump_help(struct text *out)
{
	text_addz(out, "# List of supported keyword classes:\n"
	    "all: list all keywords\n");
	for (size_t i = 0; i < NELEM(classes); i++)
		text_printf(out, "%s: %s\n", classes[i].cls,
		    classes[i].what);
}

/* What the dumpers of the class print; false when there is none. */
static bool
dump_class(struct span cls, struct text *out)
{
	const struct kw_dumper *const *d;
	bool found = false;

	for (d = __start_kw_dumpers; d < __stop_kw_dumpers; d++) {
		if (!span_is(cls, (*d)->cls))
			continue;
		(*d)->dump(out);
		found = true;
	}
	return (found);
}

static bool
dump_listed(struct span cls, struct text *out)
{
	for (size_t i = 0; i < NELEM(classes); i++) {
		if (!span_is(cls, classes[i].cls))
			continue;
		text_printf(out, "# List of registered %s:\n",
		    classes[i].head);
		if (span_is(cls, "cfg"))
			dump_cfg(out);
		dump_class(cls, out);
		return (true);
	}
	return (dump_class(cls, out));
}

bool
kw_dump(struct span list, struct text *out)
{
	struct span cls;
	bool good = true;

	while (span_cut(&list, ',', &cls)) {
		if (cls.n == 0)
			continue;
		if (span_is(cls, "help"))
			dump_help(out);
		else if (span_is(cls, "all"))
			for (size_t i = 0; i < NELEM(classes); i++)
				dump_listed(span_str(classes[i].cls), out);
		else if (!dump_listed(cls, out)) {
			text_printf(out, "ignoring unknown keyword class "
			    "'%.*s'\n", SPAN_FMT(cls));
			good = false;
		}
	}
	return (good);
}

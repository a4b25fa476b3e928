/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference - write the configuration reference from the keyword rows.
 *
 * Linked with every room of the program, it walks the same rows as the parser
 * and prints Markdown; `make doc` puts it into doc/reference.md.  So a keyword
 * is in the manual exactly when the parser takes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cnt/cnt.h>
#include <conf/kw.h>
#include <expr/expr.h>
#include <lb/lb.h>
#include <rule/rule.h>

/* Rows of one kind between the linker's symbols; weak, as there may be none. */
#define ROWS(type, section)                                             \
	extern const struct type *const __start_##section[]             \
	    __attribute__((weak));                                      \
	extern const struct type *const __stop_##section[]              \
	    __attribute__((weak))

ROWS(kw_section, kw_sections);
ROWS(kw, kw_conf);
ROWS(smp_fetch, kw_fetch);
ROWS(smp_conv, kw_conv);
ROWS(rule_action, kw_action);
ROWS(lb_algo, kw_balance);
ROWS(logvar, kw_logvar);

#define COUNT(section) ((size_t)(__stop_##section - __start_##section))

/* Every row begins with its name, so all kinds sort alike. */
struct named {
	const char *name;
};

static int
by_name(const void *a, const void *b)
{
	const struct named *const *x = a, *const *y = b;

	return (strcmp((*x)->name, (*y)->name));
}

/* sorted - a copy of `n` pointers to rows, in order of their names. */
static const void **
sorted(const void *rows, size_t n)
{
	const void **out = calloc(n + 1, sizeof *out);

	if (out == NULL)
		abort();
	if (n > 0) {
		memcpy(out, rows, n * sizeof *out);
		qsort(out, n, sizeof *out, by_name);
	}
	return (out);
}

static void
title(const char *text, const char *intro)
{
	printf("\n## %s\n\n%s\n", text, intro);
}

static void
head(const char *name, const char *args)
{
	printf("\n### `%s%s%s`\n\n", name, *args != '\0' ? " " : "", args);
}

/* head_call - the same for what is written name(arguments). */
static void
head_call(const char *name, const char *args)
{
	if (*args == '\0')
		printf("\n### `%s`\n\n", name);
	else
		printf("\n### `%s(…)`\n\nArguments: `%s`\n\n", name, args);
}

static void
body(const char *doc, const char *example)
{
	if (doc != NULL && *doc != '\0')
		printf("%s\n", doc);
	if (example != NULL && *example != '\0')
		printf("\n    %s\n", example);
}

static const char *
text_of(const char *s)
{
	return (s != NULL ? s : "");
}

static void
sections(void)
{
	const void **rows = sorted(__start_kw_sections, COUNT(kw_sections));
	const struct kw_section *s;

	title("Sections", "What a file is made of.");
	for (size_t i = 0; (s = rows[i]) != NULL; i++) {
		head(s->name, text_of(s->args));
		body(s->doc, NULL);
	}
	free(rows);
}

static void
places(unsigned in)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ KW_GLOBAL, "global" }, { KW_DEFAULTS, "defaults" },
		{ KW_FRONTEND, "frontend" }, { KW_BACKEND, "backend" },
		{ KW_USERLIST, "userlist" },
		{ KW_HTTP_ERRORS, "http-errors" },
		{ KW_BIND, "bind line" }, { KW_SERVER, "server line" },
	};
	const char *comma = "";

	printf("In: ");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!(in & names[i].bit))
			continue;
		printf("%s%s", comma, names[i].name);
		comma = ", ";
	}
}

/* Directives of the given places; a row is printed under the first that has
 * it, so one that is allowed in several stands once. */
static void
directives(const char *name, const char *intro, unsigned in, unsigned not_in)
{
	const void **rows = sorted(__start_kw_conf, COUNT(kw_conf));
	const struct kw *k;

	title(name, intro);
	for (size_t i = 0; (k = rows[i]) != NULL; i++) {
		if (!(k->in & in) || (k->in & not_in) || k->flags & KW_HIDDEN)
			continue;
		head(k->name, text_of(k->args));
		places(k->in);
		printf("%s%s\n\n", k->flags & KW_NO ? "; may be negated with "
		    "`no`" : "", k->flags & KW_HTTP ? "; `mode http` only" :
		    "");
		body(k->doc, k->example);
	}
	free(rows);
}

static void
algorithms(void)
{
	const void **rows = sorted(__start_kw_balance, COUNT(kw_balance));
	const struct lb_algo *a;

	title("Balance algorithms", "For `balance`, in a backend.");
	for (size_t i = 0; (a = rows[i]) != NULL; i++) {
		head(a->name, text_of(a->args));
		body(a->doc, NULL);
	}
	free(rows);
}

static void
rule_sets(uint32_t sets)
{
	static const char *const names[RULE_N] = {
		"tcp-request connection", "tcp-request session",
		"tcp-request content", "tcp-response content", "http-request",
		"http-response", "http-after-response"
	};
	const char *comma = "";

	printf("After: ");
	for (size_t i = 0; i < RULE_N; i++) {
		if (!(sets & (1u << i)))
			continue;
		printf("%s`%s`", comma, names[i]);
		comma = ", ";
	}
	printf("\n\n");
}

static void
actions(void)
{
	const void **rows = sorted(__start_kw_action, COUNT(kw_action));
	const struct rule_action *a;

	title("Actions", "What a rule does; a condition, `if …` or `unless …`, "
	    "may follow each.");
	for (size_t i = 0; (a = rows[i]) != NULL; i++) {
		head(a->name, text_of(a->args));
		rule_sets(a->sets);
		body(a->doc, a->example);
	}
	free(rows);
}

static const char *
type_name(unsigned type)
{
	static const char *const names[] = {
		"any", "boolean", "integer", "address", "IPv4", "IPv6",
		"string", "binary", "method", "none"
	};

	return (type < sizeof names / sizeof names[0] ? names[type] : "?");
}

static void
fetches(void)
{
	const void **rows = sorted(__start_kw_fetch, COUNT(kw_fetch));
	const struct smp_fetch *f;

	title("Sample fetches", "Values of a stream, for conditions and for "
	    "`%[…]` in formats.");
	for (size_t i = 0; (f = rows[i]) != NULL; i++) {
		head_call(f->name, text_of(f->args));
		printf("Gives: %s\n\n", type_name(f->out));
		body(f->doc, f->example);
	}
	free(rows);
}

static void
converters(void)
{
	const void **rows = sorted(__start_kw_conv, COUNT(kw_conv));
	const struct smp_conv *c;

	title("Converters", "Appended to a fetch with a comma.");
	for (size_t i = 0; (c = rows[i]) != NULL; i++) {
		head_call(c->name, text_of(c->args));
		printf("Takes: %s. Gives: %s\n\n", type_name(c->in),
		    type_name(c->out));
		body(c->doc, NULL);
		if (c->example[0] != NULL)
			printf("\n`%s` gives `%s`\n", c->example[0],
			    text_of(c->example[1]));
	}
	free(rows);
}

static void
log_variables(void)
{
	const void **rows = sorted(__start_kw_logvar, COUNT(kw_logvar));
	const struct logvar *v;

	title("Log variables", "In `log-format`, written `%name`.\n\n"
	    "| variable | meaning |\n| --- | --- |");
	for (size_t i = 0; (v = rows[i]) != NULL; i++)
		printf("| `%%%s` | %s%s |\n", v->name, text_of(v->doc),
		    v->http_only ? " (`mode http`)" : "");
	free(rows);
}

static void
counters(void)
{
	static const char *const kinds[CNT_KIND_N] = {
		"frontend", "backend", "server", "listener", "process"
	};

	title("Counters", "What is counted, per object; a reload does not "
	    "reset them.\n\n| of | counter | meaning |\n| --- | --- | --- |");
	for (size_t kind = 0; kind < CNT_KIND_N; kind++)
		for (size_t i = 0; i < cnt_n_rows[kind]; i++)
			printf("| %s | `%s` | %s |\n", kinds[kind],
			    cnt_rows[kind][i].name, cnt_rows[kind][i].help);
}

int
main(void)
{
	printf("# Configuration reference\n\n"
	    "Written by `make doc` from the tables that the parser itself "
	    "uses; please edit those.\nThe words, and what they mean, are "
	    "those of HAProxy's configuration manual.\n");
	sections();
	directives("Process", "In `global`.", KW_GLOBAL,
	    KW_PROXY | KW_BIND | KW_SERVER);
	directives("Proxies", "In `defaults`, `frontend`, `backend` and "
	    "`listen`, which may have all that a frontend and a backend may.",
	    KW_PROXY, 0);
	directives("Bind options", "After the addresses of a `bind` line.",
	    KW_BIND, KW_PROXY);
	directives("Server options", "After the address of a `server` line, "
	    "and on `default-server`.", KW_SERVER, KW_PROXY | KW_BIND);
	directives("User lists and error pages", "In `userlist` and "
	    "`http-errors`.", KW_USERLIST | KW_HTTP_ERRORS,
	    KW_PROXY | KW_GLOBAL);
	algorithms();
	actions();
	fetches();
	converters();
	log_variables();
	counters();
	return (ferror(stdout) || fflush(stdout) != 0);
}

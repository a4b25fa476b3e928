/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference - write the configuration reference from the keyword rows.
 *
 * Linked with every room of the program, it walks the same rows as the parser
 * and prints Markdown; `make doc` puts it into doc/configuration.md. So a
 * keyword is in the manual exactly when the parser takes it.
 *
 *   reference            the reference
 *   reference examples   the examples, for scripts/check-examples: a line
 *                        "kind<TAB>where<TAB>name<TAB>example" each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <cli/cli.h>
#include <cnt/cnt.h>
#include <conf/kw.h>
#include <conf/level.h>
#include <expr/expr.h>
#include <filt/filt.h>
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
ROWS(filt_kind, kw_filter);
ROWS(lb_algo, kw_balance);
ROWS(logvar, kw_logvar);
ROWS(cli_command, kw_cli);

#define COUNT(section) ((size_t)(__stop_##section - __start_##section))

#define KW_LINE (KW_BIND | KW_SERVER)

/* ---- rows in order ---- */

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

/* A copy of `n` pointers to rows, in order of their names. */
static const void **
sorted(const void *rows, size_t n)
{
	const void **out = must_alloc((n + 1) * sizeof *out);

	if (n > 0)
		memcpy(out, rows, n * sizeof *out);
	qsort(out, n, sizeof *out, by_name);
	out[n] = NULL;
	return (out);
}

/* ---- Markdown ---- */

static const char *
text_of(const char *s)
{
	return (s != NULL ? s : "");
}

static void
title(const char *text, const char *intro)
{
	printf("\n## %s\n\n%s\n", text, intro);
}

/* The name as a heading, the line as it is written below it. */
static void
head(const char *name, const char *args)
{
	args = text_of(args);
	printf("\n### %s\n\n    %s%s%s\n\n", name, name,
	    *args != '\0' ? " " : "", args);
}

static void
body(const char *doc, const char *example)
{
	if (*text_of(doc) != '\0')
		printf("%s\n", doc);
	if (*text_of(example) != '\0')
		printf("\nExample:\n\n    %s\n", example);
}

/* A cell of a table: a bar would end it, an angle be taken for HTML unless it
 * is code. */
static void
cell(const char *s, bool code)
{
	for (; *s != '\0'; s++) {
		if (*s == '`')
			code = !code;
		if (*s == '|' || (*s == '<' && !code))
			putchar('\\');
		putchar(*s);
	}
}

/* The names at a glance, at the head of a long chapter. */
static void
overview(const void **rows)
{
	const struct named *r;

	for (size_t i = 0; (r = rows[i]) != NULL; i++)
		printf("%s`%s`", i == 0 ? "\n" : ",\n", r->name);
	printf("\n");
}

/* "`a`, `b`" for the bits of a set. */
struct bit {
	uint32_t bits;
	const char *name;
};

static void
names(const char *before, uint32_t set, const struct bit *bits, size_t n)
{
	const char *comma = before;

	for (size_t i = 0; i < n; i++) {
		if (!(set & bits[i].bits))
			continue;
		printf("%s`%s`", comma, bits[i].name);
		comma = ", ";
	}
}

/* ---- directives ---- */

static void
sections(void)
{
	const void **rows = sorted(__start_kw_sections, COUNT(kw_sections));
	const struct kw_section *s;

	title("Sections", "What a file is made of. A section begins with its "
	    "keyword at the start of a line and goes\non to the next one; "
	    "sections may come in any order, but `defaults` counts for what "
	    "follows it.");
	for (size_t i = 0; (s = rows[i]) != NULL; i++) {
		head(s->name, s->args);
		body(s->doc, NULL);
	}
	free(rows);
}

static const struct bit places[] = {
	{ KW_GLOBAL, "global" }, { KW_DEFAULTS, "defaults" },
	{ KW_FRONTEND, "frontend" }, { KW_BACKEND, "backend" },
	{ KW_FRONTEND | KW_BACKEND, "listen" },
	{ KW_USERLIST, "userlist" }, { KW_HTTP_ERRORS, "http-errors" },
	{ KW_RESOLVERS, "resolvers" }, { KW_PEERS, "peers" },
	{ KW_CRT_STORE, "crt-store" }, { KW_CRT_LOAD, "load" },
	{ KW_LOG_PROFILE, "log-profile" },
};

static void
where(const struct kw *k)
{
	bool in_line = (k->in & KW_LINE) != 0;

	if (!in_line)
		names("In ", k->in, places, NELEM(places));
	if (k->flags & KW_NO)
		printf("%s", in_line ? "May be undone by `no-` before it" :
		    "; may be undone by `no` before it");
	if (k->flags & KW_HTTP)
		printf("; only in `mode http`");
	if (!in_line || k->flags & KW_NO)
		printf(".\n\n");
	if (k->in & KW_CRT_LIST)
		printf("Also in brackets on a line of a `crt-list`.\n\n");
}

/* Rows for these places, none of the others. */
static const void **
kw_rows(unsigned in, unsigned not_in)
{
	const void **rows = sorted(__start_kw_conf, COUNT(kw_conf));
	size_t n = 0;

	for (size_t i = 0; rows[i] != NULL; i++) {
		const struct kw *k = rows[i];

		if ((k->in & in) && !(k->in & not_in) &&
		    !(k->flags & KW_HIDDEN))
			rows[n++] = k;
	}
	rows[n] = NULL;
	return (rows);
}

static void
directives(const char *name, const char *intro, unsigned in, unsigned not_in)
{
	const void **rows = kw_rows(in, not_in);
	const struct kw *k;

	title(name, intro);
	overview(rows);
	for (size_t i = 0; (k = rows[i]) != NULL; i++) {
		head(k->name, k->args);
		where(k);
		body(k->doc, k->example);
	}
	free(rows);
}

static void
algorithms(void)
{
	const void **rows = sorted(__start_kw_balance, COUNT(kw_balance));
	const struct lb_algo *a;

	title("Balance algorithms", "What may stand after `balance`.");
	for (size_t i = 0; (a = rows[i]) != NULL; i++) {
		head(a->name, a->args);
		body(a->doc, NULL);
	}
	free(rows);
}

/* ---- rules ---- */

static const struct bit rule_sets[RULE_N] = {
	{ 1u << RULE_TCP_CONN, "tcp-request connection" },
	{ 1u << RULE_TCP_SESS, "tcp-request session" },
	{ 1u << RULE_TCP_REQ, "tcp-request content" },
	{ 1u << RULE_TCP_RES, "tcp-response content" },
	{ 1u << RULE_HTTP_REQ, "http-request" },
	{ 1u << RULE_HTTP_RES, "http-response" },
	{ 1u << RULE_HTTP_AFTER, "http-after-response" },
};

static void
actions(void)
{
	const void **rows = sorted(__start_kw_action, COUNT(kw_action));
	const struct rule_action *a;

	title("Actions", "What a rule does. A condition, `if …` or "
	    "`unless …`, may follow each.");
	overview(rows);
	for (size_t i = 0; (a = rows[i]) != NULL; i++) {
		head(a->name, a->args);
		names("After ", a->sets, rule_sets, NELEM(rule_sets));
		printf(".\n\n");
		body(a->doc, a->example);
	}
	free(rows);
}

static void
filters(void)
{
	const void **rows = sorted(__start_kw_filter, COUNT(kw_filter));
	const struct filt_kind *k;

	title("Filters", "The kinds of `filter` lines. Streams have them at "
	    "work when a rule says so.");
	overview(rows);
	for (size_t i = 0; (k = rows[i]) != NULL; i++) {
		head(k->name, k->args);
		body(k->doc, k->example);
	}
	free(rows);
}

static void
methods(void)
{
	const char *name, *doc;

	title("Conditions", "A condition is made of named ACLs and of tests "
	    "in braces, `{ path_beg /api }`. Tests that\nstand beside each "
	    "other must all be true; `or` (or `||`) separates alternatives, "
	    "`!` negates.\n\n"
	    "    acl <name> <fetch>[,<converter>…] [<flag>…] [--] "
	    "[<pattern>…]\n    … if <name> !<name> or { <fetch> … }\n\n"
	    "Flags: `-i` ignores case, `-f <file>` takes patterns from the "
	    "lines of a file, `-m <method>`\nsays how to compare, `-n` "
	    "forbids to look names up, `--` ends the flags. Methods:\n\n"
	    "| `-m` | true when |\n| --- | --- |");
	for (size_t i = 0; acl_method(i, &name, &doc); i++) {
		printf("| `%s` | ", name);
		cell(doc, false);
		printf(" |\n");
	}
	printf("\nWithout `-m`, the type decides (`bool`, `int`, `ip`), text "
	    "is compared whole (`str`), and a name\nlike `path_beg` stands "
	    "for `path -m beg`. These ACLs are there without being "
	    "declared:\n\n| ACL | is |\n| --- | --- |\n");
	for (size_t i = 0; acl_predefined(i, &name, &doc); i++) {
		printf("| `%s` | `", name);
		cell(doc, true);
		printf("` |\n");
	}
}

/* ---- samples ---- */

/* "name" or "name(arguments)" and the lines about types. */
static void
call(const char *name, const char *args)
{
	args = text_of(args);
	if (*args == '\0')
		printf("\n### %s\n\n", name);
	else
		printf("\n### %s\n\n    %s(<%s>)\n\n", name, name, args);
}

static const struct bit stages[] = {
	{ SMP_AT(CONN) | SMP_AT(SESS), "connection" },
	{ SMP_AT(CONTENT), "tcp content" },
	{ SMP_AT(REQ), "request" }, { SMP_AT(RES), "response" },
	{ SMP_AT(LOG), "log" },
};

static void
fetches(void)
{
	const void **rows = sorted(__start_kw_fetch, COUNT(kw_fetch));
	const struct smp_fetch *f;

	title("Sample fetches", "Values, for conditions and for `%[…]` in "
	    "formats. Arguments are given as `type name`, with `=`\nand what "
	    "is taken without it, and with the range of numbers.");
	overview(rows);
	for (size_t i = 0; (f = rows[i]) != NULL; i++) {
		call(f->name, f->args);
		printf("Gives %s", smp_type_name(f->out));
		if (f->constant || f->stages == SMP_ANYWHERE)
			printf(", anywhere");
		else
			names("; known in ", f->stages, stages,
			    NELEM(stages));
		printf(".\n\n");
		body(f->doc, f->example);
		if (f->acl == SMP_ACL_ALL)
			printf("\nIn conditions also as `%s_beg`, `_dir`, "
			    "`_dom`, `_end`, `_len`, `_reg` and `_sub`.\n",
			    f->name);
	}
	free(rows);
}

static void
converters(void)
{
	const void **rows = sorted(__start_kw_conv, COUNT(kw_conv));
	const struct smp_conv *c;

	title("Converters", "Appended to a fetch, or to another converter, "
	    "with a comma.");
	overview(rows);
	for (size_t i = 0; (c = rows[i]) != NULL; i++) {
		call(c->name, c->args);
		printf("Takes %s, gives %s.\n\n", smp_type_name(c->in),
		    smp_type_name(c->out));
		body(c->doc, NULL);
		if (c->example[0] != NULL)
			printf("\nExample: `%s` gives `%s`\n", c->example[0],
			    text_of(c->example[1]));
	}
	free(rows);
}

static void
log_variables(void)
{
	const void **rows = sorted(__start_kw_logvar, COUNT(kw_logvar));
	const struct logvar *v;

	title("Log variables", "In formats, written `%name`; `%{+Q}name` "
	    "quotes, `%{+X}name` writes numbers and addresses\nin hexadecimal,"
	    " `%{+E}name` escapes `\"`, `\\` and `]`. `%[…]` takes a sample "
	    "expression, `%%` is a percent\nsign. Those marked are for `mode "
	    "http` only.\n\n| variable | | meaning |\n| --- | --- | --- |");
	for (size_t i = 0; (v = rows[i]) != NULL; i++) {
		printf("| `%%%s` | %s | ", v->name, v->http_only ? "http" : "");
		cell(text_of(v->doc), false);
		printf(" |\n");
	}
	free(rows);
}

/* ---- the runtime API and what it shows ---- */

static void
commands(void)
{
	static const char *const levels[] = { "", "user", "operator",
		"admin" };
	const void **rows = sorted(__start_kw_cli, COUNT(kw_cli));
	const struct cli_command *k;

	title("Runtime commands", "Given on a `stats socket`, or after `@1` "
	    "on the master socket. How to talk to them, and the\nmaster's own "
	    "commands, are in ecluse-runtime(7).\n\n"
	    "| command | level | does |\n| --- | --- | --- |");
	for (size_t i = 0; (k = rows[i]) != NULL; i++) {
		if (k->hidden)
			continue;
		printf("| `%s%s", k->name, *text_of(k->args) ? " " : "");
		cell(text_of(k->args), true);
		printf("` | %s | ", levels[k->level]);
		cell(text_of(k->doc), false);
		printf(" |\n");
	}
	free(rows);
}

static void
row2(const char *name, const char *doc)
{
	printf("| `%s` | ", name);
	cell(doc, false);
	printf(" |\n");
}

static void
statistics(void)
{
	title("Columns of `show stat`", "In this order; new ones are added at "
	    "the end.\n\n| column | meaning |\n| --- | --- |");
#define COL(name, tags, type, help) row2(#name, help);
#include "../src/stat/stat_px.def"
#undef COL
	title("Lines of `show info`", "| name | meaning |\n| --- | --- |");
#define INFO(id, name, tags, type, help) row2(name, help);
#include "../src/stat/stat_info.def"
#undef INFO
}

static void
counters(void)
{
	static const char *const kinds[CNT_KIND_N] = {
		"frontend", "backend", "server", "listener", "process"
	};

	title("Counters", "What is counted, per object, and never goes "
	    "backwards: neither a reload nor a crashed worker\nresets them. "
	    "`show stat` and `show info` are made of these.\n\n"
	    "| of | counter | meaning |\n| --- | --- | --- |");
	for (size_t kind = 0; kind < CNT_KIND_N; kind++)
		for (size_t i = 0; i < cnt_n_rows[kind]; i++) {
			printf("| %s | `%s` | ", kinds[kind],
			    cnt_rows[kind][i].name);
			cell(cnt_rows[kind][i].help, false);
			printf(" |\n");
		}
}

/* ---- the whole ---- */

static void
preface(void)
{
	printf("<!-- Made by `make doc` from the tables of the parser; edit "
	    "those. -->\n\n# Configuration reference\n\n"
	    "Every word that the program takes, from the tables that its "
	    "parser uses. The words, and what\nthey mean, are those of "
	    "HAProxy's configuration language, level %s; what of it is not "
	    "here is in\n[compatibility.md](compatibility.md). How a file is "
	    "written (quoting, variables, conditional\nblocks, units) is in "
	    "ecluse.cfg(5).\n\n", CONF_LEVEL_BRANCH);
	printf("In the lines that show how a directive is written, `<x>` is a "
	    "value, `[x]` may be left out,\n`a|b` is a choice, and `...` or "
	    "`*` means that what stands before it may be repeated.\n\n"
	    "[Sections](#sections) ·\n[Process](#process) ·\n"
	    "[Proxies](#proxies) ·\n[Bind options](#bind-options) ·\n"
	    "[Server options](#server-options) ·\n"
	    "[User lists and error pages](#user-lists-and-error-pages) ·\n"
	    "[Balance algorithms](#balance-algorithms) ·\n"
	    "[Actions](#actions) ·\n[Conditions](#conditions) ·\n"
	    "[Sample fetches](#sample-fetches) ·\n"
	    "[Converters](#converters) ·\n[Log variables](#log-variables) ·\n"
	    "[Runtime commands](#runtime-commands) ·\n"
	    "[Statistics](#columns-of-show-stat) ·\n"
	    "[Counters](#counters)\n");
}

static void
reference(void)
{
	preface();
	sections();
	directives("Process", "In `global`.", KW_GLOBAL,
	    KW_PROXY | KW_BIND | KW_SERVER);
	directives("Proxies", "In `defaults`, `frontend`, `backend` and "
	    "`listen`, which may have all that a frontend and a\nbackend may. "
	    "Rules in `defaults` need a section with a name, which proxies "
	    "take by `from`.",
	    KW_PROXY, 0);
	directives("Bind options", "After the addresses of a `bind` line; "
	    "most of them, and `level`, also on a `stats socket` line.",
	    KW_BIND, KW_PROXY);
	directives("Server options", "After the address of a `server` line, "
	    "and on `default-server`, whose words count for the `server`\n"
	    "lines after it.", KW_SERVER, KW_PROXY | KW_BIND);
	directives("User lists and error pages", "In `userlist` and "
	    "`http-errors`.", KW_USERLIST | KW_HTTP_ERRORS,
	    KW_PROXY | KW_GLOBAL);
	directives("Name servers", "In `resolvers`.", KW_RESOLVERS,
	    KW_PROXY | KW_GLOBAL);
	directives("Mailers", "In `mailers`.", KW_MAILERS, KW_PROXY | KW_GLOBAL);
	directives("Peers", "In `peers`.", KW_PEERS, KW_PROXY | KW_GLOBAL);
	directives("Stores of certificates", "In `crt-store`.", KW_CRT_STORE,
	    0);
	directives("Words of load lines", "In `load` lines of `crt-store`.",
	    KW_CRT_LOAD, 0);
	directives("Log profiles", "In `log-profile`.", KW_LOG_PROFILE,
	    KW_PROXY | KW_GLOBAL);
	algorithms();
	actions();
	filters();
	methods();
	fetches();
	converters();
	log_variables();
	commands();
	statistics();
	counters();
}

/* ---- examples ---- */

static void
example(const char *kind, uint32_t set, const char *name, const char *line)
{
	if (*text_of(line) != '\0')
		printf("%s\t%u\t%s\t%s\n", kind, (unsigned)set, name, line);
}

static void
examples(void)
{
	const void **rows = kw_rows(~0u, 0);

	for (size_t i = 0; rows[i] != NULL; i++) {
		const struct kw *k = rows[i];

		example("kw", k->in, k->name, k->example);
	}
	free(rows);
	for (size_t i = 0; i < COUNT(kw_action); i++)
		example("act", __start_kw_action[i]->sets,
		    __start_kw_action[i]->name,
		    __start_kw_action[i]->example);
	for (size_t i = 0; i < COUNT(kw_fetch); i++)
		example("smp", 0, __start_kw_fetch[i]->name,
		    __start_kw_fetch[i]->example);
	for (size_t i = 0; i < COUNT(kw_conv); i++)
		example("cnv", 0, __start_kw_conv[i]->name,
		    __start_kw_conv[i]->example[0]);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "examples") == 0)
		examples();
	else
		reference();
	return (ferror(stdout) || fflush(stdout) != 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_help - lists the commands, and finds those that a mistyped line may have
 * meant.
 */
#include "cli_int.h"

#include <base/must.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32             /* of a command's name */
#define NAME_WORDS 4            /* in a command's name */
#define NEAR_MAX 6              /* commands that are proposed */

struct candidate {
	const struct cli_command *cmd;
	unsigned far;
};

static int
by_name(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (strcmp(x->cmd->name, y->cmd->name));
}

static int
by_far(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->far != y->far)
		return (x->far < y->far ? -1 : 1);
	return (by_name(a, b));
}

/* The three that end every list. */
static bool
is_last(const struct cli_command *k)
{
	return (strcmp(k->name, "help") == 0 ||
	    strcmp(k->name, "prompt") == 0 || strcmp(k->name, "quit") == 0);
}

static void
put_line(struct text *out, const struct cli_command *k)
{
	char left[80];

	snprintf(left, sizeof left, "%s%s%s", k->name,
	    *k->args != '\0' ? " " : "", k->args);
	text_printf(out, "  %-40s: %s\n", left, k->doc);
}

static void
put_last(struct cli_ctx *x)
{
	static const char *const names[] = { "help", "prompt", "quit" };

	for (size_t i = 0; i < NELEM(names); i++)
		CLI_EACH(p)
			if (strcmp((*p)->name, names[i]) == 0)
				put_line(x->out, *p);
}

static bool
is_listed(const struct cli_ctx *x, const struct cli_command *k)
{
	return (!k->hidden && k->level <= x->level && !is_last(k));
}

static struct candidate *
all_listed(const struct cli_ctx *x, size_t *n)
{
	size_t total = (size_t)(__stop_kw_cli - __start_kw_cli);
	struct candidate *v = must_alloc((total + 1) * sizeof *v);

	*n = 0;
	CLI_EACH(p)
		if (is_listed(x, *p))
			v[(*n)++].cmd = *p;
	return (v);
}

/* All commands, or those that begin with the words of the line. */
static void
put_all(struct cli_ctx *x)
{
	size_t n;
	struct candidate *v = all_listed(x, &n);

	qsort(v, n, sizeof *v, by_name);
	for (size_t i = 0; i < n; i++)
		if (x->n == 0 || cli_matched(x, v[i].cmd->name) > 0)
			put_line(x->out, v[i].cmd);
	put_last(x);
	free(v);
}

/*
 * Edits that make `b` of `a`: a character more, less, another or two swapped.
 * Source: Damerau 1964, the restricted form.
 */
static unsigned
edits(struct span a, struct span b)
{
	unsigned row[3][WORD_MAX + 1], best;

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return (WORD_MAX);
	for (size_t j = 0; j <= b.n; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			best = up[j - 1] + (a.p[i - 1] != b.p[j - 1]);
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] &&
			    row[(i + 1) % 3][j - 2] + 1 < best)
				best = row[(i + 1) % 3][j - 2] + 1;
			now[j] = best;
		}
	}
	return (row[a.n % 3][b.n]);
}

/* How far the words of the line are from the command's name: words that the
 * line does not have cost little, so "set" is near "set server". */
static unsigned
distance(const struct cli_ctx *x, const char *name)
{
	struct span rest = span_str(name), word;
	unsigned far = 0;
	int i = 0;

	while (span_cut(&rest, ' ', &word)) {
		if (i >= x->n)
			far += 1;
		else if (edits(x->arg[i], word) * 2 > word.n)
			far += i == 0 ? 100 : 20;
		else
			far += 4 * edits(x->arg[i], word);
		i++;
	}
	return (far);
}

static void
put_near(struct cli_ctx *x)
{
	size_t n, shown = 0;
	struct candidate *v = all_listed(x, &n);

	for (size_t i = 0; i < n; i++)
		v[i].far = distance(x, v[i].cmd->name);
	qsort(v, n, sizeof *v, by_far);
	/* Several words, one of which fits nothing: all that share the rest. */
	while (shown < n && v[shown].far < 100 &&
	    (shown < NEAR_MAX || v[shown].far < 4 ||
	    v[shown].far / 20 == v[0].far / 20))
		shown++;
	qsort(v, shown, sizeof *v, by_name);
	for (size_t i = 0; i < shown; i++)
		put_line(x->out, v[i].cmd);
	put_last(x);
	free(v);
}

/* A command of HAProxy that is not here: say that instead of guessing. */
static bool
is_missing(struct cli_ctx *x)
{
	const char *status = NULL, *why = NULL;
	struct text name;

	text_init(&name);
	for (int n = x->n < NAME_WORDS ? x->n : NAME_WORDS; n > 0; n--) {
		text_clear(&name);
		for (int i = 0; i < n; i++) {
			if (i > 0)
				text_addc(&name, ' ');
			text_add(&name, x->arg[i]);
		}
		status = kw_compat("cli", text_span(&name), &why);
		if (status != NULL)
			break;
	}
	if (status != NULL)
		cli_say(x, 3, "'%s' is not supported%s%s.", name.p,
		    why == NULL ? " yet" : ": ", why == NULL ? "" : why);
	text_fini(&name);
	return (status != NULL);
}

void
cli_unknown(struct cli_ctx *x)
{
	if (x->n > 0 && kw_compat != NULL && is_missing(x))
		return;
	if (x->n == 0) {
		cli_say(x, 6, "Unknown command. Please enter one of the "
		    "following commands only:");
		put_all(x);
	} else {
		cli_say(x, 6, "Unknown command, but maybe one of the "
		    "following ones is a better match:");
		put_near(x);
	}
}

static enum cli_done
run_help(struct cli_ctx *x)
{
	for (int i = 1; i < x->n; i++)
		x->arg[i - 1] = x->arg[i];
	x->n--;
	text_addz(x->out, "The following commands are valid at this level:\n");
	put_all(x);
	return (CLI_DONE);
}

CLI_COMMAND(help) = {
	.name = "help", .args = "[<command>]", .level = PX_LEVEL_USER,
	.run = run_help, .doc = "list all commands, or those that begin so",
};

/* ---- the listing of -dKcli ---- */

static const char *const master_names[] = {
#define MCLI(name, level, run, doc) name,
#include <ipc/mcli.def>
#undef MCLI
};

static int
by_text(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

static bool
is_in(const char *name, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i], name) == 0)
			return (true);
	return (false);
}

static void
dump(struct text *out)
{
	size_t n_cli = (size_t)(__stop_kw_cli - __start_kw_cli), n;
	const char **v = must_alloc((n_cli + NELEM(master_names)) * sizeof *v);

	n = 0;
	CLI_EACH(p)
		v[n++] = (*p)->name;
	for (size_t i = 0; i < NELEM(master_names); i++)
		if (!is_in(master_names[i], v, n_cli))
			v[n++] = master_names[i];
	qsort(v, n, sizeof *v, by_text);
	for (size_t i = 0; i < n; i++) {
		bool master = is_in(v[i], master_names, NELEM(master_names));
		bool worker = false;

		CLI_EACH(p)
			worker |= strcmp((*p)->name, v[i]) == 0;
		text_printf(out, "%s%s%s\n", v[i], master ? " [MASTER]" : "",
		    worker ? " [WORKER]" : "");
	}
	free(v);
}

KW_DUMPER(cli, "cli", dump);

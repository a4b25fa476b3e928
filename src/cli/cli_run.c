/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_run - finds the command that a line names, checks the level, runs it;
 * and says what there is when nothing fits.
 */
#include "cli_int.h"

#include <base/must.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct cli_command *const __start_kw_cli[];
extern const struct cli_command *const __stop_kw_cli[];

#define EACH(p)                                                              \
	for (const struct cli_command *const *p = __start_kw_cli;            \
	    p < __stop_kw_cli; p++)

/* Words of a line into ctx->arg: blanks separate, quotes and backslashes
 * protect. False when there are too many. */
static bool
split(struct cli_ctx *x, struct arena *a, struct span line)
{
	char *text = arena_dup(a, line), *from = text, *to;

	x->n = 0;
	for (;;) {
		char quote = 0;

		while (*from == ' ' || *from == '\t')
			from++;
		if (*from == '\0')
			return (true);
		if (x->n == CLI_WORDS)
			return (false);
		x->arg[x->n].p = to = from;
		for (; *from != '\0'; from++) {
			if (quote == 0 && (*from == ' ' || *from == '\t'))
				break;
			if (*from == '\\' && quote != '\'' && from[1] != '\0')
				*to++ = *++from;
			else if (quote != 0 && *from == quote)
				quote = 0;
			else if (quote == 0 && (*from == '"' || *from == '\''))
				quote = *from;
			else
				*to++ = *from;
		}
		if (*from != '\0')
			from++;
		x->arg[x->n].n = (size_t)(to - x->arg[x->n].p);
		*to = '\0';
		x->n++;
	}
}

/* How many words of `name` the line begins with; -1 when one differs. */
static int
words_matched(const struct cli_ctx *x, const char *name)
{
	struct span rest = span_str(name), word;
	int n = 0;

	while (span_cut(&rest, ' ', &word)) {
		if (n == x->n)
			return (n);
		if (!span_eq(word, x->arg[n]))
			return (-1);
		n++;
	}
	return (n);
}

static int
word_count(const char *name)
{
	int n = 1;

	for (; *name != '\0'; name++)
		n += *name == ' ';
	return (n);
}

static const struct cli_command *
find(const struct cli_ctx *x)
{
	const struct cli_command *best = NULL;
	int best_n = 0;

	EACH(p) {
		int n = word_count((*p)->name);

		if (n > best_n && words_matched(x, (*p)->name) == n) {
			best = *p;
			best_n = n;
		}
	}
	return (best);
}

static int
by_name(const void *a, const void *b)
{
	const struct cli_command *const *x = a, *const *y = b;

	return (strcmp((*x)->name, (*y)->name));
}

static void
help_line(struct text *out, const struct cli_command *k)
{
	char left[64];
	int n = snprintf(left, sizeof left, "%s%s%s", k->name,
	    *k->args != '\0' ? " " : "", k->args);

	if (n < (int)sizeof left)
		text_printf(out, "  %-38s: %s\n", left, k->doc);
	else
		text_printf(out, "  %s %s : %s\n", k->name, k->args, k->doc);
}

void
cli_help(struct cli_ctx *x, bool unknown)
{
	size_t total = (size_t)(__stop_kw_cli - __start_kw_cli), n = 0;
	const struct cli_command **fit = must_alloc(total * sizeof *fit + 1);

	EACH(p)
		if (!(*p)->hidden && (*p)->level <= x->level &&
		    words_matched(x, (*p)->name) > 0)
			fit[n++] = *p;
	if (n == 0)
		EACH(p)
			if (!(*p)->hidden && (*p)->level <= x->level)
				fit[n++] = *p;
	qsort(fit, n, sizeof *fit, by_name);
	text_addz(x->out, unknown ? "Unknown command: '" : "");
	if (unknown) {
		for (int i = 0; i < x->n; i++) {
			if (i > 0)
				text_addc(x->out, ' ');
			text_quote(x->out, x->arg[i]);
		}
		text_addz(x->out, "'. Known ones that are near, or all:\n");
	} else {
		text_addz(x->out, "The following commands are valid at this "
		    "level:\n");
	}
	for (size_t i = 0; i < n; i++)
		help_line(x->out, fit[i]);
	free(fit);
}

enum cli_done
cli_run(struct cli *c, struct span command, struct span payload)
{
	struct cli_ctx *x = &c->ctx;
	const struct cli_command *k;
	enum cli_done done;

	*x = (struct cli_ctx){ .cli = c, .level = c->level, .out = &c->out };
	if (!split(x, &c->arena, command)) {
		text_printf(&c->out, "Too many words: at most %d.\n",
		    CLI_WORDS);
		return (CLI_DONE);
	}
	if (x->n == 0)
		return (CLI_DONE);
	x->payload = payload.n == 0 ? SPAN_NONE :
	    arena_span(&c->arena, payload);
	if ((k = find(x)) == NULL) {
		cli_help(x, true);
		return (CLI_DONE);
	}
	if (k->level > c->level) {
		text_addz(&c->out, "Permission denied\n");
		return (CLI_DONE);
	}
	x->at = word_count(k->name);
	c->running = k;
	done = k->run(x);
	if (done == CLI_DONE)
		c->running = NULL;
	return (done);
}

/* ---- the session's own commands ---- */

static enum cli_done
run_help(struct cli_ctx *x)
{
	for (int i = 1; i < x->n; i++)
		x->arg[i - 1] = x->arg[i];
	x->n--;
	cli_help(x, false);
	return (CLI_DONE);
}

CLI_COMMAND(help) = {
	.name = "help", .args = "[<command>]", .level = PX_LEVEL_USER,
	.run = run_help, .doc = "list the commands that begin so",
};

static enum cli_done
run_quit(struct cli_ctx *x)
{
	x->cli->quit = true;
	return (CLI_DONE);
}

CLI_COMMAND(quit) = {
	.name = "quit", .args = "", .level = PX_LEVEL_USER,
	.run = run_quit, .doc = "disconnect",
};

static enum cli_done
run_prompt(struct cli_ctx *x)
{
	x->cli->prompt = !x->cli->prompt;
	return (CLI_DONE);
}

CLI_COMMAND(prompt) = {
	.name = "prompt", .args = "", .level = PX_LEVEL_USER,
	.run = run_prompt,
	.doc = "stay connected and show a prompt, or not",
};

void
cli_say(struct cli_ctx *x, int severity, const char *fmt, ...)
{
	static const char *const names[] = { "emerg", "alert", "crit", "err",
		"warning", "notice", "info", "debug" };
	va_list ap;

	if (x->cli->severity_number)
		text_printf(x->out, "[%d]:", severity);
	else if (x->cli->severity_string)
		text_printf(x->out, "[%s]:", names[severity & 7]);
	va_start(ap, fmt);
	text_vprintf(x->out, fmt, ap);
	va_end(ap);
	text_addc(x->out, '\n');
}

struct px *
cli_want_backend(struct cli_ctx *x, struct span name)
{
	struct px *px = px_find(px_model, name, PX_BE);

	if (px == NULL)
		cli_say(x, 3, "No such backend.");
	return (px);
}

struct px_server *
cli_want_server(struct cli_ctx *x, struct span be_srv)
{
	ptrdiff_t slash = span_find(be_srv, '/');
	struct px_server *sv;
	struct px *px;

	if (slash < 0) {
		cli_say(x, 3, "Require 'backend/server'.");
		return (NULL);
	}
	px = px_find(px_model, span_of(be_srv.p, (size_t)slash), PX_BE);
	if (px == NULL) {
		cli_say(x, 3, "No such backend.");
		return (NULL);
	}
	sv = px_server_find(px, span_skip(be_srv, (size_t)slash + 1));
	if (sv == NULL)
		cli_say(x, 3, "No such server.");
	return (sv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_run - finds the command that a line names, checks the level, runs it.
 */
#include "cli_int.h"

#include <base/num.h>
#include <os/fault.h>

#include <string.h>
#include <time.h>

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

int
cli_matched(const struct cli_ctx *x, const char *name)
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

	CLI_EACH(p) {
		int n = word_count((*p)->name);

		if (n > best_n && cli_matched(x, (*p)->name) == n) {
			best = *p;
			best_n = n;
		}
	}
	return (best);
}

enum cli_done
cli_run(struct cli *c, struct span command, struct span payload)
{
	struct cli_ctx *x = &c->ctx;

	*x = (struct cli_ctx){ .cli = c, .level = c->level, .out = &c->out };
	c->running = NULL;
	if (!split(x, &c->arena, command)) {
		cli_say(x, 3, "Too many words: at most %d.", CLI_WORDS);
		return (CLI_DONE);
	}
	x->payload = payload.n == 0 ? SPAN_NONE :
	    arena_span(&c->arena, payload);
	if ((c->running = find(x)) == NULL) {
		cli_unknown(x);
		return (CLI_DONE);
	}
	if (c->running->level > c->level) {
		cli_say(x, 3, "Permission denied");
		return (CLI_DONE);
	}
	x->at = word_count(c->running->name);
	(void)fault_at("cli.run");
	return (c->running->run(x));
}

void *
cli_alloc(struct cli_ctx *x, size_t n)
{
	return (arena_zget(&x->cli->arena, n));
}

bool
cli_is(const struct cli_ctx *x, int i, const char *text)
{
	return (i < x->n && span_eq(x->arg[i], span_str(text)));
}

void
cli_say(struct cli_ctx *x, int severity, const char *fmt, ...)
{
	static const char *const names[] = { "emerg", "alert", "crit", "err",
		"warning", "notice", "info", "debug" };
	va_list ap;

	if (x->cli->severity_number)
		text_printf(x->out, "[%d]: ", severity);
	else if (x->cli->severity_string)
		text_printf(x->out, "[%s]: ", names[severity & 7]);
	va_start(ap, fmt);
	text_vprintf(x->out, fmt, ap);
	va_end(ap);
	text_addc(x->out, '\n');
}

void
cli_put_date(struct text *out, int64_t wall_us, int digits)
{
	time_t s = (time_t)(wall_us / 1000000);
	char date[32];
	struct tm tm;

	localtime_r(&s, &tm);
	strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S", &tm);
	text_printf(out, "[%s.%0*d]", date, digits,
	    (int)(wall_us % 1000000 / (digits == 3 ? 1000 : 1)));
}

/* "#12": the number; 0 when it is a name. */
static uint64_t
number_of(struct span name)
{
	uint64_t n;

	return (name.n > 1 && name.p[0] == '#' &&
	    num_u64(span_skip(name, 1), &n) ? n : 0);
}

static struct px *
find_proxy(struct span name, unsigned kind)
{
	uint64_t id = number_of(name);

	if (id == 0)
		return (px_find(px_model, name, kind));
	PX_EACH(px, px_model)
		if (px->id == id && (px->kind & kind) != 0)
			return (px);
	return (NULL);
}

static struct px_server *
find_server(struct px *px, struct span name)
{
	uint64_t id = number_of(name);

	if (id == 0)
		return (px_server_find(px, name));
	PX_EACH_SERVER(sv, px)
		if (sv->id == id)
			return (sv);
	return (NULL);
}

struct px *
cli_want_backend(struct cli_ctx *x, struct span name)
{
	struct px *px = find_proxy(name, PX_BE);

	if (px == NULL)
		cli_say(x, 3, "No such backend.");
	return (px);
}

struct px *
cli_want_frontend(struct cli_ctx *x, struct span name)
{
	struct px *px = name.n == 0 ? NULL : find_proxy(name, PX_FE);

	if (name.n == 0)
		cli_say(x, 3, "A frontend name is expected.");
	else if (px == NULL)
		cli_say(x, 3, "No such frontend.");
	return (px);
}

struct px_server *
cli_want_server(struct cli_ctx *x, struct span be_srv)
{
	ptrdiff_t slash = span_find(be_srv, '/');
	struct px_server *sv;
	struct px *px;

	if (slash <= 0 || (size_t)slash + 1 == be_srv.n) {
		cli_say(x, 3, "Require 'backend/server'.");
		return (NULL);
	}
	px = cli_want_backend(x, span_of(be_srv.p, (size_t)slash));
	if (px == NULL)
		return (NULL);
	sv = find_server(px, span_skip(be_srv, (size_t)slash + 1));
	if (sv == NULL)
		cli_say(x, 3, "No such server.");
	return (sv);
}

struct span
cli_arg(const struct cli_ctx *x, int i)
{
	return (i < x->n ? x->arg[i] : SPAN(""));
}

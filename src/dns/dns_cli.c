/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_cli - what each name server answered: "show resolvers", and the domain
 * "resolvers" of "show stat".
 *
 * Source: management manual 9.3, "show resolvers", "show stat".
 */
#include "dns_int.h"

#include <base/text.h>
#include <cli/cli.h>

static const struct { const char *word, *title; } counts[DNS_COUNT_N] = {
#define COUNT(name, word, title) [DNS_COUNT_##name] = { word, title },
	DNS_COUNTS(COUNT)
#undef COUNT
};

static unsigned long long
count_of(const struct dns_ns *ns, unsigned i)
{
	return (ns->shm == NULL ? 0 : atomic_load(&ns->shm->n[i]));
}

static void
put_server(struct text *out, const struct dns_ns *ns)
{
	text_printf(out, " nameserver %s:\n", ns->name);
	for (unsigned i = 0; i < DNS_COUNT_N; i++)
		text_printf(out, "  %s:%*s%llu\n", counts[i].title,
		    (int)(12 - strlen(counts[i].title)), "", count_of(ns, i));
}

static enum cli_done
run_show(struct cli_ctx *x)
{
	struct span only = cli_arg(x, x->at);
	bool found = only.n == 0;

	DNS_EACH_SECT(s) {
		if (only.n > 0 && !span_is(only, s->name))
			continue;
		found = true;
		text_printf(x->out, "Resolvers section %s\n", s->name);
		for (const struct dns_ns *ns = s->ns; ns != NULL;
		    ns = ns->next)
			put_server(x->out, ns);
	}
	if (!found)
		cli_say(x, 3, "Can't find that resolvers section");
	return (CLI_DONE);
}

CLI_COMMAND(show_resolvers) = {
	.name = "show resolvers", .args = "[<section>]",
	.level = PX_LEVEL_USER, .run = run_show,
	.doc = "answers of the name servers, counted",
};

static void
put_row(struct text *out, const struct dns_sect *s, const struct dns_ns *ns)
{
	text_printf(out, "%s,%s,", ns->name, s->name);
	for (unsigned i = 0; i < DNS_COUNT_N; i++)
		text_printf(out, "%llu,", count_of(ns, i));
	text_addc(out, '\n');
}

static enum cli_done
run_stat(struct cli_ctx *x)
{
	if (x->at < x->n) {
		cli_say(x, 3, "'show stat domain resolvers' has the plain "
		    "form only.");
		return (CLI_DONE);
	}
	text_addz(x->out, "# id,pid,");
	for (unsigned i = 0; i < DNS_COUNT_N; i++)
		text_printf(x->out, "%s,", counts[i].word);
	text_addc(x->out, '\n');
	DNS_EACH_SECT(s)
		for (const struct dns_ns *ns = s->ns; ns != NULL;
		    ns = ns->next)
			put_row(x->out, s, ns);
	return (CLI_DONE);
}

CLI_COMMAND(show_stat_resolvers) = {
	.name = "show stat domain resolvers", .args = "",
	.level = PX_LEVEL_USER, .run = run_stat, .hidden = true,
	.doc = "the same as a table",
};

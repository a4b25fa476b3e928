/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat - look-up in the census. It is asked of each line's first word if that
 * is a section, and about words that no row knows: a walk through what we do not
 * have of one kind is good enough.
 */
#include <compat/compat.h>

#include <base/must.h>
#include <conf/kw.h>

enum kind { K_section, K_global, K_proxy, K_bind, K_server, K_sub, K_act,
	K_acl, K_smp, K_cnv, K_cli, K_mcli, K_flt, K_svc, K_kinds };
enum status { HAVE, PLANNED, REFUSED };

static const struct row {
	const char *name, *text;
	uint8_t kind, status;
} rows[] = {
#define COMPAT(kind, name, status, text) { name, text, K_##kind, status },
#include "legacy.def"
#include "haproxy.def"
#undef COMPAT
};

static const struct { const char *kind; unsigned mask; } kinds[] = {
	{ "cfg", 1u << K_section | 1u << K_global | 1u << K_proxy },
	{ "section", 1u << K_section },
	{ "bind", 1u << K_bind },
	{ "server", 1u << K_server },
	{ "act", 1u << K_act },
	{ "acl", 1u << K_acl | 1u << K_smp },
	{ "smp", 1u << K_smp },
	{ "cnv", 1u << K_cnv },
	{ "cli", 1u << K_cli },
	{ "mcli", 1u << K_mcli },
	{ "flt", 1u << K_flt },
	{ "svc", 1u << K_svc },
};

/* Rows of a kind, but those we have: an index and one, 0 at the end. */
static uint16_t first[K_kinds], after[NELEM(rows)];

static void
sort_rows(void)
{
	static bool done;

	for (size_t i = NELEM(rows); i-- > 0 && !done;)
		if (rows[i].status != HAVE) {
			after[i] = first[rows[i].kind];
			first[rows[i].kind] = (uint16_t)(i + 1);
		}
	done = true;
}

/* An action is known by its bare name, too; a word of another section or line
 * begins with its name. */
static bool
is_named(const struct row *r, const char *kind, struct span name)
{
	struct span full = span_str(r->name);

	if (r->kind == K_sub && (!span_begins(full, span_str(kind)) ||
	    full.n != strlen(kind) + 1 + name.n))
		return (false);
	if (span_eq(full, name))
		return (true);
	return ((r->kind == K_act || r->kind == K_sub) && full.n > name.n &&
	    span_ends(full, name) && full.p[full.n - name.n - 1] == ' ');
}

const char *
compat_find(const char *kind, struct span name, const char **text)
{
	unsigned mask = 1u << K_sub;

	*text = NULL;
	for (size_t i = 0; i < NELEM(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			mask = kinds[i].mask;
	sort_rows();
	for (unsigned k = 0; k < K_kinds; k++)
		for (unsigned i = (mask >> k & 1) != 0 ? first[k] : 0; i != 0;
		    i = after[i - 1]) {
			const struct row *r = &rows[i - 1];

			if (!is_named(r, kind, name))
				continue;
			*text = r->text;
			return (r->status == REFUSED ? "refused" : "planned");
		}
	return (NULL);
}

void
compat_init(void)
{
	kw_compat = compat_find;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_thread_kw - "thread" of bind lines: which workers accept there.
 *
 * Source: configuration manual 5.1 "thread".
 */
#include "px_int.h"

#include <base/must.h>
#include <base/num.h>
#include <os/proc.h>

#define BITS_WORDS (PX_WORKERS_MAX / 64)

/* "3", "2-4", "2-": numbers of workers, from 1 on. */
static bool
parse_range(struct span s, int *lo, int *hi)
{
	struct span first = s;
	uint64_t a, b;
	ptrdiff_t dash = span_find(s, '-');

	if (dash >= 0)
		first.n = (size_t)dash;
	if (!num_u64(first, &a) || a < 1 || a > PX_WORKERS_MAX)
		return (false);
	b = dash < 0 ? a : PX_WORKERS_MAX;
	s = span_skip(s, first.n + (dash >= 0));
	if (dash >= 0 && s.n != 0 && (!num_u64(s, &b) || b < 1 ||
	    b > PX_WORKERS_MAX))
		return (false);
	*lo = (int)(a < b ? a : b);
	*hi = (int)(a < b ? b : a);
	return (true);
}

static bool
parse_thread(struct conf_line *l, void *obj)
{
	struct px_bind *b = OBJ(obj, struct px_bind, PX_BIND_MAGIC);
	const struct conf_word *w = conf_peek(l);
	uint64_t *set = (uint64_t *)(uintptr_t)b->threads;
	struct span s, group;
	int lo = 1, hi = PX_WORKERS_MAX, step = 1;

	if (!conf_want(l, "'all', 'odd', 'even', a number or a range", &s))
		return (false);
	if (span_find(s, '/') >= 0 && span_cut(&s, '/', &group) &&
	    !span_is(group, "1"))
		return (conf_err(l, w, "'thread' : workers are processes, "
		    "which are one group: expected '1/' or no group in '%s'",
		    w->text.p));
	if (span_is(s, "odd") || span_is(s, "even")) {
		lo = span_is(s, "odd") ? 1 : 2;
		step = 2;
	} else if (!span_is(s, "all") && !parse_range(s, &lo, &hi))
		return (conf_err(l, w, "'thread' : '%.*s' is not a valid "
		    "number/range. It supports numbers from 1 to %d",
		    SPAN_FMT(s), PX_WORKERS_MAX));
	if (set == NULL)
		b->threads = set = arena_zget(l->conf->arena,
		    BITS_WORDS * sizeof *set);
	for (; lo <= hi; lo += step)
		set[(lo - 1) / 64] |= UINT64_C(1) << (lo - 1) % 64;
	return (true);
}

static bool
check_line(struct conf *c, const struct px_bind *b, int workers)
{
	for (int no = 1; no <= workers; no++)
		if (px_bind_is_for(b, no))
			return (true);
	return (conf_fail(c, DIAG_ALERT, b->pos, "'thread' of the bind line "
	    "names none of the %d workers (see 'nbthread')", workers));
}

static bool
check_threads(struct conf *c)
{
	const struct px_global *g = &px_model->global;
	int workers = g->nbthread > 0 ? g->nbthread : proc_cpu_count();
	bool good = true;

	if (g->thread_hard_limit != 0 && workers > g->thread_hard_limit)
		workers = g->thread_hard_limit;
	PX_EACH(px, px_model)
		for (struct px_bind *b = px->binds; b != NULL; b = b->next)
			good &= check_line(c, b, workers);
	return (good);
}
CONF_CHECK(px_threads, 3, check_threads);

KEYWORD(bind_thread) = {
	.name = "thread", .in = KW_BIND, .args = "[1/]all|odd|even|<n>[-[<n>]]",
	.parse = parse_thread,
	.doc = "Which workers accept here, by their numbers from 1 on; said "
	    "again it adds to them. All do without the word.",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr_index - one look-up for many conditions on the same expression.
 */
#include <expr/index.h>

#include "pat_int.h"

#include <base/must.h>

struct expr_index {
	struct pat_index *index;
	struct pat_row *row;            /* id: what it stands for */
};

struct expr_index *
expr_index_new(struct arena *a, const char *match, bool icase,
    const struct span *pattern, const uint32_t *no, size_t n)
{
	struct expr_index *x = arena_zget(a, sizeof *x);
	enum acl_match m = ACL_STR;
	const char *err;

	while (strcmp(acl_match_names[m], match) != 0)
		MUST(++m < ACL_MATCH_N);
	x->index = pat_index_new(m, icase, n);
	x->row = arena_zget(a, (n + 1) * sizeof *x->row);
	for (size_t i = 0; i < n; i++) {
		x->row[i] = (struct pat_row){ .key = pattern[i].p,
		    .key_n = (uint32_t)pattern[i].n, .id = no[i] };
		MUST(pat_index_add(x->index, x->row, (uint32_t)i, &err));
	}
	return (x);
}

bool
expr_index_find(const struct expr_index *x, const struct expr *e,
    struct txn *t, struct expr_hits *h)
{
	struct smp s;
	bool has = expr_eval(e, t, &s);

	h->index = x;
	h->last = EXPR_INDEX_MISS;
	h->n = 0;
	for (;;) {
		if (has && smp_cast(t, &s, SMP_STR)) {
			h->n += pat_index_hits(x->index, x->row, s.str,
			    h->at + h->n, EXPR_HITS - h->n);
			if (h->n > EXPR_HITS)
				return (false);
		}
		if (__builtin_expect(!s.more, 1))
			return (true);
		has = expr_more(e, t, &s);
	}
}

/* The smallest number that one of the texts is at. */
static uint32_t
smallest(const struct expr_hits *h, unsigned *which)
{
	uint32_t best = EXPR_INDEX_MISS;

	for (unsigned i = 0; i < h->n; i++)
		if (h->index->row[h->at[i]].id < best) {
			best = h->index->row[h->at[i]].id;
			*which = i;
		}
	return (best);
}

uint32_t
expr_index_next(struct expr_hits *h)
{
	uint32_t no;
	unsigned i = 0;

	do {
		if ((no = smallest(h, &i)) == EXPR_INDEX_MISS)
			return (no);
		h->at[i] = pat_index_next(h->index->index, h->at[i]);
		if (h->at[i] == PAT_MISS)
			h->at[i] = h->at[--h->n];
	} while (no == h->last);
	h->last = no;
	return (no);
}

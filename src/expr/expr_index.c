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

uint32_t
expr_index_find(const struct expr_index *x, const struct expr *e,
    struct txn *t)
{
	uint32_t best = EXPR_INDEX_MISS, at;
	struct smp s;
	bool has = expr_eval(e, t, &s);
	size_t len;

	for (;;) {
		if (has && smp_cast(t, &s, SMP_STR)) {
			at = pat_index_find(x->index, x->row, &s, true, &len);
			if (at != PAT_MISS && x->row[at].id < best)
				best = x->row[at].id;
		}
		if (__builtin_expect(!s.more, 1))
			return (best);
		has = expr_more(e, t, &s);
	}
}

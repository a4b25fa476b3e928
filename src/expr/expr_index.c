/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr_index - one look-up for many conditions on the same expression.
 */
#include <expr/index.h>

#include "acl_set.h"

struct expr_index {
	bool exact;
	struct acl_hash hash;
	struct acl_prefix prefix;
};

struct expr_index *
expr_index_new(struct arena *a, const char *match, bool icase,
    const struct span *pattern, const uint32_t *no, size_t n)
{
	struct expr_index *x = arena_zget(a, sizeof *x);

	x->exact = strcmp(match, "str") == 0;
	if (x->exact)
		acl_hash_build(&x->hash, a, pattern, no, n, icase);
	else
		acl_prefix_build(&x->prefix, a, pattern, no, n, icase,
		    strcmp(match, "end") == 0);
	return (x);
}

uint32_t
expr_index_find(const struct expr_index *x, const struct expr *e,
    struct txn *t)
{
	uint32_t best = EXPR_INDEX_MISS, no;
	struct smp s;
	bool has = expr_eval(e, t, &s);

	for (;;) {
		if (has && smp_cast(t, &s, SMP_STR)) {
			no = x->exact ? acl_hash_find(&x->hash, s.str) :
			    acl_prefix_find(&x->prefix, s.str);
			if (no < best)
				best = no;
		}
		if (__builtin_expect(!s.more, 1))
			return (best);
		has = expr_more(e, t, &s);
	}
}

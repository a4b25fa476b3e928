/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_INDEX_H
#define EXPR_INDEX_H
/*
 * index - which of many constant patterns the values of an expression match,
 * in one look-up however many there are.
 */
#include <expr/expr.h>

struct expr_index;

#define EXPR_INDEX_MISS UINT32_MAX

/* expr_index_new - match "str", "beg" or "end"; no[i] is what pattern i
 * stands for; never falling. */
struct expr_index *expr_index_new(struct arena *, const char *match,
    bool icase, const struct span *pattern, const uint32_t *no, size_t n);

/*
 * expr_index_find - look the values up; expr_index_next - the numbers whose
 * patterns match one of them, rising, each once; then EXPR_INDEX_MISS.
 *
 * False: more texts match than there is room to remember.
 */
struct expr_hits {
	const struct expr_index *index;
	uint32_t last;                  /* the number given before */
	unsigned n;
#define EXPR_HITS 32
	uint32_t at[EXPR_HITS];         /* the next pattern of each text */
};
bool expr_index_find(const struct expr_index *, const struct expr *,
    struct txn *, struct expr_hits *);
uint32_t expr_index_next(struct expr_hits *);
#endif

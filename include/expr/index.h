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

/* expr_index_find - the smallest number whose pattern matches one of the
 * values, or EXPR_INDEX_MISS. */
uint32_t expr_index_find(const struct expr_index *, const struct expr *,
    struct txn *);
#endif

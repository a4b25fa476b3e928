/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_SELECTOR_INT_H
#define ING_SELECTOR_INT_H
/*
 * ing_selector_int - which labels an object must have, in the words that
 * `kubectl -l` takes: "a=b", "a!=b", "a in (b,c)", "a notin (b,c)", "a", "!a",
 * all of them with commas between.
 * Source: kubernetes.io/docs/concepts/overview/working-with-objects/labels.
 */
#include <base/arena.h>
#include <ingress/model.h>

struct ing_selector;

/* ing_selector_parse - in `mem`; NULL with *why: the column, what was expected
 * there and what was found. */
struct ing_selector *ing_selector_parse(struct arena *, struct span,
    char **why);

/* ing_selector_has - do these labels (struct ing_pair, sorted) fit? */
bool ing_selector_has(const struct ing_selector *, const struct ing_vec *);
#endif

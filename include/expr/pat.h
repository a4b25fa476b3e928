/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_PAT_H
#define EXPR_PAT_H
/*
 * pat - maps and pattern files that rules change while the program runs.
 *
 * A change is seen at once by the worker that makes it, and by the others as
 * soon as the agent told them.
 */
#include <expr/expr.h>

struct pat_target;

/* pat_target - the file of "set-map(FILE)"; it is what some ACL or map reads,
 * looked up when the whole configuration is known. */
struct pat_target *pat_target(struct conf_line *, const struct conf_word *,
    struct span file, bool map);

/* pat_target_put - that key has that value from now on (an ACL: the key is
 * there). False when the map's users cannot read it. */
bool pat_target_put(const struct pat_target *, struct span key,
    struct span val);

/* pat_target_drop - that key is no more. */
void pat_target_drop(const struct pat_target *, struct span key);
#endif

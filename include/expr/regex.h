/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_REGEX_H
#define EXPR_REGEX_H
/*
 * regex - regular expressions, by PCRE2 with its compiler to machine code.
 */
#include <stdbool.h>
#include <stddef.h>

#include <base/diag.h>
#include <base/span.h>

struct smp_regex;

#define SMP_REGEX_GROUPS 10             /* \0 to \9 */

/* smp_regex_new - compile; NULL with *err. Most live as long as the
 * program. */
struct smp_regex *smp_regex_new(struct span text, bool icase,
    const char **err);
void smp_regex_free(struct smp_regex *);

/*
 * smp_regex_gave_up - an expression hit the limit, `times` since it last said
 * so, which it does once a second; `pos` is the line of the configuration
 * where it stands. Set by room log; NULL: nobody wants to know.
 */
extern void (*smp_regex_gave_up)(const struct diag_pos *pos, struct span text,
    size_t subject_bytes, unsigned times);

/* smp_regex_has - `s` matches somewhere; does not allocate. How much is tried
 * has a limit: beyond it nothing matches. */
bool smp_regex_has(const struct smp_regex *, struct span s);

/* smp_regex_groups - the same, filling the groups that took part; the others
 * have p NULL. */
bool smp_regex_groups(const struct smp_regex *, struct span s,
    struct span group[SMP_REGEX_GROUPS]);

/* smp_regex_groups_at - the same at `from` or behind it; what is before is
 * still seen by '^' and '\b'. */
bool smp_regex_groups_at(const struct smp_regex *, struct span s, size_t from,
    struct span group[SMP_REGEX_GROUPS]);

/*
 * smp_regex_expand - the replacement with \0 to \9 and \xHH put in, at `dst`;
 * returns its length, or SIZE_MAX when it does not fit.
 */
size_t smp_regex_expand(struct span replacement,
    const struct span group[SMP_REGEX_GROUPS], char *dst, size_t size);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_OPT_INT_H
#define ING_OPT_INT_H
/*
 * ing_opt_int - the tables of option rows, one per family and file.
 */
#include <ingress/annot.h>

extern const struct ing_opt ing_opt_route[];    /* paths, rewriting, https */
extern const struct ing_opt ing_opt_canary[];   /* a second backend */
extern const struct ing_opt ing_opt_proxy[];    /* how to speak to servers */
extern const struct ing_opt ing_opt_global[];   /* the ConfigMap alone */

/* ing_parse_list - cut at commas and blanks; each one must pass `is`, or the
 * list is refused as not what was `expected`. */
bool ing_parse_list(struct ing_parse *, struct span, struct ing_strs *,
    bool (*is)(struct span), const char *expected);
#endif

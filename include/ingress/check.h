/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_CHECK_H
#define INGRESS_CHECK_H
/*
 * check - what becomes of each Ingress and annotation, before anybody moves;
 * and the same knowledge as a page of the manual.
 */
#include <ingress/options.h>
#include <ingress/store.h>

/* Exit codes of `check`, the worst of all. */
enum ing_verdict {
	ING_CHECK_SAME,         /* all is as with ingress-nginx */
	ING_CHECK_DIFFERS,      /* served, with a difference that is named */
	ING_CHECK_UNSUPPORTED   /* something is left out, or answers 503 */
};

/* ing_check - a line for each annotation of each Ingress, and for each problem
 * of the plan, into `out`. */
enum ing_verdict ing_check(struct ing_store *, const struct ing_options *,
    struct text *out);

/* ing_check_page - doc/ingress/annotations.md. */
void ing_check_page(struct text *out);
#endif

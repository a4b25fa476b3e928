/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_CASE_H
#define H1_CASE_H
/*
 * h1_case - header names for peers that only know one spelling of them.
 *
 * Names leave in lower case; where a proxy has such peers, those that the
 * configuration lists are spelled as it says, in the bytes that were written.
 */
#include <stddef.h>

/* h1_case_head - a message head at `p`, of `n` bytes or more behind it: the
 * fields up to its empty line. h1_case_fields - field lines alone. */
void h1_case_head(char *p, size_t n);
void h1_case_fields(char *p, size_t n);
#endif

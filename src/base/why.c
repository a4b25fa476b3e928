/* SPDX-License-Identifier: Apache-2.0 */
/*
 * why - the rows of why.def.
 */
#include <base/why.h>

const struct why_row why_rows[WHY_N] = {
#define WHY(name, cause, status, text) { #name, text, status, cause },
#include <base/why.def>
#undef WHY
};

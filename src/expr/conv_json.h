/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_CONV_JSON_H
#define EXPR_CONV_JSON_H
/*
 * conv_json - one value out of a JSON text.
 */
#include "conv_int.h"

struct json_path;

/* conv_json_path - compile "$.a.b[0]"; lives as long as the process. NULL
 * with *err. */
struct json_path *conv_json_path(struct span text, const char **err);

/* conv_json_check - the two arguments (path, "int") of a query. */
bool conv_json_check(struct arg *, const char **err);

/*
 * conv_json_get - the value at the path of these arguments becomes the
 * sample, of its own type. One pass, without recursion; what is behind the
 * value is not looked at, so a text that was cut may do.
 *
 * Returns false when there is none, or it is null or an object.
 */
bool conv_json_get(struct txn *, const struct arg *, struct span doc,
    struct smp *);
#endif

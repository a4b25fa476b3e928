/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_HASH_H
#define AUTH_HASH_H
/*
 * auth_hash - hashes of passwords that crypt(3) does not make.
 */
#include <base/span.h>

#define AUTH_HASH_MAX 64

/* expr_auth_hash - `pass` as `hash` is made, NUL-terminated; false when it is
 * of none of these forms. */
bool expr_auth_hash(struct span pass, struct span hash,
    char out[AUTH_HASH_MAX]);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_CONV_JWT_H
#define EXPR_CONV_JWT_H
/*
 * conv_jwt - the compact form of JSON Web Tokens, for those who verify and for
 * those who decrypt.
 */
#include "conv_int.h"

#define JWT_PARTS 5             /* of an encrypted one; signed ones have 3 */

/* conv_jwt_split - the parts between the dots; 0: too many. */
size_t conv_jwt_split(struct span token, struct span part[JWT_PARTS]);

/* conv_jwt_decode - base64url without padding, into the arena. */
bool conv_jwt_decode(struct txn *, struct span in, struct span *out);
#endif

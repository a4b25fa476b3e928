/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_CONV_SECRET_H
#define EXPR_CONV_SECRET_H
/*
 * conv_secret - arguments that are a text or the name of a variable, and
 * those which are base64 besides.
 */
#include "conv_int.h"

#include <base/b64.h>

/* conv_text_check - a variable when it is named like one, else a text as it
 * is. conv_text_arg - its bytes now; false when the variable is not set. */
void conv_text_check(struct arg *);
bool conv_text_arg(const struct arg *, struct txn *, struct span *out);

/* conv_b64_check - the same; a text is decoded now, false when it cannot;
 * conv_b64_check_loose - its padding may be missing. conv_b64_arg - the decoded
 * bytes; those of a variable are read as `kind`. */
bool conv_b64_check(struct arg *, const char **err);
bool conv_b64_check_loose(struct arg *, const char **err);
bool conv_b64_arg(const struct arg *, struct txn *, enum b64_kind kind,
    struct span *out);

/* conv_var_check - the name of a variable. */
bool conv_var_check(struct arg *, const char **err);

#ifdef USE_OPENSSL
#include <openssl/types.h>

/* conv_hmac_make - an authentication code (RFC 2104), of EVP_MAX_MD_SIZE bytes
 * at most. */
bool conv_hmac_make(const EVP_MD *, struct span key, struct span text,
    unsigned char *out, size_t *n);
#endif
#endif

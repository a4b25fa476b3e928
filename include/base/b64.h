/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_B64_H
#define BASE_B64_H
/*
 * b64 - base64 and base64url.
 *
 * Reading is strict: no other byte than those of the alphabet, the padding
 * that belongs there, and nothing else. Source: RFC 4648 sections 4 and 5.
 */
#include <stdbool.h>

#include <base/span.h>

enum b64_kind {
	B64_STD,                /* '+' and '/', padded with '=' */
	B64_LOOSE,              /* the same; read without the padding, too */
	B64_URL                 /* '-' and '_'; without padding when written,
	                         * with or without it when read */
};

/* What the other form of `n` bytes needs at most. */
#define B64_ENCODED(n)  (((n) + 2) / 3 * 4)
#define B64_DECODED(n)  ((n) / 4 * 3 + 3)

/* b64_put - write `in`; returns how many bytes, B64_ENCODED() at most. */
size_t b64_put(char *dst, struct span in, enum b64_kind);

/*
 * b64_get - read `in` to `dst`, of B64_DECODED(in.n) bytes; it may be where
 * `in` is. Returns false when `in` is malformed.
 */
bool b64_get(char *dst, size_t *n, struct span in, enum b64_kind);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HASH_H
#define BASE_HASH_H
/*
 * hash - the 32-bit hashes that configurations name. Their values are visible
 * from outside (which server a key leads to), so they never change; for tables
 * of our own use span_hash().
 */
#include <stdint.h>

#include <base/span.h>

/* hash_sdbm - of the sdbm library: h * 65599 + byte. */
uint32_t hash_sdbm(struct span);

/* hash_djb2 - Bernstein's: h * 33 + byte, from 5381. */
uint32_t hash_djb2(struct span);

/* hash_crc32 - of Ethernet, gzip and PNG. */
uint32_t hash_crc32(struct span);

/* hash_crc32c - that of iSCSI and SCTP (RFC 9260 appendix A). */
uint32_t hash_crc32c(struct span);

/* hash_avalanche - each bit of `x` changes half of the bits of the result;
 * no two numbers have the same. */
uint32_t hash_avalanche(uint32_t x);

/* hash_xxh64 - XXH64 with seed 0. */
uint64_t hash_xxh64(struct span);
#endif

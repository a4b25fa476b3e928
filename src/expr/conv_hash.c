/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_hash - hashes which are no secrets: keys of tables, statistics,
 * shards.
 *
 * Source: configuration manual 7.3.1.
 */
#include "conv_int.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <base/hash.h>

#define HASH_32(ident, ex, res, text)                                        \
static bool                                                                  \
conv_##ident(struct txn *t, const struct arg *arg, struct smp *s)            \
{                                                                            \
	uint32_t h = hash_##ident(s->str);                                   \
                                                                             \
	(void)t;                                                             \
	return (conv_give_num(s, arg[0].num != 0 ? hash_avalanche(h) : h));  \
}                                                                            \
CONV_ROW(ident, #ident, "int avalanche=0", SMP_BIN, SMP_INT, conv_##ident,   \
    ex, res, text)

HASH_32(crc32, "str(hello world),crc32", "222957957", "The CRC of Ethernet, "
    "gzip and PNG. As all hashes here, it keeps nothing secret: a text with "
    "the same one is easily made. With <avalanche>, each bit of the input "
    "changes half of the result's.");
HASH_32(crc32c, "str(hello world),crc32c", "3381945770",
    "The CRC of iSCSI and SCTP; <avalanche> as for crc32().");
HASH_32(djb2, "str(hello world),djb2", "894552257",
    "Bernstein's hash, which balancing knows, too; <avalanche> as for "
    "crc32().");
HASH_32(sdbm, "str(hello world),sdbm", "430867652",
    "The hash of the sdbm library, which balancing uses by default; "
    "<avalanche> as for crc32().");

static bool
conv_xxh32(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (conv_give_num(s, XXH32(s->str.p, s->str.n,
	    (XXH32_hash_t)arg[0].num)));
}

static bool
conv_xxh64(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (conv_give_num(s, (int64_t)XXH64(s->str.p, s->str.n,
	    (XXH64_hash_t)arg[0].num)));
}

static bool
conv_xxh3(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	return (conv_give_num(s, (int64_t)XXH3_64bits_withSeed(
	    s->str.n == 0 ? "" : s->str.p, s->str.n,
	    (XXH64_hash_t)arg[0].num)));
}

CONV_ROW(xxh32, "xxh32", "int seed=0", SMP_BIN, SMP_INT, conv_xxh32,
    "str(hello world),xxh32", "3468387874",
    "XXH32 with a seed: fast, and even.");
CONV_ROW(xxh64, "xxh64", "int seed=0", SMP_BIN, SMP_INT, conv_xxh64,
    "str(hello world),xxh64", "5020219685658847592",
    "XXH64 with a seed, as a number with a sign.");
CONV_ROW(xxh3, "xxh3", "int seed=0", SMP_BIN, SMP_INT, conv_xxh3,
    "str(hello world),xxh3", "-3150353794653054837",
    "XXH3 of 64 bits with a seed, as a number with a sign: the fastest.");

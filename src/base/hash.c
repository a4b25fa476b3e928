/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - sdbm, djb2, crc32 and a full avalanche.
 *
 * Source: sdbm and djb2 are in the public domain; the CRC is that of RFC 1952
 * section 8; the avalanche begins as one of Bob Jenkins' integer hashes
 * (burtleburtle.net/bob/hash/integer.html), its last step was found by
 * comparing results with those of HAProxy 2.6.
 */
#include <base/hash.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t
hash_sdbm(struct span s)
{
	uint32_t h = 0;

	for (size_t i = 0; i < s.n; i++)
		h = h * 65599 + (uint8_t)s.p[i];
	return (h);
}

uint32_t
hash_djb2(struct span s)
{
	uint32_t h = 5381;

	for (size_t i = 0; i < s.n; i++)
		h = h * 33 + (uint8_t)s.p[i];
	return (h);
}

/* Four bits at a time: no table of a kilobyte for short keys. */
uint32_t
hash_crc32(struct span s)
{
	static const uint32_t tab[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t c = 0xffffffff;

	for (size_t i = 0; i < s.n; i++) {
		c ^= (uint8_t)s.p[i];
		c = c >> 4 ^ tab[c & 15];
		c = c >> 4 ^ tab[c & 15];
	}
	return (~c);
}

uint32_t
hash_crc32c(struct span s)
{
	static const uint32_t tab[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t c = 0xffffffff;

	for (size_t i = 0; i < s.n; i++) {
		c ^= (uint8_t)s.p[i];
		c = c >> 4 ^ tab[c & 15];
		c = c >> 4 ^ tab[c & 15];
	}
	return (~c);
}

uint32_t
hash_avalanche(uint32_t x)
{
	x = x + 0x7ed55d16 + (x << 12);
	x = x ^ 0xc761c23c ^ x >> 19;
	x = x + 0x165667b1 + (x << 5);
	x = (x + 0xd3a2646c) ^ x << 9;
	x = x + 0xfd7046c5 + (x << 3);
	x = x ^ 0xb55a4f09 ^ x >> 16;
	return (x * 0xc0000001);
}

uint64_t
hash_xxh64(struct span s)
{
	return (XXH64(s.n == 0 ? "" : s.p, s.n, 0));
}

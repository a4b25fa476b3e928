/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that say where they belong: a body is a walk through a table of noise
 * whose length is a prime, from a place that its seed gives, so that a byte
 * lost, doubled or from another connection shows at once.  A tunnel carries
 * frames of 64 bytes: their number, then such noise.
 */
#include "torture.h"

#define PERIOD 65521
#define STRETCH 65536           /* what can be compared in one go */

static char noise[PERIOD + STRETCH];

void
bytes_init(void)
{
	uint32_t x = 2463534242u;
	int i;

	for (i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		noise[i] = (char)(x >> 11);
	}
	for (i = 0; i < STRETCH; i++)
		noise[PERIOD + i] = noise[i % PERIOD];
}

static const char *
place(uint32_t seed, uint64_t at)
{
	return (noise + (seed * 7919ull + at) % PERIOD);
}

void
bytes_fill(uint32_t seed, uint64_t at, char *p, size_t n)
{
	size_t k;

	for (; n > 0; n -= k, p += k, at += k) {
		k = n < STRETCH ? n : STRETCH;
		memcpy(p, place(seed, at), k);
	}
}

bool
bytes_right(uint32_t seed, uint64_t at, const char *p, size_t n)
{
	size_t k;

	for (; n > 0; n -= k, p += k, at += k) {
		k = n < STRETCH ? n : STRETCH;
		if (memcmp(p, place(seed, at), k) != 0)
			return (false);
	}
	return (true);
}

/* One frame, of which `n` bytes from `off` on are wanted. */
static void
frame_part(uint32_t seed, uint64_t number, size_t off, char *p, size_t n)
{
	char frame[BYTES_FRAME];
	int i;

	for (i = 0; i < 8; i++)
		frame[i] = (char)(number >> (56 - 8 * i));
	memcpy(frame + 8, place(seed, number * 56), sizeof frame - 8);
	memcpy(p, frame + off, n);
}

void
bytes_frames(uint32_t seed, uint64_t at, char *p, size_t n)
{
	size_t off, k;

	for (; n > 0; n -= k, p += k, at += k) {
		off = at % BYTES_FRAME;
		k = BYTES_FRAME - off < n ? BYTES_FRAME - off : n;
		frame_part(seed, at / BYTES_FRAME, off, p, k);
	}
}

bool
bytes_frames_right(uint32_t seed, uint64_t at, const char *p, size_t n)
{
	char want[BYTES_FRAME];
	size_t off, k;

	for (; n > 0; n -= k, p += k, at += k) {
		off = at % BYTES_FRAME;
		k = BYTES_FRAME - off < n ? BYTES_FRAME - off : n;
		frame_part(seed, at / BYTES_FRAME, off, want, k);
		if (memcmp(p, want, k) != 0)
			return (false);
	}
	return (true);
}

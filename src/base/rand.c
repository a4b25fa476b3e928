/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rand - xoshiro256** (Blackman and Vigna, 2018), seeded from the kernel.
 */
#include <base/clock.h>
#include <base/rand.h>

#include <stdbool.h>
#include <sys/random.h>
#include <unistd.h>

static uint64_t state[4];
static bool seeded;

/* splitmix64, to spread a poor seed over the state. */
static uint64_t
mix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31));
}

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k | x >> (64 - k));
}

void
rand_seed(void)
{
	uint64_t x;

	seeded = true;
	if (getrandom(state, sizeof(state), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(state) &&
	    (state[0] | state[1] | state[2] | state[3]) != 0)
		return;
	/* early in boot the kernel may have nothing yet */
	x = (uint64_t)clock_mono_us() ^ (uint64_t)clock_wall_us() << 20 ^
	    (uint64_t)getpid() << 44;
	for (int i = 0; i < 4; i++)
		state[i] = mix(&x);
}

uint64_t
rand_u64(void)
{
	uint64_t result, t;

	if (__builtin_expect(!seeded, 0))
		rand_seed();
	result = rotl(state[1] * 5, 7) * 9;
	t = state[1] << 17;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= t;
	state[3] = rotl(state[3], 45);
	return (result);
}

/* The bias of multiply-and-shift is below n / 2^32: good enough for choosing
 * a server. */
uint32_t
rand_below(uint32_t n)
{
	return ((uint32_t)((rand_u64() >> 32) * n >> 32));
}

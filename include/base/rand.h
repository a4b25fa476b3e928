/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RAND_H
#define BASE_RAND_H
/*
 * rand - fast pseudo-random numbers, seeded from the kernel in each process
 * after fork. Not for secrets.
 */
#include <stdint.h>

void rand_seed(void);
uint64_t rand_u64(void);

/* rand_below - 0 <= result < n; 0 when n is 0. */
uint32_t rand_below(uint32_t n);
#endif

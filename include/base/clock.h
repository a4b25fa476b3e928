/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/*
 * clock - monotonic time for deadlines, wall time for people.
 */
#include <stddef.h>
#include <stdint.h>

/* clock_mono_us - microseconds, CLOCK_MONOTONIC. */
int64_t clock_mono_us(void);

/* clock_mono_ns - the same clock in nanoseconds. */
int64_t clock_mono_ns(void);

/* clock_wall_us - microseconds since 1970. */
int64_t clock_wall_us(void);

#define CLOCK_NEVER INT64_MAX
#endif

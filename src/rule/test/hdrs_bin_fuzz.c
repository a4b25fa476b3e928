/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a list of headers: its slices stay inside of them.
 */
#include "../hdrs_bin.h"

static volatile unsigned sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_of((const char *)data, n), name, value;

	while (hdrs_bin_next(&in, &name, &value) == HDRS_BIN_ONE) {
		for (size_t i = 0; i < name.n; i++)
			sum += (uint8_t)name.p[i];
		for (size_t i = 0; i < value.n; i++)
			sum += (uint8_t)value.p[i];
	}
	return (0);
}

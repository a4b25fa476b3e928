/* SPDX-License-Identifier: Apache-2.0 */
/* h1_res_parse() over any bytes, as answers to GET, HEAD and CONNECT. */
#include "h1_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of((const char *)bytes, n);

	h1_fuzz_head(in, n < 512 ? 1 : n / 64, HTTP_GET);
	h1_fuzz_head(in, 7 + n / 64, HTTP_HEAD);
	h1_fuzz_head(in, 16 + n / 64, HTTP_CONNECT);
	return (0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* h1_req_parse() over any bytes; see h1_fuzz.h. */
#include "h1_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of((const char *)bytes, n);

	h1_fuzz_head(in, n < 512 ? 1 : n / 64, -1);
	h1_fuzz_head(in, 7 + n / 64, -1);
	MUST(h1_req_full(in) == WHY_REQ_URI_LONG ||
	    h1_req_full(in) == WHY_REQ_HEAD_LONG);
	return (0);
}

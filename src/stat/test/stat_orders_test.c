/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a weight is said in the words people know.
 */
#include <base/test.h>

#include "../stat_orders.c"

#include <base/must.h>

TEST(weights_are_judged)
{
	static const struct { const char *z, *fault; } t[] = {
		{ "0", NULL }, { "256", NULL }, { "50%", NULL },
		{ "100%", NULL },
		{ "", "Require <weight>" }, { "%", "garbage" },
		{ "canal", "garbage" }, { "-1", "between 0 and 256" },
		{ "-", "garbage" }, { "10x", "Garbage behind" },
		{ "10%%", "Garbage behind" }, { " 1", "garbage" },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		const char *fault = weight_fault(span_str(t[i].z));

		if (t[i].fault == NULL)
			CHECK_STR(fault, NULL);
		else
			CHECK(fault != NULL &&
			    strstr(fault, t[i].fault) != NULL);
	}
}

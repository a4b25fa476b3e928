/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena_test - chunks, budgets, alignment.
 */
#include <base/test.h>

#include "../arena.c"

TEST(configuration_arenas_grow)
{
	struct arena a;
	char *big, *small;

	arena_init(&a, 0);
	CHECK(arena_get(&a, 0) != NULL);
	CHECK_EQ(a.used_bytes, 0);
	for (int i = 0; i < 10000; i++)
		memset(arena_get(&a, 100), i, 100);
	CHECK(a.used_bytes >= 10000 * 100);
	CHECK(a.used_bytes <= 10000 * 104 + 2 * CONF_BYTES);
	small = arena_get(&a, 8);
	big = arena_get(&a, 3000000);
	memset(big, 1, 3000000);
	CHECK((char *)arena_get(&a, 8) == small + 8);   /* still the same */
	arena_reset(&a);
	CHECK_EQ(a.used_bytes, 0);
	CHECK(a.chunks == NULL);
}

TEST(large_configurations_have_large_pages)
{
	struct arena a;
	char *p = NULL;

	arena_init(&a, 0);
	for (int i = 0; i < 120000; i++)
		p = memset(arena_get(&a, 104), i, 104);
	CHECK_EQ(a.chunks->bytes, HUGE_BYTES - HUGE_REST);
	CHECK_EQ((uintptr_t)a.chunks % HUGE_BYTES, 0);
	CHECK(p > (char *)a.chunks && p < a.end);
	CHECK(a.used_bytes <= 120000 * 105 + HUGE_BYTES);
	arena_reset(&a);
	CHECK(a.chunks == NULL);
}

TEST(everything_is_aligned)
{
	struct arena a;
	unsigned bad = 0;

	arena_init(&a, 1000000);
	for (size_t n = 1; n < 200; n++)
		bad += (uintptr_t)arena_get(&a, n) % 8 != 0;
	CHECK_EQ(bad, 0);
	arena_reset(&a);
}

TEST(a_stream_begins_small)
{
	struct arena a;
	size_t used = small_pool.n_used;

	arena_init(&a, 65536);
	CHECK(arena_get(&a, 16) != NULL);
	CHECK_EQ(a.used_bytes, SMALL_BYTES);
	CHECK_EQ(small_pool.n_used, used + 1);
	while (a.used_bytes == SMALL_BYTES)
		CHECK(arena_get(&a, 1000) != NULL);
	CHECK_EQ(a.used_bytes, SMALL_BYTES + BIG_BYTES);
	arena_reset(&a);
	CHECK_EQ(small_pool.n_used, used);
	CHECK_EQ(big_pool.n_used, 0);
	CHECK_EQ(a.budget_bytes, 65536);
}

TEST(a_budget_is_never_passed)
{
	static const size_t budgets[] = {
		1, 31, 32, 100, 4095, 4096, 4097, 16384, 20000, 20480, 65536
	};
	static const size_t sizes[] = { 1, 7, 100, 3000, 5000, 17000, 64000 };

	for (size_t i = 0; i < NELEM(budgets); i++)
		for (size_t j = 0; j < NELEM(sizes); j++) {
			struct arena a;
			size_t got = 0;
			char *p;

			arena_init(&a, budgets[i]);
			while ((p = arena_get(&a, sizes[j])) != NULL) {
				memset(p, 0x55, sizes[j]);
				got += sizes[j];
			}
			CHECK(got <= budgets[i]);
			CHECK(a.used_bytes <= budgets[i]);
			arena_reset(&a);
		}
	CHECK_EQ(small_pool.n_used, 0);
	CHECK_EQ(big_pool.n_used, 0);
}

TEST(the_large_ones_fit_while_the_budget_lasts)
{
	struct arena a;
	char *p;

	arena_init(&a, 100000);
	CHECK((p = arena_get(&a, 60000)) != NULL);
	memset(p, 1, 60000);
	CHECK(arena_get(&a, 60000) == NULL);
	CHECK(arena_get(&a, 100) != NULL);
	CHECK(arena_get(&a, SIZE_MAX / 2 + 8) == NULL);
	arena_reset(&a);
}

TEST(text_in_an_arena)
{
	struct arena a;
	struct span s;

	arena_init(&a, 0);
	CHECK_STR(arena_dup(&a, SPAN("abc")), "abc");
	CHECK_STR(arena_dup(&a, SPAN_NONE), "");
	s = arena_span(&a, SPAN("xy"));
	CHECK_SPAN(s, "xy");
	CHECK_STR(arena_printf(&a, "%s=%d", "k", 42), "k=42");
	CHECK_STR(arena_printf(&a, "%s", ""), "");
	CHECK_MEM(arena_zget(&a, 9), 9, "\0\0\0\0\0\0\0\0\0", 9);
	arena_reset(&a);
	arena_init(&a, 40);
	CHECK(arena_printf(&a, "%s", "this text is too long") == NULL);
	CHECK(arena_dup(&a, SPAN("nor does this one fit here")) == NULL);
	CHECK(arena_span(&a, SPAN("nor does this one fit here")).p == NULL);
	CHECK(arena_zget(&a, 30) == NULL);
	arena_reset(&a);
}

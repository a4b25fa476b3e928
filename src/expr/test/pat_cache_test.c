/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembered results: which are found again, which leave first, and lists
 * that change.
 */
#include <base/test.h>

#include <stdio.h>
#include <string.h>

#include "../pat_cache.c"

static void
start(int64_t n)
{
	if (sets != NULL)
		munmap(sets, n_sets * sizeof *sets);
	sets = NULL;
	entries = n;
}

static struct span
text_no(unsigned i)
{
	static char text[16];

	return (span_of(text, (size_t)snprintf(text, sizeof text, "/p%u", i)));
}

/* What is known of a text, -2: nothing, -1: that no row matches. */
static int64_t
known(uint64_t state, struct span text)
{
	uint64_t name;
	uint32_t no;

	if (!pat_cache_get(state, text, &name, &no))
		return (-2);
	return (no == PAT_MISS ? -1 : (int64_t)no);
}

static void
learn(uint64_t state, struct span text, uint32_t no)
{
	uint64_t name;
	uint32_t old;

	if (!pat_cache_get(state, text, &name, &old))
		pat_cache_put(name, no);
}

TEST(what_was_put_is_found_for_that_list_alone)
{
	uint64_t a = pat_cache_state(), b = pat_cache_state();

	start(1000);
	CHECK(a != b);
	CHECK_EQ(known(a, SPAN("x")), -2);
	learn(a, SPAN("x"), 7);
	learn(a, SPAN("y"), PAT_MISS);
	learn(a, SPAN(""), 3);
	CHECK_EQ(known(a, SPAN("x")), 7);
	CHECK_EQ(known(a, SPAN("y")), -1);
	CHECK_EQ(known(a, SPAN_NONE), 3);
	CHECK_EQ(known(a, SPAN("xy")), -2);
	CHECK_EQ(known(b, SPAN("x")), -2);
}

TEST(of_a_full_set_the_one_not_used_for_longest_leaves)
{
	uint64_t s = pat_cache_state();

	start(WAYS);                    /* one set */
	CHECK_EQ(known(s, SPAN("x")), -2);
	CHECK_EQ(n_sets, 1);
	for (unsigned i = 0; i < WAYS; i++)
		learn(s, text_no(i), i);
	CHECK_EQ(known(s, text_no(0)), 0);      /* now 1 is the oldest */
	learn(s, text_no(WAYS), WAYS);
	CHECK_EQ(known(s, text_no(1)), -2);
	CHECK_EQ(known(s, text_no(0)), 0);
	for (unsigned i = 2; i <= WAYS; i++)
		CHECK_EQ(known(s, text_no(i)), i);
}

TEST(a_name_is_there_once)
{
	uint64_t s = pat_cache_state(), name;
	uint32_t no;

	start(WAYS);
	learn(s, SPAN("a"), 1);
	learn(s, SPAN("b"), 2);
	CHECK(pat_cache_get(s, SPAN("a"), &name, &no));
	pat_cache_put(name, 9);         /* its row was deleted */
	CHECK_EQ(known(s, SPAN("a")), 9);
	CHECK_EQ(known(s, SPAN("b")), 2);
	CHECK_EQ(sets[0].name[2], 0);
}

TEST(a_table_holds_about_what_it_should)
{
	uint64_t s = pat_cache_state();
	unsigned found = 0, n = 1000;

	start(n);
	for (unsigned i = 0; i < n; i++)
		learn(s, text_no(i), i);
	for (unsigned i = 0; i < n; i++)
		found += known(s, text_no(i)) == (int64_t)i;
	CHECK(found > n / 2 && found <= n);
	start(0);
	learn(s, SPAN("a"), 1);
	CHECK_EQ(known(s, SPAN("a")), -2);
	CHECK(sets == NULL);
}

static bool
has(uint64_t state, const char *text, size_t n, uint32_t *no)
{
	uint64_t name;

	return (pat_cache_get(state, span_of(text, n), &name, no));
}

/* Texts that differ in a few bits, in states one after the other. */
TEST(neighbours_do_not_meet)
{
	static const char base[] = "abcdefghijklmnop";
	unsigned met = 0, asked = 0;

	start(DEFAULT_ENTRIES);
	for (size_t n = 0; n <= 16; n++) {
		uint64_t state = pat_cache_state(), name;
		uint32_t no;

		(void)pat_cache_get(state, span_of(base, n), &name, &no);
		pat_cache_put(name, 7);
		for (int k = 0; k < 64; k++) {
			state = pat_cache_state();
			for (size_t at = 0; at < n; at++)
				for (unsigned x = 0; x < 256; x++) {
					char text[sizeof base];

					memcpy(text, base, sizeof text);
					text[at] = (char)(text[at] ^ x);
					met += has(state, text, n, &no);
					asked++;
				}
		}
	}
	CHECK_EQ(met, 0);
	CHECK(asked > 2000000);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEST_H
#define BASE_TEST_H
/*
 * test - the harness of the unit tests in src/ROOM/test/NAME_test.c.
 *
 * A test program is one source file: it includes this header once, includes
 * the "../NAME.c" it tests so that static functions are in reach, and says
 *
 *	TEST(empty_input_is_no_number)
 *	{
 *		CHECK(!num_parse(SPAN(""), &n));
 *	}
 *
 * main() is here.  Arguments select the tests whose name contains one of
 * them.  A failed check is printed and the test goes on; a test which made no
 * check at all has failed.  The exit code is 0 when all passed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_row {
	const char *name;
	const char *file;
	void      (*run)(void);
};

/*
 * TEST - define a test and enter it in the list that main() walks.
 *
 * The rows are reached through a linker section of pointers, so no list has
 * to be kept.  (Sanitizers put no redzones into named sections.)
 */
#define TEST(name_)                                                     \
	static void test_##name_(void);                                 \
	static const struct test_row test_row_##name_ =                 \
	    { #name_, __FILE__, test_##name_ };                         \
	static const struct test_row *const test_ptr_##name_            \
	    __attribute__((used, section("unit_test"))) =               \
	    &test_row_##name_;                                          \
	static void test_##name_(void)

/* CHECK - the condition holds. */
#define CHECK(cond) \
	test_note((cond) ? 1 : 0, __FILE__, __LINE__, #cond, NULL, NULL)

/* CHECK_EQ - two integers or enum values are the same; prints both. */
#define CHECK_EQ(found, expected) \
	test_note_int((intmax_t)(found), (intmax_t)(expected), \
	    __FILE__, __LINE__, #found)

/* CHECK_STR - two C strings are the same, NULL being equal to NULL only. */
#define CHECK_STR(found, expected) \
	test_note_str((found), (expected), __FILE__, __LINE__, #found)

/* CHECK_MEM - n bytes at `found` are the m bytes at `expected`. */
#define CHECK_MEM(found, n, expected, m) \
	test_note_mem((found), (n), (expected), (m), __FILE__, __LINE__, \
	    #found)

/* CHECK_SPAN - a struct span holds exactly the bytes of a string literal. */
#define CHECK_SPAN(found, literal) \
	test_note_mem((found).p, (found).n, "" literal, \
	    sizeof(literal) - 1, __FILE__, __LINE__, #found)

/*
 * TEST_MAY_LEAK - said once in a test of things that die with their process
 * only (a generation's configuration, a command line) and are made anew by
 * each of its tests: the leak check is off, all others stay on.
 */
#define TEST_MAY_LEAK                                                   \
	const char *__asan_default_options(void);                       \
	const char *                                                    \
	__asan_default_options(void)                                    \
	{                                                               \
		return ("detect_leaks=0");                              \
	}

extern const struct test_row *const __start_unit_test[];
extern const struct test_row *const __stop_unit_test[];

static unsigned test_checks, test_failures;

static inline int
test_note(int good, const char *file, int line, const char *what,
    const char *found, const char *expected)
{
	test_checks++;
	if (good)
		return (1);
	test_failures++;
	if (found == NULL)
		printf("%s:%d: not true: %s\n", file, line, what);
	else
		printf("%s:%d: %s\n    expected %s\n    found    %s\n",
		    file, line, what, expected, found);
	return (0);
}

static inline int
test_note_int(intmax_t found, intmax_t expected, const char *file, int line,
    const char *what)
{
	char f[64], e[64];

	snprintf(f, sizeof f, "%jd (0x%jx)", found, (uintmax_t)found);
	snprintf(e, sizeof e, "%jd (0x%jx)", expected, (uintmax_t)expected);
	return (test_note(found == expected, file, line, what, f, e));
}

/* Make bytes printable in a static buffer; long ones are cut. */
static inline const char *
test_quote(char *out, size_t room, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t i, used;

	if (p == NULL)
		return (n == 0 ? "NULL" : "NULL with a length");
	used = (size_t)snprintf(out, room, "%zu bytes \"", n);
	for (i = 0; i < n && used + 12 < room; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
			out[used++] = (char)p[i];
		else
			used += (size_t)snprintf(out + used, room - used,
			    "\\x%02x", p[i]);
	}
	snprintf(out + used, room - used, i < n ? "\" ..." : "\"");
	return (out);
}

static inline int
test_note_mem(const void *found, size_t n, const void *expected, size_t m,
    const char *file, int line, const char *what)
{
	static char f[1024], e[1024];
	int good = n == m && (n == 0 || (found != NULL && expected != NULL &&
	    memcmp(found, expected, n) == 0));

	return (test_note(good, file, line, what,
	    test_quote(f, sizeof f, found, n),
	    test_quote(e, sizeof e, expected, m)));
}

static inline int
test_note_str(const char *found, const char *expected, const char *file,
    int line, const char *what)
{
	static char f[1024], e[1024];
	int good = found == NULL || expected == NULL ? found == expected :
	    strcmp(found, expected) == 0;

	return (test_note(good, file, line, what,
	    test_quote(f, sizeof f, found, found ? strlen(found) : 0),
	    test_quote(e, sizeof e, expected,
	        expected ? strlen(expected) : 0)));
}

static inline int
test_is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]) != NULL)
			return (1);
	return (argc < 2);
}

static int
test_run_one(const struct test_row *row)
{
	test_checks = test_failures = 0;
	row->run();
	if (test_checks == 0)
		printf("%s: test '%s' checked nothing\n", row->file,
		    row->name);
	if (test_checks != 0 && test_failures == 0)
		return (1);
	printf("FAILED %s\n", row->name);
	return (0);
}

int
main(int argc, char **argv)
{
	const struct test_row *const *row;
	const char *name = strrchr(argv[0], '/');
	unsigned passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (row = __start_unit_test; row < __stop_unit_test; row++) {
		if (!test_is_wanted((*row)->name, argc, argv))
			continue;
		if (test_run_one(*row))
			passed++;
		else
			failed++;
	}
	printf("unit %s: %u passed, %u failed\n",
	    name != NULL ? name + 1 : argv[0], passed, failed);
	return (failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

#endif

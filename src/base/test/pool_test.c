/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool_test - objects, slabs, limits and mistakes.
 */
#include <base/test.h>

#include "../pool.c"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program should die of SIGABRT in `fn`. */
static bool
panics(void (*fn)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST(objects_are_distinct_and_come_again)
{
	struct pool p = POOL_INIT("test", 100);
	char *obj[2000];

	CHECK_EQ(p.size, 112);
	for (size_t i = 0; i < NELEM(obj); i++) {
		obj[i] = pool_get(&p);
		memset(obj[i], (int)i, p.size);
	}
	CHECK_EQ(p.n_used, NELEM(obj));
	for (size_t i = 0; i < NELEM(obj); i++) {
		if ((uintptr_t)obj[i] % 16 != 0 || obj[i][0] != (char)i ||
		    obj[i][111] != (char)i)
			CHECK(!"the object is as it was left");
		pool_put(&p, obj[i]);
	}
	CHECK_EQ(p.n_used, 0);
	CHECK_EQ(p.n_total % (SLAB_BYTES / 112), 0);
	CHECK(pool_get(&p) == obj[NELEM(obj) - 1]);
	CHECK(pool_all == &p);
	pool_all = p.next;
}

TEST(large_objects_have_their_own_slab)
{
	struct pool p = POOL_INIT("large", 100000);
	char *a = pool_get(&p), *b = pool_get(&p);

	CHECK_EQ(p.n_total, 2);
	memset(a, 1, p.size);
	memset(b, 2, p.size);
	CHECK_EQ(a[p.size - 1], 1);
	pool_all = p.next;
}

TEST(a_limit_is_kept)
{
	struct pool p = POOL_INIT("limited", 64);
	void *obj[5];

	p.limit = 5;
	for (int i = 0; i < 5; i++)
		CHECK((obj[i] = pool_get(&p)) != NULL);
	CHECK(pool_get(&p) == NULL);
	CHECK_EQ(p.n_failed, 1);
	pool_put(&p, obj[3]);
	CHECK(pool_get(&p) == obj[3]);
	pool_all = p.next;
}

TEST(zeroed_and_poisoned)
{
	struct pool p = POOL_INIT("filled", 48);
	unsigned char *a = pool_get(&p);
	unsigned sum = 0;

	memset(a, 0xff, 48);
	pool_put(&p, a);
	a = pool_zget(&p);
	for (int i = 0; i < 48; i++)
		sum += a[i];
	CHECK_EQ(sum, 0);
	pool_put(&p, a);
	pool_poison = 0x50;
	a = pool_get(&p);
	for (int i = 0; i < 48; i++)
		sum += a[i] == 0x50;
	CHECK_EQ(sum, 48);
	pool_put(&p, a);
	pool_poison = -1;
	pool_put(&p, NULL);
	pool_all = p.next;
}

static void
put_twice(void)
{
	struct pool p = POOL_INIT("twice", 32);
	void *keep = pool_get(&p), *a = pool_get(&p);

	pool_put(&p, a);
	pool_put(&p, a);
	pool_put(&p, keep);
}

static void
resize_used(void)
{
	struct pool p = POOL_INIT("used", 32);

	pool_put(&p, pool_get(&p));
	pool_set_size(&p, 64);
}

TEST(mistakes_panic)
{
	struct pool p = POOL_INIT("fresh", 32);

	pool_set_size(&p, 33);
	CHECK_EQ(p.size, 48);
	CHECK(panics(resize_used));
#ifdef __SANITIZE_ADDRESS__
	CHECK(panics(put_twice));
#else
	(void)put_twice;
#endif
}

#ifdef __SANITIZE_ADDRESS__
TEST(the_sanitizer_knows_what_is_free)
{
	struct pool p = POOL_INIT("poisoned", 64);
	char *a = pool_get(&p);

	CHECK(!__asan_address_is_poisoned(a + 63));
	pool_put(&p, a);
	CHECK(__asan_address_is_poisoned(a));
	CHECK(__asan_address_is_poisoned(a + 63));
	pool_all = p.next;
}
#endif

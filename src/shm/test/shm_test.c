/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots over generations, room that is used again, locks of dead owners.
 */
#include <sys/wait.h>

#include <base/test.h>

#include "../shm.c"

static struct shm *
fresh(void)
{
	const char *err = NULL;
	struct shm *s = shm_attach(shm_create("test"), &err);

	CHECK_STR(err, NULL);
	shm_begin(s, 1);
	return (s);
}

TEST(a_slot_is_found_again)
{
	struct shm *s = fresh();
	void *a, *b;
	size_t n;

	CHECK_EQ(shm_slot(s, SPAN("srv/a/b"), SHM_SRV, 100, &a, NULL),
	    SHM_FRESH);
	strcpy(a, "kept");
	shm_begin(s, 2);
	CHECK_EQ(shm_slot(s, SPAN("srv/a/b"), SHM_SRV, 100, &b, NULL),
	    SHM_KEPT);
	CHECK(a == b && strcmp(b, "kept") == 0);
	CHECK(shm_peek(s, SPAN("srv/a/b"), SHM_SRV, &n) == a && n == 100);
	CHECK(shm_peek(s, SPAN("srv/a/b"), SHM_BE, NULL) == NULL);
	CHECK(shm_peek(s, SPAN("srv/a/c"), SHM_SRV, NULL) == NULL);
	shm_detach(s);
}

TEST(many_slots_are_all_found)
{
	struct shm *s = fresh();
	void *at;
	char name[32];
	int good = 0;

	for (int i = 0; i < 20000; i++) {
		int n = snprintf(name, sizeof name, "srv/be%d/s", i);

		shm_slot(s, span_of(name, (size_t)n), SHM_SRV, 64, &at, NULL);
		*(int *)at = i;
	}
	for (int i = 0; i < 20000; i++) {
		int n = snprintf(name, sizeof name, "srv/be%d/s", i);
		int *p = shm_peek(s, span_of(name, (size_t)n), SHM_SRV, NULL);

		good += p != NULL && *p == i && (uintptr_t)p % 64 == 0;
	}
	CHECK_EQ(good, 20000);
	shm_detach(s);
}

static int
ask_for(struct shm *s, int from, int to, int step)
{
	int kept = 0;
	char name[32];
	void *at;

	for (int i = from; i != to; i += step) {
		int n = snprintf(name, sizeof name, "srv/be%d/s", i);

		kept += shm_slot(s, span_of(name, (size_t)n), SHM_SRV, 64,
		    &at, NULL) == SHM_KEPT && *(int *)at == i;
		*(int *)at = i;
	}
	return (kept);
}

/* In the order in which they were made, in another one, with some that went and
 * some that came. */
TEST(the_order_of_asking_is_of_no_account)
{
	struct shm *s = fresh();

	CHECK_EQ(ask_for(s, 0, 100, 1), 0);
	CHECK_EQ(s->next_row, 0);
	shm_begin(s, 2);
	CHECK_EQ(ask_for(s, 0, 100, 1), 100);
	CHECK_EQ(s->next_row, s->seg->n_entries);
	CHECK_EQ(ask_for(s, 99, -1, -1), 100);
	shm_begin(s, 3);
	CHECK_EQ(ask_for(s, 50, 100, 1), 50);
	CHECK_EQ(shm_sweep(s, 3), 50);
	CHECK_EQ(ask_for(s, 0, 120, 1), 50);
	CHECK_EQ(ask_for(s, 0, 120, 1), 120);
	shm_detach(s);
}

TEST(another_layout_is_a_stranger_with_a_past)
{
	struct shm *s = fresh();
	const void *old;
	void *a, *b;

	shm_slot(s, SPAN("x"), SHM_SRV, 64, &a, NULL);
	*(int *)a = 42;
	shm_begin(s, 2);
	CHECK_EQ(shm_slot(s, SPAN("x"), SHM_BE, 64, &b, &old), SHM_FRESH);
	CHECK(old == a && b != a && *(const int *)old == 42 && *(int *)b == 0);
	CHECK_EQ(shm_lost(), 0);
	/* Back to the release that knows the first one. */
	shm_begin(s, 3);
	CHECK_EQ(shm_slot(s, SPAN("x"), SHM_SRV, 64, &b, NULL), SHM_KEPT);
	CHECK(b == a && *(int *)b == 42);
	CHECK_EQ(shm_sweep(s, 3), 1);
	CHECK(shm_peek(s, SPAN("x"), SHM_BE, NULL) == NULL);
	CHECK(shm_peek(s, SPAN("x"), SHM_SRV, NULL) == a);
	/* Nobody asks for what was there. */
	shm_begin(s, 4);
	CHECK_EQ(shm_slot(s, SPAN("x"), SHM_FE, 64, &b, NULL), SHM_FRESH);
	CHECK_EQ(shm_lost(), 1);
	shm_detach(s);
}

TEST(a_slot_grows_with_its_contents)
{
	struct shm *s = fresh();
	void *a, *b;

	shm_slot(s, SPAN("x"), SHM_LB, 64, &a, NULL);
	memset(a, 'x', 64);
	CHECK_EQ(shm_slot(s, SPAN("x"), SHM_LB, 640, &b, NULL), SHM_GROWN);
	CHECK(memcmp(a, b, 64) == 0 && ((char *)b)[64] == 0);
	CHECK_EQ(shm_slot(s, SPAN("x"), SHM_LB, 64, &a, NULL), SHM_KEPT);
	CHECK(a == b);
	shm_detach(s);
}

TEST(swept_room_is_used_again_and_zeroed)
{
	struct shm *s = fresh();
	void *a, *b;

	for (size_t n = 64; n < 1 << 20; n *= 4) {
		shm_begin(s, 1);
		shm_slot(s, SPAN("old"), SHM_LB, n, &a, NULL);
		memset(a, 'x', n);
		CHECK_EQ(shm_sweep(s, 2), 1);
		shm_slot(s, SPAN("new"), SHM_LB, n, &b, NULL);
		CHECK(a == b);
		CHECK(*(char *)b == 0 && memcmp(b, (char *)b + 1, n - 1) == 0);
		CHECK_EQ(shm_sweep(s, 2), 1);
	}
	shm_detach(s);
}

TEST(only_our_segments_are_mapped)
{
	const char *err = NULL;
	struct seg bad = { .magic = SEG_MAGIC, .layout = 99 };
	int fd = memfd_create("stranger", MFD_CLOEXEC);

	CHECK(shm_attach(fd, &err) == NULL && err != NULL);
	CHECK(ftruncate(fd, (off_t)SEG_BYTES) == 0);
	CHECK(shm_attach(fd, &err) == NULL);
	CHECK_STR(err, "not a state segment");
	CHECK(pwrite(fd, &bad, sizeof bad, 0) == (ssize_t)sizeof bad);
	CHECK(shm_attach(fd, &err) == NULL);
	CHECK_STR(err, "state segment has another layout");
	(void)close(fd);
}

TEST(a_dead_owners_lock_is_taken_over)
{
	struct shm *s = fresh();
	struct shm_lock *l;
	void *at;
	pid_t pid;
	int st;

	shm_slot(s, SPAN("lock"), SHM_LB, sizeof *l, &at, NULL);
	l = at;
	CHECK(!shm_lock(l));
	shm_unlock(l);
	if ((pid = fork()) == 0) {
		shm_lock_forked();
		shm_lock(l);
		_exit(0);
	}
	while (atomic_load(&l->owner) == 0)
		usleep(1000);
	CHECK(shm_lock(l));             /* not waited for yet */
	shm_unlock(l);
	CHECK(waitpid(pid, &st, 0) == pid);
	shm_detach(s);
}

TEST(two_processes_exclude_each_other)
{
	struct shm *s = fresh();
	struct { struct shm_lock lock; int n; } *x;
	void *at;
	pid_t pid;
	int st;

	shm_slot(s, SPAN("lock"), SHM_LB, sizeof *x, &at, NULL);
	x = at;
	pid = fork();
	if (pid == 0)
		shm_lock_forked();
	for (int i = 0; i < 50000; i++) {
		shm_lock(&x->lock);
		x->n++;
		shm_unlock(&x->lock);
	}
	if (pid == 0)
		_exit(0);
	CHECK(waitpid(pid, &st, 0) == pid);
	CHECK_EQ(x->n, 100000);
	shm_detach(s);
}

TEST(process_numbers_are_given_once)
{
	struct shm *s = fresh();
	int a = shm_proc_get(s, 1, 'w'), b = shm_proc_get(s, 1, 'w'), st;
	pid_t pid;

	CHECK(a == 0 && b == 1);
	shm_proc_put(s, a);
	CHECK_EQ(shm_proc_get(s, 1, 'a'), 0);
	CHECK_EQ(shm_proc_stale(s), -1);
	if ((pid = fork()) == 0)
		_exit(0);
	shm_proc_set_pid(s, b, pid);
	CHECK(waitpid(pid, &st, 0) == pid);
	CHECK_EQ(shm_proc_stale(s), b);
	shm_detach(s);
}

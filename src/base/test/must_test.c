/* SPDX-License-Identifier: Apache-2.0 */
/*
 * must_test - the last words of a process, and lists, whose checks these are.
 */
#include <base/list.h>
#include <base/test.h>

#include "../must.c"

#include <signal.h>
#include <sys/wait.h>

#define MAGIC 0x12345678u

struct thing {
	unsigned magic;
};

/* What `fn` writes to stderr before it dies of SIGABRT; "" if it does not. */
static const char *
last_words(void (*fn)(void))
{
	static char words[4096];
	int fd[2], status = 0;
	ssize_t n = 0, got;
	pid_t pid;

	CHECK(pipe(fd) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	close(fd[1]);
	while ((got = read(fd[0], words + n,
	    sizeof(words) - 1 - (size_t)n)) > 0)
		n += got;
	words[n] = '\0';
	close(fd[0]);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ?
	    words : "");
}

static void
break_promise(void)
{
	MUST(1 + 1 == 3);
}

static void
wrong_magic(void)
{
	struct thing t = { 7 };

	(void)OBJ(&t, struct thing, MAGIC);
}

static void
no_object(void)
{
	(void)OBJ(NULL, struct thing, MAGIC);
}

static void
too_much(void)
{
	must_oom(12345);
}

TEST(a_broken_promise_names_itself)
{
	const char *words = last_words(break_promise);

	CHECK(strncmp(words, "panic: ", 7) == 0);
	CHECK(strstr(words, "must_test.c:") != NULL);
	CHECK(strstr(words, ": break_promise: promise broken: 1 + 1 == 3\n")
	    != NULL);
	CHECK(strstr(last_words(wrong_magic),
	    "struct thing: promise broken: object has its magic\n") != NULL);
	CHECK(strstr(last_words(no_object), "struct thing") != NULL);
	CHECK(strstr(last_words(too_much), "12345 more bytes") != NULL);
}

TEST(kept_promises_cost_nothing)
{
	struct thing t = { MAGIC };
	char *p = must_alloc(0), *q = must_strdup("abc");

	MUST(1 + 1 == 2);
	CHECK(OBJ(&t, struct thing, MAGIC) == &t);
	p = must_realloc(p, 100);
	memset(p, 1, 100);
	CHECK_STR(q, "abc");
	free(p);
	free(q);
	p = must_alloc(8);
	CHECK_MEM(p, 8, "\0\0\0\0\0\0\0\0", 8);
	free(p);
}

struct item {
	int v;
	struct list node;
};

static int
digits(struct list *head)
{
	int n = 0;

	LIST_EACH(it, head)
		n = n * 10 + LIST_ITEM(it, struct item, node)->v;
	return (n);
}

TEST(lists)
{
	struct list a = LIST_INIT(a), b = LIST_INIT(b);
	struct item i[5];

	CHECK(list_first(&a) == NULL && list_pop_front(&a) == NULL);
	for (int k = 0; k < 5; k++) {
		i[k].v = k + 1;
		list_init(&i[k].node);
		CHECK(!list_linked(&i[k].node));
	}
	list_push_back(&a, &i[1].node);
	list_push_back(&a, &i[2].node);
	list_push_front(&a, &i[0].node);
	CHECK_EQ(digits(&a), 123);
	list_push_back(&b, &i[3].node);
	list_add_after(&i[3].node, &i[4].node);
	list_splice(&a, &b);
	CHECK(list_empty(&b));
	list_splice(&a, &b);
	CHECK_EQ(digits(&a), 12345);
	LIST_EACH(it, &a)
		if (LIST_ITEM(it, struct item, node)->v % 2 == 0)
			list_del(it);
	CHECK_EQ(digits(&a), 135);
	list_del(&i[1].node);
	CHECK(!list_linked(&i[1].node) && list_linked(&i[2].node));
	CHECK(list_pop_front(&a) == &i[0].node);
	CHECK_EQ(digits(&a), 35);
}

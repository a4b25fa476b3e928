/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MUST_H
#define BASE_MUST_H
/*
 * must - promises that we made ourselves, checked in release builds too.
 *
 * MUST(cond) stops this process when the program is wrong; the keeper forks
 * it again. Never assert what a peer, a file or the kernel may do.
 */
#include <stddef.h>

#define MUST(cond)                                                           \
	((cond) ? (void)0 : must_fail(__FILE__, __LINE__, __func__, #cond))

/* The object behind an opaque pointer, its name checked. */
#define OBJ(ptr, type, want)                                                 \
	((type *)must_magic((ptr), (want), #type, __FILE__, __LINE__))

/* The struct that holds member `field` at `ptr`. */
#define HOLDER(ptr, type, field)                                             \
	((type *)(void *)((char *)(ptr) - offsetof(type, field)))

#define NELEM(array) (sizeof(array) / sizeof((array)[0]))

/* must_last_words - NULL, or what a process does about lines that it holds
 * before it ends in must_fail(); it must not allocate. */
extern void (*must_last_words)(void);

/* must_fail - print file, line and the broken promise; abort(). */
_Noreturn void must_fail(const char *file, int line, const char *func,
    const char *what);

/* must_oom - the same for memory that start-up cannot do without. */
_Noreturn void must_oom(size_t bytes);

/* must_alloc, must_realloc, must_strdup - memory for start-up and the agent:
 * never NULL, zeroed (must_alloc), freed with free(). */
void *must_alloc(size_t bytes) __attribute__((malloc));
void *must_realloc(void *, size_t bytes);
char *must_strdup(const char *);

static inline void *
must_magic(void *p, unsigned want, const char *type, const char *file,
    int line)
{
	if (__builtin_expect(p == NULL || *(unsigned *)p != want, 0))
		must_fail(file, line, type, "object has its magic");
	return (p);
}
#endif

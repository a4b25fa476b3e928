/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - slabs, free lists, and what the address sanitizer should know.
 */
#include <base/must.h>
#include <base/pool.h>

#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define SLAB_BYTES 65536u
#define PAGE_BYTES 4096u

struct free_object {
	struct free_object *next;
};

struct pool *pool_all;
int pool_poison = -1;

static void
push_free(struct pool *p, void *obj)
{
	struct free_object *f = obj;

	f->next = p->free_list;
	p->free_list = f;
	ASAN_POISON_MEMORY_REGION(obj, p->size);
}

/* Mapped, not malloc'ed: whole pages, and it never has to be found again. */
static char *
map_slab(size_t bytes)
{
	char *slab = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (slab == MAP_FAILED)
		return (NULL);
#ifdef __SANITIZE_ADDRESS__
	/* objects may hold the only pointer to malloc'ed memory */
	__lsan_register_root_region(slab, bytes);
#endif
	return (slab);
}

static bool
add_slab(struct pool *p)
{
	size_t bytes = SLAB_BYTES, n;
	char *slab;

	if (p->size > SLAB_BYTES / 2)
		bytes = (p->size + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	n = bytes / p->size;
	if (p->limit != 0 && n > p->limit - p->n_total)
		n = p->limit - p->n_total;
	if (n == 0 || (slab = map_slab(bytes)) == NULL)
		return (false);
	if (p->n_total == 0) {
		p->next = pool_all;
		pool_all = p;
	}
	p->n_total += n;
	while (n-- > 0)         /* backwards: the first is handed out first */
		push_free(p, slab + n * p->size);
	return (true);
}

void *
pool_get(struct pool *p)
{
	struct free_object *f;

	if (__builtin_expect(p->free_list == NULL, 0) && !add_slab(p)) {
		p->n_failed++;
		return (NULL);
	}
	f = p->free_list;
	ASAN_UNPOISON_MEMORY_REGION(f, p->size);
	p->free_list = f->next;
	p->n_used++;
	if (__builtin_expect(pool_poison >= 0, 0))
		memset(f, pool_poison, p->size);
	return (f);
}

void *
pool_zget(struct pool *p)
{
	void *obj = pool_get(p);

	if (obj != NULL)
		memset(obj, 0, p->size);
	return (obj);
}

void
pool_put(struct pool *p, void *obj)
{
	if (obj == NULL)
		return;
	MUST(p->n_used > 0);
#ifdef __SANITIZE_ADDRESS__
	MUST(!__asan_address_is_poisoned(obj));         /* given back twice */
#endif
	p->n_used--;
	if (__builtin_expect(pool_poison >= 0, 0))
		memset(obj, pool_poison, p->size);
	push_free(p, obj);
}

void
pool_set_size(struct pool *p, size_t bytes)
{
	MUST(p->n_total == 0);
	MUST(bytes > 0 && bytes < SIZE_MAX / 2);
	p->size = (bytes + 15) & ~(size_t)15;
}

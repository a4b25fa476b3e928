/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mallocs - count the calls of the allocator, per process.
 *
 * Preloaded into the program under test (LD_PRELOAD).  MALLOCS_FILE names a
 * file which every process maps: one line of numbers per process, so that
 * another program can read the counts while traffic flows.  A forked process
 * takes a row of its own.  glibc only: the real functions are its __libc_*.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MALLOCS_ROWS 512

/* The reader (benchlib.py) knows this layout: four numbers of 64 bits. */
struct row {
	_Atomic int64_t pid;
	_Atomic int64_t allocs;
	_Atomic int64_t frees;
	_Atomic int64_t bytes;
};

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void  __libc_free(void *);

/* Redefined here; declared again so that the attributes of the system's
 * headers are no matter. */
void *memalign(size_t, size_t);

static struct row nowhere, *row = &nowhere, *rows;

static void
take_row(void)
{
	int64_t none;
	int i;

	row = &nowhere;
	if (rows == NULL)
		return;
	for (i = 0; i < MALLOCS_ROWS; i++) {
		none = 0;
		if (atomic_compare_exchange_strong(&rows[i].pid, &none,
		    (int64_t)getpid())) {
			row = &rows[i];
			return;
		}
	}
}

static void __attribute__((constructor))
start(void)
{
	const char *name = getenv("MALLOCS_FILE");
	size_t size = MALLOCS_ROWS * sizeof(struct row);
	void *p;
	int fd;

	if (name == NULL || (fd = open(name, O_RDWR | O_CLOEXEC)) < 0)
		return;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return;
	rows = p;
	take_row();
	pthread_atfork(NULL, NULL, take_row);
}

static void
count(size_t n)
{
	atomic_fetch_add_explicit(&row->allocs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&row->bytes, (int64_t)n,
	    memory_order_relaxed);
}

void *
malloc(size_t n)
{
	count(n);
	return (__libc_malloc(n));
}

void *
calloc(size_t n, size_t size)
{
	count(n * size);
	return (__libc_calloc(n, size));
}

void *
realloc(void *p, size_t n)
{
	count(n);
	return (__libc_realloc(p, n));
}

void *
memalign(size_t align, size_t n)
{
	count(n);
	return (__libc_memalign(align, n));
}

void *
aligned_alloc(size_t align, size_t n)
{
	return (memalign(align, n));
}

int
posix_memalign(void **out, size_t align, size_t n)
{
	void *p = memalign(align, n);

	if (p == NULL)
		return (ENOMEM);
	*out = p;
	return (0);
}

void
free(void *p)
{
	if (p != NULL)
		atomic_fetch_add_explicit(&row->frees, 1,
		    memory_order_relaxed);
	__libc_free(p);
}

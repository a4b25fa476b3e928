/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_FD_H
#define OS_FD_H
/*
 * fd - descriptors: closing, limits, whole files, memfds, pipes.
 */
#include <stdbool.h>
#include <stddef.h>

#include <base/span.h>

/* fd_close - close unless negative; sets -1. */
void fd_close(int *fd);

/* fd_close_inherited - in a child that goes on without exec: close what exec
 * would have closed, but not `keep`. False when they can't be listed (proc(5)
 * is not there); nothing is closed then. */
bool fd_close_inherited(int keep);

/* fd_limit_raise - RLIMIT_NOFILE to at least `want`; returns what is in force
 * now. */
size_t fd_limit_raise(size_t want);

/* fd_prealloc - the kernel has room from now on for as many as are allowed. */
void fd_prealloc(void);

/* fd_read_file - all of a file, NUL-terminated, `limit` bytes at most; malloc'ed.
 * Returns NULL with errno (EFBIG when larger). */
char *fd_read_file(const char *path, size_t limit, size_t *n);

/* fd_memfd - a sealed-size-free memfd, close-on-exec; -1 with errno. */
int fd_memfd(const char *name);

/* fd_write_all - blocking write of everything; false with errno. */
bool fd_write_all(int fd, const void *, size_t n);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_poll - the set of descriptors for poll(2), and what is masked in it.
 */
#include <base/clock.h>
#include <base/must.h>

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "loop_poll.h"

#define TICK_MS 5
#define IN_A_ROW 8              /* times that one is told within a tick */

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT &&
    POLLERR == EPOLLERR && POLLHUP == EPOLLHUP && POLLRDHUP == EPOLLRDHUP,
    "on Linux, both interfaces have the same flags");

static struct pollfd *set;      /* one loop per process, one set */
static size_t n_room;
static int64_t unmasked_ms;     /* when the tick began */

void
loop_poll_want(struct loop_fd *row, uint32_t events)
{
	row->edge = (events & EPOLLET) != 0;
	row->want = (uint8_t)(events & (EPOLLIN | EPOLLOUT));
	row->masked = 0;
	row->told = 0;
}

static void
end_tick(struct loop *l, int64_t now_ms)
{
	unmasked_ms = now_ms;
	for (uint32_t fd = 0; fd < l->n_fds; fd++)
		l->fds[fd].masked = l->fds[fd].told = 0;
}

static void
add_to_set(size_t n, int fd, unsigned events)
{
	if (n == n_room) {
		n_room = n_room == 0 ? 64 : 2 * n_room;
		set = realloc(set, n_room * sizeof *set);
		if (set == NULL)
			must_oom(n_room * sizeof *set);
	}
	set[n].fd = fd;
	set[n].events = (short)events;
	set[n].revents = 0;
}

/* Returns how many are in the set; what is masked makes the wait shorter. */
static size_t
fill_set(struct loop *l, bool *masked)
{
	size_t n = 0;

	for (uint32_t fd = 0; fd < l->n_fds; fd++) {
		const struct loop_fd *row = &l->fds[fd];
		unsigned events = row->want & ~row->masked;

		if (row->fn == NULL || row->want == 0)
			continue;
		*masked |= row->masked != 0;
		if (row->edge && (row->masked & POLLIN) == 0)
			events |= POLLRDHUP;
		if (events != 0)
			add_to_set(n++, (int)fd, events);
	}
	return (n);
}

/* Remember what one is told; a level-triggered row is told all it has. */
static void
mask(struct loop_fd *row, unsigned revents)
{
	if (!row->edge)
		return;
	row->masked |= revents & POLLOUT;
	if ((revents & ~POLLOUT) != 0 && ++row->told >= IN_A_ROW)
		row->masked = POLLIN | POLLOUT;
}

static int
take_events(struct loop *l, size_t n, struct epoll_event *out, int max)
{
	static size_t from;             /* where the last batch ended */
	int n_out = 0;

	for (size_t i = 0; i < n && n_out < max; i++) {
		const struct pollfd *p = &set[(from + i) % n];
		struct loop_fd *row = &l->fds[p->fd];

		if (p->revents == 0)
			continue;
		mask(row, (unsigned)p->revents);
		out[n_out].events = (uint32_t)p->revents;
		out[n_out++].data.u64 = (uint64_t)row->gen << 32 |
		    (uint32_t)p->fd;
		if (n_out == max)
			from = (from + i + 1) % n;
	}
	return (n_out);
}

int
loop_poll_wait(struct loop *l, struct epoll_event *out, int max, int wait_ms)
{
	int64_t now_ms = clock_mono_us() / 1000;
	bool masked = false;
	size_t n;
	int rc;

	if (now_ms - unmasked_ms >= TICK_MS)
		end_tick(l, now_ms);
	n = fill_set(l, &masked);
	if (masked && (wait_ms < 0 || wait_ms > TICK_MS))
		wait_ms = TICK_MS;
	rc = poll(set, n, wait_ms);
	return (rc <= 0 ? rc : take_events(l, n, out, max));
}

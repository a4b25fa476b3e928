/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - epoll or poll, the table of descriptors, the turn.
 */
#include <base/clock.h>
#include <base/must.h>
#include <os/loop.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loop_poll.h"

#define FIRST_ROWS 4096        /* of address space */
int loop_batch = LOOP_BATCH_MAX;

static uint32_t own_steps;

struct loop *the_loop;
uint32_t *loop_steps = &own_steps;
bool loop_no_epoll;

static void
read_clock(struct loop *l)
{
	l->now_us = clock_mono_us();
	l->now_ms = l->now_us / 1000;
	l->wall_us = clock_wall_us();
}

static void rested(struct tmr *);

void
loop_open(struct loop *l)
{
	memset(l, 0, sizeof(*l));
	l->epfd = loop_no_epoll ? -1 : epoll_create1(EPOLL_CLOEXEC);
	MUST(l->epfd >= 0 || loop_no_epoll);
	l->tasks_tail = &l->tasks;
	read_clock(l);
	tmr_wheel_init(&l->wheel, l->now_ms);
	tmr_init(&l->rested, rested);
	the_loop = l;
}

void
loop_close(struct loop *l)
{
	if (l->epfd >= 0)
		close(l->epfd);
	l->epfd = -1;
	if (l->fds != NULL)
		(void)munmap(l->fds, l->n_fds * sizeof(*l->fds));
	l->fds = NULL;
	l->n_fds = l->n_added = 0;
	if (the_loop == l)
		the_loop = NULL;
}

/* The row of a descriptor, or NULL when it is not registered. */
static struct loop_fd *
find_row(struct loop *l, int fd)
{
	if (fd < 0 || (uint32_t)fd >= l->n_fds || l->fds[fd].fn == NULL)
		return (NULL);
	return (&l->fds[fd]);
}

/* Mapped, so that rows cost memory only where descriptors are. */
static struct loop_fd *
map_rows(struct loop_fd *old, size_t old_bytes, size_t bytes)
{
	void *p = old != NULL ?
	    mremap(old, old_bytes, bytes, MREMAP_MAYMOVE) :
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		must_oom(bytes);
	return (p);
}

static void
grow_rows(struct loop *l, uint32_t fd)
{
	uint32_t n = l->n_fds == 0 ? FIRST_ROWS : l->n_fds;

	while (n <= fd)
		n *= 2;
	l->fds = map_rows(l->fds, l->n_fds * sizeof(*l->fds),
	    n * sizeof(*l->fds));
	l->n_fds = n;
}

/* The generation travels with each event, next to the descriptor. */
static bool
control(struct loop *l, int op, int fd, uint32_t events)
{
	struct epoll_event ev = {
		.events = events,
		.data.u64 = (uint64_t)l->fds[fd].gen << 32 | (uint32_t)fd
	};

	if (l->epfd < 0) {
		loop_poll_want(&l->fds[fd], events);
		return (true);
	}
	return (epoll_ctl(l->epfd, op, fd, &ev) == 0);
}

static bool
add_row(struct loop *l, int fd, uint32_t events, loop_fn *fn, void *arg)
{
	struct loop_fd *row;

	MUST(fd >= 0 && fn != NULL);
	MUST(find_row(l, fd) == NULL);
	if ((uint32_t)fd >= l->n_fds)
		grow_rows(l, (uint32_t)fd);
	row = &l->fds[fd];
	row->gen++;
	if (!control(l, EPOLL_CTL_ADD, fd, events))
		return (false);
	row->fn = fn;
	row->arg = arg;
	l->n_added++;
	loop_step();
	return (true);
}

int
loop_highest(const struct loop *l)
{
	return ((int)(l->n_fds == 0 ? FIRST_ROWS : l->n_fds) - 1);
}

void
loop_each(struct loop *l, loop_fn *fn, void (*visit)(void *arg))
{
	for (uint32_t fd = 0; fd < l->n_fds; fd++)
		if (l->fds[fd].fn == fn)
			visit(l->fds[fd].arg);
}

bool
loop_add(struct loop *l, int fd, loop_fn *fn, void *arg)
{
	return (add_row(l, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, fn,
	    arg));
}

bool
loop_add_level(struct loop *l, int fd, loop_fn *fn, void *arg)
{
	return (add_row(l, fd, EPOLLIN, fn, arg));
}

void
loop_set(struct loop *l, int fd, loop_fn *fn, void *arg)
{
	struct loop_fd *row = find_row(l, fd);

	MUST(row != NULL && fn != NULL);
	row->fn = fn;
	row->arg = arg;
}

void
loop_pause(struct loop *l, int fd)
{
	if (find_row(l, fd) != NULL)
		MUST(control(l, EPOLL_CTL_MOD, fd, 0));
}

void
loop_resume(struct loop *l, int fd)
{
	if (find_row(l, fd) != NULL)
		MUST(control(l, EPOLL_CTL_MOD, fd, EPOLLIN));
}

static void
rested(struct tmr *t)
{
	struct loop *l = HOLDER(t, struct loop, rested);

	for (unsigned i = 0; i < l->n_resting; i++) {
		const struct loop_resting *r = &l->resting[i];
		const struct loop_fd *row = find_row(l, r->fd);

		if (row != NULL && row->gen == r->gen)
			loop_resume(l, r->fd);
	}
	l->n_resting = 0;
}

void
loop_rest(struct loop *l, int fd)
{
	const struct loop_fd *row = find_row(l, fd);

	if (row == NULL || l->n_resting == LOOP_RESTING_MAX)
		return;
	loop_pause(l, fd);
	l->resting[l->n_resting++] = (struct loop_resting){ fd, row->gen };
	if (l->n_resting == 1)
		tmr_arm(&l->wheel, &l->rested, l->now_ms + LOOP_REST_MS);
}

void
loop_forget(struct loop *l, int fd)
{
	struct loop_fd *row = find_row(l, fd);

	if (row == NULL)
		return;
	row->fn = NULL;
	row->arg = NULL;
	row->gen++;
	l->n_added--;
	loop_step();
}

void
loop_del(struct loop *l, int fd)
{
	if (find_row(l, fd) == NULL)
		return;
	if (l->epfd >= 0)
		epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
	loop_forget(l, fd);
}

void
loop_post(struct loop *l, struct loop_task *t)
{
	if (t->posted)
		return;
	t->posted = true;
	t->next = NULL;
	*l->tasks_tail = t;
	l->tasks_tail = &t->next;
}

void
loop_unpost(struct loop *l, struct loop_task *t)
{
	struct loop_task **at = &l->tasks;

	if (!t->posted)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (l->tasks_tail == &t->next)
		l->tasks_tail = at;
	t->next = NULL;
	t->posted = false;
}

/* A mark behind the last task divides what is for this turn from what these
 * tasks post themselves. */
static void
run_tasks(struct loop *l)
{
	struct loop_task mark = { NULL, NULL, false }, *t;

	if (l->tasks == NULL)
		return;
	loop_post(l, &mark);
	while ((t = l->tasks) != &mark) {
		loop_unpost(l, t);
		t->fn(t);
	}
	loop_unpost(l, &mark);
}

/* HUP and ERR alone also say IN and OUT: the next read or write finds out. */
static unsigned
to_loop_events(uint32_t ep)
{
	unsigned events = 0;

	if (ep & EPOLLIN)
		events |= LOOP_IN;
	if (ep & EPOLLOUT)
		events |= LOOP_OUT;
	if (ep & EPOLLRDHUP)
		events |= LOOP_HUP | LOOP_IN;
	if (ep & EPOLLHUP)
		events |= LOOP_HUP | LOOP_IN | LOOP_OUT;
	if (ep & EPOLLERR)
		events |= LOOP_ERR | LOOP_IN | LOOP_OUT;
	return (events);
}

static void
call_fd(struct loop *l, const struct epoll_event *ev)
{
	struct loop_fd *row = find_row(l, (int)(uint32_t)ev->data.u64);

	if (row == NULL || row->gen != (uint32_t)(ev->data.u64 >> 32))
		return;                 /* removed earlier in this turn */
	l->n_events++;
	loop_step();
	row->fn(row->arg, to_loop_events(ev->events));
}

/* How long to wait, judged by the time at which the wait begins. */
static int
wait_ms(const struct loop *l, int64_t begin_us, int max_ms)
{
	int64_t ms;

	if (l->tasks != NULL)
		return (0);
	ms = tmr_wheel_next(&l->wheel, begin_us / 1000);
	if (ms < 0 || (max_ms >= 0 && ms > max_ms))
		return (max_ms);
	return (ms > INT_MAX ? INT_MAX : (int)ms);
}

void
loop_turn(struct loop *l, int max_ms)
{
	struct epoll_event events[LOOP_BATCH_MAX];
	int64_t begin_us = clock_mono_us();
	int n;

	l->busy_us += begin_us - l->now_us;
	if (__builtin_expect(l->slow != NULL &&
	    begin_us - l->now_us > l->slow_us, 0))
		l->slow(begin_us - l->now_us);
	max_ms = wait_ms(l, begin_us, max_ms);
	n = l->epfd < 0 ? loop_poll_wait(l, events, loop_batch, max_ms) :
	    epoll_wait(l->epfd, events, loop_batch, max_ms);
	MUST(n >= 0 || errno == EINTR);
	read_clock(l);
	l->idle_us += l->now_us - begin_us;
	l->n_turns++;
	loop_step();
	if (__builtin_expect(l->woken != NULL, 0))
		l->woken();
	for (int i = 0; i < n; i++)
		call_fd(l, &events[i]);
	tmr_wheel_turn(&l->wheel, l->now_ms);
	run_tasks(l);
}

void
loop_run(struct loop *l)
{
	while (!l->stop)
		loop_turn(l, -1);
}

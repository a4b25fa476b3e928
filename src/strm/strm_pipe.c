/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_pipe - long payloads that nobody looks at go from socket to socket
 * through a pipe and never enter this process.
 */
#include "strm_int.h"

#include <cnt/cnt.h>
#include <os/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SPLICE_MIN (64 * 1024)          /* payload left that makes it worth */
#define SPLICE_MAX (1024 * 1024)        /* of one call */
#define SPLICE_SMALL (16 * 1024)        /* less at once is not bulk */
#define PIPE_BYTES (256 * 1024)
#define ROUNDS 8
#define KEPT_PIPES 64

static struct strm_pipe kept[KEPT_PIPES];       /* empty ones for the next */
static unsigned n_kept;
static unsigned n_open;                 /* of this process, kept ones too */

/* This worker's share of maxpipes. */
static unsigned
most_pipes(void)
{
	const struct px_global *g = &px_model->global;
	unsigned all = g->maxpipes >= 0 ? (unsigned)g->maxpipes :
	    fe_conn_limit / 4, n = g->nbthread > 0 ? (unsigned)g->nbthread : 1;

	return ((all + n - 1) / n);
}

static bool
pipe_open(struct strm_pipe *p)
{
	uint32_t bytes;
	int fd[2];

	if (p->rd >= 0)
		return (true);
	if (n_kept > 0) {
		n_kept--;
		p->rd = kept[n_kept].rd;
		p->wr = kept[n_kept].wr;
		p->held = 0;
		return (true);
	}
	if (n_open >= most_pipes() || pipe2(fd, O_NONBLOCK | O_CLOEXEC) != 0)
		return (false);
	bytes = px_model->global.pipe_bytes;
	(void)fcntl(fd[1], F_SETPIPE_SZ, bytes != 0 ? (int)bytes : PIPE_BYTES);
	n_open++;
	p->rd = fd[0];
	p->wr = fd[1];
	p->held = 0;
	CNT_PROC()->pipes_used++;
	return (true);
}

void
strm_pipe_close(struct strm_pipe *p)
{
	if (p->rd < 0)
		return;
	if (p->held == 0 && n_kept < KEPT_PIPES) {
		kept[n_kept++] = *p;
	} else {
		fd_close(&p->rd);
		fd_close(&p->wr);
		n_open--;
	}
	p->rd = p->wr = -1;
	p->held = 0;
}

void
strm_pipe_adopt(struct strm_pipe *p, int rd, int wr, uint32_t held)
{
	p->rd = rd;
	p->wr = wr;
	p->held = held;
	n_open++;
}

void
strm_pipe_disown(struct strm_pipe *p)
{
	if (p->rd >= 0)
		n_open--;
	p->rd = p->wr = -1;
	p->held = 0;
}

static ssize_t
splice_some(int from, int to, size_t n)
{
	ssize_t got;

	do
		got = splice(from, NULL, to, NULL, n,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (got < 0 && errno == EINTR);
	return (got);
}

/* Nothing more goes at this end for now. */
static enum why
await(struct mux_end *e)
{
	if (e->ops->watch != NULL)
		e->ops->watch(e);
	return (WHY_AGAIN);
}

/* Empty the pipe into the sink. */
static enum why
drain(struct strm *s, struct strm_pipe *p, struct mux_end *to)
{
	struct conn *c = to->ops->conn(to);
	ssize_t put;

	while (p->held > 0) {
		if (!c->can_out)
			return (await(to));
		put = splice_some(p->rd, c->fd, p->held);
		if (put < 0 && errno == EAGAIN) {
			c->can_out = false;
			return (await(to));
		}
		if (put <= 0) {
			to->dead = true;
			return (to->client ? WHY_CLI_ABORT : WHY_SRV_ABORT);
		}
		p->held -= (uint32_t)put;
		to->ops->spliced_out(to, (uint64_t)put);
		CNT_PROC()->spliced_out += (uint64_t)put;
		strm_moved(s, !to->client);
	}
	return (WHY_OK);
}

/* Fill the pipe from the source: WHY_OK bytes came, WHY_AGAIN, WHY_EOF. */
static enum why
draw(struct strm_pipe *p, struct mux_end *from, int fd, uint64_t left)
{
	struct conn *c = from->ops->conn(from);
	ssize_t got;

	if (!c->can_in)
		return (await(from));
	got = splice_some(fd, p->wr, left < SPLICE_MAX ? (size_t)left :
	    SPLICE_MAX);
	if (got > 0) {
		p->bulk = (size_t)got >= SPLICE_SMALL;
		p->held += (uint32_t)got;
		from->ops->spliced_in(from, (uint64_t)got);
		return (WHY_OK);
	}
	if (got < 0 && errno == EAGAIN) {
		c->can_in = false;
		return (await(from));
	}
	return (WHY_EOF);               /* a read will find out what it is */
}

/* Where to splice from, when the rest is long. It is tried only while reads
 * come back full: `bulk`. */
static int
worth_it(const struct strm_pipe *p, struct mux_end *from, struct mux_end *to,
    uint64_t *left)
{
	int fd;

	if (!(p->bulk || p->eager) || px_model->global.no_splice)
		return (-1);
	fd = from->ops->splice_in(from, left);
	if (fd < 0 || *left < (p->eager ? SPLICE_SMALL : SPLICE_MIN))
		return (-1);
	if (*left == UINT64_MAX)
		return (to->ops->splice_out(to, 1) < 0 ? -1 : fd);
	return (to->ops->splice_out(to, *left) < 0 ? -1 : fd);
}

enum why
strm_splice(struct strm *s, struct mux_end *from, struct mux_end *to,
    uint64_t most)
{
	struct strm_pipe *p = strm_pipe_of(s, from);
	uint64_t left, begin = from->got;
	enum why why;
	int fd;

	for (int round = 0; ; round++) {
		if (p->held > 0 && (why = drain(s, p, to)) != WHY_OK)
			return (why);
		if (from->got - begin == most)
			return (WHY_OK);
		if ((fd = worth_it(p, from, to, &left)) < 0)
			return (WHY_INTERNAL);
		if (left > most - (from->got - begin))
			left = most - (from->got - begin);
		if (round == strm_rounds(s, ROUNDS)) {
			tmr_arm_at_once(&the_loop->wheel, &s->tmr);
			return (WHY_AGAIN);
		}
		if (!pipe_open(p))
			return (WHY_INTERNAL);
		why = draw(p, from, fd, left);
		if (why == WHY_EOF)
			return (WHY_INTERNAL);
		if (why != WHY_OK)
			return (why);
	}
}

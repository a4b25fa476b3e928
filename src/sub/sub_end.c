/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sub_end - the client end of a request of our own. It always has room, so no
 * stream waits for it, and it is never handed over: the stream of who asks
 * stays where it is until there is an answer.
 */
#include "sub_int.h"

#include <base/must.h>
#include <base/pool.h>
#include <px/px.h>

static struct pool sub_pool = POOL_INIT("sub", sizeof(struct sub));
static const struct mux_end_ops sub_ops;

static struct sub *
sub_of(struct mux_end *e)
{
	return (OBJ(HOLDER(e, struct sub, end), struct sub, SUB_MAGIC));
}

bool
sub_is(const struct txn *t)
{
	return (t->listen != NULL && t->listen->sub);
}

struct px_listen *
sub_listen_new(struct px *px)
{
	struct px_bind *b = arena_zget(px_model->arena, sizeof *b);
	struct px_listen *li = arena_zget(px_model->arena, sizeof *li);

	b->magic = PX_BIND_MAGIC;
	b->px = px;
	b->listens = li;
	b->pos = px->pos;
	px_inherit(&b->slots, PX_OBJ_BIND, NULL);
	li->bind = b;
	li->text = "<SUB>";
	li->sub = true;
	return (li);
}

struct sub *
sub_new(const struct px_listen *listen, const struct addr *src,
    const struct addr *dst, const struct sub_ops *ops, void *arg)
{
	struct sub *s = pool_zget(&sub_pool);

	if (s == NULL)
		return (NULL);
	s->magic = SUB_MAGIC;
	s->end.ops = &sub_ops;
	s->end.client = true;
	s->end.close = true;            /* there is no next one */
	s->conn.magic = CONN_MAGIC;
	s->conn.fd = -1;
	s->conn.xprt = &xprt_raw;
	s->conn.can_out = true;
	s->conn.has_peer = s->conn.has_local = true;
	s->conn.peer = *src;
	s->conn.local = *dst;
	s->listen = listen;
	s->ops = ops;
	s->arg = arg;
	return (s);
}

static void
sub_free(struct sub *s)
{
	conn_close(&s->conn);
	s->magic = 0;
	pool_put(&sub_pool, s);
}

/* The stream is gone, or never came to be. */
static void
finish(struct sub *s)
{
	const struct sub_ops *ops = s->ops;
	void *arg = s->arg;

	sub_free(s);
	if (ops != NULL)
		ops->over(arg);
}

void
sub_start(struct sub *s)
{
	const struct mux_begin b = {
		.listen = s->listen, .head = s->head, .buf = &s->bytes,
		.why = WHY_OK,
		/* "not the first": it may use any connection that is idle */
		.req_no = s->again ? 2 : 1,
		.accept_us = the_loop->now_us,
		.accept_wall_us = the_loop->wall_us,
		.first_byte_us = the_loop->now_us,
		.head_bytes = s->bytes.len,
	};

	s->end.got = s->bytes.len;
	s->end.strm = mux_stream->open(&s->end, &b);
	buf_drop(&s->bytes);
	if (s->end.strm != NULL) {
		mux_stream->wake(&s->end);
		return;
	}
	http_head_free(s->head);
	finish(s);
}

void
sub_drop(struct sub *s)
{
	s->ops = NULL;
	s->end.dead = s->end.eof = true;
	mux_stream->wake(&s->end);
}

/* ---- the contract with the stream ---- */

static enum why
no_payload(struct mux_end *e, struct span *data, struct span *trailers)
{
	(void)e;
	*data = SPAN_NONE;
	if (trailers != NULL)
		*trailers = SPAN_NONE;
	return (WHY_EOF);
}

static enum why
gather(struct mux_end *e, size_t want, struct span *data)
{
	(void)e;
	(void)want;
	*data = SPAN_NONE;
	return (WHY_OK);
}

static void
eat(struct mux_end *e, size_t n)
{
	(void)e;
	(void)n;
}

static enum why
take_head(struct mux_end *e, struct http_head *head)
{
	struct sub *s = sub_of(e);

	/* Interim answers are of no interest, and 101 is none of them. */
	if (s->ops != NULL && (head->status >= 200 || head->status == 101))
		s->ops->answered(s->arg, head);
	return (WHY_OK);
}

static enum why
take_payload(struct mux_end *e, struct span data, struct span trailers,
    unsigned flags, size_t *taken)
{
	struct sub *s = sub_of(e);

	(void)trailers;
	(void)flags;
	if (s->ops != NULL && s->ops->payload != NULL && data.n > 0)
		s->ops->payload(s->arg, data);
	e->put += data.n;
	*taken = data.n;
	return (WHY_OK);
}

/* An answer that no server sent. */
static enum why
take_reply(struct mux_end *e, const struct http_reply *r, bool head_only)
{
	struct http_head *head = http_head_new();
	bool fits = true;
	size_t taken;

	(void)head_only;
	if (head == NULL)
		return (WHY_NOMEM);
	head->status = r->status;
	if (r->content_type.n != 0)
		fits = http_add(head, SPAN("content-type"), r->content_type);
	for (const struct http_reply_hdr *h = r->hdrs; h != NULL; h = h->next)
		fits = fits && http_add(head, h->name, h->value);
	if (fits)
		(void)take_head(e, head);
	http_head_free(head);
	(void)take_payload(e, r->body, SPAN_NONE, 0, &taken);
	return (WHY_OK);
}

static size_t
nothing_unsent(struct mux_end *e)
{
	(void)e;
	return (0);
}

static void
nothing_to_do(struct mux_end *e)
{
	(void)e;
}

static int
no_splice_in(struct mux_end *e, uint64_t *left)
{
	(void)e;
	(void)left;
	return (-1);
}

static int
no_splice_out(struct mux_end *e, uint64_t n)
{
	(void)e;
	(void)n;
	return (-1);
}

static void
spliced(struct mux_end *e, uint64_t n)
{
	(void)e;
	(void)n;
}

static struct conn *
conn_under(struct mux_end *e)
{
	return (&sub_of(e)->conn);
}

/* It is waited for by who asks, who has a deadline. */
static void
no_deadline(struct mux_end *e, int64_t due_ms)
{
	(void)e;
	(void)due_ms;
}

static void
done(struct mux_end *e, bool keep)
{
	(void)keep;
	finish(sub_of(e));
}

static void
aborted(struct mux_end *e, enum why why)
{
	(void)why;
	finish(sub_of(e));
}

static const struct mux_end_ops sub_ops = {
	.name = "sub",
	.http = true,
	.peek = no_payload,
	.gather = gather,
	.eat = eat,
	.send_head = take_head,
	.send = take_payload,
	.send_reply = take_reply,
	.unsent = nothing_unsent,
	.shut = nothing_to_do,
	.tunnel = nothing_to_do,
	.splice_in = no_splice_in,
	.spliced_in = spliced,
	.splice_out = no_splice_out,
	.spliced_out = spliced,
	.conn = conn_under,
	.deadline = no_deadline,
	.done = done,
	.abort = aborted,
};

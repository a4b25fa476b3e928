/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_io - payload in and out of an HTTP/1 connection, for both of its sides.
 *
 * Incoming payload is shown as slices of the input buffer. Outgoing framing
 * (heads, chunk sizes) goes through the small output buffer; payload goes from
 * the other side's buffer to the socket in the same writev.
 */
#include "h1_case.h"
#include "h1_conn.h"

#include <base/must.h>
#include <base/num.h>

#include <stdint.h>

enum why
h1_fill(struct h1_conn *h)
{
	if (!h->conn.can_in) {
		if (h->conn.eof)
			return (WHY_EOF);
		return (h1_watch(h) ? WHY_AGAIN : WHY_EOF);
	}
	if (!buf_hold(&h->in))
		return (WHY_NOMEM);
	if (buf_room(&h->in) < buf_size / 4 && h->held == 0)
		buf_align(&h->in);
	if (buf_room(&h->in) == 0)
		return (WHY_AGAIN);             /* full: the stream must eat */
	switch (conn_fill(&h->conn, &h->in)) {
	case 0:
		buf_drop_empty(&h->in);
		return (h1_watch(h) ? WHY_AGAIN : WHY_EOF);
	case -1:
		h->end.eof = true;
		if (h->conn.err)
			h->end.dead = true;
		buf_drop_empty(&h->in);
		return (WHY_EOF);
	default:
		return (WHY_OK);
	}
}

void
h1_set_rx(struct h1_conn *h, const struct http_head *head)
{
	switch ((enum http_body)head->body) {
	case HTTP_NO_BODY:
		h->rx = H1_FLOW_NONE;
		break;
	case HTTP_LENGTH:
		h->rx = head->length == 0 ? H1_FLOW_NONE : H1_FLOW_LENGTH;
		h->rx_left = head->length;
		break;
	case HTTP_CHUNKED:
		h->rx = H1_FLOW_CHUNKED;
		h1_chunk_init(&h->rx_chunk);
		break;
	case HTTP_UNTIL_CLOSE:
		h->rx = H1_FLOW_CLOSE;
		h->end.close = true;
		break;
	case HTTP_TUNNEL:
		h->rx = H1_FLOW_TUNNEL;
		h->end.close = true;
		break;
	}
}

static void
let_go(struct h1_conn *h)
{
	if (h->held != 0) {
		buf_eat(&h->in, h->held);
		h->held = 0;
	}
}

/* What an end of input in the middle of a message is called on this side. */
static enum why
cut_short(const struct h1_conn *h)
{
	return (h->end.client ? WHY_CLI_ABORT : WHY_SRV_ABORT);
}

static enum why
broken(const struct h1_conn *h)
{
	return (h->end.client ? WHY_REQ_BAD : WHY_RES_BAD);
}

/* Is what follows the payload in the buffer just the end of the message? */
static bool
ends_behind(const struct h1_conn *h, size_t n)
{
	struct h1_chunk after = h->rx_chunk;
	size_t skip, data;
	struct span trail = SPAN_NONE;

	if (after.left != n)
		return (false);
	after.left = 0;
	after.state = H1_CHUNK_DATA_CR;
	return (h1_chunk_next(&after, span_skip(buf_peek(&h->in), n), &skip,
	    &data, &trail) == WHY_EOF && trail.n == 0);
}

static enum why
peek_chunked(struct h1_conn *h, struct span *data, struct span *trail)
{
	struct span t = SPAN_NONE;
	size_t skip, n;
	enum why why;

	for (;;) {
		if (h->in.len == 0 && (why = h1_fill(h)) != WHY_OK)
			return (why == WHY_EOF ? cut_short(h) : why);
		skip = n = 0;
		why = h1_chunk_next(&h->rx_chunk, buf_peek(&h->in), &skip, &n,
		    &t);
		if (why == WHY_EOF) {
			if (t.n > 0 && !h1_trailers_ok(t))
				return (broken(h));
			h->rx = H1_FLOW_NONE;
			h->held = (uint32_t)skip;
			if (trail != NULL)
				*trail = t;
			if (t.n == 0)
				let_go(h);
			return (WHY_EOF);
		}
		if (why != WHY_OK && why != WHY_AGAIN)
			return (broken(h));
		if (skip > 0)
			buf_eat(&h->in, skip);
		if (why == WHY_OK && n > 0) {
			/* shown, not eaten */
			h->rx_chunk.left += n;
			h->rx_chunk.state = H1_CHUNK_DATA;
			*data = span_of(h->in.data + h->in.off, n);
			h->end.last = ends_behind(h, n);
			return (WHY_OK);
		}
		if (h->in.len == buf_size)      /* trailers beyond reason */
			return (broken(h));
		if ((why = h1_fill(h)) != WHY_OK)
			return (why == WHY_EOF ? cut_short(h) : why);
	}
}

enum why
h1_end_peek(struct mux_end *e, struct span *data, struct span *trail)
{
	struct h1_conn *h = h1_of(e);
	enum why why;

	let_go(h);
	e->last = false;
	switch ((enum h1_flow)h->rx) {
	case H1_FLOW_NONE:
		return (WHY_EOF);
	case H1_FLOW_HEAD:
		return (WHY_AGAIN);
	case H1_FLOW_CHUNKED:
		return (peek_chunked(h, data, trail));
	case H1_FLOW_LENGTH:
		if (h->in.len == 0 && (why = h1_fill(h)) != WHY_OK)
			return (why == WHY_EOF ? cut_short(h) : why);
		*data = buf_peek(&h->in);
		if (data->n >= h->rx_left) {
			data->n = (size_t)h->rx_left;
			e->last = true;
		}
		return (WHY_OK);
	case H1_FLOW_CLOSE:
	case H1_FLOW_TUNNEL:
		if (h->in.len == 0 && (why = h1_fill(h)) != WHY_OK)
			return (why == WHY_EOF && h->conn.err ?
			    cut_short(h) : why);
		*data = buf_peek(&h->in);
		return (WHY_OK);
	}
	return (WHY_INTERNAL);
}

/* How much payload is here, in one piece: WHY_EOF with the last of it. */
static enum why
count_here(struct h1_conn *h, size_t *here)
{
	size_t n = h->in.len - h->held, all = n;
	enum why why;

	*here = n;
	switch ((enum h1_flow)h->rx) {
	case H1_FLOW_HEAD:
	case H1_FLOW_CLOSE:
		return (WHY_AGAIN);
	case H1_FLOW_LENGTH:
		if (n < h->rx_left)
			return (WHY_AGAIN);
		*here = (size_t)h->rx_left;
		return (WHY_EOF);
	case H1_FLOW_CHUNKED:
		if (n == 0)
			return (WHY_AGAIN);
		why = h1_chunk_merge(&h->rx_chunk, h->in.data + h->in.off +
		    h->held, &n, here);
		h->in.len -= (uint32_t)(all - n);
		return (why == WHY_AGAIN || why == WHY_EOF ? why : broken(h));
	case H1_FLOW_NONE:
		*here = 0;
		return (WHY_EOF);
	case H1_FLOW_TUNNEL:
		return (WHY_EOF);
	}
	return (WHY_INTERNAL);
}

enum why
h1_end_gather(struct mux_end *e, size_t want, struct span *data)
{
	struct h1_conn *h = h1_of(e);
	size_t here;
	enum why why;

	for (;;) {
		why = count_here(h, &here);
		*data = here == 0 ? SPAN_NONE :
		    span_of(h->in.data + h->in.off + h->held, here);
		if (why != WHY_AGAIN)
			return (why == WHY_EOF ? WHY_OK : why);
		if ((want != 0 && here >= want) || h->in.len == buf_size)
			return (WHY_OK);
		if (h->held != 0 && buf_room(&h->in) == 0)
			return (WHY_OK);        /* a head is in the way */
		if ((why = h1_fill(h)) == WHY_EOF)
			return (h->rx == H1_FLOW_CLOSE && !h->conn.err ?
			    WHY_OK : cut_short(h));
		if (why != WHY_OK)
			return (why);
	}
}

/* peek saw that only the end of the message is behind what was eaten. */
static void
eat_last_chunk(struct h1_conn *h)
{
	size_t skip, n;

	if (h1_chunk_next(&h->rx_chunk, buf_peek(&h->in), &skip, &n, NULL) !=
	    WHY_EOF)
		return;
	buf_eat(&h->in, skip);
	h->rx = H1_FLOW_NONE;
}

void
h1_end_eat(struct mux_end *e, size_t n)
{
	struct h1_conn *h = h1_of(e);

	MUST(n <= h->in.len);
	e->got += n;
	buf_eat(&h->in, n);
	if (h->rx == H1_FLOW_LENGTH) {
		h->rx_left -= n;
		if (h->rx_left == 0)
			h->rx = H1_FLOW_NONE;
	} else if (h->rx == H1_FLOW_CHUNKED) {
		h->rx_chunk.left -= n;
		if (h->rx_chunk.left == 0)
			h->rx_chunk.state = H1_CHUNK_DATA_CR;
		if (h->rx_chunk.left == 0 && e->last)
			eat_last_chunk(h);
	}
	buf_drop_empty(&h->in);
}

static enum why
await_room(struct h1_conn *h)
{
	return (h1_watch(h) ? WHY_AGAIN : cut_short(h));
}

enum why
h1_flush(struct h1_conn *h)
{
	struct iovec v;
	ssize_t put;

	if (h->out.len == 0)
		return (WHY_OK);
	if (!h->conn.can_out)
		return (await_room(h));
	v = (struct iovec){ h->out.data + h->out.off, h->out.len };
	put = h->conn.xprt->send(&h->conn, &v, 1);
	if (put < 0) {
		h->end.dead = true;
		return (cut_short(h));
	}
	if (put > 0)
		h->end.connected = true;
	buf_eat(&h->out, (size_t)put);
	if (h->out.len > 0)
		return (await_room(h));
	buf_drop(&h->out);
	return (WHY_OK);
}

/*
 * One writev of what is queued, `n` payload bytes and what frames their end.
 * Returns as send; *taken payload bytes went.
 */
static enum why
write_out(struct h1_conn *h, struct span data, struct span tail, size_t *taken)
{
	struct iovec v[3];
	size_t queued = h->out.len, left, n = 0;
	ssize_t put;

	*taken = 0;
	if (!h->conn.can_out)
		return (await_room(h));
	if (queued > 0)
		v[n++] = (struct iovec){ h->out.data + h->out.off, queued };
	if (data.n > 0)
		v[n++] = (struct iovec){ (char *)(uintptr_t)data.p, data.n };
	if (tail.n > 0)
		v[n++] = (struct iovec){ (char *)(uintptr_t)tail.p, tail.n };
	if (n == 0)
		return (WHY_OK);
	put = h->conn.xprt->send(&h->conn, v, (int)n);
	if (put < 0) {
		h->end.dead = true;
		return (cut_short(h));
	}
	if (put == 0)
		return (await_room(h));
	h->end.connected = true;
	left = (size_t)put;
	if (left < queued) {
		buf_eat(&h->out, left);
		return (await_room(h));
	}
	if (queued > 0) {
		left -= queued;
		buf_drop(&h->out);
	}
	*taken = left < data.n ? left : data.n;
	if (*taken < data.n)
		return (await_room(h));
	left -= data.n;
	if (left == tail.n)
		return (WHY_OK);
	if (!buf_hold(&h->out) || !buf_add(&h->out, span_skip(tail, left)))
		return (WHY_NOMEM);
	return (await_room(h));
}

/* Room for `n` bytes behind what is queued, which is written if need be. */
static enum why
make_room(struct h1_conn *h, size_t n)
{
	enum why why;

	if (buf_size - h->out.len < n && (why = h1_flush(h)) != WHY_OK)
		return (why);
	if (n > buf_size || !buf_hold(&h->out))
		return (WHY_NOMEM);
	if (buf_room(&h->out) < n)
		buf_align(&h->out);
	return (WHY_OK);
}

/* The last chunk and its trailers, through the output buffer. */
static enum why
end_chunks(struct h1_conn *h, struct span trailers)
{
	size_t none;
	enum why why = make_room(h, trailers.n + 8);

	if (why != WHY_OK)
		return (why);
	(void)buf_add(&h->out, SPAN("0\r\n"));
	(void)buf_add(&h->out, trailers);
	if (trailers.n != 0 && h1_spells(h))
		h1_case_fields(buf_tail(&h->out) - trailers.n, trailers.n);
	(void)buf_add(&h->out, SPAN("\r\n"));
	h->tx = H1_FLOW_NONE;
	h->tx_open = false;
	return (write_out(h, SPAN_NONE, SPAN_NONE, &none));
}

static enum why
send_chunked(struct h1_conn *h, struct span data, struct span trailers,
    unsigned flags, size_t *taken)
{
	struct span tail = SPAN("\r\n");
	bool last;
	enum why why;

	*taken = 0;
	if (data.n == 0 && h->tx_left == 0)
		return ((flags & MUX_END) != 0 ? end_chunks(h, trailers) :
		    h1_flush(h));
	if (h->tx_left == 0) {
		if ((why = make_room(h, H1_CHUNK_HEAD_MAX)) != WHY_OK)
			return (why);
		buf_wrote(&h->out, h1_emit_chunk(buf_tail(&h->out), data.n));
		h->tx_left = data.n;
	}
	if (data.n > h->tx_left)
		data.n = (size_t)h->tx_left;    /* finish what was announced */
	else if (data.n < h->tx_left)
		tail.n = 0;
	last = (flags & MUX_END) != 0 && trailers.n == 0 && tail.n > 0 &&
	    data.n == h->tx_left;
	if (last)
		tail = SPAN("\r\n0\r\n\r\n");
	why = write_out(h, data, tail, taken);
	h->tx_left -= *taken;
	if (*taken == data.n && last) {
		h->tx = H1_FLOW_NONE;
		h->tx_open = false;
	}
	return (why);
}

static enum why
send_framed(struct h1_conn *h, struct span data, struct span trailers,
    unsigned flags, size_t *taken)
{
	enum why why;

	switch ((enum h1_flow)h->tx) {
	case H1_FLOW_CHUNKED:
		return (send_chunked(h, data, trailers, flags, taken));
	case H1_FLOW_LENGTH:
		if (data.n > h->tx_left)
			data.n = (size_t)h->tx_left;
		why = write_out(h, data, SPAN_NONE, taken);
		h->tx_left -= *taken;
		if (h->tx_left == 0) {
			h->tx = H1_FLOW_NONE;
			h->tx_open = false;
		}
		return (why);
	case H1_FLOW_CLOSE:
	case H1_FLOW_TUNNEL:
		why = write_out(h, data, SPAN_NONE, taken);
		if ((flags & MUX_END) != 0 && *taken == data.n) {
			h->tx = H1_FLOW_NONE;
			h->tx_open = false;
		}
		return (why);
	case H1_FLOW_NONE:
	case H1_FLOW_HEAD:
		*taken = data.n;                /* nothing may follow */
		return (h1_flush(h));
	}
	return (WHY_INTERNAL);
}

enum why
h1_end_send(struct mux_end *e, struct span data, struct span trailers,
    unsigned flags, size_t *taken)
{
	struct h1_conn *h = h1_of(e);
	enum why why;

	*taken = 0;
	if (e->dead)
		return (cut_short(h));
	why = send_framed(h, data, trailers, flags, taken);
	e->put += *taken;
	return (why);
}

/* How the payload behind a head that we send is framed. */
static void
set_tx(struct h1_conn *h, const struct http_head *head,
    const struct h1_emit *emit)
{
	h->tx_open = true;
	h->tx_left = 0;
	switch (emit->body) {
	case HTTP_NO_BODY:
		h->tx = H1_FLOW_NONE;
		h->tx_open = !head->request && head->status < 200;
		break;
	case HTTP_LENGTH:
		h->tx = head->length == 0 ? H1_FLOW_NONE : H1_FLOW_LENGTH;
		h->tx_left = head->length;
		h->tx_open = head->length != 0;
		break;
	case HTTP_CHUNKED:
		h->tx = H1_FLOW_CHUNKED;
		break;
	case HTTP_UNTIL_CLOSE:
		h->tx = H1_FLOW_CLOSE;
		break;
	case HTTP_TUNNEL:
		h->tx = H1_FLOW_TUNNEL;
		break;
	}
}

enum why
h1_queue_head(struct h1_conn *h, struct http_head *head,
    const struct h1_emit *emit)
{
	size_t n;

	if (!buf_hold(&h->out))
		return (WHY_NOMEM);
	if (h->out.off != 0)
		buf_align(&h->out);
	n = h1_emit_head(buf_tail(&h->out), buf_room(&h->out), head, emit);
	if (n == 0)
		return (head->request ? WHY_REQ_HEAD_LONG :
		    WHY_RES_HEAD_LONG);
	buf_wrote(&h->out, n);
	h->end.put += n;
	set_tx(h, head, emit);
	return (WHY_OK);
}

size_t
h1_end_unsent(struct mux_end *e)
{
	return (h1_of(e)->out.len);
}

void
h1_end_shut(struct mux_end *e)
{
	struct h1_conn *h = h1_of(e);

	if (h->out.len == 0)
		conn_shut(&h->conn);
	h->tx = H1_FLOW_NONE;
	h->tx_open = false;
}

void
h1_end_tunnel(struct mux_end *e)
{
	struct h1_conn *h = h1_of(e);

	h->rx = H1_FLOW_TUNNEL;
	h->tx = H1_FLOW_TUNNEL;
	h->tx_open = true;
	e->close = true;
}

int
h1_end_splice_in(struct mux_end *e, uint64_t *left)
{
	struct h1_conn *h = h1_of(e);

	if (h->in.len > h->held || !h->conn.xprt->raw || h->conn.fd < 0 ||
	    h->conn.eof)
		return (-1);
	switch ((enum h1_flow)h->rx) {
	case H1_FLOW_LENGTH:
		*left = h->rx_left;
		return (h->conn.fd);
	case H1_FLOW_CLOSE:
	case H1_FLOW_TUNNEL:
		*left = UINT64_MAX;
		return (h->conn.fd);
	default:
		return (-1);
	}
}

void
h1_end_spliced_in(struct mux_end *e, uint64_t n)
{
	struct h1_conn *h = h1_of(e);

	let_go(h);
	buf_drop_empty(&h->in);
	e->got += n;
	if (h->rx != H1_FLOW_LENGTH)
		return;
	h->rx_left -= n;
	if (h->rx_left == 0)
		h->rx = H1_FLOW_NONE;
}

int
h1_end_splice_out(struct mux_end *e, uint64_t n)
{
	struct h1_conn *h = h1_of(e);

	if (h->out.len > 0 || !h->conn.xprt->raw || e->dead)
		return (-1);
	if (h->tx == H1_FLOW_CLOSE || h->tx == H1_FLOW_TUNNEL ||
	    (h->tx == H1_FLOW_LENGTH && h->tx_left >= n))
		return (h->conn.fd);
	return (-1);
}

void
h1_end_spliced_out(struct mux_end *e, uint64_t n)
{
	struct h1_conn *h = h1_of(e);

	e->put += n;
	if (h->tx != H1_FLOW_LENGTH)
		return;
	h->tx_left -= n;
	if (h->tx_left == 0) {
		h->tx = H1_FLOW_NONE;
		h->tx_open = false;
	}
}

uint32_t
h1_end_number(const struct mux_end *e)
{
	return (HOLDER(e, const struct h1_conn, end)->req_no);
}

struct conn *
h1_end_conn(struct mux_end *e)
{
	return (&h1_of(e)->conn);
}

void
h1_end_deadline(struct mux_end *e, int64_t due_ms)
{
	tmr_arm(&the_loop->wheel, &h1_of(e)->tmr, due_ms);
}

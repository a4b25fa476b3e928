/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_CONN_H
#define H1_CONN_H
/*
 * h1 connections, client and server side, inside the room.
 *
 * One object per connection. While it waits between messages it holds no
 * buffer and no stream; `end` is what a stream sees of it.
 */
#include <h1/h1.h>
#include <hand/hand.h>
#include <mux/mux.h>
#include <os/tmr.h>
#include <srv/srv.h>

/* Where a connection is. The numbers stand in frozen images. */
enum h1_state {
	H1_IDLE = 0,            /* client: waits for a request; server: in the
	                         * pool */
	H1_GREET = 1,           /* client: a PROXY header or a handshake must
	                         * come first */
	H1_HEAD = 2,            /* client: part of a request head is here */
	H1_BUSY = 3,            /* a stream is attached */
	H1_FLUSH = 4,           /* the rest of the output, then H1_LINGER */
	H1_LINGER = 5,          /* our side is shut: swallow what still comes */
	H1_CLOSED = 6
};

/* The payload of the message that is coming in, or going out. */
enum h1_flow {
	H1_FLOW_NONE = 0,       /* over, or there is none */
	H1_FLOW_HEAD = 1,       /* receiving: the head is not here yet */
	H1_FLOW_LENGTH = 2,
	H1_FLOW_CHUNKED = 3,
	H1_FLOW_CLOSE = 4,      /* until the connection ends */
	H1_FLOW_TUNNEL = 5
};

struct h1_conn {
	unsigned magic;
#define H1_CONN_MAGIC 0x6a1c09e3
	uint8_t state;          /* enum h1_state */
	uint8_t rx, tx;         /* enum h1_flow */
	uint8_t meth;           /* enum http_meth of the request */
	struct conn conn;
	struct mux_end end;
	struct tmr tmr;
	struct hand_item hand;
	struct buf in, out;
	uint64_t rx_left;       /* H1_FLOW_LENGTH */
	uint64_t tx_left;       /* LENGTH: of the body; CHUNKED: of the chunk
	                         * whose size has been announced */
	struct h1_chunk rx_chunk;
	uint32_t scan;          /* head bytes searched for its end */
	uint32_t held;          /* bytes at the start of `in` that the stream
	                         * still looks at */
	uint32_t req_no;        /* exchanges on it that began */
	bool first : 1;         /* client: no request was complete yet */
	bool tx_open : 1;       /* a head was sent, its message is not over */
	bool http10 : 1;        /* the peer's message was HTTP/1.0 */
	bool in_pool : 1;       /* server: counted in srv->idle */
	bool counted : 1;       /* client: fe_enter() was done */
	bool got_bytes : 1;     /* client: something came on it */
	bool want_close : 1;    /* client: our message said so */
	bool frozen : 1;        /* on its way to another worker */
	bool stays : 1;         /* client: the next generation does not take it,
	                         * the next response is its last */
	bool switched : 1;      /* client: it began in mode tcp */
	bool proxied : 1;       /* Proxy-Connection counts for this exchange:
	                         * option http-use-proxy-header */
	union {
		struct {
			const struct px_listen *listen;
			int64_t since_us;       /* this wait began */
			int64_t handshake_us;
			int64_t first_byte_us;
			struct list owned;      /* server connections that
			                         * only this client may use
			                         * (http-reuse never), idle:
			                         * srv.idle.node */
		} cli;
		struct {
			struct srv_idle idle;   /* and which server it is */
			struct h1_conn *owner;  /* client of this exchange */
		} srv;
	};
};

/*
 * h1_client_new, h1_server_new - without a descriptor; NULL without memory.
 * h1_conn_free - close and free. h1_client_free - the same for a client, with
 * all that only it uses.
 */
struct h1_conn *h1_client_new(const struct px_listen *);
struct h1_conn *h1_server_new(struct srv *);
struct h1_conn *h1_conn_new(bool client);
void h1_conn_free(struct h1_conn *);
void h1_client_free(struct h1_conn *);

/* ---- h1_freeze.c ---- */

/* h1_serve - read the next request here, whoever else might. h1_stay - it does
 * not go over: closed (and freed) where nothing happens, else its next response
 * is the last. h1_stay_politely - one that may wait for a response to say so
 * waits. */
void h1_serve(struct h1_conn *);
void h1_stay(struct h1_conn *);
void h1_stay_politely(struct h1_conn *);

/* h1_may_travel - list it for hand-overs. The others are as in mux_end_ops
 * and mux_proto, for server ends. */
void h1_may_travel(struct h1_conn *);
bool h1_may_cross(const struct mux_end *, const char **why);
int h1_freeze(struct mux_end *, struct wire_out *);
void h1_gone(struct mux_end *);
void h1_back(struct mux_end *);
struct mux_end *h1_thaw(struct wire_in *, int fd, struct srv *, struct txn *,
    void *strm, const char **why);

/* ---- h1_switch.c: see mux_proto ---- */
enum why h1_look(struct span, struct http_head *, const struct px *fe);
struct mux_end *h1_take(struct mux_end *, void *strm);

/* h1_session_conns - how many connections to servers a client may keep for
 * itself (http-reuse never): max-session-srv-conns of its frontend. */
unsigned h1_session_conns(const struct px *fe);

/* h1_most_requests - of a connection of a client; 0: any number. */
uint32_t h1_most_requests(const struct px *fe);

/* h1_owned_close - the client goes: so do the connections it owned. */
void h1_owned_close(struct h1_conn *client);

/* h1_server_connect - see mux_proto.connect */
struct mux_end *h1_server_connect(struct srv *, struct txn *, bool reuse,
    void *strm, enum why *err);

/* The end's half that both sides share: h1_io.c */
enum why h1_end_peek(struct mux_end *, struct span *data, struct span *trail);
enum why h1_end_gather(struct mux_end *, size_t want, struct span *data);
void h1_end_eat(struct mux_end *, size_t n);
enum why h1_end_send(struct mux_end *, struct span data, struct span trailers,
    unsigned flags, size_t *taken);
size_t h1_end_unsent(struct mux_end *);
void h1_end_shut(struct mux_end *);
void h1_end_tunnel(struct mux_end *);
int h1_end_splice_in(struct mux_end *, uint64_t *left);
void h1_end_spliced_in(struct mux_end *, uint64_t n);
int h1_end_splice_out(struct mux_end *, uint64_t n);
void h1_end_spliced_out(struct mux_end *, uint64_t n);
uint32_t h1_end_number(const struct mux_end *);
struct conn *h1_end_conn(struct mux_end *);
void h1_end_deadline(struct mux_end *, int64_t due_ms);

/* h1_set_rx - how the payload of a received head comes in. */
void h1_set_rx(struct h1_conn *, const struct http_head *);

/* h1_queue_head - put a head into the output; it leaves with the next send. */
enum why h1_queue_head(struct h1_conn *, struct http_head *,
    const struct h1_emit *);

/* h1_flush - send what is queued: WHY_OK all went, WHY_AGAIN, or the error. */
enum why h1_flush(struct h1_conn *);

/* h1_spells - names that go out here are spelled by h1-case-adjust. */
static inline bool
h1_spells(const struct h1_conn *h)
{
	return (h->end.client ? px_opt(h->cli.listen->bind->px,
	    PX_OPT_H1_CASE_CLIENT) : px_opt(h->srv.idle.srv->be->px,
	    PX_OPT_H1_CASE_SERVER));
}

/* h1_watch - register a connection that has to wait; false: it is broken now.
 * Those to servers are from their start. */
bool h1_watch(struct h1_conn *);
void h1_on_server(void *conn, unsigned events);

/* h1_fill - read once into `in`: WHY_OK bytes came, WHY_AGAIN, WHY_EOF. */
enum why h1_fill(struct h1_conn *);

static inline struct h1_conn *
h1_of(struct mux_end *e)
{
	return (HOLDER(e, struct h1_conn, end));
}

/* h1_owner - the client that may keep connections to servers for itself, for a
 * stream of its own; NULL: none does. */
static inline struct h1_conn *
h1_owner(const struct txn *t)
{
	return (t->session == NULL ? NULL : h1_of(t->session));
}
#endif

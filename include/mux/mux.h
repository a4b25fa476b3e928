/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUX_MUX_H
#define MUX_MUX_H
/*
 * mux - the contract between a stream and the protocols at its two ends.
 *
 * A protocol offers a stream one `mux_end` per exchange: where a message
 * comes from and where the other goes to. The stream pulls: it is told that
 * something changed (mux_wake) and then takes what there is. Neither includes
 * the other.
 *
 * Framing belongs to the protocol: a stream sees heads and payload bytes. A
 * payload is a slice of the source's buffer, handed to the sink's writev, so
 * it is never copied on the way.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/buf.h>
#include <base/span.h>
#include <base/why.h>
#include <expr/txn.h>
#include <hand/hand.h>
#include <http/http.h>
#include <xprt/conn.h>

struct be;
struct mux_end;
struct srv;
struct wire_in;
struct wire_out;

/* What a client end knows when a stream begins. */
struct mux_begin {
	const struct px_listen *listen;
	struct http_head *head;         /* taken by the stream; NULL: mode tcp */
	struct buf *buf;                /* what `head` slices point into; the
	                                 * contents are given to the stream */
	enum why why;                   /* not OK: the head is malformed (its
	                                 * slices must not be used) or never
	                                 * came: answer and log it */
	uint32_t req_no;                /* of this connection, from 1 */
	int64_t accept_us, accept_wall_us;      /* when this one could begin */
	int64_t handshake_us;           /* PROXY, TLS took until then */
	int64_t first_byte_us;          /* 0: none came */
	uint64_t head_bytes;            /* of the head, for the byte counts */
};

/* What the stream offers: set by room strm. */
struct mux_stream_ops {
	/*
	 * open - a message (or connection, in mode tcp) begins on a client end:
	 * make a stream for it. NULL without memory; the protocol then closes
	 * by itself. The stream runs at the next wake, which the protocol
	 * calls.
	 */
	void *(*open)(struct mux_end *cli, const struct mux_begin *);
	/* message - the first message on an end that changed its protocol and
	 * has its stream already (mux_proto.take); wake() follows. */
	void (*message)(struct mux_end *cli, const struct mux_begin *);
	/*
	 * session - a client connection is complete: its PROXY header was read
	 * and its handshake is over, and nothing behind them. False: it is to
	 * be closed without a word.
	 */
	bool (*session)(struct conn *, const struct px_listen *);
	/* wake - something changed at this end: bytes, room, the end, an error */
	void (*wake)(struct mux_end *);
	/* expired - the deadline of this end (mux_end_ops.deadline) passed */
	void (*expired)(struct mux_end *);
	/* malformed - what was wrong, for "show errors": called before the end
	 * reports WHY_REQ_BAD and the like. `px` is the proxy that received
	 * it; `strm` may be NULL. */
	void (*malformed)(struct mux_end *, const struct px *,
	    struct span bytes, size_t at);

	/* ---- hand-over: the stream goes along with its client end ---- */

	/* what - the word for reports. can_freeze, freeze, gone, back, start:
	 * as in struct hand_kind, for the stream and its server end; the
	 * stream of a client end that is gone is freed. */
	const char *(*what)(const struct mux_end *cli);
	enum hand_when (*can_freeze)(struct mux_end *cli, const char **why);
	bool (*freeze)(struct mux_end *cli, struct wire_out *, int *fds,
	    size_t *n_fds);
	void (*gone)(struct mux_end *cli);
	void (*back)(struct mux_end *cli, bool stays);
	/* thaw - make the stream again. *used: how many descriptors it took.
	 * False: none, *why says what is wrong. */
	bool (*thaw)(struct mux_end *cli, const struct px_listen *,
	    struct wire_in *, const int *fds, size_t n_fds, size_t *used,
	    const char **why);
	void (*start)(struct mux_end *cli);
};
extern const struct mux_stream_ops *mux_stream;

/* mux_leaving - this process leaves. mux_ending - connections end with their
 * exchange. */
extern bool mux_leaving, mux_ending;

/*
 * mux_leave - set mux_leaving and have the protocols close what is idle: at
 * once with spread_ms 0, and mux_ending is set; else spread over so long, each
 * connection at a moment of its own, and mux_ending is set when that is over;
 * MUX_NEVER: not at all, connections end when they would anyway.
 */
#define MUX_NEVER (-1)
void mux_leave(int64_t spread_ms);

/* mux_is_due - the moment of this client's connection, any address that is its
 * own, has come. */
bool mux_is_due(const void *conn);

enum mux_flag {
	MUX_END = 1             /* nothing follows: the message is complete */
};

struct mux_given;

struct mux_end_ops {
	const char *name;               /* "h1", "tcp" */
	bool http;                      /* its messages have heads */

	/* ---- receiving ---- */

	/*
	 * head - the message head, when it has arrived whole.
	 *
	 * Server ends: WHY_OK with the head (1xx included, one at a time);
	 * WHY_AGAIN; WHY_SRV_ABORT when the server closed before or within;
	 * WHY_RES_BAD, WHY_RES_HEAD_LONG. Client ends have it before open().
	 * Slices are valid until the next head, peek or done.
	 */
	enum why (*head)(struct mux_end *, struct http_head *);

	/*
	 * peek - payload that is there: WHY_OK with n > 0 bytes; WHY_AGAIN;
	 * WHY_EOF after the last; else the reason the message broke.
	 * It reads from the transport when it has none. *trailers (may be
	 * NULL) is set with WHY_EOF when there was a trailer section.
	 */
	enum why (*peek)(struct mux_end *, struct span *data,
	    struct span *trailers);
	/*
	 * gather - read on, and show all payload that is here in one piece,
	 * without touching the head. WHY_OK: that is the whole payload, or at
	 * least `want` bytes of it (0: no limit), or there is no room for
	 * more; WHY_AGAIN: more may come; else the reason the message broke.
	 * *data: what is here in any case. NULL: opaque bytes, see peek.
	 */
	enum why (*gather)(struct mux_end *, size_t want, struct span *data);
	/* eat - `n` bytes of what peek showed are done. */
	void (*eat)(struct mux_end *, size_t n);

	/* ---- sending ---- */

	/* send_head - queue a head; its `body` says how the payload will be
	 * framed. It leaves with the first send. WHY_OK, or why it does not
	 * fit. */
	enum why (*send_head)(struct mux_end *, struct http_head *);
	/* send - what is queued and `data` behind it; *taken payload bytes went.
	 * WHY_OK when all went; WHY_AGAIN: no room now. With MUX_END the
	 * message is over behind `data`, and `trailers` may follow it; saying
	 * so again is harmless. */
	enum why (*send)(struct mux_end *, struct span data,
	    struct span trailers, unsigned flags, size_t *taken);
	/* send_reply - queue a whole reply on a client end. */
	enum why (*send_reply)(struct mux_end *, const struct http_reply *,
	    bool head_only);
	/* unsent - bytes queued here that the kernel has not taken. */
	size_t (*unsent)(struct mux_end *);
	/* shut - half-close: our message is over and no other will come
	 * (tunnels, mode tcp). */
	void (*shut)(struct mux_end *);

	/* ---- both ---- */

	/* tunnel - from here on bytes are opaque both ways. */
	void (*tunnel)(struct mux_end *);
	/* splice_in - descriptor to splice from and how many payload bytes may
	 * be taken (UINT64_MAX: until the end); -1 when there are buffered
	 * ones or framing. spliced_in - that many were. splice_out - where to. */
	int (*splice_in)(struct mux_end *, uint64_t *left);
	void (*spliced_in)(struct mux_end *, uint64_t n);
	int (*splice_out)(struct mux_end *, uint64_t n);
	void (*spliced_out)(struct mux_end *, uint64_t n);
	/* watch - a client end: notice from now on when the peer closes, even
	 * while nothing is awaited from it; may be NULL: it always is */
	void (*watch)(struct mux_end *);
	/* kept_srv - a client end: the server of that backend to which it has a
	 * connection of its own, unused now; the last one, or NULL */
	struct srv *(*kept_srv)(struct mux_end *, const struct be *);
	/* number - which exchange of its connection this is, from 1; NULL:
	 * there is but one */
	uint32_t (*number)(const struct mux_end *);
	/* conn - the connection under it (addresses, transport). */
	struct conn *(*conn)(struct mux_end *);
	/* deadline - when to call expired(), absolute ms; CLOCK_NEVER: not. */
	void (*deadline)(struct mux_end *, int64_t due_ms);

	/*
	 * done - the stream lets go of this end: the exchange is over and the
	 * connection may serve another, or ends. `keep` false: end it.
	 * The end is not valid afterwards. It may synchronously start the next
	 * exchange, not on the stack of the stream but from the loop.
	 */
	void (*done)(struct mux_end *, bool keep);
	/* abort - as done, resetting: the peer must notice that the message is
	 * not complete. */
	void (*abort)(struct mux_end *, enum why);

	/* give - a client end parts with its connection and what it has read,
	 * and is freed: another protocol goes on. NULL: cannot. */
	void (*give)(struct mux_end *, struct mux_given *);

	/* ---- hand-over of server ends (hand/hand.h); client ends are
	 * known to that room by themselves. NULL: cannot cross ---- */

	/* may_cross - can it be written down? Else *why. freeze - stop serving
	 * and append the state; the descriptor is returned and stays ours.
	 * gone - it is served elsewhere: free it all, the peer must not
	 * notice. back - serve on. */
	bool (*may_cross)(const struct mux_end *, const char **why);
	int (*freeze)(struct mux_end *, struct wire_out *);
	void (*gone)(struct mux_end *);
	void (*back)(struct mux_end *);
};

struct mux_end {
	const struct mux_end_ops *ops;
	void *strm;                     /* opaque; NULL: none attached */
	bool client;                    /* else server end */
	bool connected;                 /* server end: may be used */
	bool reused;                    /* server end: served another before */
	bool eof;                       /* peer closed its sending side */
	bool dead;                      /* broken: nothing can be sent */
	uint8_t why;                    /* server end that is dead without having
	                                 * been connected: enum why; 0: it was
	                                 * refused */
	bool close;                     /* cannot be kept after this message */
	bool last;                      /* peek: its data is the end of the
	                                 * payload, and no trailers follow */
	uint64_t got, put;              /* heads and payload of this exchange,
	                                 * bytes, framing not counted */
};

/*
 * mux_end_put, mux_end_get - what every end has, in a hand-over. A thawed end
 * is neither dead nor does it have a stream yet. False with in->err.
 */
void mux_end_put(const struct mux_end *, struct wire_out *);
bool mux_end_get(struct mux_end *, struct wire_in *);

/*
 * mux_listen_put, mux_listen_get - where a client came in, by name. `idle`:
 * one that waits for a request may change to the frontend that has the
 * address now. NULL: the configuration lacks it, *why says what.
 */
void mux_listen_put(const struct px_listen *, struct wire_out *);
const struct px_listen *mux_listen_get(struct wire_in *, enum px_mode,
    bool idle, const char **why);

/* A client's connection on its way from one protocol to another. */
struct mux_given {
	struct conn *conn;              /* where it goes: conn_move() */
	struct buf in;                  /* bytes that nobody took yet */
	const struct px_listen *listen;
	bool counted;                   /* fe_enter() was done */
};

/* A protocol: a row in section "mux_protos". */
struct mux_proto {
	const char *name;
	uint8_t mode;                   /* enum px_mode it serves */
	/* accept - a new client connection; `fd` is taken. */
	void (*accept)(const struct px_listen *, int fd,
	    const struct addr *peer);
	/*
	 * connect - a server end: an idle connection of the server when it may
	 * be reused (reuse), else a new one; *err otherwise (WHY_SRV_REFUSED,
	 * WHY_NOFD, …; WHY_AGAIN: when there is room, srv_conn_await()). The
	 * end may not be `connected` yet: wake() tells.
	 */
	struct mux_end *(*connect)(struct srv *, struct txn *, bool reuse,
	    void *strm, enum why *err);
	/* look - is that the beginning of a message? WHY_OK: here is its head,
	 * of slices of the bytes; WHY_AGAIN; else it is none. NULL: cannot */
	enum why (*look)(struct span, struct http_head *, const struct px *);
	/* take - go on with a client of another protocol, which nobody has
	 * taken bytes from: its end is gone, and a message follows. NULL without
	 * memory: it stays */
	struct mux_end *(*take)(struct mux_end *, void *strm);
	/* leave - close what is idle and mux_is_due(), and have the others that
	 * are end with their exchange: called when mux_leaving is set, and
	 * again and again until mux_ending is; may be NULL */
	void (*leave)(void);
	/* thaw - a server end that another worker froze, for a stream whose
	 * client end is there; `fd` is taken when it succeeds. */
	struct mux_end *(*thaw)(struct wire_in *, int fd, struct srv *,
	    struct txn *, void *strm, const char **why);
};
#define MUX_PROTO(ident)                                                     \
	static const struct mux_proto mux_row_##ident;                       \
	static const struct mux_proto *const mux_ptr_##ident                 \
	    __attribute__((section("mux_protos"), used)) = &mux_row_##ident; \
	static const struct mux_proto mux_row_##ident

/* mux_proto_named - by its name, or NULL. */
const struct mux_proto *mux_proto_named(struct span);

/* mux_proto_for - the protocol for a mode; never NULL. */
const struct mux_proto *mux_proto_for(enum px_mode);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XPRT_CONN_H
#define XPRT_CONN_H
/*
 * conn - one connection: a descriptor, what is known of its readiness, and
 * the transport that moves its bytes (raw, or TLS of room tls).
 *
 * A protocol embeds a conn in its own connection object and owns it. The
 * descriptor is registered once, edge-triggered: `can_in` and `can_out`
 * remember the edges; the transport clears them when the kernel said that
 * there is nothing more.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <base/buf.h>
#include <base/span.h>
#include <base/why.h>
#include <os/addr.h>
#include <os/loop.h>

struct conf;
struct conn;
struct px_bind;
struct px_listen;
struct px_server;
struct txn;
struct wire_in;
struct wire_out;

/* What can be asked of a transport; the text is its own, valid until the
 * next call of any kind. */
enum conn_tell { CONN_TELL_VERSION, CONN_TELL_CIPHER, CONN_TELL_ALPN,
	CONN_TELL_SNI,
	/* of our own certificate: what it was signed with, and its key */
	CONN_TELL_CERT_SIG, CONN_TELL_CERT_KEY };

/* A connection that is to be opened to a server. */
struct xprt_to {
	const struct px_server *server;
	struct span name;               /* host name to ask for; n 0: none */
	bool name_counts;               /* the server must prove to be that */
	struct span first;              /* goes ahead of it, in the clear */
	struct span alpn;               /* protocols to offer, each behind its
	                                 * length; p NULL: as the server's line
	                                 * says */
};

struct xprt_ops {
	const char *name;               /* never changed: stands in images */

	/* ---- before the first byte of a protocol; handshake and late with
	 * either of accept and connect ---- */

	/* accept - a client comes in at this line. Nothing is allocated that a
	 * silent client would keep. */
	void (*accept)(struct conn *, const struct px_bind *);
	/* ask - what to ask this server for, for an exchange: `name` and
	 * `name_counts` */
	void (*ask)(struct xprt_to *, struct txn *);
	/* prepare - checks will connect to this server, though its line asks
	 * for another transport; once the configuration is known. False after
	 * an error */
	bool (*prepare)(struct conf *, struct px_server *);
	/* connect - a connection is on its way to a server. False: there is no
	 * memory. What `first` has is sent by handshake(), before all else.
	 * `name` becomes a copy that lives as long as the connection. */
	bool (*connect)(struct conn *, struct xprt_to *);
	/*
	 * handshake - go on with it, as far as the socket lets. WHY_OK: bytes
	 * may flow; WHY_AGAIN: call again at the next edge, of either
	 * direction; else the reason why there is no connection.
	 */
	enum why (*handshake)(struct conn *);
	/* late - its time is over: which reason that is */
	enum why (*late)(struct conn *);
	/* full - no more clients now, let them wait; may be NULL */
	bool (*full)(void);

	/* ---- bytes ---- */

	/*
	 * recv - up to `n` bytes into `p`. > 0 bytes; 0 nothing now; -1 end or
	 * error (`eof` or `err` is set). `can_in` is cleared only when neither
	 * the kernel nor the transport holds more: no edge will tell of bytes
	 * that were decrypted already.
	 */
	ssize_t (*recv)(struct conn *, char *p, size_t n);
	/*
	 * send - > 0 bytes taken; 0 no room (can_out is cleared); -1 error. Less
	 * than all taken means no room, too. What was not taken must be given
	 * again, the same bytes: they may be sealed in a record already. Before
	 * the handshake is over there is no room, whatever can_out says.
	 */
	ssize_t (*send)(struct conn *, const struct iovec *, int n);
	/* shut - no more will be sent (FIN, close_notify) */
	void (*shut)(struct conn *);
	/* end - it is closed in order: last words to the peer, which must not
	 * wait. NULL: there are none */
	void (*end)(struct conn *);
	/* moved - the connection is another object now; NULL: does not care */
	void (*moved)(struct conn *);
	/* fini - free what the transport holds; the descriptor stays */
	void (*fini)(struct conn *);

	/* ---- */

	/* tell - p NULL: there is none, or it is not known; NULL: nothing is */
	struct span (*tell)(const struct conn *, enum conn_tell);
	/* put - write its state down, for another worker (hand/hand.h); NULL:
	 * it cannot be, and `stays` says why in words for reports. get - be
	 * that transport again; false with in->err */
	void (*put)(const struct conn *, struct wire_out *);
	bool (*get)(struct conn *, struct wire_in *);
	const char *stays;
	bool raw;                       /* splice works on the descriptor */
	bool secure;                    /* nobody on the way can read it */
};

/* A transport: a row in section "xprts". */
#define XPRT(ident, ops)                                                     \
	static const struct xprt_ops *const xprt_ptr_##ident                 \
	    __attribute__((section("xprts"), used)) = &(ops)

/* xprt_named - by its name, or NULL. */
const struct xprt_ops *xprt_named(struct span);

struct conn {
	unsigned magic;
#define CONN_MAGIC 0xc0991d3e
	int fd;                         /* -1: closed */
	const struct xprt_ops *xprt;
	void *xprt_state;
	bool can_in : 1, can_out : 1;   /* edges seen, not used up */
	bool hup : 1;                   /* peer closed its side: read to the end */
	bool eof : 1;                   /* read it */
	bool err : 1;                   /* broken; `sys_errno` says how */
	bool shut_out : 1;              /* we sent our end */
	bool connecting : 1;            /* not established yet */
	bool nolinger : 1;              /* reset at close */
	bool quits : 1;                 /* reset at close, after last words,
	                                 * where nothing is on its way */
	bool has_peer : 1, has_local : 1;       /* addresses are known */
	bool proxied : 1;               /* addresses come from a PROXY header */
	bool watched : 1;               /* registered with the loop */
	bool wait_cip : 1;              /* NetScaler's header must come first */
	bool wait_proxy : 1;            /* a PROXY header, behind that */
	bool wait_hello : 1;            /* the handshake is not over */
	bool socks_asked : 1;           /* a SOCKS proxy: for its connection */
	bool socks_tls : 1;             /* TLS comes behind its answer */
	int sys_errno;
	union {
		unsigned long xprt_err; /* of the transport, why its handshake
		                         * failed; 0: it did not */
		uint32_t cip_magic;     /* while wait_cip: what it begins with */
	};
	void *vars;                     /* variables of the session; NULL: none.
	                                 * Ends by conn_vars_free() */
	void *tracked;                  /* keys in stick tables that it tracks;
	                                 * NULL: none. Ends by
	                                 * conn_tracked_free() */
	struct conn_tlvs *tlvs;         /* of the PROXY header; NULL: none, or
	                                 * nobody asks */
	struct addr peer, local;        /* of the client side: src and dst */
};

/* conn_keeps_tlvs - some sample reads the TLVs of PROXY headers: set while the
 * configuration is read. conn_tlvs - those of a connection. */
extern bool conn_keeps_tlvs;
struct span conn_tlvs(const struct conn *);
bool conn_tlvs_keep(struct conn *, struct span);

extern const struct xprt_ops xprt_raw;

/* conn_vars_free - frees `vars` of a connection; set by who fills it. */
extern void (*conn_vars_free)(void *);
/* conn_tracked_free - and `tracked`. */
extern void (*conn_tracked_free)(void *);

/* conn_inherit - the next connection that is taken gets these variables and
 * tracked keys, and this address of its own (NULL: that of the kernel), which
 * rules set when there was only a descriptor; `first`: what it begins with. All
 * NULL: nobody took them. */
enum conn_first { CONN_FIRST_PROXY = 1, CONN_FIRST_CIP = 2 };
void conn_inherit(void *vars, void *tracked, const struct addr *local,
    unsigned first);

/* conn_open - take over a non-blocking `fd`, register it with the loop.
 * False when the kernel refuses (fd is closed then). */
bool conn_open(struct conn *, int fd, loop_fn *, void *arg);

/*
 * conn_take - the same without registering it yet: it was just accepted, and
 * what it sent may be there already. conn_watch - register it as soon as
 * something has to be waited for, harmless twice; false: refused, the
 * connection is marked broken. The kernel then reports what is there.
 */
void conn_take(struct conn *, int fd);
bool conn_watch(struct conn *, loop_fn *, void *arg);

/* conn_edge - note what the loop reported. */
static inline void
conn_edge(struct conn *c, unsigned events)
{
	if (events & (LOOP_IN | LOOP_HUP | LOOP_ERR))
		c->can_in = true;
	if (events & (LOOP_OUT | LOOP_ERR))
		c->can_out = true;
	if (events & (LOOP_HUP | LOOP_ERR))
		c->hup = true;
	if (events & LOOP_ERR)
		c->err = c->connecting ? true : c->err;
}

/* conn_fill - read into a buffer's room, once: returns as recv. The buffer
 * must have room. */
ssize_t conn_fill(struct conn *, struct buf *);

/* conn_close - forget and close the descriptor; harmless twice. */
void conn_close(struct conn *);

/* conn_move - `to` is that connection now, not registered with the loop;
 * `from` is as if closed. */
void conn_move(struct conn *to, struct conn *from);

/* conn_shut - half-close our side; harmless twice. */
void conn_shut(struct conn *);

/* conn_detach - unregister and give up the descriptor without closing it. */
int conn_detach(struct conn *);

/*
 * What comes before the first byte of a protocol: NetScaler's header, a PROXY
 * header, a handshake.
 *
 * conn_accept - a client that came in at `bind`; true when something has to
 * come first. conn_greet - go on with it: WHY_OK when the protocol may begin,
 * WHY_AGAIN to be called at the next edge, or why there is no connection: a
 * greeting's reason (why_greeting). conn_greet_late - its time is over.
 */
bool conn_accept(struct conn *, const struct px_bind *);
enum why conn_greet(struct conn *);
enum why conn_greet_late(struct conn *);

/*
 * To servers: conn_ask - what a connection to this server, which has a
 * transport, is to ask for, for an exchange; connections that asked for the same name may serve it.
 * conn_connect - prepare one that is on its way to be of this transport:
 * conn_greet() has to follow as soon as it is established. to->name is then
 * the connection's own. False without memory.
 */
void conn_ask(struct xprt_to *, const struct px_server *, struct txn *);
bool conn_connect(struct conn *, const struct xprt_ops *, struct xprt_to *);

/* conn_socks - one on its way to a SOCKS proxy is to lead to `to`, before all
 * else: behind conn_connect(), if that is called. conn_greet() has to follow.
 * False: to no such address. */
bool conn_socks(struct conn *, const struct addr *to);

/* conn_greets - it was thawed before it had greeted: without a word of what has
 * to come first, a PROXY header has to. */
void conn_greets(struct conn *);

/*
 * conn_proxy_take - read the PROXY protocol header that must come first and
 * note its addresses; nothing behind it is read.
 *
 * WHY_OK, WHY_AGAIN, or WHY_PROXY_BAD (not one), _INVALID, _CLOSED or _ERROR
 * (nothing came), or _SHORT when the
 * client closed before it was complete.
 */
enum why conn_proxy_take(struct conn *);

/* conn_tell - what its transport says; p NULL: nothing. */
struct span conn_tell(const struct conn *, enum conn_tell);

/*
 * Hand-over (hand/hand.h). conn_may_cross - can it be written down? Else *why
 * says why not, in words for people. conn_put - write it down, descriptor
 * aside. conn_get - be that connection with `fd`, not registered with the
 * loop; false with in->err, and `fd` stays the caller's.
 */
bool conn_may_cross(const struct conn *, const char **why);
void conn_put(const struct conn *, struct wire_out *);
bool conn_get(struct conn *, struct wire_in *, int fd);

/* conn_local, conn_peer - addresses, asked of the kernel when not known. */
const struct addr *conn_local(struct conn *);
const struct addr *conn_peer(struct conn *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XPRT_CONN_H
#define XPRT_CONN_H
/*
 * conn - one connection: a descriptor, what is known of its readiness, and
 * the transport that moves its bytes (raw now; TLS later).
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
#include <base/why.h>
#include <os/addr.h>
#include <os/loop.h>

struct conn;
struct px_listen;
struct wire_in;
struct wire_out;

struct xprt_ops {
	const char *name;
	/*
	 * recv - up to `n` bytes into `p`. > 0 bytes; 0 nothing now (can_in is
	 * cleared); -1 end or error (`eof` or `err` is set).
	 */
	ssize_t (*recv)(struct conn *, char *p, size_t n);
	/* send - > 0 bytes taken; 0 no room (can_out is cleared); -1 error */
	ssize_t (*send)(struct conn *, const struct iovec *, int n);
	/* shut - no more will be sent (FIN, close_notify) */
	void (*shut)(struct conn *);
	/* fini - free what the transport holds; the descriptor stays */
	void (*fini)(struct conn *);
	/* put - write its state down, for another worker; NULL: it cannot be
	 * (hand/hand.h) */
	void (*put)(const struct conn *, struct wire_out *);
	bool raw;                       /* splice works on the descriptor */
};

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
	bool has_peer : 1, has_local : 1;       /* addresses are known */
	bool proxied : 1;               /* addresses come from a PROXY header */
	bool watched : 1;               /* registered with the loop */
	int sys_errno;
	void *vars;                     /* variables of the session; NULL: none.
	                                 * Ends by conn_vars_free() */
	void *tracked;                  /* keys in stick tables that it tracks;
	                                 * NULL: none. Ends by
	                                 * conn_tracked_free() */
	struct addr peer, local;        /* of the client side: src and dst */
};

extern const struct xprt_ops xprt_raw;

/* conn_vars_free - frees `vars` of a connection; set by who fills it. */
extern void (*conn_vars_free)(void *);
/* conn_tracked_free - and `tracked`. */
extern void (*conn_tracked_free)(void *);

/* conn_inherit - the next connection that is taken gets these variables and
 * tracked keys, which rules set when there was only a descriptor. NULL: nobody
 * took them. */
void conn_inherit(void *vars, void *tracked);

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

/* conn_shut - half-close our side; harmless twice. */
void conn_shut(struct conn *);

/* conn_detach - unregister and give up the descriptor without closing it. */
int conn_detach(struct conn *);

/*
 * conn_proxy_take - read the PROXY protocol header that must come first and
 * note its addresses; nothing behind it is read.
 *
 * WHY_OK, WHY_AGAIN, or WHY_PROXY_BAD (not one), _INVALID, or _SHORT when the
 * client closed before it was complete.
 */
enum why conn_proxy_take(struct conn *);

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

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TCP_INT_H
#define TCP_INT_H
/*
 * tcp connections, client and server side, inside the room: bytes without
 * a meaning, in mode tcp.
 */
#include <base/must.h>
#include <hand/hand.h>
#include <mux/mux.h>
#include <os/tmr.h>
#include <srv/srv.h>

struct tcp_conn {
	unsigned magic;
#define TCP_CONN_MAGIC 0x7c9c0225
	bool greets : 1;        /* client: a PROXY header or a handshake must
	                         * come first */
	bool counted : 1;       /* client: fe_enter() was done */
	struct conn conn;
	struct mux_end end;
	struct tmr tmr;
	struct hand_item hand;  /* client */
	struct buf in;          /* read, not yet taken by the other side */
	struct buf out;         /* PROXY header for the server */
	int64_t accept_us;
	const struct px_listen *listen;         /* client */
	struct srv *srv;                        /* server */
};

/* tcp_conn_new - of either side; NULL without memory. */
struct tcp_conn *tcp_conn_new(bool client);
void tcp_conn_free(struct tcp_conn *);

/* tcp_watch - register the descriptor with the loop; false: refused. */
bool tcp_watch(struct tcp_conn *);

/* ---- tcp_freeze.c ---- */

/* tcp_may_travel - list a client for hand-overs. The others are as in
 * mux_end_ops and mux_proto, for server ends. */
void tcp_may_travel(struct tcp_conn *);
bool tcp_may_cross(const struct mux_end *, const char **why);
int tcp_freeze(struct mux_end *, struct wire_out *);
void tcp_gone(struct mux_end *);
void tcp_back(struct mux_end *);
struct mux_end *tcp_thaw(struct wire_in *, int fd, struct srv *, struct txn *,
    void *strm, const char **why);

static inline struct tcp_conn *
tcp_of(struct mux_end *e)
{
	return (HOLDER(e, struct tcp_conn, end));
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_switch - clients that began in mode tcp and turn out to speak HTTP/1:
 * what they sent so far is looked at, and the connection goes on here.
 */
#include "h1_conn.h"

#include <os/loop.h>

enum why
h1_look(struct span in, struct http_head *head, const struct px *fe)
{
	size_t scan = 0, used, bad;
	enum why why = h1_req_parse(in, &scan, head, &used, &bad);

	if (why == WHY_OK || why == WHY_AGAIN ||
	    !px_opt(fe, PX_OPT_ACCEPT_UNSAFE_REQUEST))
		return (why);
	return (h1_req_relax(why, in, &scan, head, &used, &bad));
}

/* The stream waits for the request as the next one on a connection would: what
 * is here already is read when the loop comes to the timer. */
struct mux_end *
h1_take(struct mux_end *from, void *strm)
{
	struct h1_conn *h = h1_client_new(NULL);
	struct mux_given g = { .conn = &h->conn };

	if (h == NULL)
		return (NULL);
	from->ops->give(from, &g);
	h->cli.listen = g.listen;
	h->counted = g.counted;
	h->in = g.in;
	h->state = H1_IDLE;
	h->rx = H1_FLOW_HEAD;
	h->first = true;
	h->switched = true;
	h->cli.since_us = the_loop->now_us;
	h->end.connected = true;
	h->end.strm = strm;
	if (!h1_watch(h))
		h->conn.eof = true;     /* the read finds out */
	tmr_arm_at_once(&the_loop->wheel, &h->tmr);
	return (&h->end);
}

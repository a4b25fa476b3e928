/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ask - one c-ares channel per name server, so that all are asked at once
 * and each has its own counts.
 *
 * Repeats and the choice between A and AAAA are the caller's: a channel sends
 * a question once. A truncated answer is asked for again over TCP, which is
 * c-ares's doing. Over UDP the socket goes when no question is left, so that
 * the next ones come from another port.
 */
#include "dns_int.h"

#ifdef USE_CARES
#include <ares.h>
#include <stdlib.h>

#include <base/must.h>
#include <os/sock.h>

struct sock {                           /* a socket of a channel */
	struct list node;
	struct dns_ns *ns;
	int fd;
	bool wants_in, wants_out;       /* c-ares is to be called for it */
};

struct ask {                            /* a question on its way */
	struct dns_ns *ns;
	enum dns_type type;
	dns_told_fn *told;
	void *arg;
};

void
dns_count(struct dns_ns *ns, enum dns_count what)
{
	if (ns->shm != NULL)
		atomic_fetch_add_explicit(&ns->shm->n[what], 1,
		    memory_order_relaxed);
}

/* ---- sockets ---- */

static struct sock *
find_sock(struct dns_ns *ns, int fd)
{
	LIST_EACH(it, &ns->socks) {
		struct sock *s = LIST_ITEM(it, struct sock, node);

		if (s->fd == fd)
			return (s);
	}
	return (NULL);
}

/* When c-ares wants to look for questions without an answer. */
static void
rearm(struct dns_ns *ns)
{
	struct timeval tv;

	if (ares_timeout(ns->chan, NULL, &tv) == NULL)
		tmr_stop(&the_loop->wheel, &ns->tmr);
	else
		tmr_arm(&the_loop->wheel, &ns->tmr, clock_mono_us() / 1000 +
		    tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1);
}

#define READS 256               /* in a row; others have their turn */

/* Of a TCP stream one call reads a length or a piece of an answer; an edge
 * comes only once for all of them. The socket may go during each call. */
static void
serve(struct dns_ns *ns, struct sock *s)
{
	int fd = s->fd, reads = 0;
	bool out = s->wants_out, in = s->wants_in;

	s->wants_in = s->wants_out = false;
	if (out)
		ares_process_fd(ns->chan, ARES_SOCKET_BAD, fd);
	if (!in || find_sock(ns, fd) == NULL)
		return;
	do
		ares_process_fd(ns->chan, fd, ARES_SOCKET_BAD);
	while ((s = find_sock(ns, fd)) != NULL && sock_has_bytes(fd) &&
	    ++reads < READS);
	if (s != NULL && reads == READS) {
		s->wants_in = true;
		loop_post(the_loop, &ns->task);
	}
}

static void
on_event(void *arg, unsigned events)
{
	struct sock *s = arg;
	struct dns_ns *ns = s->ns;

	s->wants_out |= (events & LOOP_OUT) != 0;
	s->wants_in |= (events & (LOOP_IN | LOOP_HUP | LOOP_ERR)) != 0;
	serve(ns, s);
	rearm(ns);
}

/* Edges that are long past: there is more to read, or to write. */
static void
on_task(struct loop_task *t)
{
	struct dns_ns *ns = HOLDER(t, struct dns_ns, task);
	unsigned n = 0;

	LIST_EACH(it, &ns->socks)
		n++;
	while (n-- > 0) {
		struct list *node = list_pop_front(&ns->socks);

		if (node == NULL)
			break;
		list_push_back(&ns->socks, node);
		serve(ns, LIST_ITEM(node, struct sock, node));
	}
	rearm(ns);
}

static void
on_sock(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_ns *ns = arg;
	struct sock *s = find_sock(ns, fd);

	if (!readable && !writable) {
		if (s == NULL)
			return;
		loop_forget(the_loop, fd);
		list_del(&s->node);
		free(s);
		return;
	}
	if (s == NULL) {
		s = must_alloc(sizeof *s);
		s->ns = ns;
		s->fd = fd;
		list_push_back(&ns->socks, &s->node);
		(void)loop_add(the_loop, fd, on_event, s);
		return;                 /* its first edge is still to come */
	}
	s->wants_out = writable != 0;
	if (s->wants_out)
		loop_post(the_loop, &ns->task);
}

static void
on_tmr(struct tmr *t)
{
	struct dns_ns *ns = HOLDER(t, struct dns_ns, tmr);

	ares_process_fd(ns->chan, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(ns);
}

/* ---- answers ---- */

static const struct { int status; enum dns_count count; enum dns_status is; }
faults[] = {
	{ ARES_ENOTFOUND, DNS_COUNT_NX, DNS_NX },
	{ ARES_EREFUSED, DNS_COUNT_REFUSED, DNS_REFUSED },
	{ ARES_ETIMEOUT, DNS_COUNT_TIMEOUT, DNS_TIMEOUT },
	{ ARES_ECONNREFUSED, DNS_COUNT_SEND_ERROR, DNS_TIMEOUT },
	{ ARES_ENODATA, DNS_COUNT_ANY_ERR, DNS_OTHER },
	{ ARES_EBADRESP, DNS_COUNT_INVALID, DNS_OTHER },
	{ ARES_EFORMERR, DNS_COUNT_INVALID, DNS_OTHER },
};

static void
tell_fault(const struct ask *ask, int status)
{
	for (size_t i = 0; i < NELEM(faults); i++)
		if (faults[i].status == status) {
			dns_count(ask->ns, faults[i].count);
			ask->told(ask->arg, ask->ns, faults[i].is, NULL);
			return;
		}
	dns_count(ask->ns, DNS_COUNT_OTHER);
	ask->told(ask->arg, ask->ns, DNS_OTHER, NULL);
}

static bool
is_cut(const unsigned char *p, int n)
{
	return (n > 2 && (p[2] & 2) != 0);      /* RFC 1035 4.1.1: TC */
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct ask ask = *(struct ask *)arg;
	struct dns_answer a;

	(void)timeouts;
	free(arg);
	if (p != NULL && is_cut(p, n))
		dns_count(ask.ns, DNS_COUNT_TRUNCATED);
	if (status != ARES_SUCCESS) {
		tell_fault(&ask, status);
		return;
	}
	if (!dns_answer_read(p, (size_t)n, ask.type, &a)) {
		tell_fault(&ask, ARES_EBADRESP);
		return;
	}
	if (a.cname)
		dns_count(ask.ns, a.n > 0 ? DNS_COUNT_CNAME :
		    DNS_COUNT_CNAME_ERROR);
	if (a.n == 0)
		tell_fault(&ask, ARES_ENODATA);
	else {
		dns_count(ask.ns, DNS_COUNT_VALID);
		ask.told(ask.arg, ask.ns, DNS_VALID, &a);
	}
	dns_answer_fini(&a);
}

/* ---- the channel ---- */

static bool
set_server(struct dns_ns *ns)
{
	const struct addr *a = &ns->addr;
	struct ares_addr_port_node to = {
		.family = a->family == ADDR_V6 ? AF_INET6 : AF_INET,
		.udp_port = a->port, .tcp_port = a->port,
	};

	memcpy(&to.addr, a->ip, a->family == ADDR_V6 ? 16 : 4);
	return (ares_set_servers_ports(ns->chan, &to) == ARES_SUCCESS);
}

/* Servers and look-ups are given, so that c-ares reads no file. */
static bool
open_chan(const struct dns_sect *sect, struct dns_ns *ns)
{
	struct in_addr nobody = { .s_addr = htonl(INADDR_LOOPBACK) };
	char lookups[] = "b";
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
		    ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS |
		    (ns->tcp ? ARES_FLAG_USEVC | ARES_FLAG_STAYOPEN : 0),
		.timeout = (int)sect->retry_ms, .tries = 1,
		.ednspsz = sect->payload, .lookups = lookups,
		.servers = &nobody, .nservers = 1,
		.sock_state_cb = on_sock, .sock_state_cb_data = ns,
	};
	static bool begun;

	if (!begun && ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return (false);
	begun = true;
	list_init(&ns->socks);
	tmr_init(&ns->tmr, on_tmr);
	ns->task = (struct loop_task){ .fn = on_task };
	if (ares_init_options(&ns->chan, &o, ARES_OPT_FLAGS |
	    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
	    ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS) {
		ns->chan = NULL;
		return (false);
	}
	if (set_server(ns))
		return (true);
	ares_destroy(ns->chan);
	ns->chan = NULL;
	return (false);
}

void
dns_ask(const struct dns_sect *sect, struct dns_ns *ns, const char *host,
    enum dns_type type, dns_told_fn *told, void *arg)
{
	struct ask *ask;

	dns_count(ns, DNS_COUNT_SENT);
	if (ns->chan == NULL && !open_chan(sect, ns)) {
		dns_count(ns, DNS_COUNT_SEND_ERROR);
		told(arg, ns, DNS_TIMEOUT, NULL);
		return;
	}
	ask = must_alloc(sizeof *ask);
	*ask = (struct ask){ ns, type, told, arg };
	ares_query(ns->chan, host, 1 /* IN */, (int)type, on_answer, ask);
	rearm(ns);
}
#endif

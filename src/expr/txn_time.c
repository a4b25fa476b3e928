/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_time - how long the parts of a stream took, and samples of it.
 *
 * Source: configuration manual 7.3.1 (timers), 8.4.
 */
#include <expr/expr.h>

#include <base/clock.h>

/* Whole milliseconds since the accept; -1: not reached. */
static int64_t
ms_at(const struct txn *t, int64_t when)
{
	return (when == 0 ? -1 : when <= t->t.accept ? 0 :
	    (when - t->t.accept) / 1000);
}

static int64_t
span_ms(const struct txn *t, int64_t from, int64_t to)
{
	int64_t a = ms_at(t, from), b = ms_at(t, to);

	return (a < 0 || b < 0 ? -1 : b < a ? 0 : b - a);
}

static int64_t
handshake_at(const struct txn *t)
{
	return (t->t.handshake != 0 ? t->t.handshake : t->t.accept);
}

static int64_t
end_at(const struct txn *t)
{
	return (t->t.end != 0 ? t->t.end : clock_mono_us());
}

static int64_t
not_before_0(int64_t v)
{
	return (v < 0 ? 0 : v);
}

/* In queues, or, while nothing left one, in the tarpit. */
static int64_t
queue_ms(const struct txn *t)
{
	/* where the wait for a server begins */
	int64_t ready = t->is_http ? t->t.request : handshake_at(t);

	if (t->t.queued == 0 && t->t.tarpit != 0)
		return (span_ms(t, ready, end_at(t)));
	return (span_ms(t, ready, t->t.queued));
}

int64_t
txn_timer(const struct txn *t, enum txn_timer which)
{
	const struct txn_times *x = &t->t;

	switch (which) {
	case TXN_TIME_Th:
		return (x->handshake == 0 ? 0 : ms_at(t, x->handshake));
	case TXN_TIME_Ti:
		return (t->is_http ? span_ms(t, handshake_at(t),
		    x->idle_end) : 0);
	case TXN_TIME_TR:
		return (t->is_http && x->tarpit == 0 ?
		    span_ms(t, x->idle_end, x->request) : -1);
	case TXN_TIME_Tq:
		return (t->is_http && x->tarpit == 0 ?
		    ms_at(t, x->request) : -1);
	case TXN_TIME_Tw:
		return (queue_ms(t));
	case TXN_TIME_Tc:
		return (span_ms(t, x->queued, x->connected));
	case TXN_TIME_Tr:
		return (span_ms(t, x->connected, x->response));
	case TXN_TIME_Td:
		return (span_ms(t, t->is_http ? x->response : x->connected,
		    end_at(t)));
	case TXN_TIME_Ta:
		return (not_before_0(span_ms(t, t->is_http &&
		    x->idle_end != 0 ? x->idle_end : handshake_at(t),
		    end_at(t))));
	case TXN_TIME_Tt:
		return (not_before_0(ms_at(t, end_at(t))));
	case TXN_TIME_Tu:
		return (txn_timer(t, TXN_TIME_Th) +
		    txn_timer(t, TXN_TIME_Ta));
	default:
		return (-1);
	}
}

/* ---- samples ---- */

#define IN_CHECK SMP_AT(CHECK)

#define TIMER(ident, word, which, at, doc_)                                  \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	(void)arg;                                                           \
	s->num = txn_timer(t, TXN_TIME_##which);                             \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = SMP_INT, .stages = at,              \
	.run = fetch_##ident, .fresh = true, .late = true,                   \
	.doc = doc_ ", in milliseconds; -1 before that. As %" #which         \
	    " of log formats.",                                              \
	.example = "acl slow " word " gt 1000",                              \
}

TIMER(fc_handshake, "fc.timer.handshake", Th, SMP_ANYWHERE,
    "Time of handshakes and the PROXY header");
TIMER(fc_total, "fc.timer.total", Tt, SMP_ANYWHERE & ~IN_CHECK,
    "Time since the accept");
TIMER(req_idle, "req.timer.idle", Ti, SMP_REQUEST,
    "Time from the handshake to the first byte of the request");
TIMER(req_tq, "req.timer.tq", Tq, SMP_REQUEST,
    "Time from the accept to the end of the request head");
TIMER(req_hdr_time, "req.timer.hdr", TR, SMP_REQUEST,
    "Time from the first byte of the request to the end of its head");
TIMER(req_queue, "req.timer.queue", Tw, SMP_FROM_RES | IN_CHECK,
    "Time in queues");
TIMER(bc_connect, "bc.timer.connect", Tc, SMP_FROM_RES | IN_CHECK,
    "Time to connect to the server");
TIMER(res_hdr_time, "res.timer.hdr", Tr, SMP_RESPONSE | IN_CHECK,
    "Time from the connection to the end of the response head");
TIMER(res_data, "res.timer.data", Td, SMP_FROM_RES | SMP_AT(SERVER) |
    SMP_AT(SOURCE), "Time of the transfer after the response head");
TIMER(txn_total, "txn.timer.total", Ta, SMP_FROM_REQ,
    "Time since the first byte of the request");
TIMER(txn_user, "txn.timer.user", Tu, SMP_FROM_REQ,
    "Time as the client sees it, without idle time");

static bool
in_unit(struct smp *s, int64_t us, const struct arg *unit)
{
	static const int64_t per[] = { 1000000, 1000, 1 };

	s->num = us / per[unit->num];
	return (us != 0);
}

static bool
fetch_accept_date(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (in_unit(s, t->t.accept_wall, arg));
}

static bool
fetch_request_date(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (in_unit(s, t->t.request_wall != 0 ? t->t.request_wall :
	    t->t.accept_wall, arg));
}

FETCH(accept_date) = {
	.name = "accept_date", .args = "enum(s|ms|us) unit=s",
	.out = SMP_INT, .stages = SMP_ANYWHERE, .run = fetch_accept_date,
	.doc = "When the connection was accepted, since 1970.",
	.example = "http-request set-header X-At %[accept_date(ms)]",
};
FETCH(request_date) = {
	.name = "request_date", .args = "enum(s|ms|us) unit=s",
	.out = SMP_INT, .stages = SMP_FROM_REQ, .run = fetch_request_date,
	.doc = "When the first byte of the request came, since 1970.",
	.example = "http-request set-header X-At %[request_date(ms)]",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_fetch - samples that only the stream and its two ends know: bytes so
 * far, what the kernel measured on the connections.
 *
 * Source: configuration manual 7.3.1, 7.3.3.
 */
#include "strm_int.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

#include <base/must.h>
#include <expr/expr.h>
#include <xprt/conn.h>

#define ON_RES (SMP_FROM_RES | SMP_AT(CHECK))

/* ---- bytes ---- */

#define BYTES(ident, word, at, end, side, doc_)                              \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct strm *strm = strm_of_txn(t);                            \
                                                                             \
	(void)arg;                                                           \
	s->num = strm != NULL && strm->end != NULL ?                         \
	    (int64_t)strm->end->side : 0;                                    \
	return (strm != NULL);                                               \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = SMP_INT, .stages = at,              \
	.run = fetch_##ident, .fresh = true, .late = true, .doc = doc_,      \
	.example = "log-format %[" word "]",                                 \
}
#define LATE (SMP_AT(SERVER) | SMP_AT(SOURCE) | SMP_FROM_RES)
BYTES(bytes_in, "bytes_in", SMP_FROM_REQ, cli, got,
    "Bytes that came from the client.");
BYTES(req_bytes_in, "req.bytes_in", SMP_FROM_REQ, cli, got,
    "Bytes that came from the client.");
BYTES(req_bytes_out, "req.bytes_out", SMP_FROM_REQ, srv, put,
    "Bytes that went to the server.");
BYTES(bytes_out, "bytes_out", LATE, srv, got,
    "Bytes that came from the server.");
BYTES(res_bytes_in, "res.bytes_in", LATE, srv, got,
    "Bytes that came from the server.");
BYTES(res_bytes_out, "res.bytes_out", LATE, cli, put,
    "Bytes that went to the client.");

/* ---- what the kernel measured ---- */

static bool
tcp_info(struct txn *t, bool server, struct tcp_info *info)
{
	const struct strm *s = strm_of_txn(t);
	struct mux_end *e = s == NULL ? NULL : server ? s->srv : s->cli;
	socklen_t n = sizeof *info;
	struct conn *c;

	if (e == NULL || (c = e->ops->conn(e))->fd < 0)
		return (false);
	memset(info, 0, sizeof *info);
	return (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, info, &n) == 0);
}

#define MEASURED(ident, word, args_, at, server, value, doc_)                \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	struct tcp_info info;                                                \
                                                                             \
	(void)arg;                                                           \
	if (!tcp_info(t, server, &info))                                     \
		return (false);                                              \
	s->num = (int64_t)(value);                                           \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = args_, .out = SMP_INT, .stages = at,           \
	.run = fetch_##ident, .fresh = true, .doc = doc_,                    \
	.example = "http-response set-header X-V %[" word "]",               \
}
#define UNIT "enum(ms|us) unit=ms"
#define IN_UNIT(us) ((us) / (arg[0].num == 0 ? 1000u : 1u))
MEASURED(fc_rtt, "fc_rtt", UNIT, SMP_ANYWHERE, false,
    IN_UNIT(info.tcpi_rtt), "The round trip time to the client.");
MEASURED(fc_rttvar, "fc_rttvar", UNIT, SMP_ANYWHERE, false,
    IN_UNIT(info.tcpi_rttvar), "How much it varies.");
MEASURED(bc_rtt, "bc_rtt", UNIT, SMP_ANYWHERE, true,
    IN_UNIT(info.tcpi_rtt), "The round trip time to the server.");
MEASURED(bc_rttvar, "bc_rttvar", UNIT, SMP_ANYWHERE, true,
    IN_UNIT(info.tcpi_rttvar), "How much it varies.");
#define SEGMENTS(name, what)                                                 \
	MEASURED(fc_##name, "fc_" #name, "str unit=", SMP_ANYWHERE, false,   \
	    info.tcpi_##name, "Of the client's connection: " what)
SEGMENTS(unacked, "segments that are not acknowledged.");
SEGMENTS(sacked, "segments acknowledged out of order.");
SEGMENTS(lost, "segments thought lost.");
SEGMENTS(retrans, "segments that are being sent again.");
SEGMENTS(fackets, "segments up to the last acknowledged out of order.");
SEGMENTS(reordering, "how far segments may come out of order.");

static bool
fetch_rcvd_proxy(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);

	(void)arg;
	s->num = strm != NULL && strm->cli != NULL &&
	    strm->cli->ops->conn(strm->cli)->proxied;
	return (strm != NULL);
}

FETCH(fc_rcvd_proxy) = {
	.name = "fc_rcvd_proxy", .args = "", .out = SMP_BOOL,
	.stages = SMP_ANYWHERE, .run = fetch_rcvd_proxy,
	.doc = "True when the addresses came in a PROXY header.",
	.example = "http-request deny unless { fc_rcvd_proxy }",
};

/* ---- place in queues ---- */

static bool
fetch_prio_class(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->prio_class;
	return (true);
}

static bool
fetch_prio_offset(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->prio_ms;
	return (true);
}

FETCH(prio_class) = {
	.name = "prio_class", .args = "", .out = SMP_INT,
	.stages = SMP_ANYWHERE | SMP_AT(CLI), .run = fetch_prio_class, .fresh = true,
	.doc = "What 'set-priority-class' set, usually 0.",
	.example = "log-format %[prio_class]",
};
FETCH(prio_offset) = {
	.name = "prio_offset", .args = "", .out = SMP_INT,
	.stages = SMP_ANYWHERE | SMP_AT(CLI), .run = fetch_prio_offset, .fresh = true,
	.doc = "What 'set-priority-offset' set, usually 0.",
	.example = "log-format %[prio_offset]",
};

/* ---- the process ---- */

static bool
fetch_stopping(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = mux_leaving;
	return (true);
}

FETCH(stopping) = {
	.name = "stopping", .args = "", .out = SMP_BOOL,
	.stages = SMP_ANYWHERE | SMP_AT(CLI), .run = fetch_stopping,
	.fresh = true,
	.doc = "True when this worker leaves: another one took over, or it was "
	    "told to stop.",
	.example = "monitor fail if { stopping }",
};

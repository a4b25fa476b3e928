/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_fetch_err - samples of what the two connections of a stream failed of:
 * a number, a name, a sentence.
 *
 * All three are those of the table in the configuration manual, 7.3.3,
 * fc_err_str.
 */
#include "strm_int.h"

#include <errno.h>
#include <string.h>

#include <base/must.h>
#include <expr/expr.h>
#include <xprt/conn.h>

#define ON_RES (SMP_FROM_RES | SMP_AT(CHECK))

struct conn_error { uint8_t no; char name[17]; const char *text; };

static const struct conn_error errors[] = {
	{ 0, "", "Success" },
	{ 2, "PROC_FDLIM", "Too many sockets on the process" },
	{ 3, "SYS_FDLIM", "Too many sockets on the system" },
	{ 4, "SYS_MEMLIM", "Out of system buffers" },
	{ 5, "NOPROTO", "Protocol or address family not supported" },
	{ 6, "SOCK_ERR", "General socket error" },
	{ 9, "FREE_PORTS", "Out of local source ports on the system" },
	{ 10, "ADDR_INUSE", "Local source address already in use" },
	{ 11, "PRX_EMPTY", NULL }, { 12, "PRX_ABORT", NULL },
	{ 13, "PRX_TIMEOUT", NULL }, { 14, "PRX_TRUNCATED", NULL },
	{ 15, "PRX_NOT_HDR", NULL }, { 16, "PRX_BAD_HDR", NULL },
	{ 24, "SSL_EMPTY", NULL }, { 25, "SSL_ABORT", NULL },
	{ 26, "SSL_TIMEOUT", NULL }, { 27, "SSL_TOO_MANY", NULL },
	{ 28, "SSL_NO_MEM", NULL }, { 30, "SSL_CA_FAIL", NULL },
	{ 31, "SSL_CRT_FAIL", "SSL client certificate not trusted" },
	{ 32, "SSL_MISMATCH", "Server presented an SSL certificate different "
	    "from the configured one" },
	{ 33, "SSL_MISMATCH_SNI", "Server presented an SSL certificate "
	    "different from the expected one" },
	{ 34, "SSL_HANDSHAKE", "SSL handshake failure" },
	{ 46, "EREFUSED", "ECONNREFUSED returned by OS" },
	{ 47, "ERESET", "ECONNRESET returned by OS" },
	{ 48, "EUNREACH", "ENETUNREACH returned by OS" },
	{ 49, "ENOMEM", "ENOMEM returned by OS" },
	{ 50, "EBADF", "EBADF returned by OS" },
	{ 51, "EFAULT", "EFAULT returned by OS" },
	{ 52, "EINVAL", "EINVAL returned by OS" },
	{ 53, "ENCONN", "ENCONN returned by OS" },
	{ 54, "ENSOCK", "ENSOCK returned by OS" },
	{ 55, "ENOBUFS", "ENOBUFS returned by OS" },
	{ 56, "EPIPE", "EPIPE returned by OS" },
};

static const struct conn_error *
error_no(unsigned no)
{
	const struct conn_error *e = errors;

	while (e->no != no)
		e++;
	return (e);
}

/* ---- what happened, as a number ---- */

struct to_no { int from; uint8_t no; };

#define FAILED_SOMEHOW 6

static uint8_t
find_no(const struct to_no *t, size_t n, int from, uint8_t other)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].from == from)
			return (t[i].no);
	return (other);
}

uint8_t
strm_errno_error(int err)
{
	static const struct to_no known[] = {
		{ 0, 0 }, { EMFILE, 2 }, { ENFILE, 3 }, { EAFNOSUPPORT, 5 },
		{ EADDRNOTAVAIL, 9 }, { EADDRINUSE, 10 }, { ECONNREFUSED, 46 },
		{ ECONNRESET, 47 }, { ENETUNREACH, 48 }, { ENOMEM, 49 },
		{ EBADF, 50 }, { EFAULT, 51 }, { EINVAL, 52 },
		{ ENOTCONN, 53 }, { ENOTSOCK, 54 }, { ENOBUFS, 55 },
		{ EPIPE, 56 },
	};

	return (find_no(known, NELEM(known), err, FAILED_SOMEHOW));
}

static uint8_t
client_error(const struct strm *s)
{
	static const struct to_no known[] = {
		{ WHY_PROXY_CLOSED, 11 }, { WHY_PROXY_ERROR, 12 },
		{ WHY_PROXY_TIMEOUT, 13 }, { WHY_PROXY_SHORT, 14 },
		{ WHY_PROXY_BAD, 15 }, { WHY_PROXY_INVALID, 16 },
		{ WHY_CIP_CLOSED, 18 }, { WHY_CIP_ERROR, 19 },
		{ WHY_CIP_TIMEOUT, 20 }, { WHY_CIP_SHORT, 21 },
		{ WHY_CIP_MAGIC, 22 }, { WHY_CIP_PROTO, 23 },
		{ WHY_TLS_CLOSED, 24 }, { WHY_TLS_ERROR, 25 },
		{ WHY_TLS_TIMEOUT, 26 }, { WHY_TLS_FULL, 27 },
		{ WHY_TLS_NOMEM, 28 }, { WHY_TLS_CA, 30 },
		{ WHY_TLS_CERT, 31 }, { WHY_TLS_FAILED, 34 },
	};

	return (find_no(known, NELEM(known), (int)s->begin_why, 0));
}

uint8_t
strm_server_error(struct mux_end *e)
{
	struct conn *c = e->ops->conn(e);

	switch (e->why) {
	case WHY_SRV_TLS:
		return (34);
	case WHY_SRV_CERT:
		return (31);
	case WHY_SRV_NAME:      /* the one that sni asked for, or verifyhost */
		return (conn_tell(c, CONN_TELL_SNI).n > 0 ? 33 : 32);
	default:
		return (strm_errno_error(c->sys_errno));
	}
}

/* NULL: no connection was tried. One that timed out failed of nothing. */
static const struct conn_error *
server_error(struct txn *t)
{
	const struct strm *s = strm_of_txn(t);
	const struct conn *c;

	if (s == NULL) {                /* a check */
		c = t->ops == NULL || t->ops->server_conn == NULL ? NULL :
		    t->ops->server_conn(t);
		return (c == NULL ? NULL : error_no(c->err ?
		    strm_errno_error(c->sys_errno) : 0));
	}
	if (s->srv == NULL && s->tries == 0)
		return (NULL);
	return (error_no(s->srv == NULL ? s->srv_err :
	    s->srv->why != WHY_OK || s->srv->ops->conn(s->srv)->err ?
	    strm_server_error(s->srv) : 0));
}

/* ---- samples ---- */

static bool
give(struct smp *s, const char *text)
{
	s->str = span_str(text);
	s->constant = true;
	return (true);
}

static bool
fetch_fc_err(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);

	(void)arg;
	s->num = strm == NULL ? 0 : client_error(strm);
	return (true);
}

static bool
fetch_fc_err_name(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);

	(void)arg;
	return (strm != NULL && give(s, error_no(client_error(strm))->name));
}

static bool
fetch_fc_err_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);

	(void)arg;
	return (strm != NULL && give(s, client_error(strm) == 0 ? "Success" :
	    why_text(strm->begin_why)));
}

static bool
fetch_bc_err(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct conn_error *e = server_error(t);

	(void)arg;
	s->num = e == NULL ? 0 : e->no;
	return (e != NULL);
}

static bool
fetch_bc_err_name(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct conn_error *e = server_error(t);

	(void)arg;
	return (e != NULL && give(s, e->name));
}

static bool
fetch_bc_err_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct conn_error *e = server_error(t);

	(void)arg;
	return (e != NULL && give(s, e->text));
}

#define ROW(ident, out_, at, doc_)                                           \
FETCH(ident) = {                                                             \
	.name = #ident, .args = "", .out = out_, .stages = at,               \
	.run = fetch_##ident, .fresh = true, .doc = doc_,                    \
	.example = "error-log-format \"%ci [%t] %ft %[" #ident "]\"",        \
}
ROW(fc_err, SMP_INT, SMP_ANYWHERE,
    "The number of the reason why a client's connection came to nothing, "
    "before its first request; 0: it did not.");
ROW(fc_err_name, SMP_STR, SMP_ANYWHERE,
    "That reason as a word, like PRX_TIMEOUT or SSL_HANDSHAKE; empty: there "
    "is none.");
ROW(fc_err_str, SMP_STR, SMP_ANYWHERE, "That reason in words.");
ROW(bc_err, SMP_INT, ON_RES,
    "The number of the error that the last connection to a server failed of; "
    "0: of none. No sample when none was tried.");
ROW(bc_err_name, SMP_STR, ON_RES,
    "That error as a word, like EREFUSED or SSL_CRT_FAIL; empty: there is "
    "none.");
ROW(bc_err_str, SMP_STR, ON_RES, "That error in words.");

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_pp - PROXY headers to servers: addresses, and with version 2 what is
 * known of the client's TLS and whatever else was asked for. The order of
 * what they hold is that of HAProxy 2.6.
 *
 * Source: configuration manual 5.2; "The PROXY protocol" 2.2.
 */
#include "srv_pp.h"

#include <string.h>

#include <expr/expr.h>
#include <os/sock.h>
#include <srv/state.h>
#include <xprt/proxy_proto.h>

#define CLIENT_SSL       1              /* "The PROXY protocol" 2.2.6 */
#define CLIENT_CERT_CONN 2
#define CLIENT_CERT_SESS 4

bool srv_pp_never_local;

static char scratch[CONN_PROXY_LONGEST];

static bool
is_true(const struct expr *e, struct txn *txn)
{
	struct smp s;

	return (expr_eval(e, txn, &s) && smp_cast(txn, &s, SMP_BOOL) &&
	    s.num != 0);
}

static struct span
at_most(struct span s, size_t n)
{
	return (span_of(s.p, s.n < n ? s.n : n));
}

static void
put_told(struct conn_proxy_out *o, unsigned type, const struct conn *c,
    enum conn_tell what)
{
	struct span s = c == NULL ? SPAN_NONE : conn_tell(c, what);

	if (s.n != 0)
		conn_proxy_put(o, type, s);
}

/* A connection in the clear has an empty one. */
static void
put_ssl(struct conn_proxy_out *o, const struct srv_pp *pp, struct txn *txn,
    const struct conn *c)
{
	size_t mark = conn_proxy_open(o, CONN_PROXY_SSL);
	char fixed[5] = { 0 };          /* what it is, and the verdict */
	struct smp s;

	if (txn == NULL || !txn->tls) {
		conn_proxy_add(o, span_of(fixed, sizeof fixed));
		conn_proxy_close(o, mark);
		return;
	}
	fixed[0] = CLIENT_SSL;
	if (is_true(pp->ssl->used, txn))
		fixed[0] |= CLIENT_CERT_SESS;
	if (is_true(pp->ssl->now, txn))
		fixed[0] |= CLIENT_CERT_CONN;
	if (expr_eval(pp->ssl->verify, txn, &s) &&
	    smp_cast(txn, &s, SMP_INT))
		for (int i = 0; i < 4; i++)
			fixed[1 + i] = (char)((uint32_t)s.num >> (24 - 8 * i));
	conn_proxy_add(o, span_of(fixed, sizeof fixed));
	put_told(o, CONN_PROXY_SSL_VERSION, c, CONN_TELL_VERSION);
	if ((pp->opts & SRV_PP_CN) != 0 && expr_eval(pp->ssl->cn, txn, &s) &&
	    smp_cast(txn, &s, SMP_STR) && s.str.n != 0)
		conn_proxy_put(o, CONN_PROXY_SSL_CN, s.str);
	if (pp->opts & SRV_PP_KEY)
		put_told(o, CONN_PROXY_SSL_KEY_ALG, c, CONN_TELL_CERT_KEY);
	if (pp->opts & SRV_PP_SIG)
		put_told(o, CONN_PROXY_SSL_SIG_ALG, c, CONN_TELL_CERT_SIG);
	if (pp->opts & SRV_PP_CIPHER)
		put_told(o, CONN_PROXY_SSL_CIPHER, c, CONN_TELL_CIPHER);
	conn_proxy_close(o, mark);
}

static void
put_formats(struct conn_proxy_out *o, const struct srv_pp_tlv *t,
    struct txn *txn)
{
	for (; t != NULL; t = t->next) {
		size_t mark = conn_proxy_open(o, t->type), room;
		char *to = conn_proxy_room(o, &room);

		conn_proxy_wrote(o, logfmt_run(t->fmt, txn, to, room));
		conn_proxy_close(o, mark);
	}
}

/* What follows the addresses; of a check (no txn) nothing is known. */
static void
put_more(struct conn_proxy_out *o, const struct srv_pp *pp, struct txn *txn)
{
	const struct conn *c = txn == NULL || txn->ops->client_conn == NULL ?
	    NULL : txn->ops->client_conn(txn);

	if (pp->opts & SRV_PP_CRC32C)
		conn_proxy_want_crc(o);
	put_told(o, CONN_PROXY_ALPN, c, CONN_TELL_ALPN);
	if (pp->opts & SRV_PP_AUTHORITY)
		put_told(o, CONN_PROXY_AUTHORITY, c, CONN_TELL_SNI);
	if ((pp->opts & SRV_PP_UNIQUE_ID) && txn != NULL) {
		if (txn->uniq_id.p == NULL && txn_make_id != NULL &&
		    txn->fe != NULL)
			txn_make_id(txn);
		if (txn->uniq_id.n != 0)
			conn_proxy_put(o, CONN_PROXY_UNIQUE_ID,
			    at_most(txn->uniq_id, CONN_PROXY_UNIQUE_ID_MAX));
	}
	if (pp->opts & SRV_PP_IN_SSL)
		put_ssl(o, pp, txn, c);
	if (txn != NULL)
		put_formats(o, pp->tlvs, txn);
}

static struct span
write_header(const struct srv_pp *pp, unsigned version, struct txn *txn,
    const struct addr *src, const struct addr *dst)
{
	struct conn_proxy_out o = { .p = scratch, .size = sizeof scratch };

	o.n = conn_proxy_emit(scratch, sizeof scratch, version, src, dst);
	if (version == 2) {
		put_more(&o, pp, txn);
		conn_proxy_finish(&o);
	}
	return (o.cut ? SPAN_NONE : span_of(scratch, o.n));
}

struct span
srv_pp_header(const struct srv_pp *pp, struct txn *txn)
{
	return (write_header(pp, srv_pp_version(pp), txn,
	    txn_addr(txn, TXN_SRC), txn_addr(txn, TXN_DST)));
}

struct span
srv_pp_of_check(const struct srv *srv, int fd, const struct addr *to)
{
	const struct srv_pp *pp = srv_pp_of(srv);
	bool local = pp->v2 && !srv_pp_never_local;
	struct addr src;

	sock_local(fd, &src);
	return (write_header(pp, pp->v2 ? 2 : 1, NULL, local ? NULL : &src,
	    to));
}

bool
srv_sends_proxy(const struct srv *srv)
{
	return (srv_pp_version(srv_pp_of(srv)) != 0);
}

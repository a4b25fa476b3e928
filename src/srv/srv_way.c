/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_way - connections that do not begin the usual way.
 *
 * Source: configuration manual 4.2 "source", "option tcp-smart-connect", 5.2
 * "namespace", "tcp-md5sig", "tcp-ut", "tfo", 3.2 "tune.sndbuf.server".
 */
#include "srv_way.h"

#include "srv_int.h"

#include <string.h>

#include <expr/expr.h>
#include <os/sock.h>
#include <px/sock.h>

const struct srv_source *
srv_source_of(const struct srv *srv)
{
	const struct srv_way *w = px_get(&srv->cfg->slots, &srv_way_slot);
	const struct srv_be_way *b;

	if (w->source != NULL)
		return (w->source);
	b = px_get(&srv->be->px->slots, &srv_be_way_slot);
	return (b->source);
}

bool
srv_way_is_usual(const struct srv *srv, const struct srv_source *src)
{
	const struct srv_way *w = px_get(&srv->cfg->slots, &srv_way_slot);

	return (!w->special && !px_sock_tuned &&
	    !px_opt(srv->be->px, PX_OPT_TCP_SMART_CONNECT) &&
	    (src == NULL || (src->usesrc == SRV_USESRC_NONE &&
	    src->interface == NULL)));
}

/* 0.0.0.0 or ::, as where only the rest of the line counts. */
static bool
is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return (a->port == 0 && memcmp(a->ip, zero, sizeof zero) == 0);
}

/* The address to come from that is not one of ours; false: there is none. */
static bool
foreign_of(const struct srv_source *src, struct txn *txn, struct addr *out)
{
	struct smp s;

	switch ((enum srv_usesrc)src->usesrc) {
	case SRV_USESRC_NONE:
		return (false);
	case SRV_USESRC_ADDR:
		*out = src->foreign;
		return (true);
	case SRV_USESRC_CLIENT:
	case SRV_USESRC_CLIENTIP:
		if (txn == NULL)
			return (false);
		*out = *txn_addr(txn, TXN_SRC);
		break;
	case SRV_USESRC_HDR:
		if (txn == NULL || !expr_eval(src->hdr, txn, &s) ||
		    !smp_cast(txn, &s, SMP_ADDR))
			return (false);
		*out = s.addr;
		break;
	}
	if (src->usesrc != SRV_USESRC_CLIENT)
		out->port = 0;
	/* Nobody else's request may use this connection. */
	txn->bc.set |= SOCK_OWN;
	return (out->family == ADDR_V4 || out->family == ADDR_V6);
}

int
srv_way_connect(const struct srv *srv, const struct srv_source *src,
    struct txn *txn, const struct addr *to, bool probe)
{
	const struct srv_way *w = px_get(&srv->cfg->slots, &srv_way_slot);
	const struct px_sock_tune *tune = px_sock_tune(PX_SOCK_SERVER);
	struct sock_way way = {
		.netns = w->netns, .md5_key = w->md5_key, .cc = w->cc,
		.user_timeout_ms = w->user_timeout_ms, .tfo = w->tfo && !probe,
		.late_ack = probe ||
		    px_opt(srv->be->px, PX_OPT_TCP_SMART_CONNECT),
		.sndbuf = tune->sndbuf, .rcvbuf = tune->rcvbuf,
		.notsent_lowat = tune->notsent_lowat,
		.marks = txn == NULL ? NULL : &txn->bc,
	};
	struct addr foreign;

	if (src == NULL)
		return (sock_connect_way(to, &way));
	way.interface = src->interface;
	way.src = is_any(&src->addr) ? NULL : &src->addr;
	if (foreign_of(src, txn, &foreign)) {
		way.src = &foreign;
		way.foreign = true;
	}
	if (way.src != NULL && way.src->family != to->family)
		way.src = NULL;         /* as the kernel chooses */
	return (sock_connect_way(to, &way));
}

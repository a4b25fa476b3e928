/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_way - connections that do not begin the usual way.
 *
 * Source: configuration manual 4.2 "source", "option tcp-smart-connect", 5.2
 * "namespace", "tcp-md5sig", "tcp-ut", "tfo", "socks4", 3.2 "tune.sndbuf.server".
 */
#include "srv_way.h"

#include "srv_int.h"
#include "srv_pp.h"

#include <string.h>

#include <base/hash.h>
#include <expr/expr.h>
#include <os/sock.h>
#include <px/sock.h>
#include <srv/state.h>
#include <xprt/conn.h>

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

static uint64_t
mix(uint64_t key, struct span s)
{
	return ((key ^ hash_xxh64(s)) * 0x9e3779b97f4a7c15u);
}

static uint64_t
mix_text(uint64_t key, const char *s)
{
	return (mix(key, s == NULL ? SPAN("") : span_str(s)));
}

static uint64_t
mix_source(uint64_t key, const struct srv_source *src)
{
	char text[ADDR_TEXT];

	if (src == NULL)
		return (key);
	addr_print_port(&src->addr, text);
	key = mix_text(key, text);
	addr_print_port(&src->foreign, text);
	key = mix_text(key, text);
	key = mix_text(key, src->interface);
	return (key + src->usesrc);
}

/* Of texts only: another release has to come to the same. */
uint64_t
srv_way_key(const struct srv *srv)
{
	const struct srv_way *w = px_get(&srv->cfg->slots, &srv_way_slot);
	const struct px_server *cfg = srv->cfg;
	uint64_t key = srv_pp_version(srv_pp_of(srv));
	char socks[ADDR_TEXT];

	key = mix_text(key, cfg->xprt == NULL ? "raw" : cfg->xprt->name);
	key = mix_text(key, cfg->unix_path);
	key = mix_text(key, w->namespace);
	key = mix_text(key, w->md5_key);
	if (w->socks.family != ADDR_NONE) {
		addr_print_port(&w->socks, socks);
		key = mix_text(key, socks);
	}
	return (mix_source(key, srv_source_of(srv)) | 1);
}

bool
srv_is_at(const struct srv *srv, const struct conn *c)
{
	struct addr to, peer;

	srv_addr(srv, NULL, &to);
	if (c->has_peer)                /* behind a SOCKS proxy */
		peer = c->peer;
	else
		sock_peer(c->fd, &peer);
	return ((to.family != ADDR_V4 && to.family != ADDR_V6) ||
	    addr_eq(&to, &peer));
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

bool
srv_has_socks(const struct srv *srv, bool check)
{
	const struct srv_way *w = px_get(&srv->cfg->slots, &srv_way_slot);

	return (w->socks.family != ADDR_NONE && (!check || w->check_socks));
}

/* Where to, when not there: UNIX sockets are reached without a proxy. */
const struct addr *
srv_hop(const struct srv *srv, const struct addr *to, bool socks)
{
	const struct srv_way *w = px_get(&srv->cfg->slots, &srv_way_slot);

	return (socks ? &w->socks : to);
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

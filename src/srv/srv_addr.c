/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_addr - where a server is and how a connection to it begins.
 */
#include "srv_int.h"
#include "srv_pp.h"
#include "srv_way.h"

#include <errno.h>
#include <string.h>

#include <base/hash.h>
#include <expr/expr.h>
#include <os/sock.h>
#include <srv/state.h>

/* The address that `set server addr` wrote, read whole. */
static bool
override(const struct srv_shm *sh, struct addr *out)
{
	for (int tries = 0; tries < 1000; tries++) {
		uint32_t seq = atomic_load(&sh->addr_seq);
		bool set = sh->addr_set != 0;

		if (seq % 2 != 0)
			continue;
		if (set)
			*out = sh->addr;
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load(&sh->addr_seq) == seq)
			return (set);
	}
	return (false);                 /* its writer died: as configured */
}

static bool
is_inet(const struct addr *a)
{
	return (a->family == ADDR_V4 || a->family == ADDR_V6);
}

/* 0.0.0.0 or ::, so where the client wanted to: see set-dst. */
static bool
is_nowhere(const struct addr *a)
{
	static const uint8_t zero[16];

	return (memcmp(a->ip, zero, sizeof zero) == 0);
}

void
srv_addr(const struct srv *srv, struct txn *txn, struct addr *out)
{
	const struct px_server *cfg = srv->cfg;
	const struct addr *dst;
	bool client_port = cfg->port_from_client;

	*out = cfg->addr;
	if (override(srv->shm, out) && out->port != 0)
		client_port = false;
	if (txn == NULL || !is_inet(out) ||
	    __builtin_expect(!client_port && !is_nowhere(out), 1))
		return;
	dst = txn_addr(txn, TXN_DST);
	if (!is_inet(dst))
		return;
	if (is_nowhere(out)) {
		out->family = dst->family;
		memcpy(out->ip, dst->ip, sizeof out->ip);
	}
	if (client_port)
		out->port = (uint16_t)(dst->port +
		    (cfg->has_port_offset ? cfg->port_offset : 0));
}

static int
connect_unix(const struct px_server *cfg)
{
	struct addr_spec spec = { .addr = cfg->addr, .fd = -1,
	    .host = span_str(cfg->unix_path) };

	return (sock_connect_unix(&spec));
}

static int
connect_inet(const struct srv *srv, struct txn *txn, const struct addr *to,
    bool probe)
{
	const struct srv_source *src = srv_source_of(srv);
	const struct addr *from = src == NULL ? NULL : &src->addr;

	if (__builtin_expect(!srv_way_is_usual(srv, src), 0))
		return (srv_way_connect(srv, src, txn, to, probe));
	if (probe)
		return (sock_probe(to, from));
	if (txn != NULL && txn->bc.set != 0)
		return (sock_connect_marked(to, from, &txn->bc));
	return (sock_connect(to, from));
}

static int
connect_other(const struct srv *srv)
{
	if (srv->cfg->unix_path != NULL)
		return (connect_unix(srv->cfg));
	if (srv->cfg->addr.family == ADDR_SOCKPAIR)
		return (sock_connect_pair(srv->cfg->addr.port));
	errno = EAFNOSUPPORT;
	return (-1);
}

int
srv_connect_to(const struct srv *srv, const struct addr *to, bool probe,
    bool socks)
{
	return (is_inet(to) ? connect_inet(srv, NULL, srv_hop(srv, to, socks),
	    probe) : connect_other(srv));
}

int
srv_connect(struct srv *srv, struct txn *txn)
{
	struct addr to;
	int fd;

	srv_addr(srv, txn, &to);
	fd = is_inet(&to) ? connect_inet(srv, txn, srv_hop(srv, &to,
	    srv_has_socks(srv, false)), false) : connect_other(srv);
	if (fd >= 0 && px_opt(srv->be->px, PX_OPT_SRVTCPKA))
		px_tcpka_apply(srv->be->px, false, fd);
	return (fd);
}

static bool
put_proxy_header(const struct srv *srv, struct txn *txn, struct buf *out)
{
	const struct srv_pp *pp = srv_pp_of(srv);
	struct span s;

	if (srv_pp_version(pp) == 0)
		return (true);
	s = srv_pp_header(pp, txn);
	if (s.n == 0 || !buf_hold(out) || buf_room(out) < s.n)
		return (false);
	memcpy(buf_tail(out), s.p, s.n);
	buf_wrote(out, s.n);
	return (true);
}

static __attribute__((noinline, cold)) uint64_t
make_key(const struct srv_pp *pp, const struct expr *name, struct txn *txn)
{
	uint64_t key = srv_pp_version(pp) == 0 ? 0 :
	    hash_xxh64(srv_pp_header(pp, txn));
	struct smp s;

	if (name == NULL)
		return (key | 1);
	if (!expr_eval(name, txn, &s) || !smp_cast(txn, &s, SMP_STR))
		s.str = SPAN_NONE;
	/* two keys as one: none of them may make up for the other */
	key = key * UINT64_C(0x9e3779b97f4a7c15) + hash_xxh64(s.str);
	return (key | 1);
}

uint64_t
srv_pp_key(const struct srv *srv, struct txn *txn)
{
	const struct expr *name = srv_cfg_of(srv)->pool_name;
	const struct srv_pp *pp = srv_pp_of(srv);

	return (srv_pp_version(pp) == 0 && name == NULL ? 0 :
	    make_key(pp, name, txn));
}

bool
srv_may_reuse(const struct srv *srv, uint32_t served)
{
	int32_t most = srv_cfg_of(srv)->max_reuse;

	return (most < 0 || served <= (uint32_t)most);
}

static bool
begin_socks(const struct srv *srv, struct txn *txn, struct conn *c)
{
	struct addr to;

	srv_addr(srv, txn, &to);
	return (!is_inet(&to) || conn_socks(c, &to));
}

bool
srv_begin(const struct srv *srv, struct txn *txn, struct xprt_to *to,
    struct conn *c, struct buf *out)
{
	struct buf first = { .len = 0 };
	bool good;

	if (srv->cfg->xprt == NULL)
		return (put_proxy_header(srv, txn, out) &&
		    (!srv_has_socks(srv, false) || begin_socks(srv, txn, c)));
	good = put_proxy_header(srv, txn, &first);
	to->first = buf_peek(&first);
	good = good && conn_connect(c, srv->cfg->xprt, to) &&
	    (!srv_has_socks(srv, false) || begin_socks(srv, txn, c));
	buf_drop(&first);
	return (good);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_WAY_H
#define SRV_WAY_H
/*
 * srv_way - how connections to a server begin, where anything but the usual is
 * said about it: from which address, interface or namespace, with which TCP
 * options. Settings are made by srv_way_kw.c, used by srv_way.c.
 */
#include <srv/srv.h>

/* Whose address a connection comes from (usesrc). */
enum srv_usesrc { SRV_USESRC_NONE, SRV_USESRC_ADDR, SRV_USESRC_CLIENT,
	SRV_USESRC_CLIENTIP, SRV_USESRC_HDR };

struct srv_source {
	struct addr addr;
	const char *interface;          /* or NULL */
	uint8_t usesrc;                 /* enum srv_usesrc */
	struct addr foreign;            /* SRV_USESRC_ADDR */
	struct expr *hdr;               /* SRV_USESRC_HDR: an address */
};

struct srv_way {                        /* of a server; zeroes: as usual */
	const struct srv_source *source;        /* NULL: as its backend */
	const char *namespace;
	int netns;                      /* its descriptor plus one; 0: ours */
	const char *md5_key;            /* tcp-md5sig, or NULL */
	const char *cc;                 /* congestion control, or NULL */
	uint32_t user_timeout_ms;       /* tcp-ut */
	bool tfo;
	struct addr socks;              /* socks4; ADDR_NONE: none */
	bool check_socks;               /* check-via-socks4 */
	bool special;                   /* any of namespace to socks */
};
PX_SLOT_DECLARE(srv_way_slot);          /* of servers */

struct srv_be_way {
	const struct srv_source *source;        /* NULL: none */
};
PX_SLOT_DECLARE(srv_be_way_slot);       /* of proxies */

/* srv_source_of - what counts for this server; NULL: nothing is said. */
const struct srv_source *srv_source_of(const struct srv *);

/* srv_way_is_usual - a plain socket will do, from the source's address if
 * there is one. */
bool srv_way_is_usual(const struct srv *, const struct srv_source *);

/* srv_hop - where to connect on the way to `to`: the server's SOCKS proxy, if
 * it is to be used. */
const struct addr *srv_hop(const struct srv *, const struct addr *to,
    bool socks);

/* srv_way_connect - as srv_connect() to an IP address when it is not usual.
 * Without a stream (checks) nothing is taken from a client. */
int srv_way_connect(const struct srv *, const struct srv_source *,
    struct txn *, const struct addr *to, bool probe);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_PP_H
#define SRV_PP_H
/*
 * srv_pp - the PROXY header that connections to a server begin with, and what
 * it says besides addresses. Settings are made by srv_pp_kw.c, used by
 * srv_pp.c.
 */
#include <srv/srv.h>

enum srv_pp_opt {                       /* of version 2 */
	SRV_PP_SSL = 1,                 /* the client's TLS */
	SRV_PP_CN = 2,                  /* with these in it */
	SRV_PP_CIPHER = 4,
	SRV_PP_SIG = 8,
	SRV_PP_KEY = 16,
	SRV_PP_AUTHORITY = 32,
	SRV_PP_CRC32C = 64,
	SRV_PP_UNIQUE_ID = 128
};
#define SRV_PP_IN_SSL (SRV_PP_SSL | SRV_PP_CN | SRV_PP_CIPHER | SRV_PP_SIG | \
	SRV_PP_KEY)

struct srv_pp_tlv {                     /* set-proxy-v2-tlv-fmt */
	const struct srv_pp_tlv *next;
	const struct logfmt *fmt;
	uint8_t type;
};

/* What only room tls can say of a client's certificate. */
struct srv_pp_ssl {
	const struct expr *used, *now, *verify, *cn;
};

struct srv_pp {                         /* of a server; zeroes: no header */
	bool v1, v2;                    /* the latter wins */
	uint8_t opts;                   /* enum srv_pp_opt */
	const struct srv_pp_tlv *tlvs;  /* in order of types */
	const struct srv_pp_ssl *ssl;   /* NULL: opts have nothing of it */
};
PX_SLOT_DECLARE(srv_pp_slot);

/* srv_pp_never_local - checks call themselves clients (global
 * pp2-never-send-local). */
extern bool srv_pp_never_local;

static inline const struct srv_pp *
srv_pp_of(const struct srv *srv)
{
	return (px_get(&srv->cfg->slots, &srv_pp_slot));
}

/* srv_pp_version - 1 or 2; 0: there is no header. */
static inline unsigned
srv_pp_version(const struct srv_pp *pp)
{
	return (pp->v2 ? 2 : pp->v1);
}

/* srv_pp_header - the header for an exchange; valid until the next call. p
 * NULL: it would be too long. */
struct span srv_pp_header(const struct srv_pp *, struct txn *);
#endif

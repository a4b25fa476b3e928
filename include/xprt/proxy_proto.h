/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XPRT_PROXY_PROTO_H
#define XPRT_PROXY_PROTO_H
/*
 * proxy_proto - the PROXY protocol, versions 1 and 2, as bytes: what a
 * header says and how one is written. Pure; conn_proxy_take() does the
 * reading.
 *
 * Source: "The PROXY protocol", versions 1 & 2 (proxy-protocol.txt).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/span.h>
#include <base/why.h>
#include <os/addr.h>

#define CONN_PROXY_V1_MAX 107   /* longest line of version 1, with CRLF */
#define CONN_PROXY_V2_MIN 16
#define CONN_PROXY_EMIT_MAX 107 /* longest that we write, either version */

enum conn_proxy_tlv_type {
	CONN_PROXY_ALPN = 0x01,
	CONN_PROXY_AUTHORITY = 0x02,
	CONN_PROXY_CRC32C = 0x03,
	CONN_PROXY_NOOP = 0x04,
	CONN_PROXY_UNIQUE_ID = 0x05,
	CONN_PROXY_SSL = 0x20,
	/* inside of that one */
	CONN_PROXY_SSL_VERSION = 0x21,
	CONN_PROXY_SSL_CN = 0x22,
	CONN_PROXY_SSL_CIPHER = 0x23,
	CONN_PROXY_SSL_SIG_ALG = 0x24,
	CONN_PROXY_SSL_KEY_ALG = 0x25,
	CONN_PROXY_NETNS = 0x30
};
#define CONN_PROXY_UNIQUE_ID_MAX 128

struct conn_proxy {
	uint8_t version;        /* 1 or 2 */
	bool has_addr;          /* src and dst are told; else (LOCAL, UNKNOWN,
	                         * a family without IP) the real ones stay */
	struct addr src, dst;
	struct span tlvs;       /* version 2: slice of the input, checked */
};

/*
 * conn_proxy_parse - the header at the start of `in`.
 *
 * used  out: its length when WHY_OK; when WHY_AGAIN the number of bytes from
 *       the start that must be there before it makes sense to ask again (at
 *       most 16 + 65535)
 *
 * WHY_OK, WHY_AGAIN, or WHY_PROXY_BAD as soon as it cannot become a header.
 * Reads no byte behind the header. A CRC32c is verified.
 */
enum why conn_proxy_parse(struct span in, struct conn_proxy *, size_t *used);

/* conn_proxy_tlv - value of the first TLV of that type; false: none. */
bool conn_proxy_tlv(struct span tlvs, unsigned type, struct span *value);

/*
 * conn_proxy_emit - write a header of version 1 or 2 at `dst`.
 *
 * `src` NULL: a connection of our own, as for checks (version 2: LOCAL).
 * Addresses of two families are both written as IPv6; others than IP are
 * unknown. Returns the bytes written, 0 when `size` is too small;
 * CONN_PROXY_EMIT_MAX always fits.
 */
size_t conn_proxy_emit(char *dst, size_t size, unsigned version,
    const struct addr *src, const struct addr *dst_addr);

#define CONN_PROXY_LONGEST (16 + 65535) /* with TLVs */

/*
 * TLVs behind a header of version 2 that conn_proxy_emit() wrote at `p`, `n`
 * bytes. What does not fit is left out, and `cut` is set.
 *
 * conn_proxy_open, conn_proxy_close - a TLV around what is written between
 * them. conn_proxy_add - bytes. conn_proxy_room, conn_proxy_wrote - the same
 * in place. conn_proxy_put - a whole TLV. conn_proxy_want_crc - a place for the
 * checksum. conn_proxy_finish - lengths and checksum are right from now on.
 */
struct conn_proxy_out {
	char *p;
	size_t n, size;
	size_t crc_at;                  /* 0: none wanted */
	bool cut;
};
size_t conn_proxy_open(struct conn_proxy_out *, unsigned type);
void conn_proxy_close(struct conn_proxy_out *, size_t mark);
void conn_proxy_add(struct conn_proxy_out *, struct span);
char *conn_proxy_room(struct conn_proxy_out *, size_t *room);
void conn_proxy_wrote(struct conn_proxy_out *, size_t n);
void conn_proxy_put(struct conn_proxy_out *, unsigned type, struct span);
void conn_proxy_want_crc(struct conn_proxy_out *);
void conn_proxy_finish(struct conn_proxy_out *);
#endif

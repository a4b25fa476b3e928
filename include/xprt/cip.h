/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XPRT_CIP_H
#define XPRT_CIP_H
/*
 * cip - the header of NetScaler's Client IP insertion: a magic number that
 * both sides were told, and a copy of the IP and TCP headers that the client's
 * own packet had.
 *
 * Source: Citrix support article CTX205670. Of its two layouts the older one
 * has the length of the headers behind the magic number (4 bytes each); the
 * newer one the length of all, a type that is 1, and the length of the headers
 * (4, 2 and 2 bytes). The first byte of an IP header tells them apart.
 */
#include <base/span.h>
#include <base/why.h>
#include <os/addr.h>

#include <stdint.h>

#define CONN_CIP_MAX 1024       /* bytes; IP and TCP headers have 120 at most */

struct conn_cip {
	struct addr src, dst;
};

/*
 * conn_cip_parse - read a header from the beginning of `in`.
 *
 * used  out: its length; when more is needed, how much at least
 *
 * WHY_OK, WHY_AGAIN, or why it is none: WHY_CIP_MAGIC, WHY_CIP_PROTO (not TCP
 * in IP, or not a layout that is known), WHY_CIP_SHORT (the headers do not fit
 * in their length).
 */
enum why conn_cip_parse(struct span in, uint32_t magic, struct conn_cip *,
    size_t *used);
#endif

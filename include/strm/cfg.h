/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_CFG_H
#define STRM_CFG_H
/*
 * strm settings of a proxy: what its lines say about the stream itself.
 */
#include <base/span.h>
#include <os/addr.h>
#include <px/px.h>

struct cond;

struct strm_monitor {                   /* monitor fail if … */
	struct strm_monitor *next;
	struct cond *cond;
};

struct strm_except {                    /* except NET */
	struct strm_except *next;
	struct addr_net net;
};

struct strm_addr_hdr {                  /* option forwardfor, originalto */
	bool on, if_none;
	struct span name;               /* the usual one when empty */
	struct strm_except *except;
};

/* option http-restrict-req-hdr-names */
enum strm_names { STRM_NAMES_PRESERVE, STRM_NAMES_DELETE, STRM_NAMES_REJECT };

struct strm_cfg {
	struct span monitor_uri;
	struct strm_monitor *monitor_fail;
	struct strm_addr_hdr forwardfor, originalto;
	const struct strm_rfc7239 *rfc7239;     /* option forwarded; or NULL */
	struct span send_name;          /* http-send-name-header; n 0: none */
	uint32_t kept_queue;            /* max-keep-alive-queue plus one; 0: no
	                                 * limit */
	uint8_t names;                  /* enum strm_names */
};

PX_SLOT_DECLARE(strm_slot);
#endif

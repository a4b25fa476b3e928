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

struct strm_cfg {
	struct span monitor_uri;
	struct strm_monitor *monitor_fail;
	struct strm_addr_hdr forwardfor, originalto;
};

PX_SLOT_DECLARE(strm_slot);
#endif

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

struct strm_except {                    /* option forwardfor except NET */
	struct strm_except *next;
	struct addr_net net;
};

struct strm_cfg {
	struct span monitor_uri;
	struct strm_monitor *monitor_fail;
	bool forwardfor;
	bool forwardfor_if_none;
	struct span forwardfor_name;    /* "X-Forwarded-For" when empty */
	struct strm_except *forwardfor_except;
};

PX_SLOT_DECLARE(strm_slot);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_short - what this machine lacks for one more connection to a server: it
 * is no fault of the server's, and the operator is told what to do about it.
 */
#include "strm_int.h"

#include <errno.h>

#include <log/log.h>

#define SAID_AGAIN_MS 1000      /* by one process, whatever it is about */

static const struct lack {
	int err;
	const char *advice;
} lacks[] = {
	{ EMFILE, "this process has no descriptor left: raise 'ulimit-n' or "
	    "lower 'maxconn'" },
	{ ENFILE, "the system has no descriptor left: raise fs.file-max" },
	{ ENOMEM, "the system has no memory for sockets" },
	{ ENOBUFS, "the system has no memory for sockets" },
	{ EADDRNOTAVAIL, "no source port is free, or the source address is not "
	    "this machine's: keep connections ('http-reuse'), widen "
	    "net.ipv4.ip_local_port_range, or give more servers or 'source' "
	    "addresses" },
};

static const struct lack *
find_lack(int err)
{
	for (size_t i = 0; i < NELEM(lacks); i++)
		if (lacks[i].err == err)
			return (&lacks[i]);
	return (NULL);
}

bool
strm_is_short(const struct strm *s, int err)
{
	static int64_t next_ms;
	static unsigned more;
	const struct lack *l = find_lack(err);
	const struct srv *srv = s->slot.srv;

	if (l == NULL)
		return (false);
	if (the_loop->now_ms < next_ms) {
		more++;
		return (true);
	}
	errno = err;
	log_event(srv->be->px, LOG_L_EMERG, "Proxy %s cannot connect to "
	    "server %s: %m; %s (%u more since the last message)",
	    srv->be->px->name, srv->cfg->name, l->advice, more);
	next_ms = the_loop->now_ms + SAID_AGAIN_MS;
	more = 0;
	return (true);
}

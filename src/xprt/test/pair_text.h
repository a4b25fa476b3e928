/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XPRT_PAIR_TEXT_H
#define XPRT_PAIR_TEXT_H
/* Two addresses that a header tells, as rows of tests have them. */
#include <arpa/inet.h>
#include <stdio.h>

#include <os/addr.h>

static inline const char *
pair_text(const struct addr *src, const struct addr *dst)
{
	static char text[160];
	char ip[2][INET6_ADDRSTRLEN];
	const struct addr *a[2] = { src, dst };

	for (int i = 0; i < 2; i++)
		inet_ntop(a[i]->family == ADDR_V4 ? AF_INET : AF_INET6,
		    a[i]->ip, ip[i], sizeof ip[i]);
	snprintf(text, sizeof text, "%s %u > %s %u", ip[0], a[0]->port, ip[1],
	    a[1]->port);
	return (text);
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_DNS_H
#define DNS_DNS_H
/*
 * dns - addresses of servers that have a name, looked up while we run; and
 * names that rules ask for.
 *
 * The agent asks the name servers of "resolvers" sections with c-ares and
 * writes what it finds where `set server addr` does, so that all workers have
 * it at once and none of them waits for a name. What is known of a server
 * survives the agent and a change of generation.
 */
#include <stdbool.h>

#include <base/span.h>
#include <srv/srv.h>

struct text;

/* dns_setup - find or make what is shared (the keeper, after srv_setup() and
 * before the first fork). */
bool dns_setup(const char **err);

/* dns_fqdn - the name that the server's address is looked up by, "-" when it
 * has none; dns_srvrecord - the name of the SRV records that it comes from,
 * or "-". For the runtime API. */
struct span dns_fqdn(const struct srv *);
struct span dns_srvrecord(const struct srv *);

/* dns_set_fqdn - `set server fqdn`: what came of it, or why not, goes into
 * `said`; false: nothing was done. */
bool dns_set_fqdn(struct srv *, struct span host, struct text *said);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_STATE_H
#define SRV_STATE_H
/*
 * state - changes of a server's state: what the checks find and what people
 * order. Everything here writes shared memory, so that all workers act at
 * once; log lines and notices to the workers are made by room chk (chk/chk.h)
 * around it.
 */
#include <srv/srv.h>

/* be_refresh - states or weights were written: say which servers may be
 * chosen now, and give queued streams to those that have room. */
void be_refresh(struct be *);

/* srv_count_start - what this process holds from now on is that of process
 * number `proc_no`; srv_worker_start() includes it. */
void srv_count_start(int proc_no);

/* srv_config_apply - where the configuration says something else about weight,
 * address or "disabled" than the last one did, it wins now. For the agent when
 * its generation begins to serve: until then the one before is in charge. */
void srv_config_apply(struct be *);

/* srv_requeue - streams that wait for this server wait for any one instead;
 * returns how many. */
uint32_t srv_requeue(struct srv *);

/* be_active, be_backup - servers that are up: all but backup ones, and backup
 * ones. */
unsigned be_active(const struct be *);
unsigned be_backup(const struct be *);

/* srv_addr_set - `set server addr`: connect to `to` from now on; NULL: as
 * configured. */
void srv_addr_set(struct srv *, const struct addr *to);

/* srv_slow_start - weight and maxconn grow from now on, if so configured;
 * srv_slow_tick - the agent, each second: false when it is over. */
void srv_slow_start(struct srv *);
bool srv_slow_tick(struct srv *);

/* srv_kill_strms - in a worker: end all streams that are on the server. */
void srv_kill_strms(struct srv *, enum why);

/* What the server's line says that the checks follow. */
bool srv_down_shuts(const struct srv *);        /* on-marked-down */
bool srv_up_shuts_backup(const struct srv *);   /* on-marked-up */
bool srv_sends_proxy(const struct srv *);

/* srv_pp_of_check - the PROXY header of a check, whose connection `fd` is on its
 * way to `to`; version 1 when the server's line says nothing. Valid until the
 * next call. */
struct span srv_pp_of_check(const struct srv *, int fd,
    const struct addr *to);
int32_t srv_pool_max(const struct srv *);       /* pool-max-conn, -1: none */
int32_t srv_pool_purge_ms(const struct srv *);  /* pool-purge-delay */

/* srv_connect_to - a socket on its way to `to` (with `socks` to its SOCKS proxy:
 * conn_socks() has to follow), or to the server's UNIX socket, from the
 * configured source; as sock_probe() when `probe`. srv_has_socks - there is
 * such a proxy, for traffic or for checks. */
int srv_connect_to(const struct srv *, const struct addr *to, bool probe,
    bool socks);
bool srv_has_socks(const struct srv *, bool check);

/* srv_each_be - walk all backends of the generation. */
void srv_each_be(void (*fn)(struct be *, void *arg), void *arg);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_HOLDER_H
#define IPC_HOLDER_H
/*
 * holder - who owns the listening sockets: the master, or the keeper when it
 * is the top process.
 *
 * A socket is known by what the configuration says about it (address and
 * options), so a new generation gets the one that is open. One address may
 * have several (shards, SO_REUSEPORT). None is closed before the generation
 * that no longer wants it was replaced.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/text.h>
#include <ipc/ipc.h>

/*
 * ipc_holder_get - descriptors for one address, opened when there are none or
 * fewer than wanted; all that there are. When the path of a UNIX socket was
 * removed, one that has it again, unless this generation fails.
 *
 * interface  a network interface, "eth0"; in a network namespace "blue/eth0", or
 *       "blue/"; empty: any
 * gen   the generation that asks
 * fds   out: `*n` descriptors, still the holder's; room for IPC_FDS_MAX
 * first out: fds[0] is known to be the first of its SO_REUSEPORT group
 * again out: this generation has them already, for another line
 *
 * On failure false and *err says which step failed and why (static storage).
 */
bool ipc_holder_get(const struct ipc_listen *, struct span host,
    struct span interface, uint32_t gen, int fds[IPC_FDS_MAX], size_t *n,
    bool *first, bool *again, const char **err);

/* ipc_holder_commit - generation `gen` serves: close what it did not ask
 * for. ipc_holder_cancel - it failed: close what only it asked for. */
void ipc_holder_commit(uint32_t gen);
void ipc_holder_cancel(uint32_t gen);

/* ipc_holder_adopt - a listening socket from elsewhere, taken when an address
 * fits it (owned); `first`: it is known to be the first of its SO_REUSEPORT
 * group. ipc_holder_settle - close those that nobody took; returns how
 * many. */
void ipc_holder_adopt(int fd, struct span interface, bool first);
size_t ipc_holder_settle(void);

/* ipc_holder_count - sockets held. */
size_t ipc_holder_count(void);

/* ipc_holder_busy - asked when an address is in use: true to try again. NULL
 * at start. */
extern bool (*ipc_holder_busy)(void);

/* ipc_holder_save - one line per socket, for the next image of this process;
 * ipc_holder_load - from such text. The descriptors stay open over exec. */
void ipc_holder_save(struct text *);
bool ipc_holder_load(struct span);

/*
 * ipc_getsocks - fetch listening sockets from a running process's stats
 * socket (`-x`), each to be adopted. `path`: a UNIX socket's path, abns@,
 * unix@ or sockpair@N.
 *
 * Returns how many came, or -1 with *err.
 */
int ipc_getsocks(const char *path, const char **err);
#endif

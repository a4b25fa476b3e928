/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_DAEMON_H
#define IPC_DAEMON_H
/*
 * daemon - into the background, and the pid file: for both top processes.
 */
#include <stdbool.h>
#include <sys/types.h>

/*
 * ipc_daemon - leave the terminal. Returns in the daemon, with a descriptor on
 * which to say that it serves, ipc_daemon_serves(): the launcher waits for it,
 * and fails when the daemon ends before. Exits after an alert.
 */
int ipc_daemon(void);

/* ipc_daemon_serves - tell the launcher; nothing when *fd is -1. */
void ipc_daemon_serves(int *fd);

/* ipc_daemon_to_null - standard input and output lead nowhere. */
void ipc_daemon_to_null(void);

/* ipc_pidfile - false after an alert; path may be NULL. */
bool ipc_pidfile(const char *path, pid_t);
#endif

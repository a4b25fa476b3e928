/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_HOLDER_INT_H
#define IPC_HOLDER_INT_H
/*
 * Between the table of sockets and those that came from another process.
 */
#include <ipc/ipc.h>

/* ipc_holder_adopted - take an adopted socket that is what `l` asks for; -1.
 * *first says whether it is the first of its group. */
int ipc_holder_adopted(const struct ipc_listen *, struct span host,
    struct span interface, bool *first);

/* ipc_getsocks_dial - connect to a runtime socket, blocking, with a time limit
 * for each answer; -1 with *err. */
int ipc_getsocks_dial(const char *path, const char **err);
#endif

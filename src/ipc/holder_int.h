/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_HOLDER_INT_H
#define IPC_HOLDER_INT_H
/*
 * Between the table of sockets and those that came from another process.
 */
#include <ipc/ipc.h>

/* ipc_holder_adopted - take an adopted socket that is what `l` asks for; -1. */
int ipc_holder_adopted(const struct ipc_listen *, struct span host,
    struct span interface);
#endif

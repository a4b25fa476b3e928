/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_SAY_H
#define IPC_SAY_H
/*
 * say - messages of start, stop and reload to standard error, in the shape
 * that operators' tools know:
 *
 *	[NOTICE]   (1234) : New worker (1235) forked
 */
#include <base/diag.h>

extern bool ipc_say_quiet;      /* -q: only alerts */

/* Whoever reads standard error is not waited for, only IPC_SAY_WAIT_MS: for a
 * process that others wait for. What finds no room is counted and lost. */
extern bool ipc_say_hurries;
#define IPC_SAY_WAIT_MS 50

/* ipc_say - one message, without the newline. */
void ipc_say(enum diag_level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ipc_say_text - text that is rendered already. */
void ipc_say_text(struct span);

/* What was said, for `show startup-logs`: called with each text; may be
 * NULL. */
extern void (*ipc_say_also)(struct span);
#endif

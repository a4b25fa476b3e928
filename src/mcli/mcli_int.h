/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MCLI_INT_H
#define MCLI_INT_H
/*
 * What the files of room mcli share.
 */
#include <mcli/mcli.h>

extern const struct mcli_owner *mcli_owner;
extern const char *const *mcli_args;    /* of -S, one for each socket */

/* mcli_command - one command, without its line end. */
void mcli_command(struct mcli *, struct span);

/* mcli_forward - to the agent of a generation; false: it is not there. */
bool mcli_forward(struct mcli *, pid_t keeper, struct span cmd);

void mcli_prompt(struct mcli *);

/* mcli_socket_gone - it is at a path, and that was removed. */
bool mcli_socket_gone(const char *arg);

/* mcli_socket_open - one -S argument. */
bool mcli_socket_open(const char *arg, struct mcli_socket *,
    const char **err);
#endif

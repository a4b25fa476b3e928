/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_MASTER_CLI_INT_H
#define MASTER_MASTER_CLI_INT_H
/*
 * A connection to one of the master's sockets.
 */
#include "master_int.h"

struct cli {
	struct list node;
	int fd;
	int relay;              /* to an agent, while it answers; -1 */
	int level;              /* 1 user, 2 operator, 3 admin */
	uint32_t modes;         /* IPC_CLI_… for workers */
	pid_t target;           /* a keeper; 0: the master */
	bool interactive;
	bool eof;               /* the client sends no more */
	bool waits;             /* for a reload */
	bool last;              /* the line was read that ends it */
	bool ends;              /* when the output is out */
	bool running;           /* a command of it is: not to be freed */
	struct text in, out;
};

/* master_cli_command - one command, without its line end. */
void master_cli_command(struct cli *, struct span);

/* master_cli_forward - to the agent of a generation; false: it is not there. */
bool master_cli_forward(struct cli *, struct gen *, struct span cmd);

void master_cli_prompt(struct cli *);

/* master_socket_open - one -S argument. */
bool master_socket_open(const char *arg, struct master_socket *,
    const char **err);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_INT_H
#define CLI_INT_H
/*
 * cli, inside the room: a session.
 */
#include <base/arena.h>
#include <base/list.h>
#include <cli/cli.h>
#include <os/tmr.h>

#define CLI_LINE_MAX 16384      /* bytes of one line with its payload */
#define CLI_OUT_HIGH (256 * 1024)       /* unread answer: commands wait */

struct cli {
	unsigned magic;
#define CLI_MAGIC 0xc11c11e5
	int fd;
	struct list node;               /* all sessions of this agent */
	struct text in;                 /* not executed yet */
	struct text out;                /* not sent yet */
	size_t sent;                    /* bytes of `out` that went */
	struct arena arena;             /* words of the running command */
	struct cli_ctx ctx;
	const struct cli_command *running;      /* CLI_LATER */
	enum px_level level;
	bool prompt;                    /* interactive */
	bool eof;                       /* nothing more will be asked */
	bool quit;                      /* close when `out` went */
	bool can_out;
	bool severity_number, severity_string;
	bool expose_fd;                 /* its socket may give listeners away */
	struct tmr idle;
	int64_t timeout_ms;
};

extern struct list cli_sessions;

/* ---- cli_session.c ---- */

/* cli_session_open - serve a connection (owned from now on). */
void cli_session_open(int fd, enum px_level, bool expose_fd);

/* cli_session_step - execute what has come, send what there is. */
void cli_session_step(struct cli *);

/* ---- cli_run.c ---- */

/* cli_run - execute one command (without its ';' or newline); the answer is
 * appended to c->out. */
enum cli_done cli_run(struct cli *, struct span command, struct span payload);

/* cli_help - the commands a level may use that begin with `words` of them. */
void cli_help(struct cli_ctx *, bool unknown);
#endif

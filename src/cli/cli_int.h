/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_INT_H
#define CLI_INT_H
/*
 * cli, inside the room: a session.
 */
#include <base/arena.h>
#include <base/list.h>
#include <cli/cli.h>
#include <os/loop.h>

#define CLI_LINE_MAX 16384      /* bytes of one line */
#define CLI_PAYLOAD_MAX (128 * 1024)    /* and behind it, when not told */
#define CLI_OUT_HIGH (64 * 1024)        /* unread answer: commands wait */
#define CLI_TURN 64                     /* commands and pieces per turn */

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
	const struct cli_command *running;      /* its answer is not complete */
	enum px_level level;
	bool prompt;                    /* interactive */
	bool eof;                       /* nothing more will be asked */
	bool quit;                      /* close when `out` went */
	bool can_out;
	bool more;                      /* running: has the next piece */
	bool waits;                     /* running: cli_finish() will come */
	bool mid_line;                  /* more commands of this line follow */
	bool in_stalled;                /* bytes wait in the socket */
	struct loop_task task;          /* the next turn */
	bool severity_number, severity_string;
	bool expose_fd;                 /* its socket may give listeners away */
	bool experimental;              /* "experimental-mode on" */
	bool expert;                    /* "expert-mode on" */
	bool silent;                    /* not even an empty line */
	struct cli_gift *gift;          /* it gets the listening sockets */
	const struct px_listen *listen; /* NULL: the master passed it */
	struct addr peer;
	int64_t since_us;
	struct tmr idle;
	int64_t timeout_ms;
};

extern struct list cli_sessions;

/* ---- cli_session.c ---- */

/* cli_session_open - serve a connection (owned from now on); it came over
 * `listen`, or, NULL, from the master. */
struct cli *cli_session_open(int fd, enum px_level, const struct px_listen *listen,
    const struct addr *peer);

/* cli_session_step - execute what has come, send what there is. */
void cli_session_step(struct cli *);

/* ---- cli_agent.c ---- */

/* cli_session_ended - another may come in its place. */
void cli_session_ended(const struct cli *);

/* ---- cli_run.c ---- */

/* cli_run - begin one command (without its ';' or newline); the answer is
 * appended to c->out. Sets c->running. */
enum cli_done cli_run(struct cli *, struct span command, struct span payload);

extern const struct cli_command *const __start_kw_cli[];
extern const struct cli_command *const __stop_kw_cli[];

#define CLI_EACH(p)                                                          \
	for (const struct cli_command *const *p = __start_kw_cli;            \
	    p < __stop_kw_cli; p++)

/* cli_matched - how many words of the command's name the line begins with; -1
 * when one differs. */
int cli_matched(const struct cli_ctx *, const char *name);

/* ---- cli_getsocks.c ---- */

/* cli_gift_step - go on giving; false: it is over. */
bool cli_gift_step(struct cli *);

/* ---- cli_help.c ---- */

/* cli_unknown - nothing has the name that was given: what comes near. */
void cli_unknown(struct cli_ctx *);
#endif

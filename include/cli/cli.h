/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLI_H
#define CLI_CLI_H
/*
 * cli - the runtime API: sockets, levels, sessions. A command is a row in the
 * room that knows the answer; it runs in the agent and appends text.
 *
 * Source: management manual, chapter 9.3.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>
#include <base/text.h>
#include <conf/kw.h>
#include <px/px.h>

#define CLI_WORDS 64            /* of a command line at most */

struct cli;                     /* a session */

/* What a running command sees. */
struct cli_ctx {
	struct cli *cli;
	struct span arg[CLI_WORDS + 1]; /* words of the line, NUL-terminated */
	int n;
	int at;                 /* first word behind the command's name */
	struct span payload;    /* after "<<" */
	enum px_level level;
	struct text *out;       /* the answer so far */
	unsigned turn;          /* calls of run() before this one */
	void *priv;             /* for commands that answer in pieces */
};

/* A long answer is made piece by piece (some KiB each): run() is called again
 * when the peer has read most of what there is. */
enum cli_done {
	CLI_DONE,               /* the answer is complete */
	CLI_MORE,               /* call run() again */
	CLI_LATER               /* cli_finish() or cli_resume() will be called,
	                         * from the loop */
};

struct cli_command {
	const char *name;       /* "show servers state" */
	const char *args;       /* for help: "[<backend>]" */
	enum px_level level;    /* lowest that may */
	enum cli_done (*run)(struct cli_ctx *);
	/* the session ended before CLI_DONE; may be NULL */
	void (*dropped)(struct cli_ctx *);
	const char *doc;        /* one line, as `help` prints it */
	bool hidden;
};

#define CLI_COMMAND(ident)                                                   \
	static const struct cli_command cli_row_##ident;                     \
	static const struct cli_command *const cli_ptr_##ident               \
	    KW_SECTION("kw_cli") = &cli_row_##ident;                         \
	static const struct cli_command cli_row_##ident

/*
 * What "wait" can wait for. `look` is called now and then, with the number of the
 * first word behind the condition's name.
 */
enum cli_waiting { CLI_WAIT_ON, CLI_WAIT_OVER, CLI_WAIT_NEVER };
struct cli_condition {
	const char *name;               /* "srv-removable" */
	const char *args;               /* "<bk>/<srv>" */
	/* NEVER: it will not come about, why was said */
	enum cli_waiting (*look)(struct cli_ctx *, int i);
};
#define CLI_CONDITION(ident)                                                 \
	static const struct cli_condition cli_cond_##ident;                  \
	static const struct cli_condition *const cli_condp_##ident           \
	    KW_SECTION("kw_cli_wait") = &cli_cond_##ident;                   \
	static const struct cli_condition cli_cond_##ident

/* cli_finish - a CLI_LATER command is complete; its text goes out.
 * cli_finish_synced - the same of a change that all workers were asked to
 * confirm: says how many did not. For agent_ask(), with the context. */
void cli_finish(struct cli_ctx *);
void cli_finish_synced(int missing, void *ctx);

/* cli_resume - the same, but run() has more to say. */
void cli_resume(struct cli_ctx *);

/* cli_alloc - zeroed memory that lives until the answer is complete. */
void *cli_alloc(struct cli_ctx *, size_t);

/* cli_is - word number `i` of the line is `text`. */
bool cli_is(const struct cli_ctx *, int i, const char *text);

/* cli_each_session - the sessions of the runtime API, as `show sess` lists
 * them. */
void cli_each_session(struct cli_ctx *, bool whole);

/* cli_session_count - sessions that are open. */
unsigned cli_session_count(void);

/* cli_say - a message about the outcome, by the session's severity-output:
 * level as in syslog. Ends the line. */
void cli_say(struct cli_ctx *, int severity, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* cli_experimental - the session is in experimental mode; else it is told so. */
bool cli_experimental(struct cli_ctx *);

/* cli_put_date - "[23/Nov/2026:14:48:06.188]", local time, with so many digits
 * of the second's fraction: 3 or 6. */
void cli_put_date(struct text *, int64_t wall_us, int digits);

/* cli_arg - word number `i`, or an empty one. */
struct span cli_arg(const struct cli_ctx *, int i);

/* The object that a word names, by name or "#id"; NULL: there is none, which
 * was said ("No such backend.", "Require 'backend/server'."). */
struct px *cli_want_backend(struct cli_ctx *, struct span name);
struct px *cli_want_frontend(struct cli_ctx *, struct span name);
struct px_server *cli_want_server(struct cli_ctx *, struct span be_srv);
#endif

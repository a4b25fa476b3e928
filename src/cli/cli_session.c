/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_session - a connection to the runtime API: bytes become command lines,
 * answers go out as fast as the peer reads them, and no faster are commands
 * executed.
 *
 * Source: management manual 9.3: without `prompt` one line is answered and
 * the connection closes; commands on a line are separated by ';'.
 */
#include "cli_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <cnt/cnt.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_BYTES 4096

struct list cli_sessions = LIST_INIT(cli_sessions);

/* What came behind the last answer: a close with unread bytes would reset the
 * connection, and the peer might lose the end of the answer. */
static void
forget_input(struct cli *c)
{
	char buf[READ_BYTES];

	for (int i = 0; i < 16; i++)
		if (recv(c->fd, buf, sizeof buf, 0) <= 0)
			return;
}

static void
session_close(struct cli *c)
{
	if (c->running != NULL && c->running->dropped != NULL)
		c->running->dropped(&c->ctx);
	forget_input(c);
	loop_unpost(the_loop, &c->task);
	tmr_stop(&the_loop->wheel, &c->idle);
	loop_forget(the_loop, c->fd);
	fd_close(&c->fd);
	list_del(&c->node);
	cli_session_ended(c);
	text_fini(&c->in);
	text_fini(&c->out);
	arena_reset(&c->arena);
	c->magic = 0;
	free(c);
}

/* Send what there is; false: the session is gone. */
static bool
push(struct cli *c)
{
	ssize_t n;

	while (c->can_out && c->sent < c->out.n) {
		n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent,
		    MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			c->can_out = false;
			break;
		}
		if (n < 0) {
			session_close(c);
			return (false);
		}
		c->sent += (size_t)n;
	}
	if (c->sent == c->out.n) {
		text_clear(&c->out);
		c->sent = 0;
	} else if (c->sent > CLI_OUT_HIGH) {
		text_eat(&c->out, c->sent);
		c->sent = 0;
	}
	return (true);
}

static size_t
unread(const struct cli *c)
{
	return (c->out.n - c->sent);
}

/* End of the first command in `line`: ';' or the end, not inside quotes or
 * behind a backslash. */
static size_t
command_end(struct span line)
{
	char quote = 0;

	for (size_t i = 0; i < line.n; i++) {
		char ch = line.p[i];

		if (ch == '\\' && quote != '\'') {
			i++;
		} else if (quote != 0) {
			if (ch == quote)
				quote = 0;
		} else if (ch == '\'' || ch == '"') {
			quote = ch;
		} else if (ch == ';') {
			return (i);
		}
	}
	return (line.n);
}

/* A line that ends in "<<" takes what follows, up to an empty line, or to
 * the word behind "<<". Returns bytes of the payload and of its end mark, or
 * -1 until it is complete. */
static ptrdiff_t
payload_of(struct span rest, struct span mark, struct span *payload)
{
	struct span line, left = rest;

	while (left.n > 0) {
		ptrdiff_t nl = span_find(left, '\n');

		if (nl < 0)
			return (-1);
		line = span_of(left.p, (size_t)nl);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (span_eq(line, mark)) {
			*payload = span_of(rest.p,
			    (size_t)(left.p - rest.p));
			return ((left.p - rest.p) + nl + 1);
		}
		left = span_skip(left, (size_t)nl + 1);
	}
	return (-1);
}

/* How long the peer may be silent; not counted while it waits for us. */
static void
arm(struct cli *c)
{
	bool ours = c->waits && c->gift == NULL;

	tmr_arm(&the_loop->wheel, &c->idle, ours || c->timeout_ms == 0 ?
	    CLOCK_NEVER : the_loop->now_ms + c->timeout_ms);
}

static void
show_prompt(struct cli *c)
{
	if (c->prompt && !c->quit)
		text_addz(&c->out, "> ");
}

static void
answered(struct cli *c)
{
	c->running = NULL;
	arena_reset(&c->arena);
	if (!c->silent)
		text_addc(&c->out, '\n');
	show_prompt(c);
}

void
cli_finish(struct cli_ctx *ctx)
{
	struct cli *c = ctx->cli;

	MUST(c->running != NULL && c->waits);
	c->waits = false;
	c->more = false;
	arm(c);
	answered(c);
	cli_session_step(c);
}

void
cli_finish_synced(int missing, void *ctx)
{
	if (missing > 0)
		cli_say(ctx, 4, "%d worker%s did not confirm the change in "
		    "time.", missing, missing == 1 ? "" : "s");
	cli_finish(ctx);
}

void
cli_resume(struct cli_ctx *ctx)
{
	struct cli *c = ctx->cli;

	MUST(c->running != NULL && c->waits);
	c->waits = false;
	c->more = true;
	arm(c);
	cli_session_step(c);
}

/* What a command said about its answer. */
static void
outcome(struct cli *c, enum cli_done done)
{
	c->more = done == CLI_MORE;
	c->waits = done == CLI_LATER;
	arm(c);
	if (done == CLI_DONE)
		answered(c);
}

/* The next piece of the answer. */
static void
go_on(struct cli *c)
{
	c->ctx.turn++;
	outcome(c, c->running->run(&c->ctx));
}

static size_t
payload_max(void)
{
	uint32_t n = px_model->global.cli_payload;

	return (n != 0 ? n : CLI_PAYLOAD_MAX);
}

/* Say so, once, and hang up. */
static bool
too_long(struct cli *c, const char *what, size_t max, const char *hint)
{
	text_printf(&c->out, "The %s is longer than %zu bytes%s.\n\n", what,
	    max, hint);
	text_clear(&c->in);
	c->quit = true;
	return (false);
}

static bool
payload_too_long(struct cli *c)
{
	return (too_long(c, "payload", payload_max(), ": send it in pieces, "
	    "or see 'tune.cli.max-payload-size'"));
}

/* A line, or payload, that is not complete; false: wait for the rest, or there
 * will not be any. */
static bool
is_endless(struct cli *c, bool payload)
{
	if (payload && c->in.n > CLI_LINE_MAX + payload_max())
		return (payload_too_long(c));
	if (!payload && c->in.n > CLI_LINE_MAX)
		return (too_long(c, "line", CLI_LINE_MAX, ""));
	return (false);
}

/* As much as a line may have is read; what is behind it waits. */
static bool
is_full(const struct cli *c)
{
	return (c->in.n > CLI_LINE_MAX + payload_max());
}

/* Without a prompt, what came together is answered, and a line that began to
 * come. Empty ones are what a payload often has behind it. */
static bool
has_more(struct cli *c)
{
	size_t blank = 0;

	while (blank < c->in.n && (c->in.p[blank] == '\n' ||
	    c->in.p[blank] == '\r'))
		blank++;
	text_eat(&c->in, blank);
	return (c->in.n > 0);
}

/* Execute the first command that is complete; false: there is none. */
static bool
execute_one(struct cli *c)
{
	struct span all = text_span(&c->in), line, payload = SPAN_NONE, mark;
	ptrdiff_t nl = span_find(all, '\n'), more, at;
	enum cli_done done = CLI_DONE;
	bool line_done, nothing;
	size_t n, used;

	if (nl < 0 && !(c->eof && all.n > 0))
		return (is_endless(c, false));
	line = span_of(all.p, nl < 0 ? all.n : (size_t)nl);
	used = line.n + (nl < 0 ? 0 : 1);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	n = command_end(line);
	line_done = n == line.n;
	if (!line_done) {
		line.n = n;
		used = n + 1;
	} else if ((at = span_search(line, SPAN("<<"))) >= 0 && nl >= 0) {
		mark = span_trim(span_skip(line, (size_t)at + 2));
		more = payload_of(span_skip(all, used), mark, &payload);
		if (more < 0 && !c->eof)
			return (is_endless(c, true));
		if (payload.n > payload_max())
			return (payload_too_long(c));
		line.n = (size_t)at;
		used += more < 0 ? all.n - used : (size_t)more;
	}
	line = span_trim(line);
	/* "show info;" is one command; an empty line asks for the list. */
	nothing = line.n == 0 && (c->mid_line || !line_done);
	if (!nothing)
		done = cli_run(c, line, payload);
	text_eat(&c->in, used);
	c->mid_line = !line_done;
	if (line_done && !c->prompt && !has_more(c))
		c->quit = true;
	if (!nothing)
		outcome(c, done);
	return (true);
}

static void
read_some(struct cli *c)
{
	char buf[READ_BYTES];
	ssize_t n;

	for (;;) {
		c->in_stalled = is_full(c);
		if (c->in_stalled)
			return;
		n = recv(c->fd, buf, sizeof buf, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->eof = true;
			return;
		}
		text_add(&c->in, span_of(buf, (size_t)n));
	}
}

/* Whether the session's turn could bring it further. */
static bool
may_step(const struct cli *c)
{
	return (unread(c) < CLI_OUT_HIGH &&
	    (c->running != NULL ? c->more : !c->quit));
}

/*
 * A turn of one session: commands and pieces of answers until it has enough to
 * send. What is left waits for the next turn of the loop, so that a listing of
 * any length holds up nobody.
 */
void
cli_session_step(struct cli *c)
{
	bool idle = false;

	for (int left = CLI_TURN; left > 0 && !idle && may_step(c); left--) {
		if (c->running != NULL)
			go_on(c);
		else
			idle = !execute_one(c);
	}
	if (c->in_stalled && !is_full(c)) {
		read_some(c);
		idle = false;
	}
	if (!push(c))
		return;
	if (c->running == NULL && unread(c) == 0 &&
	    (c->quit || (c->eof && idle)))
		session_close(c);
	else if (!idle && c->can_out && may_step(c))
		loop_post(the_loop, &c->task);
}

static void
go_giving(struct cli *c)
{
	if (!cli_gift_step(c))
		session_close(c);
}

static void
on_task(struct loop_task *t)
{
	struct cli *c = OBJ(HOLDER(t, struct cli, task), struct cli,
	    CLI_MAGIC);

	if (c->gift != NULL)
		go_giving(c);
	else
		cli_session_step(c);
}

/* The peer will not even read: a half-closed connection does not say that. */
static bool
is_gone(const struct cli *c)
{
	struct pollfd p = { .fd = c->fd };

	return (c->eof && poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLHUP | POLLERR)) != 0);
}

static void
on_event(void *arg, unsigned events)
{
	struct cli *c = OBJ(arg, struct cli, CLI_MAGIC);

	arm(c);
	if (c->gift != NULL) {
		go_giving(c);
		return;
	}
	if (events & (LOOP_OUT | LOOP_ERR))
		c->can_out = true;
	if (events & (LOOP_IN | LOOP_HUP | LOOP_ERR))
		read_some(c);
	if (c->waits && is_gone(c))
		session_close(c);       /* nobody for the late answer */
	else
		cli_session_step(c);
}

static void
on_idle(struct tmr *t)
{
	session_close(OBJ(HOLDER(t, struct cli, idle), struct cli,
	    CLI_MAGIC));
}

struct cli *
cli_session_open(int fd, enum px_level level, const struct px_listen *listen,
    const struct addr *peer)
{
	struct cli *c = must_alloc(sizeof *c);

	c->magic = CLI_MAGIC;
	c->fd = fd;
	c->level = level;
	c->expose_fd = listen == NULL || listen->bind->expose_fd;
	c->listen = listen;
	c->severity_number = listen != NULL && listen->bind->severity == 1;
	c->severity_string = listen != NULL && listen->bind->severity == 2;
	if (peer != NULL)
		c->peer = *peer;
	c->since_us = the_loop->wall_us;
	CNT_PROC()->conn_tot++;
	c->can_out = true;
	c->task.fn = on_task;
	c->timeout_ms = px_model->global.stats_timeout_ms != 0 ?
	    px_model->global.stats_timeout_ms : 10000;
	text_init(&c->in);
	text_init(&c->out);
	arena_init(&c->arena, 0);
	tmr_init(&c->idle, on_idle);
	list_push_back(&cli_sessions, &c->node);
	(void)sock_set_nonblock(fd, true);
	if (!loop_add(the_loop, fd, on_event, c)) {
		fd_close(&c->fd);
		list_del(&c->node);
		cli_session_ended(c);
		text_fini(&c->in);
		text_fini(&c->out);
		free(c);
		return (NULL);
	}
	arm(c);
	return (c);
}

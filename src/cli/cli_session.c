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
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_BYTES 4096

struct list cli_sessions = LIST_INIT(cli_sessions);

static void
session_close(struct cli *c)
{
	if (c->running != NULL && c->running->dropped != NULL)
		c->running->dropped(&c->ctx);
	tmr_stop(&the_loop->wheel, &c->idle);
	loop_forget(the_loop, c->fd);
	fd_close(&c->fd);
	list_del(&c->node);
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

static void
show_prompt(struct cli *c)
{
	if (c->prompt && !c->quit)
		text_addz(&c->out, "> ");
}

static void
answered(struct cli *c)
{
	arena_reset(&c->arena);
	c->running = NULL;
	text_addc(&c->out, '\n');
}

void
cli_finish(struct cli_ctx *ctx)
{
	struct cli *c = ctx->cli;

	MUST(c->running != NULL);
	answered(c);
	show_prompt(c);
	cli_session_step(c);
}

void
cli_flush(struct cli_ctx *ctx)
{
	(void)push(ctx->cli);
}

/* Execute the first command that is complete; false: there is none. */
static bool
execute_one(struct cli *c)
{
	struct span all = text_span(&c->in), line, payload = SPAN_NONE, mark;
	ptrdiff_t nl = span_find(all, '\n'), more, at;
	enum cli_done done;
	bool line_done;
	size_t n, used;

	if (nl < 0 && !(c->eof && all.n > 0))
		return (false);
	line = span_of(all.p, nl < 0 ? all.n : (size_t)nl);
	used = line.n + (nl < 0 ? 0 : 1);
	n = command_end(line);
	line_done = n == line.n;
	if (!line_done) {
		line.n = n;
		used = n + 1;
	} else if ((at = span_search(line, SPAN("<<"))) >= 0 && nl >= 0) {
		mark = span_trim(span_skip(line, (size_t)at + 2));
		more = payload_of(span_skip(all, used), mark, &payload);
		if (more < 0 && !c->eof)
			return (false);
		line.n = (size_t)at;
		used += more < 0 ? all.n - used : (size_t)more;
	}
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	done = cli_run(c, span_trim(line), payload);
	text_eat(&c->in, used);
	if (line_done && !c->prompt)
		c->quit = true;         /* one line is all that is answered */
	if (done == CLI_DONE)
		answered(c);
	return (true);
}

void
cli_session_step(struct cli *c)
{
	while (c->running == NULL && !c->quit && unread(c) < CLI_OUT_HIGH) {
		if (!execute_one(c))
			break;
		if (c->running == NULL)
			show_prompt(c);
	}
	if (!push(c))
		return;
	if (c->running == NULL && unread(c) == 0 && (c->quit || c->eof))
		session_close(c);
}

static void
read_some(struct cli *c)
{
	char buf[READ_BYTES];
	ssize_t n;

	for (;;) {
		if (c->in.n > CLI_LINE_MAX)
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

static void
arm(struct cli *c)
{
	tmr_arm(&the_loop->wheel, &c->idle, c->timeout_ms == 0 ? CLOCK_NEVER :
	    the_loop->now_ms + c->timeout_ms);
}

static void
on_event(void *arg, unsigned events)
{
	struct cli *c = OBJ(arg, struct cli, CLI_MAGIC);

	arm(c);
	if (events & (LOOP_OUT | LOOP_ERR))
		c->can_out = true;
	if (events & (LOOP_IN | LOOP_HUP | LOOP_ERR))
		read_some(c);
	cli_session_step(c);
}

static void
on_idle(struct tmr *t)
{
	session_close(OBJ(HOLDER(t, struct cli, idle), struct cli,
	    CLI_MAGIC));
}

void
cli_session_open(int fd, enum px_level level, bool expose_fd)
{
	struct cli *c = must_alloc(sizeof *c);

	c->magic = CLI_MAGIC;
	c->fd = fd;
	c->level = level;
	c->expose_fd = expose_fd;
	c->can_out = true;
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
		text_fini(&c->in);
		text_fini(&c->out);
		free(c);
		return;
	}
	arm(c);
}

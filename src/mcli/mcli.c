/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcli - clients of the master's sockets: lines in, answers out, bytes relayed.
 *
 * A client's commands are done one after the other; while one waits (for a
 * reload, for an agent) the rest stay in the input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/must.h>
#include <ipc/ipc.h>
#include <ipc/say.h>
#include <os/fd.h>
#include <os/sock.h>

#include "mcli_int.h"

#define LINE_MAX_BYTES  65536
#define OUT_MAX         (256u << 10)    /* stop relaying above */
#define CLIENTS_MAX     200

const struct mcli_owner *mcli_owner;
const char *const *mcli_args;
struct mcli_socket *mcli_sockets;
size_t mcli_n_sockets;

static struct list clients = LIST_INIT(clients);

/* ---- ends ---- */

static void
close_relay(struct mcli *c)
{
	if (c->relay < 0)
		return;
	loop_del(mcli_owner->loop, c->relay);
	fd_close(&c->relay);
}

static void
free_client(struct mcli *c)
{
	close_relay(c);
	if (c->fd >= 0) {
		loop_del(mcli_owner->loop, c->fd);
		fd_close(&c->fd);
	}
	list_del(&c->node);
	text_fini(&c->in);
	text_fini(&c->out);
	free(c);
}

bool
mcli_busy(void)
{
	LIST_EACH(it, &clients) {
		const struct mcli *c = LIST_ITEM(it, struct mcli, node);

		if (c->waits || c->relay >= 0 || c->out.n > 0)
			return (true);
	}
	return (false);
}

/* ---- output ---- */

/* False when the client is gone. */
static bool
flush(struct mcli *c)
{
	while (c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return (true);
		if (n < 0)
			return (false);
		text_eat(&c->out, (size_t)n);
	}
	return (true);
}

void
mcli_prompt(struct mcli *c)
{
	static const char *const modes[] = { "", "(x)", "(e)", "(xe)" };
	const char *mode = modes[c->modes & 3];

	if (!c->interactive)
		return;
	if (c->target == 0)
		text_printf(&c->out, "master%s%s> ",
		    mcli_owner->last_failed() ? "[ReloadFailed]" : "", mode);
	else if (mcli_owner->chan(c->target) != NULL)
		text_printf(&c->out, "%d%s> ", (int)c->target, mode);
	else
		text_addz(&c->out, "gone> ");
}

/* ---- relaying ---- */

static void run(struct mcli *);

static void
on_relay(void *arg, unsigned events)
{
	struct mcli *c = arg;
	char buf[16384];
	ssize_t n;

	(void)events;
	while (c->out.n < OUT_MAX) {
		n = recv(c->relay, buf, sizeof buf, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n > 0) {
			text_add(&c->out, span_of(buf, (size_t)n));
			continue;
		}
		close_relay(c);         /* the answer has ended */
		mcli_prompt(c);
		run(c);
		return;
	}
	if (!flush(c))
		free_client(c);
}

bool
mcli_forward(struct mcli *c, pid_t keeper, struct span cmd)
{
	struct ipc_cli what = { .level = c->level, .flags = c->modes };
	struct ipc_chan *to = mcli_owner->chan(keeper);
	struct text line;
	int pair[2];
	bool good;

	if (to == NULL || !sock_pair(SOCK_STREAM, pair))
		return (false);
	good = ipc_send(to, IPC_CLI, &what, sizeof what, &pair[1], 1);
	fd_close(&pair[1]);
	text_init(&line);
	text_add(&line, cmd);
	text_addc(&line, '\n');
	good = good && fd_write_all(pair[0], line.p, line.n) &&
	    shutdown(pair[0], SHUT_WR) == 0;
	text_fini(&line);
	if (!good) {
		fd_close(&pair[0]);
		return (false);
	}
	c->relay = pair[0];
	MUST(loop_add(mcli_owner->loop, c->relay, on_relay, c));
	return (true);
}

/* ---- input ---- */

/* Where the command that begins the input ends: at a semicolon or the line's
 * end, unless a backslash stands before. A line that ends with "<<" goes on to
 * the first empty one. */
static size_t
command_end(const struct text *in)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		if (in->p[i] == '\\' && i + 1 < in->n)
			i++;
		else if (in->p[i] == ';' || in->p[i] == '\n')
			break;
	}
	if (i < 2 || i >= in->n || in->p[i] != '\n' ||
	    memcmp(in->p + i - 2, "<<", 2) != 0)
		return (i < in->n ? i : in->n);
	for (; i + 1 < in->n; i++)
		if (in->p[i] == '\n' && in->p[i + 1] == '\n')
			return (i + 1);
	return (in->n);
}

static bool
cut_command(struct mcli *c, struct span *cmd, size_t *used, bool *last)
{
	size_t i = command_end(&c->in);

	if (i == c->in.n && (!c->eof || i == 0))
		return (false);
	*last = i == c->in.n || c->in.p[i] == '\n';
	*used = i == c->in.n ? i : i + 1;
	*cmd = span_of(c->in.p, i);
	return (true);
}

/* Commands until one waits; then the answers go out. */
static void
run(struct mcli *c)
{
	struct span cmd;
	size_t used;
	bool last;

	if (c->running)         /* its reload failed at once */
		return;
	c->running = true;
	while (c->relay < 0 && !c->waits && !c->ends &&
	    cut_command(c, &cmd, &used, &last)) {
		char *copy = span_dup(cmd);

		text_eat(&c->in, used);
		if (last && !c->interactive)
			c->last = true; /* one line per connection */
		mcli_command(c, span_str(copy));
		free(copy);
		if (c->last && !c->interactive && c->relay < 0 && !c->waits)
			c->ends = true;
	}
	if (c->relay < 0 && !c->waits && ((c->last && !c->interactive) ||
	    (c->eof && c->in.n == 0)))
		c->ends = true;
	c->running = false;
	if (!flush(c) || (c->ends && c->out.n == 0))
		free_client(c);
}

static void
on_client(void *arg, unsigned events)
{
	struct mcli *c = arg;
	char buf[4096];
	ssize_t n;

	while (!c->eof) {
		n = recv(c->fd, buf, sizeof buf, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			c->eof = true;
		else
			text_add(&c->in, span_of(buf, (size_t)n));
		if (c->in.n > LINE_MAX_BYTES) {
			free_client(c);
			return;
		}
	}
	if ((events & LOOP_ERR) != 0) {
		free_client(c);
		return;
	}
	if (c->relay >= 0 && c->out.n > 0 && flush(c))
		on_relay(c, 0);
	else
		run(c);
}

static void
on_accept(void *arg, unsigned events)
{
	struct mcli_socket *s = arg;
	struct mcli *c;
	unsigned n = 0;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		if (!sock_accept_passes(errno))
			loop_rest(mcli_owner->loop, s->fd);
		return;
	}
	LIST_EACH(it, &clients)
		n++;
	if (n >= CLIENTS_MAX) {
		fd_close(&fd);
		return;
	}
	c = must_alloc(sizeof *c);
	c->fd = fd;
	c->relay = -1;
	c->level = s->level;
	text_init(&c->in);
	text_init(&c->out);
	list_push_back(&clients, &c->node);
	MUST(loop_add(mcli_owner->loop, fd, on_client, c));
}

/* ---- a reload has ended ---- */

void
mcli_reloaded(bool good)
{
	struct span log = mcli_owner->startup_log();

	LIST_EACH(it, &clients) {
		struct mcli *c = LIST_ITEM(it, struct mcli, node);

		if (!c->waits)
			continue;
		c->waits = false;
		text_printf(&c->out, "Success=%d\n", good);
		if (log.n > 0) {
			text_addz(&c->out, "--\n");
			text_add(&c->out, log);
		}
		c->ends = true;
		run(c);
	}
}

/* ---- the sockets ---- */

void
mcli_adopt(int fd, int level)
{
	mcli_sockets = must_realloc(mcli_sockets, (mcli_n_sockets + 1) *
	    sizeof *mcli_sockets);
	mcli_sockets[mcli_n_sockets++] = (struct mcli_socket){ fd, level };
}

bool
mcli_open(const char *const *args, size_t n)
{
	struct mcli_socket s;
	const char *err;

	for (size_t i = 0; i < n; i++) {
		if (!mcli_socket_open(args[i], &s, &err)) {
			ipc_say(DIAG_ALERT, "-S %s: %s", args[i], err);
			return (false);
		}
		mcli_adopt(s.fd, s.level);
	}
	return (true);
}

void
mcli_listen(const struct mcli_owner *owner, const char *const *args)
{
	mcli_owner = owner;
	mcli_args = args;
	for (size_t i = 0; i < mcli_n_sockets; i++)
		MUST(loop_add_level(owner->loop, mcli_sockets[i].fd, on_accept,
		    &mcli_sockets[i]));
}

static void
renew(struct mcli_socket *s, const char *arg)
{
	struct mcli_socket fresh;
	const char *err;

	if (!mcli_socket_open(arg, &fresh, &err)) {
		ipc_say(DIAG_WARNING, "the socket '%s' was removed and could "
		    "not be made again: %s; mend that and reload", arg, err);
		return;
	}
	ipc_say(DIAG_NOTICE, "the socket '%s' was removed and is made again",
	    arg);
	loop_del(mcli_owner->loop, s->fd);
	fd_close(&s->fd);
	s->fd = fresh.fd;
	MUST(loop_add_level(mcli_owner->loop, s->fd, on_accept, s));
}

void
mcli_renew(void)
{
	for (size_t i = 0; i < mcli_n_sockets; i++)
		if (mcli_socket_gone(mcli_args[i]))
			renew(&mcli_sockets[i], mcli_args[i]);
}

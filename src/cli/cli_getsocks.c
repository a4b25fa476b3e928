/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_getsocks - gives the listening sockets to a new process that asks with
 * "_getsocks": their number, then batches of descriptors, each answered with
 * four bytes. Nothing of it blocks: a receiver that rests holds up nobody, and
 * is left alone after a second.
 *
 * A record per descriptor: length and name of the network namespace, length
 * and name of the interface, four bytes of zero.
 */
#include "cli_int.h"

#include <agent/agent.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 252               /* descriptors per message */
#define ACK_BYTES 4
#define STEP_MS 1000            /* for each batch */

struct cli_gift {
	size_t next;                    /* of agent_sockets[] */
	bool said_total;
	unsigned ack_left;              /* bytes that are awaited */
	struct text rest;               /* records the kernel did not take */
};

/* One for each address: whoever has no shards takes one, and must not leave
 * another one behind. When this generation leaves, all that comes to the
 * address goes to the first (keeper_sock.c). */
static bool
is_given(const struct agent_socket *s)
{
	return (s->exportable && !s->shard);
}

static size_t
count_exportable(void)
{
	size_t n = 0;

	for (size_t i = 0; i < agent_n_sockets; i++)
		n += is_given(&agent_sockets[i]);
	return (n);
}

static void
put_name(struct text *out, struct span name)
{
	text_addc(out, (char)name.n);
	text_add(out, name);
}

static void
put_record(struct text *out, const struct agent_socket *s)
{
	struct span interface = span_str(s->interface);
	ptrdiff_t n = span_find(interface, '/');        /* "blue/eth0" */

	put_name(out, span_of(interface.p, n < 0 ? 0 : (size_t)n));
	put_name(out, n < 0 ? interface : span_skip(interface, (size_t)n + 1));
	text_add(out, SPAN("\0\0\0\0"));
}

/* The next descriptors and their records; returns the place behind them. */
static size_t
gather(size_t at, int fds[BATCH], size_t *n, struct text *records)
{
	*n = 0;
	for (; at < agent_n_sockets && *n < BATCH; at++) {
		if (!is_given(&agent_sockets[at]))
			continue;
		fds[(*n)++] = agent_sockets[at].fd;
		put_record(records, &agent_sockets[at]);
	}
	return (at);
}

static ssize_t
send_fds(int to, const int *fds, size_t n, struct span data)
{
	char control[CMSG_SPACE(BATCH * sizeof(int))]
	    __attribute__((aligned(8)));
	struct iovec iov = { (void *)(uintptr_t)data.p, data.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c;

	memset(control, 0, sizeof control);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return (sendmsg(to, &m, MSG_NOSIGNAL));
}

enum step { AGAIN, OVER, GOES_ON };

static enum step
outcome(ssize_t n)
{
	if (n >= 0)
		return (GOES_ON);
	return (errno == EAGAIN || errno == EINTR ? AGAIN : OVER);
}

static enum step
send_total(struct cli *c)
{
	int total = (int)count_exportable();
	ssize_t n = send(c->fd, &total, sizeof total, MSG_NOSIGNAL);

	c->gift->said_total = n == (ssize_t)sizeof total;
	return (outcome(n));
}

static enum step
send_rest(struct cli *c)
{
	struct text *rest = &c->gift->rest;
	ssize_t n = send(c->fd, rest->p, rest->n, MSG_NOSIGNAL);

	if (n > 0)
		text_eat(rest, (size_t)n);
	return (outcome(n));
}

static enum step
send_batch(struct cli *c)
{
	struct cli_gift *g = c->gift;
	int fds[BATCH];
	size_t n, next;
	ssize_t sent;

	next = gather(g->next, fds, &n, &g->rest);
	if (n == 0)
		return (OVER);
	/* Before they go: who has them may leave without an answer. */
	if (g->next == 0)
		(void)agent_tell_keeper(IPC_A_EXPORTED, NULL, 0, NULL, 0);
	sent = send_fds(c->fd, fds, n, text_span(&g->rest));
	if (sent < 0) {
		text_clear(&g->rest);
		return (outcome(sent));
	}
	text_eat(&g->rest, (size_t)sent);
	g->next = next;
	g->ack_left = ACK_BYTES;
	return (GOES_ON);
}

static enum step
read_ack(struct cli *c)
{
	char buf[ACK_BYTES];
	ssize_t n = recv(c->fd, buf, c->gift->ack_left, 0);

	if (n == 0)
		return (OVER);
	if (n > 0)
		c->gift->ack_left -= (unsigned)n;
	return (outcome(n));
}

bool
cli_gift_step(struct cli *c)
{
	struct cli_gift *g = c->gift;
	enum step step;

	do {
		if (!g->said_total)
			step = send_total(c);
		else if (g->rest.n > 0)
			step = send_rest(c);
		else if (g->ack_left > 0)
			step = read_ack(c);
		else
			step = send_batch(c);
	} while (step == GOES_ON);
	return (step == AGAIN);
}

static void
drop_gift(struct cli_ctx *x)
{
	text_fini(&x->cli->gift->rest);
	x->cli->gift = NULL;
}

static enum cli_done
run_getsocks(struct cli_ctx *x)
{
	struct cli *c = x->cli;

	if (!c->expose_fd || count_exportable() == 0) {
		c->silent = c->quit = true;
		return (CLI_DONE);
	}
	c->gift = cli_alloc(x, sizeof *c->gift);
	text_init(&c->gift->rest);
	c->timeout_ms = STEP_MS;
	loop_post(the_loop, &c->task);
	return (CLI_LATER);
}

CLI_COMMAND(getsocks) = {
	.name = "_getsocks", .args = "", .level = PX_LEVEL_USER,
	.run = run_getsocks, .dropped = drop_gift, .hidden = true,
	.doc = "give the listening sockets to another process",
};

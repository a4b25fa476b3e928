/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_handover - another Écluse asks to take over ("_handover"): who it is,
 * what it gets, and what it says until this generation has left.
 *
 * The answer on the session is a greeting with one end of a channel (room
 * ipc, rows T_…); all else goes over that. Until the other one says that it
 * serves, nothing changes here and everything may be asked again.
 */
#include "cli_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <cnt/cnt.h>
#include <ipc/say.h>
#include <ipc/takeover.h>
#include <os/fd.h>
#include <os/sock.h>
#include <shm/shm.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 200               /* descriptors per message */

static struct ipc_chan taker = { .fd = -1 };
static bool open_gates, serves;         /* we; and the other one */
static uint8_t paired[IPC_PROCS_MAX + 1];

/* ---- what it gets ---- */

static void
put_record(struct text *out, const struct agent_socket *s)
{
	size_t n = s->interface == NULL ? 0 : strlen(s->interface);

	text_addc(out, s->first ? IPC_SOCKET_FIRST : 0);
	text_addc(out, (char)n);
	text_add(out, span_of(s->interface == NULL ? "" : s->interface, n));
}

static void
send_sockets(void)
{
	struct text records;
	int fds[BATCH];
	size_t n = 0;

	text_init(&records);
	for (size_t i = 0; i <= agent_n_sockets; i++) {
		if (n == BATCH || (i == agent_n_sockets && n > 0)) {
			(void)ipc_send(&taker, IPC_T_SOCKETS, records.p,
			    records.n, fds, n);
			text_clear(&records);
			n = 0;
		}
		if (i < agent_n_sockets && agent_sockets[i].exportable) {
			fds[n++] = agent_sockets[i].fd;
			put_record(&records, &agent_sockets[i]);
		}
	}
	text_fini(&records);
}

static void
send_all(void)
{
	const int fds[2] = { shm_fd(the_shm), cnt_fd() };
	struct ipc_handed h = { 0, 0 };

	for (size_t i = 0; i < agent_n_sockets; i++)
		h.n_sockets += agent_sockets[i].exportable;
	if (ipc_send(&taker, IPC_T_STATE, &h, sizeof h, fds, 2))
		send_sockets();
}

/* ---- what it says ---- */

static void
lose(const char *why)
{
	int32_t left = 0;

	ipc_close(&taker);
	if (!serves)
		return;
	serves = false;
	ipc_say(DIAG_WARNING, "the process that takes over %s; connections "
	    "that did not go over stay here", why);
	(void)agent_tell_keeper(IPC_A_LEFT, &left, sizeof left, NULL, 0);
}

static void
take_pair(const struct ipc_msg *m)
{
	int32_t no = 0;

	if (m->data.n == sizeof no)
		memcpy(&no, m->data.p, sizeof no);
	if (!serves || m->n_fds != 1 || no < 1 ||
	    no > agent_facts.n_workers || paired[no] ||
	    !sock_is_pair(m->fds[0])) {
		lose("broke the rules");
		return;
	}
	paired[no] = 1;
	(void)agent_tell_keeper(IPC_A_PAIR, &no, sizeof no, m->fds, 1);
}

static void
end_well(void)
{
	int32_t left = 1;

	if (!serves) {
		lose("");
		return;
	}
	serves = false;
	ipc_close(&taker);
	(void)agent_tell_keeper(IPC_A_LEFT, &left, sizeof left, NULL, 0);
}

static void
on_taker(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	(void)c;
	(void)arg;
	if (m == NULL) {
		lose("is gone");
		return;
	}
	switch (m->type) {
	case IPC_T_SERVES:
		if (serves || !open_gates) {
			lose("broke the rules");
			break;
		}
		serves = true;
		open_gates = false;
		(void)agent_tell_keeper(IPC_A_TAKEN, NULL, 0, NULL, 0);
		break;
	case IPC_T_PAIR:
		take_pair(m);
		break;
	case IPC_T_LEAVE:
		end_well();
		break;
	default:
		break;
	}
}

static void
from_keeper(const struct ipc_msg *m)
{
	if (taker.fd >= 0 && m->type == IPC_A_CARRIED)
		(void)ipc_send(&taker, IPC_T_CARRIED, m->data.p, m->data.n,
		    NULL, 0);
}

/* ---- who may ---- */

/* NULL: it may have everything. */
static const char *
judge(const struct cli_ctx *x, struct ucred *cred)
{
	socklen_t n = sizeof *cred;

	*cred = (struct ucred){ 0, (uid_t)-1, (gid_t)-1 };
	if (x->cli->listen == NULL || getsockopt(x->cli->fd, SOL_SOCKET,
	    SO_PEERCRED, cred, &n) != 0 || cred->uid == (uid_t)-1)
		return ("ask on a UNIX stats socket");
	if (!cli_is(x, x->at, "1"))
		return ("this one speaks format 1");
	_Static_assert(IPC_TAKEOVER_FORMAT == 1, "the word above");
	if (cred->uid != agent_facts.top_uid)
		return ("only the same user may take over");
	if (!open_gates)
		return ("another generation serves now, ask again");
	if (serves)
		return ("another process is taking over already");
	return (NULL);
}

static bool
send_greeting(int to, int fd)
{
	const struct ipc_greet g = {
		.magic = IPC_TAKEOVER_MAGIC, .format = IPC_TAKEOVER_FORMAT,
		.bytes = sizeof g, .top_pid = (int32_t)agent_facts.top_pid,
		.keeper_pid = (int32_t)agent_facts.keeper_pid,
		.pid_ns = { agent_facts.pid_ns[0], agent_facts.pid_ns[1] },
		.gen = agent_facts.gen,
		.n_workers = (uint32_t)agent_facts.n_workers
	};

	return (sock_send_fds(to, &g, sizeof g, &fd, 1) ==
	    (ssize_t)sizeof g);
}

static void
greet(struct cli *c)
{
	int pair[2];

	if (!sock_pair(SOCK_SEQPACKET, pair))
		return;
	if (send_greeting(c->fd, pair[1])) {
		ipc_close(&taker);      /* who asked before did not go on */
		memset(paired, 0, sizeof paired);
		ipc_open(&taker, pair[0], IPC_GIVER, IPC_TAKER, the_loop,
		    on_taker, NULL);
		send_all();
	} else
		fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static enum cli_done
run_handover(struct cli_ctx *x)
{
	struct cli *c = x->cli;
	struct ucred cred;
	const char *no;

	c->silent = c->quit = true;
	if (!c->expose_fd)
		return (CLI_DONE);
	if ((no = judge(x, &cred)) == NULL) {
		greet(c);
		return (CLI_DONE);
	}
	text_printf(x->out, "%s: %s\n", IPC_TAKEOVER_ASK, no);
	ipc_say(DIAG_WARNING, "%s: refused to user %d, process %d: %s",
	    IPC_TAKEOVER_ASK, (int)cred.uid, (int)cred.pid, no);
	return (CLI_DONE);
}

CLI_COMMAND(handover) = {
	.name = IPC_TAKEOVER_ASK, .args = "<format>", .level = PX_LEVEL_USER,
	.run = run_handover, .hidden = true,
	.doc = "give sockets, state and connections to another Écluse",
};

/* ---- in the agent ---- */

/* Another generation of our own serves: who asked will ask that one. */
static void
gates(bool open)
{
	open_gates = open;
	if (!open && !serves)
		lose("");
}

static bool
is_busy(void)
{
	return (serves);
}

AGENT_PART(handover) = {
	.name = "handover",
	.rank = 51,
	.gates = gates,
	.keeper_said = from_keeper,
	.busy = is_busy,
};

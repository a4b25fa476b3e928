/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_proc - samples about this process and this machine.
 *
 * Source: configuration manual 7.3.2, 7.3.3 (src_is_local).
 */
#include <expr/expr.h>

#include <sys/socket.h>
#include <unistd.h>

#include <agent/agent.h>
#include <base/clock.h>
#include <base/must.h>

int expr_worker_no;

#define NUMBER(ident, word, at, value, doc_, ...)                            \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	(void)t;                                                             \
	(void)arg;                                                           \
	s->num = (int64_t)(value);                                           \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = SMP_INT, .stages = at,              \
	.run = fetch_##ident, .doc = doc_,                                   \
	.example = "http-response set-header X-" word " %[" word "]",        \
	__VA_ARGS__                                                          \
}

NUMBER(pid, "pid", SMP_ALWAYS, agent_facts.keeper_pid,
    "The number of the process as logs show it.");
NUMBER(proc, "proc", SMP_ALWAYS, 1,
    "Always 1: the workers of a generation are one process to the outside.");
NUMBER(thread, "thread", SMP_ALWAYS, expr_worker_no,
    "The worker that serves this, from 0; HAProxy numbers its threads so.");
NUMBER(tgroup, "tgroup", SMP_ALWAYS, 1,
    "The group that the worker is in: there is one.");
NUMBER(uptime, "uptime", SMP_ALWAYS,
    (clock_mono_us() - agent_facts.start_mono_us) / 1000000,
    "Seconds since this generation started.", .fresh = true);
NUMBER(date_us, "date_us", SMP_ALWAYS, clock_wall_us() % 1000000,
    "The microseconds of the time whose seconds date() gives.",
    .fresh = true);

/* ---- which addresses are ours ---- */

/* Only for an address of this machine can a socket be bound. */
static bool
is_ours(const struct addr *a)
{
	static struct addr last;
	static bool last_is;
	struct addr any_port = *a;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (a->family != ADDR_NONE);        /* UNIX sockets */
	any_port.port = 0;
	if (addr_eq(&any_port, &last))
		return (last_is);
	len = addr_to_sa(&any_port, &ss);
	fd = socket(a->family == ADDR_V4 ? AF_INET : AF_INET6,
	    SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (false);
	last_is = bind(fd, (struct sockaddr *)&ss, len) == 0;
	last = any_port;
	(void)close(fd);
	return (last_is);
}

static bool
fetch_src_is_local(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = is_ours(txn_addr(t, TXN_SRC));
	return (t->addr[TXN_SRC].family != ADDR_NONE);
}

static bool
fetch_dst_is_local(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = is_ours(txn_addr(t, TXN_DST));
	return (t->addr[TXN_DST].family != ADDR_NONE);
}

#define LOCAL(ident, word, fn, what)                                         \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = SMP_BOOL, .stages = SMP_ANYWHERE,   \
	.run = fn, .doc = "True when the address of " what " is one of this "\
	    "machine, or a UNIX socket.",                                    \
	.example = "acl here " word,                                         \
}
LOCAL(src_is_local, "src_is_local", fetch_src_is_local, "the client");
LOCAL(dst_is_local, "dst_is_local", fetch_dst_is_local,
    "this side, which the client connected to");
/* ---- the listener, the frontend ---- */

static bool
fetch_so_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	if (t->listen == NULL)
		return (false);
	s->num = t->listen->luid;
	return (true);
}

static bool
fetch_fe_defbe(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	if (t->fe == NULL || t->fe->default_be == NULL)
		return (false);
	s->str = span_str(t->fe->default_be->name);
	s->constant = true;
	return (true);
}

FETCH(so_id) = {
	.name = "so_id", .args = "", .out = SMP_INT,
	.stages = SMP_ANYWHERE & ~SMP_AT(CHECK), .run = fetch_so_id,
	.doc = "The number of the listening socket in its frontend.",
	.example = "acl second so_id 2",
};
FETCH(fe_defbe) = {
	.name = "fe_defbe", .args = "", .out = SMP_STR,
	.stages = SMP_ANYWHERE & ~SMP_AT(CHECK), .run = fetch_fe_defbe,
	.doc = "The name of the frontend's default backend.",
	.example = "http-request set-header X-Default %[fe_defbe]",
};

/* ---- timeouts ---- */

#define OF_BE (SMP_OF_BACKEND | SMP_FROM_RES | SMP_AT(CHECK))
#define OF_FE (SMP_ANYWHERE & ~SMP_AT(CHECK))

#define SETTING(ident, word, at, px_, value, doc_)                           \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct px *px = px_;                                           \
                                                                             \
	(void)arg;                                                           \
	if (px == NULL)                                                      \
		return (false);                                              \
	s->num = (int64_t)px->value;                                         \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = SMP_INT, .stages = at,              \
	.run = fetch_##ident, .doc = doc_,                                   \
	.example = "http-response set-header X-V %[" word "]",               \
}
#define BE_SET(name, field, doc_)                                            \
	SETTING(be_##name, "be_" #name, OF_BE, t->be, field,                 \
	    "The backend's " doc_)
BE_SET(connect_timeout, timeout->connect, "'timeout connect', in ms.");
BE_SET(queue_timeout, timeout->queue, "'timeout queue', in ms.");
BE_SET(server_timeout, timeout->server, "'timeout server', in ms.");
BE_SET(tarpit_timeout, timeout->tarpit, "'timeout tarpit', in ms.");
BE_SET(tunnel_timeout, timeout->tunnel, "'timeout tunnel', in ms.");
BE_SET(max_retries, retries, "'retries'.");
SETTING(fe_client_timeout, "fe_client_timeout", OF_FE, t->fe,
    timeout->client, "The frontend's 'timeout client', in ms.");
SETTING(fe_tarpit_timeout, "fe_tarpit_timeout", OF_FE, t->fe,
    timeout->tarpit, "The frontend's 'timeout tarpit', in ms.");

/* ---- the stream ---- */

static bool
fetch_state(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, 2);

	(void)arg;
	if (p == NULL)
		return (false);
	for (int i = 0; i < 2; i++)
		p[i] = t->term[0] != '\0' ? t->term[i] : '-';
	s->str = span_of(p, 2);
	return (true);
}

static bool
fetch_status(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->res != NULL ? t->res->status : t->status;
	return (s->num != 0);
}

static bool
fetch_id32(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->req_no;
	return (true);
}

static bool
fetch_reused(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->srv_reused;
	return (t->srv != NULL);
}

static bool
fetch_retries(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->retries;
	return (true);
}

static bool
fetch_redispatched(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->redispatched;
	return (true);
}

/* Addresses of the connections, whatever rules made of src and dst. */
static bool
link_addr(struct txn *t, enum txn_addr which, struct smp *s)
{
	struct addr kept = t->addr[which], a;

	if (which == TXN_SRC || which == TXN_DST)
		t->addr[which].family = ADDR_NONE;
	a = *txn_addr(t, which);
	if (a.family != ADDR_V4 && a.family != ADDR_V6)
		a = kept;
	if (kept.family != ADDR_NONE)
		t->addr[which] = kept;
	s->type = a.family == ADDR_V4 ? SMP_V4 : SMP_V6;
	s->addr = a;
	return (a.family == ADDR_V4 || a.family == ADDR_V6);
}

#define LINK(ident, which, at, what)                                         \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	(void)arg;                                                           \
	return (link_addr(t, which, s));                                     \
}                                                                            \
static bool                                                                  \
fetch_##ident##_port(struct txn *t, const struct arg *arg, struct smp *s)    \
{                                                                            \
	(void)arg;                                                           \
	if (!link_addr(t, which, s))                                         \
		return (false);                                              \
	s->num = s->addr.port;                                               \
	s->type = SMP_INT;                                                   \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = #ident, .args = "", .out = SMP_ADDR, .stages = at,           \
	.run = fetch_##ident, .doc = "The address of " what ".",             \
	.example = "http-response set-header X-A %[" #ident "]",             \
};                                                                           \
FETCH(ident##_port) = {                                                      \
	.name = #ident "_port", .args = "", .out = SMP_INT, .stages = at,    \
	.run = fetch_##ident##_port, .doc = "The port of " what ".",         \
	.example = "http-response set-header X-P %[" #ident "_port]",        \
}
#define ON_RES (SMP_FROM_RES | SMP_AT(CHECK))
LINK(fc_src, TXN_SRC, SMP_ANYWHERE, "the client's connection");
LINK(fc_dst, TXN_DST, SMP_ANYWHERE, "this side of the client's connection");
LINK(bc_src, TXN_BSRC, ON_RES, "this side of the server's connection");
LINK(bc_dst, TXN_BDST, ON_RES, "the server's connection");

static bool
link_is_local(struct txn *t, enum txn_addr which, struct smp *s)
{
	if (!link_addr(t, which, s)) {          /* a UNIX socket, or none */
		s->num = is_ours(&t->addr[which]);
		s->type = SMP_BOOL;
		return (t->addr[which].family != ADDR_NONE);
	}
	s->num = is_ours(&s->addr);
	s->type = SMP_BOOL;
	return (true);
}

static bool
fetch_fc_src_is_local(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (link_is_local(t, TXN_SRC, s));
}

static bool
fetch_fc_dst_is_local(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (link_is_local(t, TXN_DST, s));
}
LOCAL(fc_src_is_local, "fc_src_is_local", fetch_fc_src_is_local,
    "the client's connection");
LOCAL(fc_dst_is_local, "fc_dst_is_local", fetch_fc_dst_is_local,
    "this side of the client's connection");

#define STREAM(ident, word, type, at, fn, doc_, ...)                         \
FETCH(ident) = {                                                             \
	.name = word, .args = "", .out = type, .stages = at, .run = fn,      \
	.doc = doc_, .example = "http-response set-header X-V %[" word "]",  \
	__VA_ARGS__                                                          \
}
STREAM(txn_state, "txn.sess_term_state", SMP_STR,
    SMP_ANYWHERE | SMP_AT(CLI), fetch_state,
    "How the stream ended, as %ts of log formats.", .fresh = true);
STREAM(txn_status, "txn.status", SMP_INT, ON_RES, fetch_status,
    "The status that the client gets.", .fresh = true);
STREAM(txn_id32, "txn.id32", SMP_INT, SMP_ANYWHERE | SMP_AT(CLI), fetch_id32,
    "The number of the stream.");
STREAM(bc_reused, "bc_reused", SMP_BOOL, ON_RES, fetch_reused,
    "True when the server's connection had served another stream before.");
STREAM(txn_retries, "txn.conn_retries", SMP_INT, ON_RES, fetch_retries,
    "How often the connection to a server was tried again.");
STREAM(txn_redispatched, "txn.redispatched", SMP_BOOL, ON_RES,
    fetch_redispatched, "True when another server was taken in the end.");

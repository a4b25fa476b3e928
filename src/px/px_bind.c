/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_bind - bind lines and the runtime API's sockets: addresses, and the words
 * behind them.
 */
#include "px_int.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <os/fd.h>
#include <os/sock.h>

/* ---- addresses ---- */

/* What unix-bind says of every UNIX socket, but for the runtime API's. */
static void
add_prefix(struct px_bind *b, struct px_listen *li)
{
	const struct px_global *g = &px_model->global;

	if (g->unix_prefix != NULL)
		li->addr.host = span_str(arena_printf(px_model->arena,
		    "%s%.*s", g->unix_prefix, SPAN_FMT(li->addr.host)));
	b->mode = g->unix_mode;
	b->uid = g->unix_uid;
	b->gid = g->unix_gid;
}

/* Where the next listener hangs: behind the last one. */
static struct px_listen **
tail_of(struct px_bind *b, struct px_listen **listens)
{
	if (b->px != NULL && b->px->listens_last != NULL)
		listens = &b->px->listens_last->next;
	while (*listens != NULL)
		listens = &(*listens)->next;
	return (listens);
}

static struct px_listen *
listen_new(struct px_bind *b, const struct addr_spec *a, const char *text)
{
	struct px_listen *li = arena_zget(px_model->arena, sizeof *li);

	li->bind = b;
	li->addr = *a;
	li->text = text;
	li->id = px_model->n_listens++;
	if (b->listens == NULL)
		b->listens = li;
	if (b->px != NULL)
		b->px->listens_last = li;
	if (a->addr.family == ADDR_UNIX && b->px != NULL)
		add_prefix(b, li);
	return (li);
}

static bool
is_inet(const struct addr_spec *a)
{
	return (a->need_dns || a->addr.family == ADDR_V4 ||
	    a->addr.family == ADDR_V6);
}

/* One item of the list; a range becomes many listeners. */
static bool
add_address(struct conf_line *l, const struct conf_word *w, struct px_bind *b,
    struct span text, struct px_listen **listens)
{
	struct px_listen **tail;
	struct addr_spec a;
	const char *err, *copy;
	unsigned first, last;

	text = conf_env_expand(l->conf->arena, text);
	if (!addr_parse(text, &a, &err))
		return (conf_err(l, w, "'%s' : %s in '%.*s'", l->kw->name,
		    err, SPAN_FMT(text)));
	if (span_begins(text, SPAN("udp")) || span_begins(text, SPAN("quic")))
		return (conf_err(l, w, "'%s' : datagrams are not supported "
		    "yet in '%.*s'", l->kw->name, SPAN_FMT(text)));
	if (a.port_offset)
		return (conf_err(l, w, "'%s' : port offset not allowed in "
		    "'%.*s'", l->kw->name, SPAN_FMT(text)));
	if (is_inet(&a) && (!a.port_given || a.addr.port == 0))
		return (conf_err(l, w, "'%s' : missing port specification in "
		    "'%.*s'", l->kw->name, SPAN_FMT(text)));
	if (a.need_dns && !addr_resolve(&a, &err))
		return (conf_err(l, w, "'%s' : invalid address: '%.*s' in "
		    "'%.*s'", l->kw->name, SPAN_FMT(a.host),
		    SPAN_FMT(text)));
	copy = px_text(text);
	if (a.host.p >= text.p && a.host.p <= text.p + text.n)
		a.host.p = copy + (a.host.p - text.p);
	tail = tail_of(b, listens);
	first = a.addr.port;
	last = is_inet(&a) && a.port_last > first ? a.port_last : first;
	for (unsigned port = first; port <= last; port++) {
		a.addr.port = a.port_last = (uint16_t)port;
		*tail = listen_new(b, &a, copy);
		tail = &(*tail)->next;
	}
	return (true);
}

static bool
add_addresses(struct conf_line *l, struct px_bind *b, struct span list,
    struct px_listen **listens)
{
	const struct conf_word *w = &l->word[l->at - 1];
	struct span item;
	bool good = true;

	while (span_cut(&list, ',', &item)) {
		if (item.n == 0)
			good = conf_err(l, w, "'%s' : empty address in the "
			    "list", l->kw->name);
		else
			good &= add_address(l, w, b, item, listens);
	}
	return (good);
}

static struct px_bind *
bind_new(struct conf_line *l, struct px *px, struct px_bind **binds)
{
	struct px_bind *b = arena_zget(px_model->arena, sizeof *b);

	b->magic = PX_BIND_MAGIC;
	b->px = px;
	b->mode = b->uid = b->gid = -1;
	b->pos = conf_pos(l, NULL);
	if (px == NULL)
		b->level = PX_LEVEL_OPERATOR;
	px_inherit(&b->slots, PX_OBJ_BIND, NULL);
	if (px != NULL && px->binds_last != NULL)
		binds = &px->binds_last->next;
	while (*binds != NULL)
		binds = &(*binds)->next;
	*binds = b;
	if (px != NULL)
		px->binds_last = b;
	return (b);
}

struct px_bind *
px_bind_parse(struct conf_line *l, struct px *px, struct px_bind **binds,
    struct px_listen **listens)
{
	struct px_bind *b;
	struct span list;
	bool good;

	if (conf_left(l) == 0 || conf_peek(l)->text.n == 0) {
		conf_err(l, conf_peek(l), "'%s' expects {<path>|[addr1]:"
		    "port1[-end1]}{,[addr]:port[-end]}... as arguments",
		    l->kw->name);
		return (NULL);
	}
	b = bind_new(l, px, binds);
	conf_want(l, "an address", &list);
	good = add_addresses(l, b, list, listens);
	px_subject(l, l->kw->name, list.p, NULL);
	good &= kw_words(l, KW_BIND, b);
	l->subject = NULL;
	return (good ? b : NULL);
}

/* ---- words ---- */

static struct px_bind *
bind_of(void *obj)
{
	return (OBJ(obj, struct px_bind, PX_BIND_MAGIC));
}

static bool
want_int(struct conf_line *l, int64_t lo, int64_t hi, int *out)
{
	int64_t n;

	if (!conf_want_int(l, "an integer", lo, hi, &n))
		return (false);
	*out = (int)n;
	return (true);
}

static bool
parse_name(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want(l, "a name", &s))
		return (false);
	bind_of(obj)->name = s.p;
	return (true);
}

static bool
parse_id(struct conf_line *l, void *obj)
{
	struct px_bind *b = bind_of(obj);
	const struct conf_word *w = conf_peek(l);
	const struct px_bind *who;
	int n;

	if (!want_int(l, 1, INT32_MAX, &n))
		return (false);
	b->id = (uint32_t)n;
	if (b->px == NULL)
		return (true);
	who = px_id_claim(PX_ID_BIND, b->px->no, b->id, b);
	if (who == NULL)
		return (true);
	return (conf_err(l, w, "'id' : custom id %u already used at %s:%d",
	    b->id, who->pos.file, who->pos.line));
}

static bool
parse_maxconn(struct conf_line *l, void *obj)
{
	int n;

	if (!want_int(l, 0, INT32_MAX, &n))
		return (false);
	bind_of(obj)->maxconn = (uint32_t)n;
	return (true);
}

static bool
parse_backlog(struct conf_line *l, void *obj)
{
	return (want_int(l, 1, INT32_MAX, &bind_of(obj)->backlog));
}

static bool
parse_cip(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a magic number, in decimal", 1, UINT32_MAX, &n))
		return (false);
	bind_of(obj)->cip_magic = (uint32_t)n;
	return (true);
}

static bool
parse_flag(struct conf_line *l, void *obj)
{
	struct px_bind *b = bind_of(obj);
	const struct { const char *name; bool *flag; } flags[] = {
		{ "accept-proxy", &b->accept_proxy },
		{ "transparent", &b->transparent },
		{ "v6only", &b->v6only },
		{ "v4v6", &b->v4v6 },
		{ "defer-accept", &b->defer_accept },
		{ "tfo", &b->tfo },
	};

	for (size_t i = 0; i < NELEM(flags); i++)
		if (strcmp(l->kw->name, flags[i].name) == 0)
			*flags[i].flag = true;
	return (true);
}

static bool
parse_interface(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "the name of a network interface", &s))
		return (false);
	if (s.n == 0 || s.n > 15)
		return (conf_err(l, w, "'interface' : a name has 1 to 15 "
		    "characters, got '%s'", s.p));
	bind_of(obj)->interface = s.p;
	return (true);
}

#define NETNS_MAX 200           /* with the interface, less than 255 */

static bool
parse_namespace(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;
	int fd;

	if (!conf_want(l, "the name of a network namespace", &s))
		return (false);
	if (s.n == 0 || s.n > NETNS_MAX || span_find(s, '/') >= 0)
		return (conf_err(l, w, "'%s' is not the name of a network "
		    "namespace: 1 to %d characters without '/'", s.p,
		    NETNS_MAX));
	if ((fd = sock_netns(s.p)) < 0)
		return (conf_err(l, w, "unable to open the network namespace "
		    "'%s': %s", s.p, strerror(errno)));
	fd_close(&fd);
	bind_of(obj)->namespace = s.p;
	return (true);
}

/* A negative value lowers what the path allows by so much. */
static bool
parse_mss(struct conf_line *l, void *obj)
{
	return (want_int(l, -65535, 65535, &bind_of(obj)->mss));
}

static bool
parse_tcp_ss(struct conf_line *l, void *obj)
{
	return (want_int(l, 0, 2, &bind_of(obj)->tcp_ss));
}

#define MD5_KEY_MAX 80          /* TCP_MD5SIG_MAXKEYLEN of the kernel */

static bool
parse_md5(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span key;

	if (!conf_want(l, "a password", &key))
		return (false);
	if (key.n == 0 || key.n > MD5_KEY_MAX)
		return (conf_err(l, w, "'tcp-md5sig' expects a password of 1 "
		    "to %d characters", MD5_KEY_MAX));
	bind_of(obj)->md5_key = key.p;
	return (true);
}

static bool
parse_cc(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want(l, "a congestion control algorithm", &s))
		return (false);
	bind_of(obj)->cc = s.p;
	return (true);
}

static bool
parse_nice(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number between -1024 and 1024", -1024, 1024,
	    &n))
		return (false);
	bind_of(obj)->nice = (int16_t)n;
	return (true);
}

static bool
parse_tcp_ut(struct conf_line *l, void *obj)
{
	int64_t ms;

	if (!conf_want_time(l, "a delay", "ms", &ms))
		return (false);
	bind_of(obj)->tcp_ut_ms = (unsigned)ms;
	return (true);
}

static bool
parse_unix_mode(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;
	char *end;
	long mode;

	if (!conf_want(l, "an octal mode", &s))
		return (false);
	mode = strtol(s.p, &end, 8);
	if (s.n == 0 || *end != '\0' || mode < 0 || mode > 07777)
		return (conf_err(l, w, "'mode' expects an octal mode such as "
		    "660, got '%s'", s.p));
	bind_of(obj)->mode = (int)mode;
	return (true);
}

static bool
parse_unix_user(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	const struct passwd *pw;
	struct span s;

	if (!conf_want(l, "the name of a user", &s))
		return (false);
	if ((pw = getpwnam(s.p)) == NULL)
		return (conf_err(l, w, "'user' : unknown user '%s'", s.p));
	bind_of(obj)->uid = (int)pw->pw_uid;
	return (true);
}

static bool
parse_unix_group(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	const struct group *gr;
	struct span s;

	if (!conf_want(l, "the name of a group", &s))
		return (false);
	if ((gr = getgrnam(s.p)) == NULL)
		return (conf_err(l, w, "'group' : unknown group '%s'", s.p));
	bind_of(obj)->gid = (int)gr->gr_gid;
	return (true);
}

static bool
parse_unix_uid(struct conf_line *l, void *obj)
{
	return (want_int(l, 0, INT32_MAX, &bind_of(obj)->uid));
}

static bool
parse_unix_gid(struct conf_line *l, void *obj)
{
	return (want_int(l, 0, INT32_MAX, &bind_of(obj)->gid));
}

static bool
parse_level(struct conf_line *l, void *obj)
{
	static const char *const words[] = { [PX_LEVEL_NONE] = "",
		[PX_LEVEL_USER] = "user", [PX_LEVEL_OPERATOR] = "operator",
		[PX_LEVEL_ADMIN] = "admin" };
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'user', 'operator' or 'admin'", &s))
		return (false);
	for (size_t i = PX_LEVEL_USER; i < NELEM(words); i++) {
		if (span_is(s, words[i])) {
			bind_of(obj)->level = (uint8_t)i;
			return (true);
		}
	}
	return (conf_err(l, w, "'level' only supports 'user', 'operator', "
	    "and 'admin' (got '%s')", s.p));
}

static bool
parse_expose_fd(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'listeners'", &s))
		return (false);
	if (!span_is(s, "listeners"))
		return (conf_err(l, w, "'expose-fd' only supports "
		    "'listeners' (got '%s')", s.p));
	bind_of(obj)->expose_fd = true;
	return (true);
}

static bool
parse_severity(struct conf_line *l, void *obj)
{
	static const char *const words[] = { "none", "number", "string" };
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "'none', 'number' or 'string'", &s))
		return (false);
	for (size_t i = 0; i < NELEM(words); i++) {
		if (span_is(s, words[i])) {
			bind_of(obj)->severity = (uint8_t)i;
			return (true);
		}
	}
	return (conf_err(l, w, "'severity-output' expects 'none', 'number' or "
	    "'string' (got '%s')", s.p));
}

/* Every worker has a socket of its own: that is by-thread already. */
static bool
parse_shards(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	(void)obj;
	if (!conf_want(l, "'by-thread'", &s))
		return (false);
	if (span_is(s, "by-thread"))
		return (true);
	conf_err(l, w, "'shards %s' is not supported yet", s.p);
	conf_err_hint(l, "each worker has its own socket: 'by-thread'");
	return (false);
}

#define BIND_WORD(ident, word, words, fn, text)                              \
	KEYWORD(bind_##ident) = {                                            \
		.name = word, .in = KW_BIND, .args = words, .parse = fn,     \
		.doc = text, .example = NULL,                                \
	}
BIND_WORD(name, "name", "<name>", parse_name,
    "The listener's name in statistics and logs.");
BIND_WORD(id, "id", "<n>", parse_id, "The listener's number.");
BIND_WORD(maxconn, "maxconn", "<n>", parse_maxconn,
    "Connections of this line's addresses at a time.");
BIND_WORD(backlog, "backlog", "<n>", parse_backlog,
    "Connections that the kernel keeps before they are accepted.");
BIND_WORD(accept_proxy, "accept-proxy", "", parse_flag,
    "Expect the PROXY protocol before anything else.");
BIND_WORD(accept_cip, "accept-netscaler-cip", "<magic>", parse_cip,
    "Expect a header of NetScaler's Client IP insertion before anything else, "
    "also before a PROXY header. It begins with this number, which the device "
    "is told as well, and has the IP and TCP headers of the client's packet, in "
    "the older or the newer layout.");
BIND_WORD(transparent, "transparent", "", parse_flag,
    "Accept connections to addresses that are not this machine's.");
BIND_WORD(v6only, "v6only", "", parse_flag, "IPv6 only, not mapped IPv4.");
BIND_WORD(v4v6, "v4v6", "", parse_flag, "IPv6 and mapped IPv4.");
BIND_WORD(defer_accept, "defer-accept", "", parse_flag,
    "Accept when the client's first bytes are there.");
BIND_WORD(tfo, "tfo", "", parse_flag, "TCP Fast Open.");
BIND_WORD(interface, "interface", "<name>", parse_interface,
    "Only what arrives on that network interface.");
BIND_WORD(namespace, "namespace", "<name>", parse_namespace,
    "The network namespace to listen in, one of those that `ip netns` shows. "
    "Needs CAP_SYS_ADMIN at the start.");
BIND_WORD(mss, "mss", "<n>", parse_mss,
    "The segment size to announce; negative: so much less than usual.");
BIND_WORD(tcp_ut, "tcp-ut", "<time>", parse_tcp_ut,
    "How long sent data may stay unacknowledged.");
BIND_WORD(tcp_ss, "tcp-ss", "<n>", parse_tcp_ss,
    "Have the kernel keep what opened each connection, for fc_saved_syn: 1 "
    "from the IP header on, 2 from that of the link on, 0 nothing.");
BIND_WORD(cc, "cc", "<name>", parse_cc,
    "The congestion control of these connections, one that the sysctl "
    "net.ipv4.tcp_allowed_congestion_control has, or with CAP_NET_ADMIN "
    "another. One that is refused is warned of, and the usual one stays.");
BIND_WORD(md5, "tcp-md5sig", "<password>", parse_md5,
    "The packets of clients must be signed with this password (RFC 2385), and "
    "ours are.");
BIND_WORD(nice, "nice", "<n>", parse_nice,
    "How much of a turn its streams have, from -1024 (four times as much) to 1024 "
    "(the least), as `set-nice` does for one of them.");
BIND_WORD(mode, "mode", "<octal>", parse_unix_mode,
    "Permissions of a UNIX socket.");
BIND_WORD(user, "user", "<name>", parse_unix_user,
    "Owner of a UNIX socket.");
BIND_WORD(uid, "uid", "<n>", parse_unix_uid,
    "Owner of a UNIX socket, by number.");
BIND_WORD(group, "group", "<name>", parse_unix_group,
    "Group of a UNIX socket.");
BIND_WORD(gid, "gid", "<n>", parse_unix_gid,
    "Group of a UNIX socket, by number.");
BIND_WORD(level, "level", "user|operator|admin", parse_level,
    "Which commands of the runtime API may be given on it.");
BIND_WORD(expose_fd, "expose-fd", "listeners", parse_expose_fd,
    "Let a new process fetch the listening sockets through it.");
BIND_WORD(severity, "severity-output", "none|number|string", parse_severity,
    "Show the severity of what the runtime API says on it.");
BIND_WORD(shards, "shards", "by-thread", parse_shards,
    "Sockets per address: one per worker, as always.");

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_holder - the table of listening sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>
#include <ipc/holder.h>
#include <ipc/say.h>
#include <os/fd.h>
#include <os/sock.h>

#include "holder_int.h"

struct row {
	struct row *next;
	uint64_t hash;          /* of the key: most others differ in it */
	char *key;
	int *fds;
	size_t n;
	char *remade;           /* path that was gone, until commit; or NULL */
	int before;             /* then, the socket that had it */
	bool first;             /* fds[0] began its SO_REUSEPORT group */
	uint32_t first_gen, last_gen;   /* who asked for it */
};

static struct row *rows;
static char error[256];

bool (*ipc_holder_busy)(void);

/* What makes two requests the same socket. */
static void
make_key(struct text *t, const struct ipc_listen *l, struct span host,
    struct span interface)
{
	text_printf(t, "%u/", l->family);
	if (l->family == ADDR_FD || l->family == ADDR_SOCKPAIR)
		text_printf(t, "%d", l->fd);
	else if (l->family == ADDR_V4 || l->family == ADDR_V6)
		for (int i = 0; i < 16; i++)
			text_printf(t, "%02x", l->ip[i]);
	text_printf(t, "/%u/%u%u%u%u%u/%d.%d.%d/%d/", l->port, l->transparent,
	    l->v6only, l->v4v6, l->dgram, l->reuseport, l->mode, l->uid,
	    l->gid, l->mss);
	text_quote(t, interface);
	text_addc(t, '/');
	text_quote(t, host);
}

static struct row *
find_row(const char *key)
{
	uint64_t hash = span_hash(span_str(key));

	for (struct row *r = rows; r != NULL; r = r->next)
		if (r->hash == hash && strcmp(r->key, key) == 0)
			return (r);
	return (NULL);
}

static struct row *
add_row(const char *key, uint32_t gen)
{
	struct row *r = must_alloc(sizeof *r);

	r->key = must_strdup(key);
	r->hash = span_hash(span_str(key));
	r->first_gen = r->last_gen = gen;
	r->next = rows;
	rows = r;
	return (r);
}

static void
add_fd(struct row *r, int fd)
{
	r->fds = must_realloc(r->fds, (r->n + 1) * sizeof *r->fds);
	r->fds[r->n++] = fd;
}

static void
forget_before(struct row *r)
{
	if (r->remade == NULL)
		return;
	fd_close(&r->before);
	free(r->remade);
	r->remade = NULL;
}

static void
drop_row(struct row **link)
{
	struct row *r = *link;

	*link = r->next;
	for (size_t i = 0; i < r->n; i++)
		fd_close(&r->fds[i]);
	forget_before(r);
	free(r->fds);
	free(r->key);
	free(r);
}

/* ---- opening ---- */

static int
take_inherited(const struct ipc_listen *l)
{
	int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 3), yes = 0, type = 0;
	socklen_t n = sizeof yes;

	if (fd < 0) {
		snprintf(error, sizeof error,
		    "descriptor %d is not open in this process", l->fd);
		return (-1);
	}
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0) {
		snprintf(error, sizeof error, "descriptor %d is not a socket",
		    l->fd);
		fd_close(&fd);
		return (-1);
	}
	n = sizeof yes;
	if (l->family == ADDR_FD && type == SOCK_STREAM &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 &&
	    !yes && listen(fd, l->backlog > 0 ? l->backlog : SOMAXCONN) != 0) {
		snprintf(error, sizeof error, "can't listen on descriptor %d: "
		    "%s", l->fd, strerror(errno));
		fd_close(&fd);
		return (-1);
	}
	(void)sock_set_nonblock(fd, true);
	return (fd);
}

static void
fill_listen(struct sock_listen *s, const struct ipc_listen *l, char *host,
    char *interface)
{
	char *slash = strchr(interface, '/');

	memset(s, 0, sizeof *s);
	if (slash != NULL) {
		*slash = '\0';
		s->namespace = interface;
		interface = slash + 1;
	}
	s->addr.addr.family = l->family;
	s->addr.addr.port = s->addr.port_last = l->port;
	s->addr.port_given = true;
	memcpy(s->addr.addr.ip, l->ip, sizeof l->ip);
	s->addr.host = span_str(host);
	s->addr.fd = l->fd;
	s->backlog = l->backlog;
	s->reuseport = l->reuseport;
	s->transparent = l->transparent;
	s->v6only = l->v6only;
	s->v4v6 = l->v4v6;
	s->defer_accept = l->defer_accept;
	s->tfo = l->tfo;
	s->dgram = l->dgram;
	s->mss = l->mss;
	s->interface = *interface != '\0' ? interface : NULL;
	s->tcp_user_timeout_ms = l->user_timeout_ms;
	s->mode = l->mode;
	s->uid = l->uid;
	s->gid = l->gid;
}

static int
open_one(const struct ipc_listen *l, struct span host, struct span interface,
    bool more, bool *first)
{
	char host_z[256], interface_z[256];
	struct sock_listen s;
	const char *what = "socket";
	int fd;

	if (l->family == ADDR_FD || l->family == ADDR_SOCKPAIR)
		return (take_inherited(l));
	if (!span_copy(host_z, sizeof host_z, host) ||
	    !span_copy(interface_z, sizeof interface_z, interface)) {
		snprintf(error, sizeof error, "address is too long");
		return (-1);
	}
	fill_listen(&s, l, host_z, interface_z);
	/* To begin the group, if nobody has: see keeper_sock.c. */
	s.exclusive = s.reuseport && !more;
	fd = sock_listen_open(&s, &what);
	*first = s.exclusive && fd >= 0;
	s.exclusive = false;
	/* Nobody is asked to stop for one that is only a wish. */
	while (fd < 0 && errno == EADDRINUSE &&
	    (fd = sock_listen_open(&s, &what)) < 0 && errno == EADDRINUSE &&
	    !more && ipc_holder_busy != NULL && ipc_holder_busy())
		;
	if (fd < 0)
		snprintf(error, sizeof error, "cannot open: %s: %s", what,
		    strerror(errno));
	return (fd);
}

/* One that is open already: with this generation's backlog, and not paused any
 * more (SIGTTOU). */
static void
listen_again(const struct row *r, const struct ipc_listen *l)
{
	if (l->dgram || l->family == ADDR_FD || l->family == ADDR_SOCKPAIR)
		return;
	for (size_t i = 0; i < r->n; i++)
		(void)listen(r->fds[i], l->backlog > 0 ? l->backlog :
		    SOMAXCONN);
}

/* All there are of this address, also more than there are workers: what waits
 * in one that is closed would be reset. */
static void
adopt_shards(struct row *r, const struct ipc_listen *l, struct span host,
    struct span interface)
{
	bool first = false;
	int fd;

	while (r->n < (l->reuseport ? IPC_FDS_MAX : 1) &&
	    (fd = ipc_holder_adopted(l, host, interface, &first)) >= 0) {
		add_fd(r, fd);
		if (!first || r->first)
			continue;
		r->fds[r->n - 1] = r->fds[0];
		r->fds[0] = fd;
		r->first = true;
	}
	if (r->n == 0 || !l->reuseport)
		return;
	/* The last owner may have closed the gate of all but the first. */
	(void)sock_listen_first(r->fds[0], false);
	/* (who listens in another namespace can't be seen) */
	r->first = r->first || (r->n == 1 && span_find(interface, '/') < 0 &&
	    sock_count_listeners(r->fds[0]) == 1);
}

static bool
open_shards(struct row *r, const struct ipc_listen *l, struct span host,
    struct span interface)
{
	size_t want = l->reuseport ? l->n : 1;
	bool first = false;
	int fd;

	if (want > IPC_FDS_MAX)
		want = IPC_FDS_MAX;
	if (want == 0)
		want = 1;
	listen_again(r, l);
	if (r->n == 0)
		adopt_shards(r, l, host, interface);
	while (r->n < want) {
		if ((fd = open_one(l, host, interface, r->n > 0, &first)) < 0) {
			/* A shard more is a wish; the first is a must. */
			return (r->n > 0);
		}
		if (r->n == 0)
			r->first = first;
		add_fd(r, fd);
	}
	return (true);
}

static bool
is_gone(const char *path)
{
	struct stat st;

	return (lstat(path, &st) != 0 && errno == ENOENT);
}

/*
 * Somebody removed the path of a UNIX socket: nobody reaches it any more, so
 * this generation gets one that has it. The one before keeps its own, with what
 * waits there.
 */
static void
renew(struct row *r, const struct ipc_listen *l, struct span host)
{
	char path[256];
	bool first;
	int fd;

	if (l->family != ADDR_UNIX || r->n != 1 || r->remade != NULL ||
	    !span_copy(path, sizeof path, host) || !is_gone(path))
		return;
	if ((fd = open_one(l, host, SPAN(""), true, &first)) < 0) {
		ipc_say(DIAG_WARNING, "the socket '%s' was removed and could "
		    "not be made again: %s; mend that and reload", path,
		    error);
		return;
	}
	ipc_say(DIAG_NOTICE, "the socket '%s' was removed and is made again",
	    path);
	r->remade = must_strdup(path);
	r->before = r->fds[0];
	r->fds[0] = fd;
}

/* The generation for which it was made failed. */
static void
restore(struct row *r)
{
	int fd = r->fds[0];

	if (r->remade == NULL)
		return;
	(void)unlink(r->remade);
	r->fds[0] = r->before;
	r->before = fd;
	forget_before(r);
}

bool
ipc_holder_get(const struct ipc_listen *l, struct span host,
    struct span interface, uint32_t gen, int fds[IPC_FDS_MAX], size_t *n,
    bool *first, bool *again, const char **err)
{
	struct text key;
	struct row *r;
	bool good;

	text_init(&key);
	make_key(&key, l, host, interface);
	r = find_row(key.p);
	*again = r != NULL && r->last_gen == gen;
	if (r == NULL)
		r = add_row(key.p, gen);
	else if (!*again)
		renew(r, l, host);
	text_fini(&key);
	good = open_shards(r, l, host, interface);
	*err = error;
	*n = r->n < IPC_FDS_MAX ? r->n : IPC_FDS_MAX;
	*first = r->first;
	if (good) {
		r->last_gen = gen;
		memcpy(fds, r->fds, *n * sizeof *fds);
	}
	return (good);
}

void
ipc_holder_commit(uint32_t gen)
{
	for (struct row **link = &rows; *link != NULL;) {
		if ((*link)->last_gen < gen) {
			drop_row(link);
			continue;
		}
		forget_before(*link);
		link = &(*link)->next;
	}
}

void
ipc_holder_cancel(uint32_t gen)
{
	for (struct row **link = &rows; *link != NULL;) {
		if ((*link)->first_gen == gen) {
			drop_row(link);
			continue;
		}
		if ((*link)->last_gen == gen) {
			restore(*link);
			(*link)->last_gen = gen - 1;
		}
		link = &(*link)->next;
	}
}

size_t
ipc_holder_count(void)
{
	size_t n = 0;

	for (struct row *r = rows; r != NULL; r = r->next)
		n += r->n;
	return (n);
}

/* ---- over exec ---- */

void
ipc_holder_save(struct text *t)
{
	for (struct row *r = rows; r != NULL; r = r->next) {
		text_printf(t, "socket %u %u %s", r->first_gen, r->last_gen,
		    r->key);
		for (size_t i = 0; i < r->n; i++) {
			(void)sock_set_cloexec(r->fds[i], false);
			text_printf(t, " %d", r->fds[i]);
		}
		text_addc(t, '\n');
		if (r->first)
			text_printf(t, "first %s\n", r->key);
	}
}

static bool
take_number(struct span *left, uint64_t *v)
{
	struct span word;

	return (span_cut(left, ' ', &word) && num_u64(word, v));
}

static bool
load_line(struct span line)
{
	uint64_t first, last, fd;
	struct span key;
	struct row *r;
	char *key_z;

	if (!take_number(&line, &first) || !take_number(&line, &last) ||
	    !span_cut(&line, ' ', &key))
		return (false);
	key_z = span_dup(key);
	r = add_row(key_z, (uint32_t)first);
	free(key_z);
	r->last_gen = (uint32_t)last;
	while (take_number(&line, &fd)) {
		if (fcntl((int)fd, F_GETFD) < 0)
			return (false);
		(void)sock_set_cloexec((int)fd, true);
		add_fd(r, (int)fd);
	}
	return (true);
}

bool
ipc_holder_load(struct span all)
{
	struct span line;

	while (span_cut(&all, '\n', &line)) {
		if (span_begins(line, SPAN("socket ")) &&
		    !load_line(span_skip(line, 7)))
			return (false);
		if (span_begins(line, SPAN("first ")) && rows != NULL)
			rows->first = span_is(span_skip(line, 6), rows->key);
	}
	return (true);
}

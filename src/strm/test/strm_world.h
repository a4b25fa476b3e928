/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_WORLD_H
#define STRM_WORLD_H
/*
 * strm_world - a worker inside a test: a configuration, a loop, streams, an
 * origin and clients that are sockets of the same process.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <conf/conf.h>
#include <hand/hand.h>
#include <log/log.h>
#include <mux/mux.h>
#include <os/fd.h>
#include <os/loop.h>
#include <os/sock.h>
#include <srv/srv.h>
#include <srv/state.h>
#include <strm/strm.h>

static const char world_config[] =
    "defaults\n"
    "  timeout client 1m\n  timeout server 1m\n  timeout connect 10s\n"
    "  timeout queue 1m\n  timeout tarpit 1m\n  retries 3\n"
    "frontend web\n  mode http\n  bind 127.0.0.1:80\n"
    "  capture request header user-agent len 10\n"
    "  capture response header server len 10\n"
    "  http-request set-var(sess.seen) path\n"
    "  http-request set-var(txn.n) int(7)\n"
    "  http-request tarpit if { path /tarpit }\n"
    "  filter bwlim-out slow default-limit 1m default-period 1s\n"
    "  http-request set-bandwidth-limit slow if { path /limited }\n"
    "  use_backend one if { path_beg /one }\n"
    "  use_backend private if { path_beg /private }\n"
    "  use_backend again if { path_beg /again }\n"
    "  default_backend be\n"
    "backend be\n  mode http\n  http-reuse always\n  server s %s\n"
    "backend one\n  mode http\n  server s %s maxconn 1\n"
    "backend private\n  mode http\n  http-reuse never\n  server s %s\n"
    "backend again\n  mode http\n  option independent-streams\n"
    "  retry-on all-retryable-errors\n"
    "  cookie SRV insert indirect\n"
    "  http-request set-timeout server 40s\n"
    "  http-request set-timeout tunnel 50s\n"
    "  http-request set-nice 10\n  http-request set-log-level warning\n"
    "  http-request set-priority-class int(5)\n"
    "  http-request limit-body 1m\n"
    "  http-request set-bc-mark 7\n  http-request set-bc-tos 3\n"
    "  server s %s cookie c\n"
    "listen tcp\n  mode tcp\n  bind 127.0.0.1:81\n  server s %s\n"
    "frontend pp\n  mode http\n  bind 127.0.0.1:82 accept-proxy\n"
    "  default_backend be\n";

static struct loop world_loop;
static struct arena world_arena;
static int world_listen = -1;           /* of the origin */

static inline void
world_sink(const struct diag *d, void *arg)
{
	(void)arg;
	fprintf(stderr, "world: %d:%d: %s\n", d->pos.line, d->pos.col,
	    d->text);
}

static inline int
world_socket(struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof *sin;

	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	MUST(fd >= 0 && bind(fd, (struct sockaddr *)sin, sizeof *sin) == 0 &&
	    listen(fd, 64) == 0 &&
	    getsockname(fd, (struct sockaddr *)sin, &len) == 0);
	return (fd);
}

static inline void
world_open(void)
{
	static struct diags diags;
	struct conf conf = { .arena = &world_arena, .diags = &diags };
	static char text[4096], addr[32];
	struct sockaddr_in sin;
	const char *err;

	if (world_listen >= 0)
		return;                 /* one is enough for all tests */
	world_listen = world_socket(&sin);
	snprintf(addr, sizeof addr, "127.0.0.1:%u", ntohs(sin.sin_port));
	snprintf(text, sizeof text, world_config, addr, addr, addr, addr,
	    addr);
	arena_init(&world_arena, 0);
	diags_init(&diags);
	diags.sink = world_sink;
	px_model_new(&world_arena);
	MUST(conf_load_text(&conf, "w.cfg", span_str(text)));
	the_shm = shm_attach(shm_create("world"), &err);
	MUST(the_shm != NULL);
	shm_begin(the_shm, 1);
	loop_open(&world_loop);
	buf_setup(px_model->global.bufsize);
	http_setup(px_model->global.max_http_hdr);
	MUST(cnt_attach(cnt_create()) && srv_setup(&err) &&
	    cnt_bank_open(0) && srv_worker_start(0));
	fe_conn_limit = 10000;
	strm_start();
}

static inline void
world_turn(int n)
{
	while (n-- > 0)
		loop_turn(&world_loop, 2);
}

static inline const struct px_listen *
world_listener(const char *fe)
{
	const struct px *px = px_find(px_model, span_str(fe), PX_FE);

	MUST(px != NULL && px->listens != NULL);
	return (px->listens);
}

/* world_client - a client of that frontend; returns its own descriptor. */
static inline int
world_client(const char *fe)
{
	const struct px_listen *l = world_listener(fe);
	struct sockaddr_in sin;
	struct addr peer = { .family = ADDR_V4, .port = 1234,
		.ip = { 127, 0, 0, 1 } };
	int lfd = world_socket(&sin), mine, theirs;

	mine = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(connect(mine, (struct sockaddr *)&sin, sizeof sin) == 0);
	theirs = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	MUST(theirs >= 0);
	(void)close(lfd);
	MUST(fe_enter(fe_of(l->bind->px)));
	fe_entered(fe_of(l->bind->px));
	mux_proto_for((enum px_mode)l->bind->px->mode)->accept(l, theirs,
	    &peer);
	return (mine);
}

static inline int
world_origin(void)
{
	struct pollfd p = { .fd = world_listen, .events = POLLIN };

	for (int i = 0; i < 100 && poll(&p, 1, 0) == 0; i++)
		world_turn(1);
	return (p.revents != 0 ? accept4(world_listen, NULL, NULL,
	    SOCK_CLOEXEC) : -1);
}

/* world_connect - a connection to the origin that nobody serves yet. */
static inline int
world_connect(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0 && getsockname(world_listen, (struct sockaddr *)&sin,
	    &len) == 0);
	MUST(connect(fd, (struct sockaddr *)&sin, len) == 0);
	MUST(sock_set_nonblock(fd, true));
	return (fd);
}

/* world_read - what came at `fd`, as text, within a few turns. */
static inline const char *
world_read(int fd, const char *until)
{
	static char got[65536];
	size_t n = 0;

	got[0] = '\0';
	for (int i = 0; i < 200 && strstr(got, until) == NULL; i++) {
		ssize_t r;

		world_turn(1);
		r = recv(fd, got + n, sizeof got - 1 - n, MSG_DONTWAIT);
		if (r > 0)
			n += (size_t)r;
		got[n] = '\0';
	}
	return (got);
}

static inline void
world_send(int fd, const char *text)
{
	MUST(send(fd, text, strlen(text), MSG_NOSIGNAL) ==
	    (ssize_t)strlen(text));
	world_turn(3);
}
#endif

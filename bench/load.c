/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - closed-loop or fixed-rate HTTP/1.1 load generator (plain or TLS 1.3) on
 * epoll, one process, one thread.  Prints one line of JSON.
 *
 *   load -p PORT [-c conns] [-d seconds | -n requests] [-u path] [-h host]
 *        [-x "Header: value"] [-k]   new connection per request
 *        [-t] TLS 1.3 AES-128-GCM    [-s] resume the TLS session
 *        [-r rate] open loop, requests/s over all connections
 *        [-i] idle: one request on each connection, print READY, wait for EOF
 * on stdin
 */
#include "net.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

enum { IDLE, CONNECTING, HANDSHAKE, WAITING };

struct conn {
	int fd, state, head_len, slot;
	int64_t body_left, t0;
	SSL *ssl;
	char head[1024];
};

static int port, n_conns = 64, close_mode, tls, resume_tls, idle_mode;
static double seconds = 2, rate;
static long max_reqs;
static const char *path = "/", *host = "bench.example", *extra = "";
static char req[2048], buf[1 << 18];
static int ep, req_len, stopping;
static SSL_CTX *ctx;
static SSL_SESSION *session;
static long started, done, errors, eof_early, bad_status, conns_made, resumed,
    in_flight;
static int64_t bytes;
static struct hist lat;
static struct conn *conns, **idle;
static int n_idle, n_ready;

static void fire(struct conn *c);

static void
shut(struct conn *c)
{
	if (c->ssl) {
		SSL_set_shutdown(
		    c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = IDLE;
}

static int
new_session(SSL *s, SSL_SESSION *sess)
{
	(void)s;
	if (session)
		return (0);
	session = sess;
	return (1);
}

static void
watch(struct conn *c, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	epoll_ctl(ep, op, c->fd, &e);
}

static void
open_conn(struct conn *c)
{
	c->fd = tcp_connect(port, c->slot);
	if (c->fd < 0) {
		errors++;
		return;
	}
	conns_made++;
	c->state = CONNECTING;
	watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void
send_req(struct conn *c)
{
	int n = c->ssl ? SSL_write(c->ssl, req, req_len)
		       : (int)send(c->fd, req, req_len, MSG_NOSIGNAL);
	if (n != req_len)
		errors++; /* the read side sees the end of the connection */
	c->head_len = 0;
	c->body_left = -1;
	c->state = WAITING;
}

/* Starts one request on c, connecting first if it must. */
static void
fire(struct conn *c)
{
	if (!rate)
		c->t0 = now_us();
	started++;
	in_flight++;
	if (c->fd < 0)
		open_conn(c);
	else
		send_req(c);
}

static void
next(struct conn *c)
{
	if (stopping || (max_reqs && started >= max_reqs) || idle_mode)
		return;
	if (rate)
		idle[n_idle++] = c;
	else
		fire(c);
}

static void
failed(struct conn *c)
{
	in_flight--;
	if (c->head_len == 0 && c->state == WAITING)
		eof_early++;
	errors++;
	shut(c);
	if (errors < 100000)
		next(c);
}

static void
complete(struct conn *c)
{
	in_flight--;
	done++;
	hist_add(&lat, now_us() - c->t0);
	c->state = IDLE;
	if (idle_mode)
		n_ready++;
	if (close_mode)
		shut(c);
	next(c);
}

/* Feeds response bytes; 1 when the response is complete. */
static int
feed(struct conn *c, char *p, int n)
{
	bytes += n;
	if (c->body_left >= 0)
		return (c->body_left -= n) <= 0;
	int room = (int)sizeof(c->head) - 1 - c->head_len,
	    take = n < room ? n : room;
	memcpy(c->head + c->head_len, p, take);
	c->head_len += take;
	c->head[c->head_len] = 0;
	char *end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return (0);
	if (memcmp(c->head + 9, "200", 3))
		bad_status++;
	char *cl = strcasestr(c->head, "\r\ncontent-length:");
	int64_t len = cl && cl < end ? atoll(cl + 17) : 0;
	c->body_left = len - (c->head_len - (end + 4 - c->head)) - (n - take);
	return (c->body_left <= 0);
}

static void
handshake(struct conn *c)
{
	int r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		resumed += SSL_session_reused(c->ssl);
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
		send_req(c);
	} else if (SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_READ) {
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
	} else {
		ERR_clear_error();
		failed(c);
	}
}

static void
on_event(struct conn *c)
{
	if (c->state == CONNECTING) {
		int err = 0;
		socklen_t l = sizeof(err);
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
		if (err) {
			failed(c);
			return;
		}
		if (tls) {
			c->ssl = SSL_new(ctx);
			SSL_set_fd(c->ssl, c->fd);
			SSL_set_connect_state(c->ssl);
			SSL_set_tlsext_host_name(c->ssl, host);
			if (resume_tls &&
			    session) { /* a copy: OpenSSL spoils a used one */
				SSL_SESSION *copy = SSL_SESSION_dup(session);
				SSL_set_session(c->ssl, copy);
				SSL_SESSION_free(copy);
			}
			c->state = HANDSHAKE;
			handshake(c);
		} else {
			watch(c, EPOLLIN, EPOLL_CTL_MOD);
			send_req(c);
		}
		return;
	}
	if (c->state == HANDSHAKE) {
		handshake(c);
		return;
	}
	for (;;) {
		int n = c->ssl ? SSL_read(c->ssl, buf, sizeof(buf))
			       : (int)read(c->fd, buf, sizeof(buf));
		if (n <= 0) {
			if (c->ssl ? SSL_get_error(c->ssl, n) ==
					 SSL_ERROR_WANT_READ
				   : n < 0 && errno == EAGAIN)
				return;
			ERR_clear_error();
			if (c->state == WAITING) {
				failed(c);
			} else { /* closed between two requests */
				shut(c);
			}
			return;
		}
		if (c->state != WAITING)
			continue;
		if (feed(c, buf, n)) {
			complete(c);
			return;
		}
		if (!c->ssl && n < (int)sizeof(buf))
			return;
	}
}

static void
setup_tls(void)
{
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set1_groups_list(ctx, "X25519");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, new_session);
}

static int
options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "p:c:d:n:u:h:x:ktsr:i")) != -1) {
		switch (o) {
		case 'p': port = atoi(optarg); break;
		case 'c': n_conns = atoi(optarg); break;
		case 'd': seconds = atof(optarg); break;
		case 'n': max_reqs = atol(optarg); seconds = 600; break;
		case 'u': path = optarg; break;
		case 'h': host = optarg; break;
		case 'x': extra = optarg; break;
		case 'k': close_mode = 1; break;
		case 't': tls = 1; break;
		case 's': resume_tls = 1; break;
		case 'r': rate = atof(optarg); break;
		case 'i': idle_mode = 1; seconds = 600; break;
		default: return (0);
		}
	}
	return (port > 0 && n_conns > 0);
}

static void
prepare(void)
{
	int i;

	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	if (tls)
		setup_tls();
	req_len = snprintf(req, sizeof req,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench/1.0\r\n"
	    "Accept: */*\r\n%s%s%s\r\n",
	    path, host, extra, *extra ? "\r\n" : "",
	    close_mode ? "Connection: close\r\n" : "");
	ep = epoll_create1(0);
	conns = calloc((size_t)n_conns, sizeof *conns);
	idle = calloc((size_t)n_conns, sizeof *idle);
	if (conns == NULL || idle == NULL)
		die("calloc");
	for (i = 0; i < n_conns; i++) {
		conns[i].fd = -1;
		conns[i].slot = i;
	}
}

/* Start what is due now; returns how long to wait for events, in ns. */
static int64_t
start_due(int64_t t, int64_t *due, int *opened)
{
	struct conn *c;

	if (!rate) {
		while (*opened < n_conns && in_flight < 256 && !stopping &&
		    (!max_reqs || started < max_reqs))
			fire(&conns[(*opened)++]);
		return (50000000);
	}
	while (*opened < n_conns)
		idle[n_idle++] = &conns[(*opened)++];
	if (stopping)
		return (50000000);
	while (*due <= t && n_idle) {
		c = idle[--n_idle];
		c->t0 = *due;
		fire(c);
		*due += (int64_t)(1e6 / rate);
	}
	return (*due > t ? (*due - t) * 1000 : 50000000);
}

static void
loop(int64_t start)
{
	struct epoll_event evs[512];
	struct timespec wait = { 0, 0 };
	int64_t t, end = start + (int64_t)(seconds * 1e6), due = start;
	int i, n, opened = 0;

	for (;;) {
		t = now_us();
		if (t >= end)
			stopping = 1;
		if (max_reqs && done + errors >= max_reqs)
			return;
		if (stopping && (!in_flight || t > end + 1000000))
			return;
		wait.tv_nsec = start_due(t, &due, &opened);
		if (idle_mode && n_ready + errors >= n_conns)
			return;
		n = epoll_pwait2(ep, evs, 512, &wait, NULL);
		for (i = 0; i < n; i++)
			on_event(evs[i].data.ptr);
	}
}

static void
report(double took)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	printf("{\"requests\":%ld,\"errors\":%ld,\"eof_early\":%ld,"
	    "\"bad_status\":%ld,\"bytes\":%lld,\"seconds\":%.4f,"
	    "\"connections\":%ld,\"resumed\":%ld,", done, errors, eof_early,
	    bad_status, (long long)bytes, took, conns_made, resumed);
	printf("\"p50\":%lld,\"p99\":%lld,\"p999\":%lld,\"max\":%llu,"
	    "\"client_cpu\":%.3f}\n", (long long)hist_q(&lat, .5),
	    (long long)hist_q(&lat, .99), (long long)hist_q(&lat, .999),
	    (unsigned long long)lat.max,
	    (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

int
main(int argc, char **argv)
{
	int64_t start;
	char b;

	if (!options(argc, argv)) {
		fprintf(stderr, "usage: load -p PORT [options]; see load.c\n");
		return (2);
	}
	prepare();
	start = now_us();
	loop(start);
	if (!idle_mode) {
		report((double)(now_us() - start) / 1e6);
		return (0);
	}
	printf("READY %d %ld\n", n_ready, errors);
	fflush(stdout);
	while (read(0, &b, 1) > 0)
		continue;
	return (0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_health - the smallest HTTP server: GET, one answer, the end. For probes
 * and scrapers, never for users.
 */
#include "ing_run_int.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/list.h>
#include <base/must.h>

#define CLIENTS_MAX 64
#define PATIENCE_MS 5000

struct client {
	unsigned magic;
#define ING_CLIENT_MAGIC 0x1c9e0b23
	struct list node;
	struct ing_health *h;
	int fd;
	struct tmr timer;
	char in[4096];
	size_t n;
	struct text out;
	size_t sent;
	bool answered;
};

struct ing_health {
	struct loop *loop;
	int fd;
	ing_health_fn *fn;
	void *arg;
	struct list clients;
	unsigned n_clients;
};

static void
client_free(struct client *c)
{
	tmr_stop(&c->h->loop->wheel, &c->timer);
	loop_forget(c->h->loop, c->fd);
	close(c->fd);
	list_del(&c->node);
	c->h->n_clients--;
	text_fini(&c->out);
	free(c);
}

static const char *
status_text(int status)
{
	return (status == 200 ? "OK" : status == 400 ? "Bad Request" :
	    status == 404 ? "Not Found" : status == 405 ? "Method Not Allowed"
	    : "Internal Server Error");
}

static void
answer(struct client *c)
{
	struct span head = span_of(c->in, c->n), method, path;
	struct ing_health_answer a = { .status = 200 };
	struct span body;

	text_init(&a.body);
	if (!span_cut(&head, ' ', &method) || head.p == NULL ||
	    !span_cut(&head, ' ', &path))
		a.status = 400;
	else if (!span_is(method, "GET") && !span_is(method, "HEAD"))
		a.status = 405;
	else {
		ptrdiff_t q = span_find(path, '?');

		if (q >= 0)
			path.n = (size_t)q;
		if (!c->h->fn(path, &a, c->h->arg))
			a.status = 404;
	}
	if (a.body.n == 0)
		text_printf(&a.body, "%s\n", status_text(a.status));
	body = text_span(&a.body);
	text_printf(&c->out, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; "
	    "version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n\r\n", a.status,
	    status_text(a.status), body.n);
	if (!span_is(method, "HEAD"))
		text_add(&c->out, body);
	text_fini(&a.body);
	c->answered = true;
}

/* False: it is over. */
static bool
step(struct client *c)
{
	ssize_t n;

	while (!c->answered) {
		if (c->n == sizeof c->in)
			return (false);
		n = recv(c->fd, c->in + c->n, sizeof c->in - c->n, 0);
		if (n <= 0)
			return (n < 0 && errno == EAGAIN);
		c->n += (size_t)n;
		if (span_search(span_of(c->in, c->n), SPAN("\r\n\r\n")) >= 0)
			answer(c);
	}
	while (c->sent < c->out.n) {
		n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent,
		    MSG_NOSIGNAL);
		if (n < 0)
			return (errno == EAGAIN);
		c->sent += (size_t)n;
	}
	shutdown(c->fd, SHUT_WR);
	return (false);
}

static void
on_client(void *arg, unsigned events)
{
	struct client *c = OBJ(arg, struct client, ING_CLIENT_MAGIC);

	(void)events;
	if (!step(c))
		client_free(c);
}

static void
on_late(struct tmr *t)
{
	client_free(HOLDER(t, struct client, timer));
}

static void
on_listen(void *arg, unsigned events)
{
	struct ing_health *h = arg;
	struct client *c;
	int fd;

	(void)events;
	while ((fd = accept4(h->fd, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC)) >= 0) {
		if (h->n_clients == CLIENTS_MAX)
			client_free(LIST_ITEM(h->clients.next, struct client,
			    node));
		c = must_alloc(sizeof *c);
		c->magic = ING_CLIENT_MAGIC;
		c->h = h;
		c->fd = fd;
		text_init(&c->out);
		tmr_init(&c->timer, on_late);
		list_push_back(&h->clients, &c->node);
		h->n_clients++;
		tmr_arm(&h->loop->wheel, &c->timer, clock_mono_us() / 1000 +
		    PATIENCE_MS);
		if (!loop_add(h->loop, fd, on_client, c))
			client_free(c);
	}
}

static int
try_listen(const struct addrinfo *a)
{
	int on = 1, e, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd < 0)
		return (-1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 64) == 0)
		return (fd);
	e = errno;
	close(fd);
	errno = e;
	return (-1);
}

/* Without a host: one socket of v6 for both families, where there is v6. */
static int
listen_at(const char *host, int port, char **why)
{
	struct addrinfo hint = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM }, *ai;
	bool any = host == NULL || host[0] == '\0';
	int fd = -1, rc;
	struct text t;
	char service[8];

	snprintf(service, sizeof service, "%d", port);
	rc = getaddrinfo(any ? NULL : host, service, &hint, &ai);
	if (rc == 0) {
		for (int v6 = 1; v6 >= 0; v6--)
			for (struct addrinfo *a = ai; a != NULL && fd < 0;
			    a = a->ai_next)
				if ((a->ai_family == AF_INET6) == v6)
					fd = try_listen(a);
		freeaddrinfo(ai);
	}
	if (fd >= 0)
		return (fd);
	text_init(&t);
	text_printf(&t, "--healthz-port: cannot listen at %s:%d: %s",
	    any ? "*" : host, port, rc != 0 ? gai_strerror(rc) :
	    strerror(errno));
	*why = t.p;
	return (-1);
}

struct ing_health *
ing_health_open(struct loop *loop, const char *host, int port,
    ing_health_fn *fn, void *arg, char **why)
{
	struct ing_health *h;
	int fd = listen_at(host, port, why);

	if (fd < 0)
		return (NULL);
	h = must_alloc(sizeof *h);
	h->loop = loop;
	h->fd = fd;
	h->fn = fn;
	h->arg = arg;
	list_init(&h->clients);
	MUST(loop_add_level(loop, fd, on_listen, h));
	return (h);
}

void
ing_health_close(struct ing_health *h)
{
	if (h == NULL)
		return;
	LIST_EACH(n, &h->clients)
		client_free(LIST_ITEM(n, struct client, node));
	loop_forget(h->loop, h->fd);
	close(h->fd);
	free(h);
}

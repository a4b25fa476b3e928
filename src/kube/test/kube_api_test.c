/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../kube_api.c"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A server of one connection, that reads a request and says `says` (NULL: it
 * accepts and says nothing at all), then closes or, with `stays`, waits.
 */
struct server {
	int fd, port;
	const char *says;
	bool stays;
	atomic_bool end;
	char request[2048];
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct server *s = arg;
	int c = accept(s->fd, NULL, NULL);
	ssize_t n = recv(c, s->request, sizeof s->request - 1, 0);

	CHECK(n > 0);
	if (s->says != NULL)
		CHECK(send(c, s->says, strlen(s->says), MSG_NOSIGNAL) > 0);
	while (s->stays && !atomic_load(&s->end))
		usleep(1000);
	close(c);
	return (NULL);
}

static void
server_open(struct server *s, const char *says, bool stays)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sin;

	memset(s, 0, sizeof *s);
	s->says = says;
	s->stays = stays;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	MUST(bind(s->fd, (struct sockaddr *)&sin, sizeof sin) == 0);
	MUST(listen(s->fd, 4) == 0);
	MUST(getsockname(s->fd, (struct sockaddr *)&sin, &len) == 0);
	s->port = ntohs(sin.sin_port);
	MUST(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void
server_close(struct server *s)
{
	atomic_store(&s->end, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* --- a client ---------------------------------------------------------------- */

static struct loop loop;
static struct kube_conf conf;
static struct kube_api *api;
static int status, begun, dones, retry_after_s;
static char body[200], error[300], url[64];

static void
on_done(const struct kube_reply *r, void *arg)
{
	(void)arg;
	dones++;
	status = r->status;
	retry_after_s = r->retry_after_s;
	if (r->body.n > 0)
		span_copy(body, sizeof body, r->body);
	snprintf(error, sizeof error, "%s", r->status == 0 ? r->error : "");
}

static bool
on_part(struct span s, void *arg)
{
	(void)arg;
	span_copy(body, sizeof body, s);
	return (!span_ends(s, SPAN("stop")));
}

static void
on_begin(void *arg)
{
	(void)arg;
	begun++;
}

static void
begin(int port)
{
	status = -1;
	begun = dones = retry_after_s = 0;
	body[0] = error[0] = '\0';
	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
	memset(&conf, 0, sizeof conf);
	conf.server = url;
	conf.token = must_strdup("secret");
	loop_open(&loop);
	api = kube_api_open(&conf, &loop);
}

static void
end(void)
{
	kube_api_close(api);
	loop_close(&loop);
	free(conf.token);
}

static void
turn_until_done(void)
{
	for (int i = 0; i < 400 && dones == 0; i++)
		kube_api_turn(api, 50);
	CHECK_EQ(dones, 1);
}

static struct kube_call *
get(int timeout_s, kube_part_fn *part)
{
	return (kube_api_call(api, &(struct kube_ask){ .path = "/x",
	    .timeout_s = timeout_s, .part = part, .begun = part != NULL ?
	    on_begin : NULL, .done = on_done }));
}

#define OK "HTTP/1.1 200 OK\r\n"

TEST(an_answer_and_who_asks)
{
	struct server s;

	server_open(&s, OK "Content-Length: 2\r\n\r\nhi", false);
	begin(s.port);
	(void)get(0, NULL);
	turn_until_done();
	CHECK_EQ(status, 200);
	CHECK_STR(body, "hi");
	server_close(&s);
	CHECK(strstr(s.request, "GET /x HTTP/1.1\r\n") == s.request);
	CHECK(strstr(s.request, "\r\nAuthorization: Bearer secret\r\n") !=
	    NULL);
	end();
}

TEST(what_is_no_answer_has_words_that_stay_the_same)
{
	static const struct { const char *says, *error; bool stays; } rows[] = {
		{ NULL, "Timeout was reached", true },
		{ OK "Content-Length: 9\r\n\r\nhalf", "Timeout was reached",
		    true },
		{ NULL, "Empty reply from server", false },
		{ OK "Content-Length: 9\r\n\r\nhalf",
		    "transfer closed with 5 bytes remaining to read", false },
		{ "no HTTP at all\r\n\r\n",
		    "Received HTTP/0.9 when not allowed", false },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct server s;

		server_open(&s, rows[i].says, rows[i].stays);
		begin(s.port);
		(void)get(1, NULL);
		turn_until_done();
		CHECK_EQ(status, 0);
		CHECK_STR(error, rows[i].error);
		server_close(&s);
		end();
	}
	begin(1);                       /* nobody listens there */
	(void)get(1, NULL);
	turn_until_done();
	CHECK_STR(error, "Couldn't connect to server");
	end();
}

TEST(a_server_that_is_busy_says_for_how_long)
{
	static const struct { const char *field; int seconds; } rows[] = {
		{ "Retry-After: 7\r\n", 7 }, { "retry-after:  12 \r\n", 12 },
		{ "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", 0 },
		{ "Retry-After: 99999\r\n", 0 }, { "", 0 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct server s;
		char says[200];

		snprintf(says, sizeof says, "HTTP/1.1 429 X\r\n%s"
		    "Content-Length: 0\r\n\r\n", rows[i].field);
		server_open(&s, says, false);
		begin(s.port);
		(void)get(0, NULL);
		turn_until_done();
		CHECK_EQ(status, 429);
		CHECK_EQ(retry_after_s, rows[i].seconds);
		server_close(&s);
		end();
	}
}

TEST(a_stream_is_told_when_it_begins_and_as_it_comes)
{
	struct server s;

	server_open(&s, OK "\r\n", true);
	begin(s.port);
	(void)get(0, on_part);
	for (int i = 0; i < 400 && begun == 0; i++)
		kube_api_turn(api, 50);
	CHECK_EQ(begun, 1);             /* before any byte of it */
	CHECK_EQ(dones, 0);
	end();                          /* under way: dropped with the rest */
	server_close(&s);

	server_open(&s, OK "\r\nfirst stop", true);
	begin(s.port);
	(void)get(0, on_part);
	turn_until_done();
	CHECK_STR(body, "first stop");
	CHECK_EQ(status, 200);          /* we ended it */
	end();
	server_close(&s);

	server_open(&s, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
	    false);
	begin(s.port);
	(void)get(0, on_part);
	turn_until_done();
	CHECK_EQ(begun, 0);
	CHECK_EQ(status, 403);
	CHECK_STR(body, "no");
	end();
	server_close(&s);
}

TEST(who_was_dropped_is_not_called)
{
	struct server s;
	struct kube_call *c;

	server_open(&s, NULL, true);
	begin(s.port);
	c = get(0, NULL);
	for (int i = 0; i < 5; i++)
		kube_api_turn(api, 10);
	kube_call_drop(c);
	CHECK(list_empty(&api->calls));
	server_close(&s);
	for (int i = 0; i < 5; i++)
		kube_api_turn(api, 10);
	CHECK_EQ(dones, 0);
	end();
}

/* It is read again once the server refuses it, and not before. */
TEST(a_token_that_is_refused_is_read_again)
{
	char path[] = "/tmp/kube-token-XXXXXX";
	int fd = mkstemp(path);
	struct server s;

	CHECK(fd >= 0 && write(fd, "fresh\n", 6) == 6);
	server_open(&s, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", false);
	begin(s.port);
	conf.token_file = path;
	(void)get(0, NULL);
	CHECK_STR(conf.token, "secret");
	turn_until_done();
	CHECK_EQ(status, 401);
	CHECK_STR(conf.token, "fresh");
	server_close(&s);
	end();
	close(fd);
	unlink(path);
}

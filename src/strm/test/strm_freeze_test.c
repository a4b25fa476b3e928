/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In every state that a connection can cross in: what is frozen, thawed and
 * frozen again is the same to the byte, and what was thawed goes on as if
 * nothing had happened. Images of past releases (regtests/golden/hand) thaw.
 *
 * GOLDEN=dir writes the images of today there; those kept have the number of
 * their step before the name (without one: of the second).
 */
#include <base/test.h>

#include <dirent.h>
#include <stdlib.h>

#include "../strm_int.h"
#include "strm_world.h"

TEST_MAY_LEAK

/* A conversation; the crossing is at "X". */
enum who { C, S };              /* client, server */
struct step {
	const char *send;       /* NULL: expect */
	const char *expect;
	enum who who;
};
struct state {
	const char *name, *fe;
	struct step before[6], after[8];
	const char *also;       /* a request of another client, first */
};

#define SEND(who, text) { text, NULL, who }
#define SEE(who, text)  { NULL, text, who }
#define H "Host: t\r\n\r\n"

static const struct state states[] = {
	{ "idle", "web",
	  { SEND(C, "GET /a HTTP/1.1\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	    SEE(C, "\r\n\r\nok") },
	  { SEND(C, "GET /b HTTP/1.1\r\n" H), SEE(S, "GET /b"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "never-used", "web", { SEND(C, "") },
	  { SEND(C, "GET /b HTTP/1.1\r\n" H), SEE(S, "GET /b"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "part-of-head", "web", { SEND(C, "GET /c HTTP/1.1\r\nUser-Ag") },
	  { SEND(C, "ent: x\r\n" H), SEE(S, "GET /c"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "proxy-header", "pp", { SEND(C, "PROXY TCP4 192.0.2.1 ") },
	  { SEND(C, "192.0.2.2 1 2\r\nGET /d HTTP/1.1\r\n" H),
	    SEE(S, "GET /d"), SEND(S, "HTTP/1.1 204 No\r\n\r\n"),
	    SEE(C, "204") }, NULL },
	{ "request-length", "web",
	  { SEND(C, "POST / HTTP/1.1\r\nContent-Length: 6\r\n" H "abc"),
	    SEE(S, "abc") },
	  { SEND(C, "def"), SEE(S, "def"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "request-chunked", "web",
	  { SEND(C, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" H
	    "3\r\nabc\r\n1"), SEE(S, "abc") },
	  { SEND(C, "0\r\n0123456789abcdef\r\n0\r\nx-t: 1\r\n\r\n"),
	    SEE(S, "x-t: 1\r\n\r\n"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "waiting", "web",
	  { SEND(C, "GET /w HTTP/1.1\r\nUser-Agent: me\r\n" H),
	    SEE(S, "\r\n\r\n") },
	  { SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "interim", "web",
	  { SEND(C, "POST / HTTP/1.1\r\nContent-Length: 3\r\n"
	    "Expect: 100-continue\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 100 Continue\r\n\r\n"), SEE(C, "100") },
	  { SEND(C, "abc"), SEE(S, "abc"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "part-of-response-head", "web",
	  { SEND(C, "GET / HTTP/1.1\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 2") },
	  { SEND(S, "04 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "response-length", "web",
	  { SEND(C, "GET / HTTP/1.1\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 200 OK\r\nServer: origin\r\n"
	    "Content-Length: 6\r\n\r\nabc"), SEE(C, "abc") },
	  { SEND(S, "def"), SEE(C, "def"),
	    SEND(C, "GET /b HTTP/1.1\r\n" H), SEE(S, "GET /b"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "limited", "web",
	  { SEND(C, "GET /limited HTTP/1.1\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"),
	    SEE(C, "abc") },
	  { SEND(S, "def"), SEE(C, "def") }, NULL },
	{ "response-chunked", "web",
	  { SEND(C, "GET / HTTP/1.1\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "6\r\nabc"), SEE(C, "abc") },
	  { SEND(S, "def\r\n0\r\n\r\n"), SEE(C, "0\r\n\r\n") }, NULL },
	{ "response-close", "web",
	  { SEND(C, "GET / HTTP/1.0\r\n\r\n"), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.0 200 OK\r\n\r\nabc"), SEE(C, "abc") },
	  { SEND(S, "def"), SEE(C, "def") }, NULL },
	{ "pipelined", "web",
	  { SEND(C, "GET /1 HTTP/1.1\r\n" H "GET /2 HTTP/1.1\r\n" H),
	    SEE(S, "GET /1") },
	  { SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204"),
	    SEE(S, "GET /2"), SEND(S, "HTTP/1.1 201 Y\r\n"
	    "Content-Length: 0\r\n\r\n"), SEE(C, "201") }, NULL },
	{ "upgrade", "web",
	  { SEND(C, "GET /ws HTTP/1.1\r\nConnection: upgrade\r\n"
	    "Upgrade: x\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 101 S\r\nConnection: upgrade\r\n"
	    "Upgrade: x\r\n\r\nhi"), SEE(C, "\r\n\r\nhi") },
	  { SEND(C, "up"), SEE(S, "up"), SEND(S, "down"), SEE(C, "down") },
	  NULL },
	{ "connect", "web",
	  { SEND(C, "CONNECT t:1 HTTP/1.1\r\nHost: t:1\r\n\r\n"),
	    SEE(S, "\r\n\r\n"), SEND(S, "HTTP/1.1 200 OK\r\n\r\n"),
	    SEE(C, "200") },
	  { SEND(C, "up"), SEE(S, "up"), SEND(S, "down"), SEE(C, "down") },
	  NULL },
	{ "queued", "web", { SEND(C, "GET /one HTTP/1.1\r\n" H) },
	  { SEND(C, "") }, "GET /one/first HTTP/1.1\r\n" H },
	{ "tarpit", "web", { SEND(C, "GET /tarpit HTTP/1.1\r\n" H) },
	  { SEND(C, "") }, NULL },
	{ "private", "web",
	  { SEND(C, "GET /private HTTP/1.1\r\n" H), SEE(S, "\r\n\r\n"),
	    SEND(S, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	    SEE(C, "\r\n\r\nok") },
	  { SEND(C, "GET /private/b HTTP/1.1\r\n" H), SEE(S, "GET /private/b"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "kept", "web",
	  { SEND(C, "POST /again HTTP/1.1\r\nContent-Length: 6\r\n" H "abc"),
	    SEE(S, "abc") },
	  { SEND(C, "def"), SEE(S, "def"),
	    SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "kept-chunked", "web",
	  { SEND(C, "POST /again HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" H
	    "3\r\nabc\r\n0\r\n\r\n"), SEE(S, "0\r\n\r\n") },
	  { SEND(S, "HTTP/1.1 204 No\r\n\r\n"), SEE(C, "204") }, NULL },
	{ "tcp", "tcp", { SEND(C, "ping"), SEE(S, "ping") },
	  { SEND(S, "pong"), SEE(C, "pong"), SEND(C, "more"),
	    SEE(S, "more") }, NULL },
};

static int client, server, other = -1;

static void
play(const struct state *st, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct step *s = &steps[i];
		int *fd = s->who == C ? &client : &server;

		if (s->send == NULL && s->expect == NULL)
			continue;
		if (s->who == S && server < 0)
			server = world_origin();
		if (s->send != NULL) {
			world_send(*fd, s->send);
			continue;
		}
		if (!CHECK(strstr(world_read(*fd, s->expect), s->expect) !=
		    NULL))
			printf("    %s: expected '%s'\n", st->name, s->expect);
	}
}

static void
write_image(const char *name, unsigned no, const struct hand_item *it,
    const struct wire_out *o, size_t n_fds)
{
	const char *dir = getenv("GOLDEN");
	char path[512];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof path, "%s/%s-%u.hex", dir, name, no);
	if ((f = fopen(path, "w")) == NULL)
		return;
	fprintf(f, "%s %u %zu\n", hand_kind_of(it)->name,
	    hand_kind_of(it)->layout, n_fds);
	for (size_t i = 0; i < o->n; i++)
		fprintf(f, "%02x%s", (uint8_t)o->p[i], i % 32 == 31 ? "\n" :
		    "");
	fprintf(f, "\n");
	(void)fclose(f);
}

/* One item is frozen, thawed, frozen again, and goes on as what was thawed. */
static void
cross(const struct state *st, struct hand_item *it, unsigned no)
{
	static char one[1 << 20], two[1 << 20];
	const struct hand_kind *kind = hand_kind_of(it);
	int fds[HAND_FDS_MAX], copies[HAND_FDS_MAX];
	size_t n = 0, n2 = 0;
	struct wire_out a, b;
	struct wire_in in;
	struct hand_item *new;
	const char *why = "";

	wire_out_init(&a, one, sizeof one);
	wire_out_init(&b, two, sizeof two);
	CHECK(kind->freeze(it, &a, fds, &n));
	write_image(st->name, no, it, &a, n);
	for (size_t i = 0; i < n; i++)
		copies[i] = dup(fds[i]);
	wire_in_init(&in, span_of(a.p, a.n));
	new = kind->thaw(&in, copies, n, &why);
	if (!CHECK(new != NULL)) {
		printf("    %s: %s (%s)\n", st->name, why, in.err == NULL ?
		    "" : in.err);
		kind->back(it, false);
		return;
	}
	CHECK(kind->freeze(new, &b, fds, &n2));
	CHECK_EQ(n2, n);
	CHECK_EQ(b.n, a.n);
	if (b.n == a.n && !CHECK_MEM(b.p, b.n, a.p, a.n))
		printf("    in state %s\n", st->name);
	hand_leave(it);
	kind->gone(it);
	kind->back(new, false);
}

static void
end_all(void)
{
	struct pollfd p = { .fd = world_listen, .events = POLLIN };

	fd_close(&client);
	fd_close(&server);
	fd_close(&other);
	while (poll(&p, 1, 0) > 0)
		(void)close(accept4(world_listen, NULL, NULL, SOCK_CLOEXEC));
	world_turn(3);
	strm_kill_all();
	mux_leave(0);
	mux_leaving = mux_ending = false;
	world_turn(3);
	srv_idle_close_all(NULL);
	world_turn(3);
}

TEST(every_state_crosses)
{
	world_open();
	for (size_t i = 0; i < NELEM(states); i++) {
		const struct state *st = &states[i];
		unsigned n = hand_items_n;

		server = -1;
		if (st->also != NULL) {
			other = world_client(st->fe);
			world_send(other, st->also);
			world_turn(5);
		}
		client = world_client(st->fe);
		play(st, st->before, NELEM(st->before));
		CHECK(hand_items_n > n);
		/* What is thawed is listed last: each has its turn. */
		n = hand_items_n;
		for (unsigned k = 0; k < n; k++) {
			struct hand_item *it = LIST_ITEM(hand_items.next,
			    struct hand_item, node);
			const char *why;

			list_del(&it->node);
			list_push_back(&hand_items, &it->node);
			if (hand_kind_of(it)->can(it, &why) == HAND_NOW)
				cross(st, it, k);
		}
		play(st, st->after, NELEM(st->after));
		end_all();
	}
	CHECK_EQ(strm_count(), 0);
}

/* ---- images of past releases ---- */

static size_t
read_image(const char *path, char *kind, unsigned *layout, size_t *n_fds,
    char *bytes)
{
	FILE *f = fopen(path, "r");
	unsigned byte;
	size_t n = 0;

	if (f == NULL)
		return (0);
	if (fscanf(f, "%31s %u %zu", kind, layout, n_fds) == 3)
		while (fscanf(f, "%2x", &byte) == 1)
			bytes[n++] = (char)byte;
	(void)fclose(f);
	return (n);
}

static void
thaw_image(const char *path)
{
	static char bytes[1 << 20];
	const struct hand_kind *const *kind;
	struct hand_item *it;
	struct wire_in in;
	char name[32];
	const char *why = "";
	unsigned layout;
	size_t n_fds = 0, n = read_image(path, name, &layout, &n_fds, bytes);
	int fds[HAND_FDS_MAX], ours[HAND_FDS_MAX];

	CHECK(n > 0 && n_fds <= HAND_FDS_MAX);
	kind = hand_kind_find(span_str(name));
	if (!CHECK(kind != NULL) || !CHECK_EQ((*kind)->layout, layout))
		return;
	for (size_t i = 0; i < n_fds; i++) {
		fds[i] = world_connect();
		ours[i] = world_origin();
		CHECK(fds[i] >= 0 && ours[i] >= 0);
	}
	wire_in_init(&in, span_of(bytes, n));
	it = (*kind)->thaw(&in, fds, n_fds, &why);
	if (!CHECK(it != NULL)) {
		printf("    %s: %s\n", path, why);
	} else {
		(*kind)->start(it);
		world_turn(2);
	}
	for (size_t i = 0; i < n_fds; i++)
		(void)close(ours[i]);
	end_all();
}

TEST(images_of_past_releases_thaw)
{
	const char *top = "regtests/golden/hand";
	DIR *d = opendir(top);
	struct dirent *e;
	char path[512];
	unsigned n = 0;

	if (!CHECK(d != NULL))
		return;
	world_open();
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".hex") == NULL)
			continue;
		snprintf(path, sizeof path, "%s/%s", top, e->d_name);
		thaw_image(path);
		n++;
	}
	(void)closedir(d);
	CHECK(n >= 70);
}

/* ---- single fields ---- */

static struct strm *
over_there(struct hand_item *it, struct wire_out *o, char *bytes, size_t size)
{
	const struct hand_kind *kind = hand_kind_of(it);
	int fds[HAND_FDS_MAX], copies[HAND_FDS_MAX];
	struct wire_in in;
	const char *why;
	size_t n = 0;

	wire_out_init(o, bytes, size);
	CHECK(kind->freeze(it, o, fds, &n));
	for (size_t i = 0; i < n; i++)
		copies[i] = dup(fds[i]);
	wire_in_init(&in, span_of(o->p, o->n));
	if (!CHECK(kind->thaw(&in, copies, n, &why) != NULL))
		return (NULL);
	hand_leave(it);
	kind->gone(it);
	it = LIST_ITEM(hand_items.prev, struct hand_item, node);
	hand_kind_of(it)->start(it);
	return (LIST_ITEM(strm_all.prev, struct strm, node));
}

TEST(a_request_that_may_be_sent_again_crosses_with_its_body)
{
	static char bytes[1 << 16];
	struct wire_out o;
	struct strm *s;

	world_open();
	client = world_client("web");
	world_send(client, "POST /again HTTP/1.1\r\nContent-Length: 6\r\n" H
	    "abc");
	server = world_origin();
	s = LIST_ITEM(strm_all.prev, struct strm, node);
	CHECK(s->kept != NULL && s->indep);
	s->cli_read_ms = 11;
	s->srv_read_ms = 12;
	s = over_there(LIST_ITEM(hand_items.next, struct hand_item, node), &o,
	    bytes, sizeof bytes);
	if (s != NULL && CHECK(s->kept != NULL)) {
		CHECK_SPAN(buf_peek(&s->kept->buf), "abc");
		CHECK_EQ(s->kept->at, 3);
		CHECK(!s->kept->off && !s->kept->whole && !s->in_body);
		CHECK_EQ(s->cli_read_ms, 11);
		CHECK_EQ(s->srv_read_ms, 12);
	}
	end_all();
}

TEST(a_body_that_was_not_kept_is_not_sent_again)
{
	static char bytes[1 << 16];
	struct wire_out o;
	struct strm *s;

	world_open();
	client = world_client("web");
	world_send(client, "POST /again HTTP/1.1\r\nContent-Length: 6\r\n" H
	    "abc");
	server = world_origin();
	s = LIST_ITEM(strm_all.prev, struct strm, node);
	s->kept = NULL;                 /* as of a release without the field */
	s = over_there(LIST_ITEM(hand_items.next, struct hand_item, node), &o,
	    bytes, sizeof bytes);
	world_send(client, "def");
	CHECK(s != NULL && s->kept == NULL && s->in_body);
	end_all();
}

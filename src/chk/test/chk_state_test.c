/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way between up and down: by checks, by orders, over a reload; and real
 * checks of real sockets.
 */
#include <base/test.h>

#include "../chk_part.c"

#include "../../srv/test/srv_try.h"

#include <sys/socket.h>

#include <os/sock.h>

static struct be *
agent(const char *cfg, bool fresh)
{
	struct be *be = fresh ? try_world(cfg) : try_setup(cfg);

	n_all = 0;
	open_now = false;
	start_part(&try_loop);
	srv_each_be(take_over_be, NULL);
	return (be);
}

#define S(words) "backend b\n timeout connect 1s\n" \
	" server s1 127.0.0.1:1 check " words "\n"

static void
found(struct srv *srv, enum chk_status status)
{
	struct chk_verdict v = { .status = status };

	chk_found(chk_of(srv), &v);
	tmr_stop(&the_loop->wheel, &chk_of(srv)->tmr);
}

/* + good, - bad; after each: the text that "show stat" has. */
static void
walk(struct srv *srv, const char *checks, const char *texts)
{
	char seen[256] = "", one[CHK_STATUS_TEXT];

	for (; *checks != '\0'; checks++) {
		found(srv, *checks == '+' ? CHK_L4OK : CHK_L4CON);
		strcat(seen, chk_status_text(srv, one));
		strcat(seen, ",");
	}
	CHECK_STR(seen, texts);
}

TEST(rise_and_fall)
{
	struct be *be = agent(S("rise 2 fall 3"), true);

	CHECK(srv_usable(be->srv[0]));         /* believed up */
	walk(be->srv[0], "+--+---", "UP,UP 2/3,UP 1/3,UP,UP 2/3,UP 1/3,DOWN,");
	CHECK(!srv_usable(be->srv[0]));
	CHECK_EQ(atomic_load(&be->srv[0]->shm->chk_down), 1);
	CHECK_EQ(atomic_load(&be->shm->n_down), 1);
	walk(be->srv[0], "+-+++", "DOWN 1/2,DOWN,DOWN 1/2,UP,UP,");
	CHECK(srv_usable(be->srv[0]));
	be = agent(S("rise 2 fall 3"), true);
	walk(be->srv[0], "-", "DOWN,");            /* the first decides */
}

TEST(what_is_believed_at_first)
{
	struct be *be = agent(S("init-state down"), true);

	CHECK(!srv_usable(be->srv[0]));
	walk(be->srv[0], "+", "UP,");
	be = agent(S("init-state fully-down rise 2"), true);
	walk(be->srv[0], "++", "DOWN 1/2,UP,");
	be = agent(S("init-state fully-up fall 2"), true);
	walk(be->srv[0], "--", "UP 1/2,DOWN,");
}

TEST(a_reload_goes_on_where_it_was)
{
	struct be *be = agent(S("fall 3"), true);

	walk(be->srv[0], "+--", "UP,UP 2/3,UP 1/3,");
	be = agent(S("fall 3"), false);
	walk(be->srv[0], "-", "DOWN,");
	be = agent(S("fall 3"), false);
	CHECK(!srv_usable(be->srv[0]));
	be = agent("backend b\n server s1 127.0.0.1:1\n", false);
	CHECK(srv_usable(be->srv[0]));         /* no longer checked */
}

TEST(orders)
{
	struct be *be = agent(S(""), true);
	struct srv *s = be->srv[0];
	char t[CHK_STATUS_TEXT];

	walk(s, "+", "UP,");
	chk_set_admin(s, CHK_DRAIN);
	CHECK_STR(chk_status_text(s, t), "DRAIN");
	CHECK(srv_is_up(s) && !srv_usable(s));
	chk_set_admin(s, CHK_MAINT);
	CHECK_EQ(atomic_load(&s->shm->admin), SRV_FMAINT);
	CHECK_EQ(s->shm->chk_state, CHK_CONFIGURED | CHK_ENABLED | CHK_PAUSED);
	CHECK_STR(chk_status_text(s, t), "MAINT");
	chk_set_admin(s, CHK_DRAIN);
	CHECK_EQ(atomic_load(&s->shm->admin), SRV_FDRAIN);
	chk_set_admin(s, CHK_READY);
	CHECK_EQ(atomic_load(&s->shm->admin), 0);
	CHECK(srv_usable(s));
	chk_set_health(s, CHK_DOWN);
	CHECK_STR(chk_status_text(s, t), "DOWN");
	chk_set_health(s, CHK_STOPPING);
	CHECK_STR(chk_status_text(s, t), "NOLB");
	chk_set_health(s, CHK_UP);
	CHECK_STR(chk_status_text(s, t), "UP");
	CHECK(chk_enable(s, false));
	CHECK_STR(chk_status_text(s, t), "no check");
}

TEST(weights)
{
	struct be *be = agent("backend b\n server s1 127.0.0.1:1 weight 50\n",
	    true);

	CHECK(chk_set_weight(be->srv[0], SPAN("20%")) == NULL);
	CHECK_EQ(srv_weight(be->srv[0]), 10);
	CHECK(chk_set_weight(be->srv[0], SPAN("7")) == NULL);
	CHECK_EQ(srv_weight(be->srv[0]), 7);
	CHECK(chk_set_weight(be->srv[0], SPAN("1000%")) == NULL);
	CHECK_EQ(srv_weight(be->srv[0]), 256);
	CHECK(chk_set_weight(be->srv[0], SPAN("257")) != NULL);
	CHECK(chk_set_weight(be->srv[0], SPAN("x")) != NULL);
	CHECK(chk_set_weight(be->srv[0], SPAN("%")) != NULL);
	CHECK_EQ(srv_weight(be->srv[0]), 256);
}

TEST(a_slow_start_grows)
{
	struct be *be = agent(S("weight 100 maxconn 50 slowstart 10s"), true);
	struct srv *s = be->srv[0];

	CHECK_EQ(srv_weight(s), 100);           /* not at the first start */
	walk(s, "-", "DOWN,");
	walk(s, "++", "DOWN 1/2,UP,");
	CHECK_EQ(atomic_load(&s->shm->state), SRV_STARTING);
	CHECK_EQ(srv_weight(s), 1);
	CHECK_EQ(srv_max(s), 1);
	atomic_fetch_sub(&s->shm->slow_from_ms, 5000);
	CHECK(srv_weight(s) >= 50 && srv_weight(s) < 60);
	CHECK(srv_max(s) >= 25 && srv_max(s) < 30);
	CHECK(srv_slow_tick(s));
	atomic_fetch_sub(&s->shm->slow_from_ms, 5000);
	CHECK(!srv_slow_tick(s));
	CHECK_EQ(srv_weight(s), 100);
	CHECK_EQ(atomic_load(&s->shm->state), SRV_RUNNING);
}

/* ---- sockets ---- */

static int
listen_here(struct addr *at)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 ||
	    listen(fd, 8) != 0)
		perror("listen");
	sock_local(fd, at);
	return (fd);
}

static bool
wait_status(struct srv *srv, enum chk_status status)
{
	int64_t end = clock_mono_us() + 3000000;

	while (srv->shm->chk_status != status && clock_mono_us() < end)
		loop_turn(the_loop, 20);
	return (srv->shm->chk_status == status);
}

TEST(a_connection_is_enough_for_a_plain_check)
{
	static char cfg[256];
	struct addr at;
	struct be *be;
	int fd = listen_here(&at);

	snprintf(cfg, sizeof cfg, "backend b\n server s1 127.0.0.1:%u check "
	    "inter 20ms fall 1 rise 1\n", at.port);
	be = agent(cfg, true);
	gates(true);
	CHECK(wait_status(be->srv[0], CHK_L4OK));
	CHECK(srv_usable(be->srv[0]));
	close(fd);
	CHECK(wait_status(be->srv[0], CHK_L4CON));
	CHECK(!srv_usable(be->srv[0]));
	CHECK_STR(chk_info(be->srv[0]), "Connection refused");
	gates(false);
	CHECK_EQ(be->srv[0]->shm->chk_state & CHK_RUNNING, 0);
}

/* One check's connection; it may have given up before we came. */
static void
answer(int c, const char *text)
{
	int64_t end = clock_mono_us() + 50000;
	static char drop[4096];

	sock_set_nonblock(c, true);
	while (recv(c, drop, sizeof drop, 0) < 0 && clock_mono_us() < end)
		loop_turn(the_loop, 5);
	(void)send(c, text, strlen(text), MSG_NOSIGNAL);
	loop_turn(the_loop, 5);
	close(c);
}

/* Answer all checks so until one has this status. */
static bool
answer_until(int fd, const char *text, struct srv *srv, enum chk_status status)
{
	int64_t end = clock_mono_us() + 5000000;
	int c;

	sock_set_nonblock(fd, true);
	while (srv->shm->chk_status != status && clock_mono_us() < end) {
		if ((c = accept(fd, NULL, NULL)) >= 0)
			answer(c, text);
		loop_turn(the_loop, 10);
	}
	return (srv->shm->chk_status == status);
}

TEST(an_http_check_reads_the_answer)
{
	static char cfg[256];
	struct addr at;
	struct be *be;
	int fd = listen_here(&at);

	snprintf(cfg, sizeof cfg, "backend b\n option httpchk\n"
	    " timeout check 100ms\n server s1 127.0.0.1:%u check inter 60ms "
	    "fall 1 rise 1\n", at.port);
	be = agent(cfg, true);
	gates(true);
	CHECK(wait_status(be->srv[0], CHK_L7TOUT));
	CHECK(answer_until(fd, "HTTP/1.0 503 Sorry\r\n\r\n", be->srv[0],
	    CHK_L7STS));
	CHECK_STR(chk_info(be->srv[0]), "Sorry");
	CHECK_EQ(be->srv[0]->shm->chk_code, 503);
	CHECK(answer_until(fd, "HTTP/1.0 200 OK\r\n\r\n", be->srv[0], CHK_L7OK));
	CHECK(srv_usable(be->srv[0]));
	gates(false);
	close(fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may track whom, and what a follower is when a generation begins.
 */
#include <base/test.h>

#include "../chk_part.c"

#include "../../srv/test/srv_try.h"

static struct be *
agent(const char *cfg, bool fresh)
{
	struct be *be = fresh ? try_world(cfg) : try_setup(cfg);

	n_all = 0;
	open_now = false;
	start_part(&try_loop);
	srv_each_be(take_over_be, NULL);
	srv_each_be(follow_be, NULL);
	return (be);
}

#define CHAIN "backend b\n server s1 127.0.0.1:1 check\n" \
	" server s2 127.0.0.1:1 track s3\n server s3 127.0.0.1:1 track s1\n"
#define FREE "backend b\n server s1 127.0.0.1:1 check\n" \
	" server s2 127.0.0.1:1\n server s3 127.0.0.1:1\n"

static void
found(struct srv *srv, enum chk_status status)
{
	struct chk_verdict v = { .status = status };

	chk_found(chk_of(srv), &v);
}

TEST(a_chain_follows)
{
	struct be *be = agent(CHAIN, true);
	char t[CHK_STATUS_TEXT];

	CHECK(srv_usable(be->srv[1]));
	for (int i = 0; i < 3; i++)
		found(be->srv[0], CHK_L4CON);
	CHECK(!srv_is_up(be->srv[2]) && !srv_is_up(be->srv[1]));
	found(be->srv[0], CHK_L4OK);
	CHECK_STR(chk_status_text(be->srv[1], t), "DOWN 1/2");
	CHECK_STR(chk_tracked_name(be->srv[1], t), "b/s3");
	chk_set_admin(be->srv[2], CHK_MAINT);
	CHECK_STR(chk_status_text(be->srv[1], t), "MAINT (via b/s3)");
	CHECK(!chk_set_health(be->srv[1], CHK_UP));
	found(be->srv[0], CHK_L4OK);
	CHECK(srv_is_up(be->srv[0]) && !srv_is_up(be->srv[1]));
	chk_set_admin(be->srv[2], CHK_READY);
	CHECK(srv_is_up(be->srv[1]));
}

TEST(a_reload_gives_followers_their_state)
{
	struct be *be = agent(FREE, true);

	for (int i = 0; i < 3; i++)
		found(be->srv[0], CHK_L4CON);
	chk_set_admin(be->srv[2], CHK_DRAIN);
	be = agent(CHAIN, false);
	CHECK(!srv_is_up(be->srv[1]));
	CHECK_EQ(atomic_load(&be->srv[1]->shm->admin), SRV_IDRAIN);
	be = agent(CHAIN, false);
	CHECK_EQ(atomic_load(&be->srv[1]->shm->admin), SRV_IDRAIN);
	be = agent(FREE, false);
	CHECK(srv_usable(be->srv[1]));
	CHECK_EQ(atomic_load(&be->srv[1]->shm->admin), 0);
	CHECK(srv_is_up(be->srv[2]));
}

static const char *const bad[] = {
	" server s1 127.0.0.1:1 track s1\n",
	" server s1 127.0.0.1:1 track s2\n server s2 127.0.0.1:1 track s3\n"
	" server s3 127.0.0.1:1 track s2\n",
	" server s1 127.0.0.1:1 track s2\n server s2 127.0.0.1:1\n",
	" server s1 127.0.0.1:1 track s2\n",
	" server s1 127.0.0.1:1 track c/s2\n",
	" server s1 127.0.0.1:1 track\n",
	" server s1 127.0.0.1:1 check track s2\n"
	" server s2 127.0.0.1:1 check\n",
	" server s1 127.0.0.1:1 track d/s2\nbackend d\n option httpchk\n"
	" http-check disable-on-404\n server s2 127.0.0.1:1 check\n",
	" server s1 127.0.0.1:1 agent-check\n",
	" server s1 127.0.0.1:1 agent-check agent-port 0\n",
	" server s1 127.0.0.1:1 agent-check agent-port 1 agent-inter 0\n",
};

TEST(bad_lines_are_refused)
{
	char cfg[512];

	for (size_t i = 0; i < NELEM(bad); i++) {
		snprintf(cfg, sizeof cfg, "backend b\n%s", bad[i]);
		if (try_parse(cfg) || try_error[0] == '\0')
			printf("    row %zu\n", i);
		CHECK(try_error[0] != '\0');
	}
}

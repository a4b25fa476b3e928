/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the columns say about frontends, servers and backends in each state;
 * counters are the sums of all processes.
 */
#include <base/test.h>

#include "../stat_px.c"

#include "../../srv/test/srv_try.h"

#define S(n, words) " server s" #n " 127.0.0.1:" #n " " words "\n"

static struct stat_row row;

static const char *
text_of(enum stat_px_col col)
{
	return (row.v[col].set ? row.v[col].z : NULL);
}

static int64_t
number_of(enum stat_px_col col)
{
	return (row.v[col].set ? row.v[col].n : INT64_MIN);
}

static struct be *
world(const char *cfg)
{
	struct be *be = try_world(cfg);

	CHECK(be != NULL);
	return (be);
}

TEST(new_server_has_done_nothing)
{
	struct be *be = world("backend b\n" S(1, "weight 7 maxconn 3"));

	stat_srv(be->srv[0], &row);
	CHECK_EQ(row.kind, 'S');
	CHECK_STR(text_of(COL_pxname), "b");
	CHECK_STR(text_of(COL_svname), "s1");
	CHECK_STR(text_of(COL_status), "no check");
	CHECK_STR(text_of(COL_addr), "127.0.0.1:1");
	CHECK_EQ(number_of(COL_weight), 7);
	CHECK_EQ(number_of(COL_slim), 3);
	CHECK_EQ(number_of(COL_stot), 0);
	CHECK_EQ(number_of(COL_lastsess), -1);
	CHECK(!row.v[COL_check_status].set && !row.v[COL_chkdown].set);
	CHECK(!row.v[COL_qlimit].set && !row.v[COL_throttle].set);
}

TEST(limits_that_are_not_there_are_empty)
{
	struct be *be = world("backend b\n" S(1, "") S(2, "maxqueue 4"));

	stat_srv(be->srv[0], &row);
	CHECK(!row.v[COL_slim].set && !row.v[COL_qlimit].set);
	stat_srv(be->srv[1], &row);
	CHECK_EQ(number_of(COL_qlimit), 4);
}

TEST(server_states)
{
	struct be *be = world("backend b\n" S(1, "") S(2, "disabled")
	    S(3, "backup") S(4, ""));

	stat_srv(be->srv[1], &row);
	CHECK_STR(text_of(COL_status), "MAINT");
	stat_srv(be->srv[2], &row);
	CHECK_EQ(number_of(COL_act), 0);
	CHECK_EQ(number_of(COL_bck), 1);
	atomic_store(&be->srv[3]->shm->admin, SRV_FDRAIN);
	stat_srv(be->srv[3], &row);
	CHECK_STR(text_of(COL_status), "DRAIN");
}

TEST(backend_adds_the_weights_in_use)
{
	static const struct stat_opts plain, up = { .up = true };
	struct be *be = world("backend b\n" S(1, "weight 5") S(2, "weight 9")
	    S(3, "weight 40 backup"));

	stat_be(be, &plain, &row);
	CHECK_EQ(number_of(COL_weight), 14);
	CHECK_STR(text_of(COL_status), "UP");
	atomic_store(&be->srv[1]->shm->admin, SRV_FMAINT);
	be_refresh(be);
	stat_be(be, &plain, &row);
	CHECK_EQ(number_of(COL_weight), 5);
	CHECK_EQ(number_of(COL_act), 1);
	CHECK_EQ(number_of(COL_bck), 1);
	stat_be(be, &up, &row);
	CHECK_STR(text_of(COL_status), "UP (2/3)");
	atomic_store(&be->srv[0]->shm->admin, SRV_FMAINT);
	be_refresh(be);
	stat_be(be, &plain, &row);      /* the backup serves */
	CHECK_EQ(number_of(COL_weight), 40);
	atomic_store(&be->srv[2]->shm->admin, SRV_FMAINT);
	be_refresh(be);
	stat_be(be, &plain, &row);
	CHECK_EQ(number_of(COL_weight), 0);
	CHECK_STR(text_of(COL_status), "DOWN");
}

TEST(counters_are_those_of_all_processes)
{
	struct be *be = world("backend b\n" S(1, ""));

	CNT_SRV(be->srv[0]->cnt)->sess_tot = 5;
	CNT_SRV(be->srv[0]->cnt)->ctime_sum = 90;
	CNT_SRV(be->srv[0]->cnt)->time_n = 9;
	CHECK(cnt_bank_open(1));
	CNT_SRV(be->srv[0]->cnt)->sess_tot = 2;
	stat_srv(be->srv[0], &row);
	CHECK_EQ(number_of(COL_stot), 7);
	CHECK_EQ(number_of(COL_ctime), 10);
}

TEST(default_fullconn_is_a_tenth_of_the_inflow)
{
	static const struct stat_opts plain;
	struct be *be = world("frontend f\n bind 127.0.0.1:8000\n maxconn 91\n"
	    " default_backend b\n"
	    "frontend g\n bind 127.0.0.1:8001\n maxconn 500\n"
	    "backend b\n" S(1, ""));

	stat_be(be, &plain, &row);
	CHECK_EQ(number_of(COL_slim), 10);
}

TEST(frontend_states)
{
	const struct px *px;

	(void)world("frontend f\n bind 127.0.0.1:8000\n maxconn 2\n"
	    "backend b\n" S(1, ""));
	px = px_model->all;
	stat_fe(px, &row);
	CHECK_STR(text_of(COL_svname), "FRONTEND");
	CHECK_STR(text_of(COL_status), "OPEN");
	CHECK_EQ(number_of(COL_slim), 2);
	CHECK(fe_enter(fe_of(px)) && fe_enter(fe_of(px)));
	fe_entered(fe_of(px));
	fe_entered(fe_of(px));
	stat_fe(px, &row);
	CHECK_STR(text_of(COL_status), "FULL");
	CHECK_EQ(number_of(COL_scur), 2);
	CHECK_EQ(number_of(COL_smax), 2);
	fe_of(px)->run = FE_DISABLED;
	stat_fe(px, &row);
	CHECK_STR(text_of(COL_status), "STOP");
}

TEST(places_on_trial_are_no_peak)
{
	const struct px *px;
	struct fe *fe;

	(void)world("frontend f\n bind 127.0.0.1:8000\n" "backend b\n"
	    S(1, ""));
	px = px_model->all;
	fe = fe_of(px);
	CHECK(fe_enter(fe) && fe_enter(fe));    /* two wake for one */
	fe_entered(fe);
	fe_withdraw(fe);
	stat_fe(px, &row);
	CHECK_EQ(number_of(COL_scur), 1);
	CHECK_EQ(number_of(COL_smax), 1);
}

TEST(who_has_room_counts_what_came)
{
	const struct px *px;
	struct fe *fe;

	(void)world("frontend f\n bind 127.0.0.1:8000\n maxconn 10\n"
	    "backend b\n" S(1, ""));
	px = px_model->all;
	fe = fe_of(px);
	CHECK(fe_has_room(fe, 9) && !fe_has_room(fe, 10));
	stat_fe(px, &row);
	CHECK_EQ(number_of(COL_scur), 0);
	fe_came(fe);
	stat_fe(px, &row);
	CHECK_EQ(number_of(COL_scur), 1);
	CHECK_EQ(number_of(COL_smax), 1);
	CHECK(fe_has_room(fe, 8) && !fe_has_room(fe, 9));
	fe_conn_limit = 3;
	CHECK(fe_has_room(fe, 1) && !fe_has_room(fe, 2));
	fe_conn_limit = 0;
}

TEST(addresses_have_brackets_where_needed)
{
	struct addr_spec a;
	const char *err;
	char dst[ADDR_TEXT + 8];

	CHECK(addr_parse(SPAN("[2001:db8::1]:80"), &a, &err));
	CHECK_STR(address(&a.addr, dst, sizeof dst), "[2001:db8::1]:80");
	CHECK(addr_parse(SPAN("/tmp/s"), &a, &err));
	CHECK_STR(address(&a.addr, dst, sizeof dst), "unix");
}

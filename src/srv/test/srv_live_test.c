/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that come and go: places, numbers, names, and records that are old,
 * doubled or damaged.
 */
#include <base/test.h>

#include "../srv_live.c"

#include "srv_try.h"

/* The room above has the real algorithms. This one notes how many it has room
 * for. */
static size_t
room_for(uint32_t n)
{
	return (n * sizeof(uint32_t));
}

static struct srv *
nobody(struct be *be, struct txn *txn, struct srv *avoid)
{
	(void)be;
	(void)txn;
	(void)avoid;
	return (NULL);
}

static const struct lb_algo roundrobin = { .name = "roundrobin",
	.pick = nobody, .state_bytes = room_for };
static const struct lb_algo *const row
    __attribute__((section("kw_balance"), used)) = &roundrobin;

#define B "backend b\n server s1 127.0.0.1:1\n server s2 127.0.0.1:2\n"

static struct text last;        /* what the keeper answered */

static bool
order(const struct text *o)
{
	text_clear(&last);
	return (srv_live_obey(span_of(o->p, o->n), &last));
}

static bool
add(struct be *be, const char *name, const char *words)
{
	struct span word[8], rest = span_str(words);
	struct text o;
	bool done;
	int n = 0;

	while (*words != '\0' && n < 8 && span_cut(&rest, ' ', &word[n]))
		n++;
	text_init(&o);
	srv_live_order_add(&o, be->px, span_str(name), word, n);
	done = order(&o);
	text_fini(&o);
	return (done);
}

static bool
del(struct srv *srv)
{
	struct text o;
	bool done;

	text_init(&o);
	srv_live_order_del(&o, srv);
	done = order(&o);
	text_fini(&o);
	return (done);
}

static struct srv *
named(struct be *be, const char *name)
{
	return (srv_of(px_server_find(be->px, span_str(name))));
}

TEST(a_new_one_has_the_next_place_and_number)
{
	struct be *be = try_world(B);
	struct srv *srv;

	CHECK(add(be, "n", "127.0.0.1:3 weight 7 maxconn 9"));
	srv = named(be, "n");
	CHECK_EQ(srv->no, 2);
	CHECK_EQ(srv->cfg->id, 3);
	CHECK_EQ(srv->cfg->maxconn, 9);
	CHECK_EQ(be->n, 3);
	CHECK_EQ(be_count(be), 3);
	CHECK_EQ(atomic_load(&srv->shm->admin), SRV_FMAINT);
	CHECK_EQ(atomic_load(&srv->shm->uweight), 7);
	CHECK(!srv_is_up(srv));
	CHECK(add(be, "up", "127.0.0.1:3 enabled"));
	CHECK(srv_is_up(named(be, "up")));
	CHECK(add(be, "off", "127.0.0.1:3 disabled"));
	CHECK_EQ(atomic_load(&named(be, "off")->shm->admin),
	    SRV_FMAINT | SRV_CMAINT);
}

TEST(the_state_of_the_algorithm_grows_along)
{
	struct be *be = try_world(B);
	char name[16];

	CHECK_EQ(be->lb_room, 2);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "n%d", i);
		CHECK(add(be, name, "127.0.0.1:3"));
		CHECK(be->lb_room >= be->n);
		((uint32_t *)be->lb_shm)[be->n - 1] = 1;
	}
	CHECK(be->lb_room < 100);
}

TEST(a_place_that_was_left_is_taken_again)
{
	struct be *be = try_world(B);
	struct srv *was = named(be, "s1");

	CHECK(del(was));
	CHECK(px_server_find(be->px, SPAN("s1")) == NULL);
	CHECK(be->srv[0]->gone && !srv_is_up(be->srv[0]));
	CHECK_EQ(be->srv[0]->cfg->rt, px_rt_nobody());
	CHECK_EQ(be_count(be), 1);
	be_refresh(be);
	CHECK_EQ(be_usable_count(be), 1);
	CHECK(add(be, "n", "127.0.0.1:3"));
	CHECK_EQ(named(be, "n")->no, 0);
	CHECK_EQ(named(be, "n")->cfg->id, 1);
	CHECK_EQ(be->n, 2);
	/* Whoever still has the old one reads what it was. */
	CHECK_STR(was->cfg->name, "s1");
}

TEST(a_name_that_comes_again_begins_afresh)
{
	struct be *be = try_world(B);
	struct srv *srv;

	CHECK(add(be, "n", "127.0.0.1:3 weight 5"));
	srv = named(be, "n");
	atomic_store(&srv->shm->uweight, 99);
	atomic_store(&srv->shm->admin, SRV_FDRAIN | SRV_FMAINT);
	srv->shm->chk_failed = 3;
	CHECK(del(srv));
	CHECK(add(be, "n", "127.0.0.1:4"));
	CHECK(named(be, "n") != srv && named(be, "n")->shm == srv->shm);
	CHECK_EQ(atomic_load(&srv->shm->uweight), 1);
	CHECK_EQ(atomic_load(&srv->shm->admin), SRV_FMAINT);
	CHECK_EQ(atomic_load(&srv->shm->chk_failed), 0);
	CHECK_EQ(named(be, "n")->cfg->addr.port, 4);
}

TEST(what_is_wrong_is_said)
{
	static const struct { const char *words, *says; } rows[] = {
		{ "127.0.0.1:3 socks4 127.0.0.1:1", "'socks4' option is not "
		    "accepted for dynamic server" },
		{ "127.0.0.1:3 id 2", "'id' : custom id 2 already used at "
		    "t.cfg:3 ('server s2')" },
		{ "127.0.0.1:3 weight 257", "weight is not within 0 and 256 "
		    "(257)" },
		{ "", "'server' expects <name> and <addr>[:<port>] as "
		    "arguments" },
	};
	struct be *be = try_world(B);

	for (size_t i = 0; i < NELEM(rows); i++) {
		CHECK(!add(be, "n", rows[i].words));
		CHECK(last.n > 0 && strstr(last.p, rows[i].says) != NULL);
		if (last.n == 0 || strstr(last.p, rows[i].says) == NULL)
			printf("row %zu: %s\n", i, last.p);
	}
	CHECK_EQ(be->n, 2);
}

TEST(records_may_come_twice_and_broken)
{
	struct be *be = try_world(B), *out;
	struct srv *srv, *who;
	struct text first;
	struct record r;

	CHECK(add(be, "n", "127.0.0.1:3"));
	srv = named(be, "n");
	text_init(&first);
	text_add(&first, span_of(last.p, last.n));
	CHECK(srv_live_apply(span_of(first.p, first.n), &out, &who));
	CHECK(out == be && who == srv && named(be, "n") == srv);
	CHECK(del(srv));
	/* The older one does not bring it back. */
	CHECK(srv_live_apply(span_of(first.p, first.n), &out, &who));
	CHECK(who == NULL && named(be, "n") == NULL);

	for (size_t n = 0; n < sizeof r; n++)
		CHECK(!srv_live_apply(span_of(first.p, n), &out, &who));
	memcpy(&r, first.p, sizeof r);
	r.rt = UINT32_MAX;
	CHECK(!srv_live_apply(span_of((const char *)&r, sizeof r), &out,
	    &who));
	text_fini(&first);
}

TEST(another_process_does_the_same)
{
	struct be *be = try_world(B), *out;
	struct text record;
	struct srv *srv;

	CHECK(add(be, "n", "127.0.0.1:3 maxconn 4"));
	text_init(&record);
	text_add(&record, span_of(last.p, last.n));
	/* As a process is that has not heard of it. */
	detach(named(be, "n"));
	kept[px_model->n_servers].serial = 0;
	CHECK(srv_live_apply(span_of(record.p, record.n), &out, &srv));
	CHECK(srv != NULL && named(be, "n") == srv && be->srv[2] == srv);
	CHECK_EQ(srv->cfg->maxconn, 4);
	CHECK_EQ(srv->cfg->id, 3);
	text_fini(&record);
}

TEST(names_are_found_after_many_came_and_went)
{
	struct be *be = try_world(B);
	char name[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "n%d", i % 50);
		if (named(be, name) != NULL)
			CHECK(del(named(be, name)));
		CHECK(add(be, name, "127.0.0.1:3"));
	}
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "n%d", i);
		CHECK(named(be, name) != NULL);
	}
	CHECK(named(be, "s1") != NULL && named(be, "s2") != NULL);
	CHECK_EQ(be_count(be), 52);
	CHECK_EQ(be->n, 52);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of several processes, of dead ones, of the next generation.
 */
#include <base/test.h>

#include "../cnt.c"
#include "../cnt_copy.c"

static void
set_up(void)
{
	const char *err;
	static int state = -1, ledger = -1;

	shm_detach(the_shm);
	state = shm_create("test");
	ledger = cnt_create();
	the_shm = shm_attach(state, &err);
	shm_begin(the_shm, 1);
	CHECK(the_shm != NULL && cnt_attach(ledger));
}

static uint64_t
sum_req(uint32_t off)
{
	struct cnt_fe fe;

	cnt_sum(off, (uint64_t *)&fe, sizeof fe / 8);
	return (fe.req_tot);
}

TEST(an_object_keeps_its_place)
{
	uint32_t a, b;

	set_up();
	a = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	b = cnt_object(CNT_KIND_BE, SPAN("be/www"));
	CHECK(a >= sizeof(struct cnt_proc));
	CHECK(b >= a + sizeof(struct cnt_fe));
	CHECK_EQ(cnt_object(CNT_KIND_FE, SPAN("fe/www")), a);
	CHECK(cnt_place_process());
	CHECK_EQ(cnt_proc_at, 0);
}

TEST(banks_add_up_and_survive_their_process)
{
	uint32_t off;

	set_up();
	off = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	for (int p = 0; p < 3; p++) {
		cnt_bank_open(p);
		CNT_FE(off)->req_tot += 10u + (unsigned)p;
	}
	CHECK_EQ(sum_req(off), 33);
	cnt_bank_fold(1);
	CHECK_EQ(sum_req(off), 33);
	cnt_bank_open(1);
	CHECK_EQ(CNT_FE(off)->req_tot, 0);
	CNT_FE(off)->req_tot++;
	CHECK_EQ(sum_req(off), 34);
}

TEST(a_fold_that_died_half_way_is_finished)
{
	uint32_t off;

	set_up();
	off = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	cnt_bank_open(4);
	CNT_FE(off)->req_tot = 7;
	/* The base word is stored, the bank's is not cleared yet. */
	head->fold_bank = 4;
	head->fold_word = (uint32_t)((off + offsetof(struct cnt_fe,
	    req_tot)) / 8);
	head->fold_value = 7;
	atomic_store(&head->fold_on, 1);
	atomic_store(&head->seq, 1);
	bank_at(BANK_BASE)[head->fold_word] = 7;
	cnt_bank_fold(5);
	CHECK_EQ(sum_req(off), 7);
	cnt_bank_fold(4);
	CHECK_EQ(sum_req(off), 7);
}

TEST(clear_counters_starts_from_zero)
{
	uint32_t off;

	set_up();
	off = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	cnt_bank_open(0);
	CNT_FE(off)->req_tot = 5;
	cnt_clear(false);
	CHECK_EQ(sum_req(off), 5);
	cnt_clear(true);
	CHECK_EQ(sum_req(off), 0);
	CNT_FE(off)->req_tot++;
	CHECK_EQ(sum_req(off), 1);
	cnt_bank_fold(0);
	CHECK_EQ(sum_req(off), 1);
}

TEST(a_place_is_given_again_when_no_generation_has_it)
{
	uint32_t off;

	set_up();
	off = cnt_object(CNT_KIND_FE, SPAN("fe/old"));
	cnt_bank_open(0);
	CNT_FE(off)->req_tot = 5;
	shm_begin(the_shm, 2);
	CHECK_EQ(shm_sweep(the_shm, 2), 1);
	CHECK_EQ(cnt_object(CNT_KIND_FE, SPAN("fe/new")), off);
	CHECK_EQ(sum_req(off), 0);
}

/* As an older release left it: a struct with fewer fields. */
static struct cnt_slot *
shrink(const char *key, uint32_t bytes)
{
	struct cnt_slot *slot = shm_peek(the_shm, span_str(key), SHM_CNT_DIR,
	    NULL);

	slot->bytes = bytes;
	return (slot);
}

TEST(an_object_that_grew_goes_on_counting)
{
	uint32_t was, is, req = offsetof(struct cnt_fe, req_tot) / 8;
	char *old;

	set_up();
	was = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	cnt_bank_open(0);
	CNT_FE(was)->req_tot = 5;
	cnt_bank_fold(0);
	cnt_bank_open(1);               /* of the older release, still there */
	CNT_FE(was)->req_tot = 10;
	old = cnt_bank;
	(void)shrink("cnt/fe/www", (req + 1) * 8);

	shm_begin(the_shm, 2);
	is = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	CHECK(is != was);
	CHECK_EQ(sum_req(is), 15);
	cnt_bank_open(2);
	CNT_FE(is)->req_tot = 100;
	CHECK_EQ(sum_req(is), 115);
	((struct cnt_fe *)(void *)(old + was))->req_tot++;
	CHECK_EQ(sum_req(is), 116);
	cnt_bank_fold(1);
	CHECK_EQ(sum_req(is), 116);
	cnt_clear(true);
	CHECK_EQ(sum_req(is), 0);
	CNT_FE(is)->req_tot++;
	CHECK_EQ(sum_req(is), 1);

	/* The next generation of that release, and back to the older one. */
	n_moves = 0;
	CHECK_EQ(cnt_object(CNT_KIND_FE, SPAN("fe/www")), is);
	CHECK_EQ(sum_req(is), 1);

	/* It grows again: what is two releases old is folded into the last. */
	(void)shrink("cnt/fe/www", (req + 2) * 8);
	n_moves = 0;
	was = is;
	is = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	CHECK(is != was);
	CHECK_EQ(sum_req(is), 1);
	CNT_FE(was)->req_tot++;
	CHECK_EQ(sum_req(is), 2);
}

TEST(process_counters_of_the_first_release_go_on)
{
	struct cnt_proc now;

	set_up();
	head->proc_room = 0;            /* as it was then */
	atomic_store(&head->used, PROC_ROOM_1);
	cnt_bank_open(0);
	CNT_PROC()->conn_tot = 3;
	CHECK(cnt_place_process());
	CHECK(cnt_proc_at >= PROC_ROOM_1);
	cnt_bank_open(1);
	CNT_PROC()->conn_tot = 4;
	CNT_PROC()->handover_given = 9;
	cnt_sum(cnt_proc_at, (uint64_t *)&now, sizeof now / 8);
	CHECK_EQ(now.conn_tot, 7);
	CHECK_EQ(now.handover_given, 9);
}

TEST(a_stranger_is_not_mapped)
{
	int fd = fd_memfd("stranger");

	CHECK(ftruncate(fd, (off_t)FILE_BYTES) == 0);
	CHECK(!cnt_attach(fd));
	fd_close(&fd);
}

TEST(another_ledger_is_followed)
{
	struct cnt_copy *c;
	struct shm *from;
	uint32_t off, there;
	char *bank_there;
	int fd;

	set_up();               /* the other one */
	there = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	(void)cnt_object(CNT_KIND_FE, SPAN("fe/only-there"));
	cnt_bank_open(3);
	CNT_FE(there)->req_tot = 40;
	CNT_PROC()->conn_tot = 7;
	cnt_bank_fold(3);
	cnt_bank_open(4);
	CNT_FE(there)->req_tot = 2;
	bank_there = cnt_bank;
	from = the_shm;
	fd = cnt_fd();
	the_shm = NULL;
	set_up();               /* ours */
	(void)cnt_object(CNT_KIND_FE, SPAN("fe/only-here"));
	off = cnt_object(CNT_KIND_FE, SPAN("fe/www"));
	CHECK(off != there);
	cnt_bank_open(3);
	CNT_FE(off)->req_tot = 100;
	CHECK((c = cnt_copy_open(fd)) != NULL);
	CHECK(cnt_copy_open(shm_fd(the_shm)) == NULL);
	cnt_copy_find(c, from);
	cnt_copy_step(c);
	CHECK_EQ(sum_req(off), 142);
	cnt_copy_step(c);
	CHECK_EQ(sum_req(off), 142);
	((struct cnt_fe *)(void *)(bank_there + there))->req_tot = 5;
	cnt_copy_step(c);
	CHECK_EQ(sum_req(off), 145);
	cnt_copy_close(c);
	CHECK_EQ(sum_req(off), 145);
	shm_detach(from);
}

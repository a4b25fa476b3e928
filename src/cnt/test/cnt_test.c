/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of several processes, of dead ones, of the next generation.
 */
#include <base/test.h>

#include "../cnt.c"

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
	CHECK_EQ(cnt_object(CNT_KIND_PROC, SPAN("proc")), 0);
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

TEST(a_stranger_is_not_mapped)
{
	int fd = fd_memfd("stranger");

	CHECK(ftruncate(fd, (off_t)FILE_BYTES) == 0);
	CHECK(!cnt_attach(fd));
	fd_close(&fd);
}

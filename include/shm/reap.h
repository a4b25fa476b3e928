/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_REAP_H
#define SHM_REAP_H
/*
 * reap - give back what a dead process held in shared memory.
 *
 * A room with slots per process (maxconn in use, places in a queue) adds a
 * row; the keeper calls it with the dead one's number (shm_proc_no) after it
 * was waited for and before the number is used again:
 *
 *	static void give_back(int proc_no) { … }
 *	KEEPER_REAP(srv_slots, give_back);
 */
struct keeper_reap {
	void (*worker_dead)(int proc_no);
};

#define KEEPER_REAP(ident, fn)                                               \
	static const struct keeper_reap keeper_reap_##ident = { (fn) };      \
	static const struct keeper_reap *const keeper_reapp_##ident          \
	    __attribute__((section("keeper_reaps"), used))                   \
	    = &keeper_reap_##ident

/* shm_reap - call every row for process number `proc_no`. */
void shm_reap(int proc_no);
#endif

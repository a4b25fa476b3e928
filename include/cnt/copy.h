/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CNT_COPY_H
#define CNT_COPY_H
/*
 * copy - counters of another ledger, by name, into this one; it is read only,
 * and its processes may go on.
 */
struct cnt_copy;
struct shm;

/* cnt_copy_open - map the ledger behind `fd`; NULL when it is none. */
struct cnt_copy *cnt_copy_open(int fd);
void cnt_copy_close(struct cnt_copy *);

/* cnt_copy_find - which objects are here as well; `from`: the segment that
 * belongs to the other ledger. Once. */
void cnt_copy_find(struct cnt_copy *, struct shm *from);

/* cnt_copy_step - add what they counted since the last step. */
void cnt_copy_step(struct cnt_copy *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAND_HAND_INT_H
#define HAND_HAND_INT_H
/*
 * Between giving and taking: the list of connections, and how a frame is
 * made.
 *
 * OFFERS is a record of HAND_ENTRY fields, one per connection; its descriptors
 * follow each other in the frame in the same order. ANSWERS says which were
 * taken and which not. Numbers are never reused.
 */
#include <hand/hand.h>

#define HAND_VERSION 1                  /* flags of OFFERS and ANSWERS */

enum hand_tag {
	HAND_ENTRY = 1                  /* OFFERS: one connection */
};
enum hand_entry_tag {
	HAND_E_ID = 1, HAND_E_KIND = 2, HAND_E_LAYOUT = 3, HAND_E_FDS = 4,
	HAND_E_RECORD = 5,
	HAND_E_LONG = 6                 /* instead of RECORD: its length; the
	                                 * first descriptor is a memfd with it */
};
enum hand_answer_tag {
	HAND_A_TAKEN = 1,               /* u32 ids, little-endian */
	HAND_A_REFUSED = 2              /* HAND_R_ID, HAND_R_WHY; many */
};
enum hand_refused_tag { HAND_R_ID = 1, HAND_R_WHY = 2 };

#define HAND_BATCH 32                   /* connections in a frame, at most */
#define HAND_LONG_MAX (4u << 20)        /* bytes of a record in a memfd */

extern uint32_t hand_took_n;
extern uint32_t hand_closed_n;

/* hand_asked - items that go first, in the order of asking, and are not in
 * hand_items. hand_lists - the two. */
extern struct list hand_asked;
extern struct list *const hand_lists[2];

/* hand_refusal - number of a reason to refuse, which may be new. */
uint8_t hand_refusal(struct span why);
const char *hand_refusal_text(uint8_t);

/* hand_count_carried - one more of that sort went over. */
void hand_count_carried(const char *what);
#endif

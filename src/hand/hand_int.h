/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAND_HAND_INT_H
#define HAND_HAND_INT_H
/*
 * Between giving and taking.
 */
#include <hand/hand.h>

extern struct list hand_items;          /* struct hand_item */
extern uint32_t hand_items_n;
extern uint32_t hand_took_n;

/* hand_kind_find - a kind by its name, or NULL. */
const struct hand_kind *hand_kind_find(struct span name);
#endif

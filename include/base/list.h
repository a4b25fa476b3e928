/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIST_H
#define BASE_LIST_H
/*
 * list - intrusive doubly linked ring; the head is a node of its own.
 */
#include <stdbool.h>
#include <stddef.h>

#include <base/must.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(head) { &(head), &(head) }
#define LIST_ITEM(node, type, field) HOLDER(node, type, field)

/* Walk `head`; `it` may be removed (not freed successors) during the walk. */
#define LIST_EACH(it, head)                                                  \
	for (struct list *it = (head)->next, *it##_next = it->next;          \
	    it != (head); it = it##_next, it##_next = it->next)

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return (l->next == l);
}

static inline void
list_add_after(struct list *at, struct list *node)
{
	node->prev = at;
	node->next = at->next;
	at->next->prev = node;
	at->next = node;
}

static inline void
list_push_front(struct list *head, struct list *node)
{
	list_add_after(head, node);
}

static inline void
list_push_back(struct list *head, struct list *node)
{
	list_add_after(head->prev, node);
}

/* list_del - out of its ring; left pointing at itself, so twice is harmless. */
static inline void
list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* list_linked - true while in a ring with others. */
static inline bool
list_linked(const struct list *node)
{
	return (node->next != NULL && node->next != node);
}

static inline struct list *
list_first(struct list *head)
{
	return (list_empty(head) ? NULL : head->next);
}

static inline struct list *
list_pop_front(struct list *head)
{
	struct list *n = list_first(head);

	if (n != NULL)
		list_del(n);
	return (n);
}

/* list_splice - move all of `from` behind the last of `to`. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}
#endif

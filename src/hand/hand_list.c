/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_list - the connections of this worker that may go, and what is said of
 * them.
 */
#include <string.h>

#include <base/must.h>

#include "hand_int.h"

extern const struct hand_kind *const __start_hand_kinds[]
    __attribute__((weak));
extern const struct hand_kind *const __stop_hand_kinds[]
    __attribute__((weak));

#define REFUSALS 32             /* different reasons that are told apart */
#define WHY_MAX  96             /* bytes of a reason, with its NUL */

struct list hand_items = LIST_INIT(hand_items);
struct list hand_asked = LIST_INIT(hand_asked);
struct list *const hand_lists[2] = { &hand_asked, &hand_items };
uint32_t hand_items_n;
uint32_t hand_closed_n;

static char refusals[REFUSALS][WHY_MAX] = { "", "another reason" };
static unsigned n_refusals = 2; /* the first two are the ones above */
static struct hand_row went[HAND_ROWS_MAX / 2];
static size_t n_went;

/* ---- kinds ---- */

const struct hand_kind *const *
hand_kind_find(struct span name)
{
	for (const struct hand_kind *const *k = __start_hand_kinds;
	    k < __stop_hand_kinds; k++)
		if (span_is(name, (*k)->name))
			return (k);
	return (NULL);
}

const struct hand_kind *
hand_kind_of(const struct hand_item *i)
{
	return (__start_hand_kinds[i->kind]);
}

/* ---- the list ---- */

void
hand_enter(struct hand_item *i, const struct hand_kind *const *kind)
{
	ptrdiff_t no = kind - __start_hand_kinds;

	MUST(no >= 0 && no <= UINT8_MAX);
	i->kind = (uint8_t)no;
	i->id = 0;
	i->refused = 0;
	i->task = 0;
	i->deaths = 0;
	i->first = i->stays = false;
	list_push_back(&hand_items, &i->node);
	hand_items_n++;
}

void
hand_leave(struct hand_item *i)
{
	MUST(i->id == 0);
	if (!list_linked(&i->node))
		return;
	list_del(&i->node);
	hand_items_n--;
}

/* ---- reasons ---- */

uint8_t
hand_refusal(struct span why)
{
	if (why.n >= WHY_MAX)
		why.n = WHY_MAX - 1;
	if (why.n == 0)
		return (1);
	for (unsigned i = 1; i < n_refusals; i++)
		if (span_is(why, refusals[i]))
			return ((uint8_t)i);
	if (n_refusals == REFUSALS)
		return (1);
	memcpy(refusals[n_refusals], why.p, why.n);
	return ((uint8_t)n_refusals++);
}

const char *
hand_refusal_text(uint8_t no)
{
	return (no < n_refusals ? refusals[no] : refusals[1]);
}

/* ---- reports ---- */

/* The row for that kind and reason, or NULL when there is no room for more. */
static struct hand_row *
row_for(struct hand_row *rows, size_t *n, size_t max, const char *kind,
    const char *why)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(rows[i].kind, kind) == 0 &&
		    (rows[i].why == why || (why != NULL &&
		    rows[i].why != NULL && strcmp(rows[i].why, why) == 0)))
			return (&rows[i]);
	if (*n == max)
		return (NULL);
	rows[*n] = (struct hand_row){ .kind = kind, .why = why };
	return (&rows[(*n)++]);
}

void
hand_count_carried(const char *what)
{
	struct hand_row *r = row_for(went, &n_went, NELEM(went), what, NULL);

	if (r != NULL)
		r->carried++;
}

/* Why it has not gone; `ready` when nothing speaks against it. */
static const char *
why_here(struct hand_item *i, const char *ready)
{
	const char *why = NULL;

	if (i->refused != 0)
		return (hand_refusal_text(i->refused));
	(void)hand_kind_of(i)->can(i, &why);
	return (why != NULL ? why : ready);
}

void
hand_closed(struct hand_item *i)
{
	const char *what = hand_kind_of(i)->what(i);
	struct hand_row *r;

	if (what == NULL)
		return;
	hand_closed_n++;
	r = row_for(went, &n_went, NELEM(went), what, why_here(i,
	    "nobody took it"));
	if (r != NULL)
		r->closed++;
}

/* One that is here still. */
static void
add_row(struct hand_item *i, struct hand_row *rows, size_t *n, size_t max)
{
	const char *what = hand_kind_of(i)->what(i);
	struct hand_row *r;

	if (what == NULL)
		return;
	r = row_for(rows, n, max, what, i->id != 0 ? "on its way" :
	    why_here(i, "not asked yet"));
	if (r != NULL)
		r->left++;
}

size_t
hand_rows(struct hand_row *rows, size_t max)
{
	size_t n = n_went < max ? n_went : max;

	memcpy(rows, went, n * sizeof *rows);
	for (size_t k = 0; k < NELEM(hand_lists); k++)
		LIST_EACH(it, hand_lists[k])
			add_row(LIST_ITEM(it, struct hand_item, node), rows,
			    &n, max);
	return (n);
}

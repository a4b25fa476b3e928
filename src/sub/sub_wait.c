/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sub_wait - a rule that waits for the answer to a request of ours.
 */
#include "sub_int.h"

bool
sub_wait_begin(struct sub_wait *w, const struct sub_ask *a, struct txn *t,
    const struct sub_ops *ops, void (*drop)(struct rule_wait *))
{
	if ((w->sub = sub_ask(a, t, ops, w)) == NULL)
		return (false);
	w->wait.drop = drop;
	w->txn = t;
	w->starting = true;
	sub_start(w->sub);
	w->starting = false;
	return (true);
}

void
sub_wait_over(void *wait)
{
	struct sub_wait *w = wait;

	w->sub = NULL;
	if (!w->starting)
		w->txn->ops->wake(w->txn);
}

void
sub_wait_drop(struct sub_wait *w)
{
	if (w->sub != NULL)
		sub_drop(w->sub);
	w->sub = NULL;
}

enum rule_verdict
sub_wait_pause(struct sub_wait *w, struct rule_run *run, int64_t ms)
{
	run->wait = &w->wait;
	run->paused = true;
	run->until_ms = the_loop->now_ms + ms;
	run->wait_ms = ms;
	return (RULE_WAIT);
}

bool
sub_wait_more(const struct sub_wait *w, const struct rule_run *run)
{
	return (w->sub != NULL && the_loop->now_ms < run->until_ms);
}

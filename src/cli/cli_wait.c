/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_wait - "wait": the session rests for a time, so that a list of commands
 * can pause between two of them, or until something has come about.
 *
 * Source: management manual 9.3 "wait".
 */
#include "cli_int.h"

#include <base/must.h>
#include <base/num.h>

#define LOOK_MS 20

extern const struct cli_condition *const __start_kw_cli_wait[]
    __attribute__((weak));
extern const struct cli_condition *const __stop_kw_cli_wait[]
    __attribute__((weak));

struct rest {
	struct cli_ctx *x;
	const struct cli_condition *until;      /* NULL: for the time */
	int64_t end_ms;
	struct tmr tmr;
};

/* True when there is nothing left to wait for; what there is to say was said. */
static bool
is_over(struct rest *r)
{
	enum cli_waiting w;

	if (r->until == NULL)
		return (the_loop->now_ms >= r->end_ms);
	w = r->until->look(r->x, r->x->at + 2);
	if (w == CLI_WAIT_OVER)
		cli_say(r->x, 5, "Done.");
	else if (w == CLI_WAIT_ON && the_loop->now_ms >= r->end_ms)
		cli_say(r->x, 3, "Wait delay expired.");
	else
		return (w == CLI_WAIT_NEVER);
	return (true);
}

static void
arm(struct rest *r)
{
	int64_t at = r->end_ms;

	if (r->until != NULL && the_loop->now_ms + LOOK_MS < at)
		at = the_loop->now_ms + LOOK_MS;
	tmr_arm(&the_loop->wheel, &r->tmr, at);
}

static void
on_time(struct tmr *t)
{
	struct rest *r = HOLDER(t, struct rest, tmr);

	if (is_over(r))
		cli_finish(r->x);
	else
		arm(r);
}

static const struct cli_condition *
find(struct span name)
{
	for (const struct cli_condition *const *c = __start_kw_cli_wait;
	    c < __stop_kw_cli_wait; c++)
		if (span_is(name, (*c)->name))
			return (*c);
	return (NULL);
}

static void
put_help(struct cli_ctx *x)
{
	text_addz(x->out, "usage: wait <delay> [<condition> [<argument>...]]\n"
	    "The delay is in milliseconds unless it has a unit: '2s'. "
	    "Conditions end it earlier:\n");
	for (const struct cli_condition *const *c = __start_kw_cli_wait;
	    c < __stop_kw_cli_wait; c++)
		text_printf(x->out, "  %s %s\n", (*c)->name, (*c)->args);
}

static enum cli_done
run_wait(struct cli_ctx *x)
{
	const struct cli_condition *until = NULL;
	int64_t us;
	struct rest *r;

	if (cli_is(x, x->at, "-h")) {
		put_help(x);
		return (CLI_DONE);
	}
	if (num_time(cli_arg(x, x->at), "ms", &us) != NUM_OK) {
		cli_say(x, 3, "'wait' expects a time such as '500ms' or '2s'; "
		    "without unit it means milliseconds.");
		return (CLI_DONE);
	}
	if (x->at + 1 < x->n && (until = find(x->arg[x->at + 1])) == NULL) {
		cli_say(x, 3, "'wait' knows no condition '%.*s': see 'wait "
		    "-h'.", SPAN_FMT(x->arg[x->at + 1]));
		return (CLI_DONE);
	}
	r = x->priv = cli_alloc(x, sizeof *r);
	r->x = x;
	r->until = until;
	r->end_ms = the_loop->now_ms + us / 1000;
	tmr_init(&r->tmr, on_time);
	if (until != NULL && is_over(r))
		return (CLI_DONE);
	arm(r);
	return (CLI_LATER);
}

static void
drop_wait(struct cli_ctx *x)
{
	struct rest *r = x->priv;

	tmr_stop(&the_loop->wheel, &r->tmr);
}

CLI_COMMAND(wait) = {
	.name = "wait", .args = "-h|<delay> [<condition> [<argument>]*]",
	.level = PX_LEVEL_USER, .run = run_wait, .dropped = drop_wait,
	.doc = "pause before the next command, or until a condition is met",
};

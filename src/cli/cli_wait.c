/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_wait - "wait": the session rests for a time, so that a list of commands
 * can pause between two of them.
 */
#include "cli_int.h"

#include <base/must.h>
#include <base/num.h>

struct rest {
	struct cli_ctx *x;
	struct tmr tmr;
};

static void
on_over(struct tmr *t)
{
	cli_finish(HOLDER(t, struct rest, tmr)->x);
}

static enum cli_done
run_wait(struct cli_ctx *x)
{
	int64_t us;
	struct rest *r;

	if (num_time(cli_arg(x, x->at), "ms", &us) != NUM_OK) {
		cli_say(x, 3, "'wait' expects a time such as '500ms' or '2s'; "
		    "without unit it means milliseconds.");
		return (CLI_DONE);
	}
	if (x->at + 1 < x->n) {
		cli_say(x, 3, "'wait' with the condition '%.*s' is not "
		    "supported yet.", SPAN_FMT(x->arg[x->at + 1]));
		return (CLI_DONE);
	}
	r = x->priv = cli_alloc(x, sizeof *r);
	r->x = x;
	tmr_init(&r->tmr, on_over);
	tmr_arm(&the_loop->wheel, &r->tmr, the_loop->now_ms + us / 1000);
	return (CLI_LATER);
}

static void
drop_wait(struct cli_ctx *x)
{
	struct rest *r = x->priv;

	tmr_stop(&the_loop->wheel, &r->tmr);
}

CLI_COMMAND(wait) = {
	.name = "wait", .args = "<delay>", .level = PX_LEVEL_USER,
	.run = run_wait, .dropped = drop_wait,
	.doc = "pause before the next command",
};

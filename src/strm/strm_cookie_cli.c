/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_cookie_cli - dynamic cookies of a backend, on and off and by another key.
 * Each worker keeps that for itself, also those forked later; it lasts as long as
 * the generation.
 *
 * Source: management manual 9.3: enable and disable dynamic-cookie backend, set
 * dynamic-cookie-key backend.
 */
#include "strm_cookie.h"

#include <agent/agent.h>
#include <base/must.h>
#include <cli/cli.h>

#include <string.h>

#define KEY_MAX 1024

enum what { TURN, NEW_KEY };

struct order {
	uint32_t what;                  /* enum what */
	uint32_t px_no;
	uint32_t on;                    /* TURN */
	uint32_t n;                     /* of the key */
	char key[KEY_MAX];
};

static void
obey(struct px *px, const struct order *o)
{
	struct cookie_cfg *c = px_edit(&px->slots, &strm_cookie_slot);

	if (o->what == NEW_KEY)
		c->key = arena_span(px_model->arena, span_of(o->key, o->n));
	else
		c->dynamic = o->on != 0;
}

static void
told(struct span data)
{
	struct order o;
	struct px *px;

	if (data.n != sizeof o)
		return;
	memcpy(&o, data.p, sizeof o);
	if ((px = px_by_no(o.px_no)) != NULL && o.n <= KEY_MAX)
		obey(px, &o);
}

AGENT_TOPIC(strm_cookie) = { .name = "cookie", .told = told };

static struct px *
want_backend(struct cli_ctx *x)
{
	if (cli_arg(x, x->at).n != 0)
		return (cli_want_backend(x, cli_arg(x, x->at)));
	cli_say(x, 3, "A backend name is expected.");
	return (NULL);
}

static enum cli_done
order(struct px *px, struct order o)
{
	o.px_no = px->no;
	obey(px, &o);
	agent_keep(&AGENT_TOPIC_OF(strm_cookie), &o, sizeof o,
	    offsetof(struct order, on));
	return (CLI_DONE);
}

static enum cli_done
run_enable(struct cli_ctx *x)
{
	struct px *px = want_backend(x);

	return (px == NULL ? CLI_DONE : order(px, (struct order){
	    .what = TURN, .on = 1 }));
}

static enum cli_done
run_disable(struct cli_ctx *x)
{
	struct px *px = want_backend(x);

	return (px == NULL ? CLI_DONE : order(px, (struct order){
	    .what = TURN }));
}

static enum cli_done
run_key(struct cli_ctx *x)
{
	struct px *px = want_backend(x);
	struct order o = { .what = NEW_KEY };
	struct span key = cli_arg(x, x->at + 1);

	if (px == NULL)
		return (CLI_DONE);
	if (x->at + 1 >= x->n) {
		cli_say(x, 3, "String value expected.");
		return (CLI_DONE);
	}
	if (key.n > KEY_MAX) {
		cli_say(x, 3, "The key is too long: at most %d bytes.",
		    KEY_MAX);
		return (CLI_DONE);
	}
	o.n = (uint32_t)key.n;
	memcpy(o.key, key.p == NULL ? "" : key.p, key.n);
	return (order(px, o));
}

CLI_COMMAND(enable_dynamic_cookie) = {
	.name = "enable dynamic-cookie backend", .args = "<backend>",
	.level = PX_LEVEL_ADMIN, .run = run_enable,
	.doc = "servers without a cookie value have one made from their address",
};
CLI_COMMAND(disable_dynamic_cookie) = {
	.name = "disable dynamic-cookie backend", .args = "<backend>",
	.level = PX_LEVEL_ADMIN, .run = run_disable,
	.doc = "no such values any more",
};
CLI_COMMAND(set_dynamic_cookie_key) = {
	.name = "set dynamic-cookie-key backend", .args = "<backend> <key>",
	.level = PX_LEVEL_ADMIN, .run = run_key,
	.doc = "another key for such values; clients lose their servers",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_live - servers and backends that come and go: "add server", "del server",
 * "publish backend", "unpublish backend", and "wait … srv-removable".
 *
 * Source: management manual 9.3.
 */
#include "stat_int.h"

#include <chk/chk.h>
#include <chk/live.h>
#include <px/live.h>
#include <srv/live.h>

struct doing {
	struct cli_ctx *x;
	const char *well;               /* what is said when it is done */
	uint32_t no;
};

static void
done(const char *why, void *arg)
{
	struct doing *d = arg;

	cli_say(d->x, why == NULL ? 5 : 3, "%s", why == NULL ? d->well : why);
	cli_finish(d->x);
}

static void
dropped(struct cli_ctx *x)
{
	struct doing *d = x->priv;

	chk_live_drop(d->no);
}

static struct doing *
begin(struct cli_ctx *x, const char *well)
{
	struct doing *d = x->priv = cli_alloc(x, sizeof *d);

	d->x = x;
	d->well = well;
	return (d);
}

/* ---- add server ---- */

static bool
is_name(struct cli_ctx *x, struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.' || c == ':')
			continue;
		cli_say(x, 3, "character '%c' is not permitted in server name "
		    "'%.*s'.", c, SPAN_FMT(name));
		return (false);
	}
	return (true);
}

/* "app/web9": a name that is free in a backend that can take it. */
static struct px *
want_place(struct cli_ctx *x, struct span *name)
{
	struct span be;
	struct px *px;

	*name = cli_arg(x, x->at);
	if (span_find(*name, '/') < 0 || !span_cut(name, '/', &be) ||
	    name->n == 0) {
		cli_say(x, 3, "Require 'backend/server'.");
		return (NULL);
	}
	if (!is_name(x, *name) || (px = cli_want_backend(x, be)) == NULL)
		return (NULL);
	if (!srv_live_fits(px))
		cli_say(x, 3, "Backend must use a dynamic load balancing to "
		    "support dynamic servers.");
	else if (px_server_find(px, *name) != NULL)
		cli_say(x, 3, "Already exists a server with the same name in "
		    "backend.");
	else
		return (px);
	return (NULL);
}

/* The keeper makes the server: it is spared words that are wrong. */
static bool
is_fine(struct cli_ctx *x, struct px *px, struct span name)
{
	struct px_server *sv;
	struct diags diags;

	diags_init(&diags);
	sv = px_live_parse(px, name, &x->arg[x->at + 1], x->n - x->at - 1,
	    &diags);
	LIST_EACH(it, &diags.all) {
		const struct diag *d = LIST_ITEM(it, struct diag, node);

		if (d->level != DIAG_ALERT)
			continue;
		cli_say(x, 3, d->hint == NULL ? "%s." : "%s; %s", d->text,
		    d->hint);
		break;
	}
	diags_fini(&diags);
	return (sv != NULL);
}

static enum cli_done
run_add(struct cli_ctx *x)
{
	struct span name;
	struct px *px = want_place(x, &name);
	struct doing *d;

	if (px == NULL || !is_fine(x, px, name))
		return (CLI_DONE);
	d = begin(x, "New server registered.");
	d->no = chk_live_add(px, name, &x->arg[x->at + 1], x->n - x->at - 1,
	    done, d);
	return (CLI_LATER);
}

CLI_COMMAND(add_server) = {
	.name = "add server", .args = "<bk>/<srv> <address> [<word>]*",
	.level = PX_LEVEL_ADMIN, .run = run_add, .dropped = dropped,
	.doc = "a server that the configuration does not have; it begins in "
	    "maintenance",
};

/* ---- del server ---- */

static enum cli_done
run_del(struct cli_ctx *x)
{
	struct px_server *sv = cli_want_server(x, cli_arg(x, x->at));
	struct doing *d;
	const char *why;

	if (sv == NULL)
		return (CLI_DONE);
	if ((why = chk_live_busy(srv_of(sv))) != NULL) {
		cli_say(x, 3, "%s", why);
		return (CLI_DONE);
	}
	d = begin(x, "Server deleted.");
	d->no = chk_live_del(srv_of(sv), done, d);
	return (CLI_LATER);
}

CLI_COMMAND(del_server) = {
	.name = "del server", .args = "<bk>/<srv>",
	.level = PX_LEVEL_ADMIN, .run = run_del, .dropped = dropped,
	.doc = "delete a server that is in maintenance and has no connections",
};

/* ---- publish backend, unpublish backend ---- */

static enum cli_done
publish(struct cli_ctx *x, bool on)
{
	struct px *px = cli_want_backend(x, cli_arg(x, x->at));

	if (px != NULL)
		atomic_store(&be_of(px)->shm->unpublished, !on);
	return (CLI_DONE);
}

static enum cli_done
run_publish(struct cli_ctx *x)
{
	return (publish(x, true));
}

static enum cli_done
run_unpublish(struct cli_ctx *x)
{
	return (publish(x, false));
}

CLI_COMMAND(publish_backend) = {
	.name = "publish backend", .args = "<backend>",
	.level = PX_LEVEL_ADMIN, .run = run_publish,
	.doc = "let lines that choose a backend choose this one again",
};
CLI_COMMAND(unpublish_backend) = {
	.name = "unpublish backend", .args = "<backend>",
	.level = PX_LEVEL_ADMIN, .run = run_unpublish,
	.doc = "let lines that choose a backend pass this one by",
};

/* ---- wait ---- */

/* In maintenance, what keeps it goes away by itself. */
static enum cli_waiting
look_removable(struct cli_ctx *x, int i)
{
	struct px_server *sv = cli_want_server(x, cli_arg(x, i));
	const struct srv *srv = srv_of(sv);
	const char *why;

	if (sv == NULL)
		return (CLI_WAIT_NEVER);
	if ((why = chk_live_busy(srv)) == NULL)
		return (CLI_WAIT_OVER);
	if (!sv->referred && (srv->shm->admin & SRV_MAINT) != 0)
		return (CLI_WAIT_ON);
	cli_say(x, 3, "%s", why);
	return (CLI_WAIT_NEVER);
}

CLI_CONDITION(srv_removable) = {
	.name = "srv-removable", .args = "<bk>/<srv>", .look = look_removable,
};
